//! Publications and groups whose callers go away half way.

use std::{
    pin::pin,
    sync::Arc,
    task::{Context, Waker},
};

use object_store::memory::InMemory;

use crate::{
    Durability, Engine, EngineOptions, Env, Error, KeyspaceId, Root, StampedBatch, Timestamp, WriteBatch,
    env::{Task, TaskSet, WallClock},
    manifest,
    testing::{FaultStore, ManualClock, SimDisk, StoreFault, env},
};

#[tokio::test]
async fn a_publication_that_is_given_up_half_way_ends_all_writing() {
    let store = FaultStore::new(Arc::new(InMemory::new()));
    let root = Root::memory_on(Arc::new(store.clone()));
    let clock = ManualClock::at(1_000);
    let engine = Engine::open(root.clone(), env(&clock, 1), EngineOptions::tiny()).await.unwrap();
    store.fail(store.requests() + 1, StoreFault::Silent);
    {
        let mut change = pin!(engine.set_retention(None, Some(77)));
        assert!(change.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
    let mut batch = WriteBatch::new();
    batch.put(KeyspaceId::FIRST_USER, "k", "v");
    let group = [StampedBatch { at: Timestamp::from_micros(1_000), batch: &batch }];
    assert!(matches!(engine.append(&group, Durability::Sync).await, Err(Error::CommitUnknown(_))));
    assert!(matches!(engine.collect().await, Err(Error::CommitUnknown(_))));
    let engine = Engine::open(root, env(&clock, 2), EngineOptions::tiny()).await.unwrap();
    assert_eq!(engine.retention_us(None), 77, "a reopening tells that it was there");
}

/// Tasks beside the test, whose timers end at once.
#[derive(Debug)]
struct ImpatientTasks;

impl TaskSet for ImpatientTasks {
    #[expect(clippy::disallowed_methods, reason = "these are the tasks of the test")]
    fn spawn(&self, _: &'static str, task: Task) {
        drop(tokio::spawn(task));
    }

    fn sleep(&self, _: u64) -> Task {
        Box::pin(tokio::task::yield_now())
    }

    fn is_background(&self) -> bool {
        true
    }
}

/// An engine on a store in memory whose requests suspend.
async fn open_suspending(store: &FaultStore) -> (Root, Engine) {
    let root = Root::suspending_memory_on(Arc::new(store.clone()));
    let clock = ManualClock::at(1_000) as Arc<dyn WallClock>;
    let env = Env { clock, tasks: Arc::new(ImpatientTasks), seed: 1 };
    let engine = Engine::open(root.clone(), env, EngineOptions::tiny()).await.unwrap();
    (root, engine)
}

/// Begins a call, goes on with it at most so many times, beside other tasks, and gives it up.
async fn give_up<T>(call: impl Future<Output = T>, polls: usize) {
    let mut call = pin!(call);
    for _ in 0..polls {
        if call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready() {
            return;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_publication_goes_on_without_its_caller_where_requests_suspend() {
    let store = FaultStore::new(Arc::new(InMemory::new()));
    let (root, engine) = open_suspending(&store).await;
    let before = manifest::newest_id(&root).await.unwrap().unwrap();
    // The manifest is stored, and nobody says so.
    store.fail(store.requests() + 1, StoreFault::Silent);
    give_up(engine.set_retention(None, Some(77)), 1).await;
    // The next one waits for it.
    engine.set_retention(None, Some(78)).await.unwrap();
    assert_eq!(engine.retention_us(None), 78);
    assert_eq!(manifest::newest_id(&root).await.unwrap(), Some(before + 2));
    let batch = batch();
    let group = [StampedBatch { at: Timestamp::from_micros(1_000), batch: &batch }];
    engine.append(&group, Durability::Sync).await.unwrap();
}

#[tokio::test]
async fn a_flush_that_is_given_up_anywhere_writes_its_memtable_once() {
    let batch = batch();
    // Each request of a flush in turn is not answered, and the flush given up before it, there, or behind it.
    for (silent, polls) in (1..=8).flat_map(|silent| (1..=12).map(move |polls| (silent, polls))) {
        let store = FaultStore::new(Arc::new(InMemory::new()));
        let (_, engine) = open_suspending(&store).await;
        let group = [StampedBatch { at: Timestamp::from_micros(1_000), batch: &batch }];
        engine.append(&group, Durability::Sync).await.unwrap();
        store.fail(store.requests() + silent, StoreFault::Silent);
        give_up(engine.flush(), polls).await;
        engine.flush().await.unwrap();
        let files: u64 = engine.stats().keyspaces.iter().map(|keyspace| keyspace.files).sum();
        assert_eq!(files, 1, "request {silent} was not answered, given up after {polls} polls");
    }
}

fn batch() -> WriteBatch {
    let mut batch = WriteBatch::new();
    batch.put(KeyspaceId::FIRST_USER, "k", "v");
    batch
}

async fn open(disk: &SimDisk) -> Engine {
    let root = Root::local(disk.shared(), "/db");
    Engine::open(root, env(&ManualClock::at(1_000), 1), EngineOptions::tiny()).await.unwrap()
}

#[tokio::test]
async fn a_staged_group_that_is_given_up_ends_all_writing() {
    let (disk, batch) = (SimDisk::new(), batch());
    let engine = open(&disk).await;
    let commit = |at| [StampedBatch { at: Timestamp::from_micros(at), batch: &batch }];
    drop(engine.stage(&commit(1_000), Durability::Sync).unwrap());
    assert!(engine.last_timestamp() < Timestamp::from_micros(1_000), "nobody was told of it");
    let next = engine.append(&commit(1_001), Durability::Sync).await;
    assert!(matches!(next, Err(Error::CommitUnknown(_))), "{next:?}");
    drop(engine);
    let engine = open(&disk).await;
    assert_eq!(engine.last_timestamp(), Timestamp::from_micros(1_000), "a reopening tells that it was there");
}

#[tokio::test]
async fn a_flush_and_a_load_wait_for_what_is_staged() {
    let (disk, batch) = (SimDisk::new(), batch());
    let engine = open(&disk).await;
    let commit = [StampedBatch { at: Timestamp::from_micros(1_000), batch: &batch }];
    engine.log_gate().close();
    let mut staged = pin!(engine.append(&commit, Durability::Sync));
    let poll = |future: std::pin::Pin<&mut dyn Future<Output = crate::Result<()>>>| {
        future.poll(&mut Context::from_waker(Waker::noop()))
    };
    assert!(poll(staged.as_mut()).is_pending());
    let mut flush = pin!(engine.flush());
    let mut load = pin!(engine.publish_ingest(Timestamp::from_micros(1_001), Vec::new()));
    assert!(poll(flush.as_mut()).is_pending() && poll(load.as_mut()).is_pending());
    engine.log_gate().open();
    staged.await.unwrap();
    flush.await.unwrap();
    load.await.unwrap();
    assert_eq!(engine.last_timestamp(), Timestamp::from_micros(1_001));
}
