//! From batches of a query to keys and values, with the checks of the table, and where they go.

use std::sync::Arc;

use arrow::{
    array::AsArray,
    datatypes::{Field, Schema, SchemaRef},
    record_batch::RecordBatch,
};
use bygone_mvcc::system;
use bytes::Bytes;
use datafusion::execution::SendableRecordBatchStream;
use futures::TryStreamExt;

use super::{
    WriteTarget,
    changes::{ChangeSet, Changes, RefusedRow},
    moves::Moves,
};
use crate::{
    error::{Error, Result},
    rows::{EncodedRows, KeyBatch, RowEncoder, RowLayout, SCHEMA_VERSION},
    statement::{Context, Database, Progress, Work},
};

/// Rows that share one clock tick in their hidden ids.
const ROWS_PER_TICK: usize = 4_096;

/// Rows that are written before others have a turn: a turn costs as much as a row.
const ROWS_PER_TURN: u64 = 1_024;

/// Writes rows of one table for one statement.
pub(super) struct RowWriter<'a> {
    database: &'a Arc<Database>,
    work: &'a Work,
    target: &'a WriteTarget,
    layout: Arc<RowLayout>,
    encoder: RowEncoder,
    progress: Option<Arc<dyn Progress>>,
    written: u64,
}

impl<'a> RowWriter<'a> {
    pub(crate) fn new(context: &Context<'a>, work: &'a Work, target: &'a WriteTarget) -> Result<Self> {
        let (layout, row_schema) = (target.table.layout()?, target.table.row_schema()?);
        let engine = context.database.store.engine();
        engine.define_rows(target.table.keyspace_id(), SCHEMA_VERSION, || row_schema);
        Ok(Self {
            database: context.database,
            work,
            target,
            encoder: RowEncoder::new(Arc::clone(&layout)),
            layout,
            progress: context.progress.clone(),
            written: 0,
        })
    }

    /// Without reports of how many rows there are so far: the caller has better ones.
    pub(crate) fn without_progress(mut self) -> Self {
        self.progress = None;
        self
    }

    /// Inserts all rows. `extra` are further writes of the same commit, for a table that is created by it.
    pub(crate) async fn insert_all(
        &mut self,
        mut rows: SendableRecordBatchStream,
        extra: &[(Bytes, Bytes)],
    ) -> Result<u64> {
        for (key, value) in extra {
            self.work.transaction.put(system::CATALOG, key.clone(), value.clone())?;
        }
        let is_new = !self.target.table.has_hidden_key();
        let mut changes = self.changes(is_new);
        while let Some(batch) = rows.try_next().await? {
            for EncodedRows { keys, values } in self.encode(&batch)? {
                changes.add(Changes { keys, values: Some(values) }).await.map_err(|e| self.explain(e))?;
            }
            self.count(batch.num_rows()).await;
        }
        changes.finish().await.map_err(|e| self.explain(e))?;
        Ok(self.written)
    }

    /// Changes rows: the first column is the key they have, the others are the table's.
    pub(crate) async fn update_all(
        &mut self,
        rows: SendableRecordBatchStream,
        moves_keys: bool,
    ) -> Result<u64> {
        if moves_keys { self.move_all(rows).await } else { self.update_in_place(rows).await }
    }

    async fn update_in_place(&mut self, mut rows: SendableRecordBatchStream) -> Result<u64> {
        let mut changes = self.changes(false);
        while let Some(batch) = rows.try_next().await? {
            let (keys, columns) = self.split(&batch)?;
            let values = Some(self.encoder.encode_values(&columns)?);
            changes.add(Changes { keys, values }).await.map_err(|e| self.explain(e))?;
            self.count(batch.num_rows()).await;
        }
        changes.finish().await.map_err(|e| self.explain(e))?;
        Ok(self.written)
    }

