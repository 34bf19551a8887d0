//! Mistakes of users that DataFusion finds, with Postgres' codes and in its words. Its own messages name Rust
//! types, list candidates, or call themselves internal errors.

use super::{Error, SqlState, similar};

/// Functions that stand before OVER only.
const WINDOW_FUNCTIONS: [&str; 11] = [
    "row_number",
    "rank",
    "dense_rank",
    "percent_rank",
    "cume_dist",
    "ntile",
    "lead",
    "lag",
    "first_value",
    "last_value",
    "nth_value",
];

/// Messages that say an operator has no such operands: what they begin with, and what ends the operands.
const NO_OPERATOR: [(&str, &str); 8] = [
    ("Cannot infer common argument type for comparison operation ", ""),
    ("Cannot infer common argument type for regex operation ", ""),
    ("Cannot infer common type for bitwise operation ", ""),
    ("Cannot infer common string type for string concat operation ", ""),
    ("Cannot coerce arithmetic expression ", " to valid types"),
    ("Cannot get result type for arithmetic operation ", ": "),
    ("Cannot get result type for temporal operation ", ": "),
    ("Invalid comparison operation: ", ""),
];

/// Messages by what is in them, their codes, and what is said instead; nothing for what they say themselves.
const BY_PHRASE: [(&str, SqlState, &str); 30] = [
    (
        "Aggregate functions are not allowed in the WHERE clause",
        SqlState::GroupingError,
        "aggregate functions are not allowed in WHERE",
    ),
    (
        "Aggregate function calls cannot be nested",
        SqlState::GroupingError,
        "aggregate function calls cannot be nested",
    ),
    (
        "queries have different number of columns",
        SqlState::SyntaxError,
        "each branch of a UNION must have as many columns as the first",
    ),
    (
        "recursive term must have the same number of columns",
        SqlState::SyntaxError,
        "both terms of a recursive query must have as many columns",
    ),
    (
        "Order by index starts at 1",
        SqlState::InvalidColumnReference,
        "ORDER BY position 0 is not in the select list",
    ),
    (
        "invalid digit found in string",
        SqlState::SyntaxError,
        "a constant in ORDER BY must be a whole number, the position of a column",
    ),
    (
        "appear in select list",
        SqlState::InvalidColumnReference,
        "for SELECT DISTINCT, what ORDER BY names must be in the select list",
    ),
    (
        "SELECT DISTINCT ON expressions must match",
        SqlState::InvalidColumnReference,
        "the expressions of SELECT DISTINCT ON must be the first ones of ORDER BY",
    ),
    (
        "In an aggregate with DISTINCT, ORDER BY",
        SqlState::InvalidColumnReference,
        "in an aggregate with DISTINCT, ORDER BY expressions must appear in the argument list",
    ),
    ("WITH query name", SqlState::DuplicateAlias, ""),
    (
        "Inconsistent data length across values list",
        SqlState::SyntaxError,
        "all rows of VALUES must have as many values",
    ),
    ("Invalid window frame", SqlState::WindowingError, ""),
    (
        "Aggregate ORDER BY is not implemented for window functions",
        SqlState::FeatureNotSupported,
        "aggregate ORDER BY is not implemented for window functions",
    ),
    (
        "NTILE requires a positive integer",
        SqlState::InvalidArgumentForNtile,
        "the argument of ntile must be greater than zero",
    ),
    ("LIMIT must be >= 0", SqlState::InvalidRowCountInLimitClause, "LIMIT must not be negative"),
    ("OFFSET must be >=0", SqlState::InvalidRowCountInOffsetClause, "OFFSET must not be negative"),
    (
        "take square root of a negative number",
        SqlState::InvalidArgumentForPowerFunction,
        "cannot take square root of a negative number",
    ),
    (
        "zero raised to a negative power",
        SqlState::InvalidArgumentForPowerFunction,
        "zero raised to a negative power is undefined",
    ),
    ("Step cannot be zero", SqlState::InvalidParameterValue, "the step of a series must not be zero"),
    ("field position must not be zero", SqlState::InvalidParameterValue, "field position must not be zero"),
    ("Date part '", SqlState::InvalidParameterValue, ""),
    ("There is no built-in encoding", SqlState::InvalidParameterValue, ""),
    ("Failed to decode value", SqlState::InvalidParameterValue, ""),
    (
        "Unary operator '-' only supports",
        SqlState::UndefinedFunction,
        "operator - takes a number or an interval",
    ),
    (
        "is not Struct, Map, or Null",
        SqlState::WrongObjectType,
        "a field or a key is asked of what is no record and no map",
    ),
    ("unnest() can only be applied", SqlState::UndefinedFunction, "unnest takes an array"),
    (
        "must be an INTEGER, TIMESTAMP, DATE or NULL",
        SqlState::UndefinedFunction,
        "generate_series takes whole numbers, dates or times",
    ),
    ("Expected an integer value", SqlState::UndefinedFunction, "the offset must be a whole number"),
    ("invalid Unicode scalar value", SqlState::InvalidParameterValue, ""),
    (
        "more than one row",
        SqlState::CardinalityViolation,
        "more than one row returned by a subquery used as an expression",
    ),
];

