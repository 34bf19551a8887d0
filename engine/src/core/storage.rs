//! Storage of one open engine: the root and what is kept of it in memory, and the names of new files.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicU64, Ordering},
};

use parking_lot::Mutex;

use crate::{
    Result, Root,
    manifest::{FileId, FileMeta},
    sst::{PageCache, Table},
    store::RootLock,
};

/// See the module documentation.
#[derive(Debug)]
pub(crate) struct Storage {
    pub(crate) root: Root,
    pub(crate) cache: PageCache,
    /// This writer's epoch.
    pub(crate) epoch: u64,
    pub(crate) read_only: bool,
    /// Number of the next file of this epoch.
    next_file: AtomicU64,
    /// Files that are being written or wait to be published.
    pending: Mutex<BTreeSet<FileId>>,
    /// Held until the engine is dropped or closed.
    lock: Mutex<Option<RootLock>>,
}

impl Storage {
    pub(crate) fn new(
        root: Root,
        cache: PageCache,
        epoch: u64,
        lock: Option<RootLock>,
        read_only: bool,
    ) -> Self {
        Self {
            root,
            cache,
            epoch,
            read_only,
            next_file: AtomicU64::new(1),
            pending: Mutex::default(),
            lock: Mutex::new(lock),
        }
    }

    /// The id that the next file gets; every file so far has a smaller one.
    pub(crate) fn next_file(&self) -> FileId {
        FileId { epoch: self.epoch, number: self.next_file.load(Ordering::Relaxed) }
    }

    /// Reserves the id of a new file, which the collector leaves alone until [`Self::release_file`].
    pub(crate) fn reserve_file(&self) -> FileId {
        let number = self.next_file.fetch_add(1, Ordering::Relaxed);
        let id = FileId { epoch: self.epoch, number };
        self.pending.lock().insert(id);
        id
    }

    pub(crate) fn release_file(&self, id: FileId) {
        self.pending.lock().remove(&id);
    }

    /// The files that are being written or wait to be published.
    pub(crate) fn pending_files(&self) -> BTreeSet<FileId> {
        self.pending.lock().clone()
    }

    /// Opens tables whose files were just written or are named by the manifest.
    pub(crate) async fn open_tables(&self, files: &[FileMeta]) -> Result<Vec<Table>> {
        let mut tables = Vec::with_capacity(files.len());
        for file in files {
            tables.push(Box::pin(Table::open(&self.root, file, &self.cache)).await?);
        }
        Ok(tables)
    }

    /// Lets other processes have the root.
    pub(crate) fn unlock(&self) {
        *self.lock.lock() = None;
    }
}
