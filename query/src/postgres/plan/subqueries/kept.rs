//! Conditions that are an `EXISTS` or an `IN`: semi joins and anti joins.

use datafusion::{
    common::Result,
    logical_expr::{
        Expr, JoinType, LogicalPlan,
        expr::{Exists, InSubquery},
    },
};

use super::attach::Attached;

/// A condition that a join with a subquery decides.
pub(super) enum KeptRows<'e> {
    /// Rows for which an expression is among the subquery's.
    Members(&'e Expr, &'e LogicalPlan),
    /// Rows for which the subquery has rows, or none.
    Partnered { subquery: &'e LogicalPlan, negated: bool },
}

impl<'e> KeptRows<'e> {
    /// A condition of a filter; none for other conditions, and for `NOT IN`, which NULLs decide too.
    pub(super) fn of(condition: &'e Expr) -> Option<Self> {
        let (condition, is_not) = match condition {
            Expr::Not(inner) => (inner.as_ref(), true),
            other => (other, false),
        };
        match condition {
            Expr::InSubquery(InSubquery { expr, subquery, negated }) if *negated == is_not => {
                Some(Self::Members(expr, &subquery.subquery))
            }
            Expr::Exists(Exists { subquery, negated }) => {
                Some(Self::Partnered { subquery: &subquery.subquery, negated: *negated != is_not })
            }
            _ => None,
        }
    }
}

impl Attached<'_> {
    /// Keeps the rows for which `expr IN (subquery)` is true.
    pub(super) fn keep_members(&mut self, expr: Expr, subquery: &LogicalPlan) -> Result<()> {
        let expr = self.without_subquery(expr)?;
        let (inner, value) = self.rows_of(subquery)?;
        let conditions = std::iter::once(expr.eq(value)).chain(inner.conditions).collect();
        self.join(inner.plan, JoinType::LeftSemi, conditions)
    }

    /// Keeps the rows for which a subquery has rows; with `negated` those for which it has none.
    pub(super) fn keep_partnered(&mut self, subquery: &LogicalPlan, negated: bool) -> Result<()> {
        let inner = self.partners(subquery)?;
        let join_type = if negated { JoinType::LeftAnti } else { JoinType::LeftSemi };
        self.join(inner.plan, join_type, inner.conditions)
    }
}
