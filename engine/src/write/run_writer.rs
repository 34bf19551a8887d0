//! Writes a sorted run: table files of bounded size, cut between keys.

use std::sync::Arc;

use crate::{
    Result,
    core::{Core, PendingFiles},
    manifest::FileMeta,
    sst::{Compression, Table, TableOptions, TableWriter},
    types::{KeyspaceId, VersionRef},
};

/// See the module documentation.
#[derive(Debug)]
pub(crate) struct RunWriter {
    core: Arc<Core>,
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
    /// Whether a page can be added as it is stored. It ends the page that is being filled, so that must be
    /// large enough, unless `pays` says that many more follow.
    pub(crate) fn takes(self, from: &Table, page: usize, pays: impl FnOnce() -> bool) -> bool {
        let is_ready = self.open_rows == 0 || self.open_rows * 4 >= self.options.page_rows_max;
        self.options.takes(from, page) && (is_ready || pays())
    }
}

impl RunWriter {
    /// A run of `keyspace`, in the layout that its rows have.
    pub(crate) fn new(core: Arc<Core>, keyspace: KeyspaceId) -> Self {
        let pending = PendingFiles::new(Arc::clone(&core));
        let options = core.table_options(keyspace);
        Self { core, options, pending, table: None, files: Vec::new() }
    }

    /// A run below which nothing is, or of history: its files stay, so they are made small.
    pub(crate) fn dense(core: Arc<Core>, keyspace: KeyspaceId) -> Self {
        let mut writer = Self::new(core, keyspace);
        writer.options.compression = Compression::Dense;
        writer
    }

    /// A run that will only be read once, to be merged with others.
    pub(crate) fn temporary(core: Arc<Core>, keyspace: KeyspaceId) -> Self {
        let mut writer = Self::new(core, keyspace);
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

    /// Position that says whether a page can be added now.
    pub(crate) fn position(&self) -> OutputPosition<'_> {
        let open_rows = self.table.as_ref().map_or(0, TableWriter::open_rows);
        OutputPosition { open_rows, options: &self.options }
    }

    /// The table that a version or page beginning with `key` goes to.
    async fn table_for(&mut self, key: &[u8]) -> Result<&mut TableWriter> {
        let is_full = self.table.as_ref().is_some_and(|table| {
            table.last_key() != key && table.len_estimate() >= self.core.options.table_bytes
        });
        if is_full {
            self.close_table().await?;
        }
        if self.table.is_none() {
            let id = self.pending.reserve();
            self.table = Some(TableWriter::create(&self.core.storage.root, id, &self.options).await?);
        }
        Ok(self.table.as_mut().expect("a table was just made"))
    }

    async fn close_table(&mut self) -> Result<()> {
        if let Some(table) = self.table.take() {
            self.files.push(table.finish().await?);
        }
        Ok(())
    }

    /// Closes the last file. The files are durable; they are collected unless they are published while the
    /// returned guard lives.
    pub(crate) async fn finish(mut self) -> Result<(Vec<FileMeta>, PendingFiles)> {
        self.close_table().await?;
        Ok((self.files, self.pending))
    }
}
