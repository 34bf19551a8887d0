//! The store: one clock, one commit pipeline and one lock table over an engine.

use std::{
    collections::BTreeSet,
    future::Future,
    sync::{Arc, atomic::AtomicU64},
};

use bygone_engine::{
    Engine, IngestOptions, IngestedRun, ReadView, Scope,
    env::Task,
    types::{Durability, KeyspaceId, Timestamp, Write, WriteBatch, check_lengths},
};
use futures::future::{Either, select};

use crate::{
    Clock, CommitInfo, CommitMeta, Error, ExclusiveCommit, ExclusiveLock, Result, Transaction,
    commit::{FilesCommit, HeldLock, Pipeline, Rejected, Request},
    locks::LockTable,
    names::KeyspaceNames,
    records::check_meta,
};

/// Larger commits never go through the log, whatever the options say. The log refuses records above 1 GiB.
const LOG_BYTES_MAX: usize = 512 << 20;

/// Options of a store.
#[derive(Clone, Debug)]
pub struct StoreOptions {
    /// Uncommitted bytes of one transaction in memory at most, savepoints included; more is
    /// [`Error::TooLarge`]. Default 1 GiB.
    pub transaction_bytes_max: usize,
    /// Commits larger than this bypass the log and become files at once; commits that share a log record are
    /// not larger together. At most 512 MiB count. Default 64 MiB.
    pub direct_commit_bytes: usize,
    /// Longest wait of a writer for a restore or bulk load of the same keyspace, in microseconds. Default 10
    /// s.
    pub lock_wait_us: u64,
    /// Whether all writes are refused.
    pub read_only: bool,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self {
            transaction_bytes_max: 1 << 30,
            direct_commit_bytes: 64 << 20,
            lock_wait_us: 10_000_000,
            read_only: false,
        }
    }
}

/// A handle of an open store; clones share it.
#[derive(Clone, Debug)]
pub struct Store {
    pub(crate) core: Arc<Core>,
}

#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) engine: Engine,
    pub(crate) clock: Arc<Clock>,
    pub(crate) locks: Arc<LockTable>,
    pub(crate) options: StoreOptions,
    /// The records of commits before this moment, in microseconds, were deleted since the store was opened.
    pub(crate) forgotten: AtomicU64,
    pub(crate) pipeline: Pipeline,
}

impl Core {
    /// The most bytes of one record of the log, which must stay well below what the log accepts.
    pub(crate) fn log_bytes_max(&self) -> usize {
        self.options.direct_commit_bytes.min(LOG_BYTES_MAX)
    }
}

impl Store {
    /// A store over `engine`. An engine has one store for its whole life: the clock and the locks are in it.
    pub fn open(engine: Engine, options: StoreOptions) -> Self {
        let clock = Arc::new(Clock::new(Arc::clone(&engine.env().clock), engine.last_timestamp()));
        let core = Core {
            engine,
            clock,
            locks: Arc::default(),
            options,
            forgotten: AtomicU64::new(0),
            pipeline: Pipeline::default(),
        };
        Self { core: Arc::new(core) }
    }

    /// The engine below.
    pub fn engine(&self) -> &Engine {
        &self.core.engine
    }

    /// The clock.
    pub fn clock(&self) -> &Clock {
        &self.core.clock
    }

    /// Options of the store.
    pub fn options(&self) -> &StoreOptions {
        &self.core.options
    }

    /// The named keyspaces of the key-value API.
    pub fn names(&self) -> KeyspaceNames {
        KeyspaceNames::new(self.clone())
    }

    /// An id that no keyspace has had or will have. The keyspace must be named in a catalog by the time it
    /// has rows: one that is not counts as dropped when the database is opened
    /// ([`KeyspaceNames::reconcile`]).
    pub fn new_keyspace_id(&self) -> KeyspaceId {
        KeyspaceId::new(KeyspaceId::FIRST_USER.get() + self.core.clock.tick().as_micros())
    }

    /// Begins a transaction that reads the newest state.
    pub fn begin(&self) -> Transaction {
        Transaction::new(self.clone(), self.view_now(), self.core.options.read_only)
    }

    /// Begins a transaction that reads the newest state and cannot write.
    pub fn begin_read_only(&self) -> Transaction {
        self.begin_at(self.view_now())
    }

    /// Begins a transaction that reads the moment of `view` and cannot write.
    pub fn begin_at(&self, view: ReadView) -> Transaction {
        Transaction::new(self.clone(), view, true)
    }

