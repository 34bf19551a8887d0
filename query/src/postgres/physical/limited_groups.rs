//! Groups of which the first are asked for: `GROUP BY g ORDER BY min(f) LIMIT 1`.
//!
//! DataFusion keeps the first groups in a heap, and compares floats there by `<`: NaN, which is larger than
//! every number, is less than none in it and hides other groups, and a key that is NaN is not found again.

use std::sync::Arc;

use datafusion::{
    common::{
        Result,
        config::ConfigOptions,
        tree_node::{TreeNode, TreeNodeRecursion},
    },
    physical_optimizer::{PhysicalOptimizerRule, topk_aggregation::TopKAggregation},
    physical_plan::{ExecutionPlan, aggregates::AggregateExec},
};

/// Leaves plans with groups or aggregates of floats to the operators that know all groups.
pub(crate) fn limit_exact_groups(rules: &mut [Arc<dyn PhysicalOptimizerRule + Send + Sync>]) {
    let theirs = TopKAggregation::new();
    for rule in rules.iter_mut().filter(|rule| rule.name() == theirs.name()) {
        *rule = Arc::new(LimitExactGroups(TopKAggregation::new()));
    }
}

#[derive(Debug)]
struct LimitExactGroups(TopKAggregation);

impl PhysicalOptimizerRule for LimitExactGroups {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        config: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        if has_groups_of_floats(&plan)? { Ok(plan) } else { self.0.optimize(plan, config) }
    }

    fn name(&self) -> &str {
        self.0.name()
    }

    fn schema_check(&self) -> bool {
        self.0.schema_check()
    }
}

/// Whether an aggregate of the plan makes a column of floats: its keys and its answers.
fn has_groups_of_floats(plan: &Arc<dyn ExecutionPlan>) -> Result<bool> {
    let mut has_floats = false;
    plan.apply(|plan| {
        has_floats |= plan.is::<AggregateExec>()
            && plan.schema().fields().iter().any(|field| field.data_type().is_floating());
        Ok(if has_floats { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    Ok(has_floats)
}
