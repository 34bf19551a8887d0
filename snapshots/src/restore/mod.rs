//! Restore: put tables back to a moment, by one commit that carries the old state.
//!
//! For every key of the scope let `a` be its state at the moment `s` and `b` its newest state; where they
//! differ, one version is appended at the restore's timestamp `w` that carries `a`:
//!
//! | since s the key was | written at w |
//! |---|---|
//! | unchanged; or changed and changed back | nothing |
//! | added, still there | DELETE |
//! | added, then deleted again | nothing |
//! | modified, deleted, or deleted and created again | the value at s |
//! | deleted before s, untouched, or created and deleted again | nothing |
//! | deleted before s, created again, still there | DELETE |
//!
//! ```text
//!   lock writers out ─▶ diff(s, now) ─▶ small: a batch / large: sorted files ─▶ one commit at w ─▶ unlock
//!                        │ reads nothing that did not change                     └ with the safety snapshot's record,
//!                        └ streams; memory is bounded                              the catalog rows, the commit record
//! ```
//!
//! R1 One `w` for the whole scope: all keyspaces become visible together, or none.
//! R2 Readers are never blocked; reads before `w` stay as they were.
//! R3 Until the commit, giving up leaves nothing: files that nothing references are collected later.

mod compare;
mod plan;
mod run;

use std::{fmt, sync::Arc};

use bygone_engine::types::Timestamp;
use bygone_mvcc::{CommitInfo, CommitMeta, CommitRecord};
pub use plan::RestorePlan;
pub use run::{dry_run, run};

use crate::SnapshotScope;

/// A plan, and how it is carried out.
#[derive(Clone, Debug)]
pub struct RestoreRequest {
    /// Objects, and what happens to them; in each the first keyspace holds its rows, the others indexes.
    pub plan: RestorePlan,
    /// Scope of the safety snapshot; `None`: the objects that are put back.
    pub safety_scope: Option<SnapshotScope>,
    /// Whether the state before is kept as a snapshot.
    pub safety: SafetySnapshot,
    /// Fails when an object that is put back changed after this: the report of a dry run says what to give.
    pub if_unchanged_since: Option<Timestamp>,
    /// Longest wait for another restore or bulk load, in microseconds. Default 10 s.
    pub wait_us: u64,
    /// Description of the commit; the statement defaults to `RESTORE`, the tables to those that are put back.
    pub meta: CommitMeta,
    /// Is told how far the work is.
    pub progress: Option<Arc<dyn RestoreProgress>>,
    /// Changes above this size are written as files instead of through the log, in bytes. Default 4 MiB.
    pub log_bytes_max: usize,
}

impl RestoreRequest {
    /// Carries `plan` out, with a safety snapshot kept for 7 days.
    pub fn new(plan: RestorePlan) -> Self {
        Self {
            plan,
            safety_scope: None,
            safety: SafetySnapshot::default(),
            if_unchanged_since: None,
            wait_us: 10_000_000,
            meta: CommitMeta::default(),
            progress: None,
            log_bytes_max: 4 << 20,
        }
    }

    fn scope(&self) -> SnapshotScope {
        let objects = || self.plan.targets().iter().map(|target| target.object.clone()).collect();
        self.safety_scope.clone().unwrap_or_else(|| SnapshotScope::Objects(objects()))
    }
}

/// The snapshot of the moment before a restore, named `before_restore_<n>`. A number is used once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SafetySnapshot {
    /// Taken, and kept for so many microseconds.
    For(u64),
    /// Taken, and kept until it is dropped.
    Forever,
    /// Not taken. The state before stays readable within the retention.
    None,
}

impl Default for SafetySnapshot {
    /// Kept for 7 days.
    fn default() -> Self {
        Self::For(7 * 24 * 3_600 * 1_000_000)
    }
}

/// Is told how far a restore is. Called often; must be quick.
pub trait RestoreProgress: Send + Sync {
    /// So many keys were found to differ, in `target`.
    fn compared(&self, target: &str, keys: u64);
    /// The commit begins; from here on the restore cannot be cancelled.
    fn committing(&self);
}

impl fmt::Debug for dyn RestoreProgress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RestoreProgress")
    }
}

/// Outcome of a restore, or of a dry run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RestoreReport {
    /// The moment restored to.
    pub to: Timestamp,
    /// By object: those that are put back in the order of the plan, then those that go.
    pub targets: Vec<TargetReport>,
    /// The commits that touched the targets since, newest first, at most [`UNDONE_MAX`]; those that left a
    /// record.
    pub undone: Vec<CommitRecord>,
    /// Whether there are, or may be, more than that: only so many commits are looked at.
    pub more_undone: bool,
    /// The state that was compared with: give it back in `if_unchanged_since`.
    pub newest: Timestamp,
    /// The name of the safety snapshot.
    pub safety_snapshot: Option<String>,
    /// The commit; `None` for a dry run, and when there was nothing to do.
    pub commit: Option<CommitInfo>,
}

/// Most undone commits that a report lists.
pub const UNDONE_MAX: usize = 1_000;

/// Outcome of a restore, or of a dry run, for one target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TargetReport {
    /// Its name.
    pub name: String,
    /// Rows added since, which are deleted; all of an object that goes.
    pub deleted: u64,
    /// Rows changed since, which get their old values.
    pub reverted: u64,
    /// Rows deleted since, which come back; all of an object that was dropped.
    pub brought_back: u64,
    /// Keys and values to write, indexes included, in bytes; of an object that comes back or goes, those of
    /// its rows.
    pub bytes: u64,
}

impl TargetReport {
    /// Rows that the restore changes.
    pub fn rows(&self) -> u64 {
        self.deleted + self.reverted + self.brought_back
    }
}
