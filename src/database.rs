//! An open database.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bygone_engine::{
    Engine, EngineOptions, EngineStats, Env, ReadView, Root, Scope,
    types::{KeyspaceId, Timestamp},
};
use bygone_mvcc::{CommitRecord, KeyspaceInfo, Store, StoreOptions};
use bygone_query::{Session, Sql, SqlOptions, copy::NoFiles};
use bygone_snapshots::Snapshots;
use object_store::{ObjectStore, path::Path};

use crate::{
    Error, Keyspace, Moment, PendingRestore, Result, Transaction, files::LocalFiles, location, maintenance,
};

/// An open database. Clones share it; it stays open until [`Database::close`] or until the last clone is
/// dropped.
#[derive(Clone)]
pub struct Database {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) snapshots: Snapshots,
    sql: Sql,
    location: String,
    pub(crate) closed: AtomicBool,
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database").field("location", &self.inner.location).finish_non_exhaustive()
    }
}

/// Options for opening a database. The defaults suit a program with about 1 GiB to spare.
#[derive(Debug)]
pub struct DatabaseBuilder {
    root: Result<Root>,
    read_only: bool,
    env: Option<Env>,
    maintenance: bool,
    engine: EngineOptions,
    store: StoreOptions,
    sql: SqlOptions,
}

impl Database {
    /// Opens the database at `location` for reading and writing: a directory (created when there is none), a
    /// `file://` URL, or `:memory:`. Needs a running tokio runtime.
    ///
    /// # Errors
    /// `NotFound` when the directory holds other files and no database; `Locked` when another process has it
    /// open; `Corrupt` when a file is damaged; `Unavailable` when storage fails.
    pub async fn open(location: impl AsRef<str>) -> Result<Self> {
        Self::builder(location).open().await
    }

