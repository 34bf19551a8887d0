//! Transactions: a view of the past plus writes of one's own.

mod level;
mod scan;
mod spill;
mod writes;

use std::{
    collections::{BTreeMap, BTreeSet},
    mem,
    sync::Arc,
};

use bygone_engine::{
    IngestedRun, KeyRange, ReadView, ScanOptions,
    types::{Durability, KeyspaceId, Timestamp, Write, WriteBatch, check_lengths},
};
use bytes::Bytes;
use level::Level;
pub use level::Mark;
use parking_lot::Mutex;
pub use scan::TransactionScan;
use writes::{Position, WriteSet};

use crate::{CommitInfo, CommitMeta, Error, Result, Store, commit::FilesCommit, records::check_meta};

/// A transaction under snapshot isolation.
///
/// It reads the state at its begin, with its own writes on top, and takes no lock. All methods take `&self`,
/// so it can be shared behind an `Arc`; concurrent writes are ordered by arrival. Dropping it rolls it back.
///
/// A statement that reads and writes the same table reads at a [`Mark`] taken before its first write, so that
/// it does not meet its own rows.
///
/// Writes are in memory, until [`Self::spill`] writes them into files or [`Self::add_run`] adds files.
#[derive(Debug)]
pub struct Transaction {
    store: Store,
    view: ReadView,
    read_only: bool,
    state: Mutex<TransactionState>,
}

#[derive(Debug)]
struct TransactionState {
    level: Arc<Level>,
    /// Bytes that savepoints hold in levels that were left behind.
    retained: usize,
    /// Keyspaces whose writes are left out of the commit.
    discarded: BTreeSet<KeyspaceId>,
    guards: Vec<(KeyspaceId, Bytes)>,
    meta: CommitMeta,
    savepoints: Vec<(u64, Place)>,
    next_savepoint: u64,
    finished: bool,
}

impl TransactionState {
    fn new(level: Arc<Level>) -> Self {
        Self {
            level,
            retained: 0,
            discarded: BTreeSet::new(),
            guards: Vec::new(),
            meta: CommitMeta::default(),
            savepoints: Vec::new(),
            next_savepoint: 0,
            finished: false,
        }
    }
}

/// A place to go back to.
#[derive(Clone, Debug)]
struct Place {
    level: Arc<Level>,
    position: Position,
}

/// A place in a transaction to go back to. Unnamed: names belong to the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Savepoint(u64);

impl Transaction {
    pub(crate) fn new(store: Store, view: ReadView, read_only: bool) -> Self {
        let state = TransactionState::new(Level::first(view.clone()));
        Self { store, view, read_only, state: Mutex::new(state) }
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
        self.state.lock().level.is_clean()
    }

    /// Whether it has written into `keyspace`.
    pub fn has_written(&self, keyspace: KeyspaceId) -> bool {
        self.state.lock().level.has_written(keyspace)
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
        let (level, position) = self.place(mark)?;
        let own = level.writes.lock().get(keyspace, key, position);
        match own {
            Some(value) => Ok(value),
            None => Ok(level.view.get(keyspace, key).await?),
        }
    }

