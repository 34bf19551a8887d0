//! One partition of a scan under way.
//!
//! Where all rows are committed they are read by columns: those of the predicate first, and the others of the
//! rows that it keeps.

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, BinaryArray, BooleanArray},
    compute::{filter_record_batch, prep_null_mask_filter},
    datatypes::SchemaRef,
    record_batch::{RecordBatch, RecordBatchOptions},
};
use bygone_engine::{BinaryColumn, ColumnScan, ColumnScanOptions, KeyRange, PagePruner, RowSet};
use datafusion::{
    common::{Result, cast::as_boolean_array},
    physical_expr::{
        PhysicalExpr,
        utils::{collect_columns, reassign_expr_columns},
    },
    physical_plan::metrics::{BaselineMetrics, Count, MetricBuilder, RecordOutput},
};

use super::{prune::PredicatePruner, source::TableScan};
use crate::{error::Error, moment::ReaderScan, postgres::physical::from_left_to_right, rows::RowDecoder};

/// Rows in one batch.
const BATCH_ROWS: usize = 8_192;

/// A scan under way.
pub(super) struct ScanCursor {
    /// Opened with the first batch.
    running: Option<RunningScan>,
    source: TableScan,
    /// The predicate of the source as it is evaluated.
    predicate: Option<Arc<dyn PhysicalExpr>>,
    range: KeyRange,
    /// The projected columns of the table.
    decoder: RowDecoder,
    decoded_schema: SchemaRef,
    /// Position of the hidden key, if it is asked for.
    key_position: Option<usize>,
    late: Option<Late>,
    remaining: usize,
    metrics: BaselineMetrics,
    rows_read: Count,
    pages_read: Count,
    pages_pruned: Count,
}

enum RunningScan {
    Columns(ColumnScan),
    Rows(Box<ReaderScan>),
}

/// A predicate that needs fewer columns than are projected.
struct Late {
    /// Over the columns that it needs.
    predicate: Arc<dyn PhysicalExpr>,
    first: RowDecoder,
    first_schema: SchemaRef,
    rest: RowDecoder,
    rest_schema: SchemaRef,
    /// Source of each projected column.
    places: Vec<Place>,
}

/// Source of a column: what was read for the predicate, or after it, or the keys of the rows.
#[derive(Clone, Copy)]
enum Place {
    First(usize),
    Rest(usize),
    Key,
}

impl Late {
    /// None where the predicate needs all columns, or none.
    fn new(source: &TableScan, key_position: Option<usize>) -> Result<Option<Self>> {
        let Some(predicate) = &source.predicate else { return Ok(None) };
        let needed = collect_columns(predicate);
        let (mut first, mut rest, mut places) = (Vec::new(), Vec::new(), Vec::new());
        for index in 0..source.projection.len() {
            let is_needed = needed.iter().any(|column| column.index() == index);
            places.push(if key_position == Some(index) {
                if is_needed {
                    return Ok(None);
                }
                Place::Key
            } else if is_needed {
                first.push(index);
                Place::First(first.len() - 1)
            } else {
                rest.push(index);
                Place::Rest(rest.len() - 1)
            });
        }
        if first.is_empty() || first.len() == places.len() {
            return Ok(None);
        }
        let decoder = |of: &[usize]| {
            let places: Vec<usize> = of.iter().map(|index| source.projection[*index]).collect();
            RowDecoder::new(Arc::clone(&source.layout), &places)
        };
        let first_schema: SchemaRef = Arc::new(source.projected_schema.project(&first)?);
        Ok(Some(Self {
            predicate: from_left_to_right(&reassign_expr_columns(Arc::clone(predicate), &first_schema)?)?,
            first: decoder(&first)?,
            first_schema,
            rest: decoder(&rest)?,
            rest_schema: Arc::new(source.projected_schema.project(&rest)?),
            places,
        }))
    }

    async fn read(&mut self, mut rows: RowSet, schema: &SchemaRef) -> Result<RecordBatch> {
        self.first.push_set(&rows).await?;
        let mut first = self.first.finish(&self.first_schema)?;
        let keep = kept(&self.predicate, &first)?;
        if keep.true_count() < rows.len() {
            first = filter_record_batch(&first, &keep)?;
            rows.retain(keep.values());
        }
        self.rest.push_set(&rows).await?;
        let rest = self.rest.finish(&self.rest_schema)?;
        let mut columns = Vec::with_capacity(self.places.len());
        for place in &self.places {
            columns.push(match place {
                Place::First(place) => Arc::clone(first.column(*place)),
                Place::Rest(place) => Arc::clone(rest.column(*place)),
                Place::Key => key_column(&rows.keys().await.map_err(Error::from)?),
            });
        }
        Ok(RecordBatch::try_new(Arc::clone(schema), columns)?)
    }
}

