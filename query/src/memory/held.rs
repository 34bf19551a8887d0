//! Counts the rows that windows hold: an operator that needs all rows of its input before it gives out the
//! first holds them uncounted otherwise.
//!
//! ```text
//!   CountedWindow ── keeps the reservation until its rows were taken
//!     └ WindowAggExec
//!         └ CountedInput ── adds each batch that passes
//!             └ input
//! ```
//!
//! `EXPLAIN` shows the window and its input only.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use datafusion::{
    common::{Result, config::ConfigOptions, internal_err, tree_node::TreeNodeRecursion},
    execution::{
        SendableRecordBatchStream, TaskContext,
        memory_pool::{MemoryConsumer, MemoryReservation},
    },
    physical_expr::PhysicalExpr,
    physical_optimizer::PhysicalOptimizerRule,
    physical_plan::{
        DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, metrics::MetricsSet,
        replace_children_if_necessary, stream::RecordBatchStreamAdapter, windows::WindowAggExec,
    },
};
use futures::TryStreamExt;

/// The rule; behind all others, which look for windows.
#[derive(Debug)]
pub(crate) struct CountWindows;

impl PhysicalOptimizerRule for CountWindows {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        count(plan)
    }

    fn name(&self) -> &'static str {
        "CountWindows"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

fn count(plan: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
    let children = plan.children().into_iter().cloned().map(count).collect::<Result<Vec<_>>>()?;
    let plan = replace_children_if_necessary(plan, children)?;
    if plan.is::<WindowAggExec>() {
        return Ok(Arc::new(CountedWindow::over(plan)?));
    }
    Ok(plan)
}

/// Memory that each running partition has reserved.
type Reservations = Arc<Mutex<HashMap<usize, Arc<MemoryReservation>>>>;

/// A window whose input is counted.
#[derive(Debug)]
struct CountedWindow {
    window: Arc<dyn ExecutionPlan>,
    input: Arc<dyn ExecutionPlan>,
    started: Reservations,
}

impl CountedWindow {
    fn over(window: Arc<dyn ExecutionPlan>) -> Result<Self> {
        let [input] = window.children()[..] else { return internal_err!("a window has one input") };
        let (input, started) = (Arc::clone(input), Reservations::default());
        let counted = Arc::new(CountedInput { input: Arc::clone(&input), started: Arc::clone(&started) });
        Ok(Self { window: replace_children_if_necessary(window, vec![counted])?, input, started })
    }
}

impl DisplayAs for CountedWindow {
    fn fmt_as(&self, t: DisplayFormatType, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.window.fmt_as(t, f)
    }
}

impl ExecutionPlan for CountedWindow {
    fn name(&self) -> &'static str {
        "WindowAggExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.window.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        self.window.apply_expressions(f)
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(Arc::new(Self::over(replace_children_if_necessary(Arc::clone(&self.window), children)?)?))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let consumer = MemoryConsumer::new(format!("WindowAggExec[{partition}]"));
        let reservation = Arc::new(consumer.register(context.memory_pool()));
        self.started
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(partition, Arc::clone(&reservation));
        let rows = self.window.execute(partition, context)?;
        let schema = rows.schema();
        // Moved into the stream, it lives as long as the rows do.
        let rows = rows.inspect_ok(move |_| {
            let _held = &reservation;
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, rows)))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        self.window.metrics()
    }
}

/// The input of a window.
#[derive(Debug)]
struct CountedInput {
    input: Arc<dyn ExecutionPlan>,
    started: Reservations,
}

impl DisplayAs for CountedInput {
    fn fmt_as(&self, t: DisplayFormatType, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.input.fmt_as(t, f)
    }
}

impl ExecutionPlan for CountedInput {
    fn name(&self) -> &'static str {
        "CountedInput"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.input.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn with_new_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let Some(input) = children.pop() else { return internal_err!("it has one input") };
        Ok(Arc::new(Self { input, started: Arc::clone(&self.started) }))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let reservation = self.started.lock().unwrap_or_else(PoisonError::into_inner).remove(&partition);
        let rows = self.input.execute(partition, context)?;
        let Some(reservation) = reservation else { return Ok(rows) };
        let schema = rows.schema();
        // When the last has come, all are copied into one batch.
        let rows = rows.and_then(move |batch| {
            let counted = reservation.try_grow(2 * batch.get_array_memory_size());
            std::future::ready(counted.map(|()| batch))
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, rows)))
    }
}
