//! One commit: what is asked for, what is checked, what comes back.

mod pipeline;

use std::collections::{BTreeMap, BTreeSet};

use bygone_engine::{
    IngestedRun,
    types::{Durability, KeyspaceId, Timestamp, WriteBatch},
};
use bytes::Bytes;
pub(crate) use pipeline::{Pipeline, Rejected};

/// Outcome of a commit that happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommitInfo {
    /// When it happened. A commit that wrote nothing has the timestamp of the state it read.
    pub timestamp: Timestamp,
}

/// Description of a commit. A commit without one leaves no record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommitMeta {
    /// Who made it.
    pub author: Option<String>,
    /// Why it was made.
    pub message: Option<String>,
    /// Kind of work, for instance `UPDATE` or `RESTORE`.
    pub statement: Option<String>,
    /// The names of the tables it touched, as they were then.
    pub tables: Vec<String>,
    /// Free key–value pairs, for instance the log position of an outside system. Each is readable on its own
    /// as of any time ([`crate::annotation`]).
    pub annotations: BTreeMap<String, String>,
}

impl CommitMeta {
    /// Whether there is nothing to record.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// An exclusive commit: sorted runs or a batch, or both, under a lock. See
/// [`crate::Store::commit_exclusive`].
#[derive(Debug, Default)]
pub struct ExclusiveCommit {
    /// Bulk-ingested files.
    pub runs: Vec<IngestedRun>,
    /// Further writes of the same commit.
    pub batch: WriteBatch,
    /// Keys that must not have changed since `guarded_since`; otherwise the commit conflicts.
    pub guards: Vec<(KeyspaceId, Bytes)>,
    /// See `guards`.
    pub guarded_since: Timestamp,
    /// Description of the commit.
    pub meta: CommitMeta,
    /// Durability of the commit; runs are always durable.
    pub durability: Durability,
}

/// The commit of a transaction that has files.
#[derive(Debug)]
pub(crate) struct FilesCommit {
    /// At most one of each keyspace.
    pub(crate) runs: Vec<IngestedRun>,
    /// Writes into other keyspaces.
    pub(crate) batch: WriteBatch,
    /// Keys that must not have changed.
    pub(crate) guards: Vec<(KeyspaceId, Bytes)>,
    /// The moment that the transaction reads.
    pub(crate) since: Timestamp,
    pub(crate) meta: CommitMeta,
    pub(crate) durability: Durability,
}

/// A commit on its way through the pipeline.
#[derive(Debug)]
pub(crate) struct Request {
    /// The writes that go through the log.
    pub(crate) batch: WriteBatch,
    /// Keys that are not written here but must not have changed since `since`.
    pub(crate) guards: Vec<(KeyspaceId, Bytes)>,
    /// Files that become visible with the commit.
    pub(crate) runs: Vec<IngestedRun>,
    /// The read timestamp to check against; `None` writes blindly.
    pub(crate) since: Option<Timestamp>,
    /// Whether the keys of `batch` are checked as well as the guards.
    pub(crate) check_writes: bool,
    /// Every keyspace that the commit changes.
    pub(crate) keyspaces: BTreeSet<KeyspaceId>,
    pub(crate) meta: CommitMeta,
    /// It writes nothing and leaves its timestamp in the log, durably: no later commit gets it or one before.
    pub(crate) is_watermark: bool,
    pub(crate) durability: Durability,
    /// The exclusive lock it commits under.
    pub(crate) lock: Option<HeldLock>,
}

impl Request {
    /// Whether it changes no key: it is a watermark, or only waits for those before it.
    pub(crate) fn is_empty(&self) -> bool {
        self.batch.is_empty() && self.runs.is_empty() && self.meta.is_empty()
    }

    /// The lock of an exclusive commit, of which whoever began before must learn.
    pub(crate) fn barring_lock(&self) -> Option<&HeldLock> {
        self.lock.as_ref().filter(|lock| lock.bars_earlier)
    }

    /// The keys to check against `since`.
    pub(crate) fn checked(&self) -> impl Iterator<Item = (KeyspaceId, &Bytes)> {
        let writes = if self.check_writes { self.batch.writes() } else { &[] };
        let guards = self.guards.iter().map(|(keyspace, key)| (*keyspace, key));
        writes.iter().map(|write| (write.keyspace, &write.key)).chain(guards)
    }
}

/// The lock of an exclusive commit, as the leader needs it.
#[derive(Clone, Debug)]
pub(crate) struct HeldLock {
    pub(crate) id: u64,
    pub(crate) keyspaces: Box<[KeyspaceId]>,
    /// Whether transactions that began before and wrote into the keyspaces conflict, whatever their keys.
    pub(crate) bars_earlier: bool,
}

impl Request {
    /// A request for `batch` alone.
    pub(crate) fn of_batch(batch: WriteBatch, durability: Durability) -> Self {
        let keyspaces = batch.writes().iter().map(|write| write.keyspace).collect();
        Self {
            batch,
            guards: Vec::new(),
            runs: Vec::new(),
            since: None,
            check_writes: true,
            keyspaces,
            meta: CommitMeta::default(),
            is_watermark: false,
            durability,
            lock: None,
        }
    }
}
