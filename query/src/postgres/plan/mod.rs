//! Passes over the plan as DataFusion's planner made it, before operands have their common types.

mod arrays;
mod casts;
mod common_types;
mod decimals;
pub(super) mod intervals;
mod named_casts;
mod nested;
mod operands;
mod operators;
mod patterns;
mod precision;
mod recursion;
pub(crate) mod subqueries;
pub(crate) mod text_literals;
mod timestamps;
mod union_names;
mod unions;
mod values;
mod widening;

use datafusion::{
    common::{
        DFSchema, Result,
        tree_node::{Transformed, TreeNode},
    },
    logical_expr::{Expr, LogicalPlan},
};

pub(crate) use decimals::literal_as_float;
pub(crate) use operators::Literals;
pub(crate) use unions::open_column;

use super::walk::{rewrite_exprs_of, rewrite_nodes};

/// Gives operands the types that Postgres would, where DataFusion would choose others.
///
/// The pass runs when a statement is planned, so that the types of its columns are right, and again when
/// parameters have been bound, whose types were unknown.
pub(crate) fn coerce(plan: LogicalPlan) -> Result<LogicalPlan> {
    rewrite_nodes(plan, coerced)
}

/// As [`coerce`], for the node at the top of a plan.
pub(crate) fn coerce_node(node: LogicalPlan) -> Result<LogicalPlan> {
    Ok(coerced(node)?.data)
}

fn coerced(node: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
    let node = match node {
        LogicalPlan::Values(values) => Transformed::yes(LogicalPlan::Values(values::coerce_values(values)?)),
        node => Transformed::no(node),
    };
    node.transform_data(|node| rewrite_exprs_of(node, &mut coerce_expr))?
        .transform_data(|node| match node {
            LogicalPlan::Union(union) => unions::coerce_union(union),
            LogicalPlan::RecursiveQuery(query) => unions::coerce_recursion(query),
            LogicalPlan::Join(join) => {
                let join = unions::coerce_set(join)?;
                operands::check_join(&join.data)?;
                join.transform_data(nested::coerce_join)?
                    .transform_data(|join| Ok(decimals::coerce_join(join)))?
                    .map_data(|join| Ok(LogicalPlan::Join(join)))
            }
            node => Ok(Transformed::no(node)),
        })?
        .transform_data(|node| match node {
            LogicalPlan::Union(union) => union_names::name_branches(union),
            node => Ok(Transformed::no(node)),
        })?
        .map_data(LogicalPlan::recompute_schema)
}

/// As [`coerce`], for an expression outside a plan.
pub(crate) fn coerce_alone(expr: Expr, schema: &DFSchema) -> Result<Expr> {
    Ok(expr.transform_up(|expr| coerce_expr(expr, schema))?.data)
}

/// As [`coerce`], for one expression whose parts have their types.
fn coerce_expr(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    arrays::coerce_expr(expr, schema)?
        .transform_data(|expr| patterns::coerce_expr(expr, schema))?
        .transform_data(|expr| intervals::coerce_expr(expr, schema))?
        .transform_data(|expr| text_literals::literal_as_operand_type(expr, schema))?
        .transform_data(|expr| operands::check(&expr, schema).map(|()| Transformed::no(expr)))?
        .transform_data(|expr| nested::coerce_expr(expr, schema))?
        .transform_data(|expr| common_types::coerce_expr(expr, schema))?
        .transform_data(|expr| decimals::coerce_expr(expr, schema))?
        .transform_data(|expr| casts::coerce_cast(expr, schema))?
        .transform_data(|expr| Ok(precision::widen_digits(expr, schema)))?
        .transform_data(|expr| Ok(timestamps::coerce_expr(expr, schema)))
}
