//! Arithmetic that fails with 22003 where DataFusion's wraps, and a double divided by zero, which fails with 22012.

use arrow::datatypes::DataType;
use datafusion::{
    common::{DFSchema, tree_node::Transformed},
    logical_expr::{BinaryExpr, Expr, Operator},
};

use crate::postgres::{
    exprs::{is_float, type_of},
    functions::checked_arithmetic,
    plan::text_literals::read_or_shown,
};

/// Puts arithmetic that fails in the place of arithmetic that wraps.
pub(super) fn checked(expr: Expr, schema: &DFSchema) -> Transformed<Expr> {
    if let Expr::Cast(cast) = &expr
        && let Some(read) = read_or_shown(&cast.expr, cast.field.data_type(), schema)
    {
        return Transformed::yes(read);
    }
    let Expr::BinaryExpr(BinaryExpr { left, op, right }) = expr else { return Transformed::no(expr) };
    if matches!(op, Operator::Divide | Operator::Modulo) && is_float(&type_of(&right, schema)) {
        return Transformed::yes(checked_arithmetic(op).call(vec![*left, *right]));
    }
    let counted = |data_type: DataType| data_type.is_integer() || data_type.is_decimal();
    if matches!(op, Operator::Plus | Operator::Minus | Operator::Multiply)
        && counted(type_of(&left, schema))
        && counted(type_of(&right, schema))
    {
        return Transformed::yes(checked_arithmetic(op).call(vec![*left, *right]));
    }
    Transformed::no(Expr::BinaryExpr(BinaryExpr { left, op, right }))
}
