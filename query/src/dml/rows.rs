//! From batches of a query to keys and values, with the checks of the table, and where they go.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use arrow::{
    array::{Array, AsArray},
    datatypes::{Field, Schema, SchemaRef},
    record_batch::RecordBatch,
};
use bygone_engine::{
    Ingest, IngestOptions,
    types::{KeyspaceId, WriteBatch},
};
use bygone_mvcc::{ExclusiveCommit, ExclusiveLock, system};
use bytes::Bytes;
use datafusion::execution::SendableRecordBatchStream;
use futures::TryStreamExt;

use super::Target;
use crate::{
    catalog::keys,
    error::{Error, Result},
    rows::{EncodedRows, RowEncoder, RowLayout, SCHEMA_VERSION},
    session::{Context, Progress, Shared, Work},
};

/// Rows that share one clock tick in their hidden ids.
const ROWS_PER_TICK: usize = 4_096;

/// Rows that are written before others have a turn: a turn costs as much as a row.
const ROWS_PER_TURN: u64 = 1_024;

/// Writes rows of one table for one statement.
pub(crate) struct RowWriter<'a> {
    shared: &'a Arc<Shared>,
    work: &'a Work,
    target: &'a Target,
    layout: Arc<RowLayout>,
    encoder: RowEncoder,
    progress: Option<Arc<dyn Progress>>,
    written: u64,
}

/// Where a load goes when it does not fit into a transaction's memory.
struct Bulk {
    ingest: Ingest,
    lock: ExclusiveLock,
}