impl ScanCursor {
    pub(super) fn new(source: &TableScan, partition: usize) -> Result<Self> {
        // The hidden key is not a column of the table: it is put in its place afterwards.
        let width = source.table.columns.len();
        let columns: Vec<usize> = source.projection.iter().copied().filter(|&index| index < width).collect();
        let key_position = source.projection.iter().position(|&index| index == width);
        Ok(Self {
            running: None,
            range: source.partitions[partition].clone(),
            decoder: RowDecoder::new(Arc::clone(&source.layout), &columns)?,
            decoded_schema: Arc::new(source.schema.project(&columns)?),
            predicate: source.predicate.as_ref().map(from_left_to_right).transpose()?,
            late: Late::new(source, key_position)?,
            key_position,
            remaining: source.limit.unwrap_or(usize::MAX),
            metrics: BaselineMetrics::new(&source.metrics, partition),
            rows_read: MetricBuilder::new(&source.metrics).counter("rows_read", partition),
            pages_read: MetricBuilder::new(&source.metrics).counter("pages_read", partition),
            pages_pruned: MetricBuilder::new(&source.metrics).counter("pages_pruned", partition),
            source: source.clone(),
        })
    }

    fn open(&self) -> Result<RunningScan> {
        let source = &self.source;
        // A limit above a filter says nothing about how many rows must be read.
        let limit = if source.predicate.is_none() { source.limit } else { None };
        let rows = limit.map_or(BATCH_ROWS, |limit| limit.clamp(1, BATCH_ROWS));
        let keyspace = source.table.keyspace_id();
        let pruner = source.predicate.as_ref().map(|predicate| -> Arc<dyn PagePruner> {
            let schema = Arc::clone(&source.projected_schema);
            Arc::new(PredicatePruner::new(Arc::clone(&source.layout), schema, Arc::clone(predicate)))
        });
        let options =
            ColumnScanOptions { reverse: source.reverse, ordered: source.ordered, batch_rows: rows, pruner };
        Ok(match source.reader.scan_columns(keyspace, &self.range, &options)? {
            Some(scan) => RunningScan::Columns(scan),
            None => RunningScan::Rows(Box::new(source.reader.scan(
                keyspace,
                self.range.clone(),
                source.reverse,
                rows,
            )?)),
        })
    }

    /// The next batch with rows in it; `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<RecordBatch>> {
        while self.remaining > 0 {
            if self.running.is_none() {
                self.running = Some(self.open()?);
            }
            let Some(mut batch) = self.read().await? else { return Ok(None) };
            if batch.num_rows() == 0 {
                continue;
            }
            if batch.num_rows() > self.remaining {
                batch = batch.slice(0, self.remaining);
            }
            self.remaining -= batch.num_rows();
            return Ok(Some(batch.record_output(&self.metrics)));
        }
        Ok(None)
    }

    /// The next rows that the predicate keeps, which may be none.
    async fn read(&mut self) -> Result<Option<RecordBatch>> {
        let elapsed = self.metrics.elapsed_compute().clone();
        let _timer = elapsed.timer();
        let keys = match &mut self.running {
            None => return Ok(None),
            Some(RunningScan::Columns(scan)) => {
                let rows = scan.next().await.map_err(Error::from)?;
                let counts = scan.pages();
                self.pages_read.add(counts.read() as usize - self.pages_read.value());
                self.pages_pruned.add(counts.pruned() as usize - self.pages_pruned.value());
                let Some(rows) = rows else { return Ok(None) };
                self.rows_read.add(rows.len());
                if let Some(late) = &mut self.late {
                    return Ok(Some(late.read(rows, &self.source.projected_schema).await?));
                }
                self.decoder.push_set(&rows).await?;
                match self.key_position {
                    Some(_) => Some(rows.keys().await.map_err(Error::from)?),
                    None => None,
                }
            }
            Some(RunningScan::Rows(scan)) => {
                let Some(rows) = scan.next().await? else { return Ok(None) };
                self.rows_read.add(rows.len());
                for row in 0..rows.len() {
                    self.decoder.push(rows.keys.get(row), rows.values.get(row))?;
                }
                self.key_position.map(|_| rows.keys)
            }
        };
        let mut batch = self.decoder.finish(&self.decoded_schema)?;
        if let (Some(position), Some(keys)) = (self.key_position, keys) {
            batch = self.with_keys(&batch, position, &keys)?;
        }
        if let Some(predicate) = &self.predicate {
            batch = filter_record_batch(&batch, &kept(predicate, &batch)?)?;
        }
        Ok(Some(batch))
    }

    fn with_keys(&self, batch: &RecordBatch, position: usize, keys: &BinaryColumn) -> Result<RecordBatch> {
        let mut columns = batch.columns().to_vec();
        columns.insert(position, key_column(keys));
        let options = RecordBatchOptions::new().with_row_count(Some(keys.len()));
        let schema = Arc::clone(&self.source.projected_schema);
        Ok(RecordBatch::try_new_with_options(schema, columns, &options)?)
    }
}

fn key_column(keys: &BinaryColumn) -> ArrayRef {
    Arc::new(BinaryArray::from_iter_values(keys.iter()))
}

/// The rows for which a predicate is true.
fn kept(predicate: &Arc<dyn PhysicalExpr>, batch: &RecordBatch) -> Result<BooleanArray> {
    let keep = predicate.evaluate(batch)?.into_array(batch.num_rows())?;
    let keep = as_boolean_array(&keep)?;
    Ok(if keep.null_count() > 0 { prep_null_mask_filter(keep) } else { keep.clone() })
}
