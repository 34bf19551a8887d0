//! The rows that a statement writes into one table, on their way into its transaction: in memory while they
//! are few, then into files.
//!
//! ```text
//!   rows ─▶ kept ─ end of the statement ─▶ the transaction's writes in memory
//!             └─ too many ─▶ an ingest ─ end of the statement ─▶ a run of the transaction
//! ```
//!
//! Nothing is in the transaction before the statement's end, so that a statement never meets its own rows.

use std::{mem, sync::Arc};

use bygone_engine::{Ingest, IngestOptions, OnDuplicate, types::KeyspaceId};
use bygone_mvcc::Transaction;
use bytes::Bytes;

use crate::{error::Error, rows::KeyBatch, statement::Database};

/// Bytes of memory that a row costs a transaction, beside its own.
pub(super) const ROW_BYTES: usize = 160;

/// Reason for which a row was not written.
#[derive(Debug)]
pub(super) enum RefusedRow {
    /// This key is there already.
    Duplicate(Bytes),
    /// Any other error.
    Failed(Error),
}

impl From<bygone_engine::Error> for RefusedRow {
    fn from(error: bygone_engine::Error) -> Self {
        match error {
            bygone_engine::Error::DuplicateKey { key } => Self::Duplicate(key),
            other => Self::Failed(other.into()),
        }
    }
}

impl From<bygone_mvcc::Error> for RefusedRow {
    fn from(error: bygone_mvcc::Error) -> Self {
        match error {
            bygone_mvcc::Error::Engine(engine) => engine.into(),
            other => Self::Failed(other.into()),
        }
    }
}

pub(super) type ChangeResult<T> = std::result::Result<T, RefusedRow>;

/// Rows with their values, or keys of rows that go.
#[derive(Debug)]
pub(super) struct Changes {
    pub(super) keys: KeyBatch,
    pub(super) values: Option<KeyBatch>,
}

impl Changes {
    /// Bytes of memory that they cost.
    pub(super) fn cost(&self) -> usize {
        let values = self.values.as_ref().map_or(0, KeyBatch::bytes);
        self.keys.bytes() + values + self.keys.len() * ROW_BYTES
    }

    /// Adds them to an ingest.
    pub(super) async fn push_into(&self, ingest: &mut Ingest) -> ChangeResult<()> {
        for row in 0..self.keys.len() {
            let value = self.values.as_ref().map(|values| values.get(row));
            ingest.push(self.keys.get(row), value).await?;
        }
        Ok(())
    }
}

/// See the module documentation.
pub(super) struct ChangeSet<'a> {
    database: &'a Database,
    transaction: &'a Arc<Transaction>,
    keyspace: KeyspaceId,
    /// None of the keys may be there.
    is_new: bool,
    kept: Vec<Changes>,
    cost: usize,
    files: Option<Ingest>,
}

impl<'a> ChangeSet<'a> {
    pub(super) fn new(
        database: &'a Database,
        transaction: &'a Arc<Transaction>,
        keyspace: KeyspaceId,
        is_new: bool,
    ) -> Self {
        Self { database, transaction, keyspace, is_new, kept: Vec::new(), cost: 0, files: None }
    }

    /// Takes rows of the statement.
    pub(super) async fn add(&mut self, changes: Changes) -> ChangeResult<()> {
        if let Some(files) = &mut self.files {
            return changes.push_into(files).await;
        }
        self.cost += changes.cost();
        self.kept.push(changes);
        if self.cost > self.database.bulk_bytes_min {
            // Boxed: it is rare, and every statement would grow by it.
            Box::pin(self.begin_files()).await?;
        }
        Ok(())
    }

    async fn begin_files(&mut self) -> ChangeResult<()> {
        // Earlier writes of the transaction go below.
        self.transaction.spill(|keyspace| keyspace == self.keyspace).await?;
        let on_duplicate = if self.is_new { OnDuplicate::Fail } else { OnDuplicate::KeepLast };
        let absent_from = if self.is_new { self.transaction.mark().view().cloned() } else { None };
        let options = IngestOptions { on_duplicate, absent_from };
        let mut files = self.database.store.engine().ingest(self.keyspace, options);
        for changes in mem::take(&mut self.kept) {
            changes.push_into(&mut files).await?;
        }
        self.files = Some(files);
        Ok(())
    }

    /// Hands all of them to the transaction.
    pub(super) async fn finish(self) -> ChangeResult<()> {
        if let Some(files) = self.files {
            let run = files.finish().await?;
            return Ok(Box::pin(self.transaction.add_run(run)).await?);
        }
        for Changes { keys, values } in self.kept {
            for row in 0..keys.len() {
                let key = keys.get_bytes(row);
                if self.is_new && self.transaction.get(self.keyspace, &key).await?.is_some() {
                    return Err(RefusedRow::Duplicate(key));
                }
                match &values {
                    Some(values) => self.transaction.put(self.keyspace, key, values.get_bytes(row))?,
                    None => self.transaction.delete(self.keyspace, key)?,
                }
            }
            tokio::task::yield_now().await;
        }
        Ok(())
    }
}