impl<'a> RowWriter<'a> {
    pub(crate) fn new(context: &Context<'a>, work: &'a Work, target: &'a Target) -> Result<Self> {
        let layout = target.table.layout(&target.path)?;
        let engine = context.shared.store.engine();
        engine.define_rows(target.table.keyspace_id(), SCHEMA_VERSION, || Arc::new(layout.schema_of_rows()));
        Ok(Self {
            shared: context.shared,
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

    /// Inserts all rows: into the transaction while they are few, into files when they are many and the statement is a
    /// transaction of its own. `extra` are further writes of the same commit, for a table that is created by it.
    pub(crate) async fn insert_all(
        &mut self,
        mut rows: SendableRecordBatchStream,
        extra: &[(Bytes, Bytes)],
    ) -> Result<u64> {
        let mut kept = Vec::new();
        let mut bytes = 0;
        while let Some(batch) = rows.try_next().await? {
            bytes += batch.get_array_memory_size();
            kept.push(batch);
            if bytes > self.shared.bulk_bytes_min && self.work.autocommit {
                return self.insert_bulk(kept, rows, extra).await;
            }
            if !self.work.autocommit {
                for batch in kept.drain(..) {
                    self.insert_batch(&batch).await?;
                }
            }
        }
        for (key, value) in extra {
            self.work.transaction.put(system::CATALOG, key.clone(), value.clone())?;
        }
        for batch in kept {
            self.insert_batch(&batch).await?;
        }
        Ok(self.written)
    }

    async fn insert_batch(&mut self, batch: &RecordBatch) -> Result<()> {
        let keyspace = self.target.table.keyspace_id();
        let transaction = &self.work.transaction;
        let check = !self.target.table.has_hidden_key();
        for rows in self.encode(batch)? {
            for row in 0..rows.len() {
                let key = rows.keys.get_bytes(row);
                if check && transaction.get(keyspace, &key).await?.is_some() {
                    return Err(self.duplicate(&key));
                }
                transaction.put(keyspace, key, rows.values.get_bytes(row))?;
            }
        }
        self.count(batch.num_rows()).await;
        Ok(())
    }

    async fn insert_bulk(
        &mut self,
        kept: Vec<RecordBatch>,
        mut rows: SendableRecordBatchStream,
        extra: &[(Bytes, Bytes)],
    ) -> Result<u64> {
        let mut bulk = self.begin_bulk(extra.is_empty()).await?;
        for batch in kept {
            self.push_bulk(&mut bulk, &batch).await?;
        }
        while let Some(batch) = rows.try_next().await? {
            self.push_bulk(&mut bulk, &batch).await?;
        }
        let run = bulk.ingest.finish().await.map_err(|error| self.explain(error))?;
        let mut batch = WriteBatch::new();
        for (key, value) in extra {
            batch.put(system::CATALOG, key.clone(), value.clone());
        }
        let commit = ExclusiveCommit {
            runs: vec![run],
            guards: self.guards(!extra.is_empty()),
            guarded_since: self.work.transaction.timestamp(),
            batch,
            ..ExclusiveCommit::default()
        };
        *self.work.bulk.lock() = Some((bulk.lock, commit));
        Ok(self.written)
    }

    /// The rows of the catalog that must not have changed: the table's own, and all of them where the commit changes one.
    fn guards(&self, changes_catalog: bool) -> Vec<(KeyspaceId, Bytes)> {
        let mut guards = vec![(system::CATALOG, keys::object(self.target.schema_id, &self.target.path.name))];
        if changes_catalog {
            guards.push((system::CATALOG, keys::version_write().0));
        }
        guards
    }

    /// Locks other writers out of the table; from then on its keys cannot change.
    async fn begin_bulk(&self, table_exists: bool) -> Result<Bulk> {
        let keyspace = self.target.table.keyspace_id();
        let store = &self.shared.store;
        let what = format!("a load into table {}", self.target.path);
        let lock = store.lock_exclusive(&[keyspace], &what, store.options().lock_wait_us).await?;
        let check = table_exists && !self.target.table.has_hidden_key();
        let absent_from = if check { Some(store.view_now()) } else { None };
        let options = IngestOptions { absent_from, ..IngestOptions::default() };
        Ok(Bulk { ingest: store.engine().ingest(keyspace, options), lock })
    }

    async fn push_bulk(&mut self, bulk: &mut Bulk, batch: &RecordBatch) -> Result<()> {
        for rows in self.encode(batch)? {
            for row in 0..rows.len() {
                let (key, value) = (rows.keys.get(row), rows.values.get(row));
                bulk.ingest.push(key, Some(value)).await.map_err(|error| self.explain(error))?;
            }
        }
        self.count(batch.num_rows()).await;
        Ok(())
    }

    /// Changes rows: the first column is the key they have, the others are the table's.
    pub(crate) async fn update_all(
        &mut self,
        mut rows: SendableRecordBatchStream,
        moves_keys: bool,
    ) -> Result<u64> {
        let keyspace = self.target.table.keyspace_id();
        let transaction = &self.work.transaction;
        let mut moved: Vec<(Bytes, Bytes, Bytes)> = Vec::new();
        while let Some(batch) = rows.try_next().await? {
            let old = batch.column(0).as_binary::<i32>();
            let columns = batch.columns()[1..].to_vec();
            let columns = RecordBatch::try_new(self.layout_schema(), columns)?;
            let values = self.encoder.encode_values(&columns)?;
            let new = if moves_keys {
                let key =
                    self.target.table.primary_key.iter().map(|&index| Arc::clone(columns.column(index)));
                Some(self.encoder.encode_keys(&key.collect::<Vec<_>>())?)
            } else {
                None
            };
            for row in 0..batch.num_rows() {
                let key = Bytes::copy_from_slice(old.value(row));
                match &new {
                    Some(new) => moved.push((key, new.get_bytes(row), values.get_bytes(row))),
                    None => transaction.put(keyspace, key, values.get_bytes(row))?,
                }
            }
            self.count(batch.num_rows()).await;
        }
        self.move_rows(moved).await?;
        Ok(self.written)
    }

    /// Rows whose key may change: they all leave before any arrives, so that `SET id = id + 1` works.
    async fn move_rows(&self, moved: Vec<(Bytes, Bytes, Bytes)>) -> Result<()> {
        let keyspace = self.target.table.keyspace_id();
        let transaction = &self.work.transaction;
        let leaving: HashSet<&Bytes> = moved.iter().map(|(old, ..)| old).collect();
        let mut arriving: HashMap<&Bytes, &Bytes> = HashMap::with_capacity(moved.len());
        for (_, new, value) in &moved {
            let taken = !leaving.contains(new) && transaction.get(keyspace, new).await?.is_some();
            if taken || arriving.insert(new, value).is_some() {
                return Err(self.duplicate(new));
            }
        }
        for (old, ..) in &moved {
            if !arriving.contains_key(old) {
                transaction.delete(keyspace, old.clone())?;
            }
        }
        for (_, new, value) in &moved {
            transaction.put(keyspace, new.clone(), value.clone())?;
        }
        Ok(())
    }

    /// Deletes rows: the first column is their key.
    pub(crate) async fn delete_all(&mut self, mut rows: SendableRecordBatchStream) -> Result<u64> {
        let keyspace = self.target.table.keyspace_id();
        while let Some(batch) = rows.try_next().await? {
            let keys = batch.column(0).as_binary::<i32>();
            for row in 0..keys.len() {
                self.work.transaction.delete(keyspace, Bytes::copy_from_slice(keys.value(row)))?;
            }
            self.count(keys.len()).await;
        }
        Ok(self.written)
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
            let mut next = self.shared.store.clock().tick().as_micros() * ROWS_PER_TICK as u64;
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

    fn name(&self) -> String {
        self.target.path.to_string()
    }

    /// Counts rows, and lets others run after many: a load that never waits for anything could not be cancelled otherwise.
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

    fn duplicate(&self, key: &[u8]) -> Error {
        Error::duplicate_key(&self.name(), self.layout.describe_key(key))
    }

    /// A duplicate key of a bulk load, in the words of the table.
    fn explain(&self, error: bygone_engine::Error) -> Error {
        match error {
            bygone_engine::Error::DuplicateKey { key } => self.duplicate(&key),
            other => other.into(),
        }
    }
}
