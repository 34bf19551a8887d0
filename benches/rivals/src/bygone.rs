//! Bygone as one of the stores.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use bygone_benches::{Bygone, Data, Key, KeyValue};
use tokio::runtime::Runtime;

struct Contestant {
    runtime: Runtime,
    db: Bygone,
    snapshots: usize,
}

pub fn open(dir: &Path) -> Box<dyn KeyValue> {
    let runtime = Runtime::new().expect("a runtime starts");
    let db = runtime.block_on(Bygone::open(dir));
    Box::new(Contestant { runtime, db, snapshots: 0 })
}

impl Contestant {
    fn view(&self, at_oldest: bool) -> bygone_benches::bygone::View {
        if at_oldest {
            return self.runtime.block_on(self.db.snapshots.view("s0")).expect("the snapshot is there");
        }
        self.db.store.view_now()
    }
}

impl KeyValue for Contestant {
    fn name(&self) -> String {
        "Bygone".into()
    }

    fn write(&mut self, data: Data, order: &[u32], round: u64) {
        self.runtime.block_on(self.db.write(data, order, round));
    }

    fn settle(&mut self) {
        self.runtime.block_on(self.db.store.engine().compact_to_shape()).expect("compaction succeeds");
    }

    fn gets(&self, keys: &[Key], at_oldest: bool) -> Vec<u32> {
        let view = self.view(at_oldest);
        self.runtime.block_on(self.db.gets_in(&view, keys)).0
    }

    fn scan(&self, at_oldest: bool) -> usize {
        let view = self.view(at_oldest);
        self.runtime.block_on(self.db.scan(&view))
    }

    fn ranges(&self, starts: &[Key]) {
        let view = self.view(false);
        self.runtime.block_on(async {
            for start in starts {
                self.db.range(&view, start, 100).await;
            }
        });
    }

    fn commits(&self, data: Data, writers: usize, each: usize) -> Duration {
        let start = Instant::now();
        self.runtime.block_on(async {
            let tasks: Vec<_> = (0..writers)
                .map(|writer| {
                    let db = self.db.clone();
                    tokio::spawn(async move {
                        for row in 0..each {
                            db.commit_one(data, row * writers + writer, 99).await;
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
        self.runtime.block_on(self.db.snapshot(&format!("s{}", self.snapshots)));
        self.snapshots += 1;
        true
    }
}
