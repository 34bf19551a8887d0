//! Lets large scans give their rows in any order where nothing above them asks for one.

use std::sync::Arc;

use datafusion::{
    common::{Result, config::ConfigOptions},
    datasource::source::DataSourceExec,
    physical_optimizer::PhysicalOptimizerRule,
    physical_plan::{
        ExecutionPlan, ExecutionPlanProperties, InputOrderMode,
        aggregates::{AggregateExec, AggregateInputMode},
        limit::GlobalLimitExec,
        replace_children_if_necessary,
        sorts::{partial_sort::PartialSortExec, sort::SortExec},
    },
};

use super::source::TableScan;

/// The rule. It runs when sorts have been pushed down, so that all who want an order are known.
#[derive(Debug)]
pub(crate) struct RelaxOrder;

impl PhysicalOptimizerRule for RelaxOrder {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        // Readers of the result see what order there is; the parts of one that comes in parts are mixed in
        // any case.
        let is_whole = plan.output_partitioning().partition_count() == 1;
        relax(plan, is_whole)
    }

    fn name(&self) -> &'static str {
        "RelaxOrder"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

fn relax(plan: Arc<dyn ExecutionPlan>, is_wanted: bool) -> Result<Arc<dyn ExecutionPlan>> {
    if let Some(exec) = plan.downcast_ref::<DataSourceExec>() {
        let scan = exec.data_source().downcast_ref::<TableScan>();
        return Ok(match scan.filter(|_| !is_wanted).and_then(TableScan::in_any_order) {
            Some(scan) => DataSourceExec::from_data_source(scan),
            None => plan,
        });
    }
    let makes_use_of_it = makes_use_of_order(plan.as_ref());
    // Of rows that come in an order a limit lets through the first ones, also where no sort is left that says
    // which.
    let is_wanted = is_wanted || plan.fetch().is_some() || plan.is::<GlobalLimitExec>();
    let (maintained, required) = (plan.maintains_input_order(), plan.required_input_ordering());
    let children = plan.children().into_iter().cloned().zip(maintained).zip(required);
    let children = children
        .map(|((child, is_maintained), required)| {
            relax(child, makes_use_of_it || required.is_some() || (is_wanted && is_maintained))
        })
        .collect::<Result<Vec<_>>>()?;
    replace_children_if_necessary(plan, children)
}

/// Whether an operator works by the order of its input without asking for it.
fn makes_use_of_order(plan: &dyn ExecutionPlan) -> bool {
    if let Some(aggregate) = plan.downcast_ref::<AggregateExec>() {
        // An aggregate with an order of its own, `first_value(v ORDER BY k)`, does without comparing where
        // rows come in it.
        let is_first_stage = aggregate.mode().input_mode() == AggregateInputMode::Raw;
        let has_order = aggregate.aggr_expr().iter().any(|expr| !expr.order_bys().is_empty());
        return *aggregate.input_order_mode() != InputOrderMode::Linear || (is_first_stage && has_order);
    }
    if let Some(sort) = plan.downcast_ref::<SortExec>() {
        // The first rows of a sort are known early where the input comes in the order of its first columns.
        let given = sort.input().equivalence_properties();
        let common = given.extract_common_sort_prefix(sort.expr().clone());
        return sort.fetch().is_some() && common.is_ok_and(|(prefix, _)| !prefix.is_empty());
    }
    plan.downcast_ref::<PartialSortExec>().is_some()
}
