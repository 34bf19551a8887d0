//! The door to new state when the caller goes away half way.

use std::{
    pin::pin,
    sync::Arc,
    task::{Context, Waker},
};

use object_store::memory::InMemory;

use crate::{
    Durability, Engine, EngineOptions, Error, KeyspaceId, Root, StampedBatch, Timestamp, WriteBatch,
    testing::{FaultStore, ManualClock, StoreFault, env},
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
    assert!(matches!(engine.append(&group, Durability::Sync), Err(Error::CommitUnknown(_))));
    assert!(matches!(engine.collect().await, Err(Error::CommitUnknown(_))));
    let engine = Engine::open(root, env(&clock, 2), EngineOptions::tiny()).await.unwrap();
    assert_eq!(engine.retention_us(None), 77, "a reopening tells that it was there");
}
