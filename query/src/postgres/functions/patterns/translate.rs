//! Patterns of LIKE, SIMILAR TO and `substring` in the forms that DataFusion knows.

use crate::error::{Error, Result, SqlState};

fn lone_escape() -> Error {
    Error::new(SqlState::InvalidEscapeSequence, "a pattern must not end with its escape character")
}

/// A pattern of LIKE with the backslash for its escape character.
pub(crate) fn with_backslashes(pattern: &str, escape: Option<char>) -> Result<String> {
    let mut out = String::with_capacity(pattern.len());
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        if Some(c) == escape {
            out.push('\\');
            out.push(chars.next().ok_or_else(lone_escape)?);
        } else {
            if c == '\\' {
                out.push('\\');
            }
            out.push(c);
        }
    }
    Ok(out)
}

/// The pattern of `substring(text FROM 'a#"b#"c' FOR '#')`, whose marked part is the answer.
pub(crate) fn marked_part(pattern: &str, escape: char) -> Result<String> {
    let mark = format!("{escape}\"");
    let parts =
        pattern.split(&mark).map(|part| translated(part, Some(escape))).collect::<Result<Vec<_>>>()?;
    match parts.as_slice() {
        [whole] => Ok(format!("(?s)^({whole})$")),
        [before, part, after] => Ok(format!("(?s)^(?:{before})({part})(?:{after})$")),
        _ => Err(Error::new(
            SqlState::InvalidUseOfEscapeCharacter,
            "a pattern has two marks around its part, or none",
        )),
    }
}

/// A pattern of SIMILAR TO as a regular expression for the whole text.
pub(crate) fn regular_expression(pattern: &str, escape: Option<char>) -> Result<String> {
    Ok(format!("(?s)^(?:{})$", translated(pattern, escape)?))
}

/// A pattern of SIMILAR TO as a regular expression, whose groups are not captured.
fn translated(pattern: &str, escape: Option<char>) -> Result<String> {
    let mut out = String::with_capacity(pattern.len());
    let mut in_class = false;
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        match c {
            c if Some(c) == escape => {
                out.push('\\');
                out.push(chars.next().ok_or_else(lone_escape)?);
            }
            '\\' => out.push_str("\\\\"),
            '[' if !in_class => {
                in_class = true;
                out.push('[');
            }
            ']' => {
                in_class = false;
                out.push(']');
            }
            c if in_class => out.push(c),
            '%' => out.push_str(".*"),
            '_' => out.push('.'),
            '(' => out.push_str("(?:"),
            '.' | '^' | '$' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    Ok(out)
}
