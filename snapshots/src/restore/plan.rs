//! What a restore would do: the comparison that a dry run and a run share.

use bygone_engine::{
    Difference, KeyRange, ReadView, Scope,
    types::{KeyspaceId, Timestamp},
};
use bygone_mvcc::{Store, newest_commits};

use super::{RestoreReport, RestoreRequest, TargetReport, UNDONE_MAX};
use crate::{ChangeKind, Error, Result, Snapshots};

/// How many commits are looked at for those that touched a target.
const COMMITS_LOOKED_AT: usize = UNDONE_MAX * 8;

/// Says what [`super::run`] would do now, and changes nothing.
///
/// # Errors
/// As [`super::run`], but for locks.
///
/// # Cost
/// Follows what changed since the moment.
pub async fn plan(snapshots: &Snapshots, request: &RestoreRequest) -> Result<RestoreReport> {
    Box::pin(compare(snapshots, request)).await
}

async fn compare(snapshots: &Snapshots, request: &RestoreRequest) -> Result<RestoreReport> {
    let store = snapshots.store();
    let comparison = Comparison::begin(store, request).await?;
    comparison.check_unchanged(store, request).await?;
    let mut report = comparison.report(request).await?;
    for (index, target) in request.targets.iter().enumerate() {
        for (position, keyspace) in target.keyspaces.iter().enumerate() {
            let mut differences = comparison.differences(store, *keyspace)?;
            while let Some(difference) = differences.next().await? {
                count(&mut report.targets[index], &difference, position == 0);
                tell(request, &report.targets[index]);
            }
        }
    }
    Ok(report)
}

/// The two states that a restore compares.
#[derive(Debug)]
pub(super) struct Comparison {
    pub(super) then: ReadView,
    pub(super) now: ReadView,
}

impl Comparison {
    pub(super) async fn begin(store: &Store, request: &RestoreRequest) -> Result<Self> {
        if request.targets.is_empty() && request.extra.is_empty() {
            return Err(Error::Invalid("there is nothing to restore".into()));
        }
        let keyspaces = request.targets.iter().flat_map(|target| target.keyspaces.iter().copied());
        let then = store.view_at_in(request.to, Scope::keyspaces(keyspaces)).await?;
        // The present as a moment of its own: nothing commits at or before it any more.
        let now = store.view_present().await?;
        Ok(Self { then, now })
    }

    pub(super) fn differences(&self, store: &Store, keyspace: KeyspaceId) -> Result<bygone_engine::DiffScan> {
        Ok(store.engine().diff(keyspace, &KeyRange::all(), &self.then, &self.now)?)
    }

    /// Checks `if_unchanged_since` against every keyspace of the targets.
    pub(super) async fn check_unchanged(&self, store: &Store, request: &RestoreRequest) -> Result<()> {
        let Some(since) = request.if_unchanged_since else { return Ok(()) };
        for target in &request.targets {
            let mut newest: Option<Timestamp> = None;
            for keyspace in &target.keyspaces {
                let through = self.now.timestamp();
                let mut versions = store.engine().versions(*keyspace, KeyRange::all(), since, through)?;
                while let Some(version) = versions.next().await? {
                    newest = newest.max(Some(version.begin));
                }
            }
            if let Some(newest) = newest {
                return Err(Error::Changed { target: format!("\"{}\"", target.name), since, newest });
            }
        }
        Ok(())
    }

    /// A report without counts.
    pub(super) async fn report(&self, request: &RestoreRequest) -> Result<RestoreReport> {
        let keyspaces = request.keyspaces();
        let newest = self.now.timestamp();
        let mut undone = newest_commits(&self.now, request.to, newest, COMMITS_LOOKED_AT).await?;
        let looked_at_all = undone.len() < COMMITS_LOOKED_AT;
        undone.retain(|commit| commit.touches(&keyspaces));
        let more_undone = !looked_at_all || undone.len() > UNDONE_MAX;
        undone.truncate(UNDONE_MAX);
        let targets = request
            .targets
            .iter()
            .map(|target| TargetReport { name: target.name.clone(), ..TargetReport::default() })
            .collect();
        Ok(RestoreReport { to: request.to, targets, undone, more_undone, newest, ..RestoreReport::default() })
    }
}

/// Counts one key; rows are the keys of a target's first keyspace.
pub(super) fn count(report: &mut TargetReport, difference: &Difference, is_row: bool) {
    report.bytes += (difference.key.len() + difference.before.as_ref().map_or(0, bytes::Bytes::len)) as u64;
    if !is_row {
        return;
    }
    match ChangeKind::of(difference) {
        ChangeKind::Insert => report.deleted += 1,
        ChangeKind::Update => report.reverted += 1,
        ChangeKind::Delete => report.brought_back += 1,
    }
}

pub(super) fn tell(request: &RestoreRequest, report: &TargetReport) {
    if let Some(progress) = &request.progress
        && report.rows().is_multiple_of(1_024)
    {
        progress.compared(&report.name, report.rows());
    }
}
