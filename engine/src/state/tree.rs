//! The files of one keyspace.

use std::sync::Arc;

use bytes::Bytes;

use crate::{read::KeyRange, state::SortedRun};

/// Runs of a keyspace: level 0 newest first, then one run for each level.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tree {
    pub(crate) level0: Vec<Arc<SortedRun>>,
    pub(crate) levels: Vec<Arc<SortedRun>>,
}

impl Tree {
    /// All runs that have files, newest first.
    pub(crate) fn runs(&self) -> impl Iterator<Item = &Arc<SortedRun>> {
        self.level0.iter().chain(&self.levels).filter(|run| !run.is_empty())
    }

    /// Versions stored.
    pub(crate) fn rows(&self) -> u64 {
        self.runs().flat_map(|run| run.tables()).map(|table| table.meta().rows).sum()
    }

    /// Versions stored in the pages that can hold a key of `range`.
    pub(crate) fn rows_in(&self, range: &KeyRange) -> u64 {
        self.runs().map(|run| run.rows_in(range)).sum()
    }

    /// See [`crate::ReadView::split_keys`]: page borders of the run with most pages.
    pub(crate) fn split_keys(&self, range: &KeyRange, parts: usize) -> Vec<Bytes> {
        let Some(largest) =
            self.runs().max_by_key(|run| run.tables().iter().map(|table| table.meta().rows).sum::<u64>())
        else {
            return Vec::new();
        };
        let borders: Vec<&[u8]> = largest
            .tables()
            .iter()
            .flat_map(|table| (0..table.index().len()).map(|page| table.index().first_key(page)))
            .filter(|key| range.contains(key))
            .collect();
        let mut keys: Vec<Bytes> = (1..parts)
            .filter_map(|part| borders.get(part * borders.len() / parts))
            .map(|key| Bytes::copy_from_slice(key))
            .collect();
        keys.dedup();
        keys
    }
}
