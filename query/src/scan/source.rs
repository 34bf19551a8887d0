//! The scan of one table at one point, as a DataFusion data source.

use std::{fmt, sync::Arc};

use arrow::{
    array::BinaryArray,
    compute::{SortOptions, filter_record_batch},
    datatypes::SchemaRef,
    record_batch::{RecordBatch, RecordBatchOptions},
};
use datafusion::{
    common::{
        Result, Statistics, cast::as_boolean_array, config::ConfigOptions, stats::Precision,
        tree_node::TreeNodeRecursion,
    },
    datasource::source::DataSource,
    execution::{SendableRecordBatchStream, TaskContext},
    physical_expr::{
        EquivalenceProperties, LexOrdering, Partitioning, PhysicalExpr, PhysicalSortExpr, conjunction,
        expressions::Column, projection::ProjectionExprs,
    },
    physical_plan::{
        DisplayFormatType, SortOrderPushdownResult,
        filter_pushdown::{FilterPushdownPropagation, PushedDown},
        metrics::{BaselineMetrics, Count, ExecutionPlanMetricsSet, MetricBuilder},
        stream::RecordBatchStreamAdapter,
    },
};
use futures::stream;

use super::{Reader, ReaderScan, range::ScanRange};
use crate::{
    catalog::TableDef,
    rows::{RowDecoder, RowLayout},
};
use bygone_engine::{KeyRange, RowBatch};

/// Rows in one batch.
const BATCH_ROWS: usize = 8_192;

/// Tables with fewer versions are read by one task.
const ROWS_TO_SPLIT: usize = 100_000;

/// The scan of one table at one point. Self-contained: everything that decides its answer is in it.
#[derive(Clone, Debug)]
pub(crate) struct TableScan {
    table: Arc<TableDef>,
    layout: Arc<RowLayout>,
    reader: Reader,
    /// The table and the point in words.
    title: String,
    /// The columns before the projection.
    schema: SchemaRef,
    projection: Vec<usize>,
    projected_schema: SchemaRef,
    range: ScanRange,
    /// The range, split into partitions in key order.
    partitions: Vec<KeyRange>,
    /// Over the projected columns.
    predicate: Option<Arc<dyn PhysicalExpr>>,
    limit: Option<usize>,
    reverse: bool,
    metrics: ExecutionPlanMetricsSet,
}

impl TableScan {
    pub(crate) fn new(
        table: Arc<TableDef>,
        layout: Arc<RowLayout>,
        reader: Reader,
        title: String,
        schema: SchemaRef,
        projection: Vec<usize>,
        range: ScanRange,
    ) -> Result<Self> {
        let projected_schema = Arc::new(schema.project(&projection)?);
        Ok(Self {
            table,
            layout,
            reader,
            title,
            schema,
            projection,
            projected_schema,
            partitions: vec![range.keys.clone()],
            range,
            predicate: None,
            limit: None,
            reverse: false,
            metrics: ExecutionPlanMetricsSet::new(),
        })
    }

    pub(crate) fn with_limit(mut self, limit: Option<usize>) -> Self {
        self.limit = limit;
        self
    }

    /// The order of the output: the projected columns of the primary key, as far as they form a prefix of it.
    fn ordering(&self) -> Option<LexOrdering> {
        let options = SortOptions { descending: self.reverse, nulls_first: self.reverse };
        let columns = self.table.primary_key.iter().map_while(|&index| {
            let position = self.projection.iter().position(|&projected| projected == index)?;
            let column = Column::new(self.projected_schema.field(position).name(), position);
            Some(PhysicalSortExpr::new(Arc::new(column), options))
        });
        LexOrdering::new(columns)
    }

    /// What one partition needs to produce its batches.
    fn cursor(&self, partition: usize) -> Result<Cursor> {
        // The hidden key is not a column of the table: it is put in its place afterwards.
        let width = self.table.columns.len();
        let columns: Vec<usize> = self.projection.iter().copied().filter(|&index| index < width).collect();
        let decoded_schema = Arc::new(self.schema.project(&columns)?);
        Ok(Cursor {
            scan: None,
            source: self.clone(),
            range: self.partitions[partition].clone(),
            decoder: RowDecoder::new(Arc::clone(&self.layout), &columns)?,
            decoded_schema,
            key_position: self.projection.iter().position(|&index| index == width),
            remaining: self.limit.unwrap_or(usize::MAX),
            metrics: BaselineMetrics::new(&self.metrics, partition),
            rows_read: MetricBuilder::new(&self.metrics).counter("rows_read", partition),
        })
    }
}

