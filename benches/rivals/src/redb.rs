//! redb: a copy-on-write B-tree; an open read transaction is its snapshot.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use bygone_benches::{Data, Key, KeyValue, contest::time_each};
use redb::{
    Database, Durability, ReadOnlyTable, ReadTransaction, ReadableDatabase, ReadableTable, TableDefinition,
};

use crate::CACHE_BYTES;

const ROWS: TableDefinition<'_, &[u8; 16], &[u8]> = TableDefinition::new("rows");

struct Contestant {
    db: Database,
    snapshots: Vec<ReadTransaction>,
}

pub fn open(dir: &Path) -> Box<dyn KeyValue> {
    let db = Database::builder()
        .set_cache_size(CACHE_BYTES as usize)
        .create(dir.join("redb"))
        .expect("redb opens");
    Box::new(Contestant { db, snapshots: Vec::new() })
}

impl Contestant {
    fn table(&self, at_oldest: bool) -> ReadOnlyTable<&'static [u8; 16], &'static [u8]> {
        if at_oldest {
            return self.snapshots[0].open_table(ROWS).expect("the table is there");
        }
        self.db.begin_read().expect("redb reads").open_table(ROWS).expect("the table is there")
    }

    fn write_rows(&self, data: Data, rows: &[u32], round: u64, durability: Durability) {
        let mut transaction = self.db.begin_write().expect("redb writes");
        transaction.set_durability(durability).expect("no savepoint is in the way");
        {
            let mut table = transaction.open_table(ROWS).expect("the table can be opened");
            for &row in rows {
                let (key, value) = (data.key(row as usize), data.value(row as usize, round));
                table.insert(&key, value.as_slice()).expect("redb writes");
            }
        }
        transaction.commit().expect("redb commits");
    }
}

impl KeyValue for Contestant {
    fn name(&self) -> String {
        "redb 4.4".into()
    }

    fn write(&mut self, data: Data, order: &[u32], round: u64) {
        let mut chunks = order.chunks(1_000).peekable();
        while let Some(rows) = chunks.next() {
            let durability = if chunks.peek().is_some() { Durability::None } else { Durability::Immediate };
            self.write_rows(data, rows, round, durability);
        }
    }

    fn settle(&mut self) {}

    fn gets(&self, keys: &[Key], at_oldest: bool) -> Vec<u32> {
        let table = self.table(at_oldest);
        time_each(keys, |key| table.get(key).expect("redb reads").map(|value| value.value().to_vec()))
    }

    fn scan(&self, at_oldest: bool) -> usize {
        let table = self.table(at_oldest);
        let rows = table.iter().expect("redb reads");
        rows.map(|row| {
            let (key, value) = row.expect("redb reads");
            std::hint::black_box((*key.value(), value.value().len()))
        })
        .count()
    }

    fn ranges(&self, starts: &[Key]) {
        let table = self.table(false);
        for start in starts {
            for row in table.range::<&Key>(start..).expect("redb reads").take(100) {
                let (key, value) = row.expect("redb reads");
                std::hint::black_box((*key.value(), value.value().len()));
            }
        }
    }

    fn commits(&self, data: Data, writers: usize, each: usize) -> Duration {
        let start = Instant::now();
        std::thread::scope(|scope| {
            for writer in 0..writers {
                scope.spawn(move || {
                    for row in 0..each {
                        let row = (row * writers + writer) as u32;
                        self.write_rows(data, &[row], 99, Durability::Immediate);
                    }
                });
            }
        });
        start.elapsed()
    }

    fn snapshot(&mut self) -> bool {
        self.snapshots.push(self.db.begin_read().expect("redb reads"));
        true
    }
}
