//! Sorts that fit into the memory that queries have.
//!
//! A sort holds a batch of its input twice while it makes room for it, and at least two batches of what it
//! spilled, twice each, while it merges them. Batches have a number of rows, whatever these weigh. Here a
//! sort looks at its first batch, and goes on with batches of as many rows as its part of the memory takes.
//!
//! ```text
//!   FittedSort ── looks at the first batch
//!     └ SortExec, over batches of fewer rows ── merges batches of as many rows
//!         └ FittedRows ── cuts batches
//!             └ input
//! ```
//!
//! A sort for the first rows alone cannot spill what it holds. Where these would not fit, all rows are
//! sorted, and the first are taken. `EXPLAIN` shows the sort and its input only.

use std::sync::Arc;

use arrow::{
    array::{
        Array, ArrayRef, AsArray, BinaryViewArray, RecordBatch, RecordBatchOptions, StringViewArray,
        UInt64Array,
    },
    compute::take_record_batch,
    datatypes::Schema,
};
use datafusion::{
    common::{Result, config::ConfigOptions, internal_err, tree_node::TreeNodeRecursion},
    execution::{SendableRecordBatchStream, TaskContext, config::SessionConfig, runtime_env::RuntimeEnv},
    physical_expr::PhysicalExpr,
    physical_optimizer::PhysicalOptimizerRule,
    physical_plan::{
        DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties,
        metrics::MetricsSet,
        replace_children_if_necessary,
        sorts::{sort::SortExec, sort_preserving_merge::SortPreservingMergeExec},
        stream::RecordBatchStreamAdapter,
    },
};
use futures::{Stream, StreamExt, TryStreamExt, future::ready, stream};
use parking_lot::Mutex;

use super::merge_room::MergeRoom;

/// The most that a sort keeps free to merge what it spilled, in bytes, and its part of the memory of queries.
const MERGE_BYTES_MAX: usize = 10 << 20;
const MERGE_SHARE: usize = 16;
/// The parts of the memory kept free that a batch may take.
const BATCH_SHARE: usize = 4;
/// The fewest rows of a batch.
const BATCH_ROWS_MIN: usize = 8;
/// So many first rows are held by any sort.
const FIRST_ROWS: usize = 1_000;
/// Assumed length of the texts of a row where it is not known, in bytes.
const TEXT_BYTES: usize = 4_096;

/// Fits the memory that sorts keep free to what queries have: they could not begin otherwise, one for each
/// partition.
pub(crate) fn fit_sorts(config: &mut SessionConfig, query_memory: usize) {
    let partitions = config.target_partitions().max(1);
    config.options_mut().execution.sort_spill_reservation_bytes =
        MERGE_BYTES_MAX.min(query_memory / MERGE_SHARE / partitions);
}

/// The rule; behind all others, which look for sorts.
#[derive(Debug)]
pub(crate) struct FitSorts;

impl PhysicalOptimizerRule for FitSorts {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        fit(plan)
    }

    fn name(&self) -> &'static str {
        "FitSorts"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

fn fit(plan: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
    let children = plan.children().into_iter().cloned().map(fit).collect::<Result<Vec<_>>>()?;
    let plan = replace_children_if_necessary(plan, children)?;
    let is_large = |sort: &SortExec| sort.fetch().is_none_or(|first| first > FIRST_ROWS);
    if plan.downcast_ref::<SortExec>().is_some_and(is_large) || plan.is::<SortPreservingMergeExec>() {
        return Ok(Arc::new(FittedSort { plan, run: SortsRun::default() }));
    }
    Ok(plan)
}

/// A sort, or a merge of sorted rows, that fits its batches to the memory.
#[derive(Debug)]
struct FittedSort {
    plan: Arc<dyn ExecutionPlan>,
    /// The sorts that were run, one for each partition.
    run: SortsRun,
}

/// Sorts that were run, for their metrics.
type SortsRun = Arc<Mutex<Vec<Arc<dyn ExecutionPlan>>>>;

impl DisplayAs for FittedSort {
    fn fmt_as(&self, t: DisplayFormatType, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.plan.fmt_as(t, f)
    }
}

impl ExecutionPlan for FittedSort {
    fn name(&self) -> &str {
        self.plan.name()
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.plan.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        self.plan.children()
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        self.plan.apply_expressions(f)
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let plan = replace_children_if_necessary(Arc::clone(&self.plan), children)?;
        Ok(Arc::new(Self { plan, run: SortsRun::default() }))
    }

