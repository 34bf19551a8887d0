//! Transactions: a view of the past plus writes of one's own.

mod scan;
mod writes;

use std::{collections::BTreeSet, mem};

use bygone_engine::{
    KeyRange, ReadView, ScanOptions,
    types::{Durability, KeyspaceId, Timestamp, Write, WriteBatch},
};
use bytes::Bytes;
use parking_lot::Mutex;
pub use scan::TransactionScan;
pub use writes::Mark;
use writes::WriteSet;

use crate::{CommitInfo, CommitMeta, Error, Result, Store, records::check_meta, store::check_write};

/// A transaction under snapshot isolation.
///
/// It reads the state at its begin, with its own writes on top, and takes no lock. All methods take `&self`, so it can
/// be shared behind an `Arc`; concurrent writes are ordered by arrival. Dropping it rolls it back.
///
/// A statement that reads and writes the same table reads at a [`Mark`] taken before its first write, so that it does
/// not meet its own rows.
#[derive(Debug)]
pub struct Transaction {
    store: Store,
    view: ReadView,
    read_only: bool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    writes: WriteSet,
    /// Keyspaces whose writes are left out of the commit.
    discarded: BTreeSet<KeyspaceId>,
    guards: Vec<(KeyspaceId, Bytes)>,
    meta: CommitMeta,
    savepoints: Vec<(u64, Mark)>,
    next_savepoint: u64,
    finished: bool,
}

/// A place in a transaction to go back to. Unnamed: names belong to the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Savepoint(u64);

impl Transaction {
    pub(crate) fn new(store: Store, view: ReadView, read_only: bool) -> Self {
        Self { store, view, read_only, state: Mutex::default() }
    }

    /// The store it belongs to.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The state it reads, without its own writes.
    pub fn view(&self) -> &ReadView {
        &self.view
    }

    /// The moment it reads.
    pub fn timestamp(&self) -> Timestamp {
        self.view.timestamp()
    }

    /// Whether it cannot write.
    pub fn is_read_only(&self) -> bool {
        self.read_only
    }

    /// Whether it was committed or rolled back.
    pub fn is_finished(&self) -> bool {
        self.state.lock().finished
    }

    /// Whether it has written nothing so far.
    pub fn is_clean(&self) -> bool {
        self.state.lock().writes.is_empty()
    }

    /// Whether it has written into `keyspace`.
    pub fn has_written(&self, keyspace: KeyspaceId) -> bool {
        self.state.lock().writes.touches(keyspace)
    }

    /// The value of `key`.
    ///
    /// # Errors
    /// [`Error::Finished`]; the engine's.
    pub async fn get(&self, keyspace: KeyspaceId, key: &[u8]) -> Result<Option<Bytes>> {
        self.get_before(keyspace, key, Mark::END).await
    }

    /// The value of `key` as it was when `mark` was taken.
    ///
    /// # Errors
    /// [`Error::Finished`]; the engine's.
    pub async fn get_before(&self, keyspace: KeyspaceId, key: &[u8], mark: Mark) -> Result<Option<Bytes>> {
        let own = self.live()?.writes.get(keyspace, key, mark);
        match own {
            Some(value) => Ok(value),
            None => Ok(self.view.get(keyspace, key).await?),
        }
    }

    /// The rows of `range`, own writes merged in. The scan shows the writes made before this call and none made later;
    /// rows of one's own have the begin [`Timestamp::INTENT`].
    ///
    /// # Errors
    /// [`Error::Finished`].
    ///
    /// # Cost
    /// Copies references to the own writes in the range.
    pub fn scan(
        &self,
        keyspace: KeyspaceId,
        range: KeyRange,
        options: ScanOptions,
    ) -> Result<TransactionScan> {
        self.scan_before(keyspace, range, options, Mark::END)
    }

    /// As [`Self::scan`], as things were when `mark` was taken.
    ///
    /// # Errors
    /// [`Error::Finished`].
    pub fn scan_before(
        &self,
        keyspace: KeyspaceId,
        range: KeyRange,
        options: ScanOptions,
        mark: Mark,
    ) -> Result<TransactionScan> {
        let own = self.live()?.writes.range(keyspace, &range, mark);
        TransactionScan::new(&self.view, keyspace, range, options, own)
    }

    /// Sets `key` to `value`.
    ///
    /// # Errors
    /// [`Error::ReadOnly`], [`Error::Finished`], [`Error::TooLarge`]; [`Error::Invalid`] for a key or value that is too long.
    pub fn put(&self, keyspace: KeyspaceId, key: impl Into<Bytes>, value: impl Into<Bytes>) -> Result<()> {
        self.push(Write { keyspace, key: key.into(), value: Some(value.into()) })
    }

    /// Deletes `key`; deleting what is not there is allowed.
    ///
    /// # Errors
    /// As [`Self::put`].
    pub fn delete(&self, keyspace: KeyspaceId, key: impl Into<Bytes>) -> Result<()> {
        self.push(Write { keyspace, key: key.into(), value: None })
    }

    /// Adds all writes of `batch`, in its order.
    ///
    /// # Errors
    /// As [`Self::put`]; the writes before the one that failed are added.
    pub fn write(&self, batch: &WriteBatch) -> Result<()> {
        batch.writes().iter().try_for_each(|write| self.push(write.clone()))
    }

