//! Arithmetic that fails with 22003 where DataFusion's wraps or is infinite, and with 22012 where it divides
//! by zero; casts to floats and aggregates of them that fail in the same way. What is no number is the one
//! NaN.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::{
    common::{DFSchema, tree_node::Transformed},
    logical_expr::{
        AggregateUDF, BinaryExpr, Cast, Expr, TryCast,
        expr::{AggregateFunction, WindowFunctionDefinition},
    },
};

use crate::postgres::{
    exprs::{counts, is_float, type_of},
    functions::{checked_arithmetic, checked_float_aggregate, float_cast, is_float_cast, negated_float},
    plan::text_literals::read_or_shown,
};

/// Puts arithmetic that fails in the place of arithmetic that wraps.
pub(super) fn checked(expr: Expr, schema: &DFSchema) -> Transformed<Expr> {
    if let Expr::Cast(cast) = &expr
        && let Some(read) = read_or_shown(&cast.expr, cast.field.data_type(), schema)
    {
        return Transformed::yes(read);
    }
    let (left, op, right) = match expr {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => (left, op, right),
        Expr::Negative(value) if matches!(type_of(&value, schema), DataType::Float32 | DataType::Float64) => {
            return Transformed::yes(negated_float().call(vec![*value]));
        }
        Expr::Cast(Cast { expr, field }) if is_float_cast(&type_of(&expr, schema), field.data_type()) => {
            return Transformed::yes(float_cast(false).call(vec![*expr]));
        }
        Expr::TryCast(TryCast { expr, field })
            if is_float_cast(&type_of(&expr, schema), field.data_type()) =>
        {
            return Transformed::yes(float_cast(true).call(vec![*expr]));
        }
        expr => return checked_aggregate(expr, schema),
    };
    let counted =
        |data_type: DataType| data_type.is_integer() || data_type.is_decimal() || is_float(&data_type);
    if counts(op) && counted(type_of(&left, schema)) && counted(type_of(&right, schema)) {
        return Transformed::yes(checked_arithmetic(op).call(vec![*left, *right]));
    }
    Transformed::no(Expr::BinaryExpr(BinaryExpr { left, op, right }))
}

/// Puts aggregates of doubles that fail in the place of those that are infinite.
fn checked_aggregate(expr: Expr, schema: &DFSchema) -> Transformed<Expr> {
    let checked = |func: &Arc<AggregateUDF>, args: &[Expr]| {
        let is_double = args.first().is_some_and(|arg| type_of(arg, schema) == DataType::Float64);
        if is_double { checked_float_aggregate(func) } else { None }
    };
    match expr {
        Expr::AggregateFunction(AggregateFunction { func, params }) => match checked(&func, &params.args) {
            Some(func) => Transformed::yes(Expr::AggregateFunction(AggregateFunction { func, params })),
            None => Transformed::no(Expr::AggregateFunction(AggregateFunction { func, params })),
        },
        Expr::WindowFunction(mut window) => {
            let found = match &window.fun {
                WindowFunctionDefinition::AggregateUDF(func) => checked(func, &window.params.args),
                WindowFunctionDefinition::WindowUDF(_) => None,
            };
            let is_checked = found.is_some();
            if let Some(func) = found {
                window.fun = WindowFunctionDefinition::AggregateUDF(func);
            }
            Transformed::new_transformed(Expr::WindowFunction(window), is_checked)
        }
        expr => Transformed::no(expr),
    }
}
