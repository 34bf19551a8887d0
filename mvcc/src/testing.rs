//! A store under test: everything from outside is in the test's hand.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use bygone_engine::{
    Engine, EngineOptions, Env, Root,
    env::{Task, TaskSet, TokioTasks, WallClock},
    testing::{InlineTasks, ManualClock, SimDisk},
    types::{KeyspaceId, WriteBatch},
};

use crate::{Store, StoreOptions};

/// Tasks under which a wait with a limit never ends by the limit.
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

/// An open store on a simulated disk that can be closed and opened again.
#[derive(Debug)]
pub struct TestStore {
    /// The clock, which stands until it is moved.
    pub clock: Arc<ManualClock>,
    /// The disk.
    pub disk: SimDisk,
    /// The store.
    pub store: Store,
    env: Env,
    options: EngineOptions,
}

impl TestStore {
    /// A new store on a simulated disk. Waiting with a limit ends at once.
    pub async fn new(options: EngineOptions) -> Self {
        Self::with_tasks(options, InlineTasks::new()).await
    }

    /// A new store in which a wait for a lock never ends by its limit.
    pub async fn patient() -> Self {
        Self::with_tasks(EngineOptions::tiny(), Arc::new(Patient(InlineTasks::new()))).await
    }

    /// A new store whose tasks run when `tasks` is told to.
    pub async fn with_inline_tasks(tasks: &Arc<InlineTasks>) -> Self {
        let tasks = Arc::clone(tasks) as Arc<dyn TaskSet>;
        Self::with_tasks(EngineOptions::tiny(), tasks).await
    }

    /// A new store whose background work runs on the test's runtime.
    pub async fn busy() -> Self {
        let tasks = TokioTasks::current().expect("the test has a runtime");
        Self::with_tasks(EngineOptions::tiny(), Arc::new(tasks)).await
    }

    async fn with_tasks(options: EngineOptions, tasks: Arc<dyn TaskSet>) -> Self {
        let (clock, disk) = (ManualClock::at(1), SimDisk::new());
        let env = Env { clock: Arc::clone(&clock) as Arc<dyn WallClock>, tasks, seed: 7 };
        let store = open(&disk, &env, &options).await;
        Self { clock, disk, store, env, options }
    }

    /// Closes and opens.
    pub async fn reopen(&mut self) {
        self.store.engine().close().await.expect("closes");
        self.store = open(&self.disk, &self.env, &self.options).await;
    }

    /// Loses power: what was not synced is torn or gone. Then opens.
    pub async fn crash(&mut self, seed: u64) {
        self.disk = self.disk.crash(seed);
        self.store = open(&self.disk, &self.env, &self.options).await;
    }

    /// The id of the named keyspace, created on first use.
    pub async fn keyspace(&self, name: &str) -> KeyspaceId {
        self.store.names().open(name).await.expect("opens a keyspace").id
    }
}

async fn open(disk: &SimDisk, env: &Env, options: &EngineOptions) -> Store {
    let root = Root::local(disk.shared(), "/db");
    let engine = Engine::open(root, env.clone(), options.clone()).await.expect("opens");
    Store::open(engine, StoreOptions { direct_commit_bytes: 2_000, ..StoreOptions::default() })
}

/// A batch of one write.
pub fn batch(keyspace: KeyspaceId, key: &str, value: &str) -> WriteBatch {
    let mut batch = WriteBatch::new();
    batch.put(keyspace, key.to_owned(), value.to_owned());
    batch
}

/// Polls by hand: whether the future has ended after one more step.
pub fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// The newest value of a key, as text.
pub async fn value(store: &Store, keyspace: KeyspaceId, key: &str) -> Option<String> {
    let value = store.view_now().get(keyspace, key.as_bytes()).await.expect("reads");
    value.map(|value| String::from_utf8(value.to_vec()).expect("text"))
}
