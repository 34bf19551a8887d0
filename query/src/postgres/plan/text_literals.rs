//! Text that stands for a value of another type: casts, and literals beside what they are compared with.
//!
//! Both are read as files are, which is how Postgres reads them: bytes in hexadecimal, `yes`. For times see
//! `times`. DataFusion's own casts take other texts, or take them as they are.

use arrow::datatypes::DataType;
use datafusion::{
    common::{DFSchema, tree_node::Transformed},
    logical_expr::{Between, BinaryExpr, Expr, ScalarUDF, expr::InList},
};

use crate::{
    postgres::{
        exprs::{cast_in_place, is_comparison, is_text, type_of},
        functions::{INTERVAL, read_interval_text, read_text, show_bytes, show_interval},
    },
    types::ColumnType,
};

/// The call in the place of a cast that reads text as a type, or shows bytes or intervals as text; none for
/// other casts.
pub(crate) fn read_or_shown(expr: &Expr, to: &DataType, schema: &DFSchema) -> Option<Expr> {
    let function = text_cast(expr, to, schema)?;
    let mut call = function.call(vec![expr.clone()]);
    // Text is shown in one layout, and may be wanted in another.
    if is_text(to) && *to != DataType::Utf8View {
        cast_in_place(&mut call, to);
    }
    Some(call)
}

/// The function that reads text as a type, or shows bytes as text, in the place of a cast.
fn text_cast(expr: &Expr, to: &DataType, schema: &DFSchema) -> Option<ScalarUDF> {
    let from = type_of(expr, schema);
    if is_text(&from) && !is_text(to) {
        return reader(to);
    }
    if matches!(from, DataType::Interval(_)) && is_text(to) {
        return Some(show_interval());
    }
    let is_bytes = matches!(from, DataType::Binary | DataType::LargeBinary | DataType::BinaryView);
    (is_bytes && is_text(to)).then(show_bytes)
}

/// Times are read in the session's zone, by a rule of their own.
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
pub(super) fn literal_as_operand_type(expr: Expr, schema: &DFSchema) -> Transformed<Expr> {
    match expr {
        Expr::BinaryExpr(BinaryExpr { mut left, op, mut right }) if is_comparison(op) => {
            let types = (type_of(&left, schema), type_of(&right, schema));
            let changed = read(&mut right, &types.0) | read(&mut left, &types.1);
            Transformed::new_transformed(Expr::BinaryExpr(BinaryExpr { left, op, right }), changed)
        }
        Expr::Between(Between { expr, negated, mut low, mut high }) => {
            let data_type = type_of(&expr, schema);
            let changed = read(&mut low, &data_type) | read(&mut high, &data_type);
            Transformed::new_transformed(Expr::Between(Between { expr, negated, low, high }), changed)
        }
        Expr::InList(InList { expr, mut list, negated }) => {
            let data_type = type_of(&expr, schema);
            let changed = list.iter_mut().fold(false, |changed, item| read(item, &data_type) | changed);
            Transformed::new_transformed(Expr::InList(InList { expr, list, negated }), changed)
        }
        expr => Transformed::no(expr),
    }
}

/// Reads a literal or parameter of text as a type, unless that is text itself, or a decimal, whose digits
/// would be cut.
fn read(expr: &mut Expr, to: &DataType) -> bool {
    let is_read = match &*expr {
        Expr::Literal(value, _) => is_text(&value.data_type()) && !value.is_null(),
        Expr::Placeholder(parameter) => {
            parameter.field.as_ref().is_some_and(|field| is_text(field.data_type()))
        }
        _ => false,
    };
    if !is_read || is_text(to) || to.is_null() || to.is_decimal() {
        return false;
    }
    let Some(reader) = reader(to) else { return false };
    *expr = reader.call(vec![std::mem::take(expr)]);
    true
}
