//! Bulk loads: sorted files instead of log and memtable.

use bygone_engine::{Ingest, IngestOptions, OnDuplicate, types::Timestamp};
use bygone_mvcc::{CommitMeta, ExclusiveCommit, ExclusiveLock, KeyspaceInfo};

use crate::{Database, Result};

/// A bulk load of one keyspace. Other writers of the keyspace wait until it is committed or dropped; readers
/// see nothing of it before. Memory stays bounded, whatever the number of rows.
#[derive(Debug)]
pub struct BulkLoad {
    database: Database,
    ingest: Ingest,
    keyspace: KeyspaceInfo,
    lock: ExclusiveLock,
    meta: CommitMeta,
}

impl BulkLoad {
    pub(crate) async fn begin(database: &Database, keyspace: &KeyspaceInfo) -> Result<Self> {
        let store = database.store();
        let what = format!("a bulk load of {}", keyspace.name);
        let lock = store.lock_exclusive(&[keyspace.id], &what, store.options().lock_wait_us).await?;
        store.names().check_exists(keyspace).await?;
        let options = IngestOptions { on_duplicate: OnDuplicate::KeepLast, ..IngestOptions::default() };
        let ingest = store.engine().ingest(keyspace.id, options);
        let (database, keyspace) = (database.clone(), keyspace.clone());
        Ok(Self { database, ingest, keyspace, lock, meta: CommitMeta::default() })
    }

    /// Sets `key` to `value`. Keys may come in any order, ascending is fastest; of a key that comes twice the
    /// later counts.
    ///
    /// # Errors
    /// `Invalid` for a key or value that is too long; `Unavailable` when storage fails.
    pub async fn put(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        Ok(self.ingest.push(key, Some(value)).await?)
    }

    /// Deletes `key`.
    ///
    /// # Errors
    /// As [`Self::put`].
    pub async fn delete(&mut self, key: &[u8]) -> Result<()> {
        Ok(self.ingest.push(key, None).await?)
    }

    /// Says something about the commit.
    pub fn annotate(&mut self, meta: CommitMeta) {
        self.meta = meta;
    }

    /// Makes all rows visible and durable. Returns the timestamp of the commit.
    ///
    /// # Errors
    /// `NotFound` or `Conflict` when the keyspace was dropped meanwhile; `Unavailable` when storage fails.
    /// Nothing is visible then.
    ///
    /// # Cancel safety
    /// When the future is dropped all rows become visible or none.
    pub async fn commit(self) -> Result<Timestamp> {
        let runs = vec![self.ingest.finish().await?];
        let names = self.database.store().names();
        let commit = ExclusiveCommit {
            runs,
            meta: self.meta,
            guarded_since: names.check_exists(&self.keyspace).await?,
            guards: vec![names.guard_of(self.keyspace.id)],
            ..ExclusiveCommit::default()
        };
        Ok(self.database.store().commit_exclusive(&self.lock, commit).await?.timestamp)
    }
}
