//! `table_diff('t', a, b)`: the net difference of a table between two points.

use std::{fmt, sync::Arc};

use arrow::{
    array::{StringViewArray, UInt32Array},
    compute::{kernels::cmp::distinct, take},
    datatypes::{DataType, Field, Schema, SchemaRef},
    record_batch::RecordBatch,
};
use async_trait::async_trait;
use bygone_engine::{Change, ChangeScan, KeyRange, types::KeyspaceId};
use datafusion::{
    catalog::{Session, TableProvider, streaming::StreamingTable},
    common::ScalarValue,
    execution::{SendableRecordBatchStream, TaskContext},
    logical_expr::{Expr, TableType},
    physical_plan::{ExecutionPlan, stream::RecordBatchStreamAdapter, streaming::PartitionStream},
};
use futures::stream;

use super::{moment, table_path, wrong_call};
use crate::{
    catalog::BoundTable,
    error::{Error, Result},
    moment::{OpenMoment, Reader},
    names::SearchPath,
    rows::{RowDecoder, RowLayout},
    statement::{Database, OpenMoments},
};

/// The rows of a call.
pub(super) async fn table_diff(
    moments: &mut OpenMoments<'_>,
    args: &[ScalarValue],
    _default: &Arc<OpenMoment>,
    search: &SearchPath,
) -> Result<Arc<dyn TableProvider>> {
    let [table, from, to] = args else { return Err(wrong_call("table_diff('table', from, to)")) };
    let path = table_path(table, search)?.ok_or_else(|| wrong_call("table_diff('table', from, to)"))?;
    let from = moment(moments, from).await?;
    let from = moments.moment_at(&from).await?;
    let to = moment(moments, to).await?;
    let to = moments.moment_at(&to).await?;
    let definition = |moment: &OpenMoment| -> Result<Arc<BoundTable>> {
        moment.find(&path)?;
        moment.catalog.table(&path).cloned().ok_or_else(|| Error::unsupported("table_diff of a view"))
    };
    let (old, new) = (definition(&from)?, definition(&to)?);
    if old.id != new.id {
        return Err(Error::unsupported(format!("table_diff over the drop and re-creation of table {path}")));
    }
    if old.columns != new.columns {
        return Err(Error::unsupported(format!(
            "table_diff over a change of the definition of table {path}"
        )));
    }
    let mut columns = vec![Field::new("_change_type", DataType::Utf8View, false)];
    columns.extend(new.nullable_schema().fields().iter().map(|field| field.as_ref().clone()));
    let keyspace = new.keyspace_id();
    Ok(Arc::new(TableDiff {
        database: Arc::clone(moments.database),
        keyspace,
        layout: new.layout()?,
        readers: [from.reader_of(&new)?, to.reader_of(&new)?],
        schema: Arc::new(Schema::new(columns)),
    }))
}

/// Comparison of a table at two moments.
#[derive(Clone)]
struct TableDiff {
    database: Arc<Database>,
    keyspace: KeyspaceId,
    layout: Arc<RowLayout>,
    /// From and to, as written.
    readers: [Reader; 2],
    schema: SchemaRef,
}

impl fmt::Debug for TableDiff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TableDiff").field("readers", &self.readers).finish_non_exhaustive()
    }
}

#[async_trait]
impl TableProvider for TableDiff {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::View
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> datafusion::common::Result<Arc<dyn ExecutionPlan>> {
        let [_, reader] = &self.readers;
        let parts = if reader.is_large(self.keyspace) { state.config().target_partitions() } else { 1 };
        let ranges = reader.split(self.keyspace, &KeyRange::all(), parts);
        let part = |range| Arc::new(DiffPart { diff: self.clone(), range }) as Arc<dyn PartitionStream>;
        let table =
            StreamingTable::try_new(Arc::clone(&self.schema), ranges.into_iter().map(part).collect())?;
        table.scan(state, projection, filters, limit).await
    }
}

/// The keys of a range.
#[derive(Debug)]
struct DiffPart {
    diff: TableDiff,
    range: KeyRange,
}

impl PartitionStream for DiffPart {
    fn schema(&self) -> &SchemaRef {
        &self.diff.schema
    }

