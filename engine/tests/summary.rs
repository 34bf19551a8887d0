//! What a view says of its rows without reading them.

use std::sync::Arc;

use rand::{Rng, RngExt, SeedableRng, rngs::StdRng};

use bygone_engine::{
    Durability, Engine, EngineOptions, IngestOptions, KeyRange, KeyspaceId, Pin, ReadView, Root, RowSummary,
    ScanOptions, Scope, StampedBatch, Timestamp, WriteBatch,
    testing::{ManualClock, env, random_row, row_key, row_schema},
};

const TABLE: KeyspaceId = KeyspaceId::new(1 << 20);
const OTHER: KeyspaceId = KeyspaceId::new(1 << 21);

struct Database {
    clock: Arc<ManualClock>,
    engine: Engine,
    last: u64,
}

impl Database {
    async fn new() -> Self {
        let clock = ManualClock::at(0);
        let options = EngineOptions { retention_us: 0, ..EngineOptions::tiny() };
        let engine = Engine::open(Root::memory(), env(&clock, 7), options).await.unwrap();
        engine.define_rows(TABLE, 1, row_schema);
        engine.start_maintenance();
        Self { clock, engine, last: 0 }
    }

    fn tick(&mut self) -> Timestamp {
        self.last += 1;
        self.clock.set(self.last);
        Timestamp::from_micros(self.last)
    }

    async fn commit(&mut self, fill: impl FnOnce(&mut WriteBatch)) {
        let (at, mut batch) = (self.tick(), WriteBatch::new());
        fill(&mut batch);
        self.engine.wait_for_room().await.unwrap();
        self.engine.append(&[StampedBatch { at, batch: &batch }], Durability::Buffered).await.unwrap();
    }

    async fn put(&mut self, keys: std::ops::Range<u32>, rng: &mut impl Rng) {
        let rows: Vec<_> = keys.map(|key| (row_key(key), random_row(rng))).collect();
        self.commit(|batch| rows.into_iter().for_each(|(key, row)| batch.put(TABLE, key, row))).await;
    }

    fn pin(&self) -> Pin {
        self.engine.pin(Timestamp::from_micros(self.last), Scope::Database).unwrap()
    }

    fn view(&self, at: u64) -> ReadView {
        self.engine.view(Timestamp::from_micros(at), Scope::keyspaces([TABLE])).unwrap()
    }

    fn now(&self) -> RowSummary {
        self.view(self.last).summary(TABLE, &[5]).unwrap()
    }
}

async fn count(view: &ReadView) -> u64 {
    let mut scan = view.scan(TABLE, KeyRange::all(), ScanOptions::default()).unwrap();
    let mut rows = 0;
    while let Some(batch) = scan.next().await.unwrap() {
        rows += batch.len() as u64;
    }
    rows
}

#[tokio::test]
async fn rows_are_counted_exactly_only_while_every_stored_version_is_one_of_them() {
    let (mut db, mut rng) = (Database::new().await, StdRng::seed_from_u64(1));
    assert_eq!((db.now().rows, db.now().is_exact), (0, true), "of an empty keyspace");
    db.put(0..100, &mut rng).await;
    assert!(!db.now().is_exact, "rows in memory may be hidden by others there");
    db.engine.flush().await.unwrap();
    assert_eq!((db.now().rows, db.now().is_exact), (100, true));
    db.commit(|batch| batch.put(OTHER, "k", "v")).await;
    assert!(db.now().is_exact, "rows of another keyspace in memory change nothing");

    let pin = db.pin();
    let before = db.last;
    db.put(40..60, &mut rng).await;
    db.engine.flush().await.unwrap();
    assert!(!db.now().is_exact, "a newer file holds some of the keys");
    let early = db.view(before).summary(TABLE, &[]).unwrap();
    assert_eq!((early.rows, early.is_exact), (100, true), "what began later hides nothing");

    db.engine.compact().await.unwrap();
    assert_eq!((db.now().rows, db.now().is_exact), (100, true), "the ended values are in history");
    assert!(!db.view(before).summary(TABLE, &[]).unwrap().is_exact, "where some are alive at the moment");
    drop(pin);

    db.put(100..120, &mut rng).await;
    db.engine.flush().await.unwrap();
    assert_eq!((db.now().rows, db.now().is_exact), (120, true), "two files without a key in common");
    let pin = db.pin();
    db.commit(|batch| batch.delete(TABLE, row_key(7))).await;
    db.engine.flush().await.unwrap();
    assert_eq!((db.now().rows, db.now().is_exact), (119, false), "a delete hides a row below it");
    db.engine.compact().await.unwrap();
    assert_eq!((db.now().rows, db.now().is_exact), (119, true), "and none, once that is in history");
    drop(pin);
}

#[tokio::test]
async fn an_exact_count_is_that_of_a_scan_in_random_histories() {
    let (mut exact, mut others) = (0, 0);
    for seed in 0..12 {
        let (mut db, mut rng) = (Database::new().await, StdRng::seed_from_u64(seed));
        let mut pins: Vec<Pin> = Vec::new();
        for _ in 0..60 {
            match rng.random_range(0..10) {
                0..3 => {
                    let from = rng.random_range(0..200);
                    let to = from + rng.random_range(1..40);
                    db.put(from..to, &mut rng).await;
                }
                3 => {
                    let key = row_key(rng.random_range(0..240));
                    db.commit(|batch| batch.delete(TABLE, key)).await;
                }
                4 => pins.push(db.pin()),
                5 if !pins.is_empty() => drop(pins.swap_remove(rng.random_range(0..pins.len()))),
                6 => db.engine.compact_to_shape().await.unwrap(),
                7 => db.engine.compact().await.unwrap(),
                8 => {
                    let mut ingest = db.engine.ingest(TABLE, IngestOptions::default());
                    let from = rng.random_range(0..200);
                    for key in from..from + rng.random_range(1..60) {
                        ingest.push(&row_key(key), Some(&random_row(&mut rng))).await.unwrap();
                    }
                    let run = ingest.finish().await.unwrap();
                    let at = db.tick();
                    db.engine.publish_ingest(at, vec![run]).await.unwrap();
                }
                _ => db.engine.flush().await.unwrap(),
            }
            let moments = pins.iter().map(|pin| pin.timestamp().as_micros()).chain([db.last]);
            for at in moments {
                let view = db.view(at);
                let summary = view.summary(TABLE, &[5, 12]).unwrap();
                if summary.is_exact {
                    assert_eq!(summary.rows, count(&view).await, "seed {seed} at {at}");
                    exact += 1;
                } else {
                    others += 1;
                }
            }
        }
    }
    assert!(exact > 100 && others > 100, "{exact} and {others}");
}
