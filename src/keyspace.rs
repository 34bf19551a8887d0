//! A keyspace: an ordered map from bytes to bytes that keeps its past.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use bygone_engine::{
    DiffScan, KeyRange, ScanOptions,
    types::{Durability, KeyspaceId, Timestamp, WriteBatch},
};
use bygone_mvcc::KeyspaceInfo;
use bygone_snapshots::{HistoryEntry, ObjectRef};
use bytes::Bytes;

use crate::{BulkLoad, Database, KeyspaceRows, Moment, Result, rows::Batches};

/// An ordered map from bytes to bytes in a [`Database`]. Clones are the same keyspace.
#[derive(Clone, Debug)]
pub struct Keyspace {
    database: Database,
    info: KeyspaceInfo,
    /// A moment at which it was there, in microseconds; 0 when it need not be known, because it was never
    /// dropped.
    seen: Arc<AtomicU64>,
}

impl Keyspace {
    pub(crate) fn new(database: Database, info: KeyspaceInfo) -> Self {
        Self { database, info, seen: Arc::default() }
    }

    /// Its name when it was opened.
    pub fn name(&self) -> &str {
        &self.info.name
    }

    /// Its id.
    pub fn id(&self) -> KeyspaceId {
        self.info.id
    }

    /// Object that a snapshot of this keyspace alone covers.
    pub fn object(&self) -> ObjectRef {
        ObjectRef { name: self.info.name.clone(), id: self.info.id.get(), keyspaces: vec![self.info.id] }
    }

    /// The value of `key`.
    ///
    /// # Errors
    /// `Corrupt` or `Unavailable` when a file cannot be read.
    pub async fn get(&self, key: impl AsRef<[u8]>) -> Result<Option<Bytes>> {
        Ok(self.database.store().view_now().get(self.info.id, key.as_ref()).await?)
    }

    /// The value that `key` had at a moment.
    ///
    /// # Errors
    /// `NotFound` for the name of a snapshot; `TooOld`; `Invalid` for a moment in the future; those of
    /// [`Self::get`].
    pub async fn get_at(&self, key: impl AsRef<[u8]>, moment: impl Into<Moment>) -> Result<Option<Bytes>> {
        let view = self.database.view_of(self.info.id, moment.into()).await?;
        Ok(view.get(self.info.id, key.as_ref()).await?)
    }

    /// Sets `key` to `value`; the last writer wins. Durable on return. Returns the timestamp of the commit.
    ///
    /// # Errors
    /// `NotFound` when the keyspace was dropped; `Locked` while it is restored or loaded; `Invalid` for a key
    /// or value that is too long; `Unavailable`.
    ///
    /// # Cancel safety
    /// When the future is dropped the commit happens or not.
    pub async fn put(&self, key: impl Into<Bytes>, value: impl Into<Bytes>) -> Result<Timestamp> {
        let mut batch = WriteBatch::new();
        batch.put(self.info.id, key, value);
        self.write(batch).await
    }

    /// Deletes `key`; deleting what is not there is allowed. Durable on return. Returns the timestamp of the
    /// commit.
    ///
    /// # Errors
    /// As [`Self::put`].
    pub async fn delete(&self, key: impl Into<Bytes>) -> Result<Timestamp> {
        let mut batch = WriteBatch::new();
        batch.delete(self.info.id, key);
        self.write(batch).await
    }

    async fn write(&self, batch: WriteBatch) -> Result<Timestamp> {
        let store = self.database.store();
        let names = store.names();
        loop {
            let seen = Timestamp::from_micros(self.seen.load(Ordering::Relaxed));
            let guards = vec![names.guard_of(self.info.id)];
            match store.write_guarded(batch.clone(), guards, seen, Durability::Sync).await {
                Ok(commit) => return Ok(commit.timestamp),
                // It was dropped since, and perhaps brought back.
                Err(bygone_mvcc::Error::Conflict { .. }) => {
                    let seen = names.check_exists(&self.info).await?;
                    self.seen.fetch_max(seen.as_micros(), Ordering::Relaxed);
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    pub(crate) fn info(&self) -> &KeyspaceInfo {
        &self.info
    }

    /// The rows of a range, in the order of their keys: `..`, `"a".."c"`, `"m"..`, or a [`KeyRange`].
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn scan(&self, range: impl Into<KeyRange>) -> Result<KeyspaceRows> {
        self.scan_with(range, ScanOptions::default(), Moment::Now).await
    }

    /// The rows that a range had at a moment.
    ///
    /// # Errors
    /// As [`Self::get_at`].
    pub async fn scan_at(
        &self,
        range: impl Into<KeyRange>,
        moment: impl Into<Moment>,
    ) -> Result<KeyspaceRows> {
        self.scan_with(range, ScanOptions::default(), moment).await
    }

    /// As [`Self::scan_at`], backward or with a limit if `options` say so.
    ///
    /// # Errors
    /// As [`Self::get_at`].
    pub async fn scan_with(
        &self,
        range: impl Into<KeyRange>,
        options: ScanOptions,
        moment: impl Into<Moment>,
    ) -> Result<KeyspaceRows> {
        let view = self.database.view_of(self.info.id, moment.into()).await?;
        Ok(KeyspaceRows::new(Batches::OfView(view.scan(self.info.id, range.into(), options)?)))
    }

    /// The readable versions of `key`, newest first.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn history(&self, key: impl AsRef<[u8]>) -> Result<Vec<HistoryEntry>> {
        let now = self.database.now();
        let store = self.database.store();
        store.wait_visible_durably(now).await?;
        Ok(bygone_snapshots::key_history(store, self.info.id, key.as_ref(), Timestamp::ZERO, now).await?)
    }

    /// The keys whose values differ between two moments, in order: `from` is the earlier one.
    ///
    /// # Errors
    /// As [`Self::get_at`], for either moment.
    pub async fn diff(&self, from: impl Into<Moment>, to: impl Into<Moment>) -> Result<DiffScan> {
        let from = self.database.timestamp_of(from.into()).await?;
        let to = self.database.timestamp_of(to.into()).await?;
        Ok(bygone_snapshots::diff(self.database.store(), self.info.id, &KeyRange::all(), from, to).await?)
    }

    /// Begins a bulk load: many rows, in any order, that become visible at once.
    ///
    /// # Errors
    /// `NotFound` when it was dropped; `Locked` when it is restored or loaded by somebody else.
    pub async fn load(&self) -> Result<BulkLoad> {
        BulkLoad::begin(&self.database, &self.info).await
    }
}