/// A scan under way.
struct Cursor {
    /// Opened with the first batch.
    scan: Option<ReaderScan>,
    source: TableScan,
    range: KeyRange,
    decoder: RowDecoder,
    decoded_schema: SchemaRef,
    /// Where the hidden key goes, if it is asked for.
    key_position: Option<usize>,
    remaining: usize,
    metrics: BaselineMetrics,
    rows_read: Count,
}

impl Cursor {
    /// The next batch with rows in it; `None` at the end.
    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        while self.remaining > 0 {
            if self.scan.is_none() {
                // A limit below a filter says nothing about how many rows must be read.
                let limit = if self.source.predicate.is_none() { self.source.limit } else { None };
                let rows = limit.map_or(BATCH_ROWS, |limit| limit.clamp(1, BATCH_ROWS));
                let scan = self.source.reader.scan(
                    self.source.table.keyspace_id(),
                    self.range.clone(),
                    self.source.reverse,
                    rows,
                )?;
                self.scan = Some(scan);
            }
            let Some(scan) = &mut self.scan else { return Ok(None) };
            let Some(rows) = scan.next().await? else { return Ok(None) };
            let elapsed = self.metrics.elapsed_compute().clone();
            let timer = elapsed.timer();
            self.rows_read.add(rows.len());
            let mut batch = self.decode(&rows)?;
            if let Some(predicate) = &self.source.predicate {
                let keep = predicate.evaluate(&batch)?.into_array(batch.num_rows())?;
                batch = filter_record_batch(&batch, as_boolean_array(&keep)?)?;
            }
            timer.done();
            if batch.num_rows() == 0 {
                continue;
            }
            if batch.num_rows() > self.remaining {
                batch = batch.slice(0, self.remaining);
            }
            self.remaining -= batch.num_rows();
            self.metrics.record_output(batch.num_rows());
            return Ok(Some(batch));
        }
        Ok(None)
    }
}

impl Cursor {
    fn decode(&mut self, rows: &RowBatch) -> Result<RecordBatch> {
        for row in 0..rows.len() {
            self.decoder.push(rows.keys.get(row), rows.values.get(row))?;
        }
        let batch = self.decoder.finish(&self.decoded_schema)?;
        let Some(position) = self.key_position else { return Ok(batch) };
        let mut columns = batch.columns().to_vec();
        columns.insert(position, Arc::new(BinaryArray::from_iter_values(rows.keys.iter())));
        let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
        let schema = Arc::clone(&self.source.projected_schema);
        Ok(RecordBatch::try_new_with_options(schema, columns, &options)?)
    }
}

