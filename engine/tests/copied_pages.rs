//! Compaction passes pages on where nothing happens to them.

use std::sync::Arc;

use bytes::Bytes;

use bygone_engine::{
    Durability, Engine, EngineOptions, KeyRange, KeyspaceId, Root, ScanOptions, Scope, StampedBatch,
    Timestamp, WriteBatch, check,
    testing::{ManualClock, env},
};

const TABLE: KeyspaceId = KeyspaceId::new(1 << 20);
const ROWS: u64 = 2_000;

struct Database {
    clock: Arc<ManualClock>,
    root: Root,
    engine: Engine,
}

impl Database {
    async fn new() -> Self {
        let (clock, root) = (ManualClock::at(0), Root::memory());
        let options = EngineOptions {
            retention_us: 0,
            memtable_bytes: 1 << 20,
            table_bytes: 64 << 10,
            level0_runs_compact: 100,
            level0_runs_slow: 100,
            level0_runs_stop: 100,
            ..EngineOptions::tiny()
        };
        let engine = Engine::open(root.clone(), env(&clock, 7), options).await.unwrap();
        engine.start_maintenance();
        Self { clock, root, engine }
    }

    /// Writes one commit and flushes it.
    async fn write(&self, at: u64, rows: impl Iterator<Item = (u64, Option<String>)>) {
        let mut batch = WriteBatch::new();
        for (key, value) in rows {
            match value {
                Some(value) => batch.put(TABLE, key.to_be_bytes().to_vec(), value),
                None => batch.delete(TABLE, key.to_be_bytes().to_vec()),
            }
        }
        self.clock.set(at);
        let batch = StampedBatch { at: Timestamp::from_micros(at), batch: &batch };
        self.engine.append(&[batch], Durability::Buffered).await.unwrap();
        self.engine.flush().await.unwrap();
    }

    /// Compacts everything; the pages that were passed on meanwhile.
    async fn compact(&self) -> u64 {
        let before = self.engine.stats().compaction_passed_pages;
        self.engine.compact().await.unwrap();
        self.engine.stats().compaction_passed_pages - before
    }

    fn pages(&self) -> u64 {
        let files = self.engine.stats().keyspaces.into_iter().filter(|stats| stats.keyspace == TABLE);
        files.map(|stats| stats.versions).sum::<u64>() / EngineOptions::tiny().page_rows as u64
    }

    async fn rows(&self, at: u64) -> Vec<(Bytes, Bytes)> {
        let view = self.engine.view(Timestamp::from_micros(at), Scope::Database).unwrap();
        let mut scan = view.scan(TABLE, KeyRange::all(), ScanOptions::default()).unwrap();
        let mut rows = Vec::new();
        while let Some(batch) = scan.next().await.unwrap() {
            let own =
                |(key, value): (&[u8], &[u8])| (Bytes::copy_from_slice(key), Bytes::copy_from_slice(value));
            rows.extend(batch.keys.iter().zip(batch.values.iter()).map(own));
        }
        rows
    }

    async fn close_and_check(self) {
        self.engine.close().await.unwrap();
        let report = check::check(&self.root, &env(&self.clock, 9), &|_, _| {}).await.unwrap();
        assert!(report.findings.is_empty(), "{:?}", report.findings);
    }
}

fn value(key: u64, round: u64) -> String {
    format!("value {key} of round {round}")
}

fn expected(value: impl Fn(u64) -> Option<String>) -> Vec<(Bytes, Bytes)> {
    (0..ROWS).filter_map(|key| Some((key.to_be_bytes().to_vec().into(), value(key)?.into()))).collect()
}

#[tokio::test]
async fn pages_between_changes_are_passed_on() {
    let database = Database::new().await;
    database.write(10, (0..ROWS).map(|key| (key, Some(value(key, 1))))).await;
    // They become dense on their way to the bottom.
    let pages = database.pages();
    assert_eq!(database.compact().await, pages);
    assert_eq!(database.compact().await, 0, "there is nothing left to do");

    // Changes in two places: about the pages that they are in are written anew.
    let changed = |key: u64| (500..510).contains(&key) || key == 1_700;
    let deleted = |key: u64| key == 505;
    let second = |key: u64| (!deleted(key)).then(|| value(key, if changed(key) { 2 } else { 1 }));
    database.write(20, (0..ROWS).filter(|key| changed(*key)).map(|key| (key, second(key)))).await;
    let passed = database.compact().await;
    assert!((pages - 12..pages).contains(&passed), "{passed} of {pages} pages");
    assert_eq!(database.rows(20).await, expected(second));

    // New keys behind all others, and in front of them.
    database.write(30, (ROWS..ROWS + 100).map(|key| (key, Some(value(key, 3))))).await;
    let before = database.pages();
    let passed = database.compact().await;
    assert!(passed + 24 > before, "{passed} of {before} pages");
    database.close_and_check().await;
}

#[tokio::test]
async fn changes_everywhere_pass_nothing_on() {
    let database = Database::new().await;
    database.write(10, (0..ROWS).map(|key| (key, Some(value(key, 1))))).await;
    database.compact().await;
    let second = |key: u64| Some(value(key, if key % 8 == 3 { 2 } else { 1 }));
    database.write(20, (0..ROWS).filter(|key| key % 8 == 3).map(|key| (key, second(key)))).await;
    assert_eq!(database.compact().await, 0);
    assert_eq!(database.rows(20).await, expected(second));
    database.close_and_check().await;
}
