//! SQL's names in the place of those that DataFusion and arrow have for types, literals and columns.
//!
//! | in their messages | in ours |
//! |---|---|
//! | `Int64`, `Utf8View`, `Decimal128(5, 1)`, `Timestamp(µs, "UTC")`, `List(Int64)` | `BIGINT`, `TEXT`, `DECIMAL(5, 1)`, `TIMESTAMPTZ`, `BIGINT[]` |
//! | `Int64(1)`, `Utf8("a")`, `Decimal128(Some(15),2,1)` | `1`, `'a'`, `1.5` |
//! | `Column(Column { relation: …, name: "i" })`, `Field { name: "i", data_type: Int64, … }` | `i`, `BIGINT` |

/// A message with SQL's names.
pub(super) fn with_sql_names(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = rest.find(|c: char| !is_word(c)).unwrap_or(rest.len());
        if length == 0 {
            out.push(first);
            rest = &rest[first.len_utf8()..];
            continue;
        }
        let (word, after) = rest.split_at(length);
        if let Some((name, taken)) = renamed(word, after) {
            out.push_str(&name);
            rest = &after[taken..];
        } else {
            out.push_str(word);
            rest = after;
        }
    }
    out
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// SQL name of a word, and length of the text behind it that belongs to it, in bytes.
fn renamed(word: &str, after: &str) -> Option<(String, usize)> {
    if let Some(name) = plain_type(word) {
        // With something in parentheses it is a literal.
        return Some(match in_brackets(after, '(', ')') {
            Some((value, taken)) => (literal(value), taken),
            None => (name.to_owned(), 0),
        });
    }
    let args = in_brackets(after, '(', ')');
    let (inner, taken) = args.unwrap_or_default();
    let name = match word {
        "FixedSizeBinary" => "BYTEA".to_owned(),
        "Decimal32" | "Decimal64" | "Decimal128" | "Decimal256" => decimal(inner),
        "Timestamp" if args.is_none() || !inner.contains(',') || inner.ends_with("None") => {
            "TIMESTAMP".to_owned()
        }
        "Timestamp" => "TIMESTAMPTZ".to_owned(),
        "Time32" | "Time64" => "TIME".to_owned(),
        "Interval" | "Duration" if args.is_some() => "INTERVAL".to_owned(),
        "List" | "LargeList" | "FixedSizeList" | "ListView" | "LargeListView" if args.is_some() => {
            let element = inner.split(';').next().unwrap_or(inner);
            format!("{}[]", with_sql_names(element.trim()))
        }
        "Struct" if args.is_some() => "RECORD".to_owned(),
        "Literal" | "Column" | "Some" if args.is_some() => with_sql_names(inner),
        "Column" => {
            return in_brackets(after.trim_start(), '{', '}').map(|(body, taken)| {
                (quoted_after(body, "name: ").unwrap_or_default().to_owned(), taken + leading_spaces(after))
            });
        }
        "Field" => {
            return in_brackets(after.trim_start(), '{', '}')
                .map(|(body, taken)| (field_type(body), taken + leading_spaces(after)));
        }
        _ => return None,
    };
    Some((name, taken))
}

fn plain_type(word: &str) -> Option<&'static str> {
    Some(match word {
        "Boolean" => "BOOLEAN",
        "Int8" | "UInt8" | "Int16" => "SMALLINT",
        "UInt16" | "Int32" => "INTEGER",
        "UInt32" | "Int64" | "UInt64" => "BIGINT",
        "Float16" | "Float32" => "REAL",
        "Float64" => "DOUBLE PRECISION",
        "Utf8" | "LargeUtf8" | "Utf8View" => "TEXT",
        "Date32" | "Date64" => "DATE",
        "Binary" | "LargeBinary" | "BinaryView" => "BYTEA",
        "IntervalMonthDayNano" | "TimestampMicrosecond" | "TimestampNanosecond" => "INTERVAL",
        _ => return None,
    })
}

/// A literal as it is written in SQL.
fn literal(value: &str) -> String {
    match value.strip_prefix('"').and_then(|value| value.strip_suffix('"')) {
        Some(text) => format!("'{text}'"),
        None => value.to_owned(),
    }
}

/// `5, 1` as a type, `Some(15),2,1` as a number.
fn decimal(args: &str) -> String {
    let mut parts = args.split(',').map(str::trim);
    let Some(first) = parts.next().filter(|first| !first.is_empty()) else { return "DECIMAL".to_owned() };
    if first == "None" {
        return "NULL".to_owned();
    }
    let Some(digits) = first.strip_prefix("Some(").and_then(|digits| digits.strip_suffix(')')) else {
        return format!("DECIMAL({args})");
    };
    let scale = parts.nth(1).and_then(|scale| scale.parse().ok()).unwrap_or(0_usize);
    let (sign, digits) = digits.strip_prefix('-').map_or(("", digits), |digits| ("-", digits));
    if scale == 0 {
        return format!("{sign}{digits}");
    }
    let digits = format!("{digits:0>width$}", width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    format!("{sign}{whole}.{fraction}")
}

/// The type of a column's description.
fn field_type(body: &str) -> String {
    let described = body.split("data_type: ").nth(1).or_else(|| body.split(": ").nth(1)).unwrap_or("column");
    let end = described.find(", nullable").unwrap_or(described.len());
    with_sql_names(described[..end].trim().trim_start_matches("nullable "))
}

fn quoted_after<'t>(text: &'t str, label: &str) -> Option<&'t str> {
    let (_, rest) = text.rsplit_once(label)?;
    rest.strip_prefix('"')?.split('"').next()
}

fn leading_spaces(text: &str) -> usize {
    text.len() - text.trim_start().len()
}

/// Content of the brackets that a text begins with, and its length with them, in bytes.
fn in_brackets(text: &str, open: char, close: char) -> Option<(&str, usize)> {
    if !text.starts_with(open) {
        return None;
    }
    let mut depth = 0_usize;
    let mut in_quotes = false;
    for (index, c) in text.char_indices() {
        match c {
            '"' => in_quotes = !in_quotes,
            c if in_quotes || !(c == open || c == close) => {}
            c if c == open => depth += 1,
            _ => {
                depth -= 1;
                if depth == 0 {
                    return Some((&text[1..index], index + 1));
                }
            }
        }
    }
    None
}