    fn reset_state(self: Arc<Self>) -> Result<Arc<dyn ExecutionPlan>> {
        let plan = Arc::clone(&self.plan).reset_state()?;
        Ok(Arc::new(Self { plan, run: SortsRun::default() }))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let Some(sort) = self.plan.downcast_ref::<SortExec>() else {
            return self.merged(partition, &context);
        };
        let input = Arc::clone(sort.input());
        let rows = input.execute(partition, Arc::clone(&context))?;
        let (sort, run) = (sort.clone(), Arc::clone(&self.run));
        let sorted = async move { sorted(sort, &input, rows, partition, &context, &run).await };
        let schema = self.plan.schema();
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, stream::once(sorted).try_flatten())))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        let run = self.run.lock();
        if run.is_empty() {
            return self.plan.metrics();
        }
        let mut all = MetricsSet::new();
        for metric in run
            .iter()
            .filter_map(|sort| sort.metrics())
            .flat_map(|set| set.iter().cloned().collect::<Vec<_>>())
        {
            all.push(metric);
        }
        Some(all)
    }
}

impl FittedSort {
    /// The rows of a merge. What is below it keeps the batches that it has.
    fn merged(&self, partition: usize, context: &Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let rows = batch_rows(context, row_bytes(&self.plan.schema()), 1);
        if rows >= context.session_config().batch_size() {
            return self.plan.execute(partition, Arc::clone(context));
        }
        let cut = |input: &Arc<dyn ExecutionPlan>| {
            let (input, context) = (Arc::clone(input), Arc::clone(context));
            Arc::new(CutRows { input, context, rows }) as Arc<dyn ExecutionPlan>
        };
        let inputs = self.plan.children().into_iter().map(cut).collect();
        let merge = replace_children_if_necessary(Arc::clone(&self.plan), inputs)?;
        self.run.lock().push(Arc::clone(&merge));
        merge.execute(partition, with_batches_of(context, rows, context.runtime_env()))
    }
}

/// The sorted rows of one partition.
async fn sorted(
    sort: SortExec,
    input: &Arc<dyn ExecutionPlan>,
    mut rows: SendableRecordBatchStream,
    partition: usize,
    context: &Arc<TaskContext>,
    run: &SortsRun,
) -> Result<SendableRecordBatchStream> {
    let schema = rows.schema();
    let Some(first) = rows.next().await.transpose()? else {
        return Ok(Box::pin(RecordBatchStreamAdapter::new(schema, stream::empty())));
    };
    let bytes = bytes_of(&first)? / first.num_rows().max(1);
    let batch_rows = batch_rows(context, bytes, BATCH_SHARE);
    let fetch = sort.fetch();
    // The first rows take, besides their own bytes, the keys that they are compared by.
    let too_many = |first: &usize| first.saturating_mul(2 * bytes.max(1)) > MergeRoom::bytes_max(context);
    let taken = fetch.filter(too_many);
    let sort = if taken.is_some() { sort.with_fetch(None) } else { sort };
    let rows = stream::iter([Ok(first)]).chain(rows);
    let cut = FittedRows {
        properties: Arc::clone(input.properties()),
        rows: Mutex::new(Some(Box::pin(RecordBatchStreamAdapter::new(
            schema,
            cut(rows, batch_rows, reserved(context) / BATCH_SHARE),
        )))),
    };
    let sort = replace_children_if_necessary(Arc::new(sort), vec![Arc::new(cut)])?;
    run.lock().push(Arc::clone(&sort));
    let context = with_batches_of(context, batch_rows, MergeRoom::runtime_of(context));
    let sorted = sort.execute(partition, context)?;
    // A merged batch refers to all batches that it has rows of.
    let schema = sorted.schema();
    let sorted = sorted.map(|batch| copied(&batch?));
    let sorted: SendableRecordBatchStream = Box::pin(RecordBatchStreamAdapter::new(schema, sorted));
    Ok(match taken {
        Some(taken) => first_rows(sorted, taken),
        None => sorted,
    })
}

/// The bytes that a sort keeps free.
fn reserved(context: &TaskContext) -> usize {
    context.session_config().options().execution.sort_spill_reservation_bytes
}

/// The rows of a batch that takes a part of the memory kept free.
fn batch_rows(context: &TaskContext, row_bytes: usize, share: usize) -> usize {
    let rows = reserved(context) / share / row_bytes.max(1);
    rows.clamp(BATCH_ROWS_MIN, context.session_config().batch_size().max(BATCH_ROWS_MIN))
}

/// The context of a plan whose batches have so many rows.
fn with_batches_of(context: &Arc<TaskContext>, rows: usize, runtime: Arc<RuntimeEnv>) -> Arc<TaskContext> {
    Arc::new(TaskContext::new(
        context.task_id(),
        context.session_id(),
        context.session_config().clone().with_batch_size(rows),
        context.scalar_functions().clone(),
        context.higher_order_functions().clone(),
        context.aggregate_functions().clone(),
        context.window_functions().clone(),
        runtime,
    ))
}

/// The bytes of the rows of a batch, which may be a part of another one.
fn bytes_of(batch: &RecordBatch) -> Result<usize> {
    let bytes = batch.columns().iter().map(|column| {
        let texts = column.as_string_view_opt().map_or(0, StringViewArray::total_buffer_bytes_used);
        let others = column.as_binary_view_opt().map_or(0, BinaryViewArray::total_buffer_bytes_used);
        Ok(column.to_data().get_slice_memory_size()? + texts + others)
    });
    bytes.sum()
}

