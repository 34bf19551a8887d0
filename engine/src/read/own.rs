//! Uncommitted files of a transaction: runs on top of the state that its view reads.
//!
//! ```text
//!   own runs, newest first     hide, key by key, what is below them
//!   memtables
//!   runs of the keyspace
//! ```
//!
//! Their rows begin at [`Timestamp::ZERO`], so that they are visible at every moment. The view below must be
//! of the newest state: a value of history that is alive at its moment would not be hidden by them.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    core::PendingFiles,
    error::Result,
    sst::{PointHit, Table},
    state::SortedRun,
    types::{KeyspaceId, Timestamp},
};

/// See the module documentation. Empty but for views of transactions.
#[derive(Clone, Debug, Default)]
pub(super) struct OwnRuns {
    /// Newest first.
    runs: BTreeMap<KeyspaceId, Vec<Arc<SortedRun>>>,
    /// Keep the collector away.
    files: Vec<Arc<PendingFiles>>,
}

impl OwnRuns {
    /// The same with one more run on top.
    pub(super) fn with(
        &self,
        keyspace: KeyspaceId,
        run: Arc<SortedRun>,
        files: &[Arc<PendingFiles>],
    ) -> Self {
        let mut more = self.clone();
        more.runs.entry(keyspace).or_default().insert(0, run);
        more.files.extend(files.iter().map(Arc::clone));
        more
    }

    /// The runs of a keyspace, newest first.
    pub(super) fn runs(&self, keyspace: KeyspaceId) -> &[Arc<SortedRun>] {
        self.runs.get(&keyspace).map_or(&[], Vec::as_slice)
    }

    /// The files of a keyspace.
    pub(super) fn tables(&self, keyspace: KeyspaceId) -> impl Iterator<Item = &Table> {
        self.runs(keyspace).iter().flat_map(|run| run.tables())
    }

    /// Last write to `key`, if there is one.
    pub(super) async fn get(&self, keyspace: KeyspaceId, key: &[u8]) -> Result<Option<PointHit>> {
        for run in self.runs(keyspace) {
            let Some(table) = run.table_of(key) else { continue };
            if let Some(found) = table.get(key, Timestamp::LAST).await? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }
}
