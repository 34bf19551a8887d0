//! An UPDATE of a primary key: all rows leave before any arrives, so that `SET id = id + 1` works.
//!
//! ```text
//!   many rows:   run of the keys that leave (deletes) ─▶ run of the rows that arrive, checked against what is left
//! ```

use std::{
    collections::{HashMap, HashSet},
    mem,
    sync::Arc,
};

use bygone_engine::{Ingest, IngestOptions, OnDuplicate, types::KeyspaceId};
use bygone_mvcc::Transaction;
use bytes::Bytes;

use super::changes::{ChangeResult, Changes, ROW_BYTES, RefusedRow};
use crate::{
    rows::{EncodedRows, KeyBatch},
    statement::Database,
};

/// Rows that get other keys. See the module documentation.
pub(super) struct Moves<'a> {
    database: &'a Database,
    transaction: &'a Arc<Transaction>,
    keyspace: KeyspaceId,
    kept: Vec<(KeyBatch, EncodedRows)>,
    cost: usize,
    files: Option<MoveFiles>,
}

struct MoveFiles {
    leaving: Ingest,
    arriving: Ingest,
}

impl MoveFiles {
    async fn push(&mut self, leaving: KeyBatch, arriving: EncodedRows) -> ChangeResult<()> {
        Changes { keys: leaving, values: None }.push_into(&mut self.leaving).await?;
        let EncodedRows { keys, values } = arriving;
        Changes { keys, values: Some(values) }.push_into(&mut self.arriving).await
    }
}

impl<'a> Moves<'a> {
    pub(super) fn new(
        database: &'a Database,
        transaction: &'a Arc<Transaction>,
        keyspace: KeyspaceId,
    ) -> Self {
        Self { database, transaction, keyspace, kept: Vec::new(), cost: 0, files: None }
    }

    /// Takes rows of the statement: the keys that they have, and the rows as they will be.
    pub(super) async fn add(&mut self, leaving: KeyBatch, arriving: EncodedRows) -> ChangeResult<()> {
        if let Some(files) = &mut self.files {
            return files.push(leaving, arriving).await;
        }
        let bytes = leaving.bytes() + arriving.keys.bytes() + arriving.values.bytes();
        self.cost += bytes + 2 * ROW_BYTES * leaving.len();
        self.kept.push((leaving, arriving));
        if self.cost > self.database.bulk_bytes_min {
            Box::pin(self.begin_files()).await?;
        }
        Ok(())
    }

    async fn begin_files(&mut self) -> ChangeResult<()> {
        // Earlier writes of the transaction go below.
        self.transaction.spill(|keyspace| keyspace == self.keyspace).await?;
        let engine = self.database.store.engine();
        let leaving = IngestOptions { on_duplicate: OnDuplicate::KeepLast, ..IngestOptions::default() };
        let mut files = MoveFiles {
            leaving: engine.ingest(self.keyspace, leaving),
            arriving: engine.ingest(self.keyspace, IngestOptions::default()),
        };
        for (leaving, arriving) in mem::take(&mut self.kept) {
            files.push(leaving, arriving).await?;
        }
        self.files = Some(files);
        Ok(())
    }

    /// Hands all of them to the transaction.
    pub(super) async fn finish(mut self) -> ChangeResult<()> {
        if let Some(MoveFiles { leaving, arriving }) = self.files.take() {
            self.transaction.add_run(leaving.finish().await?).await?;
            let left = self.transaction.mark();
            let left = left.view().unwrap_or_else(|| self.transaction.view()).clone();
            let arrived = arriving.absent_from(left).finish().await?;
            return Ok(self.transaction.add_run(arrived).await?);
        }
        self.move_in_memory().await
    }

    async fn move_in_memory(&self) -> ChangeResult<()> {
        let (transaction, keyspace) = (self.transaction, self.keyspace);
        let moved: Vec<(Bytes, Bytes, Bytes)> = self
            .kept
            .iter()
            .flat_map(|(old, new)| {
                (0..old.len())
                    .map(|row| (old.get_bytes(row), new.keys.get_bytes(row), new.values.get_bytes(row)))
            })
            .collect();
        let leaving: HashSet<&Bytes> = moved.iter().map(|(old, ..)| old).collect();
        let mut arriving: HashMap<&Bytes, &Bytes> = HashMap::with_capacity(moved.len());
        for (_, new, value) in &moved {
            let taken = !leaving.contains(new) && transaction.get(keyspace, new).await?.is_some();
            if taken || arriving.insert(new, value).is_some() {
                return Err(RefusedRow::Duplicate(new.clone()));
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
}
