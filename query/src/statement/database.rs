//! A database: what its sessions share.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, LazyLock},
};

use arrow::datatypes::FieldRef;
use bygone_engine::types::Timestamp;
use bygone_mvcc::Store;
use bygone_snapshots::Snapshots;
use datafusion::execution::{SessionStateBuilder, runtime_env::RuntimeEnv, session_state::SessionState};
use futures::future::BoxFuture;
use parking_lot::Mutex;

use crate::{
    copy::{Files, NoFiles},
    error::Result,
    execution::{base_state, limited_runtime, runtime},
    lookup::Lookups,
    memory::{MemoryOptions, fit_sorts},
    moment::{CatalogCache, NearSnapshots, OpenMoment},
    names::ObjectPath,
    time::{TimeZone, display_timestamp},
};

/// Time zones whose states are kept at one time.
const ZONES_MAX: usize = 64;

/// Options of the SQL layer.
#[derive(Clone, Debug)]
pub struct SqlOptions {
    /// Memory of queries.
    pub memory: MemoryOptions,
    /// Rows that a statement or a transaction writes are held in memory up to this many bytes, 160 counted
    /// for each row beside its own; more go to files that become visible with the commit. Default 32 MiB.
    pub bulk_bytes_min: usize,
    /// The files that `COPY` may read and write; none by default.
    pub files: Arc<dyn Files>,
}

impl Default for SqlOptions {
    fn default() -> Self {
        Self { memory: MemoryOptions::default(), bulk_bytes_min: 32 << 20, files: Arc::new(NoFiles) }
    }
}

/// A state of DataFusion's that is made when it is first asked for.
pub(crate) type LazyState = LazyLock<Arc<SessionState>, Box<dyn FnOnce() -> Arc<SessionState> + Send>>;

/// Plans a view at a moment for its columns.
pub(crate) type ViewColumns =
    for<'a> fn(&'a Arc<Database>, &'a OpenMoment, &'a ObjectPath) -> BoxFuture<'a, Result<Vec<FieldRef>>>;

/// A database, as its sessions share it.
pub(crate) struct Database {
    pub store: Store,
    pub snapshots: Snapshots,
    pub catalog: CatalogCache,
    pub lookups: Lookups,
    pub runtime: Arc<RuntimeEnv>,
    /// The most that a session can have.
    pub query_memory: usize,
    pub files: Arc<dyn Files>,
    pub bulk_bytes_min: usize,
    /// For the tables that list columns: planning is above them, and given from there.
    pub view_columns: ViewColumns,
    /// The state that statements start from, by time zone.
    base: Mutex<BTreeMap<String, Arc<SessionState>>>,
    #[cfg(feature = "testing")]
    adapter: Option<StateAdapter>,
}

/// A change to how statements are planned and run, with the names of `DataFusion`'s own builder.
#[cfg(feature = "testing")]
pub type StateAdapter = fn(SessionStateBuilder) -> SessionStateBuilder;

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database").field("store", &self.store).finish_non_exhaustive()
    }
}

impl Database {
    pub(crate) fn new(snapshots: Snapshots, options: SqlOptions, view_columns: ViewColumns) -> Result<Self> {
        Ok(Self {
            store: snapshots.store().clone(),
            snapshots,
            catalog: CatalogCache::default(),
            lookups: Lookups::default(),
            runtime: runtime(options.memory.check()?)?,
            query_memory: options.memory.query_memory,
            files: options.files,
            bulk_bytes_min: options.bulk_bytes_min,
            view_columns,
            base: Mutex::default(),
            #[cfg(feature = "testing")]
            adapter: None,
        })
    }

    /// With plans that `adapter` has changed.
    #[cfg(feature = "testing")]
    pub(crate) fn with_plans(self, adapter: StateAdapter) -> Self {
        Self { adapter: Some(adapter), ..self }
    }

    /// The state that a statement starts from, in the session's time zone.
    pub(crate) fn state(&self, zone: TimeZone) -> SessionState {
        let name = zone.to_string();
        let mut base = self.base.lock();
        if let Some(state) = base.get(&name) {
            return state.as_ref().clone();
        }
        let builder = base_state(&self.runtime, zone);
        #[cfg(feature = "testing")]
        let builder = match self.adapter {
            Some(adapter) => adapter(builder),
            None => builder,
        };
        let mut state = builder.build();
        fit_sorts(state.config_mut(), self.query_memory);
        let state = Arc::new(state);
        if base.len() >= ZONES_MAX {
            base.clear();
        }
        base.insert(name, Arc::clone(&state));
        state.as_ref().clone()
    }

    /// As [`Self::state`], for a statement of this instant and so much memory; made when it is first asked
    /// for.
    pub(crate) fn lazy_state(
        self: &Arc<Self>,
        zone: TimeZone,
        now: Timestamp,
        query_memory: usize,
    ) -> LazyState {
        let database = Arc::clone(self);
        LazyState::new(Box::new(move || {
            let mut state = database.state(zone);
            if query_memory < database.query_memory {
                let runtime = limited_runtime(&database.runtime, query_memory);
                state = SessionStateBuilder::new_from_existing(state).with_runtime_env(runtime).build();
                fit_sorts(state.config_mut(), query_memory);
            }
            let instant =
                i64::try_from(now.as_micros()).ok().and_then(chrono::DateTime::from_timestamp_micros);
            state.mark_start_execution();
            state.execution_props_mut().query_execution_start_time = instant;
            Arc::new(state)
        }))
    }

    /// The wall clock, in microseconds.
    pub(crate) fn wall_now(&self) -> Timestamp {
        Timestamp::from_micros(self.store.engine().env().clock.now_micros())
    }

    /// The moment that a snapshot holds.
    pub(crate) async fn snapshot_time(&self, name: &str) -> Result<Timestamp> {
        Ok(self.snapshots.get(name).await?.at)
    }

    /// The nearest snapshots before and after a moment, as the user would name them.
    pub(crate) async fn snapshots_near(&self, at: Timestamp) -> Result<NearSnapshots> {
        let all = self.snapshots.list().await?;
        let words = |snapshot: &bygone_snapshots::Snapshot| {
            format!("{} ({})", snapshot.name, display_timestamp(snapshot.at))
        };
        let before = all.iter().filter(|snapshot| snapshot.at <= at).max_by_key(|snapshot| snapshot.at);
        let after = all.iter().filter(|snapshot| snapshot.at > at).min_by_key(|snapshot| snapshot.at);
        Ok((before.map(words), after.map(words)))
    }
}
