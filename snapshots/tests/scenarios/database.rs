//! A database under test: a store on a simulated disk, and its snapshots.

use std::ops::{Deref, DerefMut};

use bygone_engine::EngineOptions;
use bygone_mvcc::testing::TestStore;
use bygone_snapshots::{ObjectRef, Snapshots};

/// An open database that can be closed and opened again.
#[derive(Debug)]
pub(crate) struct Database {
    base: TestStore,
    pub(crate) snapshots: Snapshots,
}

impl Deref for Database {
    type Target = TestStore;

    fn deref(&self) -> &TestStore {
        &self.base
    }
}

impl DerefMut for Database {
    fn deref_mut(&mut self) -> &mut TestStore {
        &mut self.base
    }
}

impl Database {
    /// A new database. Waiting with a limit ends at once.
    pub(crate) async fn new(options: EngineOptions) -> Self {
        Self::over(TestStore::new(options).await).await
    }

    /// A new database in which a wait for a lock never ends by its limit.
    pub(crate) async fn patient() -> Self {
        Self::over(TestStore::patient().await).await
    }

    /// A new database whose background work runs on the test's runtime.
    pub(crate) async fn busy() -> Self {
        Self::over(TestStore::busy().await).await
    }

    async fn over(base: TestStore) -> Self {
        let snapshots = snapshots_of(&base).await;
        Self { base, snapshots }
    }

    /// Closes and opens.
    pub(crate) async fn reopen(&mut self) {
        self.base.reopen().await;
        self.snapshots = snapshots_of(&self.base).await;
    }

    /// Loses power: what was not synced is torn or gone. Then opens.
    pub(crate) async fn crash(&mut self, seed: u64) {
        self.base.crash(seed).await;
        self.snapshots = snapshots_of(&self.base).await;
    }

    /// The named keyspace as the target of a snapshot or a restore, created on first use.
    pub(crate) async fn object(&self, name: &str) -> ObjectRef {
        let id = self.keyspace(name).await;
        ObjectRef { name: name.into(), id: id.get(), keyspaces: vec![id] }
    }
}

async fn snapshots_of(base: &TestStore) -> Snapshots {
    Snapshots::open(base.store.clone()).await.expect("reads the registry")
}
