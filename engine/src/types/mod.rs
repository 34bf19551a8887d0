//! The nouns of the engine: timestamp, keyspace, kind, version, batch.
//!
//! A *version* is one entry of a key: `(key, begin, end, kind, value)`. It is what a reader at `t` sees when
//! `begin <= t < end`:
//!
//! ```text
//!   time ──────▶   10            20            30
//!   key a          PUT x ───────▶ DELETE ─────▶ PUT y ──── OPEN
//!                  [10,20)        [20,30)       [30,OPEN)
//! ```
//!
//! `begin` is inclusive: a version exactly at `t` counts. `end` is the begin of the next version of the key,
//! or [`Timestamp::OPEN`] when the writer of the entry knew no successor.

mod key_range;
mod limits;
mod log_position;

use std::fmt;

use bytes::Bytes;
pub use key_range::KeyRange;
pub use limits::{KEY_BYTES_MAX, TooLong, VALUE_BYTES_MAX, check_lengths};
pub use log_position::{LogBounds, LogPosition};

/// A commit timestamp: microseconds since the Unix epoch, strictly increasing, one per commit.
///
/// It is the version number and the SQL `TIMESTAMP` at once. Zero is never a commit.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

impl Timestamp {
    /// Before every commit: the begin of rows that are not committed yet, and the start of the clock.
    pub const ZERO: Self = Self(0);
    /// The smallest timestamp that a commit can have.
    pub const FIRST: Self = Self(1);
    /// The `end` of a version whose successor is not known.
    pub const OPEN: Self = Self(u64::MAX);
    /// The largest timestamp that a commit can have: the last microsecond that a signed 64-bit SQL timestamp
    /// holds.
    pub const LAST: Self = Self(i64::MAX as u64);

    /// The timestamp of `micros` microseconds since the Unix epoch.
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// Microseconds since the Unix epoch.
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// The next timestamp.
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// The timestamp before this one; zero stays zero.
    pub const fn previous(self) -> Self {
        Self(self.0.saturating_sub(1))
    }

    /// This timestamp moved back by `micros` microseconds, not below zero.
    pub const fn minus_micros(self, micros: u64) -> Self {
        Self(self.0.saturating_sub(micros))
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::OPEN { f.write_str("open") } else { write!(f, "{}", self.0) }
    }
}

/// Identifies a keyspace: one table or one index, with a tree of files of its own.
///
/// Ids below [`KeyspaceId::FIRST_USER`] belong to the layers above the engine; all others are clock ticks, so
/// an id is never used twice in the life of a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyspaceId(u64);

impl KeyspaceId {
    /// The first id that is not reserved for the system.
    pub const FIRST_USER: Self = Self(1 << 16);

    /// The keyspace with this number.
    pub const fn new(id: u64) -> Self {
        Self(id)
    }

    /// The number of this keyspace.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Whether this keyspace holds the system's own records (catalog, snapshots, commits).
    pub const fn is_system(self) -> bool {
        self.0 < Self::FIRST_USER.0
    }
}

impl fmt::Display for KeyspaceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// Kind of a version: a value or a delete.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Kind {
    /// The key has a value.
    Put = 0,
    /// The key has no value from `begin` on.
    Delete = 1,
}

impl Kind {
    /// The kind with this number in a file, if there is one.
    pub const fn from_u8(byte: u8) -> Option<Self> {
        match byte {
            0 => Some(Self::Put),
            1 => Some(Self::Delete),
            _ => None,
        }
    }
}

/// One entry of a key, owned. See the module documentation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// The user key.
    pub key: Bytes,
    /// The commit that wrote this version; inclusive.
    pub begin: Timestamp,
    /// The begin of the next version, or [`Timestamp::OPEN`]; exclusive.
    pub end: Timestamp,
    /// Whether the version is a value or says that there is none.
    pub kind: Kind,
    /// The value; empty unless `kind` is [`Kind::Put`].
    pub value: Bytes,
}

impl Version {
    /// The value, unless the version says that there is none.
    pub fn into_value(self) -> Option<Bytes> {
        (self.kind == Kind::Put).then_some(self.value)
    }

    /// This version, borrowed.
    pub fn as_ref(&self) -> VersionRef<'_> {
        VersionRef { key: &self.key, begin: self.begin, end: self.end, kind: self.kind, value: &self.value }
    }
}

/// One entry of a key, borrowed from a page or a memtable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VersionRef<'a> {
    /// The user key.
    pub key: &'a [u8],
    /// The commit that wrote this version; inclusive.
    pub begin: Timestamp,
    /// The begin of the next version, or [`Timestamp::OPEN`]; exclusive.
    pub end: Timestamp,
    /// Whether the version is a value or says that there is none.
    pub kind: Kind,
    /// The value; empty unless `kind` is [`Kind::Put`].
    pub value: &'a [u8],
}

/// One change of a [`WriteBatch`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// Keyspace of the key.
    pub keyspace: KeyspaceId,
    /// The user key.
    pub key: Bytes,
    /// The new value, or `None` to delete the key.
    pub value: Option<Bytes>,
}

/// The writes of one commit, in any order. A key that is written twice keeps the later write.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WriteBatch {
    writes: Vec<Write>,
    bytes: usize,
}

impl WriteBatch {
    /// An empty batch.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets `key` to `value`.
    pub fn put(&mut self, keyspace: KeyspaceId, key: impl Into<Bytes>, value: impl Into<Bytes>) {
        self.push(Write { keyspace, key: key.into(), value: Some(value.into()) });
    }

    /// Deletes `key`; deleting a key that does not exist is allowed.
    pub fn delete(&mut self, keyspace: KeyspaceId, key: impl Into<Bytes>) {
        self.push(Write { keyspace, key: key.into(), value: None });
    }

    /// Adds one write.
    pub fn push(&mut self, write: Write) {
        self.bytes += write.key.len() + write.value.as_ref().map_or(0, Bytes::len) + 16;
        self.writes.push(write);
    }

    /// The writes in the order they were added.
    pub fn writes(&self) -> &[Write] {
        &self.writes
    }

    /// Number of writes.
    pub fn len(&self) -> usize {
        self.writes.len()
    }

    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.writes.is_empty()
    }

    /// Approximate size in memory, in bytes.
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

/// Durability of a commit when it returns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// Returned means durable: the log was synced.
    #[default]
    Sync,
    /// Returned means visible; durable at the next sync of any commit, flush or close.
    Buffered,
}
