//! Lets large scans give their rows in any order where nothing above them asks for one.

use std::sync::Arc;

use datafusion::{
    common::{Result, config::ConfigOptions},
    datasource::source::DataSourceExec,
    physical_optimizer::PhysicalOptimizerRule,
    physical_plan::{
        ExecutionPlan, InputOrderMode, aggregates::AggregateExec, replace_children_if_necessary,
    },
};

use super::source::TableScan;

/// The rule. It runs when sorts have been pushed down, so that all who want an order are known.
#[derive(Debug)]
pub(crate) struct RelaxOrder;

impl PhysicalOptimizerRule for RelaxOrder {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        // Whoever reads the result sees what order there is.
        relax(plan, true)
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
    let groups_in_order = plan
        .downcast_ref::<AggregateExec>()
        .is_some_and(|aggregate| *aggregate.input_order_mode() != InputOrderMode::Linear);
    let (maintained, required) = (plan.maintains_input_order(), plan.required_input_ordering());
    let children = plan.children().into_iter().cloned().zip(maintained).zip(required);
    let children = children
        .map(|((child, is_maintained), required)| {
            relax(child, groups_in_order || required.is_some() || (is_wanted && is_maintained))
        })
        .collect::<Result<Vec<_>>>()?;
    replace_children_if_necessary(plan, children)
}
