//! Subqueries of which DataFusion makes joins rightly, and what a subquery refers to.

use datafusion::{
    common::{
        Column, Result,
        tree_node::{TreeNode, TreeNodeRecursion},
    },
    logical_expr::{
        BinaryExpr, Expr, LogicalPlan, Operator,
        expr::{Exists, InSubquery, SetComparison},
        utils::split_conjunction,
    },
};

use super::hidden::has_hidden;
use crate::postgres::exprs::{has_subquery, is_float, type_of};

/// The columns outside of a plan that it refers to, itself or in a subquery within.
pub(super) fn outer_refs(plan: &LogicalPlan) -> Result<Vec<Column>> {
    let mut found = Vec::new();
    plan.apply(|node| {
        node.apply_expressions(|expr| {
            for column in refs_beyond(expr, node)? {
                if !found.contains(&column) {
                    found.push(column);
                }
            }
            Ok(TreeNodeRecursion::Continue)
        })
    })?;
    Ok(found)
}

/// The columns that an expression of `node` refers to and that are not of its inputs.
fn refs_beyond(expr: &Expr, node: &LogicalPlan) -> Result<Vec<Column>> {
    let mut found = Vec::new();
    expr.apply(|part| {
        if let Expr::OuterReferenceColumn(_, name) = part {
            found.push(name.clone());
        }
        if let Some(plan) = subquery_in(part) {
            found.extend(outer_refs(plan)?.into_iter().filter(|name| !is_of_inputs(name, node)));
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(found)
}

/// Whether a subquery in an expression of `node` refers to more than the rows of its inputs.
pub(super) fn refers_further(expr: &Expr, node: &LogicalPlan) -> Result<bool> {
    expr.exists(|part| {
        let Some(plan) = subquery_in(part) else { return Ok(false) };
        Ok(outer_refs(plan)?.iter().any(|name| !is_of_inputs(name, node)))
    })
}

fn is_of_inputs(name: &Column, node: &LogicalPlan) -> bool {
    node.inputs().iter().any(|input| input.schema().has_column(name))
}

fn subquery_in(expr: &Expr) -> Option<&LogicalPlan> {
    match expr {
        Expr::ScalarSubquery(subquery)
        | Expr::Exists(Exists { subquery, .. })
        | Expr::InSubquery(InSubquery { subquery, .. })
        | Expr::SetComparison(SetComparison { subquery, .. }) => Some(&subquery.subquery),
        _ => None,
    }
}

/// A condition of a filter of which DataFusion makes a join: the subquery is all of it.
///
/// `NOT IN` is left to it only of a column, and without references to the outer row: else it forgets about NULLs.
pub(super) fn is_joined(condition: &Expr, node: &LogicalPlan) -> bool {
    let (condition, negated) = match condition {
        Expr::Not(inner) => (inner.as_ref(), true),
        other => (other, false),
    };
    match condition {
        Expr::Exists(exists) => is_alone_or_tied(&exists.subquery.subquery, node, true),
        Expr::InSubquery(within) if !within.expr.contains_outer() => {
            // Of what may become a constant it makes a condition on the subquery, and its NULLs are gone.
            let is_negated = negated != within.negated;
            if is_negated && !is_column(&within.expr) {
                return false;
            }
            is_alone_or_tied(&within.subquery.subquery, node, negated == within.negated && !negated)
        }
        _ => false,
    }
}

/// A column, whatever it is cast to.
fn is_column(expr: &Expr) -> bool {
    match expr {
        Expr::Cast(cast) => is_column(&cast.expr),
        other => matches!(other, Expr::Column(_)),
    }
}

fn is_alone_or_tied(plan: &LogicalPlan, node: &LogicalPlan, may_be_tied: bool) -> bool {
    outer_refs(plan).is_ok_and(|refs| {
        let is_near = || refs.iter().all(|name| is_of_inputs(name, node));
        refs.is_empty() || (may_be_tied && is_near() && is_tied_by_filters(plan) && !has_hidden(plan))
    })
}

/// Whether all that ties a subquery to the outer row are filters under nothing but projections.
pub(super) fn is_tied_by_filters(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::Projection(projection) => {
            !projection.expr.iter().any(|item| item.contains_outer() || has_subquery(item))
                && is_tied_by_filters(&projection.input)
        }
        LogicalPlan::Filter(filter) => {
            let is_tie = |part: &Expr| !part.contains_outer() || !has_subquery(part);
            split_conjunction(&filter.predicate).into_iter().all(is_tie)
                && !has_near_subquery(&filter.predicate, plan)
                && (is_closed(&filter.input) || is_tied_by_filters(&filter.input))
        }
        _ => false,
    }
}

fn has_near_subquery(predicate: &Expr, node: &LogicalPlan) -> bool {
    refers_further(predicate, node).unwrap_or(true)
}

fn is_closed(plan: &LogicalPlan) -> bool {
    outer_refs(plan).is_ok_and(|refs| refs.is_empty())
}

/// Whether DataFusion makes a join of a subquery for one value, or runs it by itself.
pub(super) fn is_one_value(plan: &LogicalPlan, node: &LogicalPlan) -> Result<bool> {
    let refs = outer_refs(plan)?;
    if refs.is_empty() {
        return Ok(true);
    }
    if has_hidden(plan) {
        return Ok(false);
    }
    let mut plan = plan;
    while let LogicalPlan::Projection(projection) = plan {
        if projection.expr.iter().any(|item| item.contains_outer() || has_subquery(item)) {
            return Ok(false);
        }
        plan = projection.input.as_ref();
    }
    let LogicalPlan::Aggregate(aggregate) = plan else { return Ok(false) };
    let is_simple = matches!(node, LogicalPlan::Projection(_) | LogicalPlan::Filter(_))
        && refs.iter().all(|name| is_of_inputs(name, node))
        && aggregate.group_expr.is_empty()
        && !aggregate.aggr_expr.iter().any(|item| item.contains_outer() || has_subquery(item));
    Ok(is_simple && is_tied_by_equality(&aggregate.input))
}

/// Whether a plan is a filter that compares columns of its input with outer ones for equality.
pub(super) fn is_tied_by_equality(plan: &LogicalPlan) -> bool {
    let LogicalPlan::Filter(filter) = plan else { return false };
    let schema = filter.input.schema();
    // Floats are compared by keys, which are no columns.
    let is_float_side = |side: &Expr| match side {
        Expr::OuterReferenceColumn(field, _) => is_float(field.data_type()),
        side => is_float(&type_of(side, schema)),
    };
    is_closed(&filter.input)
        && split_conjunction(&filter.predicate).into_iter().all(|part| {
            !part.contains_outer() && !has_subquery(part)
                || matches!(part, Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right })
                    if is_plain(left) && is_plain(right) && left.contains_outer() != right.contains_outer()
                        && !is_float_side(left) && !is_float_side(right))
        })
}

fn is_plain(expr: &Expr) -> bool {
    matches!(expr, Expr::Column(_) | Expr::OuterReferenceColumn(..))
}