/// The error that a message stands for, if it is a known one.
pub(super) fn known(message: &str) -> Option<Error> {
    operator(message)
        .or_else(|| function(message))
        .or_else(|| grouping(message))
        .or_else(|| boolean(message))
        .or_else(|| cast(message))
        .or_else(|| position(message))
        .or_else(|| names(message))
        .or_else(|| regular_expression(message))
        .or_else(|| phrase(message))
}

fn phrase(message: &str) -> Option<Error> {
    let (_, state, words) = BY_PHRASE.iter().find(|(phrase, ..)| message.contains(phrase))?;
    Some(Error::new(*state, if words.is_empty() { lowercase(message) } else { (*words).to_owned() }))
}

fn operator(message: &str) -> Option<Error> {
    let operands = NO_OPERATOR.iter().find_map(|(start, end)| {
        let operands = message.strip_prefix(start)?;
        Some(
            if end.is_empty() { operands } else { operands.split(end).next().unwrap_or(operands) }.to_owned(),
        )
    });
    let operands = operands
        .or_else(|| {
            let types = between(message, "isn't a common type to coerce ", " in LIKE")?;
            Some(types.replacen(" and ", " LIKE ", 1))
        })
        .or_else(|| {
            let types = message.strip_prefix("Can not find compatible types to compare ")?;
            Some(types.replacen(" with [", " IN (", 1).replace(']', ")"))
        })?;
    let hint = "cast one side to the type of the other";
    Some(Error::no_function(format!("operator does not exist: {operands}")).with_hint(hint))
}

fn function(message: &str) -> Option<Error> {
    if let Some(name) = between(message, "Invalid function '", "'") {
        if WINDOW_FUNCTIONS.contains(&name) {
            let message = format!("window function {name} requires an OVER clause");
            return Some(Error::new(SqlState::WrongObjectType, message));
        }
        let offered = between(message, "Did you mean '", "'");
        let found = offered.filter(|offered| !similar(name, [*offered]).is_empty());
        let hint = found.map(|found| format!("did you mean {found}?")).unwrap_or_default();
        return Some(Error::no_function(format!("function {name} does not exist")).with_hint(hint));
    }
    let hint = "cast the arguments to types that it takes";
    if let Some(call) = between(message, "given name and argument types '", "'. You might") {
        return Some(Error::no_function(format!("function {call} does not exist")).with_hint(hint));
    }
    if message.contains("failed to match any signature") {
        let name = between(message, "Function '", "'")?;
        let call = match between(message, "(DataType: ", ").") {
            Some(data_type) => format!("does not take {data_type}"),
            None => "does not take these arguments".to_owned(),
        };
        return Some(Error::no_function(format!("function {name} {call}")).with_hint(hint));
    }
    None
}

fn grouping(message: &str) -> Option<Error> {
    if !message.contains("must appear in the GROUP BY clause") {
        return None;
    }
    let column =
        between(message, "column \"", "\" must").or_else(|| between(message, "references: ", " must"))?;
    Some(Error::new(
        SqlState::GroupingError,
        format!("column {column} must appear in the GROUP BY clause or be used in an aggregate function"),
    ))
}

fn boolean(message: &str) -> Option<Error> {
    let wrong = |place: &str, found: &str| {
        Error::new(
            SqlState::DatatypeMismatch,
            format!("argument of {place} must be BOOLEAN, not {}", found.trim_end_matches('.')),
        )
    };
    if let Some((_, found)) = message.split_once(" returning ")
        && message.starts_with("Cannot create filter with non-boolean predicate")
    {
        return Some(wrong("WHERE", found));
    }
    if let Some(found) = message.strip_prefix("Join condition must be boolean type, but got ") {
        return Some(wrong("JOIN … ON", found));
    }
    if let Some((_, found)) = message.split_once("'NOT' requires a boolean expression, got ") {
        return Some(wrong("NOT", found));
    }
    if let Some(operands) =
        message.strip_prefix("Cannot infer common argument type for logical boolean operation ")
    {
        let operator = if operands.contains(" AND ") { "AND" } else { "OR" };
        let found = operands.split(&format!(" {operator} ")).find(|operand| *operand != "BOOLEAN")?;
        return Some(wrong(operator, found));
    }
    let found = message
        .strip_prefix("Expected LIMIT to be an integer or null, but got ")
        .map(|found| ("LIMIT", found));
    let found = found.or_else(|| {
        message
            .strip_prefix("Expected OFFSET to be an integer or null, but got ")
            .map(|found| ("OFFSET", found))
    });
    found.map(|(place, found)| {
        Error::new(
            SqlState::DatatypeMismatch,
            format!("argument of {place} must be BIGINT, not {}", found.trim_end_matches('.')),
        )
    })
}

