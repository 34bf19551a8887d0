//! Transactions over keyspaces.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    sync::Mutex,
};

use bygone_engine::{
    KeyRange, ScanOptions,
    types::{Durability, KeyspaceId, Timestamp},
};
use bygone_mvcc::{CommitMeta, KeyspaceInfo, Savepoint};
use bytes::Bytes;

use crate::{Keyspace, KeyspaceRows, Result, rows::Batches};

/// A transaction under snapshot isolation: it reads the state at its begin with its own writes on top, takes
/// no lock, and commits only if no key that it wrote was changed by another commit meanwhile. Dropping it
/// rolls it back.
///
/// ```
/// use bygone::{Database, ErrorKind};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> bygone::Result<()> {
/// let db = Database::memory().await?;
/// let stock = db.keyspace("stock").await?;
/// stock.put("apples", "5").await?;
///
/// let (first, second) = (db.begin(), db.begin());
/// first.put(&stock, "apples", "4")?;
/// second.put(&stock, "apples", "3")?;
/// first.commit().await?;
/// assert_eq!(second.commit().await.unwrap_err().kind(), ErrorKind::Conflict);
/// # db.close().await
/// # }
/// ```
#[derive(Debug)]
pub struct Transaction {
    inner: bygone_mvcc::Transaction,
    /// The keyspaces written into.
    written: Mutex<BTreeMap<KeyspaceId, KeyspaceInfo>>,
}

impl Transaction {
    pub(crate) fn new(inner: bygone_mvcc::Transaction) -> Self {
        Self { inner, written: Mutex::default() }
    }

    /// The moment that it reads.
    pub fn timestamp(&self) -> Timestamp {
        self.inner.timestamp()
    }

    /// The value of `key`.
    ///
    /// # Errors
    /// `Invalid` when the transaction is over; `Corrupt` or `Unavailable` when a file cannot be read.
    pub async fn get(&self, keyspace: &Keyspace, key: impl AsRef<[u8]>) -> Result<Option<Bytes>> {
        Ok(self.inner.get(keyspace.id(), key.as_ref()).await?)
    }

    /// The rows of a range, in the order of their keys: writes made before this call are among them, later
    /// ones are not.
    ///
    /// # Errors
    /// `Invalid` when the transaction is over.
    pub fn scan(&self, keyspace: &Keyspace, range: impl Into<KeyRange>) -> Result<KeyspaceRows> {
        self.scan_with(keyspace, range, ScanOptions::default())
    }

    /// As [`Self::scan`], backward or with a limit if `options` say so.
    ///
    /// # Errors
    /// As [`Self::scan`].
    pub fn scan_with(
        &self,
        keyspace: &Keyspace,
        range: impl Into<KeyRange>,
        options: ScanOptions,
    ) -> Result<KeyspaceRows> {
        let scan = self.inner.scan(keyspace.id(), range.into(), options)?;
        Ok(KeyspaceRows::new(Batches::OfTransaction(scan)))
    }

    /// Sets `key` to `value`.
    ///
    /// # Errors
    /// `ReadOnly`; `Invalid` when the transaction is over, or grows too large, or key or value are too long.
    pub fn put(&self, keyspace: &Keyspace, key: impl Into<Bytes>, value: impl Into<Bytes>) -> Result<()> {
        self.inner.put(keyspace.id(), key, value)?;
        self.note_write(keyspace)
    }

    /// Deletes `key`; deleting what is not there is allowed.
    ///
    /// # Errors
    /// As [`Self::put`].
    pub fn delete(&self, keyspace: &Keyspace, key: impl Into<Bytes>) -> Result<()> {
        self.inner.delete(keyspace.id(), key)?;
        self.note_write(keyspace)
    }

    /// The first write into a keyspace guards against its being dropped before the commit.
    fn note_write(&self, keyspace: &Keyspace) -> Result<()> {
        let mut written = self.written.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Entry::Vacant(first) = written.entry(keyspace.id()) {
            let (system, key) = self.inner.store().names().guard_of(keyspace.id());
            self.inner.guard(system, key)?;
            first.insert(keyspace.info().clone());
        }
        Ok(())
    }

    /// Makes the commit conflict if `key` changes until then, without writing it: what a decision depended
    /// on. Guards prevent write skew, which snapshot isolation allows.
    ///
    /// # Errors
    /// As [`Self::put`].
    pub fn guard(&self, keyspace: &Keyspace, key: impl Into<Bytes>) -> Result<()> {
        Ok(self.inner.guard(keyspace.id(), key)?)
    }

    /// Says something about the commit: author, message, and values that are readable as of any time.
    ///
    /// # Errors
    /// As [`Self::put`].
    pub fn annotate(&self, meta: CommitMeta) -> Result<()> {
        Ok(self.inner.annotate(meta)?)
    }

    /// Remembers this place, inside all savepoints that are set.
    ///
    /// # Errors
    /// `Invalid` when the transaction is over.
    pub fn savepoint(&self) -> Result<Savepoint> {
        Ok(self.inner.savepoint()?)
    }

    /// Undoes every write since `savepoint`; it stays set, those inside it do not.
    ///
    /// # Errors
    /// `Invalid` when it is not set any more.
    pub fn rollback_to(&self, savepoint: Savepoint) -> Result<()> {
        Ok(self.inner.rollback_to(savepoint)?)
    }

    /// Commits, durable on return. Returns the timestamp of the commit.
    ///
    /// # Errors
    /// `Conflict` or `Locked`: nothing is visible, run the transaction again. `NotFound`: it wrote into a
    /// keyspace that had been dropped. `Unavailable`: storage failed. The transaction is over in any case.
    ///
    /// # Cancel safety
    /// When the future is dropped the commit happens as a whole or not at all.
    pub async fn commit(self) -> Result<Timestamp> {
        self.commit_with(Durability::Sync).await
    }

    /// Commits; with [`Durability::Buffered`] visible on return and durable with the next durable commit.
    ///
    /// # Errors
    /// As [`Self::commit`].
    pub async fn commit_with(self, durability: Durability) -> Result<Timestamp> {
        let written = self.written.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        let names = self.inner.store().names();
        for keyspace in written.values() {
            names.check_exists_in(self.inner.view(), keyspace).await?;
        }
        Ok(self.inner.commit(durability).await?.timestamp)
    }

    /// Gives up all writes, as dropping it does.
    pub fn rollback(self) {
        drop(self);
    }
}
