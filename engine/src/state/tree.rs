//! The files of one keyspace.

use std::sync::Arc;

use crate::{sst::Table, state::SortedRun, types::Timestamp};

/// Levels below level 0.
pub(crate) const LEVELS: usize = 6;

/// Runs of a keyspace. The current tier: level 0 newest first, then one run for each level. Beside it the
/// history tier: values that ended, which readers judge one by one.
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
        self.runs().map(|run| run.rows()).sum()
    }
}
