//! `IN` and `NOT IN` as values, for each outer row.

use datafusion::{
    common::{Column, DFSchema, Result, ScalarValue},
    logical_expr::{Expr, ExprSchemable, LogicalPlan, LogicalPlanBuilder, lit, when},
};

use super::{
    attach::{Attached, has_rows},
    plain::outer_refs,
};
use crate::postgres::exprs::has_subquery;

impl Attached<'_> {
    /// `expr IN (subquery)`: NULL where neither yes nor no is certain.
    pub(super) fn contains(&mut self, expr: Expr, subquery: &LogicalPlan) -> Result<Expr> {
        let expr = self.without_subquery(expr)?;
        let correlated = !outer_refs(subquery)?.is_empty();
        let (inner, value) = self.rows_of(subquery)?;
        let mut schema: DFSchema = self.input.schema().as_ref().clone();
        schema.merge(inner.plan.schema());
        let unknown = Expr::Literal(ScalarValue::Boolean(None), None);
        let with = |condition: Option<Expr>| -> Vec<Expr> {
            inner.conditions.iter().cloned().chain(condition).collect()
        };
        let equal = with(Some(expr.clone().eq(value.clone())));
        let has_null = value.nullable(&schema)?;
        let is_null = expr.nullable(&schema)?;
        let mut cases = when(self.mark(&inner, equal)?, lit(true));
        if has_null {
            let null = if correlated {
                self.mark(&inner, with(Some(value.clone().is_null())))?
            } else {
                has_rows(LogicalPlanBuilder::from(inner.plan.clone()).filter(value.is_null())?.build()?)?
            };
            cases = cases.when(null, unknown.clone());
        }
        if is_null {
            let any = if correlated { self.mark(&inner, with(None))? } else { has_rows(inner.plan.clone())? };
            cases = cases.when(expr.is_null().and(any), unknown);
        }
        cases.otherwise(lit(false))
    }

    /// An expression that a join can compare: what holds a subquery becomes a column of the input.
    pub(super) fn without_subquery(&mut self, expr: Expr) -> Result<Expr> {
        if !has_subquery(&expr) {
            return Ok(expr);
        }
        let name = format!("__asked_{}", self.numbers.next());
        let columns = self.input.schema().columns().into_iter().map(Expr::Column);
        let items: Vec<Expr> = columns.chain([expr.alias(&name)]).collect();
        self.input = LogicalPlanBuilder::from(std::mem::take(&mut self.input)).project(items)?.build()?;
        Ok(Expr::Column(Column::new_unqualified(name)))
    }
}
