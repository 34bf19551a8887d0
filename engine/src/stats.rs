//! Figures that a user can read.

use std::sync::{Arc, atomic::Ordering};

use crate::{
    shared::Shared,
    types::{KeyspaceId, Timestamp},
};

/// Figures of one keyspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyspaceStats {
    /// The keyspace.
    pub keyspace: KeyspaceId,
    /// Table files.
    pub files: u64,
    /// Their size, in bytes.
    pub bytes: u64,
    /// Versions in them.
    pub versions: u64,
    /// Versions that have a successor.
    pub closed_versions: u64,
    /// Runs of level 0.
    pub level0_runs: u64,
    /// Every moment at or after this is readable.
    pub horizon: Timestamp,
}

/// Figures of an engine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EngineStats {
    /// Each keyspace that has files.
    pub keyspaces: Vec<KeyspaceStats>,
    /// Memory of all memtables, in bytes.
    pub memtable_bytes: u64,
    /// Memtables that wait for their flush.
    pub frozen_memtables: u64,
    /// Decoded pages in memory, in bytes.
    pub cache_bytes: u64,
    /// Bytes that compactions wrote since the engine was opened.
    pub compacted_bytes: u64,
    /// Commits that were slowed down since then.
    pub slowdowns: u64,
    /// Times a writer was stopped since then.
    pub stops: u64,
    /// Id of the newest manifest.
    pub manifest: u64,
}

impl EngineStats {
    pub(crate) fn of(shared: &Shared) -> Self {
        let state = Arc::clone(&shared.state.read());
        let keyspaces = state.trees.iter().map(|(id, tree)| {
            let mut stats = KeyspaceStats {
                keyspace: *id,
                files: 0,
                bytes: 0,
                versions: 0,
                closed_versions: 0,
                level0_runs: tree.level0.len() as u64,
                horizon: shared.pins.horizon(*id),
            };
            for table in tree.runs().flat_map(|run| run.tables()) {
                stats.files += 1;
                stats.bytes += table.meta().len;
                stats.versions += table.meta().rows;
                stats.closed_versions += table.meta().closed;
            }
            stats
        });
        let frozen: usize = state.frozen.iter().map(|frozen| frozen.memtable.bytes()).sum();
        Self {
            keyspaces: keyspaces.collect(),
            memtable_bytes: (state.active.bytes() + frozen) as u64,
            frozen_memtables: state.frozen.len() as u64,
            cache_bytes: shared.cache.bytes(),
            compacted_bytes: shared.compacted_bytes.load(Ordering::Relaxed),
            slowdowns: shared.slowdowns.load(Ordering::Relaxed),
            stops: shared.stops.load(Ordering::Relaxed),
            manifest: state.manifest.id,
        }
    }

    /// Size of all table files, in bytes.
    pub fn bytes(&self) -> u64 {
        self.keyspaces.iter().map(|keyspace| keyspace.bytes).sum()
    }
}
