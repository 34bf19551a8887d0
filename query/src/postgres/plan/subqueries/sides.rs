//! Subqueries in conditions of `RIGHT` and `FULL` joins: both keep rows for which the condition is not true.

use std::sync::Arc;

use datafusion::{
    common::{
        DFSchema, Result,
        tree_node::{Transformed, TreeNode, TreeNodeRecursion},
    },
    logical_expr::{Expr, Join, JoinType, LogicalPlan, Projection},
};

use super::{
    NameCounter,
    attach::Attached,
    lateral::conditioned,
    plain::{outer_refs, subquery_in},
    replace,
};
use crate::postgres::exprs::has_subquery;

/// The join, with each subquery answered beside the rows of the side that it refers to.
///
/// A subquery that refers to both sides stays in a full join, which cannot run then.
pub(super) fn answered(mut join: Join, numbers: &mut NameCounter) -> Result<Transformed<LogicalPlan>> {
    let Some(condition) = join.filter.take() else { return Ok(Transformed::no(LogicalPlan::Join(join))) };
    let columns = join.schema.columns().into_iter().map(Expr::Column).collect();
    let condition = answer_beside(&mut join.left, condition, numbers)?;
    let condition = answer_beside(&mut join.right, condition, numbers)?;
    let is_answered = !has_subquery(&condition);
    join.filter = Some(condition);
    let plan = if join.join_type == JoinType::Right && !is_answered {
        conditioned(turned(join)?, numbers)?.data
    } else {
        LogicalPlan::Join(rebuilt(join)?)
    };
    let plan = Projection::try_new(columns, Arc::new(plan))?;
    Ok(Transformed::yes(LogicalPlan::Projection(plan)))
}

fn answer_beside(side: &mut Arc<LogicalPlan>, condition: Expr, numbers: &mut NameCounter) -> Result<Expr> {
    let rows = Arc::clone(side);
    let mut attached = Attached::new(rows.as_ref().clone(), numbers);
    let condition = condition.transform_down(|part| {
        if subquery_in(&part).is_none() {
            return Ok(Transformed::no(part));
        }
        let part = if asks(&part, rows.schema())? { replace(part, &rows, &mut attached)?.data } else { part };
        Ok(Transformed::new(part, true, TreeNodeRecursion::Jump))
    })?;
    *side = Arc::new(attached.input);
    Ok(condition.data)
}

/// Whether rows of that schema have all columns that an expression with a subquery refers to.
fn asks(expr: &Expr, rows: &DFSchema) -> Result<bool> {
    let refs = match subquery_in(expr) {
        Some(subquery) => outer_refs(subquery)?,
        None => Vec::new(),
    };
    let own = expr.column_refs();
    Ok(refs.iter().chain(own).all(|column| rows.has_column(column)))
}

/// The join with its sides in the other order.
fn turned(join: Join) -> Result<Join> {
    let on = join.on.into_iter().map(|(left, right)| (right, left)).collect();
    let (left, right) = (join.right, join.left);
    let (constraint, equality) = (join.join_constraint, join.null_equality);
    Join::try_new(left, right, on, join.filter, JoinType::Left, constraint, equality, join.null_aware)
}

/// The join with the schema of its sides as they are now.
fn rebuilt(join: Join) -> Result<Join> {
    let (constraint, equality) = (join.join_constraint, join.null_equality);
    let (left, right, on) = (join.left, join.right, join.on);
    Join::try_new(left, right, on, join.filter, join.join_type, constraint, equality, join.null_aware)
}
