//! SurrealKV with versions: gets of the past by time, scans of it in a transaction that was kept open.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use bygone_benches::{Data, Key, KeyValue, contest::time_each};
use surrealkv::{Durability, LSMIterator, Mode, Transaction, Tree, TreeBuilder};
use tokio::runtime::Runtime;

use crate::CACHE_BYTES;

struct Contestant {
    runtime: Runtime,
    tree: Tree,
    /// The past: a time in nanoseconds, and a transaction that reads it.
    snapshots: Vec<(u64, Transaction)>,
}

pub fn open(dir: &Path) -> Box<dyn KeyValue> {
    let runtime = Runtime::new().expect("a runtime starts");
    let builder = TreeBuilder::new().with_path(dir.into()).with_versioning(true, 0);
    let builder = builder.with_block_cache_capacity(CACHE_BYTES);
    let tree = runtime.block_on(async { builder.build().expect("SurrealKV opens") });
    Box::new(Contestant { runtime, tree, snapshots: Vec::new() })
}

async fn write_rows(tree: &Tree, data: Data, rows: &[u32], round: u64, durability: Durability) {
    let mut transaction = tree.begin_with_mode(Mode::WriteOnly).expect("SurrealKV begins");
    transaction.set_durability(durability);
    for &row in rows {
        let (key, value) = (data.key(row as usize), data.value(row as usize, round));
        transaction.set(key.as_slice(), value.as_slice()).expect("SurrealKV writes");
    }
    transaction.commit().await.expect("SurrealKV commits");
}

fn rows(mut rows: impl LSMIterator, limit: usize) -> usize {
    let mut count = 0;
    rows.seek_first().expect("SurrealKV reads");
    while rows.valid() && count < limit {
        std::hint::black_box((rows.key().user_key().len(), rows.value().expect("SurrealKV reads")));
        rows.next().expect("SurrealKV reads");
        count += 1;
    }
    count
}

impl KeyValue for Contestant {
    fn name(&self) -> String {
        "SurrealKV 1.2".into()
    }

    fn write(&mut self, data: Data, order: &[u32], round: u64) {
        self.runtime.block_on(async {
            for rows in order.chunks(1_000) {
                write_rows(&self.tree, data, rows, round, Durability::Eventual).await;
            }
        });
        self.tree.flush_wal(true).expect("SurrealKV syncs");
    }

    fn settle(&mut self) {
        // Compaction runs by itself; nothing tells when it has come round.
        std::thread::sleep(Duration::from_secs(5));
    }

    fn gets(&self, keys: &[Key], at_oldest: bool) -> Vec<u32> {
        let transaction = self.tree.begin_with_mode(Mode::ReadOnly).expect("SurrealKV begins");
        if at_oldest {
            let at = self.snapshots[0].0;
            return time_each(keys, |key| transaction.get_at(key.as_slice(), at).expect("SurrealKV reads"));
        }
        time_each(keys, |key| transaction.get(key.as_slice()).expect("SurrealKV reads"))
    }

    fn scan(&self, at_oldest: bool) -> usize {
        if at_oldest {
            return rows(self.snapshots[0].1.iter().expect("SurrealKV reads"), usize::MAX);
        }
        let transaction = self.tree.begin_with_mode(Mode::ReadOnly).expect("SurrealKV begins");
        let count = rows(transaction.iter().expect("SurrealKV reads"), usize::MAX);
        count
    }

    fn ranges(&self, starts: &[Key]) {
        let transaction = self.tree.begin_with_mode(Mode::ReadOnly).expect("SurrealKV begins");
        for start in starts {
            rows(transaction.range(start.to_vec(), b"~".to_vec()).expect("SurrealKV reads"), 100);
        }
    }

    fn commits(&self, data: Data, writers: usize, each: usize) -> Duration {
        let start = Instant::now();
        self.runtime.block_on(async {
            let tasks: Vec<_> = (0..writers)
                .map(|writer| {
                    let tree = self.tree.clone();
                    tokio::spawn(async move {
                        for row in 0..each {
                            let row = (row * writers + writer) as u32;
                            write_rows(&tree, data, &[row], 99, Durability::Immediate).await;
                        }
                    })
                })
                .collect();
            for task in tasks {
                task.await.expect("the writer does not panic");
            }
        });
        start.elapsed()
    }

    fn snapshot(&mut self) -> bool {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let transaction = self.tree.begin_with_mode(Mode::ReadOnly).expect("SurrealKV begins");
        self.snapshots.push((now.as_nanos() as u64, transaction));
        true
    }
}
