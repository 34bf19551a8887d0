//! The in-memory state: what a reader needs, immutable behind an `Arc` and replaced as a whole. Plain data:
//! how it is read is said in [`crate::read`].

mod build;
mod edit;
mod lifetimes;
mod run;
mod tree;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use bytes::Bytes;

pub(crate) use build::{own_horizons, tree, trees};
pub(crate) use edit::{Edit, Flushed, Horizons, NewRun, Placement, Replacement, Setting};
pub(crate) use lifetimes::{Lifetimes, PageFilter};
pub(crate) use run::SortedRun;
pub(crate) use tree::{Group, LEVELS, Tree};

use crate::{
    manifest::Manifest,
    memtable::Memtable,
    types::{KeyRange, KeyspaceId},
};

/// A frozen memtable on its way to tables.
#[derive(Clone, Debug)]
pub(crate) struct Frozen {
    pub(crate) memtable: Arc<Memtable>,
    /// Position at which the log goes on behind it, which the manifest names once its tables are published.
    pub(crate) log_after: crate::types::LogPosition,
}

/// See the module documentation.
#[derive(Clone, Debug)]
pub(crate) struct State {
    /// Takes the writes.
    pub(crate) active: Arc<Memtable>,
    /// Newest first.
    pub(crate) frozen: Vec<Frozen>,
    /// The files of every keyspace that has some.
    pub(crate) trees: BTreeMap<KeyspaceId, Arc<Tree>>,
    /// The durable state that the trees were built from.
    pub(crate) manifest: Arc<Manifest>,
    /// Hash of the manifest's bytes.
    pub(crate) manifest_hash: u128,
}

impl State {
    /// All memtables, newest first.
    pub(crate) fn memtables(&self) -> impl Iterator<Item = &Arc<Memtable>> {
        std::iter::once(&self.active).chain(self.frozen.iter().map(|frozen| &frozen.memtable))
    }

    /// The keyspaces that have rows in a memtable.
    pub(crate) fn keyspaces_in_memory(&self) -> BTreeSet<KeyspaceId> {
        self.memtables().flat_map(|memtable| memtable.keyspaces()).collect()
    }

    /// See [`crate::ReadView::split_keys`]; `own` are further runs of the keyspace.
    pub(crate) fn split_keys(
        &self,
        keyspace: KeyspaceId,
        own: &[Arc<SortedRun>],
        range: &KeyRange,
        parts: usize,
    ) -> Vec<Bytes> {
        let stored = self.trees.get(&keyspace).into_iter().flat_map(|tree| tree.runs());
        let largest = own.iter().chain(stored).max_by_key(|run| run.rows());
        largest.map_or_else(Vec::new, |run| run.split_keys(range, parts))
    }

    /// See [`crate::ReadView::versions_estimate`].
    pub(crate) fn versions_estimate(&self, keyspace: KeyspaceId) -> u64 {
        let stored = self.trees.get(&keyspace).map_or(0, |tree| tree.rows());
        let in_memory: usize = self.memtables().map(|memtable| memtable.len()).sum();
        stored + in_memory as u64
    }
}
