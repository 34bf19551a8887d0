//! Joins inside of a subquery that is computed for all outer rows at once.

use std::sync::Arc;

use datafusion::{
    common::{Column, DFSchema, NullEquality, Result, plan_err},
    logical_expr::{
        Expr, ExprSchemable, Join, JoinType, LogicalPlan, Operator, Projection, binary_expr, when,
    },
};

use super::domain::{Dependent, Domain};

impl Domain<'_> {
    /// The join for each of the values. A side that does not refer to them is computed once, unless its rows
    /// may be shown without a partner.
    pub(super) fn join(&mut self, join: &Join) -> Result<Dependent> {
        let (mut needs_left, mut needs_right) = (self.is_in(&join.left)?, self.is_in(&join.right)?);
        match join.join_type {
            JoinType::Inner if needs_left || needs_right => {}
            JoinType::Inner
            | JoinType::Left
            | JoinType::LeftSemi
            | JoinType::LeftAnti
            | JoinType::LeftMark => {
                needs_left = true;
            }
            JoinType::Right | JoinType::RightSemi | JoinType::RightAnti | JoinType::RightMark => {
                needs_right = true;
            }
            JoinType::Full => (needs_left, needs_right) = (true, true),
        }
        if join.null_aware && needs_left && needs_right {
            return plan_err!("a correlated subquery with NOT IN over another");
        }
        let left = if needs_left { self.apply(&join.left)? } else { as_it_is(&join.left) };
        let right = if needs_right { self.apply(&join.right)? } else { as_it_is(&join.right) };
        let known = if needs_left { &left.outer } else { &right.outer };
        let mut on = Vec::with_capacity(join.on.len());
        for (a, b) in &join.on {
            on.push((self.seen(a.clone(), known)?, self.seen(b.clone(), known)?));
        }
        let mut filters = Vec::new();
        if needs_left && needs_right {
            match join.null_equality {
                NullEquality::NullEqualsNull => on.extend(left.outer_exprs().zip(right.outer_exprs())),
                NullEquality::NullEqualsNothing => filters = equal_outer(&left, &right)?,
            }
        }
        if let Some(filter) = &join.filter {
            filters.push(self.seen(filter.clone(), known)?);
        }
        let outer = match join.join_type {
            JoinType::Right | JoinType::RightSemi | JoinType::RightAnti | JoinType::RightMark => {
                right.outer.clone()
            }
            _ => known.clone(),
        };
        let sides = (left.outer, right.outer);
        let plan = Join::try_new(
            Arc::new(left.plan),
            Arc::new(right.plan),
            on,
            filters.into_iter().reduce(Expr::and),
            join.join_type,
            join.join_constraint,
            join.null_equality,
            join.null_aware,
        )?;
        let plan = LogicalPlan::Join(plan);
        match join.join_type {
            JoinType::Full => self.either_side(join, plan, sides),
            _ => Ok(Dependent { plan, outer }),
        }
    }

    /// The values of the side that has a row.
    fn either_side(
        &mut self,
        join: &Join,
        plan: LogicalPlan,
        (left, right): (Vec<Column>, Vec<Column>),
    ) -> Result<Dependent> {
        let number = self.numbers.next();
        let mut items: Vec<Expr> = join.schema.columns().into_iter().map(Expr::Column).collect();
        let mut outer = Vec::with_capacity(left.len());
        for (index, (left, right)) in left.into_iter().zip(right).enumerate() {
            let (left, right) = (Expr::Column(left), Expr::Column(right));
            let name = format!("__outer_{number}_{index}");
            items.push(when(left.clone().is_null(), right).otherwise(left)?.alias(&name));
            outer.push(Column::new_unqualified(name));
        }
        Ok(Dependent { plan: LogicalPlan::Projection(Projection::try_new(items, Arc::new(plan))?), outer })
    }
}

fn as_it_is(plan: &Arc<LogicalPlan>) -> Dependent {
    Dependent { plan: plan.as_ref().clone(), outer: Vec::new() }
}

/// Conditions for the values of both sides to be the same ones.
pub(super) fn equal_outer(left: &Dependent, right: &Dependent) -> Result<Vec<Expr>> {
    equal_values(left.outer_exprs(), left.plan.schema(), right.outer_exprs(), right.plan.schema())
}

/// Conditions for values to be the same ones, NULL included.
pub(super) fn equal_values(
    left: impl Iterator<Item = Expr>,
    left_schema: &DFSchema,
    right: impl Iterator<Item = Expr>,
    right_schema: &DFSchema,
) -> Result<Vec<Expr>> {
    left.zip(right)
        .map(|(a, b)| {
            let is_null = a.nullable(left_schema)? || b.nullable(right_schema)?;
            let op = if is_null { Operator::IsNotDistinctFrom } else { Operator::Eq };
            Ok(binary_expr(a, op, b))
        })
        .collect()
}
