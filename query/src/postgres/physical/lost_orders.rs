//! Orders that an operator asks its input for, and the input has no more.
//!
//! DataFusion leaves out a sort by a column that is known to have one value. Where a later rule moves the
//! projection that says so into a join, the order is as it was, and nothing knows: the plan is refused by the
//! last check. Here such inputs are sorted again.

use std::sync::Arc;

use datafusion::{
    common::{
        Result,
        config::ConfigOptions,
        tree_node::{Transformed, TreeNode},
    },
    physical_expr::{LexOrdering, LexRequirement, OrderingRequirements},
    physical_optimizer::{PhysicalOptimizerRule, sanity_checker::SanityCheckPlan},
    physical_plan::{
        ExecutionPlan, ExecutionPlanProperties, replace_children_if_necessary, sorts::sort::SortExec,
    },
};

/// Puts the rule before the last check.
pub(crate) fn restore_lost_orders(rules: &mut Vec<Arc<dyn PhysicalOptimizerRule + Send + Sync>>) {
    let checks =
        |rule: &Arc<dyn PhysicalOptimizerRule + Send + Sync>| rule.name() == SanityCheckPlan::new().name();
    let at = rules.iter().rposition(checks).unwrap_or(rules.len());
    rules.insert(at, Arc::new(RestoreLostOrders));
}

#[derive(Debug)]
struct RestoreLostOrders;

impl PhysicalOptimizerRule for RestoreLostOrders {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(plan.transform_up(with_sorted_inputs)?.data)
    }

    fn name(&self) -> &'static str {
        "RestoreLostOrders"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

fn with_sorted_inputs(plan: Arc<dyn ExecutionPlan>) -> Result<Transformed<Arc<dyn ExecutionPlan>>> {
    let mut inputs = Vec::new();
    let mut is_sorted = true;
    for (input, wanted) in plan.children().into_iter().zip(plan.required_input_ordering()) {
        let lost = match wanted.map(OrderingRequirements::into_single) {
            Some(wanted)
                if !input.equivalence_properties().ordering_satisfy_requirement(wanted.clone())? =>
            {
                Some(wanted)
            }
            _ => None,
        };
        is_sorted &= lost.is_none();
        inputs.push(lost.map_or_else(|| Arc::clone(input), |wanted| sorted(input, wanted)));
    }
    if is_sorted {
        Ok(Transformed::no(plan))
    } else {
        Ok(Transformed::yes(replace_children_if_necessary(plan, inputs)?))
    }
}

/// Each partition of `input` in the order that is wanted.
fn sorted(input: &Arc<dyn ExecutionPlan>, wanted: LexRequirement) -> Arc<dyn ExecutionPlan> {
    let sort = SortExec::new(LexOrdering::from(wanted), Arc::clone(input));
    Arc::new(sort.with_preserve_partitioning(input.output_partitioning().partition_count() > 1))
}