    /// Opens a new database in memory, gone when it is closed.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub async fn memory() -> Result<Self> {
        Self::open(":memory:").await
    }

    /// A builder for the database at `location`, see [`Self::open`].
    pub fn builder(location: impl AsRef<str>) -> DatabaseBuilder {
        DatabaseBuilder::new(location::root_of(location.as_ref()))
    }

    /// A builder for the database whose objects in `store` have names that begin with `prefix`. Read-only for
    /// now ([`DatabaseBuilder::read_only`]): there is no log on an object store yet, so nothing can be
    /// committed there, and a database comes there as the copy of a directory that was closed, without its
    /// `wal`. Opening it for writing is `Invalid` and changes nothing.
    pub fn on_object_store(store: Arc<dyn ObjectStore>, prefix: impl Into<Path>) -> DatabaseBuilder {
        DatabaseBuilder::new(Ok(Root::object_store(store, prefix.into())))
    }

    /// The keyspace of that name, created when there is none.
    ///
    /// # Errors
    /// `Invalid` for a name that cannot be used; `ReadOnly` when it would have to be created in a read-only
    /// database; those of a commit.
    pub async fn keyspace(&self, name: &str) -> Result<Keyspace> {
        let info = self.store().names().open(name).await?;
        Ok(Keyspace::new(self.clone(), info))
    }

    /// The keyspace of that name.
    ///
    /// # Errors
    /// `NotFound`; those of reading.
    pub async fn existing_keyspace(&self, name: &str) -> Result<Keyspace> {
        let info = self.store().names().get(name).await?;
        Ok(Keyspace::new(self.clone(), info))
    }

    /// The names of all keyspaces at a moment.
    ///
    /// # Errors
    /// As [`Self::view`].
    pub async fn keyspaces(&self, moment: impl Into<Moment>) -> Result<Vec<String>> {
        let view = self.view(moment).await?;
        let all = self.store().names().list(&view).await?;
        Ok(all.into_iter().map(|keyspace| keyspace.name).collect())
    }

    /// Drops the keyspace of that name. It stays readable in the past, and a restore brings it back, until
    /// the retention and the snapshots that cover it have passed.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` when somebody else drops it now; those of a commit.
    pub async fn drop_keyspace(&self, name: &str) -> Result<()> {
        Ok(self.store().names().drop_keyspace(name).await?)
    }

    /// Begins a session of SQL: one statement at a time, with settings and a transaction of its own.
    pub fn session(&self) -> Session {
        self.inner.sql.session()
    }

    /// Begins a transaction over any keyspaces.
    pub fn begin(&self) -> Transaction {
        Transaction::new(self.store().begin())
    }

    /// Begins a transaction that reads a moment and cannot write.
    ///
    /// # Errors
    /// As [`Self::view`].
    pub async fn begin_at(&self, moment: impl Into<Moment>) -> Result<Transaction> {
        let view = self.view(moment).await?;
        Ok(Transaction::new(self.store().begin_at(view)))
    }

    /// A consistent view of all keyspaces at a moment. It takes no lock, and its answers never change.
    ///
    /// # Errors
    /// `NotFound` for the name of a snapshot; `TooOld`; `Invalid` for a moment in the future.
    pub async fn view(&self, moment: impl Into<Moment>) -> Result<ReadView> {
        match moment.into() {
            Moment::Now => Ok(self.store().view_now()),
            Moment::At(at) => Ok(self.store().view_at(at).await?),
            Moment::Snapshot(name) => Ok(self.snapshots().view(&name).await?),
        }
    }

    /// A view of one keyspace at a moment: readable too where only this keyspace is pinned.
    pub(crate) async fn view_of(&self, keyspace: KeyspaceId, moment: Moment) -> Result<ReadView> {
        match moment {
            Moment::At(at) => Ok(self.store().view_at_in(at, Scope::keyspaces([keyspace])).await?),
            other => self.view(other).await,
        }
    }

    /// The timestamp that a moment stands for.
    pub(crate) async fn timestamp_of(&self, moment: Moment) -> Result<Timestamp> {
        match moment {
            Moment::Now => Ok(self.now()),
            Moment::At(at) => Ok(at),
            Moment::Snapshot(name) => Ok(self.snapshots().get(&name).await?.at),
        }
    }

    /// The present, as a moment to come back to.
    pub fn now(&self) -> Timestamp {
        self.store().clock().now()
    }

    /// The commits in `(after, through]` that left a record, oldest first, at most `limit`.
    ///
    /// # Errors
    /// Errors of reading.
    pub async fn commits(
        &self,
        after: Timestamp,
        through: Timestamp,
        limit: usize,
    ) -> Result<Vec<CommitRecord>> {
        Ok(bygone_mvcc::commits(&self.store().view_now(), after, through, limit).await?)
    }

    /// The value that the commit annotation `name` had at a moment: for instance how far a feed had been
    /// taken in.
    ///
    /// # Errors
    /// As [`Self::view`].
    pub async fn annotation(&self, name: &str, moment: impl Into<Moment>) -> Result<Option<String>> {
        Ok(bygone_mvcc::annotation(&self.view(moment).await?, name).await?)
    }

    /// The named snapshots.
    pub fn snapshots(&self) -> &Snapshots {
        &self.inner.snapshots
    }

    /// Prepares a restore of these keyspaces. Tables of SQL are restored with the statement `RESTORE TABLE`.
    pub fn restore<N: Into<String>>(&self, keyspaces: impl IntoIterator<Item = N>) -> PendingRestore {
        PendingRestore::new(self.clone(), Some(keyspaces.into_iter().map(Into::into).collect()))
    }

    /// Prepares a restore of all keyspaces: those dropped since come back, those created since go.
    pub fn restore_all_keyspaces(&self) -> PendingRestore {
        PendingRestore::new(self.clone(), None)
    }

    /// Sets how far back every moment is readable without a snapshot.
    ///
    /// # Errors
    /// Errors of a commit.
    pub async fn set_retention(&self, retention: Duration) -> Result<()> {
        let micros = u64::try_from(retention.as_micros()).unwrap_or(u64::MAX);
        Ok(self.store().engine().set_retention(None, Some(micros)).await?)
    }

    /// Does now what maintenance does from time to time: drops expired snapshots, rewrites what holds
    /// garbage, deletes files that nothing needs.
    ///
    /// # Errors
    /// Errors of storage.
    pub async fn maintain(&self) -> Result<()> {
        maintenance::run_once(&self.inner.snapshots).await
    }

    /// Writes what is in memory to files.
    ///
    /// # Errors
    /// Errors of storage.
    pub async fn flush(&self) -> Result<()> {
        Ok(self.store().engine().flush().await?)
    }

    /// Compacts until every keyspace is in shape; in SQL `CALL compact()`. Maintenance does so by itself as
    /// files gather.
    ///
    /// # Cost
    /// Reads and writes at most everything once.
    ///
    /// # Errors
    /// Errors of storage.
    pub async fn compact(&self) -> Result<()> {
        Ok(self.store().engine().compact().await?)
    }

    /// Makes everything durable and releases the database. Later calls on any clone fail with `Unavailable`.
    ///
    /// # Errors
    /// Errors of storage; what was acknowledged as durable is safe all the same.
    pub async fn close(&self) -> Result<()> {
        self.inner.closed.store(true, Ordering::Release);
        Ok(self.store().engine().close().await?)
    }

    /// Sizes of the engine now, and its counters since the database was opened; in SQL `SHOW STATS`.
    pub fn stats(&self) -> EngineStats {
        self.store().engine().stats()
    }

    /// Location of the database, as it was opened.
    pub fn location(&self) -> &str {
        &self.inner.location
    }

    /// The layer below, for benchmarks of this project; no part of the API.
    #[doc(hidden)]
    pub fn store(&self) -> &Store {
        self.inner.snapshots.store()
    }

    pub(crate) async fn keyspace_at(&self, name: &str, view: &ReadView) -> Result<Option<KeyspaceInfo>> {
        Ok(self.store().names().find(view, name).await?)
    }
}