    /// The rows of `range`, own writes merged in. The scan shows the writes made before this call and none
    /// made later; rows of one's own have the begin [`Timestamp::ZERO`].
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
        let (level, position) = self.place(mark)?;
        let own = level.writes.lock().range(keyspace, &range, position);
        TransactionScan::new(&level.view, keyspace, range, options, own)
    }

    /// The level of a mark, and the place in it.
    fn place(&self, mark: Mark) -> Result<(Arc<Level>, Position)> {
        let state = self.live()?;
        Ok((mark.level.unwrap_or_else(|| Arc::clone(&state.level)), mark.position))
    }

    /// Sets `key` to `value`.
    ///
    /// # Errors
    /// [`Error::ReadOnly`], [`Error::Finished`], [`Error::TooLarge`]; [`Error::Invalid`] for a key or value
    /// that is too long.
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
        check_lengths(&write.key, write.value.as_deref())?;
        let state = self.writable()?;
        let max = self.store.options().transaction_bytes_max;
        let mut writes = state.level.writes.lock();
        if state.retained + writes.bytes() + WriteSet::cost(&write) > max {
            return Err(Error::TooLarge { max });
        }
        writes.push(write);
        Ok(())
    }

    /// Makes the commit conflict if `key` changes until then, without writing it: what a decision depended
    /// on.
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

    /// Says something about the commit; fields that are set replace those said before, annotations and tables
    /// are added.
    ///
    /// # Errors
    /// [`Error::ReadOnly`], [`Error::Finished`]; [`Error::Invalid`] when it is too long, as the commit says
    /// of all of it.
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

    /// Takes back every write into keyspaces of which `is_gone` is true: of a table that the transaction
    /// itself created and dropped again. They still count as written until the commit.
    ///
    /// # Errors
    /// [`Error::ReadOnly`], [`Error::Finished`].
    pub fn discard(&self, is_gone: impl Fn(KeyspaceId) -> bool) -> Result<()> {
        let mut state = self.writable()?;
        let level = Arc::clone(&state.level);
        let written = level.writes.lock();
        let keyspaces = written.keyspaces().chain(level.runs.keys().copied());
        state.discarded.extend(keyspaces.filter(|keyspace| is_gone(*keyspace)));
        Ok(())
    }

    /// The writes so far, as a place to read at: see [`Self::scan_before`].
    pub fn mark(&self) -> Mark {
        let state = self.state.lock();
        let position = state.level.writes.lock().end();
        Mark { level: Some(Arc::clone(&state.level)), position }
    }

    /// Remembers this place, inside all savepoints that are set.
    ///
    /// # Errors
    /// [`Error::Finished`].
    pub fn savepoint(&self) -> Result<Savepoint> {
        let mut state = self.live()?;
        let id = state.next_savepoint;
        state.next_savepoint += 1;
        let position = state.level.writes.lock().end();
        let level = Arc::clone(&state.level);
        state.savepoints.push((id, Place { level, position }));
        Ok(Savepoint(id))
    }

    /// Undoes every write since `savepoint` and forgets the savepoints set inside it; it stays set itself.
    ///
    /// # Errors
    /// [`Error::Invalid`] when it is not set any more; [`Error::Finished`].
    pub fn rollback_to(&self, savepoint: Savepoint) -> Result<()> {
        let mut state = self.live()?;
        let index = find(&state.savepoints, savepoint)?;
        let Place { level, position } = state.savepoints[index].1.clone();
        level.writes.lock().truncate(position);
        state.level = level;
        state.savepoints.truncate(index + 1);
        state.count_retained();
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
        state.count_retained();
        Ok(())
    }

    /// Commits. A transaction without writes commits without a timestamp of its own.
    ///
    /// # Errors
    /// [`Error::Conflict`] when a written or guarded key changed since the begin, [`Error::Locked`] when a
    /// restore or bulk load does not finish in time: nothing is visible, run the transaction again.
    /// [`Error::Finished`]; the engine's. The transaction is over in any case.
    ///
    /// # Cancel safety
    /// When the future is dropped the commit happens as a whole or not at all.
    pub async fn commit(&self, durability: Durability) -> Result<CommitInfo> {
        let state = self.finish()?;
        if state.level.is_clean() && state.meta.annotations.is_empty() {
            return Ok(CommitInfo { timestamp: self.timestamp() });
        }
        let TransactionState { level, discarded, guards, meta, .. } = state;
        let runs: BTreeMap<_, _> =
            level.runs.iter().filter(|(keyspace, _)| !discarded.contains(keyspace)).collect();
        if !runs.is_empty() {
            // Boxed: it is rare, and every commit would grow by it.
            return Box::pin(self.commit_files(&level, &discarded, (guards, meta), durability)).await;
        }
        drop(runs);
        let batch = writes_of(level).into_batch(&discarded);
        self.store.commit_transaction(batch, guards, self.timestamp(), meta, durability).await
    }

    /// The commit of a transaction that has files: each keyspace that has some becomes one run.
    async fn commit_files(
        &self,
        level: &Level,
        discarded: &BTreeSet<KeyspaceId>,
        (guards, meta): (Vec<(KeyspaceId, Bytes)>, CommitMeta),
        durability: Durability,
    ) -> Result<CommitInfo> {
        let writes = level.writes.lock().clone();
        let mut runs = Vec::with_capacity(level.runs.len());
        for (keyspace, written) in level.runs.iter().filter(|(keyspace, _)| !discarded.contains(keyspace)) {
            let mut newest_first: Vec<IngestedRun> = written.iter().rev().cloned().collect();
            let in_memory: Vec<Write> = writes.of_keyspace(*keyspace).cloned().collect();
            if !in_memory.is_empty() {
                newest_first.insert(0, self.run_of(*keyspace, &in_memory).await?);
            }
            runs.extend(self.store.engine().merge_runs(newest_first).await?);
        }
        let batch = writes.without(|keyspace| level.runs.contains_key(&keyspace)).into_batch(discarded);
        let commit = FilesCommit { runs, batch, guards, since: self.timestamp(), meta, durability };
        self.store.commit_files(commit).await
    }

    /// Gives up all writes. The transaction is over.
    ///
    /// # Errors
    /// [`Error::Finished`] when it was over before.
    pub fn rollback(&self) -> Result<()> {
        self.finish().map(drop)
    }

    fn finish(&self) -> Result<TransactionState> {
        let mut state = self.live()?;
        let over =
            TransactionState { finished: true, ..TransactionState::new(Level::first(self.view.clone())) };
        Ok(mem::replace(&mut *state, over))
    }

    fn live(&self) -> Result<parking_lot::MutexGuard<'_, TransactionState>> {
        let state = self.state.lock();
        if state.finished { Err(Error::Finished) } else { Ok(state) }
    }

    fn writable(&self) -> Result<parking_lot::MutexGuard<'_, TransactionState>> {
        if self.read_only {
            return Err(Error::ReadOnly("the transaction"));
        }
        self.live()
    }
}

/// The writes of a level; copied while a reader holds it.
fn writes_of(level: Arc<Level>) -> WriteSet {
    match Arc::try_unwrap(level) {
        Ok(level) => level.writes.into_inner(),
        Err(held) => held.writes.lock().clone(),
    }
}

fn find(savepoints: &[(u64, Place)], savepoint: Savepoint) -> Result<usize> {
    savepoints
        .iter()
        .rposition(|(id, _)| *id == savepoint.0)
        .ok_or_else(|| Error::Invalid("savepoint is not set".into()))
}
