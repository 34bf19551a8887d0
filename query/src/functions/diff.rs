//! `table_diff('t', a, b)`: the net difference of a table between two points.

use std::{fmt, sync::Arc};

use arrow::{
    array::{ArrayRef, StringViewArray},
    datatypes::{DataType, Field, Schema, SchemaRef},
    record_batch::RecordBatch,
};
use async_trait::async_trait;
use bygone_engine::{DiffScan, KeyRange, ReadView};
use datafusion::{
    catalog::{Session, TableProvider, streaming::StreamingTable},
    common::ScalarValue,
    execution::{SendableRecordBatchStream, TaskContext},
    logical_expr::{Expr, TableType},
    physical_plan::{ExecutionPlan, stream::RecordBatchStreamAdapter, streaming::PartitionStream},
};
use futures::stream;

use super::{point, table_path, wrong_call};
use crate::{
    catalog::TableDef,
    error::{Error, Result},
    plan::{Moment, Resolver},
    rows::{RowDecoder, RowLayout},
    scan::fields,
    session::Shared,
};

/// Changed keys in one batch.
const BATCH_KEYS: usize = 4_096;

/// The rows of a call.
pub(super) async fn table_diff(
    resolver: &mut Resolver<'_>,
    args: &[ScalarValue],
    _default: &Arc<Moment>,
    names: &(String, String),
) -> Result<Arc<dyn TableProvider>> {
    let [table, from, to] = args else { return Err(wrong_call("table_diff('table', from, to)")) };
    let path = table_path(table, names).ok_or_else(|| wrong_call("table_diff('table', from, to)"))?;
    let from = point(resolver, from).await?;
    let from = resolver.moment_at(&from).await?;
    let to = point(resolver, to).await?;
    let to = resolver.moment_at(&to).await?;
    let definition = |moment: &Moment| -> Result<Arc<TableDef>> {
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
    let views = [
        from.reader_of(&path, new.keyspace_id())?.view().clone(),
        to.reader_of(&path, new.keyspace_id())?.view().clone(),
    ];
    let mut columns = vec![Field::new("_change_type", DataType::Utf8View, false)];
    columns.extend(fields(&new).into_iter().map(|field| field.with_nullable(true)));
    let diff = TableDiff {
        shared: Arc::clone(resolver.shared),
        layout: new.layout(&path)?,
        table: new,
        views,
        schema: Arc::new(Schema::new(columns)),
    };
    let schema = Arc::clone(&diff.schema);
    let table = StreamingTable::try_new(schema, vec![Arc::new(diff)])?;
    Ok(Arc::new(Named(table)))
}

/// A streaming table that reports itself as computed.
#[derive(Debug)]
struct Named(StreamingTable);

#[async_trait]
impl TableProvider for Named {
    fn schema(&self) -> SchemaRef {
        self.0.schema()
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
        self.0.scan(state, projection, filters, limit).await
    }
}

/// What is compared.
struct TableDiff {
    shared: Arc<Shared>,
    table: Arc<TableDef>,
    layout: Arc<RowLayout>,
    /// From and to, as written.
    views: [ReadView; 2],
    schema: SchemaRef,
}

impl fmt::Debug for TableDiff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TableDiff").field("views", &self.views).finish_non_exhaustive()
    }
}

impl TableDiff {
    fn begin(&self) -> Result<Running> {
        let [from, to] = &self.views;
        // A diff from a later to an earlier point is the one between them, turned round.
        let is_reversed = from.timestamp() > to.timestamp();
        let (earlier, later) = if is_reversed { (to, from) } else { (from, to) };
        let engine = self.shared.store.engine();
        let scan = engine.diff(self.table.keyspace_id(), &KeyRange::all(), earlier, later)?;
        let all: Vec<usize> = (0..self.table.columns.len()).collect();
        Ok(Running {
            scan,
            is_reversed,
            decoder: RowDecoder::new(Arc::clone(&self.layout), &all)?,
            columns: Arc::new(self.schema.project(&all.iter().map(|index| index + 1).collect::<Vec<_>>())?),
            schema: Arc::clone(&self.schema),
        })
    }
}

impl PartitionStream for TableDiff {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let batches = stream::try_unfold((self.begin(), self.views.clone()), |(running, views)| async move {
            let mut running = running?;
            let batch = running.next().await?;
            Ok(batch.map(|batch| (batch, (Ok(running), views))))
        });
        Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), batches))
    }
}

/// A comparison under way.
struct Running {
    scan: DiffScan,
    is_reversed: bool,
    decoder: RowDecoder,
    /// The table's columns alone.
    columns: SchemaRef,
    schema: SchemaRef,
}

impl Running {
    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        let mut kinds: Vec<&'static str> = Vec::new();
        let mut changed = 0;
        while changed < BATCH_KEYS {
            let Some(difference) = self.scan.next().await? else { break };
            changed += 1;
            let (before, after) = if self.is_reversed {
                (difference.after, difference.before)
            } else {
                (difference.before, difference.after)
            };
            let names = match (&before, &after) {
                (Some(_), Some(_)) => ("update_preimage", "update_postimage"),
                _ => ("delete", "insert"),
            };
            for (value, name) in [(before, names.0), (after, names.1)] {
                if let Some(value) = value {
                    kinds.push(name);
                    self.decoder.push(&difference.key, &value)?;
                }
            }
        }
        if kinds.is_empty() {
            return Ok(None);
        }
        let mut columns: Vec<ArrayRef> = vec![Arc::new(StringViewArray::from_iter_values(kinds))];
        columns.extend_from_slice(self.decoder.finish(&self.columns)?.columns());
        Ok(Some(RecordBatch::try_new(Arc::clone(&self.schema), columns)?))
    }
}
