//! The check of a database that nobody writes: everything that can be verified without knowing what the
//! values mean.
//!
//! ```text
//!   manifests   each decodes, names its parent            the newest is the state
//!   log         every record from the state's position on
//!   files       hash, chunks, statistics, order, filter   one after another
//!   runs        I2: a newer run has the newer versions    a merge of the keys of all runs
//!   history     H1, H3: older than the values of the runs, and never two at a time
//!   objects     what nothing references                   listed, not a fault
//! ```
//!
//! The check goes on behind damage as far as there is something to read, so that one run names every damaged
//! file. It writes nothing, and keeps writers out by a share of the lock that its caller holds.

mod manifests;
mod order;

use std::collections::{BTreeMap, BTreeSet};

pub use crate::findings::{Finding, Findings};
use crate::{
    Env, Result,
    manifest::{FileId, Manifest},
    memtable::Memtable,
    sst::{PageCache, Table},
    store::{ObjectEntry, Root},
    types::LogPosition,
    wal,
};

/// Counts of what was looked at, and findings.
#[derive(Debug, Default)]
pub struct CheckReport {
    /// Faults.
    pub findings: Findings,
    /// Objects that the state does not need: what a writer left that was killed, or that is collected later.
    pub unreferenced: Vec<ObjectEntry>,
    /// Manifests that are still there.
    pub manifests: u64,
    /// Segments of the log that are not in the files yet.
    pub log_segments: u64,
    /// Commits in them.
    pub log_commits: u64,
    /// Table files.
    pub files: u64,
    /// Their size, in bytes.
    pub bytes: u64,
    /// Versions in them.
    pub versions: u64,
}

/// Told the bytes that were read, of how many.
pub type CheckProgress<'a> = &'a (dyn Fn(u64, u64) + Send + Sync);

/// Checks the database at `root`. Nothing is written. The caller holds a share of the root's lock.
///
/// # Errors
/// `NoDatabase` when there is none; `Unavailable` when storage fails; `Invalid` when a newer version wrote
/// it. Damage is no error but a finding.
///
/// # Cost
/// Reads every file twice, those of keyspaces with several runs three times. Memory: what the log holds, and
/// a page of each run.
///
/// # Cancel safety
/// Dropping the future ends the check.
pub async fn check(root: &Root, env: &Env, progress: CheckProgress<'_>) -> Result<CheckReport> {
    let mut report = CheckReport::default();
    // 1. The state.
    let manifest = manifests::check(root, &mut report).await?;
    // 2. Commits that are not in the files yet.
    let memtable = match &manifest {
        Some(manifest) => check_log(root, manifest, &mut report).await?,
        None => Memtable::default(),
    };
    // 3. The files, one by one, then against each other.
    if let Some(manifest) = &manifest {
        let tables = check_files(root, env, manifest, &mut report, progress).await?;
        order::check(env, manifest, &tables, &memtable, &mut report.findings).await?;
        report.unreferenced = unreferenced(root, manifest, &mut report.log_segments).await?;
    }
    Ok(report)
}

async fn check_log(root: &Root, manifest: &Manifest, report: &mut CheckReport) -> Result<Memtable> {
    let memtable = Memtable::default();
    let replayed = wal::replay(root, manifest.log_bounds(), |at, writes| {
        report.log_commits += 1;
        for write in &writes {
            memtable.insert(at, write);
        }
        Ok(())
    });
    if let Err(error) = replayed.await {
        report.findings.add_error(&manifest.log.object_name(), error)?;
    }
    Ok(memtable)
}

/// Checks each file by itself. Returns those that could be opened and hold what they should.
async fn check_files(
    root: &Root,
    env: &Env,
    manifest: &Manifest,
    report: &mut CheckReport,
    progress: CheckProgress<'_>,
) -> Result<BTreeMap<FileId, Table>> {
    let total: u64 = manifest.files().map(|file| file.len).sum();
    // Nothing is read often enough to be kept.
    let cache = PageCache::new(0);
    let mut tables = BTreeMap::new();
    for file in manifest.files() {
        progress(report.bytes, total);
        let name = file.object_name();
        report.files += 1;
        report.versions += file.rows;
        match Table::open(root, file, &cache).await {
            Ok(table) => {
                table.check(env.tasks.as_ref(), &mut report.findings).await?;
                if !report.findings.has(&name) {
                    tables.insert(file.id, table);
                }
            }
            Err(error) => report.findings.add_error(&name, error)?,
        }
        report.bytes += file.len;
    }
    progress(total, total);
    Ok(tables)
}

/// The objects that neither the state nor its log needs, and that are no manifests. Counts the segments that
/// it needs.
async fn unreferenced(root: &Root, manifest: &Manifest, log_segments: &mut u64) -> Result<Vec<ObjectEntry>> {
    let files: BTreeSet<FileId> = manifest.files().map(|file| file.id).collect();
    let mut is_needed = |entry: &ObjectEntry| {
        if let Some(id) = FileId::parse(&entry.name) {
            return files.contains(&id);
        }
        if let Some(position) = LogPosition::parse(&entry.name) {
            let is_needed = position >= manifest.log;
            *log_segments += u64::from(is_needed);
            return is_needed;
        }
        crate::manifest::parse_name(&entry.name).is_some()
    };
    let mut objects = root.list("").await?;
    objects.retain(|entry| !is_needed(entry));
    Ok(objects)
}
