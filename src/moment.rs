//! Which moment a read shows.

use bygone_engine::types::Timestamp;

/// A moment to read at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Moment {
    /// The newest state.
    Now,
    /// The state at a timestamp, inclusive.
    At(Timestamp),
    /// The state that a named snapshot keeps.
    Snapshot(String),
}

impl From<Timestamp> for Moment {
    fn from(at: Timestamp) -> Self {
        Self::At(at)
    }
}

impl From<&str> for Moment {
    /// The name of a snapshot.
    fn from(name: &str) -> Self {
        Self::Snapshot(name.into())
    }
}

impl From<String> for Moment {
    /// The name of a snapshot.
    fn from(name: String) -> Self {
        Self::Snapshot(name)
    }
}

impl From<&bygone_snapshots::Snapshot> for Moment {
    fn from(snapshot: &bygone_snapshots::Snapshot) -> Self {
        Self::Snapshot(snapshot.name.clone())
    }
}
