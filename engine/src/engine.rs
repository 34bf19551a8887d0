//! The engine: the handle that the layers above hold.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use parking_lot::{Mutex, RwLock};

use crate::{
    EngineOptions, Env, Error, Result, Root, Scope, StampedBatch,
    ingest::{Ingest, IngestOptions, IngestedRun},
    memtable::Memtable,
    pins::{Pin, Pins, Retained, Unreadable},
    read::{DiffScan, KeyRange, ReadView, VersionScan, source::PageFilter},
    state::State,
    types::{Durability, KeyspaceId, Timestamp},
};

/// What [`Engine::collect`] removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CollectReport {
    /// Objects deleted.
    pub objects: u64,
    /// Their size together, in bytes.
    pub bytes: u64,
}

/// A log-structured store of versions. Cheap to clone; all clones are one engine.
#[derive(Clone, Debug)]
pub struct Engine {
    shared: Arc<Shared>,
}

#[derive(Debug)]
pub(crate) struct Shared {
    env: Env,
    options: EngineOptions,
    state: RwLock<Arc<State>>,
    pins: Arc<Pins>,
    published: AtomicU64,
    closed: AtomicBool,
    retention: Mutex<(u64, BTreeMap<KeyspaceId, u64>)>,
}

impl Engine {
    /// Opens the database at `root` for writing, creating it when there is none.
    ///
    /// Durable pins must be registered with [`Self::readmit_pin`] and maintenance started with
    /// [`Self::start_maintenance`] afterwards: until then nothing is collected.
    pub async fn open(_root: Root, env: Env, options: EngineOptions) -> Result<Self> {
        let retention = Mutex::new((options.retention_us, BTreeMap::new()));
        let state = State {
            active: Arc::new(Memtable::default()),
            frozen: Vec::new(),
            trees: BTreeMap::new(),
            manifest: Arc::default(),
        };
        Ok(Self {
            shared: Arc::new(Shared {
                env,
                options,
                state: RwLock::new(Arc::new(state)),
                pins: Arc::default(),
                published: AtomicU64::new(0),
                closed: AtomicBool::new(false),
                retention,
            }),
        })
    }

    /// Opens the database at `root` for reading only.
    pub async fn open_read_only(root: Root, env: Env, options: EngineOptions) -> Result<Self> {
        Self::open(root, env, options).await
    }

    /// Whether the engine was opened for reading only.
    pub fn is_read_only(&self) -> bool {
        false
    }

    /// Writes what is in memory to storage and releases the root. Later calls fail with `Closed`.
    pub async fn close(&self) -> Result<()> {
        self.shared.closed.store(true, Ordering::Release);
        Ok(())
    }

    /// What the engine was given from outside.
    pub fn env(&self) -> &Env {
        &self.shared.env
    }

    /// The options the engine was opened with.
    pub fn options(&self) -> &EngineOptions {
        &self.shared.options
    }

    /// The newest published commit; zero in a new database.
    pub fn last_timestamp(&self) -> Timestamp {
        Timestamp::from_micros(self.shared.published.load(Ordering::Acquire))
    }

    /// Waits until there is room for `bytes` more of writes. Call before a commit, outside of its critical section.
    pub async fn admit(&self, _bytes: usize) -> Result<()> {
        if self.shared.closed.load(Ordering::Acquire) {
            return Err(Error::Closed);
        }
        Ok(())
    }