    /// A view of every commit that was acknowledged before the call.
    pub fn view_now(&self) -> ReadView {
        self.core.engine.view_newest(Scope::Database)
    }

    /// A view of the state at `at`: of the commits with a timestamp ≤ `at`, all and no others, now and for
    /// ever.
    ///
    /// # Errors
    /// [`Error::Future`] when `at` has not happened yet; the engine's `TooOld` when it is below the horizon
    /// and not pinned.
    ///
    /// # Cancel safety
    /// Dropping the future leaves nothing.
    pub async fn view_at(&self, at: Timestamp) -> Result<ReadView> {
        self.view_at_in(at, Scope::Database).await
    }

    /// As [`Self::view_at`], of some keyspaces: readable too where only these are pinned.
    ///
    /// # Errors
    /// As [`Self::view_at`].
    pub async fn view_at_in(&self, at: Timestamp, scope: Scope) -> Result<ReadView> {
        self.wait_visible_durably(at).await?;
        Ok(self.core.engine.view(at, scope)?)
    }

    /// Makes sure that the commits ≤ `at` are all visible and that no other will ever join them, also when
    /// the process is killed and the machine's clock goes back. Answers about a moment later than the newest
    /// commit need it.
    ///
    /// A store that only reads cannot promise the last part: it writes nothing.
    ///
    /// # Errors
    /// [`Error::Future`] when `at` has not happened yet; the engine's when the log cannot be written.
    ///
    /// # Cost
    /// One sync of the log when `at` is later than the newest commit, nothing otherwise.
    pub async fn wait_visible_durably(&self, at: Timestamp) -> Result<()> {
        self.wait_visible(at).await?;
        if at <= self.core.engine.last_timestamp() || self.core.options.read_only {
            return Ok(());
        }
        self.core.engine.wait_for_room().await?;
        let watermark = Box::new(Request {
            is_watermark: true,
            ..Request::of_batch(WriteBatch::new(), Durability::Sync)
        });
        // Boxed: it is rare, and every read at a moment would grow by it.
        match Box::pin(self.core.pipeline.commit(&self.core, watermark)).await {
            Ok(_) => Ok(()),
            Err(Rejected::Failed(error) | Rejected::Locked(_, error)) => Err(error),
        }
    }

    /// Makes sure that the commits ≤ `at` are all visible and that no other will join them while the store is
    /// open. Enough for whoever then commits something durable, such as a snapshot of the moment.
    ///
    /// # Errors
    /// [`Error::Future`] when `at` has not happened yet.
    pub async fn wait_visible(&self, at: Timestamp) -> Result<()> {
        if at > self.core.engine.last_timestamp() {
            self.core.clock.lift_to(at)?;
            self.core.clock.wait_visible(at).await;
        }
        Ok(())
    }

    /// Commits `batch` without looking at what is there: the last writer wins. An empty batch is no commit.
    ///
    /// # Errors
    /// [`Error::Locked`] when a restore or bulk load does not finish in time; [`Error::Invalid`] for a key or
    /// value that is too long; the engine's.
    ///
    /// # Cancel safety
    /// When the future is dropped the commit happens as a whole or not at all.
    pub async fn write(&self, batch: WriteBatch, durability: Durability) -> Result<CommitInfo> {
        for write in batch.writes() {
            check_lengths(&write.key, write.value.as_deref())?;
        }
        if batch.is_empty() {
            return Ok(CommitInfo { timestamp: self.core.engine.last_timestamp() });
        }
        self.submit(Request::of_batch(batch, durability)).await
    }

    /// As [`Self::write`], but only if none of `guards` changed after `since`.
    ///
    /// # Errors
    /// [`Error::Conflict`] when one did; as [`Self::write`].
    ///
    /// # Cancel safety
    /// As [`Self::write`].
    pub async fn write_guarded(
        &self,
        batch: WriteBatch,
        guards: Vec<(KeyspaceId, bytes::Bytes)>,
        since: Timestamp,
        durability: Durability,
    ) -> Result<CommitInfo> {
        for write in batch.writes() {
            check_lengths(&write.key, write.value.as_deref())?;
        }
        let request = Request {
            guards,
            since: Some(since),
            check_writes: false,
            ..Request::of_batch(batch, durability)
        };
        self.submit(request).await
    }