    fn push(&self, write: Write) -> Result<()> {
        check_write(&write)?;
        let mut state = self.writable()?;
        let max = self.store.options().transaction_bytes_max;
        if state.writes.bytes() + WriteSet::cost(&write) > max {
            return Err(Error::TooLarge { max });
        }
        state.writes.push(write);
        Ok(())
    }

    /// Makes the commit conflict if `key` changes until then, without writing it: what a decision depended on.
    ///
    /// # Errors
    /// [`Error::ReadOnly`], [`Error::Finished`].
    pub fn guard(&self, keyspace: KeyspaceId, key: impl Into<Bytes>) -> Result<()> {
        let mut state = self.writable()?;
        let guard = (keyspace, key.into());
        if !state.guards.contains(&guard) {
            state.guards.push(guard);
        }
        Ok(())
    }

    /// Says something about the commit; fields that are set replace those said before, annotations and tables are added.
    ///
    /// # Errors
    /// [`Error::ReadOnly`], [`Error::Finished`]; [`Error::Invalid`] when it is too long, as the commit says of all of it.
    pub fn annotate(&self, meta: CommitMeta) -> Result<()> {
        check_meta(&meta)?;
        let mut state = self.writable()?;
        let own = &mut state.meta;
        own.author = meta.author.or(own.author.take());
        own.message = meta.message.or(own.message.take());
        own.statement = meta.statement.or(own.statement.take());
        for table in meta.tables {
            if !own.tables.contains(&table) {
                own.tables.push(table);
            }
        }
        own.annotations.extend(meta.annotations);
        Ok(())
    }

    /// Takes back every write into keyspaces of which `is_gone` is true: of a table that the transaction itself created and
    /// dropped again. They still count as written until the commit.
    ///
    /// # Errors
    /// [`Error::ReadOnly`], [`Error::Finished`].
    pub fn discard(&self, is_gone: impl Fn(KeyspaceId) -> bool) -> Result<()> {
        let mut state = self.writable()?;
        let gone: Vec<_> = state.writes.keyspaces().filter(|keyspace| is_gone(*keyspace)).collect();
        state.discarded.extend(gone);
        Ok(())
    }

    /// The writes so far, as a place to read at: see [`Self::scan_before`].
    pub fn mark(&self) -> Mark {
        self.state.lock().writes.mark()
    }

    /// Remembers this place, inside all savepoints that are set.
    ///
    /// # Errors
    /// [`Error::Finished`].
    pub fn savepoint(&self) -> Result<Savepoint> {
        let mut state = self.live()?;
        let id = state.next_savepoint;
        state.next_savepoint += 1;
        let mark = state.writes.mark();
        state.savepoints.push((id, mark));
        Ok(Savepoint(id))
    }

    /// Undoes every write since `savepoint` and forgets the savepoints set inside it; it stays set itself.
    ///
    /// # Errors
    /// [`Error::Invalid`] when it is not set any more; [`Error::Finished`].
    pub fn rollback_to(&self, savepoint: Savepoint) -> Result<()> {
        let mut state = self.live()?;
        let index = find(&state.savepoints, savepoint)?;
        let mark = state.savepoints[index].1;
        state.writes.truncate(mark);
        state.savepoints.truncate(index + 1);
        Ok(())
    }

    /// Forgets `savepoint` and those set inside it; the writes stay.
    ///
    /// # Errors
    /// [`Error::Invalid`] when it is not set any more; [`Error::Finished`].
    pub fn release(&self, savepoint: Savepoint) -> Result<()> {
        let mut state = self.live()?;
        let index = find(&state.savepoints, savepoint)?;
        state.savepoints.truncate(index);
        Ok(())
    }

    /// Commits. A transaction without writes commits without a timestamp of its own.
    ///
    /// # Errors
    /// [`Error::Conflict`] when a written or guarded key changed since the begin, [`Error::Locked`] when a restore or bulk load
    /// does not finish in time: nothing is visible, run the transaction again. [`Error::Finished`]; the engine's. The
    /// transaction is over in any case.
    ///
    /// # Cancel safety
    /// When the future is dropped the commit happens as a whole or not at all.
    pub async fn commit(&self, durability: Durability) -> Result<CommitInfo> {
        let state = self.finish()?;
        if state.writes.is_empty() && state.meta.annotations.is_empty() {
            return Ok(CommitInfo { timestamp: self.timestamp() });
        }
        let batch = state.writes.into_batch(&state.discarded);
        self.store.commit_transaction(batch, state.guards, self.timestamp(), state.meta, durability).await
    }

    /// Gives up all writes. The transaction is over.
    ///
    /// # Errors
    /// [`Error::Finished`] when it was over before.
    pub fn rollback(&self) -> Result<()> {
        self.finish().map(drop)
    }

    fn finish(&self) -> Result<State> {
        let mut state = self.live()?;
        Ok(mem::replace(&mut *state, State { finished: true, ..State::default() }))
    }

    fn live(&self) -> Result<parking_lot::MutexGuard<'_, State>> {
        let state = self.state.lock();
        if state.finished { Err(Error::Finished) } else { Ok(state) }
    }

    fn writable(&self) -> Result<parking_lot::MutexGuard<'_, State>> {
        if self.read_only {
            return Err(Error::ReadOnly("the transaction"));
        }
        self.live()
    }
}

fn find(savepoints: &[(u64, Mark)], savepoint: Savepoint) -> Result<usize> {
    savepoints
        .iter()
        .rposition(|(id, _)| *id == savepoint.0)
        .ok_or_else(|| Error::Invalid("savepoint is not set".into()))
}