fn cast(message: &str) -> Option<Error> {
    if let Some((_, types)) = message.split_once("Unsupported CAST from ") {
        let (from, to) = types.split_once(" to ")?;
        return Some(Error::new(SqlState::CannotCoerce, format!("cannot cast {from} to {to}")));
    }
    if let Some((_, cast)) = message.split_once("Can't cast value ") {
        let (value, data_type) = cast.split_once(" to type ")?;
        return Some(Error::out_of_range(value, data_type));
    }
    if let Some((value, limits)) = message.split_once(" is too large to store in a ") {
        let digits = between(limits, "of precision ", ".")?;
        return Some(Error::out_of_range(value, format!("a DECIMAL of {digits} digits")));
    }
    if let Some((text, data_type)) =
        between(message, "Cannot cast string '", " type").and_then(|cast| cast.split_once("' to value of "))
    {
        return Some(Error::bad_text(text, data_type));
    }
    if let Some(operation) = message.split_once("Overflow happened on: ").map(|(_, operation)| operation) {
        return Some(Error::new(SqlState::NumericValueOutOfRange, format!("{operation} is out of range")));
    }
    let types = message.contains("Inconsistent data type across values list").then_some(message)?;
    let (one, other) = types.split_once("Was ")?.1.split_once(" but found ")?;
    let message = format!("VALUES types {one} and {other} cannot be matched");
    Some(Error::type_mismatch(message).with_hint("cast one of them to the type of the other"))
}

fn position(message: &str) -> Option<Error> {
    let outside = |place: &str, at: &str| {
        Error::new(
            SqlState::InvalidColumnReference,
            format!("{place} position {at} is not in the select list"),
        )
    };
    if let Some(at) = between(message, "Order by column out of bounds, specified: ", ",") {
        return Some(outside("ORDER BY", at));
    }
    between(message, "Cannot find column with position ", " in").map(|at| outside("GROUP BY", at))
}

fn names(message: &str) -> Option<Error> {
    if let Some(name) = message.strip_prefix("Invalid qualifier ") {
        let message = format!("table {name} is not in FROM");
        return Some(Error::new(SqlState::UndefinedTable, message));
    }
    let (columns, names) =
        message.strip_prefix("Source table contains ")?.split_once(" columns but only ")?;
    let names = names.split(' ').next()?;
    Some(Error::new(
        SqlState::InvalidColumnReference,
        format!("a table of {columns} columns is given names for {names}"),
    ))
}

fn regular_expression(message: &str) -> Option<Error> {
    if !message.contains("regex parse error") && !message.contains("Regular expression did not compile") {
        return None;
    }
    if message.contains("unrecognized flag") {
        return Some(
            Error::new(SqlState::InvalidParameterValue, "invalid regular expression option")
                .with_hint("the options are g, i, m, s and x"),
        );
    }
    for (reason, what) in [
        ("backreferences are not supported", "a back reference in a regular expression"),
        ("look-around", "a look-ahead or look-behind in a regular expression"),
    ] {
        if message.contains(reason) {
            return Some(Error::unsupported(what).with_hint("match the parts one by one"));
        }
    }
    let reason = message.rsplit("error: ").next().unwrap_or(message);
    let reason = reason.split('~').next().unwrap_or(reason).trim().trim_end_matches(')');
    Some(Error::new(SqlState::InvalidRegularExpression, format!("invalid regular expression: {reason}")))
}

/// A message that begins as ours do.
fn lowercase(message: &str) -> String {
    let mut chars = message.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}

/// The text between the first `start` and the `end` behind it.
pub(super) fn between<'a>(text: &'a str, start: &str, end: &str) -> Option<&'a str> {
    let from = text.find(start)? + start.len();
    let length = text[from..].find(end)?;
    Some(&text[from..from + length])
}
