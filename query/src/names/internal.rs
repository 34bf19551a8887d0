//! Spellings that are made up inside, each with how it is made, recognised and taken out of what users see.
//!
//! | spelling | stands for |
//! |---|---|
//! | `name ␁ n` | the n-th column of a select list that shares its name with another |
//! | `database ␂ moment` as a catalog | a table at a point: the planner compares scans by name, and must tell two moments of a table apart |
//! | `__bygone_key` | the hidden column with a row's encoded key |
//! | `__bygone_unmarked` | a query around one whose columns have marks, which takes them away |
//! | `__bygone_shared` | a `WITH` query whose rows are computed once |
//! | `__bygone_rows`, `__bygone_rows0` | the subquery whose rows a row is compared with, and its columns |
//! | `__bygone_target` | the table that an UPDATE or DELETE changes |
//! | `__bygone_array`, `__bygone_slice` | the functions that `ARRAY[…]` and `array[a:b]` are planned as |
//! | `__bygone_value` | the function that holds a value of `VALUES` until its column has a type |
//! | `__bygone_like`, `__bygone_similar`, `__bygone_substring` | the functions that patterns which are no literals, and `substring(a, b)`, are planned as |
//! | `__bygone_any_eq`, … | the functions that `x = ANY(array)`, … are planned as |
//! | `__bygone_is_there` | the hidden column of a table of an outer join whose rows `count(t.*)` counts |
//!
//! ␁ and ␂ are control characters, which no object can be named with; names with `__bygone` in front are
//! refused for columns.

use std::fmt;

use datafusion::{common::TableReference, logical_expr::Operator};
use sqlparser::ast::BinaryOperator;

use super::ObjectPath;

/// Ends the name of a column that shares it with another one; a number follows.
const COLUMN_MARK: char = '\u{1}';

/// Ends the name of a database in the name of a scan; a moment follows.
const MOMENT_MARK: char = '\u{2}';

/// The hidden column that holds a row's encoded key; only the targets of UPDATE and DELETE have it.
pub(crate) const ROW_KEY_COLUMN: &str = "__bygone_key";

/// The name that the target of an UPDATE or DELETE has in its query.
pub(crate) const TARGET_TABLE: &str = "__bygone_target";

/// The hidden column that is true in every row of a table.
pub(crate) const IS_THERE_COLUMN: &str = "__bygone_is_there";

/// The name of a subquery whose rows are compared with a row; a column's name ends with its number.
pub(crate) const COMPARED_ROWS: &str = "__bygone_rows";

/// The name of a query whose rows are shared.
pub(crate) const SHARED_QUERY: &str = "__bygone_shared";

/// The name of a query in the query around it that takes the marks from its columns.
pub(crate) const UNMARKED_QUERY: &str = "__bygone_unmarked";

/// The function that `ARRAY[…]` is planned as.
pub(crate) const ARRAY_LITERAL: &str = "__bygone_array";

/// The function that holds a value of `VALUES` until its column has a type.
pub(crate) const ROW_VALUE: &str = "__bygone_value";

/// The function that `array[a:b]` is planned as.
pub(crate) const ARRAY_SLICE: &str = "__bygone_slice";

/// The function that makes a pattern of LIKE of one with an escape character of its own.
pub(crate) const LIKE_PATTERN: &str = "__bygone_like";

/// The function that makes a regular expression of a pattern of SIMILAR TO.
pub(crate) const SIMILAR_PATTERN: &str = "__bygone_similar";

/// The function that `substring(a, b)` is planned as.
pub(crate) const SUBSTRING: &str = "__bygone_substring";

/// Elements of an array that a comparison must hold of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Quantifier {
    Any,
    All,
}

impl fmt::Display for Quantifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Any => "ANY",
            Self::All => "ALL",
        })
    }
}

/// The operators that compare a value with the elements of an array, and how their functions are called.
pub(crate) const QUANTIFIED_OPERATORS: &[(Operator, &str)] = &[
    (Operator::Eq, "eq"),
    (Operator::NotEq, "ne"),
    (Operator::Lt, "lt"),
    (Operator::LtEq, "le"),
    (Operator::Gt, "gt"),
    (Operator::GtEq, "ge"),
];

