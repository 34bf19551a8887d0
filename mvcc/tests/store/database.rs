//! A database under test: everything from outside is in the test's hand.

use std::sync::Arc;

use bygone_engine::{
    Engine, EngineOptions, Env, Root,
    env::{Task, TaskSet, WallClock},
    testing::{InlineTasks, ManualClock, SimDisk},
    types::KeyspaceId,
};
use bygone_mvcc::{Store, StoreOptions};

/// Tasks under which whoever waits with a limit waits for ever.
#[derive(Debug)]
struct Patient(Arc<InlineTasks>);

impl TaskSet for Patient {
    fn spawn(&self, name: &'static str, task: Task) {
        self.0.spawn(name, task);
    }

    fn sleep(&self, _micros: u64) -> Task {
        Box::pin(std::future::pending())
    }

    fn is_background(&self) -> bool {
        false
    }
}

/// An open database that can be closed and opened again.
#[derive(Debug)]
pub(crate) struct Database {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) disk: SimDisk,
    pub(crate) store: Store,
    env: Env,
    options: EngineOptions,
}

impl Database {
    /// A new database on a simulated disk. Waiting with a limit ends at once.
    pub(crate) async fn new(options: EngineOptions) -> Self {
        Self::with_tasks(options, InlineTasks::new()).await
    }

    /// A new database in which whoever waits for a lock waits for ever.
    pub(crate) async fn patient() -> Self {
        Self::with_tasks(EngineOptions::tiny(), Arc::new(Patient(InlineTasks::new()))).await
    }

    /// A new database whose tasks run when `tasks` is told to.
    pub(crate) async fn with_inline_tasks(tasks: &Arc<InlineTasks>) -> Self {
        let tasks = Arc::clone(tasks) as Arc<dyn TaskSet>;
        Self::with_tasks(EngineOptions::tiny(), tasks).await
    }

    async fn with_tasks(options: EngineOptions, tasks: Arc<dyn TaskSet>) -> Self {
        let (clock, disk) = (ManualClock::at(1), SimDisk::new());
        let env = Env { clock: Arc::clone(&clock) as Arc<dyn WallClock>, tasks, seed: 7 };
        let store = open(&disk, &env, &options).await;
        Self { clock, disk, store, env, options }
    }

    /// Closes and opens.
    pub(crate) async fn reopen(&mut self) {
        self.store.engine().close().await.expect("closes");
        self.store = open(&self.disk, &self.env, &self.options).await;
    }

    /// The id of the named keyspace, created on first use.
    pub(crate) async fn keyspace(&self, name: &str) -> KeyspaceId {
        self.store.names().open(name).await.expect("opens a keyspace").id
    }
}

async fn open(disk: &SimDisk, env: &Env, options: &EngineOptions) -> Store {
    let root = Root::local(disk.shared(), "/db");
    let engine = Engine::open(root, env.clone(), options.clone()).await.expect("opens");
    Store::open(engine, StoreOptions { direct_commit_bytes: 2_000, ..StoreOptions::default() })
}
