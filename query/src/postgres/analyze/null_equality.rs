//! `x IS NOT DISTINCT FROM y` of two columns: DataFusion makes a key of it in a join whose keys then all take
//! NULL for equal to NULL, also those of an `=` that it moves there later. Here it is two equalities that no
//! NULL meets.

use arrow::datatypes::DataType;
use datafusion::{
    common::{DFSchema, Result, ScalarValue, tree_node::Transformed},
    functions::expr_fn::coalesce,
    logical_expr::{BinaryExpr, Expr, Operator},
};

use super::float_keys;
use crate::postgres::exprs::{has, type_of};

/// Writes out a comparison that takes NULL for a value, where both sides have columns.
pub(super) fn written_out(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let Expr::BinaryExpr(BinaryExpr { left, op, right }) = expr else { return Ok(Transformed::no(expr)) };
    let is_distinct = op == Operator::IsDistinctFrom;
    let data_type = type_of(&left, schema);
    let is_key = (is_distinct || op == Operator::IsNotDistinctFrom)
        && has_column(&left)
        && has_column(&right)
        && data_type == type_of(&right, schema)
        && !left.is_volatile()
        && !right.is_volatile()
        && !matches!(data_type, DataType::Interval(_) | DataType::Null)
        && !data_type.is_nested();
    let value = if is_key { ScalarValue::new_default(&data_type).ok() } else { None };
    let Some(value) = value else {
        return Ok(Transformed::no(Expr::BinaryExpr(BinaryExpr { left, op, right })));
    };
    let or_value = |expr: &Expr| coalesce(vec![expr.clone(), Expr::Literal(value.clone(), None)]);
    let values = float_keys::of_expr(or_value(&left).eq(or_value(&right)), schema)?.data;
    let equal = left.is_null().eq(right.is_null()).and(values);
    Ok(Transformed::yes(if is_distinct { Expr::Not(Box::new(equal)) } else { equal }))
}

fn has_column(expr: &Expr) -> bool {
    has(expr, |expr| matches!(expr, Expr::Column(_) | Expr::OuterReferenceColumn(..)))
}
