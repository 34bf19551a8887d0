//! The in-memory state: what a reader needs, immutable behind an `Arc` and replaced as a whole.

mod edit;
mod publish;
mod run;
mod tree;

#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use bytes::Bytes;

pub(crate) use edit::{Edit, Flushed, Horizons, NewRun, Placement, Replacement, Setting};
pub(crate) use publish::{own_horizons, tree};
pub(crate) use run::SortedRun;
pub(crate) use tree::{Group, Tree};

use crate::{
    error::Result,
    manifest::Manifest,
    memtable::Memtable,
    read::{Lifetimes, PageFilter, source::Source},
    sst::PointHit,
    types::{KeyRange, KeyspaceId, Kind, Timestamp, Version},
};

/// Levels below level 0.
pub(crate) const LEVELS: usize = 6;

/// A frozen memtable on its way to tables.
#[derive(Clone, Debug)]
pub(crate) struct Frozen {
    pub(crate) memtable: Arc<Memtable>,
    /// Where the log goes on behind it: what the manifest says once its tables are published.
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

    /// The newest version of `key` with `begin <= at`. Deletes are versions; one that went with the value that it ended is none.
    pub(crate) async fn newest_version(
        &self,
        keyspace: KeyspaceId,
        key: &[u8],
        at: Timestamp,
    ) -> Result<Option<Version>> {
        for memtable in self.memtables() {
            if let Some(version) = memtable.get(keyspace, key, at) {
                return Ok(Some(version));
            }
        }
        let Some(tree) = self.trees.get(&keyspace) else { return Ok(None) };
        let mut newest = None;
        for run in tree.runs() {
            let Some(table) = run.table_of(key) else { continue };
            if table.meta().oldest_begin() > at {
                continue;
            }
            newest = table.get(key, at).await?;
            if newest.is_some() {
                break;
            }
        }
        // A delete that had ended before the moment may have had successors that are in history by now.
        if newest.as_ref().is_none_or(|found| found.kind == Kind::Delete && found.end <= at) {
            newest = alive_in_history(tree, key, at).await?.or(newest);
        }
        Ok(newest.map(|found| found.into_version(Bytes::copy_from_slice(key))))
    }

    /// The newest commit that wrote or deleted `key`, if it is newer than `after`. Runs that hold nothing newer than
    /// `after` are not looked at.
    pub(crate) async fn newest_commit(
        &self,
        keyspace: KeyspaceId,
        key: &[u8],
        after: Timestamp,
    ) -> Result<Option<Timestamp>> {
        for memtable in self.memtables() {
            // An older or empty memtable proves nothing about the others: files may have been ingested since.
            if memtable.newest() <= after {
                continue;
            }
            if let Some(version) = memtable.get(keyspace, key, Timestamp::LAST) {
                return Ok((version.begin > after).then_some(version.begin));
            }
        }
        let Some(tree) = self.trees.get(&keyspace) else { return Ok(None) };
        for run in tree.runs() {
            let Some(table) = run.table_of(key) else { continue };
            if table.meta().newest_begin() <= after {
                continue;
            }
            if let Some(found) = table.get(key, Timestamp::LAST).await? {
                return Ok((found.begin > after).then_some(found.begin));
            }
        }
        // Deletes go with the value that they ended, whose end says it.
        let mut ended = None;
        for run in tree.history_runs() {
            let Some(table) = run.table_of(key).filter(|table| table.meta().max_end > after) else {
                continue;
            };
            ended = ended.max(table.get(key, Timestamp::LAST).await?.map(|found| found.end));
        }
        Ok(ended.filter(|ended| *ended > after))
    }

    /// The runs of history that can hold a version of `range` that passes the filter, as sources.
    pub(crate) fn history(
        &self,
        keyspace: KeyspaceId,
        range: &KeyRange,
        reverse: bool,
        filter: PageFilter,
    ) -> Vec<Source> {
        let runs = self.trees.get(&keyspace).into_iter().flat_map(|tree| tree.history_runs());
        let runs = runs.filter(|run| run.may_hold(range, filter));
        runs.map(|run| Source::history(Arc::clone(run), range.clone(), reverse, filter)).collect()
    }

    /// The sources of `range` in the current tier, newest first.
    pub(crate) fn sources(
        &self,
        keyspace: KeyspaceId,
        range: &KeyRange,
        reverse: bool,
        filter: PageFilter,
    ) -> Vec<Source> {
        let memtables = self.memtables().filter(|memtable| !memtable.is_empty());
        let mut sources: Vec<Source> = memtables
            .map(|memtable| Source::memtable(Arc::clone(memtable), keyspace, range.clone(), reverse))
            .collect();
        if let Some(tree) = self.trees.get(&keyspace) {
            let runs = tree.runs().filter(|run| run.overlaps(range));
            sources.extend(runs.map(|run| Source::run(Arc::clone(run), range.clone(), reverse, filter)));
        }
        sources
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

/// The version of `key` in the history tier that is alive at `at`; there is one at most.
async fn alive_in_history(tree: &Tree, key: &[u8], at: Timestamp) -> Result<Option<PointHit>> {
    let filter = PageFilter::Alive { at };
    for run in tree.history_runs() {
        let Some(table) = run.table_of(key) else { continue };
        if !filter.admits(Lifetimes::of_file(table.meta())) {
            continue;
        }
        if let Some(found) = table.get(key, at).await?.filter(|found| found.end > at) {
            return Ok(Some(found));
        }
    }
    Ok(None)
}