    /// Makes a group of commits durable and visible. Called by one committing leader at a time; timestamps rise within
    /// the group and from call to call.
    pub fn append(&self, group: &[StampedBatch<'_>], _durability: Durability) -> Result<()> {
        if self.shared.closed.load(Ordering::Acquire) {
            return Err(Error::Closed);
        }
        let state = Arc::clone(&self.shared.state.read());
        for StampedBatch { at, batch } in group {
            for write in batch.writes() {
                state.active.insert(*at, write);
            }
        }
        if let Some(last) = group.last() {
            assert!(last.at > self.last_timestamp(), "commit timestamps rise");
            self.shared.published.store(last.at.as_micros(), Ordering::Release);
        }
        Ok(())
    }

    /// The begin of the newest version of `key`, if it is greater than `after`: the conflict check of a commit.
    pub async fn newest_begin(
        &self,
        keyspace: KeyspaceId,
        key: &[u8],
        after: Timestamp,
    ) -> Result<Option<Timestamp>> {
        let state = Arc::clone(&self.shared.state.read());
        state.newest_begin(keyspace, key, after).await
    }

    /// A view of the newest published commit. Never fails for want of a pin.
    pub fn view_newest(&self, scope: Scope) -> ReadView {
        let pin = self.shared.pins.pin_newest(|| self.last_timestamp(), scope);
        ReadView::new(Arc::clone(&self.shared.state.read()), pin, Unreadable::default())
    }

    /// A view of the moment `at`, which must not be newer than the newest published commit or a later commit could
    /// change the answer.
    ///
    /// A view of [`Scope::Database`] at an old moment can be made when the moment is readable in any keyspace; the
    /// view then refuses the keyspaces in which it is not.
    ///
    /// # Errors
    /// `TooOld` below the horizon unless pinned.
    pub fn view(&self, at: Timestamp, scope: Scope) -> Result<ReadView> {
        let known: Vec<KeyspaceId> = self.shared.state.read().trees.keys().copied().collect();
        let (pin, unreadable) = self.shared.pins.pin_view(at, scope, known)?;
        Ok(ReadView::new(Arc::clone(&self.shared.state.read()), pin, unreadable))
    }

    /// Pins `at` in `scope` until the pin is dropped.
    ///
    /// # Errors
    /// `TooOld` when the moment is not readable in all of the scope.
    pub fn pin(&self, at: Timestamp, scope: Scope) -> Result<Pin> {
        self.shared.pins.pin(at, scope)
    }

    /// Registers a pin that was durable before the engine was opened, without a check. Only before
    /// [`Self::start_maintenance`].
    pub fn readmit_pin(&self, at: Timestamp, scope: Scope) -> Pin {
        self.shared.pins.readmit(at, scope)
    }

    /// Allows garbage to be collected and starts background work. Call once, after all durable pins were readmitted.
    pub fn start_maintenance(&self) {}

    /// Every moment at or after this is readable in `keyspace`.
    pub fn horizon(&self, keyspace: KeyspaceId) -> Timestamp {
        self.shared.pins.horizon(keyspace)
    }

    /// Every moment at or after this is readable in keyspaces without a retention of their own.
    pub fn database_horizon(&self) -> Timestamp {
        self.shared.pins.database_horizon()
    }

    /// How far back every moment is readable without a pin, in microseconds: of one keyspace, or the database's.
    pub fn retention_us(&self, keyspace: Option<KeyspaceId>) -> u64 {
        let retention = self.shared.retention.lock();
        keyspace.and_then(|id| retention.1.get(&id).copied()).unwrap_or(retention.0)
    }

    /// Sets the retention of one keyspace (`None`: follow the database) or of the database. Durable on return. Horizons
    /// rise with the next maintenance; they never move back.
    pub async fn set_retention(&self, keyspace: Option<KeyspaceId>, retention_us: Option<u64>) -> Result<()> {
        let mut retention = self.shared.retention.lock();
        match (keyspace, retention_us) {
            (None, Some(us)) => retention.0 = us,
            (None, None) => retention.0 = self.shared.options.retention_us,
            (Some(id), Some(us)) => _ = retention.1.insert(id, us),
            (Some(id), None) => _ = retention.1.remove(&id),
        }
        Ok(())
    }

    /// Marks `keyspace` as dropped at `at`: its files go when no pin and no retention reaches them any more.
    pub async fn drop_keyspace(&self, _keyspace: KeyspaceId, _at: Timestamp) -> Result<()> {
        Ok(())
    }

    /// Takes back [`Self::drop_keyspace`].
    pub async fn revive_keyspace(&self, _keyspace: KeyspaceId) -> Result<()> {
        Ok(())
    }

    /// Starts a bulk ingest into `keyspace`.
    pub fn ingest(&self, keyspace: KeyspaceId, options: IngestOptions) -> Ingest {
        Ingest::new(keyspace, options)
    }

    /// Makes ingested runs visible at `at`, all or none. Called by the committing leader.
    pub async fn publish_ingest(&self, at: Timestamp, runs: Vec<IngestedRun>) -> Result<()> {
        let mut batch = crate::WriteBatch::new();
        for run in runs {
            run.into_batch(&mut batch);
        }
        self.append(&[StampedBatch { at, batch: &batch }], Durability::Sync)
    }

    /// All versions of `range` with `after < begin <= through` that some allowed read can see.
    pub fn versions(
        &self,
        keyspace: KeyspaceId,
        range: KeyRange,
        after: Timestamp,
        through: Timestamp,
    ) -> Result<VersionScan> {
        let view = self.view_newest(Scope::keyspaces([keyspace]));
        let sources = view.sources(keyspace, &range, PageFilter::Begins { after, through: Timestamp::LAST });
        let retained: Retained = self.shared.pins.retained(keyspace);
        Ok(VersionScan::new(view, sources, after, through, retained))
    }

    /// The net difference of `range` between two views: `from` is the earlier one.
    ///
    /// # Errors
    /// `Invalid` when `from` is later than `to`; those of [`ReadView::check`].
    pub fn diff(
        &self,
        keyspace: KeyspaceId,
        range: &KeyRange,
        from: &ReadView,
        to: &ReadView,
    ) -> Result<DiffScan> {
        if from.timestamp() > to.timestamp() {
            return Err(Error::Invalid("a diff goes from an earlier to a later moment".into()));
        }
        from.check(keyspace)?;
        to.check(keyspace)?;
        let filter = PageFilter::Begins { after: from.timestamp(), through: to.timestamp() };
        let sources = to.sources(keyspace, range, filter);
        Ok(DiffScan::new(from.clone(), to.clone(), keyspace, sources))
    }

    /// Writes all memtables to tables. Durable and published on return.
    pub async fn flush(&self) -> Result<()> {
        Ok(())
    }

    /// Raises horizons and rewrites what holds garbage.
    pub async fn compact(&self) -> Result<()> {
        Ok(())
    }

    /// Deletes objects that nothing references.
    pub async fn collect(&self) -> Result<CollectReport> {
        Ok(CollectReport::default())
    }

    /// Where the key-value pairs of an unpublished ingest would conflict; used by [`Ingest`].
    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }
}

impl Shared {
    pub(crate) fn unused(&self) -> Bytes {
        Bytes::new()
    }
}