impl DataSource for TableScan {
    fn open(&self, partition: usize, _context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let batches = stream::try_unfold(self.cursor(partition)?, |mut cursor| async move {
            Ok(cursor.next().await?.map(|batch| (batch, cursor)))
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.projected_schema), batches)))
    }

    fn fmt_as(&self, t: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if matches!(t, DisplayFormatType::TreeRender) {
            return writeln!(f, "{}", self.title);
        }
        let names: Vec<&str> =
            self.projected_schema.fields().iter().map(|field| field.name().as_str()).collect();
        write!(f, "{}, projection=[{}]", self.title, names.join(", "))?;
        if self.range.description.is_empty() {
            f.write_str(", keys=all")?;
        } else {
            write!(f, ", keys=[{}]", self.range.description)?;
        }
        if self.partitions.len() > 1 {
            write!(f, ", partitions={}", self.partitions.len())?;
        }
        if self.reverse {
            f.write_str(", order=descending")?;
        }
        if let Some(limit) = self.limit {
            write!(f, ", limit={limit}")?;
        }
        if let Some(predicate) = &self.predicate {
            write!(f, ", predicate={predicate}")?;
        }
        Ok(())
    }

    fn repartitioned(
        &self,
        target_partitions: usize,
        _repartition_file_min_size: usize,
        _output_ordering: Option<LexOrdering>,
    ) -> Result<Option<Arc<dyn DataSource>>> {
        if self.partitions.len() > 1 || self.limit.is_some() || target_partitions < 2 {
            return Ok(None);
        }
        let keyspace = self.table.keyspace_id();
        if self.reader.estimated_rows(keyspace).is_none_or(|rows| rows < ROWS_TO_SPLIT) {
            return Ok(None);
        }
        let partitions = self.reader.split(keyspace, &self.range.keys, target_partitions);
        if partitions.len() < 2 {
            return Ok(None);
        }
        Ok(Some(Arc::new(Self { partitions, ..self.clone() })))
    }

    fn output_partitioning(&self) -> Partitioning {
        Partitioning::UnknownPartitioning(self.partitions.len())
    }

    fn eq_properties(&self) -> EquivalenceProperties {
        EquivalenceProperties::new_with_orderings(Arc::clone(&self.projected_schema), self.ordering())
    }

    fn partition_statistics(&self, _partition: Option<usize>) -> Result<Arc<Statistics>> {
        let mut statistics = Statistics::new_unknown(&self.projected_schema);
        if self.range.description.is_empty() && self.predicate.is_none() {
            let rows = self.reader.estimated_rows(self.table.keyspace_id());
            statistics.num_rows = rows.map_or(Precision::Absent, Precision::Inexact);
        }
        Ok(Arc::new(statistics))
    }

    fn with_fetch(&self, limit: Option<usize>) -> Option<Arc<dyn DataSource>> {
        Some(Arc::new(self.clone().with_limit(limit)))
    }

    fn fetch(&self) -> Option<usize> {
        self.limit
    }

    fn metrics(&self) -> ExecutionPlanMetricsSet {
        self.metrics.clone()
    }

    fn try_swapping_with_projection(
        &self,
        projection: &ProjectionExprs,
    ) -> Result<Option<Arc<dyn DataSource>>> {
        // A predicate refers to the projected columns by position, so they must stay.
        if self.predicate.is_some() {
            return Ok(None);
        }
        let mut columns = Vec::new();
        for expr in projection.iter() {
            match expr.expr.downcast_ref::<Column>() {
                Some(column) if column.name() == expr.alias => columns.push(self.projection[column.index()]),
                _ => return Ok(None),
            }
        }
        let mut source = self.clone();
        source.projected_schema = Arc::new(self.schema.project(&columns)?);
        source.projection = columns;
        Ok(Some(Arc::new(source)))
    }

    fn try_pushdown_filters(
        &self,
        filters: Vec<Arc<dyn PhysicalExpr>>,
        _config: &ConfigOptions,
    ) -> Result<FilterPushdownPropagation<Arc<dyn DataSource>>> {
        let count = filters.len();
        // A filter pushed below a limit would change which rows the limit lets through.
        if count == 0 || self.limit.is_some() {
            return Ok(FilterPushdownPropagation::with_parent_pushdown_result(vec![PushedDown::No; count]));
        }
        let mut source = self.clone();
        source.predicate = Some(conjunction(self.predicate.iter().cloned().chain(filters)));
        Ok(FilterPushdownPropagation::with_parent_pushdown_result(vec![PushedDown::Yes; count])
            .with_updated_node(Arc::new(source) as Arc<dyn DataSource>))
    }

    fn try_pushdown_sort(
        &self,
        order: &[PhysicalSortExpr],
    ) -> Result<SortOrderPushdownResult<Arc<dyn DataSource>>> {
        for reverse in [false, true] {
            let mut source = self.clone();
            source.reverse = reverse;
            let Some(ordering) = source.ordering() else { break };
            let matches = order.len() <= ordering.len()
                && order.iter().zip(ordering.iter()).all(|(wanted, given)| {
                    wanted.expr.eq(&given.expr) && wanted.options.descending == given.options.descending
                });
            // The key's columns are never NULL: where NULLs would go does not matter.
            if matches && (self.limit.is_none() || reverse == self.reverse) {
                return Ok(SortOrderPushdownResult::Exact { inner: Arc::new(source) });
            }
        }
        Ok(SortOrderPushdownResult::Unsupported)
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        match &self.predicate {
            Some(predicate) => f(predicate),
            None => Ok(TreeNodeRecursion::Continue),
        }
    }
}
