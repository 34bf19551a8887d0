//! Tables of an outer query that a column hides:
//! `(SELECT … FROM orders o WHERE o.customer = customer.id) … FROM customer`.
//!
//! DataFusion takes `customer.id` for a field of the column `orders.customer`. A column of the tables here
//! has no fields: the name is that of a table outside, whose column is found when the subquery is put beside
//! its rows.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field};
use datafusion::{
    common::{Column, Result, TableReference, tree_node::TreeNode},
    logical_expr::{
        Expr, LogicalPlan,
        planner::{ExprPlanner, PlannerResult},
    },
};

use crate::postgres::exprs::has;

/// Plans such names.
#[derive(Debug)]
pub(crate) struct HiddenTables;

impl ExprPlanner for HiddenTables {
    fn plan_compound_identifier(
        &self,
        field: &Field,
        _: Option<&TableReference>,
        nested: &[String],
    ) -> Result<PlannerResult<Vec<Expr>>> {
        let [column] = nested else { return Ok(PlannerResult::Original(Vec::new())) };
        if field.data_type().is_nested() {
            return Ok(PlannerResult::Original(Vec::new()));
        }
        let name = Column::new(Some(TableReference::bare(field.name().as_str())), column);
        // Its type is not known here.
        let unknown = Arc::new(Field::new(column, DataType::Null, true));
        Ok(PlannerResult::Planned(Expr::OuterReferenceColumn(unknown, name)))
    }
}

/// Whether a plan has a name whose type is not known yet.
pub(super) fn has_hidden(plan: &LogicalPlan) -> bool {
    let is_hidden =
        |part: &Expr| matches!(part, Expr::OuterReferenceColumn(field, _) if field.data_type().is_null());
    let found = plan.exists(|node| Ok(node.expressions().iter().any(|expr| has(expr, is_hidden))));
    found.unwrap_or(true)
}
