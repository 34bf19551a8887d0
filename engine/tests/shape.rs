//! Space, shape and collection.

use bygone_engine::{
    Durability, Engine, EngineOptions, KeyRange, KeyspaceId, Root, ScanOptions, Scope, StampedBatch,
    Timestamp, WriteBatch,
    testing::{ManualClock, SimDisk, env},
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
        engine.wait_for_room().await.unwrap();
        engine.append(&[StampedBatch { at, batch: &batch }], Durability::Buffered).await.unwrap();
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
        .await
        .unwrap();
    engine.compact().await.unwrap();
    engine.collect().await.unwrap();
    assert!(engine.stats().keyspaces.iter().any(|keyspace| keyspace.keyspace == TABLE), "pinned");
    drop(pin);
    engine.collect().await.unwrap();
    assert!(!engine.stats().keyspaces.iter().any(|keyspace| keyspace.keyspace == TABLE), "gone");
}

async fn commit(
    engine: &Engine,
    clock: &ManualClock,
    at: u64,
    keyspace: KeyspaceId,
    key: &str,
    value: Option<&str>,
) {
    let mut batch = WriteBatch::new();
    match value {
        Some(value) => batch.put(keyspace, key.to_owned(), value.to_owned()),
        None => batch.delete(keyspace, key.to_owned()),
    }
    clock.set(at);
    engine.wait_for_room().await.unwrap();
    engine
        .append(&[StampedBatch { at: Timestamp::from_micros(at), batch: &batch }], Durability::Buffered)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_view_that_leaves_out_a_keyspace_does_not_open_it_to_others() {
    let clock = ManualClock::at(0);
    let options = EngineOptions { retention_us: 1_000, ..EngineOptions::tiny() };
    let engine = Engine::open(Root::memory(), env(&clock, 7), options).await.unwrap();
    engine.start_maintenance();
    let short = KeyspaceId::new(1 << 21);
    commit(&engine, &clock, 10, TABLE, "k", Some("old")).await;
    commit(&engine, &clock, 20, short, "k", Some("old")).await;
    engine.set_retention(Some(short), Some(0)).await.unwrap();
    commit(&engine, &clock, 100, short, "k", Some("new")).await;
    engine.compact().await.unwrap();
    let at = Timestamp::from_micros(50);
    let view = engine.view(at, Scope::Database).unwrap();
    assert!(view.get(TABLE, b"k").await.unwrap().is_some());
    assert!(view.get(short, b"k").await.is_err(), "below the horizon");
    let other = engine.view(at, Scope::Database).unwrap();
    assert!(other.get(short, b"k").await.is_err(), "still below the horizon");
    assert!(engine.view(at, Scope::keyspaces([short])).is_err());
    assert!(engine.pin(at, Scope::Database).is_err(), "not a moment of the whole database");
}

#[tokio::test]
async fn a_load_between_the_keys_of_a_running_compaction_stays_readable() {
    let clock = ManualClock::at(0);
    let root = Root::memory();
    let options = EngineOptions { retention_us: 0, ..EngineOptions::tiny() };
    let engine = Engine::open(root.clone(), env(&clock, 7), options.clone()).await.unwrap();
    engine.start_maintenance();
    for (round, prefix) in ["a", "x"].into_iter().enumerate() {
        for row in 0..40 {
            let at = (round * 100 + row + 1) as u64;
            commit(&engine, &clock, at, TABLE, &format!("{prefix}{row:03}"), Some("v")).await;
        }
        engine.flush().await.unwrap();
    }
    let load = async {
        let mut ingest = engine.ingest(TABLE, bygone_engine::IngestOptions::default());
        for row in 0..40 {
            ingest.push(format!("m{row:03}").as_bytes(), Some(b"loaded")).await.unwrap();
        }
        let run = ingest.finish().await.unwrap();
        clock.set(1_000);
        engine.publish_ingest(Timestamp::from_micros(1_000), vec![run]).await.unwrap();
    };
    let (compacted, ()) = futures::join!(engine.compact(), load);
    compacted.unwrap();
    let count = async |engine: &Engine| {
        let view = engine.view_newest(Scope::Database);
        let mut scan = view.scan(TABLE, KeyRange::all(), ScanOptions::default()).unwrap();
        let mut rows = 0;
        while let Some(batch) = scan.next().await.unwrap() {
            rows += batch.len();
        }
        rows
    };
    assert_eq!(count(&engine).await, 120);
    engine.compact().await.unwrap();
    engine.close().await.unwrap();
    let engine = Engine::open(root, env(&clock, 8), options).await.unwrap();
    assert_eq!(count(&engine).await, 120);
}

#[tokio::test]
async fn a_version_keeps_its_end_when_its_successor_is_collected() {
    let clock = ManualClock::at(0);
    let options = EngineOptions { retention_us: 0, ..EngineOptions::tiny() };
    let engine = Engine::open(Root::memory(), env(&clock, 7), options).await.unwrap();
    engine.start_maintenance();
    commit(&engine, &clock, 10, TABLE, "k", Some("first")).await;
    commit(&engine, &clock, 15, TABLE, "other", Some("x")).await;
    let _pin = engine.pin(Timestamp::from_micros(15), Scope::Database).unwrap();
    commit(&engine, &clock, 20, TABLE, "k", None).await;
    commit(&engine, &clock, 30, TABLE, "k", Some("second")).await;
    commit(&engine, &clock, 40, TABLE, "other", Some("y")).await;
    for _ in 0..2 {
        engine.flush().await.unwrap();
        engine.compact().await.unwrap();
        let range = KeyRange::single("k");
        let mut versions = engine.versions(TABLE, range, Timestamp::ZERO, Timestamp::LAST).unwrap();
        let mut found = Vec::new();
        while let Some(version) = versions.next().await.unwrap() {
            found.push((version.begin.as_micros(), version.end));
        }
        assert_eq!(found, [(30, Timestamp::OPEN), (10, Timestamp::from_micros(20))]);
    }
}

#[tokio::test]
async fn a_key_with_many_versions_is_read_page_by_page_and_only_as_far_as_needed() {
    let clock = ManualClock::at(0);
    let disk = SimDisk::new();
    let root = Root::local(disk.shared(), "/db");
    // No page stays in memory, so that every page that is looked at is read.
    let options = EngineOptions { cache_bytes: 0, table_bytes: 1 << 20, ..EngineOptions::tiny() };
    let engine = Engine::open(root, env(&clock, 7), options).await.unwrap();
    engine.start_maintenance();
    let versions = 1_000;
    for n in 1..=versions {
        commit(&engine, &clock, n, TABLE, "counter", Some(&format!("value {n}"))).await;
    }
    commit(&engine, &clock, versions + 1, TABLE, "other", Some("x")).await;
    engine.compact().await.unwrap();
    let pages = versions / 8;

    let before = disk.reads();
    let (after, through) = (Timestamp::ZERO, Timestamp::LAST);
    let mut history = engine.versions(TABLE, KeyRange::all(), after, through).unwrap();
    for n in (1..=versions).rev() {
        let version = history.next().await.unwrap().unwrap();
        assert_eq!((version.begin.as_micros(), version.key.as_ref()), (n, b"counter".as_slice()));
        let open_or_next = if n == versions {
            Timestamp::OPEN
        } else {
            Timestamp::from_micros(version.begin.as_micros() + 1)
        };
        assert_eq!(version.end, open_or_next);
        if n == versions {
            assert!(disk.reads() - before < 5, "the first version costs its page");
        }
    }
    assert!(disk.reads() - before >= pages);

    for (at, reverse) in [(versions + 1, false), (400, false), (400, true)] {
        let view = engine.view(Timestamp::from_micros(at), Scope::Database).unwrap();
        let options = ScanOptions { reverse, ..ScanOptions::default() };
        let before = disk.reads();
        let batch = view.scan(TABLE, KeyRange::all(), options).unwrap().next().await.unwrap().unwrap();
        let row = (0..batch.len()).find(|row| batch.keys.get(*row) == b"counter").unwrap();
        assert_eq!(batch.values.get(row), format!("value {}", at.min(versions)).as_bytes());
        let reads_max = if reverse { pages / 2 } else { 5 };
        assert!(disk.reads() - before < reads_max, "pages beside the moment are not read");
    }
}

#[tokio::test]
async fn stats_count_syncs_groups_and_what_compaction_and_collection_did() {
    let clock = ManualClock::at(1);
    let disk = bygone_engine::testing::SimDisk::default();
    let root = Root::local(std::sync::Arc::new(disk), "/db");
    let engine = Engine::open(root, env(&clock, 1), EngineOptions::tiny()).await.unwrap();
    engine.start_maintenance();
    let mut batch = WriteBatch::new();
    batch.put(TABLE, "k", "v");
    let commit = |at| StampedBatch { at: Timestamp::from_micros(at), batch: &batch };
    engine.append(&[commit(1), commit(2), commit(3)], Durability::Sync).await.unwrap();
    engine.append(&[commit(4)], Durability::Buffered).await.unwrap();
    let stats = engine.stats();
    assert_eq!((stats.commits, stats.group_commits.count(), stats.group_commits.sum), (4, 2, 4));
    assert_eq!((stats.sync_us.count(), stats.flushes, stats.pins), (1, 0, 0));
    assert!(stats.log_bytes > 0 && stats.write_amplification_percent().is_none());
    engine.flush().await.unwrap();
    engine.append(&[commit(5)], Durability::Sync).await.unwrap();
    engine.flush().await.unwrap();
    engine.compact().await.unwrap();
    let pin = engine.pin(Timestamp::from_micros(5), Scope::Database).unwrap();
    engine.collect().await.unwrap();
    let stats = engine.stats();
    assert_eq!((stats.flushes, stats.compactions, stats.pins), (2, 1, 1));
    assert_eq!((stats.oldest_pin, stats.collected_objects), (Some(pin.timestamp()), 2));
    assert_eq!(stats.collected_bytes, stats.compaction_read_bytes);
    assert_eq!(stats.compaction_read_bytes, stats.flushed_bytes, "both files were merged");
    assert!(stats.write_amplification_percent() > Some(100));
}
