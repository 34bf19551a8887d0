//! Joins with a `LATERAL` side, and conditions of joins that hold a subquery.

use std::sync::Arc;

use datafusion::{
    common::{
        Result,
        tree_node::{Transformed, TreeNode},
    },
    logical_expr::{
        Expr, Filter, Join, JoinType, LogicalPlan, LogicalPlanBuilder, Projection, SubqueryAlias,
        utils::split_conjunction,
    },
};

use super::{NameCounter, domain::Domain, hidden::has_hidden, plain::is_tied_by_equality, replace_in};
use crate::postgres::exprs::has_subquery;

/// Whether the right side of a join refers to the left one, and DataFusion would not join them rightly.
pub(super) fn is_lateral(join: &Join) -> bool {
    let mut right = join.right.as_ref();
    while let LogicalPlan::SubqueryAlias(alias) = right {
        right = &alias.input;
    }
    let LogicalPlan::Subquery(subquery) = right else { return false };
    let mut plan = subquery.subquery.as_ref();
    while let LogicalPlan::Projection(projection) = plan
        && !projection.expr.iter().any(|item| item.contains_outer() || has_subquery(item))
    {
        plan = &projection.input;
    }
    join.join_type != JoinType::Inner || !is_tied_by_equality(plan, &subquery.subquery) || has_hidden(plan)
}

/// The join, with the right side computed for all rows of the left one at once.
pub(super) fn replace(join: Join, numbers: &mut NameCounter) -> Result<Transformed<LogicalPlan>> {
    let right = without_subquery(&join.right)?;
    let mut domain = Domain::of(&join.left, &right, numbers)?;
    let answers = domain.apply(&right)?;
    let conditions = domain.asked_by(&join.left, &answers)?.into_iter().chain(join.filter);
    let columns: Vec<Expr> = join.schema.columns().into_iter().map(Expr::Column).collect();
    let joined = Join::try_new(
        join.left,
        Arc::new(answers.plan),
        join.on,
        conditions.reduce(Expr::and),
        join.join_type,
        join.join_constraint,
        join.null_equality,
        join.null_aware,
    )?;
    let plan = Projection::try_new(columns, Arc::new(LogicalPlan::Join(joined)))?;
    Ok(Transformed::yes(LogicalPlan::Projection(plan)))
}

/// A left join whose conditions with subqueries are conditions of its right side, for each row of the left
/// one.
pub(super) fn conditioned(mut join: Join, numbers: &mut NameCounter) -> Result<Transformed<LogicalPlan>> {
    let conditions = join.filter.take();
    let conditions = conditions.iter().flat_map(split_conjunction).cloned();
    let (asked, own): (Vec<_>, Vec<_>) = conditions.partition(has_subquery);
    join.filter = own.into_iter().reduce(Expr::and);
    let Some(asked) = asked.into_iter().reduce(Expr::and) else {
        return Ok(Transformed::no(LogicalPlan::Join(join)));
    };
    let left = join.left.schema();
    let asked = asked.transform_up(|expr| match expr {
        Expr::Column(name) if left.has_column(&name) => {
            let (_, field) = left.qualified_field_from_column(&name)?;
            let field = Arc::clone(field);
            Ok(Transformed::yes(Expr::OuterReferenceColumn(field, name)))
        }
        other => Ok(Transformed::no(other)),
    })?;
    let filtered = Filter::try_new(asked.data, Arc::clone(&join.right))?;
    join.right = Arc::new(replace_in(LogicalPlan::Filter(filtered), numbers)?.data);
    replace(join, numbers)
}

/// The right side without the node that says that it refers to the left one.
fn without_subquery(plan: &LogicalPlan) -> Result<LogicalPlan> {
    Ok(match plan {
        LogicalPlan::Subquery(subquery) => subquery.subquery.as_ref().clone(),
        LogicalPlan::SubqueryAlias(alias) => {
            let input = Arc::new(without_subquery(&alias.input)?);
            LogicalPlan::SubqueryAlias(SubqueryAlias::try_new(input, alias.alias.clone())?)
        }
        other => other.clone(),
    })
}

/// An inner join whose conditions with subqueries stand above it.
pub(super) fn filtered(mut join: Join) -> Result<LogicalPlan> {
    let conditions = join.filter.take();
    let conditions = conditions.iter().flat_map(split_conjunction).cloned();
    let (above, own): (Vec<_>, Vec<_>) = conditions.partition(has_subquery);
    join.filter = own.into_iter().reduce(Expr::and);
    let joined = LogicalPlanBuilder::from(LogicalPlan::Join(join)).build()?;
    Ok(match above.into_iter().reduce(Expr::and) {
        Some(above) => LogicalPlan::Filter(Filter::try_new(above, Arc::new(joined))?),
        None => joined,
    })
}
