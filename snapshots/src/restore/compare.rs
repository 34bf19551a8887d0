//! The comparison of the moment with the present, and what it comes to.

use bygone_engine::{
    DiffScan, Difference, KeyRange, ReadView, ScanOptions, Scope,
    types::{KeyspaceId, Timestamp},
};
use bygone_mvcc::{Store, newest_commits};

use super::{RestoreReport, RestoreRequest, TargetReport, UNDONE_MAX};
use crate::{ChangeKind, Error, ObjectRef, Result};

/// Number of commits that are looked at for those that touched a target.
const COMMITS_LOOKED_AT: usize = UNDONE_MAX * 8;

/// The two states that a restore compares.
#[derive(Debug)]
pub(super) struct Comparison {
    then: ReadView,
    now: ReadView,
}

impl Comparison {
    pub(super) async fn begin(store: &Store, request: &RestoreRequest) -> Result<Self> {
        let plan = &request.plan;
        if plan.is_empty() {
            return Err(Error::Invalid("there is nothing to restore".into()));
        }
        let keyspaces = plan.targets().iter().flat_map(|target| target.object.keyspaces.iter().copied());
        let then = store.view_at_in(plan.to(), Scope::keyspaces(keyspaces)).await?;
        // The present as a moment of its own: nothing commits at or before it any more.
        let now = store.view_present().await?;
        Ok(Self { then, now })
    }

    /// The present that is compared with.
    pub(super) fn present(&self) -> Timestamp {
        self.now.timestamp()
    }

    pub(super) fn differences(&self, store: &Store, keyspace: KeyspaceId) -> Result<DiffScan> {
        Ok(store.engine().diff(keyspace, &KeyRange::all(), &self.then, &self.now)?)
    }

    /// Checks `if_unchanged_since` against every keyspace that is put back.
    pub(super) async fn check_unchanged(&self, store: &Store, request: &RestoreRequest) -> Result<()> {
        let Some(since) = request.if_unchanged_since else { return Ok(()) };
        for target in request.plan.targets() {
            let mut newest: Option<Timestamp> = None;
            for keyspace in &target.object.keyspaces {
                let through = self.now.timestamp();
                let mut versions = store.engine().versions(*keyspace, KeyRange::all(), since, through)?;
                while let Some(version) = versions.next().await? {
                    newest = newest.max(Some(version.begin));
                }
            }
            if let Some(newest) = newest {
                let target = format!("\"{}\"", target.object.name);
                return Err(Error::Changed { target, since, newest });
            }
        }
        Ok(())
    }

    /// A report with the counts of what comes back and of what goes; those of what is kept are 0.
    pub(super) async fn report(&self, request: &RestoreRequest) -> Result<RestoreReport> {
        let (plan, keyspaces) = (&request.plan, request.plan.keyspaces());
        let newest = self.now.timestamp();
        let mut undone = newest_commits(&self.now, plan.to(), newest, COMMITS_LOOKED_AT).await?;
        let looked_at_all = undone.len() < COMMITS_LOOKED_AT;
        undone.retain(|commit| commit.touches(&keyspaces));
        let more_undone = !looked_at_all || undone.len() > UNDONE_MAX;
        undone.truncate(UNDONE_MAX);
        let mut targets = Vec::with_capacity(plan.targets().len() + plan.removed().len());
        for target in plan.targets() {
            let mut report = TargetReport { name: target.object.name.clone(), ..TargetReport::default() };
            if !target.is_kept() {
                (report.brought_back, report.bytes) = size(&self.then, &target.object).await?;
            }
            targets.push(report);
        }
        for object in plan.removed() {
            let (deleted, bytes) = size(&self.now, object).await?;
            targets.push(TargetReport {
                name: object.name.clone(),
                deleted,
                bytes,
                ..TargetReport::default()
            });
        }
        Ok(RestoreReport { to: plan.to(), targets, undone, more_undone, newest, ..RestoreReport::default() })
    }
}

/// Rows of an object, and bytes of their keys and values.
async fn size(view: &ReadView, object: &ObjectRef) -> Result<(u64, u64)> {
    let Some(keyspace) = object.keyspaces.first() else { return Ok((0, 0)) };
    let mut scan = view.scan(*keyspace, KeyRange::all(), ScanOptions::default())?;
    let (mut rows, mut bytes) = (0, 0);
    while let Some(batch) = scan.next().await? {
        rows += batch.len() as u64;
        bytes += (batch.keys.bytes() + batch.values.bytes()) as u64;
    }
    Ok((rows, bytes))
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

/// Tells how far the comparison of an object is, now and then.
pub(super) fn tell(request: &RestoreRequest, report: &TargetReport) {
    if let Some(progress) = &request.progress
        && report.rows().is_multiple_of(1_024)
    {
        progress.compared(&report.name, report.rows());
    }
}
