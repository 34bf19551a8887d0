//! Runs of an ingest: written, and not visible yet.

use std::sync::Arc;

use crate::{
    core::{Core, PendingFiles},
    manifest::FileMeta,
    types::{KeyRange, KeyspaceId, Kind, Timestamp, VersionRef},
    write::RunWriter,
};

/// A sorted run on storage that is not visible.
#[derive(Debug)]
pub(super) struct Spilled {
    pub(super) files: Vec<FileMeta>,
    pub(super) pending: PendingFiles,
}

/// A finished ingest, to be made visible by [`crate::Engine::publish_ingest`]; before that, who wrote it
/// reads it with [`crate::Engine::view_over`]. A clone is the same files.
#[derive(Clone, Debug)]
pub struct IngestedRun {
    pub(crate) keyspace: KeyspaceId,
    pub(crate) files: Vec<FileMeta>,
    /// Keep the collector away.
    pub(crate) pending: Vec<Arc<PendingFiles>>,
}

impl IngestedRun {
    /// Keyspace that the run goes to.
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

/// The writer of a run that begins with this key. Behind all keys that there are it is likely to become the
/// oldest of its keys.
pub(super) fn writer(core: Arc<Core>, keyspace: KeyspaceId, first: &[u8]) -> RunWriter {
    let tree = core.versions.current().trees.get(&keyspace).cloned();
    let is_oldest = tree.is_none_or(|tree| !tree.runs().any(|run| run.overlaps(&KeyRange::new(first..))));
    if is_oldest { RunWriter::dense(core, keyspace) } else { RunWriter::new(core, keyspace) }
}

/// A row whose begin the manifest will give.
pub(super) fn unstamped<'a>(key: &'a [u8], value: Option<&'a [u8]>) -> VersionRef<'a> {
    VersionRef {
        key,
        begin: Timestamp::FIRST,
        end: Timestamp::OPEN,
        kind: if value.is_some() { Kind::Put } else { Kind::Delete },
        value: value.unwrap_or_default(),
    }
}