impl DatabaseBuilder {
    fn new(root: Result<Root>) -> Self {
        Self {
            root,
            read_only: false,
            env: None,
            maintenance: true,
            engine: EngineOptions::default(),
            store: StoreOptions::default(),
            sql: SqlOptions { files: Arc::new(LocalFiles), ..SqlOptions::default() },
        }
    }

    /// Opens for reading only: nothing is created and all writes are refused. The lock of the directory is
    /// taken all the same, so that no writer deletes what is read, but shared: any number of readers have a
    /// database open together.
    pub fn read_only(mut self, read_only: bool) -> Self {
        self.read_only = read_only;
        self
    }

    /// Memory for pages that were read, in bytes. Default 256 MiB.
    pub fn cache_bytes(mut self, bytes: usize) -> Self {
        self.engine.cache_bytes = bytes;
        self
    }

    /// Memory for writes before they become files, in bytes; up to four times as much may be in use. Default
    /// 64 MiB.
    pub fn memtable_bytes(mut self, bytes: usize) -> Self {
        self.engine.memtable_bytes = bytes;
        self
    }

    /// Memory that sorts, joins, aggregations and windows of all queries may hold together, in bytes; beyond,
    /// they write temporary files or fail with 53200. `SET query_memory` lowers it for the statements of a
    /// session. 1 MiB and more; default 1 GiB.
    pub fn query_memory(mut self, bytes: usize) -> Self {
        self.sql.memory.query_memory = bytes;
        self
    }

    /// Whether `COPY` may read and write the files of this machine. Default true; say no where the SQL comes
    /// from strangers.
    pub fn local_files(mut self, allowed: bool) -> Self {
        self.sql.files = if allowed { Arc::new(LocalFiles) } else { Arc::new(NoFiles) };
        self
    }

    /// Uncommitted bytes of one transaction in memory at most; what SQL writes goes to files long before.
    /// Default 1 GiB.
    pub fn transaction_bytes_max(mut self, bytes: usize) -> Self {
        self.store.transaction_bytes_max = bytes;
        self
    }

    /// Longest wait of a writer while a restore or bulk load has its table. Default 10 s.
    pub fn lock_wait(mut self, wait: Duration) -> Self {
        self.store.lock_wait_us = u64::try_from(wait.as_micros()).unwrap_or(u64::MAX);
        self
    }

    /// Retention of a database that is created now; see [`Database::set_retention`]. Default 7 days.
    pub fn retention(mut self, retention: Duration) -> Self {
        self.engine.retention_us = u64::try_from(retention.as_micros()).unwrap_or(u64::MAX);
        self
    }

    /// Whether expired snapshots and garbage are cleared away in the background. Default true.
    pub fn maintenance(mut self, maintenance: bool) -> Self {
        self.maintenance = maintenance;
        self
    }

    /// Another clock, other tasks, another seed than the system's: for tests.
    pub fn env(mut self, env: Env) -> Self {
        self.env = Some(env);
        self
    }

    /// All options of the engine below, in place of those set so far.
    pub fn engine_options(mut self, options: EngineOptions) -> Self {
        self.engine = options;
        self
    }

    /// Opens the database.
    ///
    /// # Errors
    /// As [`Database::open`]; `NotFound` when it is opened for reading only and does not exist.
    pub async fn open(self) -> Result<Database> {
        let root = self.root?;
        let location = root.display();
        let env = self.env.map_or_else(Env::system, Ok)?;
        let engine = if self.read_only {
            Engine::open_read_only(root, env, self.engine).await?
        } else {
            Engine::open(root, env, self.engine).await?
        };
        let opened = Self::finish(engine.clone(), self.store, self.read_only).await;
        let snapshots = match opened {
            Ok(snapshots) => snapshots,
            Err(error) => {
                // The lock must not outlive a failed open; the first error is the one to report.
                drop(engine.close().await);
                return Err(error);
            }
        };
        let sql = Sql::new(snapshots.clone(), self.sql)?;
        let inner = Arc::new(Inner { snapshots, sql, location, closed: AtomicBool::new(false) });
        if self.maintenance && !self.read_only {
            maintenance::start(&inner);
        }
        Ok(Database { inner })
    }

    async fn finish(engine: Engine, options: StoreOptions, read_only: bool) -> Result<Snapshots, Error> {
        let store = Store::open(engine, StoreOptions { read_only, ..options });
        if !read_only {
            let tables = bygone_query::table_keyspaces(&store).await?;
            store.names().reconcile(&tables).await?;
        }
        Ok(Snapshots::open(store).await?)
    }
}
