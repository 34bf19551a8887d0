//! Writes a sorted run: table files of bounded size, cut between keys.

use std::{
    borrow::Borrow,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use crate::{
    Error, Result,
    manifest::{FileId, FileMeta},
    shared::Shared,
    sst::{Compression, Table, TableOptions, TableWriter},
    state::Edit,
    types::{KeyspaceId, VersionRef},
};

/// Files that are being written or wait to be published: the collector leaves them alone while this lives. Dropping it
/// removes those of a local root, unless a manifest may name them.
#[derive(Debug)]
pub(crate) struct PendingFiles {
    shared: Arc<Shared>,
    ids: Vec<FileId>,
    may_be_named: AtomicBool,
}

impl PendingFiles {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, ids: Vec::new(), may_be_named: AtomicBool::new(false) }
    }

    /// Reserves the next file id.
    pub(crate) fn reserve(&mut self) -> FileId {
        let id = self.shared.next_file();
        self.shared.pending.lock().insert(id);
        self.ids.push(id);
        id
    }
}

impl Drop for PendingFiles {
    fn drop(&mut self) {
        if !*self.may_be_named.get_mut() {
            self.ids.iter().for_each(|id| self.remove_unused(*id));
        }
        let mut pending = self.shared.pending.lock();
        for id in &self.ids {
            pending.remove(id);
        }
    }
}

impl PendingFiles {
    /// What cannot be removed is left to the collector.
    fn remove_unused(&self, id: FileId) {
        let (name, root) = (id.object_name(), &self.shared.root);
        if let Some(local) = root.local_dir().filter(|_| !root.has_readers(&name))
            && let Err(error) = local.remove(&name)
        {
            tracing::warn!(%error, name, "a file that nothing needs could not be removed");
        }
    }
}

impl Shared {
    /// As [`Shared::publish`], of an edit that names the files of `pending`: they are removed when nothing was published.
    pub(crate) async fn publish_files(
        &self,
        edit: Edit,
        pending: Vec<impl Borrow<PendingFiles>>,
    ) -> Result<()> {
        let set = |may_be_named| {
            for files in &pending {
                files.borrow().may_be_named.store(may_be_named, Ordering::Relaxed);
            }
        };
        set(true);
        let outcome = self.publish(edit).await;
        if matches!(outcome, Err(Error::Unavailable { .. } | Error::Invalid(_))) {
            set(false);
        }
        outcome
    }
}

/// See the module documentation.
#[derive(Debug)]
pub(crate) struct RunWriter {
    shared: Arc<Shared>,
    options: TableOptions,
    pending: PendingFiles,
    table: Option<TableWriter>,
    files: Vec<FileMeta>,
}

/// The place behind what a [`RunWriter`] was given.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OutputPosition<'w> {
    open_rows: usize,
    options: &'w TableOptions,
}

impl OutputPosition<'_> {
    /// Whether a page can be added as it is stored. It ends the page that is being filled, so that must be large enough,
    /// unless `pays` says that many more follow.
    pub(crate) fn takes(self, from: &Table, page: usize, pays: impl FnOnce() -> bool) -> bool {
        let is_ready = self.open_rows == 0 || self.open_rows * 4 >= self.options.page_rows_max;
        self.options.takes(from, page) && (is_ready || pays())
    }
}

impl RunWriter {
    /// A run of `keyspace`, in the layout that its rows have.
    pub(crate) fn new(shared: Arc<Shared>, keyspace: KeyspaceId) -> Self {
        let pending = PendingFiles::new(Arc::clone(&shared));
        let options = shared.table_options(keyspace);
        Self { shared, options, pending, table: None, files: Vec::new() }
    }

    /// A run below which nothing is, or of history: its files stay, so they are made small.
    pub(crate) fn dense(shared: Arc<Shared>, keyspace: KeyspaceId) -> Self {
        let mut writer = Self::new(shared, keyspace);
        writer.options.compression = Compression::Dense;
        writer
    }

    /// A run that will only be read once, to be merged with others.
    pub(crate) fn temporary(shared: Arc<Shared>, keyspace: KeyspaceId) -> Self {
        let mut writer = Self::new(shared, keyspace);
        writer.options = TableOptions { filter: false, schema: None, ..writer.options };
        writer
    }

    /// Adds a version: keys ascending, begins descending within a key.
    pub(crate) async fn push(&mut self, version: VersionRef<'_>) -> Result<()> {
        self.table_for(version.key).await?.push(version).await
    }

    /// Adds a page that [`OutputPosition::takes`], as it is stored.
    pub(crate) async fn push_page(&mut self, from: &Table, page: usize) -> Result<()> {
        self.table_for(from.index().first_key(page)).await?.push_page(from, page).await
    }

    /// What can be added now.
    pub(crate) fn position(&self) -> OutputPosition<'_> {
        let open_rows = self.table.as_ref().map_or(0, TableWriter::open_rows);
        OutputPosition { open_rows, options: &self.options }
    }

    /// The table that a version or page beginning with `key` goes to.
    async fn table_for(&mut self, key: &[u8]) -> Result<&mut TableWriter> {
        let is_full = self.table.as_ref().is_some_and(|table| {
            table.last_key() != key && table.len_estimate() >= self.shared.options.table_bytes
        });
        if is_full {
            self.close_table().await?;
        }
        if self.table.is_none() {
            let id = self.pending.reserve();
            self.table = Some(TableWriter::create(&self.shared.root, id, &self.options).await?);
        }
        Ok(self.table.as_mut().expect("a table was just made"))
    }

    async fn close_table(&mut self) -> Result<()> {
        if let Some(table) = self.table.take() {
            self.files.push(table.finish().await?);
        }
        Ok(())
    }

    /// Closes the last file. The files are durable; they are collected unless they are published while the returned
    /// guard lives.
    pub(crate) async fn finish(mut self) -> Result<(Vec<FileMeta>, PendingFiles)> {
        self.close_table().await?;
        Ok((self.files, self.pending))
    }
}
