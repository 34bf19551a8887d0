//! Request for a new snapshot, and its outcome.

use bygone_engine::types::Timestamp;

use crate::{Snapshot, SnapshotScope};

/// A snapshot to be created.
#[derive(Clone, Debug)]
pub struct CreateSnapshot {
    /// Its name: 1 to 63 bytes without control or bidirectional characters, not in use.
    pub name: String,
    /// Scope of the snapshot.
    pub scope: SnapshotScope,
    /// The moment; `None` is now.
    pub at: Option<Timestamp>,
    /// From when on maintenance may drop it.
    pub expires: Option<Timestamp>,
    /// Anything the user wants to say about it.
    pub comment: Option<String>,
    /// Whether a snapshot of that name is left as it is instead of an error.
    pub if_not_exists: bool,
    /// Who creates it.
    pub author: Option<String>,
}

impl CreateSnapshot {
    /// A snapshot of the whole database, now.
    pub fn database(name: impl Into<String>) -> Self {
        Self::of(name, SnapshotScope::Database(None))
    }

    /// A snapshot of `scope`, now.
    pub fn of(name: impl Into<String>, scope: SnapshotScope) -> Self {
        Self {
            name: name.into(),
            scope,
            at: None,
            expires: None,
            comment: None,
            if_not_exists: false,
            author: None,
        }
    }
}

/// Outcome of [`Snapshots::create`](crate::Snapshots::create).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Created {
    /// The snapshot is new.
    New(Snapshot),
    /// There was one of that name, and `if_not_exists` was set.
    Existing(Snapshot),
}

impl Created {
    /// The snapshot, new or not.
    pub fn into_snapshot(self) -> Snapshot {
        match self {
            Self::New(snapshot) | Self::Existing(snapshot) => snapshot,
        }
    }
}
