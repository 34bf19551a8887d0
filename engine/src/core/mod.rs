//! State that all handles and background tasks of one open engine share.
//!
//! ```text
//!   Core ──┬── storage    the root, the page cache, the writer's epoch and file numbers, files that are being written
//!          ├── versions   the state that readers take, older ones that they hold, the newest visible commit
//!          ├── log        the write-ahead log, and the right to append or freeze
//!          ├── workers    flush and compaction: their turns, their wake-ups, their rate, why writing has ended
//!          └── pins, options, schemas, metrics, env
//! ```
//!
//! Locks are taken in this order, each after those before it:
//!
//! 1. the turn to flush ([`Core::flush_turn`]), then the turn to compact ([`Core::compaction_turn`]);
//! 2. the right to publish a manifest ([`Versions::publication`]);
//! 3. the log ([`Log::writer`]);
//! 4. the current state, the older states, the pending files, the schemas.
//!
//! Locks of 4 cannot be held while another is taken: their guards do not leave the functions of [`Versions`],
//! [`Storage`] and this module, and these take no other lock meanwhile.

mod maintenance;
mod pending;
mod publish;
mod rate_limiter;
mod storage;
mod turns;
mod versions;
mod workers;

#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, sync::Arc};

use parking_lot::RwLock;

pub(crate) use pending::PendingFiles;
pub(crate) use storage::Storage;
pub(crate) use versions::Versions;
pub(crate) use workers::Workers;

use crate::{
    EngineOptions, Env, Error, Result,
    metrics::Metrics,
    pins::{Pins, Retained},
    rows::RowSchema,
    sst::TableOptions,
    types::{KeyspaceId, Timestamp},
    wal::Log,
};

/// Factor by which a page of a columnar file may have more bytes than others.
const COLUMNAR_PAGE_FACTOR: usize = 8;

/// See the module documentation.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) env: Env,
    pub(crate) options: EngineOptions,
    pub(crate) storage: Storage,
    pub(crate) versions: Versions,
    /// The log, and the right to append or freeze.
    pub(crate) log: Log,
    pub(crate) workers: Workers,
    pub(crate) pins: Arc<Pins>,
    /// The columns of the rows of keyspaces, where they were defined.
    schemas: RwLock<BTreeMap<KeyspaceId, Arc<RowSchema>>>,
    pub(crate) metrics: Metrics,
}

impl Core {
    /// An engine over these parts, with the pins that its manifest asks for.
    pub(crate) fn new(
        env: Env,
        options: EngineOptions,
        storage: Storage,
        versions: Versions,
        log: Log,
    ) -> Arc<Self> {
        let core = Self {
            env,
            options,
            storage,
            versions,
            log,
            workers: Workers::default(),
            pins: Arc::default(),
            schemas: RwLock::default(),
            metrics: Metrics::default(),
        };
        core.install_horizons(&core.versions.current().manifest);
        Arc::new(core)
    }

    /// Fails unless writes are possible.
    pub(crate) fn check_writable(&self) -> Result<()> {
        self.workers.check()?;
        if self.storage.read_only {
            return Err(Error::Invalid("the database is open for reading only".into()));
        }
        Ok(())
    }

    /// Ends all writing after a failure whose outcome only a reopening tells. Nothing may be collected from
    /// then on either: a snapshot whose commit failed may turn out to be there.
    pub(crate) fn note_failure(&self, error: &Error) {
        if matches!(error, Error::Fenced { .. } | Error::CommitUnknown(_) | Error::Poisoned(_)) {
            self.workers.fail(error);
        }
    }

    pub(crate) fn last_timestamp(&self) -> Timestamp {
        self.versions.last_timestamp()
    }

    /// Options by which files of `keyspace` are written.
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

    /// The columns of the rows of `keyspace`: those that were defined, or else those of its newest columnar
    /// file.
    fn schema(&self, keyspace: KeyspaceId) -> Option<Arc<RowSchema>> {
        if let Some(schema) = self.schemas.read().get(&keyspace) {
            return Some(Arc::clone(schema));
        }
        let state = self.versions.current();
        let tables = state.trees.get(&keyspace)?.runs().flat_map(|run| run.tables());
        tables.filter_map(|table| table.schema()).max_by_key(|schema| schema.version()).cloned()
    }

    /// See [`crate::Engine::define_rows`].
    pub(crate) fn define_rows(
        &self,
        keyspace: KeyspaceId,
        version: u32,
        schema: impl FnOnce() -> Arc<RowSchema>,
    ) {
        let is_known = |known: Option<&Arc<RowSchema>>| known.is_some_and(|known| known.version() >= version);
        if !is_known(self.schemas.read().get(&keyspace)) {
            let schema = schema();
            assert_eq!(schema.version(), version, "a schema is of the version that it was announced with");
            self.schemas.write().insert(keyspace, schema);
        }
    }

    /// Horizon and pins that compactions and flushes of `keyspace` must respect.
    pub(crate) fn retained(&self, keyspace: KeyspaceId) -> Retained {
        if self.workers.is_started() { self.pins.retained(keyspace) } else { Retained::everything() }
    }
}

impl Drop for Core {
    fn drop(&mut self) {
        // Ends the background tasks, which hold the engine only while they work.
        self.workers.wake();
    }
}
