//! Bulk loads whose parts are written by tasks of their own.

use std::{collections::BTreeMap, sync::Arc};

use bygone_engine::{
    Engine, EngineOptions, Env, Error, IngestOptions, KeyRange, KeyspaceId, OnDuplicate, Root, ScanOptions,
    Scope, Timestamp,
    env::TokioTasks,
    testing::{ManualClock, env},
};

const TABLE: KeyspaceId = KeyspaceId::new(1 << 20);
const ROWS: u64 = 3_000;

/// An engine with background tasks and buffers of a few hundred rows.
async fn engine() -> Engine {
    let clock = ManualClock::at(1_000);
    let tasks = Arc::new(TokioTasks::new(tokio::runtime::Handle::current()));
    let env = Env { tasks, ..env(&clock, 7) };
    let options = EngineOptions { ingest_bytes: 48 << 10, ..EngineOptions::tiny() };
    Engine::open(Root::memory(), env, options).await.unwrap()
}

/// Loads rows in this order, a row's place being its value; returns what is there then.
async fn load(
    engine: &Engine,
    order: impl Iterator<Item = u64>,
    on_duplicate: OnDuplicate,
) -> Result<BTreeMap<u64, u64>, Error> {
    let mut ingest = engine.ingest(TABLE, IngestOptions { on_duplicate, absent_from: None });
    for (place, key) in order.enumerate() {
        ingest.push(&key.to_be_bytes(), Some(&(place as u64).to_be_bytes())).await?;
    }
    let run = ingest.finish().await?;
    engine.publish_ingest(Timestamp::from_micros(2_000), vec![run]).await?;
    let mut scan =
        engine.view_newest(Scope::Database).scan(TABLE, KeyRange::all(), ScanOptions::default())?;
    let mut rows = BTreeMap::new();
    while let Some(batch) = scan.next().await? {
        let number = |bytes: &[u8]| u64::from_be_bytes(bytes.try_into().unwrap());
        rows.extend((0..batch.len()).map(|row| (number(batch.keys.get(row)), number(batch.values.get(row)))));
    }
    Ok(rows)
}

/// Every row once, far from their order.
fn shuffled() -> impl Iterator<Item = u64> + Clone {
    (0..ROWS).map(|row| row * 1_009 % ROWS)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_load_written_by_several_tasks_is_whole_in_any_order() {
    let expected = |order: &mut dyn Iterator<Item = u64>| -> BTreeMap<u64, u64> {
        order.enumerate().map(|(place, key)| (key, place as u64)).collect()
    };
    let in_order = load(&engine().await, 0..ROWS, OnDuplicate::Fail).await.unwrap();
    assert_eq!(in_order, expected(&mut (0..ROWS)));
    let mixed = load(&engine().await, shuffled(), OnDuplicate::Fail).await.unwrap();
    assert_eq!(mixed, expected(&mut shuffled()));
    // Parts in themselves out of order that do not overlap, and a lone one.
    for rows in [ROWS, 100] {
        let swapped = (0..rows).map(|row| row ^ 1);
        let loaded = load(&engine().await, swapped.clone(), OnDuplicate::Fail).await.unwrap();
        assert_eq!(loaded, expected(&mut swapped.clone()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_key_in_several_parts_of_a_load_the_last_one_counts_or_none() {
    let twice = shuffled().chain(shuffled());
    let last: BTreeMap<u64, u64> =
        twice.clone().enumerate().map(|(place, key)| (key, place as u64)).collect();
    assert_eq!(load(&engine().await, twice.clone(), OnDuplicate::KeepLast).await.unwrap(), last);
    let refused = load(&engine().await, twice, OnDuplicate::Fail).await;
    assert!(matches!(refused, Err(Error::DuplicateKey { .. })), "{refused:?}");
    let refused = load(&engine().await, (0..ROWS).chain([5]), OnDuplicate::Fail).await;
    assert!(matches!(refused, Err(Error::DuplicateKey { .. })), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_load_that_is_given_up_leaves_nothing_that_can_be_read() {
    let engine = engine().await;
    let mut ingest = engine.ingest(TABLE, IngestOptions::default());
    for key in shuffled() {
        ingest.push(&key.to_be_bytes(), Some(b"v")).await.unwrap();
    }
    drop(ingest);
    let loaded = load(&engine, 0..10, OnDuplicate::Fail).await.unwrap();
    assert_eq!(loaded.len(), 10);
}
