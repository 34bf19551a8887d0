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
    /// Scope in which it keeps the moment readable.
    pub scope: Scope,
}

/// An amount of versions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// Number of versions; exact.
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

/// Use of the space of one keyspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyspaceSpace {
    /// The keyspace.
    pub keyspace: KeyspaceId,
    /// All versions that are stored.
    pub stored: Size,
    /// Versions of now.
    pub current: Size,
    /// Versions that no holder and no readable moment needs.
    pub free: Size,
    /// For each holder: what it refers to. Nothing outside of its scope.
    pub referenced: Vec<Size>,
    /// For each holder: what would be free if it alone were dropped.
    pub exclusive: Vec<Size>,
    /// Versions that would be free if all of those asked for were dropped, besides `free`.
    pub freed: Size,
}
