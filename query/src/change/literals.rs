//! `INSERT … VALUES` of nothing but literals, the most common of statements: its rows are read as lines of a
//! file are, without a plan. An expression that is not plainly a literal of its column's kind is left to the
//! planner.

use std::{borrow::Cow, sync::Arc};

use arrow::array::RecordBatch;
use datafusion::{
    common::ScalarValue, execution::SendableRecordBatchStream, physical_plan::memory::MemoryStream,
};
use sqlparser::ast::{Expr, UnaryOperator, Value};

use super::{WriteTarget, insert::target_columns};
use crate::{
    copy::TextColumn,
    error::Result,
    parse::{self, Insert, InsertSource, is_default},
    statement::parameter,
    time::TimeZone,
    types::ColumnType,
};

/// Rows of one batch.
const BATCH_ROWS: usize = 8_192;

/// A value as it is written.
enum Literal<'a> {
    Null,
    Boolean(bool),
    Text(Cow<'a, str>),
    /// Digits, perhaps with a sign and a point.
    Number(Cow<'a, str>),
}

/// A column of the table and where its values come from.
struct LiteralSource {
    column_type: ColumnType,
    /// Position in the rows that were written.
    given: Option<usize>,
    default: Option<Expr>,
}

/// The rows of an `INSERT`, with all columns of the table; `None` when they have to be planned.
pub(super) fn rows(
    target: &WriteTarget,
    insert: &Insert,
    parameters: &[ScalarValue],
    zone: TimeZone,
) -> Result<Option<SendableRecordBatchStream>> {
    let InsertSource::Values(rows) = &insert.source else { return Ok(None) };
    let given = target_columns(target, &insert.columns)?;
    let width = rows.first().map_or(0, Vec::len);
    let fits = width == given.len() || (width < given.len() && insert.columns.is_empty());
    if !fits || rows.iter().any(|row| row.len() != width) {
        return Ok(None);
    }
    let sources = sources(target, &given[..width])?;
    let plain = |row: &Vec<Expr>| {
        sources.iter().all(|source| {
            literal(source.expr(row), parameters).is_some_and(|value| value.suits(source.column_type))
        })
    };
    if !rows.iter().all(plain) {
        return Ok(None);
    }
    let schema = Arc::new(target.table.nullable_schema());
    let mut batches = Vec::new();
    for rows in rows.chunks(BATCH_ROWS) {
        let columns = sources.iter().map(|source| {
            let mut column = TextColumn::new(source.column_type);
            for row in rows {
                match literal(source.expr(row), parameters).unwrap_or(Literal::Null) {
                    Literal::Null => column.push_null(),
                    Literal::Boolean(value) => column.push(bool_text(value), source.column_type, zone)?,
                    Literal::Text(text) | Literal::Number(text) => {
                        column.push(&text, source.column_type, zone)?;
                    }
                }
            }
            Ok(column.finish())
        });
        let columns = columns.collect::<Result<Vec<_>>>()?;
        batches.push(RecordBatch::try_new(Arc::clone(&schema), columns)?);
    }
    Ok(Some(Box::pin(MemoryStream::try_new(batches, schema, None)?)))
}

/// Sources of the columns' values; `given` are the columns of the rows that were written.
fn sources(target: &WriteTarget, given: &[usize]) -> Result<Vec<LiteralSource>> {
    let columns = target.table.columns.iter().enumerate();
    columns
        .map(|(index, column)| {
            Ok(LiteralSource {
                column_type: column.column_type,
                given: given.iter().position(|&position| position == index),
                default: column.default.as_deref().map(parse::parse_expression).transpose()?,
            })
        })
        .collect()
}

impl LiteralSource {
    /// Expression for the column in a row; `None` for NULL.
    fn expr<'a>(&'a self, row: &'a [Expr]) -> Option<&'a Expr> {
        match self.given.map(|index| &row[index]) {
            Some(expr) if !is_default(expr) => Some(expr),
            _ => self.default.as_ref(),
        }
    }
}

/// The literal that an expression is, if it is one.
fn literal<'a>(expr: Option<&'a Expr>, parameters: &[ScalarValue]) -> Option<Literal<'a>> {
    let Some(expr) = expr else { return Some(Literal::Null) };
    Some(match expr {
        Expr::Value(value) => match &value.value {
            Value::Null => Literal::Null,
            Value::Boolean(value) => Literal::Boolean(*value),
            Value::SingleQuotedString(text) => Literal::Text(Cow::Borrowed(text)),
            Value::Number(digits, _) => Literal::Number(Cow::Borrowed(digits)),
            Value::Placeholder(id) => bound(&parameter(parameters, id).ok()?)?,
            _ => return None,
        },
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } => match literal(Some(expr), &[])? {
            Literal::Number(digits) if !digits.starts_with('-') => {
                Literal::Number(Cow::Owned(format!("-{digits}")))
            }
            _ => return None,
        },
        _ => return None,
    })
}

/// The literal that a bound parameter amounts to.
fn bound(value: &ScalarValue) -> Option<Literal<'static>> {
    Some(match value {
        value if value.is_null() => Literal::Null,
        ScalarValue::Boolean(Some(value)) => Literal::Boolean(*value),
        ScalarValue::Int64(Some(value)) => Literal::Number(Cow::Owned(value.to_string())),
        ScalarValue::Utf8(Some(text)) => Literal::Text(Cow::Owned(text.clone())),
        _ => return None,
    })
}

impl Literal<'_> {
    /// Whether the literal's text is the value of such a column, without another rule of conversion.
    fn suits(&self, column_type: ColumnType) -> bool {
        match self {
            Self::Null | Self::Text(_) => true,
            Self::Boolean(_) => column_type == ColumnType::Boolean,
            Self::Number(digits) => {
                let unsigned = digits.strip_prefix('-').unwrap_or(digits);
                let whole = unsigned.bytes().all(|byte| byte.is_ascii_digit());
                match column_type {
                    ColumnType::SmallInt | ColumnType::Integer | ColumnType::BigInt => whole,
                    // A planned -0 is a whole number, which has no sign.
                    ColumnType::Real | ColumnType::Double
                        if unsigned != digits
                            && !unsigned.bytes().any(|byte| matches!(byte, b'1'..=b'9')) =>
                    {
                        false
                    }
                    ColumnType::Real | ColumnType::Double | ColumnType::Decimal { .. } => {
                        unsigned.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
                    }
                    _ => false,
                }
            }
        }
    }
}

fn bool_text(value: bool) -> &'static str {
    if value { "true" } else { "false" }
}
