//! Subqueries of which DataFusion makes joins rightly, and what a subquery refers to.

use datafusion::{
    common::{
        Column, Result,
        tree_node::{TreeNode, TreeNodeRecursion},
    },
    logical_expr::{
        Aggregate, BinaryExpr, Expr, LogicalPlan, Operator,
        expr::{Exists, InSubquery, SetComparison},
        utils::split_conjunction,
    },
};

use super::hidden::has_hidden;
use crate::{
    error::Error,
    postgres::exprs::{has, has_subquery, is_float, type_of},
};

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

/// The plan of an expression that is a subquery.
pub(super) fn subquery_in(expr: &Expr) -> Option<&LogicalPlan> {
    match expr {
        Expr::ScalarSubquery(subquery)
        | Expr::Exists(Exists { subquery, .. })
        | Expr::InSubquery(InSubquery { subquery, .. })
        | Expr::SetComparison(SetComparison { subquery, .. }) => Some(&subquery.subquery),
        _ => None,
    }
}

/// A condition of a filter of which DataFusion makes a join: the subquery is all of it, and refers to nothing
/// outside.
///
/// To one that does it adds the columns that tie it to the outer row, whose names may be taken. `NOT IN` is
/// left to it only of a column: else it forgets about NULLs.
pub(super) fn is_joined(condition: &Expr) -> bool {
    let (condition, negated) = match condition {
        Expr::Not(inner) => (inner.as_ref(), true),
        other => (other, false),
    };
    match condition {
        Expr::Exists(exists) => is_closed(&exists.subquery.subquery),
        Expr::InSubquery(within) if !within.expr.contains_outer() && !has_subquery(&within.expr) => {
            // Of what may become a constant it makes a condition on the subquery, and its NULLs are gone.
            let is_negated = negated != within.negated;
            (!is_negated || is_column(&within.expr)) && is_closed(&within.subquery.subquery)
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
    let answers = plan;
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
    Ok(is_simple && is_tied_by_equality(&aggregate.input, answers))
}

/// Whether a plan, which a subquery answers with `answers` of, is a filter that compares columns of its input
/// with outer ones for equality.
pub(super) fn is_tied_by_equality(plan: &LogicalPlan, answers: &LogicalPlan) -> bool {
    let LogicalPlan::Filter(filter) = plan else { return false };
    let schema = filter.input.schema();
    // Floats are compared by keys, which are no columns.
    let is_float_side = |side: &Expr| match side {
        Expr::OuterReferenceColumn(field, _) => is_float(field.data_type()),
        side => is_float(&type_of(side, schema)),
    };
    // The columns that tie it get into one table with its answers, in which each needs a name.
    let mut names = answers.schema().columns();
    is_closed(&filter.input)
        && split_conjunction(&filter.predicate).into_iter().all(|part| {
            if !part.contains_outer() && !has_subquery(part) {
                return true;
            }
            let Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) = part else { return false };
            let ((Expr::Column(own), Expr::OuterReferenceColumn(..))
            | (Expr::OuterReferenceColumn(..), Expr::Column(own))) = (left.as_ref(), right.as_ref())
            else {
                return false;
            };
            let is_taken = names.iter().any(|taken| taken.name == own.name && taken != own);
            names.push(own.clone());
            !is_taken && !is_float_side(left) && !is_float_side(right)
        })
}

/// Fails for an aggregate over columns of the outer row alone: it is one of the outer query.
pub(super) fn check_aggregates(aggregate: &Aggregate) -> Result<()> {
    let is_outer = |part: &Expr| match part {
        Expr::AggregateFunction(call) => {
            let args = &call.params.args;
            args.iter().any(Expr::contains_outer) && args.iter().all(|arg| arg.column_refs().is_empty())
        }
        _ => false,
    };
    if !aggregate.aggr_expr.iter().any(|expr| has(expr, is_outer)) {
        return Ok(());
    }
    Err(Error::unsupported("an aggregate of the outer query in a subquery")
        .with_hint("compute it in the outer query, or in one in FROM")
        .into())
}
