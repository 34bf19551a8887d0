//! Scans judge the rows of several files by windows of keys: the same rows come, each once, and in order
//! where one is wanted.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use rand::{RngExt, SeedableRng, rngs::StdRng};

use bygone_engine::{
    ColumnScanOptions, Durability, Engine, EngineOptions, KeyRange, KeyspaceId, ReadView, Root, ScanOptions,
    Scope, StampedBatch, Timestamp, WriteBatch,
    testing::{ManualClock, env},
};

const TABLE: KeyspaceId = KeyspaceId::new(1 << 20);

/// What each commit left.
type Moments = BTreeMap<u64, BTreeMap<Bytes, Bytes>>;

/// Keys of one length, which eight bytes tell apart.
fn numbers(number: u32) -> Bytes {
    Bytes::copy_from_slice(&u64::from(number).to_be_bytes())
}

/// Keys that differ behind the first eight bytes of what they do not all share, and in zeros at their ends.
fn texts(number: u32) -> Bytes {
    let mut key = format!("table/{}/as long as a head/{}", number % 3, number / 9).into_bytes();
    key.extend(std::iter::repeat_n(0, number as usize / 3 % 3));
    key.into()
}

/// Writes random commits, most of them into files of their own, over one large one.
async fn write(key: impl Fn(u32) -> Bytes, seed: u64) -> (Engine, Moments) {
    let mut rng = StdRng::seed_from_u64(seed);
    let clock = ManualClock::at(0);
    let options = EngineOptions {
        retention_us: u64::MAX,
        memtable_bytes: 1 << 20,
        level0_runs_compact: 100,
        level0_runs_slow: 100,
        level0_runs_stop: 100,
        ..EngineOptions::tiny()
    };
    let engine = Engine::open(Root::memory(), env(&clock, seed), options).await.unwrap();
    let (mut rows, mut moments) = (BTreeMap::new(), Moments::new());
    for commit in 1..20 {
        let mut batch = WriteBatch::new();
        let writes = if commit == 1 { 300 } else { rng.random_range(1..120) };
        let keys: BTreeSet<_> = (0..writes).map(|_| rng.random_range(0..400)).collect();
        for number in keys {
            let key = key(number);
            if rng.random_bool(0.7) {
                batch.put(TABLE, key.clone(), format!("{commit}"));
                rows.insert(key, Bytes::from(format!("{commit}")));
            } else {
                rows.remove(&key);
                batch.delete(TABLE, key);
            }
        }
        clock.set(commit * 10);
        let at = Timestamp::from_micros(commit * 10);
        engine.append(&[StampedBatch { at, batch: &batch }], Durability::Buffered).await.unwrap();
        moments.insert(commit * 10, rows.clone());
        if rng.random_bool(0.6) {
            engine.flush().await.unwrap();
        }
        if commit == 8 {
            engine.compact().await.unwrap();
        }
    }
    (engine, moments)
}

async fn keys(view: &ReadView, range: &KeyRange, batch_rows: usize, ordered: bool) -> Vec<Bytes> {
    let options = ColumnScanOptions { ordered, batch_rows, ..ColumnScanOptions::default() };
    let mut scan = view.scan_columns(TABLE, range, &options).unwrap();
    let mut keys = Vec::new();
    while let Some(set) = scan.next().await.unwrap() {
        assert!(set.len() <= batch_rows);
        keys.extend(set.keys().await.unwrap().iter().map(Bytes::copy_from_slice));
    }
    keys
}

/// Keys and values of rows as bytes.
async fn rows(view: &ReadView, range: KeyRange) -> Vec<(Bytes, Bytes)> {
    let options = ScanOptions { batch_rows: 30, ..ScanOptions::default() };
    let mut scan = view.scan(TABLE, range, options).unwrap();
    let mut rows = Vec::new();
    while let Some(batch) = scan.next().await.unwrap() {
        let copied = |bytes| Bytes::copy_from_slice(bytes);
        rows.extend(batch.keys.iter().map(copied).zip(batch.values.iter().map(copied)));
    }
    rows
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_several_files_come_each_once_whatever_their_keys_are() {
    for seed in 0..40 {
        let key = if seed % 2 == 0 { numbers } else { texts };
        let (engine, moments) = write(key, seed).await;
        for (at, expected) in &moments {
            let view = engine.view(Timestamp::from_micros(*at), Scope::Database).unwrap();
            let (low, high) = (key(100), key(300));
            let (low, high) = if low < high { (low, high) } else { (high, low) };
            for range in [KeyRange::all(), KeyRange::new(low..high)] {
                let expected: Vec<_> = expected
                    .iter()
                    .filter(|(key, _)| range.contains(key))
                    .map(|(k, v)| (k.clone(), v.clone()))
                    .collect();
                assert_eq!(rows(&view, range.clone()).await, expected, "seed {seed}, at {at}");
                for ordered in [true, false] {
                    for batch_rows in [3, 50, 8_192] {
                        let mut found = keys(&view, &range, batch_rows, ordered).await;
                        if !ordered {
                            found.sort();
                        }
                        assert!(
                            found.iter().eq(expected.iter().map(|(key, _)| key)),
                            "seed {seed}, at {at}, {ordered}"
                        );
                    }
                }
            }
        }
        engine.close().await.unwrap();
    }
}
