//! The files of one keyspace.

use std::sync::Arc;

use bytes::Bytes;

use crate::{read::KeyRange, sst::Table, state::SortedRun, types::Timestamp};

/// Runs of a keyspace. The current tier: level 0 newest first, then one run for each level. Beside it the history tier:
/// values that ended, which readers judge one by one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tree {
    pub(crate) level0: Vec<Arc<SortedRun>>,
    pub(crate) levels: Vec<Arc<SortedRun>>,
    pub(crate) history: Vec<Group>,
}

/// See [`crate::manifest::HistoryGroup`].
#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub(crate) newest_pin: Timestamp,
    pub(crate) runs: Vec<Arc<SortedRun>>,
}

impl Tree {
    /// All runs of the current tier that have files, newest first.
    pub(crate) fn runs(&self) -> impl Iterator<Item = &Arc<SortedRun>> {
        self.level0.iter().chain(&self.levels).filter(|run| !run.is_empty())
    }

    /// All runs of the history tier, in no order.
    pub(crate) fn history_runs(&self) -> impl Iterator<Item = &Arc<SortedRun>> {
        self.history.iter().flat_map(|group| &group.runs)
    }

    /// The files of both tiers.
    pub(crate) fn tables(&self) -> impl Iterator<Item = &Table> {
        self.runs().chain(self.history_runs()).flat_map(|run| run.tables())
    }

    /// Versions stored in the current tier.
    pub(crate) fn rows(&self) -> u64 {
        self.runs().flat_map(|run| run.tables()).map(|table| table.meta().rows).sum()
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
