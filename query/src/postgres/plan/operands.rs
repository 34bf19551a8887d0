//! Operands that no operator takes: text beside numbers, truth values beside numbers. DataFusion compares
//! some of them, by reading the text.

use arrow::datatypes::DataType;
use datafusion::{
    common::{DFSchema, Result},
    logical_expr::{
        Between, BinaryExpr, Case, Expr, Join, Operator,
        expr::{InList, InSubquery},
    },
};

use super::{common_types::is_open_text, widening::Kind};
use crate::{
    error::{Error, SqlState},
    postgres::exprs::{counts, is_comparison, type_of},
    types::{arrays::element_of, sql_name},
};

/// Refuses, with 42883, operands whose types no operator takes.
pub(super) fn check(expr: &Expr, schema: &DFSchema) -> Result<()> {
    let equal = |left: &Expr, right: &Expr| check_pair(left, Operator::Eq, right, schema);
    match expr {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => check_pair(left, *op, right, schema),
        Expr::Between(Between { expr, low, high, .. }) => {
            check_pair(expr, Operator::GtEq, low, schema)?;
            check_pair(expr, Operator::LtEq, high, schema)
        }
        Expr::InList(InList { expr, list, .. }) => list.iter().try_for_each(|item| equal(expr, item)),
        Expr::Case(Case { expr: Some(operand), when_then_expr, .. }) => {
            when_then_expr.iter().try_for_each(|(when, _)| equal(operand, when))
        }
        Expr::Case(Case { expr: None, when_then_expr, .. }) => {
            when_then_expr.iter().try_for_each(|(when, _)| check_truth("CASE/WHEN", when, schema))
        }
        Expr::AggregateFunction(call) => {
            call.params.filter.iter().try_for_each(|filter| check_truth("FILTER", filter, schema))
        }
        Expr::WindowFunction(call) => {
            call.params.filter.iter().try_for_each(|filter| check_truth("FILTER", filter, schema))
        }
        Expr::IsTrue(operand) => check_truth("IS TRUE", operand, schema),
        Expr::IsNotTrue(operand) => check_truth("IS NOT TRUE", operand, schema),
        Expr::IsFalse(operand) => check_truth("IS FALSE", operand, schema),
        Expr::IsNotFalse(operand) => check_truth("IS NOT FALSE", operand, schema),
        Expr::IsUnknown(operand) => check_truth("IS UNKNOWN", operand, schema),
        Expr::IsNotUnknown(operand) => check_truth("IS NOT UNKNOWN", operand, schema),
        Expr::InSubquery(InSubquery { expr, subquery, .. }) if !is_open_text(expr) => {
            let Some(field) = subquery.subquery.schema().fields().first() else { return Ok(()) };
            check_types(&type_of(expr, schema), Operator::Eq, field.data_type())
        }
        _ => Ok(()),
    }
}

/// Fails, with 42804, for a condition that is no truth value.
fn check_truth(place: &str, condition: &Expr, schema: &DFSchema) -> Result<()> {
    let data_type = type_of(condition, schema);
    if data_type == DataType::Boolean || data_type.is_null() {
        return Ok(());
    }
    let message = format!("argument of {place} must be BOOLEAN, not {}", sql_name(&data_type));
    Err(Error::new(SqlState::DatatypeMismatch, message).into())
}

/// As [`check`], for the equalities of a join.
pub(super) fn check_join(join: &Join) -> Result<()> {
    join.on.iter().try_for_each(|(left, right)| {
        if is_open_text(left) || is_open_text(right) {
            return Ok(());
        }
        check_types(&type_of(left, join.left.schema()), Operator::Eq, &type_of(right, join.right.schema()))
    })
}

fn check_pair(left: &Expr, op: Operator, right: &Expr, schema: &DFSchema) -> Result<()> {
    if !(is_comparison(op) || counts(op)) || is_open_text(left) || is_open_text(right) {
        return Ok(());
    }
    check_types(&type_of(left, schema), op, &type_of(right, schema))
}

/// As [`check`], for operands of these types.
pub(super) fn check_types(left: &DataType, op: Operator, right: &DataType) -> Result<()> {
    match (element_of(left), element_of(right)) {
        (Some(one), Some(other)) if !counts(op) => {
            return check_types(one, op, other).map_err(|_| no_operator(left, op, right).into());
        }
        (Some(_), None) if Kind::of(right).is_some() => return Err(no_operator(left, op, right).into()),
        (None, Some(_)) if Kind::of(left).is_some() => return Err(no_operator(left, op, right).into()),
        _ => {}
    }
    let (Some(one), Some(other)) = (Kind::of(left), Kind::of(right)) else { return Ok(()) };
    let is_time = |kind| matches!(kind, Kind::Time | Kind::TimeOfDay | Kind::Interval);
    let is_taken = if counts(op) {
        let is_counted = |kind| kind == Kind::Number || is_time(kind);
        is_counted(one) && is_counted(other)
    } else {
        // Text is read as the time that it is compared with.
        one == other
            || matches!((one, other), (Kind::TimeOfDay, Kind::Interval) | (Kind::Interval, Kind::TimeOfDay))
            || (one == Kind::Text && is_time(other))
            || (is_time(one) && other == Kind::Text)
    };
    if is_taken { Ok(()) } else { Err(no_operator(left, op, right).into()) }
}

fn no_operator(left: &DataType, op: Operator, right: &DataType) -> Error {
    Error::no_function(format!("operator does not exist: {} {op} {}", sql_name(left), sql_name(right)))
        .with_hint("cast one side to the type of the other")
}
