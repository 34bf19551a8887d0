//! The check of a database that nobody writes, through all layers.

use std::sync::Arc;

use bygone_engine::{
    Engine, EngineOptions, Env, Root,
    check::{CheckReport as EngineReport, Finding, Findings},
    store::{LockMode, RootLock},
};
use bygone_mvcc::{Store, StoreOptions};
use bygone_query::{Progress, RowsChecked};
use bygone_snapshots::Snapshots;

use crate::{Error, ErrorKind, Result, location};

/// Outcome of [`check`]: counts and findings.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct CheckReport {
    /// Faults; empty when all is well.
    pub findings: Vec<Finding>,
    /// Objects that nothing references, with their sizes in bytes: left by a process that was killed, and
    /// removed by the next maintenance. No fault.
    pub unreferenced: Vec<(String, u64)>,
    /// Manifests that are still there.
    pub manifests: u64,
    /// Segments of the log that are not in table files yet.
    pub log_segments: u64,
    /// Commits in them.
    pub log_commits: u64,
    /// Table files.
    pub files: u64,
    /// Their size, in bytes.
    pub bytes: u64,
    /// Versions in them.
    pub versions: u64,
    /// Counts of decoded rows; `None` when the files below are damaged and their rows were not looked at.
    pub rows: Option<RowsChecked>,
}

/// Checks everything that the database at `location` keeps: manifests, log, every byte of every file, the
/// order of versions, system records, and every row of every table against its definition, now and at every
/// snapshot. Writes nothing. Others may read the database at the same time, and nobody may write.
///
/// # Errors
/// `NotFound` when there is no database; `Locked` while another process writes; `Invalid` when a newer
/// version wrote it. Damage is no error: see [`CheckReport::findings`].
///
/// # Cost
/// Reads every file two or three times, and scans every table once for each of its states that a snapshot
/// keeps.
pub async fn check(location: impl AsRef<str>, progress: Option<Arc<dyn Progress>>) -> Result<CheckReport> {
    let root = location::root_of(location.as_ref())?;
    let outcome = check_root(&root, progress.as_deref()).await;
    if let Some(progress) = progress {
        progress.finish();
    }
    outcome
}

async fn check_root(root: &Root, progress: Option<&dyn Progress>) -> Result<CheckReport> {
    let env = Env::system()?;
    let _lock = share_lock(root)?;
    let show = |done: u64, total: u64| {
        if let Some(progress) = progress {
            progress.report("bytes of files", done, Some(total));
        }
    };
    // 1. Checks that do not need the meaning of the values.
    let EngineReport {
        mut findings,
        unreferenced,
        manifests,
        log_segments,
        log_commits,
        files,
        bytes,
        versions,
        ..
    } = bygone_engine::check::check(root, &env, &show).await?;
    // 2. Checks of their meaning. Above damaged files every answer would be about the damage again.
    let rows = if findings.is_empty() { check_rows(root, env, &mut findings, progress).await? } else { None };
    Ok(CheckReport {
        findings: findings.into_vec(),
        unreferenced: unreferenced.into_iter().map(|object| (object.name, object.len)).collect(),
        manifests,
        log_segments,
        log_commits,
        files,
        bytes,
        versions,
        rows,
    })
}

/// Keeps writers out. Storage that has no lock, and allows none to be made, has no writer.
fn share_lock(root: &Root) -> Result<Option<RootLock>> {
    match root.lock(LockMode::Shared) {
        Err(bygone_engine::Error::Unavailable { .. }) => Ok(None),
        outcome => Ok(outcome?),
    }
}

/// Rows of the system first: an unreadable one keeps the layers above from opening.
async fn check_rows(
    root: &Root,
    env: Env,
    findings: &mut Findings,
    progress: Option<&dyn Progress>,
) -> Result<Option<RowsChecked>> {
    let engine = Engine::open_read_only(root.clone(), env, EngineOptions::default()).await?;
    let store = Store::open(engine, StoreOptions { read_only: true, ..StoreOptions::default() });
    let view = store.view_now();
    bygone_mvcc::check(&view, findings).await?;
    bygone_snapshots::check(&view, findings).await?;
    if !findings.is_empty() {
        return Ok(None);
    }
    let snapshots = Snapshots::open(store).await?;
    match bygone_query::check(&snapshots, findings, progress).await {
        Ok(rows) => Ok(Some(rows)),
        Err(error) if error.kind() == ErrorKind::Corrupt => {
            findings.add("rows", Error::message(&error));
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
