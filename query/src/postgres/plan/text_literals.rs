//! Text that stands for a value of another type: casts, and literals beside what they are compared with.
//!
//! Both are read as files are, which is how Postgres reads them: bytes in hexadecimal, `yes`. For times see
//! `times`. DataFusion's own casts take other texts, or take them as they are.

use arrow::datatypes::DataType;
use datafusion::{
    common::{DFSchema, Result, ScalarValue, tree_node::Transformed},
    logical_expr::{Between, BinaryExpr, Case, Expr, ScalarUDF, expr::InList},
};

use crate::{
    postgres::{
        exprs::{cast_in_place, counts, is_comparison, is_float, is_open_text, is_text, type_of},
        functions::{
            INTERVAL, read_interval_text, read_text, read_value, show_bytes, show_interval, show_value,
        },
    },
    types::{
        ColumnType,
        arrays::{element_of, innermost, list_of},
    },
};

/// The call in the place of a cast that reads text as a type, or shows bytes, intervals or floats as text;
/// none for other casts.
pub(crate) fn read_or_shown(expr: &Expr, to: &DataType, schema: &DFSchema) -> Option<Expr> {
    let function = text_cast(expr, to, schema)?;
    let mut call = function.call(vec![expr.clone()]);
    // Text is shown in one layout, and may be wanted in another.
    if is_text(to) && *to != DataType::Utf8View {
        cast_in_place(&mut call, to);
    }
    Some(call)
}

/// The function in the place of a cast, as for [`read_or_shown`].
fn text_cast(expr: &Expr, to: &DataType, schema: &DFSchema) -> Option<ScalarUDF> {
    let from = type_of(expr, schema);
    if is_text(&from) && !is_text(to) {
        return reader(to);
    }
    if matches!(from, DataType::Interval(_)) && is_text(to) {
        return Some(show_interval());
    }
    if is_text(to) && is_float(&from) {
        return Some(show_value());
    }
    let is_bytes = matches!(from, DataType::Binary | DataType::LargeBinary | DataType::BinaryView);
    (is_bytes && is_text(to)).then(show_bytes)
}

/// Times, and arrays that may be of times, are read in the session's zone, by a rule of their own.
fn reader(to: &DataType) -> Option<ScalarUDF> {
    if matches!(to, DataType::Timestamp(..) | DataType::Date32) {
        return None;
    }
    if *to == INTERVAL {
        return Some(read_interval_text());
    }
    let column_type = ColumnType::from_arrow(to).ok()?;
    (column_type.arrow() == *to).then(|| read_text(column_type))
}

/// Reads a literal, or a parameter, as the type of what it is compared with.
pub(super) fn literal_as_operand_type(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    Ok(match expr {
        Expr::BinaryExpr(BinaryExpr { mut left, op, mut right }) if is_comparison(op) || counts(op) => {
            let types = (type_of(&left, schema), type_of(&right, schema));
            // Text beside a time may be an interval.
            let is_read = is_comparison(op) || types.0.is_numeric() || types.1.is_numeric();
            let changed = is_read && (read(&mut right, &types.0)? | read(&mut left, &types.1)?);
            Transformed::new_transformed(Expr::BinaryExpr(BinaryExpr { left, op, right }), changed)
        }
        Expr::Between(Between { expr, negated, mut low, mut high }) => {
            let data_type = type_of(&expr, schema);
            let changed = read(&mut low, &data_type)? | read(&mut high, &data_type)?;
            Transformed::new_transformed(Expr::Between(Between { expr, negated, low, high }), changed)
        }
        Expr::InList(InList { expr, mut list, negated }) => {
            let changed = read_all(&mut list, &type_of(&expr, schema))?;
            Transformed::new_transformed(Expr::InList(InList { expr, list, negated }), changed)
        }
        Expr::Case(Case { expr: Some(operand), mut when_then_expr, else_expr }) => {
            let whens = when_then_expr.iter_mut().map(|(when, _)| when.as_mut());
            let changed = read_all(whens, &type_of(&operand, schema))?;
            let case = Case { expr: Some(operand), when_then_expr, else_expr };
            Transformed::new_transformed(Expr::Case(case), changed)
        }
        expr => Transformed::no(expr),
    })
}

fn read_all<'e>(exprs: impl IntoIterator<Item = &'e mut Expr>, to: &DataType) -> Result<bool> {
    exprs.into_iter().try_fold(false, |changed, expr| Ok(read(expr, to)? | changed))
}

/// Reads a literal or parameter of text as a type. A parameter that is a number, beside text, is that
/// number's text.
pub(super) fn read(expr: &mut Expr, to: &DataType) -> Result<bool> {
    if is_text(to) {
        let is_number = matches!(&*expr, Expr::Placeholder(parameter)
            if parameter.field.as_ref().is_some_and(|field| field.data_type().is_numeric()));
        if is_number {
            cast_in_place(expr, to);
        }
        return Ok(is_number);
    }
    if !is_open_text(expr) || to.is_null() {
        return Ok(false);
    }
    if to.is_decimal() {
        return Ok(read_digits(expr));
    }
    if element_of(to).is_some() {
        cast_in_place(expr, &list_of(innermost(to).clone()));
        return Ok(true);
    }
    let Some(reader) = reader(to) else { return Ok(false) };
    *expr = match &*expr {
        Expr::Literal(value, _) if ColumnType::from_arrow(to).is_ok() => {
            Expr::Literal(read_value(value, to)?, None)
        }
        _ => reader.call(vec![std::mem::take(expr)]),
    };
    Ok(true)
}

/// Reads a literal beside a decimal with all the digits that it has.
fn read_digits(expr: &mut Expr) -> bool {
    let Some(number) = exact_literal(expr) else { return false };
    *expr = Expr::Literal(number, None);
    true
}

/// The decimal that a literal of text is.
pub(super) fn exact_literal(expr: &Expr) -> Option<ScalarValue> {
    match expr {
        Expr::Literal(value, _) => exact_number(value.try_as_str()??),
        Expr::Alias(alias) => exact_literal(&alias.expr),
        _ => None,
    }
}

/// The decimal that a text is, if it is digits with a sign and a point at most.
fn exact_number(text: &str) -> Option<ScalarValue> {
    let text = text.trim();
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let unsigned = whole.strip_prefix(['-', '+']).unwrap_or(whole);
    let is_number = (unsigned.len() + fraction.len()) > 0
        && unsigned.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit());
    if !is_number {
        return None;
    }
    let digits: i128 = format!("{whole}{fraction}").parse().ok()?;
    let scale = u8::try_from(fraction.len()).ok()?;
    let precision = u8::try_from(unsigned.len() + fraction.len()).ok().filter(|digits| *digits <= 38)?;
    Some(ScalarValue::Decimal128(Some(digits), precision, scale as i8))
}
