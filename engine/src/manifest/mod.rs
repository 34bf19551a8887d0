//! Manifests: the durable state of a database, one immutable object per state.
//!
//! ```text
//!   manifest/…41 ◀─ parent id and hash ─ manifest/…42 ◀── manifest/…43        the newest is the state
//! ```
//!
//! A manifest names every table file with its length and hash, the part of the log that is not in them yet,
//! and the settings of the layers above. The next state is published by creating the next id, if it is
//! absent.
//!
//! 1. Ids are consecutive; the highest id is the state. A damaged newest manifest is an error, never a reason
//!    to go back to an older one.
//! 2. A manifest names its parent by id and hash; the chain is checked when the parent is still there.
//! 3. Only the writer of the newest epoch publishes: after creating a manifest it lists them, and is fenced
//!    when there is a higher id. It acknowledges and deletes nothing before that.
//! 4. Two manifests never have the same bytes: each carries a random nonce. So our own object is recognised.
//!
//! The bytes are described in FORMAT.md; `codec` reads and writes them and does no I/O.

mod codec;
mod publish;

#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, fmt};

use bytes::Bytes;

pub(crate) use codec::hash;
#[cfg(any(test, feature = "testing"))]
pub(crate) use codec::seal;
pub use codec::{decode, encode};
pub(crate) use codec::{decode_damaged, header_of};
pub use publish::{LoadedManifest, load_newest, newest_id, publish};
pub(crate) use publish::{ids, is_overtaken, no_database, object_name, parse_name};
pub(crate) use publish::{load, prune};

use crate::types::{KeyspaceId, LogBounds, LogPosition, Timestamp};

/// The state of a database. See the module documentation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manifest {
    /// Number of this manifest; the first is 1.
    pub id: u64,
    /// Epoch of the writer that published it.
    pub epoch: u64,
    /// Random, so that no two manifests are alike.
    pub nonce: u128,
    /// Id and hash of the manifest before this one.
    pub parent: Option<(u64, u128)>,
    /// No commit at or before this timestamp will ever be made.
    pub last_timestamp: Timestamp,
    /// Everything from this segment of the log on is not in the files.
    pub log: LogPosition,
    /// The newest epoch whose first log segment was there when this was written: that one and the one at
    /// [`Self::log`] are there. 0 where it is not known, as in manifests of version 1.0.
    pub log_begun: u64,
    /// The next free file number of this epoch.
    pub next_file: u64,
    /// Horizon of the keyspaces that do not have their own retention. Never moves back.
    pub horizon: Timestamp,
    /// Retention of the database, in microseconds: every moment so far back is readable without a pin.
    pub retention_us: u64,
    /// The keyspaces.
    pub keyspaces: BTreeMap<KeyspaceId, KeyspaceManifest>,
    /// Settings of the layers above: small, named values. They keep none yet.
    pub settings: BTreeMap<String, Vec<u8>>,
}

/// The files of one keyspace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyspaceManifest {
    /// Layout of values: 0 is opaque bytes.
    pub layout: u8,
    /// Every timestamp from here on is readable; below, only pinned ones are. Never moves back.
    pub horizon: Timestamp,
    /// Retention of this keyspace in microseconds; `None` follows the database.
    pub retention_us: Option<u64>,
    /// When the keyspace was dropped.
    pub dropped_at: Option<Timestamp>,
    /// Runs of level 0, newest first; they may overlap.
    pub level0: Vec<Run>,
    /// Level 1 and below: each one run, newer than the next.
    pub levels: Vec<Run>,
    /// Values that ended and left the levels, each judged by its lifetime alone. Groups in the order of their
    /// pins.
    pub history: Vec<HistoryGroup>,
}

/// Files in key order that never overlap. A key is never split over two files of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Run {
    /// The files.
    pub files: Vec<FileMeta>,
}

/// Closed values, grouped by the newest pin that still sees them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HistoryGroup {
    /// No pin newer than this one saw the versions when they were written here; [`Timestamp::OPEN`] for those
    /// that only the retention kept. Says what goes together, never whether a version may go: its lifetime
    /// says that.
    pub newest_pin: Timestamp,
    /// The group's runs, in any order.
    pub runs: Vec<Run>,
}

/// Names a table file: the epoch of its writer and a number that is never used again in that epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId {
    /// Epoch of the writer.
    pub epoch: u64,
    /// Number within the epoch.
    pub number: u64,
}

impl FileId {
    /// The file's name inside its root: `data/<epoch>-<number>.sst`.
    pub fn object_name(&self) -> String {
        format!("data/{self}.sst")
    }

    /// The file with this name, if it is the name of a table file.
    pub fn parse(name: &str) -> Option<Self> {
        let (epoch, number) = name.strip_prefix("data/")?.strip_suffix(".sst")?.split_once('-')?;
        let id = Self { epoch: epoch.parse().ok()?, number: number.parse().ok()? };
        (id.object_name() == name).then_some(id)
    }
}

