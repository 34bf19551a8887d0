//! Constants and parameters of a tree that need no planner.

use datafusion::common::ScalarValue;
use sqlparser::{
    ast::{Expr, UnaryOperator, Value},
    tokenizer::Token,
};

use super::cursor::Source;
use crate::error::Result;

/// The value of a text, a truth value or a whole number as the planner gives it; none for anything else.
pub(crate) fn plain_constant(expr: &Expr) -> Option<ScalarValue> {
    match expr {
        Expr::Value(value) => match &value.value {
            Value::SingleQuotedString(text) => Some(ScalarValue::Utf8(Some(text.clone()))),
            Value::Boolean(value) => Some(ScalarValue::Boolean(Some(*value))),
            Value::Number(digits, false) => {
                digits.parse().ok().map(|number| ScalarValue::Int64(Some(number)))
            }
            _ => None,
        },
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } => match expr.as_ref() {
            Expr::Value(value) => match &value.value {
                Value::Number(digits, false) => {
                    format!("-{digits}").parse().ok().map(|number| ScalarValue::Int64(Some(number)))
                }
                _ => None,
            },
            _ => None,
        },
        _ => None,
    }
}

/// The place of the parameter `$n` among the values that are bound, counted from 0.
pub(crate) fn placeholder_index(id: &str) -> Option<usize> {
    id.strip_prefix('$')?.parse::<usize>().ok()?.checked_sub(1)
}

/// The number of parameters of a text: the largest `$n` in it.
pub(crate) fn parameter_count(text: &str) -> Result<usize> {
    let tokens = Source::new(text).tokens()?;
    let places = tokens.iter().filter_map(|token| match &token.token {
        Token::Placeholder(id) => placeholder_index(id),
        _ => None,
    });
    Ok(places.max().map_or(0, |place| place + 1))
}
