//! Subqueries for one value that have no row: they are NULL, also where their column never is.

use datafusion::{
    common::tree_node::Transformed,
    logical_expr::{Expr, LogicalPlan},
};

use crate::postgres::functions::or_null;

/// Lets a subquery be NULL that may have no row, also where its column may be NULL already: once constants
/// are folded, it may not be any more. Subqueries that refer to the outer row become joins, which know it.
pub(super) fn nullable(expr: Expr) -> Transformed<Expr> {
    let Expr::ScalarSubquery(subquery) = &expr else { return Transformed::no(expr) };
    if !subquery.outer_ref_columns.is_empty() || has_one_row(&subquery.subquery) {
        return Transformed::no(expr);
    }
    Transformed::yes(or_null().call(vec![expr]))
}

/// Aggregates of all rows: they answer without rows, too.
fn has_one_row(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::Projection(projection) => has_one_row(&projection.input),
        LogicalPlan::SubqueryAlias(alias) => has_one_row(&alias.input),
        LogicalPlan::Aggregate(aggregate) => aggregate.group_expr.is_empty(),
        _ => false,
    }
}
