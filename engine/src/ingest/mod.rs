//! Bulk ingest: sorted table files that become visible by one manifest edit.
//!
//! ```text
//!   push ─▶ buffer ─ full ─▶ sort ─▶ spilled run ┐
//!                                    spilled run ├─ merge ─▶ run ─ publish at w ─▶ newest run of the keyspace
//!                        finish ─▶   spilled run ┘
//! ```
//!
//! The files are written before the commit timestamp is known: their `begin` is a constant of the file that the
//! manifest gives. No log, no memtable, no copy; memory is bounded by the buffer.

mod buffer;
mod finish;

use std::sync::Arc;

use bytes::Bytes;

use buffer::SortBuffer;

use crate::{
    Error, ReadView, Result,
    manifest::FileMeta,
    shared::Shared,
    types::{KEY_BYTES_MAX, KeyspaceId, Kind, Timestamp, VALUE_BYTES_MAX, VersionRef},
    write::{PendingFiles, RunWriter},
};

/// What happens to a key that is pushed twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnDuplicate {
    /// The ingest fails with `DuplicateKey`.
    #[default]
    Fail,
    /// The later push counts.
    KeepLast,
}

/// How to ingest.
#[derive(Clone, Debug, Default)]
pub struct IngestOptions {
    /// What happens to a key that is pushed twice.
    pub on_duplicate: OnDuplicate,
    /// Fail with `DuplicateKey` when a pushed key has a value in this view. The writer must keep others from writing
    /// to the keyspace between the view and the publication.
    pub absent_from: Option<ReadView>,
}

/// A sorted run on storage that is not visible.
#[derive(Debug)]
struct Spilled {
    files: Vec<FileMeta>,
    pending: PendingFiles,
}

/// A bulk ingest that is being written.
///
/// # Cancel safety
/// Dropping it, or any future of it, leaves only files that nothing references; the collector deletes them.
#[derive(Debug)]
pub struct Ingest {
    shared: Arc<Shared>,
    keyspace: KeyspaceId,
    options: IngestOptions,
    buffer: SortBuffer,
    spilled: Vec<Spilled>,
    /// The spilled runs are one run, as they are.
    is_ordered: bool,
}

/// A finished ingest, to be made visible by [`crate::Engine::publish_ingest`].
#[derive(Debug)]
pub struct IngestedRun {
    pub(crate) keyspace: KeyspaceId,
    pub(crate) files: Vec<FileMeta>,
    pub(crate) pending: Vec<PendingFiles>,
}

impl IngestedRun {
    /// Where the run goes.
    pub fn keyspace(&self) -> KeyspaceId {
        self.keyspace
    }

    /// Rows of the run.
    pub fn rows(&self) -> u64 {
        self.files.iter().map(|file| file.rows).sum()
    }

    /// Size on storage, in bytes.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.len).sum()
    }

    /// The files as they look once the run is committed at `at`.
    pub(crate) fn stamped(&self, at: Timestamp) -> Vec<FileMeta> {
        let stamp = |file: &FileMeta| FileMeta {
            begin_override: Some(at),
            min_begin: at,
            max_begin: at,
            ..file.clone()
        };
        self.files.iter().map(stamp).collect()
    }
}

impl Ingest {
    pub(crate) fn new(shared: Arc<Shared>, keyspace: KeyspaceId, options: IngestOptions) -> Self {
        Self {
            shared,
            keyspace,
            options,
            buffer: SortBuffer::default(),
            spilled: Vec::new(),
            is_ordered: true,
        }
    }

    /// Adds a value, or a delete (`None`). Keys may come in any order; ascending is fastest.
    ///
    /// # Errors
    /// `Invalid` for a key or value that is too long; `DuplicateKey` as the options say (here or at the end);
    /// `Unavailable` when a spill cannot be written.
    pub async fn push(&mut self, key: &[u8], value: Option<&[u8]>) -> Result<()> {
        if key.len() > KEY_BYTES_MAX {
            let message = format!("a key of {} bytes is longer than {KEY_BYTES_MAX}", key.len());
            return Err(Error::Invalid(message));
        }
        if let Some(value) = value.filter(|value| value.len() > VALUE_BYTES_MAX) {
            let message = format!("a value of {} bytes is longer than {VALUE_BYTES_MAX}", value.len());
            return Err(Error::Invalid(message));
        }
        self.buffer.push(key, value);
        if self.buffer.bytes() >= self.shared.options.ingest_bytes {
            self.spill().await?;
        }
        Ok(())
    }

    /// Rows pushed and not spilled, in bytes; for progress.
    pub fn buffered_bytes(&self) -> usize {
        self.buffer.bytes()
    }

    async fn spill(&mut self) -> Result<()> {
        self.shared.check_writable()?;
        let mut rows = self.buffer.sort(self.options.on_duplicate)?.peekable();
        let last = self.spilled.last().and_then(|run| run.files.last());
        if let (Some(last), Some((first, _))) = (last, rows.peek()) {
            self.is_ordered &= last.max_key < *first;
        }
        let shared = Arc::clone(&self.shared);
        // Rows that come in order are written once and for all; others are merged in the end.
        let mut writer = if self.is_ordered {
            RunWriter::new(shared, self.keyspace)
        } else {
            RunWriter::temporary(shared, self.keyspace)
        };
        for (key, value) in rows {
            writer.push(unstamped(key, value)).await?;
        }
        let (files, pending) = writer.finish().await?;
        self.spilled.push(Spilled { files, pending });
        self.buffer.clear();
        Ok(())
    }
}

/// A row whose begin the manifest will give.
fn unstamped<'a>(key: &'a [u8], value: Option<&'a [u8]>) -> VersionRef<'a> {
    VersionRef {
        key,
        begin: Timestamp::FIRST,
        end: Timestamp::OPEN,
        kind: if value.is_some() { Kind::Put } else { Kind::Delete },
        value: value.unwrap_or_default(),
    }
}

fn duplicate(key: &[u8]) -> Error {
    Error::DuplicateKey { key: Bytes::copy_from_slice(key) }
}
