//! Figures of space, and the holders that they are given for.

use crate::{
    Scope,
    types::{KeyspaceId, Timestamp},
};

/// Who keeps a moment readable: a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// The moment.
    pub at: Timestamp,
    /// Where.
    pub scope: Scope,
}

/// An amount of versions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// How many; exact.
    pub versions: u64,
    /// Their share of the bytes that are stored.
    pub bytes: u64,
}

impl std::ops::AddAssign for Size {
    fn add_assign(&mut self, other: Self) {
        self.versions += other.versions;
        self.bytes += other.bytes;
    }
}

/// How the space of one keyspace is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyspaceSpace {
    /// The keyspace.
    pub keyspace: KeyspaceId,
    /// All versions that are stored.
    pub stored: Size,
    /// Those of now.
    pub current: Size,
    /// Those that no holder and no readable moment needs.
    pub free: Size,
    /// For each holder: what it refers to. Nothing outside of its scope.
    pub referenced: Vec<Size>,
    /// For each holder: what would be free if it alone were dropped.
    pub exclusive: Vec<Size>,
    /// What would be free if all of those asked for were dropped, besides what is.
    pub freed: Size,
}
