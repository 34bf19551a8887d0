//! SlateDB on a local directory; its local store does not sync. Snapshots in the process only.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use bygone_benches::{Data, Key, KeyValue};
use slatedb::{
    Db, DbIterator, DbSnapshot, Settings, WriteBatch,
    db_cache::foyer::{FoyerCache, FoyerCacheOptions},
    object_store::local::LocalFileSystem,
};
use tokio::runtime::Runtime;

use crate::CACHE_BYTES;

struct Contestant {
    runtime: Runtime,
    db: Db,
    snapshots: Vec<Arc<DbSnapshot>>,
}

pub fn open(dir: &Path) -> Box<dyn KeyValue> {
    let runtime = Runtime::new().expect("a runtime starts");
    let files = LocalFileSystem::new_with_prefix(dir).expect("the directory is there");
    let cache = FoyerCache::new_with_opts(FoyerCacheOptions {
        max_capacity: CACHE_BYTES,
        ..FoyerCacheOptions::default()
    });
    // A commit is durable with the next flush of the log, which otherwise comes every 100 ms.
    let settings = Settings { flush_interval: Some(Duration::from_millis(1)), ..Settings::default() };
    let builder = Db::builder("rows", Arc::new(files)).with_settings(settings);
    let db = runtime.block_on(builder.with_db_cache(Arc::new(cache), 0).build()).expect("SlateDB opens");
    Box::new(Contestant { runtime, db, snapshots: Vec::new() })
}

async fn rows(mut rows: DbIterator, limit: usize) -> usize {
    let mut count = 0;
    while count < limit
        && let Some(row) = rows.next().await.expect("SlateDB reads")
    {
        std::hint::black_box(row);
        count += 1;
    }
    count
}

impl KeyValue for Contestant {
    fn name(&self) -> String {
        "SlateDB 0.18".into()
    }

    fn write(&mut self, data: Data, order: &[u32], round: u64) {
        self.runtime.block_on(async {
            for rows in order.chunks(1_000) {
                let mut batch = WriteBatch::new();
                for &row in rows {
                    batch.put(data.key(row as usize), data.value(row as usize, round));
                }
                self.db.write(batch).await.expect("SlateDB writes");
            }
            self.db.flush().await.expect("SlateDB flushes");
        });
    }

    fn settle(&mut self) {
        self.runtime.block_on(self.db.flush()).expect("SlateDB flushes");
        // Compaction runs by itself; nothing tells when it has come round.
        std::thread::sleep(Duration::from_secs(5));
    }

    fn gets(&self, keys: &[Key], at_oldest: bool) -> Vec<u32> {
        self.runtime.block_on(async {
            let mut times = Vec::with_capacity(keys.len());
            for key in keys {
                let start = Instant::now();
                let value = if at_oldest { self.snapshots[0].get(key).await } else { self.db.get(key).await };
                std::hint::black_box(value.expect("SlateDB reads"));
                times.push(start.elapsed().as_nanos() as u32);
            }
            times
        })
    }

    fn scan(&self, at_oldest: bool) -> usize {
        self.runtime.block_on(async {
            let found = if at_oldest {
                self.snapshots[0].scan::<std::ops::RangeFull>(..).await
            } else {
                self.db.scan::<std::ops::RangeFull>(..).await
            };
            rows(found.expect("SlateDB reads"), usize::MAX).await
        })
    }

    fn ranges(&self, starts: &[Key]) {
        self.runtime.block_on(async {
            for start in starts {
                rows(self.db.scan(start.to_vec()..).await.expect("SlateDB reads"), 100).await;
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
                            let row = row * writers + writer;
                            let put = db.put(data.key(row), data.value(row, 99)).await;
                            put.expect("SlateDB writes").await_durable().await.expect("SlateDB writes");
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
        self.snapshots.push(self.db.snapshot().expect("SlateDB keeps a snapshot"));
        true
    }
}