/// The function that `x op ANY(array)` or `x op ALL(array)` is planned as; none for operators that do not
/// compare.
pub(crate) fn quantified_name(op: Operator, quantifier: Quantifier) -> Option<String> {
    let (_, name) = QUANTIFIED_OPERATORS.iter().find(|(known, _)| *known == op)?;
    let quantifier = match quantifier {
        Quantifier::Any => "any",
        Quantifier::All => "all",
    };
    Some(format!("__bygone_{quantifier}_{name}"))
}

/// As [`quantified_name`], of the operator as it is written.
pub(crate) fn quantified_name_of(op: &BinaryOperator, quantifier: Quantifier) -> Option<String> {
    let op = match op {
        BinaryOperator::Eq => Operator::Eq,
        BinaryOperator::NotEq => Operator::NotEq,
        BinaryOperator::Lt => Operator::Lt,
        BinaryOperator::LtEq => Operator::LtEq,
        BinaryOperator::Gt => Operator::Gt,
        BinaryOperator::GtEq => Operator::GtEq,
        _ => return None,
    };
    quantified_name(op, quantifier)
}

/// The name of a column that shares its own with others, told apart by its position.
pub(crate) fn marked(name: &str, index: usize) -> String {
    format!("{name}{COLUMN_MARK}{index}")
}

/// A name that [`marked`] made.
pub(crate) fn is_marked(name: &str) -> bool {
    name.contains(COLUMN_MARK)
}

/// The name as users see it.
pub(crate) fn shown_name(name: &str) -> &str {
    name.split(COLUMN_MARK).next().unwrap_or(name)
}

/// Whether a plan has several columns of that name.
pub(crate) fn is_ambiguous<'n>(name: &str, known: impl IntoIterator<Item = &'n str>) -> bool {
    known.into_iter().filter(|known| *known != name && shown_name(known) == name).nth(1).is_some()
}

/// A text with the marks of its columns' names cut off.
pub(crate) fn without_marks(text: &str) -> String {
    let mut parts = text.split(COLUMN_MARK);
    let mut shown = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        shown.push_str(part.trim_start_matches(|c: char| c.is_ascii_digit()));
    }
    shown
}

/// The name of a scan of an object at a moment: a timestamp, or a word for the newest one.
pub(crate) fn scan_name(path: &ObjectPath, moment: &str) -> TableReference {
    let database = format!("{}{MOMENT_MARK}{moment}", path.database);
    TableReference::full(database, path.schema.as_str(), path.name.as_str())
}

/// A name that [`scan_name`] made.
pub(crate) fn is_scan_name(name: &TableReference) -> bool {
    name.catalog().is_some_and(|database| database.contains(MOMENT_MARK))
}

/// The name of a relation that stands for no object, such as the constants of a lookup.
pub(crate) fn is_made_up(name: &TableReference) -> bool {
    name.table().starts_with(COLUMN_MARK)
}

/// The names of scans in a plan as text, readable: `database@moment`.
pub(crate) fn with_shown_moments(text: &str) -> String {
    text.replace(MOMENT_MARK, "@")
}

/// A message without the databases and moments of the names of scans.
pub(crate) fn without_scan_names(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(MOMENT_MARK) {
        let (before, after) = (&rest[..at], &rest[at + MOMENT_MARK.len_utf8()..]);
        let moment = after.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(after.len());
        // The database's name goes with it: between quotes if it has them.
        let (start, end) = match after[moment..].strip_prefix('"') {
            Some(_) => (before.rfind('"').unwrap_or(at), moment + 1),
            None => (before.rfind(|c: char| !(c.is_alphanumeric() || c == '_')).map_or(0, |i| i + 1), moment),
        };
        out.push_str(&before[..start]);
        rest = after[end..].strip_prefix('.').unwrap_or(&after[end..]);
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_lose_made_up_names_and_keep_everything_else() {
        let path = ObjectPath::new("main", "public", "orders");
        let scan = scan_name(&path, "123");
        assert!(is_scan_name(&scan));
        assert!(!is_scan_name(&TableReference::full("a@b", "public", "orders")));
        assert_eq!(without_scan_names(&format!("no {scan}.v in a@b.c")), "no public.orders.v in a@b.c");
        assert_eq!(without_scan_names("no \"main\u{2}latest\".public.t, 'x@y'"), "no public.t, 'x@y'");
        assert_eq!(without_marks("max\u{1}12 of v\u{1}3"), "max of v");
        assert_eq!(shown_name(&marked("v", 3)), "v");
    }
}
