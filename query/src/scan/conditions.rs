//! Long conditions of physical plans as balanced trees. DataFusion takes a condition apart to push its parts
//! down, and hangs what it puts together again each under the one before. An `AND` of a thousand parts was
//! then evaluated a thousand calls deep, and that by tasks with a small stack.

use std::sync::Arc;

use datafusion::{
    common::{
        Result,
        config::ConfigOptions,
        tree_node::{Transformed, TransformedResult, TreeNode},
    },
    logical_expr::Operator,
    physical_expr::{PhysicalExpr, conjunction, expressions::BinaryExpr},
    physical_optimizer::PhysicalOptimizerRule,
    physical_plan::{
        ExecutionPlan,
        filter::{FilterExec, FilterExecBuilder},
        joins::{
            HashJoinExec, HashJoinExecBuilder, NestedLoopJoinExec, NestedLoopJoinExecBuilder,
            utils::JoinFilter,
        },
    },
};

use crate::postgres::ast::{LONG, balanced};

/// As deep as no balanced tree is that somebody could write.
const DEEP: usize = 16;

/// The rule, for filters and for the conditions of joins.
#[derive(Debug)]
pub(crate) struct BalanceConditions;

impl PhysicalOptimizerRule for BalanceConditions {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|plan| {
            let balanced = balanced_node(plan.as_ref())?;
            Ok(balanced.map_or_else(|| Transformed::no(plan), Transformed::yes))
        })
        .data()
    }

    fn name(&self) -> &'static str {
        "BalanceConditions"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

fn balanced_node(plan: &dyn ExecutionPlan) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    if let Some(filter) = plan.downcast_ref::<FilterExec>() {
        let Some(condition) = balanced_condition(filter.predicate()) else { return Ok(None) };
        return Ok(Some(Arc::new(FilterExecBuilder::from(filter).with_predicate(condition).build()?)));
    }
    let on = |filter: Option<&JoinFilter>| {
        let filter = filter?;
        let condition = balanced_condition(filter.expression())?;
        Some(JoinFilter::new(condition, filter.column_indices().to_vec(), Arc::clone(filter.schema())))
    };
    if let Some(join) = plan.downcast_ref::<HashJoinExec>()
        && let Some(filter) = on(join.filter())
    {
        return Ok(Some(Arc::new(HashJoinExecBuilder::from(join).with_filter(Some(filter)).build()?)));
    }
    if let Some(join) = plan.downcast_ref::<NestedLoopJoinExec>()
        && let Some(filter) = on(join.filter())
    {
        return Ok(Some(Arc::new(NestedLoopJoinExecBuilder::from(join).with_filter(Some(filter)).build()?)));
    }
    Ok(None)
}

/// The condition that all of these hold.
pub(super) fn all_of(conditions: Vec<Arc<dyn PhysicalExpr>>) -> Arc<dyn PhysicalExpr> {
    if conditions.len() < LONG {
        return conjunction(conditions);
    }
    let both = |left, right| Arc::new(BinaryExpr::new(left, Operator::And, right)) as Arc<dyn PhysicalExpr>;
    balanced(conditions, &both).unwrap_or_else(|| conjunction([]))
}

/// A condition whose parts stand in a long row, if it is one.
fn balanced_condition(condition: &Arc<dyn PhysicalExpr>) -> Option<Arc<dyn PhysicalExpr>> {
    let mut parts = Vec::new();
    let mut rest = condition;
    while let Some(binary) = rest.downcast_ref::<BinaryExpr>()
        && *binary.op() == Operator::And
    {
        parts.push(binary.right());
        rest = binary.left();
    }
    if parts.len() < DEEP {
        return None;
    }
    parts.push(rest);
    Some(all_of(parts.into_iter().rev().cloned().collect()))
}
