//! Bygone on a real directory.

use std::{path::Path, sync::Arc, time::Instant};

pub use bygone_engine::ReadView as View;
use bygone_engine::{
    ColumnScanOptions, Durability, Engine, EngineOptions, Env, IngestOptions, KeyRange, KeyspaceId, ReadView, Root, ScanOptions,
    WriteBatch,
    store::{Disk, OsDisk},
};
use bygone_mvcc::{ExclusiveCommit, Store, StoreOptions};
use bygone_snapshots::{CreateSnapshot, Snapshots};
use bytes::Bytes;

use crate::Data;

/// Rows of one commit of a load or an update.
pub const BATCH_ROWS: usize = 1_000;

/// An open database with one keyspace.
#[derive(Clone, Debug)]
pub struct Bygone {
    /// The transactions.
    pub store: Store,
    /// The snapshots.
    pub snapshots: Snapshots,
    /// The keyspace that the rows are in.
    pub keyspace: KeyspaceId,
}

impl Bygone {
    /// Opens the database in `dir` with default options, creating it when there is none.
    pub async fn open(dir: &Path) -> Self {
        let disk: Arc<dyn Disk> = OsDisk::shared();
        let env = Env::system().expect("runs on a runtime");
        let engine = Engine::open(Root::local(disk, dir), env, EngineOptions::default()).await;
        let store = Store::open(engine.expect("the database opens"), StoreOptions::default());
        let snapshots = Snapshots::open(store.clone()).await.expect("the snapshots are readable");
        Self { store, snapshots, keyspace: KeyspaceId::new(1 << 20) }
    }

    /// Closes it.
    pub async fn close(self) {
        self.store.engine().close().await.expect("the last flush succeeds");
    }

    /// Writes rows in commits of [`BATCH_ROWS`], the last one durable.
    pub async fn write(&self, data: Data, order: &[u32], round: u64) {
        for rows in order.chunks(BATCH_ROWS) {
            let mut batch = WriteBatch::new();
            for &row in rows {
                let (key, value) = (data.key(row as usize), data.value(row as usize, round));
                batch.put(self.keyspace, Bytes::copy_from_slice(&key), Bytes::copy_from_slice(&value));
            }
            self.store.write(batch, Durability::Buffered).await.expect("the write succeeds");
        }
        self.store.engine().sync().await.expect("the log syncs");
    }

    /// Writes rows through a bulk ingest.
    pub async fn ingest(&self, data: Data, order: &[u32]) {
        let mut ingest = self.store.engine().ingest(self.keyspace, IngestOptions::default());
        for &row in order {
            let (key, value) = (data.key(row as usize), data.value(row as usize, 0));
            ingest.push(&key, Some(&value)).await.expect("the disk has room");
        }
        let run = ingest.finish().await.expect("the disk has room");
        let commit = ExclusiveCommit { runs: vec![run], ..ExclusiveCommit::default() };
        let lock = self.store.lock_exclusive(&[self.keyspace], "the load of a new table", 0).await;
        let lock = lock.expect("nobody else has the keyspace");
        self.store.commit_exclusive(&lock, commit).await.expect("the commit succeeds");
    }

    /// Sets one row, durably.
    pub async fn commit_one(&self, data: Data, row: usize, round: u64) {
        let transaction = self.store.begin();
        let (key, value) = (data.key(row), data.value(row, round));
        let put =
            transaction.put(self.keyspace, Bytes::copy_from_slice(&key), Bytes::copy_from_slice(&value));
        put.expect("the row is not too long");
        transaction.commit(Durability::Sync).await.expect("nobody else writes this row");
    }

    /// Creates a snapshot of everything.
    pub async fn snapshot(&self, name: &str) {
        self.snapshots.create(CreateSnapshot::database(name)).await.expect("the name is free");
    }

    /// Reads all rows; returns their number.
    pub async fn scan(&self, view: &ReadView) -> usize {
        let scan = view.scan(self.keyspace, KeyRange::all(), ScanOptions::default());
        let mut scan = scan.expect("the moment is readable");
        let mut rows = 0;
        while let Some(batch) = scan.next().await.expect("the pages are sound") {
            rows += batch.len();
            std::hint::black_box(&batch);
        }
        rows
    }

    /// Finds all rows of a moment without reading their values, in key order or page by page; returns their
    /// number.
    pub async fn find(&self, view: &ReadView, ordered: bool) -> usize {
        let options = ColumnScanOptions { ordered, ..ColumnScanOptions::default() };
        let scan = view.scan_columns(self.keyspace, &KeyRange::all(), &options);
        let mut scan = scan.expect("the moment is readable");
        let mut rows = 0;
        while let Some(set) = scan.next().await.expect("the pages are sound") {
            rows += set.len();
            std::hint::black_box(&set);
        }
        rows
    }

    /// Reads `limit` rows from `start` on; returns their number.
    pub async fn range(&self, view: &ReadView, start: &[u8], limit: usize) -> usize {
        let range = KeyRange::new(Bytes::copy_from_slice(start)..);
        let options = ScanOptions { limit: Some(limit), ..ScanOptions::default() };
        let mut scan = view.scan(self.keyspace, range, options).expect("the moment is readable");
        let mut rows = 0;
        while let Some(batch) = scan.next().await.expect("the pages are sound") {
            rows += batch.len();
            std::hint::black_box(&batch);
        }
        rows
    }

    /// Gets keys one by one at now, each in a view of its own; returns the nanoseconds of each and how many
    /// were there.
    pub async fn gets(&self, keys: &[crate::Key]) -> (Vec<u32>, usize) {
        let (mut times, mut found) = (Vec::with_capacity(keys.len()), 0);
        for key in keys {
            let start = Instant::now();
            let view = self.store.view_now();
            let value = view.get(self.keyspace, key).await.expect("the pages are sound");
            found += usize::from(std::hint::black_box(value).is_some());
            drop(view);
            times.push(start.elapsed().as_nanos() as u32);
        }
        (times, found)
    }

    /// Gets keys one by one in one view.
    pub async fn gets_in(&self, view: &ReadView, keys: &[crate::Key]) -> (Vec<u32>, usize) {
        let (mut times, mut found) = (Vec::with_capacity(keys.len()), 0);
        for key in keys {
            let start = Instant::now();
            let value = view.get(self.keyspace, key).await.expect("the pages are sound");
            found += usize::from(std::hint::black_box(value).is_some());
            times.push(start.elapsed().as_nanos() as u32);
        }
        (times, found)
    }
}