    /// Rows whose key may change: they all leave before any arrives, so that `SET id = id + 1` works.
    async fn move_all(&mut self, mut rows: SendableRecordBatchStream) -> Result<u64> {
        let mut moves = Moves::new(self.database, &self.work.transaction, self.target.table.keyspace_id());
        while let Some(batch) = rows.try_next().await? {
            let (leaving, columns) = self.split(&batch)?;
            let values = self.encoder.encode_values(&columns)?;
            let key = self.target.table.primary_key.iter().map(|&index| Arc::clone(columns.column(index)));
            let keys = self.encoder.encode_keys(&key.collect::<Vec<_>>())?;
            moves.add(leaving, EncodedRows { keys, values }).await.map_err(|e| self.explain(e))?;
            self.count(batch.num_rows()).await;
        }
        moves.finish().await.map_err(|e| self.explain(e))?;
        Ok(self.written)
    }

    /// Deletes rows: the first column is their key.
    pub(crate) async fn delete_all(&mut self, mut rows: SendableRecordBatchStream) -> Result<u64> {
        let mut changes = self.changes(false);
        while let Some(batch) = rows.try_next().await? {
            let keys = keys_of(&batch);
            changes.add(Changes { keys, values: None }).await.map_err(|e| self.explain(e))?;
            self.count(batch.num_rows()).await;
        }
        changes.finish().await.map_err(|e| self.explain(e))?;
        Ok(self.written)
    }

    /// Change set that the rows go to. `is_new`: none of their keys may be there.
    fn changes(&self, is_new: bool) -> ChangeSet<'a> {
        ChangeSet::new(self.database, &self.work.transaction, self.target.table.keyspace_id(), is_new)
    }

    /// The keys that rows have, and the columns that they will have.
    fn split(&self, batch: &RecordBatch) -> Result<(KeyBatch, RecordBatch)> {
        let columns = RecordBatch::try_new(self.layout_schema(), batch.columns()[1..].to_vec())?;
        Ok((keys_of(batch), columns))
    }

    /// Keys and values of rows that have all columns of the table, in parts.
    fn encode(&self, batch: &RecordBatch) -> Result<Vec<EncodedRows>> {
        if !self.target.table.has_hidden_key() {
            return Ok(vec![self.encoder.encode(batch, &mut 0)?]);
        }
        // A hidden id is a clock tick with room for so many rows: no two statements ever share one.
        let mut parts = Vec::new();
        for start in (0..batch.num_rows()).step_by(ROWS_PER_TICK) {
            let rows = ROWS_PER_TICK.min(batch.num_rows() - start);
            let mut next = self.database.store.clock().tick().as_micros() * ROWS_PER_TICK as u64;
            parts.push(self.encoder.encode(&batch.slice(start, rows), &mut next)?);
        }
        Ok(parts)
    }

    /// The columns as a query gives them: any may be NULL until it is checked.
    fn layout_schema(&self) -> SchemaRef {
        let fields: Vec<Field> =
            self.layout.columns().iter().map(|column| column.field().with_nullable(true)).collect();
        Arc::new(Schema::new(fields))
    }

    /// Counts rows, and lets others run after many: a load that never waits for anything could not be
    /// cancelled otherwise.
    async fn count(&mut self, rows: usize) {
        let turns = self.written / ROWS_PER_TURN;
        self.written += rows as u64;
        if self.written / ROWS_PER_TURN > turns {
            tokio::task::yield_now().await;
        }
        if let Some(progress) = &self.progress {
            progress.report("rows", self.written, None);
        }
    }

    /// A duplicate key, in the words of the table.
    fn explain(&self, refused: RefusedRow) -> Error {
        match refused {
            RefusedRow::Duplicate(key) => {
                Error::duplicate_key(&self.target.path.to_string(), self.layout.describe_key(&key))
            }
            RefusedRow::Failed(error) => error,
        }
    }
}

/// The hidden keys in the first column of a batch.
fn keys_of(batch: &RecordBatch) -> KeyBatch {
    let keys = batch.column(0).as_binary::<i32>();
    keys.iter().map(Option::unwrap_or_default).collect()
}
