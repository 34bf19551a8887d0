//! Runs that a transaction wrote and has not committed: read by itself alone, merged, and checked against
//! what others committed meanwhile.

use std::sync::Arc;

use bytes::Bytes;

use super::Engine;
use crate::{
    ReadView, Result, Retained, Scope,
    ingest::{IngestedRun, OnDuplicate, merge_runs, open_run},
    manifest::FileMeta,
    read::{self, VersionScan},
    types::{KeyRange, Timestamp},
};

impl Engine {
    /// View of what `view` sees with the rows of `run` on top, above what it has on top already. Deletes of
    /// the run hide rows. Nobody else sees them; they count as written at [`Timestamp::ZERO`]. `None` where
    /// values that the view sees have moved to history, which nothing can be laid over: a view of the newest
    /// state is not like that, unless a commit and a compaction came in between when it was made.
    ///
    /// # Errors
    /// `Unavailable` and `Corrupt` when a file cannot be opened.
    ///
    /// # Cost
    /// One read for each file of the run.
    pub async fn view_over(&self, view: &ReadView, run: &IngestedRun) -> Result<Option<ReadView>> {
        if run.files.is_empty() {
            return Ok(Some(view.clone()));
        }
        if read::reads_history(view, run.keyspace) {
            return Ok(None);
        }
        let opened = open_run(self.core(), &run.stamped(Timestamp::ZERO)).await?;
        Ok(Some(view.with_run(run.keyspace, opened, &run.pending)))
    }

    /// One run out of several of one keyspace, of which the first counts where they have a key in common.
    ///
    /// # Errors
    /// `Unavailable` and `Corrupt` when a file cannot be read or written.
    ///
    /// # Cost
    /// None, where their keys do not lie between each other; otherwise every row is written once more.
    pub async fn merge_runs(&self, mut newest_first: Vec<IngestedRun>) -> Result<Option<IngestedRun>> {
        newest_first.retain(|run| !run.files.is_empty());
        let Some(keyspace) = newest_first.first().map(|run| run.keyspace) else { return Ok(None) };
        assert!(newest_first.iter().all(|run| run.keyspace == keyspace), "they are runs of one keyspace");
        if let Some(joined) = joined(&newest_first) {
            return Ok(Some(joined));
        }
        let files: Vec<&[FileMeta]> = newest_first.iter().map(|run| run.files.as_slice()).collect();
        Box::pin(merge_runs(self.core(), keyspace, &files, OnDuplicate::KeepLast)).await.map(Some)
    }

    /// A key of `run` that a commit newer than `after` wrote or deleted, if there is one: the conflict check
    /// of a commit.
    ///
    /// # Errors
    /// `Unavailable` and `Corrupt` when a file cannot be read.
    ///
    /// # Cost
    /// Follows what was committed into the range of the run's keys since, not the size of the run.
    pub async fn changed_key(&self, run: &IngestedRun, after: Timestamp) -> Result<Option<Bytes>> {
        let (Some(first), Some(last)) = (run.files.first(), run.files.last()) else { return Ok(None) };
        if self.last_timestamp() <= after {
            return Ok(None);
        }
        let range = KeyRange::new(first.min_key.clone()..=last.max_key.clone());
        let mut opened = None;
        let view = self.view_newest(Scope::keyspaces([run.keyspace]));
        let window = (after, Timestamp::LAST);
        let mut versions = VersionScan::new(view, run.keyspace, &range, window, Retained::everything());
        while let Some(version) = versions.next().await? {
            let opened = match &opened {
                Some(opened) => opened,
                None => opened.insert(open_run(self.core(), &run.files).await?),
            };
            if let Some(table) = opened.table_of(&version.key)
                && table.get(&version.key, Timestamp::LAST).await?.is_some()
            {
                return Ok(Some(version.key));
            }
        }
        Ok(None)
    }
}

/// The runs as one, where their keys do not lie between each other.
fn joined(runs: &[IngestedRun]) -> Option<IngestedRun> {
    let mut in_order: Vec<&IngestedRun> = runs.iter().collect();
    in_order.sort_by(|a, b| a.files[0].min_key.cmp(&b.files[0].min_key));
    let ends_before = |pair: &[&IngestedRun]| {
        pair[0].files.last().is_some_and(|last| last.max_key < pair[1].files[0].min_key)
    };
    if !in_order.windows(2).all(ends_before) {
        return None;
    }
    Some(IngestedRun {
        keyspace: in_order[0].keyspace,
        files: in_order.iter().flat_map(|run| run.files.iter().cloned()).collect(),
        pending: in_order.iter().flat_map(|run| run.pending.iter().map(Arc::clone)).collect(),
    })
}