    fn execute(&self, _context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let running = RunningDiff::begin(&self.diff, &self.range);
        let batches = stream::try_unfold(running, |running| async move {
            let mut running = running?;
            Ok(running.next().await?.map(|batch| (batch, Ok(running))))
        });
        Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.diff.schema), batches))
    }
}

/// A comparison under way.
struct RunningDiff {
    scan: ChangeScan,
    is_reversed: bool,
    decoder: RowDecoder,
    /// The table's columns alone.
    columns: SchemaRef,
    /// Positions of the columns that are not of the key.
    compared: Vec<usize>,
    schema: SchemaRef,
    /// Values of `_change_type`, by [`Image`].
    names: StringViewArray,
}

/// Kind of a row of the answer: the number of its name.
#[derive(Clone, Copy)]
enum Image {
    Insert = 0,
    Delete = 1,
    Before = 2,
    After = 3,
}

impl RunningDiff {
    fn begin(diff: &TableDiff, range: &KeyRange) -> Result<Self> {
        let [from, to] = diff.readers.each_ref().map(Reader::view);
        // A diff from a later to an earlier point is the one between them, turned round.
        let is_reversed = from.timestamp() > to.timestamp();
        let (earlier, later) = if is_reversed { (to, from) } else { (from, to) };
        let scan = diff.database.store.engine().changes(diff.keyspace, range, earlier, later)?;
        let all: Vec<usize> = (0..diff.layout.columns().len()).collect();
        Ok(Self {
            scan,
            is_reversed,
            decoder: RowDecoder::new(Arc::clone(&diff.layout), &all)?,
            columns: Arc::new(diff.schema.project(&all.iter().map(|place| place + 1).collect::<Vec<_>>())?),
            compared: all.into_iter().filter(|place| !diff.layout.key().contains(place)).collect(),
            schema: Arc::clone(&diff.schema),
            names: ["insert", "delete", "update_preimage", "update_postimage"]
                .into_iter()
                .map(Some)
                .collect(),
        })
    }

    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            let Some(set) = self.scan.next().await? else { return Ok(None) };
            self.decoder.push_set(&set.rows).await?;
            let rows = self.decoder.finish(&self.columns)?;
            let mut updates = self.updates(&rows, &set.changes)?.into_iter();
            let (mut images, mut places) = (Vec::new(), Vec::new());
            for change in &set.changes {
                let is_update = change.before.is_some() && change.after.is_some();
                if is_update && updates.next() != Some(true) {
                    continue;
                }
                let (before, after) = if self.is_reversed {
                    (change.after, change.before)
                } else {
                    (change.before, change.after)
                };
                let kinds =
                    if is_update { (Image::Before, Image::After) } else { (Image::Delete, Image::Insert) };
                for (row, image) in [(before, kinds.0), (after, kinds.1)] {
                    if let Some(row) = row {
                        places.push(row as u32);
                        images.push(image as u32);
                    }
                }
            }
            if places.is_empty() {
                continue;
            }
            let (places, images) = (UInt32Array::from(places), UInt32Array::from(images));
            let mut columns = vec![take(&self.names, &images, None)?];
            for column in rows.columns() {
                columns.push(take(column, &places, None)?);
            }
            return Ok(Some(RecordBatch::try_new(Arc::clone(&self.schema), columns)?));
        }
    }

    /// For each change with both rows, whether they differ.
    fn updates(&self, rows: &RecordBatch, changes: &[Change]) -> Result<Vec<bool>> {
        let both = || changes.iter().filter_map(|change| Some((change.before?, change.after?)));
        let before: UInt32Array = both().map(|(before, _)| before as u32).collect::<Vec<_>>().into();
        let after: UInt32Array = both().map(|(_, after)| after as u32).collect::<Vec<_>>().into();
        let mut differ = vec![false; before.len()];
        for place in &self.compared {
            let column = rows.column(*place);
            let (before, after) = (take(column, &before, None)?, take(column, &after, None)?);
            let of_column = distinct(&before, &after)?;
            for (differs, of_column) in differ.iter_mut().zip(of_column.values()) {
                *differs |= of_column;
            }
        }
        Ok(differ)
    }
}