/// The bytes of a row, as far as the types of its columns tell.
fn row_bytes(schema: &Schema) -> usize {
    let widths = schema.fields().iter().map(|field| field.data_type().primitive_width());
    let has_text = widths.clone().any(|width| width.is_none());
    widths.flatten().sum::<usize>() + if has_text { TEXT_BYTES } else { 0 }
}

fn first_rows(rows: SendableRecordBatchStream, taken: usize) -> SendableRecordBatchStream {
    let schema = rows.schema();
    let rows = rows.scan(taken, |left, batch| {
        let batch = batch.map(|batch| {
            let rows = batch.num_rows().min(*left);
            *left -= rows;
            batch.slice(0, rows)
        });
        ready(if batch.as_ref().is_ok_and(|batch| batch.num_rows() == 0) { None } else { Some(batch) })
    });
    Box::pin(RecordBatchStreamAdapter::new(schema, rows))
}

/// The rows of a batch that weighs no more than `batch_bytes`, by what those of `batch` weigh.
fn rows_within(batch: &RecordBatch, batch_bytes: usize) -> Result<usize> {
    let row_bytes = bytes_of(batch)? / batch.num_rows().max(1);
    Ok((batch_bytes / row_bytes.max(1)).max(BATCH_ROWS_MIN))
}

/// Batches of at most so many rows, and of so many bytes where these are larger than those before them. What
/// the sort makes of them has as many rows as the first batch decided: much larger rows behind it may not
/// fit.
fn cut(
    rows: impl Stream<Item = Result<RecordBatch>>,
    batch_rows: usize,
    batch_bytes: usize,
) -> impl Stream<Item = Result<RecordBatch>> {
    rows.and_then(move |batch| ready(rows_within(&batch, batch_bytes).map(|rows| (batch, rows))))
        .map_ok(move |(batch, rows)| {
            let batch_rows = batch_rows.min(rows);
            let parts =
                if batch.num_rows() <= batch_rows { 1 } else { batch.num_rows().div_ceil(batch_rows) };
            let size = batch.num_rows().div_ceil(parts).max(1);
            let starts = (0..batch.num_rows().max(1)).step_by(size);
            stream::iter(starts.map(move |start| {
                if parts == 1 {
                    return Ok(batch.clone());
                }
                let rows = size.min(batch.num_rows() - start);
                copied_part(&batch.slice(start, rows))
            }))
        })
        .try_flatten()
}

/// The rows with texts in memory of their own: parts of a batch would hold all of it.
fn copied(part: &RecordBatch) -> Result<RecordBatch> {
    let columns = part.columns().iter().map(|column| {
        if let Some(texts) = column.as_string_view_opt() {
            Arc::new(texts.gc()) as ArrayRef
        } else if let Some(bytes) = column.as_binary_view_opt() {
            Arc::new(bytes.gc()) as ArrayRef
        } else {
            Arc::clone(column)
        }
    });
    let options = RecordBatchOptions::new().with_row_count(Some(part.num_rows()));
    Ok(RecordBatch::try_new_with_options(part.schema(), columns.collect(), &options)?)
}

/// The rows in memory of their own.
fn copied_part(part: &RecordBatch) -> Result<RecordBatch> {
    let rows: UInt64Array = (0..part.num_rows() as u64).collect();
    copied(&take_record_batch(part, &rows)?)
}

/// The input of a merge, in batches of fewer rows than it comes in.
struct CutRows {
    input: Arc<dyn ExecutionPlan>,
    /// The context of the input, whose batches are larger than those of the merge.
    context: Arc<TaskContext>,
    rows: usize,
}

impl std::fmt::Debug for CutRows {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CutRows")
    }
}

impl DisplayAs for CutRows {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CutRows")
    }
}

impl ExecutionPlan for CutRows {
    fn name(&self) -> &'static str {
        "CutRows"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.input.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(self: Arc<Self>, _: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn execute(&self, partition: usize, _: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let rows = self.input.execute(partition, Arc::clone(&self.context))?;
        let schema = rows.schema();
        let rows = cut(rows, self.rows, usize::MAX);
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, rows)))
    }
}

/// The input of a sort that has begun.
struct FittedRows {
    properties: Arc<PlanProperties>,
    rows: Mutex<Option<SendableRecordBatchStream>>,
}

impl std::fmt::Debug for FittedRows {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FittedRows")
    }
}

impl DisplayAs for FittedRows {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FittedRows")
    }
}

impl ExecutionPlan for FittedRows {
    fn name(&self) -> &'static str {
        "FittedRows"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(self: Arc<Self>, _: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn execute(&self, _: usize, _: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let Some(rows) = self.rows.lock().take() else {
            return internal_err!("the rows of a sort are read once");
        };
        Ok(rows)
    }
}