impl fmt::Display for FileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:010}-{:010}", self.epoch, self.number)
    }
}

/// Entry of a table file in the manifest: known without opening the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileMeta {
    /// Names the file.
    pub id: FileId,
    /// The root that owns the file, when it is not this one. For clones, which do not exist yet.
    pub owner: Option<String>,
    /// Length in bytes.
    pub len: u64,
    /// Hash of the whole object.
    pub hash: u128,
    /// Offset of the page index: from here on the file is read once, when it is opened.
    pub tail_offset: u64,
    /// Versions in the file.
    pub rows: u64,
    /// Of these, puts.
    pub puts: u64,
    /// Of these, deletes.
    pub deletes: u64,
    /// Of these, closed.
    pub closed: u64,
    /// Different keys.
    pub distinct_keys: u64,
    /// Keys and values before encoding and compression, in bytes.
    pub raw_bytes: u64,
    /// Smallest key.
    pub min_key: Bytes,
    /// Largest key.
    pub max_key: Bytes,
    /// Smallest begin.
    pub min_begin: Timestamp,
    /// Largest begin.
    pub max_begin: Timestamp,
    /// Smallest end of the closed versions.
    pub min_end: Timestamp,
    /// Largest end of the closed versions.
    pub max_end: Timestamp,
    /// The begin of every version, whatever the file says: a bulk load is stamped when it commits.
    pub begin_override: Option<Timestamp>,
    /// Versions that begin later are not there. For clones, which do not exist yet.
    pub begin_bound: Option<Timestamp>,
    /// Layout of values: 0 opaque bytes, 1 rows stored column by column.
    pub layout: u8,
    /// Version of the schema the values were written with.
    pub schema_version: u32,
}

impl FileMeta {
    /// The file's name inside the root that owns it.
    pub fn object_name(&self) -> String {
        self.id.object_name()
    }

    /// The smallest begin that a reader of the file sees.
    pub fn oldest_begin(&self) -> Timestamp {
        self.begin_override.unwrap_or(self.min_begin)
    }

    /// Whether the file holds nothing but values that have ended, as a file of history must.
    pub fn is_history(&self) -> bool {
        self.closed == self.rows && self.puts == self.rows
    }

    /// The largest begin that a reader of the file can see.
    pub fn newest_begin(&self) -> Timestamp {
        self.begin_override.unwrap_or(self.max_begin)
    }
}

/// A nonce that no other writer, and no other manifest of this one, has. `seed` differs from process to
/// process.
pub(crate) fn nonce(seed: u64, epoch: u64, id: u64) -> u128 {
    let mut bytes = [0; 24];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    bytes[8..16].copy_from_slice(&epoch.to_le_bytes());
    bytes[16..].copy_from_slice(&id.to_le_bytes());
    xxhash_rust::xxh3::xxh3_128(&bytes)
}

impl KeyspaceManifest {
    /// Whether the keyspace has files.
    pub fn has_files(&self) -> bool {
        self.files().next().is_some()
    }

    /// Whether the runs are those of `other`.
    pub fn has_same_files(&self, other: &Self) -> bool {
        self.level0 == other.level0 && self.levels == other.levels && self.history == other.history
    }
}

impl Manifest {
    /// The state before the first manifest of a database.
    pub fn new(retention_us: u64) -> Self {
        Self { retention_us, ..Self::default() }
    }

    /// Which log belongs to this state.
    pub fn log_bounds(&self) -> LogBounds {
        LogBounds { from: self.log, begun: self.log_begun, epoch: self.epoch, manifest: self.id }
    }

    /// Feature that the manifest has and this version does not apply: clones.
    pub fn unknown_feature(&self) -> Option<&'static str> {
        let is_cloned = self.files().any(|file| file.owner.is_some() || file.begin_bound.is_some());
        is_cloned.then_some("files of another database")
    }

    /// Every file that is referenced, with duplicates if there are any.
    pub fn files(&self) -> impl Iterator<Item = &FileMeta> {
        self.keyspaces.values().flat_map(KeyspaceManifest::files)
    }
}

impl KeyspaceManifest {
    /// Every file of the keyspace.
    pub fn files(&self) -> impl Iterator<Item = &FileMeta> {
        self.runs().chain(self.history_runs()).flat_map(|run| &run.files)
    }

    /// The runs of the levels, newest first.
    pub fn runs(&self) -> impl Iterator<Item = &Run> {
        self.level0.iter().chain(&self.levels)
    }

    /// The runs of all groups of history, in no order.
    pub fn history_runs(&self) -> impl Iterator<Item = &Run> {
        self.history.iter().flat_map(|group| &group.runs)
    }
}
