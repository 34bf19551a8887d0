//! The layers up to snapshots, opened together, and everything that can be read of them.

use std::{collections::BTreeMap, sync::Arc};

use bygone_engine::{
    Durability, Engine, EngineOptions, Env, KeyRange, KeyspaceId, ReadView, Root, ScanOptions, Scope,
    Timestamp, WriteBatch,
    testing::{ManualClock, SimDisk, env},
};
use bygone_mvcc::{CommitInfo, Store, StoreOptions};
use bygone_snapshots::{Error, ObjectRef, Result, SnapshotScope, Snapshots};
use bytes::Bytes;

pub(crate) const ACCOUNTS: KeyspaceId = KeyspaceId::new(1 << 20);
pub(crate) const ORDERS: KeyspaceId = KeyspaceId::new(1 << 21);
pub(crate) const KEYSPACES: [KeyspaceId; 2] = [ACCOUNTS, ORDERS];

/// Rows of both keyspaces.
pub(crate) type Rows = BTreeMap<(KeyspaceId, Bytes), Bytes>;

/// Everything that a user can see: the rows now, and what each snapshot shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Contents {
    pub(crate) rows: Rows,
    pub(crate) snapshots: BTreeMap<String, Rows>,
}

impl Contents {
    pub(crate) fn apply(&mut self, batch: &WriteBatch) {
        for write in batch.writes() {
            let key = (write.keyspace, write.key.clone());
            match &write.value {
                Some(value) => drop(self.rows.insert(key, value.clone())),
                None => drop(self.rows.remove(&key)),
            }
        }
    }

    /// The rows that a snapshot of `scope` shows when it is taken now.
    pub(crate) fn in_scope(&self, scope: &SnapshotScope) -> Rows {
        let covered = self.rows.iter().filter(|((keyspace, _), _)| scope.covers(*keyspace));
        covered.map(|(key, value)| (key.clone(), value.clone())).collect()
    }
}

/// An open database.
#[derive(Debug)]
pub(crate) struct Database {
    pub(crate) store: Store,
    pub(crate) snapshots: Snapshots,
}

pub(crate) fn options() -> EngineOptions {
    EngineOptions { memtable_bytes: 4 << 10, retention_us: 60, ..EngineOptions::tiny() }
}

pub(crate) fn table(name: &str, keyspace: KeyspaceId) -> ObjectRef {
    ObjectRef { name: name.into(), id: keyspace.get(), keyspaces: vec![keyspace] }
}

/// A root on a simulated disk.
pub(crate) fn root_on(disk: &SimDisk) -> Root {
    Root::local(disk.shared(), "/db")
}

impl Database {
    pub(crate) async fn open(root: Root, env: Env) -> Result<Self> {
        Self::open_with(root, env, options()).await
    }

    pub(crate) async fn open_with(root: Root, env: Env, options: EngineOptions) -> Result<Self> {
        let engine = Engine::open(root, env, options).await?;
        let store = Store::open(engine, StoreOptions::default());
        let snapshots = Snapshots::open(store.clone()).await?;
        Ok(Self { store, snapshots })
    }

    /// Opens the database on `disk`, with randomness of its own.
    pub(crate) async fn on(disk: &SimDisk, clock: &Arc<ManualClock>) -> Result<Self> {
        Self::open(root_on(disk), env(clock, disk.operations() + 1)).await
    }

    pub(crate) fn engine(&self) -> &Engine {
        self.store.engine()
    }

    pub(crate) async fn write(&self, batch: WriteBatch, durability: Durability) -> Result<CommitInfo> {
        Ok(self.store.write(batch, durability).await?)
    }

    /// Reads everything.
    pub(crate) async fn contents(&self) -> Result<Contents> {
        let rows = rows(&self.store.view_now(), &KEYSPACES).await?;
        let mut snapshots = BTreeMap::new();
        for snapshot in self.snapshots.list().await? {
            let view = self.snapshots.view(&snapshot.name).await?;
            let covered: Vec<_> = KEYSPACES.into_iter().filter(|id| snapshot.scope.covers(*id)).collect();
            snapshots.insert(snapshot.name, self::rows(&view, &covered).await?);
        }
        Ok(Contents { rows, snapshots })
    }

    /// The rows as of `at`; `None` when that moment is not readable any more.
    pub(crate) async fn rows_at(&self, at: Timestamp) -> Result<Option<Rows>> {
        if KEYSPACES.iter().any(|keyspace| at < self.engine().horizon(*keyspace)) {
            return Ok(None);
        }
        let view = self.store.view_at_in(at, Scope::Database).await?;
        rows(&view, &KEYSPACES).await.map(Some)
    }
}

pub(crate) async fn rows(view: &ReadView, keyspaces: &[KeyspaceId]) -> Result<Rows> {
    let mut rows = Rows::new();
    for keyspace in keyspaces {
        let mut scan = view.scan(*keyspace, KeyRange::all(), ScanOptions::default())?;
        while let Some(batch) = scan.next().await? {
            for (key, value) in batch.keys.iter().zip(batch.values.iter()) {
                rows.insert((*keyspace, Bytes::copy_from_slice(key)), Bytes::copy_from_slice(value));
            }
        }
    }
    Ok(rows)
}

/// The engine's error inside of one of the layers above.
pub(crate) fn engine_error(error: &Error) -> Option<&bygone_engine::Error> {
    match error {
        Error::Store(bygone_mvcc::Error::Engine(error)) => Some(error),
        _ => None,
    }
}

/// Runs a test's future on a runtime of its own.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}
