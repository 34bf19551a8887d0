//! The part of the pass that looks at one expression at a time.

use datafusion::{
    common::{
        DFSchema, Result,
        tree_node::{Transformed, TreeNode},
    },
    logical_expr::Expr,
};

use super::{
    checked_arithmetic, comparison_keys, float_keys, guards, needless_orders, null_equality, range_frames,
    scalar_subqueries, time_zones, truth_tests, zoned_frames,
};
use crate::time::TimeZone;

/// An expression with the functions that act as Postgres does.
pub(super) fn with_semantics(expr: Expr, schema: &DFSchema, zone: TimeZone) -> Result<Transformed<Expr>> {
    range_frames::check(&expr, schema)?;
    truth_tests::compared(expr)
        .transform_data(|expr| Ok(needless_orders::without_order(expr)))?
        .transform_data(|expr| Ok(checked_arithmetic::checked(expr, schema)))?
        .transform_data(|expr| null_equality::written_out(expr, schema))?
        .transform_data(|expr| float_keys::of_expr(expr, schema))?
        .transform_data(|expr| time_zones::in_zone_of(expr, schema, zone))?
        .transform_data(|expr| comparison_keys::of_expr(expr, schema))?
        .transform_data(|expr| Ok(zoned_frames::in_zone(expr, schema, zone)))?
        .transform_data(|expr| Ok(scalar_subqueries::nullable(expr)))?
        .transform_data(|expr| Ok(guards::held(expr, schema)))
}

/// An expression outside a plan whose operands have their types.
pub(in crate::postgres) fn with_semantics_alone(
    expr: Expr,
    schema: &DFSchema,
    zone: TimeZone,
) -> Result<Expr> {
    Ok(expr.transform_up(|expr| with_semantics(expr, schema, zone))?.data)
}
