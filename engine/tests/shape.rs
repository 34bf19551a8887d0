//! Space, shape and collection.

use bygone_engine::{
    Durability, Engine, EngineOptions, KeyRange, KeyspaceId, Root, ScanOptions, Scope, StampedBatch,
    Timestamp, WriteBatch,
    testing::{ManualClock, env},
};

const TABLE: KeyspaceId = KeyspaceId::new(1 << 20);

async fn write_all(engine: &Engine, clock: &ManualClock, at: u64, fill: u8) {
    for chunk in 0..20u64 {
        let mut batch = WriteBatch::new();
        for row in 0..50u64 {
            let mut value = vec![fill; 40];
            value.extend((chunk * 31 + row * 17 + at).to_le_bytes());
            batch.put(TABLE, (chunk * 50 + row).to_be_bytes().to_vec(), value);
        }
        let at = Timestamp::from_micros(at + chunk);
        clock.set(at.as_micros());
        engine.admit(batch.bytes()).await.unwrap();
        engine.append(&[StampedBatch { at, batch: &batch }], Durability::Buffered).unwrap();
    }
}

async fn size_on_storage(root: &Root) -> u64 {
    root.list("data/").await.unwrap().iter().map(|object| object.len).sum()
}

#[tokio::test]
async fn space_returns_to_that_of_a_fresh_copy_when_all_pins_are_gone() {
    let clock = ManualClock::at(0);
    let options = EngineOptions { retention_us: 0, table_bytes: 16 << 10, ..EngineOptions::tiny() };
    let (fresh_root, root) = (Root::memory(), Root::memory());

    let fresh = Engine::open(fresh_root.clone(), env(&clock, 7), options.clone()).await.unwrap();
    fresh.start_maintenance();
    write_all(&fresh, &clock, 10_000, 9).await;
    fresh.compact().await.unwrap();
    fresh.collect().await.unwrap();

    let engine = Engine::open(root.clone(), env(&clock, 7), options).await.unwrap();
    engine.start_maintenance();
    let mut pins = Vec::new();
    for round in 0..9u64 {
        write_all(&engine, &clock, 1_000 * (round + 1), round as u8).await;
        pins.push(engine.pin(engine.last_timestamp(), Scope::Database).unwrap());
        engine.compact().await.unwrap();
    }
    write_all(&engine, &clock, 10_000, 9).await;
    engine.compact().await.unwrap();
    engine.collect().await.unwrap();
    assert!(size_on_storage(&root).await > 5 * size_on_storage(&fresh_root).await, "pins hold versions");
    drop(pins);
    engine.compact().await.unwrap();
    engine.collect().await.unwrap();
    let (fresh_bytes, bytes) = (size_on_storage(&fresh_root).await, size_on_storage(&root).await);
    assert!(
        bytes * 10 <= fresh_bytes * 11,
        "{bytes} bytes after dropping all pins, {fresh_bytes} of a fresh copy"
    );
}

#[tokio::test]
async fn a_view_keeps_its_files_until_it_is_dropped() {
    let clock = ManualClock::at(0);
    let root = Root::memory();
    let options = EngineOptions { retention_us: 0, ..EngineOptions::tiny() };
    let engine = Engine::open(root.clone(), env(&clock, 7), options).await.unwrap();
    engine.start_maintenance();
    write_all(&engine, &clock, 1_000, 1).await;
    engine.flush().await.unwrap();
    let view = engine.view_newest(Scope::Database);
    let mut scan =
        view.scan(TABLE, KeyRange::all(), ScanOptions { batch_rows: 10, ..Default::default() }).unwrap();
    let mut rows = scan.next().await.unwrap().unwrap().len();
    drop(view);
    write_all(&engine, &clock, 2_000, 2).await;
    engine.compact().await.unwrap();
    engine.collect().await.unwrap();
    while let Some(batch) = scan.next().await.unwrap() {
        assert!(batch.values.iter().all(|value| value[0] == 1), "the scan reads its own moment");
        rows += batch.len();
    }
    assert_eq!(rows, 1_000);
    drop(scan);
    assert!(engine.collect().await.unwrap().objects > 0, "the files go with the last reader");
}

#[tokio::test]
async fn a_dropped_keyspace_gives_its_space_back_once_nothing_reads_it() {
    let clock = ManualClock::at(0);
    let root = Root::memory();
    let options = EngineOptions { retention_us: 0, ..EngineOptions::tiny() };
    let engine = Engine::open(root.clone(), env(&clock, 7), options).await.unwrap();
    engine.start_maintenance();
    write_all(&engine, &clock, 1_000, 1).await;
    engine.flush().await.unwrap();
    let pin = engine.pin(engine.last_timestamp(), Scope::keyspaces([TABLE])).unwrap();
    engine.drop_keyspace(TABLE, Timestamp::from_micros(1_500)).await.unwrap();
    let other = KeyspaceId::new(1 << 21);
    let mut batch = WriteBatch::new();
    batch.put(other, "k", "v");
    clock.set(2_000);
    engine
        .append(&[StampedBatch { at: Timestamp::from_micros(2_000), batch: &batch }], Durability::Sync)
        .unwrap();
    engine.compact().await.unwrap();
    engine.collect().await.unwrap();
    assert!(engine.stats().keyspaces.iter().any(|keyspace| keyspace.keyspace == TABLE), "pinned");
    drop(pin);
    engine.collect().await.unwrap();
    assert!(!engine.stats().keyspaces.iter().any(|keyspace| keyspace.keyspace == TABLE), "gone");
}
