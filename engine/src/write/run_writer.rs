//! Writes a sorted run: table files of bounded size, cut between keys.

use std::sync::Arc;

use crate::{
    Result,
    manifest::{FileId, FileMeta},
    shared::Shared,
    sst::{Compression, TableOptions, TableWriter},
    types::{KeyspaceId, VersionRef},
};

/// Files that are being written or wait to be published: the collector leaves them alone while this lives.
#[derive(Debug)]
pub(crate) struct PendingFiles {
    shared: Arc<Shared>,
    ids: Vec<FileId>,
}

impl PendingFiles {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, ids: Vec::new() }
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
        let mut pending = self.shared.pending.lock();
        for id in &self.ids {
            pending.remove(id);
        }
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

impl RunWriter {
    /// A run of `keyspace`, in the layout that its rows have.
    pub(crate) fn new(shared: Arc<Shared>, keyspace: KeyspaceId) -> Self {
        let pending = PendingFiles::new(Arc::clone(&shared));
        let options = shared.table_options(keyspace);
        Self { shared, options, pending, table: None, files: Vec::new() }
    }

    /// A run below which nothing is, or of history: its files stay, so they are made small.
    pub(crate) fn lasting(shared: Arc<Shared>, keyspace: KeyspaceId) -> Self {
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
        let is_full = self.table.as_ref().is_some_and(|table| {
            table.last_key() != version.key && table.len_estimate() >= self.shared.options.table_bytes
        });
        if is_full {
            self.close_table().await?;
        }
        if self.table.is_none() {
            let id = self.pending.reserve();
            self.table = Some(TableWriter::create(&self.shared.root, id, &self.options).await?);
        }
        let table = self.table.as_mut().expect("a table was just made");
        table.push(version).await
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