    /// Waits until every commit that was under way at the call has happened or failed, also those whose
    /// callers have gone.
    ///
    /// # Cancel safety
    /// Dropping the future leaves nothing.
    pub async fn drain(&self) {
        let nothing = Box::new(Request::of_batch(WriteBatch::new(), Durability::Buffered));
        // Requests are carried out in their order; an empty one is answered after those before it and cannot
        // fail.
        drop(self.core.pipeline.commit(&self.core, nothing).await);
        // Commits before it may still wait for the log.
        self.core.clock.wait_visible(self.core.clock.now()).await;
    }

    /// A view of the present as a moment of its own: no commit will get its timestamp or one before.
    ///
    /// # Errors
    /// The engine's.
    pub async fn view_present(&self) -> Result<ReadView> {
        loop {
            let now = self.core.clock.now();
            self.wait_visible_durably(now).await?;
            // A pin, unlike a view, is refused as soon as any keyspace cannot be read.
            match self.core.engine.pin(now, Scope::Database) {
                Ok(_held) => return Ok(self.core.engine.view(now, Scope::Database)?),
                // Commits and a short retention overtook the moment before it was pinned: there is a newer
                // present.
                Err(bygone_engine::Error::TooOld { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Tells the engine that these keyspaces were dropped at `at`, after the commit that dropped them. A
    /// failure is left to [`KeyspaceNames::reconcile`]: the commit has happened, and the files only stay
    /// longer.
    pub async fn mark_dropped(&self, keyspaces: impl IntoIterator<Item = KeyspaceId>, at: Timestamp) {
        for keyspace in keyspaces {
            if let Err(error) = self.core.engine.drop_keyspace(keyspace, at).await {
                tracing::warn!(%keyspace, %error, "could not mark a dropped keyspace; the next open does it");
            }
        }
    }

    /// Takes the exclusive right to commit into `keyspaces`. Returns when no other commit into them is under
    /// way. `what` says who holds it, for those who wait.
    ///
    /// # Errors
    /// [`Error::Locked`] when another exclusive holder does not finish within `wait_us` microseconds.
    ///
    /// # Cancel safety
    /// Dropping the future leaves nothing locked.
    pub async fn lock_exclusive(
        &self,
        keyspaces: &[KeyspaceId],
        what: &str,
        wait_us: u64,
    ) -> Result<ExclusiveLock> {
        self.check_writable()?;
        let what = Arc::from(what);
        let mut wait = Wait::new(self, wait_us);
        let lock = loop {
            let released = self.core.locks.released();
            tokio::pin!(released);
            released.as_mut().enable();
            match self.core.locks.try_lock(keyspaces, &what) {
                Ok(lock) => break lock,
                Err(error) => wait.until(released, error).await?,
            }
        };
        self.core.clock.wait_visible(self.core.clock.now()).await;
        Ok(lock)
    }

    /// Commits files and writes together, alone in the keyspaces of `lock`. Transactions that began before
    /// and wrote in those keyspaces conflict afterwards.
    ///
    /// # Errors
    /// [`Error::Conflict`] when a guarded key changed; [`Error::Locked`] when the batch writes
    /// into a keyspace that somebody else holds; the engine's. Nothing is visible then.
    ///
    /// # Cancel safety
    /// When the future is dropped the commit happens as a whole or not at all.
    pub async fn commit_exclusive(
        &self,
        lock: &ExclusiveLock,
        commit: ExclusiveCommit,
    ) -> Result<CommitInfo> {
        for write in commit.batch.writes() {
            check_lengths(&write.key, write.value.as_deref())?;
        }
        let keyspaces: BTreeSet<_> = commit
            .batch
            .writes()
            .iter()
            .map(|write| write.keyspace)
            .chain(lock.keyspaces().iter().copied())
            .collect();
        self.submit(Request {
            batch: commit.batch,
            since: (!commit.guards.is_empty()).then_some(commit.guarded_since),
            guards: commit.guards,
            check_writes: false,
            runs: commit.runs,
            keyspaces,
            meta: commit.meta,
            is_watermark: false,
            durability: commit.durability,
            lock: Some(HeldLock { id: lock.id(), keyspaces: lock.keyspaces().into(), bars_earlier: true }),
        })
        .await
    }

    /// The commit of a transaction.
    pub(crate) async fn commit_transaction(
        &self,
        batch: WriteBatch,
        guards: Vec<(KeyspaceId, bytes::Bytes)>,
        since: Timestamp,
        meta: CommitMeta,
        durability: Durability,
    ) -> Result<CommitInfo> {
        self.submit(Request { guards, since: Some(since), meta, ..Request::of_batch(batch, durability) })
            .await
    }

    /// The commit of a transaction that has files. Other writers of their keyspaces wait from the check on;
    /// what they commit afterwards is checked against its keys, as after any commit.
    pub(crate) async fn commit_files(&self, commit: FilesCommit) -> Result<CommitInfo> {
        let FilesCommit { runs, batch, guards, since, meta, durability } = commit;
        let loaded: Vec<KeyspaceId> = runs.iter().map(IngestedRun::keyspace).collect();
        let what = "the commit of a large transaction";
        let lock = self.lock_exclusive(&loaded, what, self.core.options.lock_wait_us).await?;
        for run in &runs {
            if let Some(key) = self.core.engine.changed_key(run, since).await? {
                return Err(Error::Conflict { keyspace: run.keyspace(), key: Some(key) });
            }
        }
        let written = batch.writes().iter().map(|write| write.keyspace);
        self.submit(Request {
            keyspaces: written.chain(loaded.iter().copied()).collect(),
            lock: Some(HeldLock { id: lock.id(), keyspaces: loaded.into(), bars_earlier: false }),
            guards,
            runs,
            since: Some(since),
            meta,
            ..Request::of_batch(batch, durability)
        })
        .await
    }

    /// Turns the batch of a large request into files; keys that are checked stay as guards.
    async fn write_files(&self, request: &mut Request) -> Result<()> {
        let batch = std::mem::take(&mut request.batch);
        let mut writes: Vec<&Write> = batch.writes().iter().collect();
        writes.sort_by(|a, b| (a.keyspace, &a.key).cmp(&(b.keyspace, &b.key)));
        for of_keyspace in writes.chunk_by(|a, b| a.keyspace == b.keyspace) {
            let mut ingest = self.core.engine.ingest(of_keyspace[0].keyspace, IngestOptions::default());
            // The sort is stable: of several writes of one key the last one counts.
            for of_key in of_keyspace.chunk_by(|a, b| a.key == b.key) {
                let write = of_key[of_key.len() - 1];
                ingest.push(&write.key, write.value.as_deref()).await?;
            }
            request.runs.push(ingest.finish().await?);
        }
        if request.since.is_some() && request.check_writes {
            request.guards.extend(batch.writes().iter().map(|write| (write.keyspace, write.key.clone())));
        }
        Ok(())
    }

    /// Brings a request through the pipeline, waiting for locks as long as the options allow.
    async fn submit(&self, mut request: Request) -> Result<CommitInfo> {
        self.check_writable()?;
        check_meta(&request.meta)?;
        // With files, the batch becomes files in the pipeline.
        if request.runs.is_empty() && request.batch.bytes() > self.core.log_bytes_max() {
            self.write_files(&mut request).await?;
        }
        let own = request.lock.as_ref().map(|lock| lock.id);
        let mut wait = Wait::new(self, self.core.options.lock_wait_us);
        self.core.engine.wait_for_room().await?;
        let mut request = Box::new(request);
        loop {
            let released = self.core.locks.released();
            tokio::pin!(released);
            released.as_mut().enable();
            if let Err(error) = self.core.locks.check(request.keyspaces.iter().copied(), own) {
                wait.until(released, error).await?;
                continue;
            }
            match self.core.pipeline.commit(&self.core, request).await {
                Ok(info) => return Ok(info),
                Err(Rejected::Failed(error)) => return Err(error),
                Err(Rejected::Locked(back, error)) => {
                    request = back;
                    wait.until(released, error).await?;
                }
            }
        }
    }

    pub(crate) fn check_writable(&self) -> Result<()> {
        if self.core.options.read_only { Err(Error::ReadOnly("the database")) } else { Ok(()) }
    }
}

/// Waiting for locks with one time limit over all attempts.
struct Wait<'a> {
    store: &'a Store,
    limit_us: u64,
    timer: Option<Task>,
}

impl<'a> Wait<'a> {
    fn new(store: &'a Store, limit_us: u64) -> Self {
        Self { store, limit_us, timer: None }
    }

    /// Waits for `released`, or fails with `error` when the time is up.
    async fn until(&mut self, released: impl Future<Output = ()>, error: Error) -> Result<()> {
        if self.limit_us == 0 {
            return Err(error);
        }
        let timer = self.timer.get_or_insert_with(|| self.store.core.engine.env().tasks.sleep(self.limit_us));
        tokio::pin!(released);
        match select(released, timer).await {
            Either::Left(_) => Ok(()),
            Either::Right(_) => Err(error),
        }
    }
}
