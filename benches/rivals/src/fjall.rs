//! fjall: log-structured, snapshots in the process only.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use bygone_benches::{Data, Key, KeyValue, contest::time_each};
use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode, Readable, Snapshot};

use crate::CACHE_BYTES;

struct Contestant {
    db: Database,
    rows: Keyspace,
    snapshots: Vec<Snapshot>,
}

pub fn open(dir: &Path) -> Box<dyn KeyValue> {
    let db = Database::builder(dir).cache_size(CACHE_BYTES).open().expect("fjall opens");
    let rows = db.keyspace("rows", KeyspaceCreateOptions::default).expect("a keyspace can be made");
    Box::new(Contestant { db, rows, snapshots: Vec::new() })
}

impl KeyValue for Contestant {
    fn name(&self) -> String {
        "fjall 3.1".into()
    }

    fn write(&mut self, data: Data, order: &[u32], round: u64) {
        for rows in order.chunks(1_000) {
            let mut batch = self.db.batch();
            for &row in rows {
                batch.insert(&self.rows, data.key(row as usize), data.value(row as usize, round));
            }
            batch.commit().expect("fjall writes");
        }
        self.db.persist(PersistMode::SyncData).expect("fjall syncs");
    }

    fn settle(&mut self) {
        self.rows.rotate_memtable_and_wait().expect("fjall flushes");
        while self.db.outstanding_flushes() + self.db.active_compactions() > 0 {
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn gets(&self, keys: &[Key], at_oldest: bool) -> Vec<u32> {
        if at_oldest {
            return time_each(keys, |key| self.snapshots[0].get(&self.rows, key).expect("fjall reads"));
        }
        time_each(keys, |key| self.rows.get(key).expect("fjall reads"))
    }

    fn scan(&self, at_oldest: bool) -> usize {
        let rows = if at_oldest { self.snapshots[0].iter(&self.rows) } else { self.rows.iter() };
        rows.map(|row| std::hint::black_box(row.into_inner().expect("fjall reads"))).count()
    }

    fn ranges(&self, starts: &[Key]) {
        for start in starts {
            for row in self.rows.range::<&Key, _>(start..).take(100) {
                std::hint::black_box(row.into_inner().expect("fjall reads"));
            }
        }
    }

    fn commits(&self, data: Data, writers: usize, each: usize) -> Duration {
        let start = Instant::now();
        std::thread::scope(|scope| {
            for writer in 0..writers {
                scope.spawn(move || {
                    for row in 0..each {
                        let row = row * writers + writer;
                        let mut batch = self.db.batch().durability(Some(PersistMode::SyncData));
                        batch.insert(&self.rows, data.key(row), data.value(row, 99));
                        batch.commit().expect("fjall writes");
                    }
                });
            }
        });
        start.elapsed()
    }

    fn snapshot(&mut self) -> bool {
        self.snapshots.push(self.db.snapshot());
        true
    }
}
