//! Limits that tell an aggregate when it may stop.
//!
//! DataFusion gives one to an aggregate without order. Where the aggregate's input gets an order later, from
//! a window below it, the limit means something else to the aggregate, which fails. The limit above it stays.

use std::sync::Arc;

use datafusion::{
    common::{
        Result,
        config::ConfigOptions,
        tree_node::{Transformed, TreeNode},
    },
    physical_optimizer::PhysicalOptimizerRule,
    physical_plan::{ExecutionPlan, aggregates::AggregateExec},
};

/// The rule. It runs when the orders of all inputs are known.
#[derive(Debug)]
pub(crate) struct DropSoftLimits;

impl PhysicalOptimizerRule for DropSoftLimits {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        let dropped = plan.transform_up(|plan| {
            let aggregate = plan.downcast_ref::<AggregateExec>().filter(|plan| has_stale_limit(plan));
            let without = aggregate.map(|plan| Arc::new(plan.with_new_limit_options(None)));
            Ok(match without {
                Some(without) => Transformed::yes(without as Arc<dyn ExecutionPlan>),
                None => Transformed::no(plan),
            })
        })?;
        Ok(dropped.data)
    }

    fn name(&self) -> &'static str {
        "DropSoftLimits"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

fn has_stale_limit(aggregate: &AggregateExec) -> bool {
    aggregate.limit_options().is_some_and(|limit| limit.descending().is_none())
        && aggregate.get_minmax_desc().is_none()
        && !aggregate.is_unordered_unfiltered_group_by_distinct()
}
