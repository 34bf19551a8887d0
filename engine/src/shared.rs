//! What all handles and background tasks of one open engine share.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, OnceLock, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use parking_lot::{Mutex, RwLock};
use tokio::sync::Notify;

use crate::{
    EngineOptions, Env, Error, Result, Root,
    compaction::RateLimiter,
    manifest::{FileId, FileMeta},
    metrics::Metrics,
    pins::{Pins, Retained},
    rows::RowSchema,
    sst::{PageCache, Table, TableOptions},
    state::State,
    store::RootLock,
    types::KeyspaceId,
    wal::Log,
};

/// How many times as many bytes as others a page of a columnar file may have.
const COLUMNAR_PAGE_FACTOR: usize = 8;

/// See the module documentation. Locks are taken in the order of the fields: `flushing` or `compacting`, `publishing`,
/// `log`, `state`.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) root: Root,
    pub(crate) env: Env,
    pub(crate) options: EngineOptions,
    pub(crate) cache: PageCache,
    pub(crate) pins: Arc<Pins>,
    /// This writer's epoch.
    pub(crate) epoch: u64,
    pub(crate) read_only: bool,

    /// One flush at a time.
    pub(crate) flushing: tokio::sync::Mutex<()>,
    /// One compaction at a time.
    pub(crate) compacting: tokio::sync::Mutex<()>,
    /// One manifest edit at a time.
    pub(crate) publishing: tokio::sync::Mutex<()>,
    /// The log, and the right to append or freeze.
    pub(crate) log: Mutex<Log>,
    pub(crate) state: RwLock<Arc<State>>,
    /// The columns of the rows of keyspaces, where they were defined. Held for no longer than a look.
    pub(crate) schemas: RwLock<BTreeMap<KeyspaceId, Arc<RowSchema>>>,
    /// States that readers may still hold: their files must not be deleted.
    pub(crate) states: Mutex<Vec<Weak<State>>>,
    /// The newest visible commit.
    pub(crate) published: AtomicU64,

    /// Number of the next file of this epoch.
    pub(crate) next_file: AtomicU64,
    /// Files that are being written or wait to be published.
    pub(crate) pending: Mutex<BTreeSet<FileId>>,

    /// Durable pins are known: garbage may be collected.
    pub(crate) maintained: AtomicBool,
    pub(crate) closed: AtomicBool,
    /// Why nothing may be written any more.
    pub(crate) broken: OnceLock<Error>,
    /// The last background run failed.
    pub(crate) background_failed: AtomicBool,

    pub(crate) flush_wanted: Arc<Notify>,
    pub(crate) compaction_wanted: Arc<Notify>,
    /// Flush or compaction got a step further.
    pub(crate) progress: Notify,

    /// How fast compactions in the background may read.
    pub(crate) pace: RateLimiter,

    pub(crate) metrics: Metrics,

    /// Held until the engine is dropped or closed.
    pub(crate) root_lock: Mutex<Option<RootLock>>,
}

impl Shared {
    /// Fails unless writes are possible.
    pub(crate) fn check_writable(&self) -> Result<()> {
        if let Some(error) = self.broken.get() {
            return Err(error.clone());
        }
        if self.closed.load(Ordering::Acquire) {
            return Err(Error::Closed);
        }
        if self.read_only {
            return Err(Error::Invalid("the database is open for reading only".into()));
        }
        Ok(())
    }

    pub(crate) fn next_file(&self) -> FileId {
        FileId { epoch: self.epoch, number: self.next_file.fetch_add(1, Ordering::Relaxed) }
    }

    /// How files of `keyspace` are written.
    pub(crate) fn table_options(&self, keyspace: KeyspaceId) -> TableOptions {
        let schema = self.schema(keyspace);
        // In columns a page may be larger: who reads a few of them reads less of it.
        let page_bytes_max =
            self.options.page_bytes * if schema.is_some() { COLUMNAR_PAGE_FACTOR } else { 1 };
        TableOptions {
            page_rows_max: self.options.page_rows,
            page_bytes_max,
            schema,
            ..TableOptions::default()
        }
    }

    /// The columns of the rows of `keyspace`: those that were defined, or else those of its newest columnar file.
    pub(crate) fn schema(&self, keyspace: KeyspaceId) -> Option<Arc<RowSchema>> {
        if let Some(schema) = self.schemas.read().get(&keyspace) {
            return Some(Arc::clone(schema));
        }
        let state = Arc::clone(&self.state.read());
        let tables = state.trees.get(&keyspace)?.runs().flat_map(|run| run.tables());
        tables.filter_map(|table| table.schema()).max_by_key(|schema| schema.version()).cloned()
    }

    /// Opens tables whose files were just written or are named by the manifest.
    pub(crate) async fn open_tables(&self, files: &[FileMeta]) -> Result<Vec<Table>> {
        let mut tables = Vec::with_capacity(files.len());
        for file in files {
            tables.push(Box::pin(Table::open(&self.root, file, &self.cache)).await?);
        }
        Ok(tables)
    }

    /// What compactions and flushes of `keyspace` must keep.
    pub(crate) fn retained(&self, keyspace: KeyspaceId) -> Retained {
        if self.maintained.load(Ordering::Acquire) {
            self.pins.retained(keyspace)
        } else {
            Retained::everything()
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // Ends the background tasks, which hold the engine only while they work.
        self.flush_wanted.notify_one();
        self.compaction_wanted.notify_one();
    }
}
