//! The memtable: the newest versions, in memory, ordered for reading.
//!
//! Entries are ordered by keyspace, then key ascending, then begin descending, so that the first entry of a key at or
//! below a timestamp is the visible one. Entries are never removed; a full memtable is frozen and written to tables.
//! Writers are serialised by the commit pipeline; readers never block.

use std::{
    borrow::Borrow,
    cmp::{Ordering, Reverse},
    ops::Bound,
    sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
};

use bytes::Bytes;
use crossbeam_skiplist::SkipMap;

use crate::{
    read::KeyRange,
    types::{KeyspaceId, Kind, Timestamp, Version, Write},
};

/// Bookkeeping of one entry beside its key and value, in bytes, as far as it is known.
const ENTRY_OVERHEAD_BYTES: usize = 96;

#[derive(Debug, PartialEq, Eq)]
struct EntryKey {
    keyspace: KeyspaceId,
    key: Bytes,
    begin: Timestamp,
}

/// An [`EntryKey`] that need not own its key: what look-ups search for.
trait Position {
    fn parts(&self) -> (KeyspaceId, &[u8], Reverse<Timestamp>);
}

impl Position for EntryKey {
    fn parts(&self) -> (KeyspaceId, &[u8], Reverse<Timestamp>) {
        (self.keyspace, &self.key, Reverse(self.begin))
    }
}

impl Position for (KeyspaceId, &[u8], Timestamp) {
    fn parts(&self) -> (KeyspaceId, &[u8], Reverse<Timestamp>) {
        (self.0, self.1, Reverse(self.2))
    }
}

impl Ord for EntryKey {
    fn cmp(&self, other: &Self) -> Ordering {
        self.parts().cmp(&other.parts())
    }
}

impl PartialOrd for EntryKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for dyn Position + '_ {
    fn eq(&self, other: &Self) -> bool {
        self.parts() == other.parts()
    }
}

impl Eq for dyn Position + '_ {}

impl Ord for dyn Position + '_ {
    fn cmp(&self, other: &Self) -> Ordering {
        self.parts().cmp(&other.parts())
    }
}

impl PartialOrd for dyn Position + '_ {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<'a> Borrow<dyn Position + 'a> for EntryKey {
    fn borrow(&self) -> &(dyn Position + 'a) {
        self
    }
}

/// See the module documentation.
#[derive(Debug, Default)]
pub(crate) struct Memtable {
    entries: SkipMap<EntryKey, Option<Bytes>>,
    bytes: AtomicUsize,
    /// Begin of the newest entry.
    newest: AtomicU64,
}

impl Memtable {
    /// Adds one write at `at`. Timestamps never fall from call to call.
    pub(crate) fn insert(&self, at: Timestamp, write: &Write) {
        let size = write.key.len() + write.value.as_ref().map_or(0, Bytes::len) + ENTRY_OVERHEAD_BYTES;
        let key = EntryKey { keyspace: write.keyspace, key: write.key.clone(), begin: at };
        self.entries.insert(key, write.value.clone());
        self.bytes.fetch_add(size, Relaxed);
        self.newest.store(at.as_micros(), Relaxed);
    }

    /// Number of entries.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Approximate memory in use, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes.load(Relaxed)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Begin of the newest entry, or zero.
    pub(crate) fn newest(&self) -> Timestamp {
        Timestamp::from_micros(self.newest.load(Relaxed))
    }

    /// The newest entry of `key` with `begin <= at`.
    pub(crate) fn get(&self, keyspace: KeyspaceId, key: &[u8], at: Timestamp) -> Option<Version> {
        let from = (keyspace, key, at);
        let entry = self.entries.lower_bound::<dyn Position>(Bound::Included(&from))?;
        let found = entry.key();
        (found.keyspace == keyspace && found.key == key).then(|| version(found, entry.value().as_ref()))
    }

    /// Up to `limit` entries of `range`, key ascending and begin descending. Only whole keys: the last key's versions
    /// are complete even when that exceeds the limit. An empty answer means that nothing is left.
    pub(crate) fn forward(&self, keyspace: KeyspaceId, range: &KeyRange, limit: usize) -> Vec<Version> {
        // The newest possible entry of the first key, or the place just after the oldest of an excluded one.
        let start: (KeyspaceId, &[u8], Timestamp);
        let lower: Bound<&dyn Position> = match &range.start {
            Bound::Included(key) => {
                start = (keyspace, key, Timestamp::OPEN);
                Bound::Included(&start)
            }
            Bound::Excluded(key) => {
                start = (keyspace, key, Timestamp::INTENT);
                Bound::Excluded(&start)
            }
            Bound::Unbounded => {
                start = (keyspace, &[], Timestamp::OPEN);
                Bound::Included(&start)
            }
        };
        let mut out: Vec<Version> = Vec::new();
        for entry in self.entries.range::<dyn Position, _>((lower, Bound::Unbounded)) {
            let found = entry.key();
            if found.keyspace != keyspace || !range.reaches(&found.key) {
                break;
            }
            let same = out.last().is_some_and(|last: &Version| last.key == found.key);
            if !same && out.len() >= limit {
                break;
            }
            let mut next = version(found, entry.value().as_ref());
            if let (true, Some(newer)) = (same, out.last()) {
                next.end = newer.begin;
            }
            out.push(next);
        }
        out
    }

    /// Like [`Self::forward`], from the end of the range: key descending, begin ascending.
    pub(crate) fn backward(&self, keyspace: KeyspaceId, range: &KeyRange, limit: usize) -> Vec<Version> {
        let end: (KeyspaceId, &[u8], Timestamp);
        let upper: Bound<&dyn Position> = match &range.end {
            Bound::Included(key) => {
                end = (keyspace, key, Timestamp::INTENT);
                Bound::Included(&end)
            }
            Bound::Excluded(key) => {
                end = (keyspace, key, Timestamp::OPEN);
                Bound::Excluded(&end)
            }
            Bound::Unbounded => {
                end = (KeyspaceId::new(keyspace.get() + 1), &[], Timestamp::OPEN);
                Bound::Excluded(&end)
            }
        };
        let mut out: Vec<Version> = Vec::new();
        for entry in self.entries.range::<dyn Position, _>((Bound::Unbounded, upper)).rev() {
            let found = entry.key();
            if found.keyspace != keyspace || !range.starts_before(&found.key) {
                break;
            }
            let same = out.last().is_some_and(|last: &Version| last.key == found.key);
            if !same && out.len() >= limit {
                break;
            }
            let next = version(found, entry.value().as_ref());
            if let (true, Some(older)) = (same, out.last_mut()) {
                older.end = next.begin;
            }
            out.push(next);
        }
        out
    }

    /// The keyspaces that have entries, ascending.
    pub(crate) fn keyspaces(&self) -> Vec<KeyspaceId> {
        let mut out = Vec::new();
        let mut from: (KeyspaceId, &[u8], Timestamp) = (KeyspaceId::new(0), &[], Timestamp::OPEN);
        while let Some(entry) = self.entries.lower_bound::<dyn Position>(Bound::Included(&from)) {
            let found = entry.key().keyspace;
            out.push(found);
            from.0 = KeyspaceId::new(found.get() + 1);
        }
        out
    }
}

fn version(key: &EntryKey, value: Option<&Bytes>) -> Version {
    Version {
        key: key.key.clone(),
        begin: key.begin,
        end: Timestamp::OPEN,
        kind: if value.is_some() { Kind::Put } else { Kind::Delete },
        value: value.cloned().unwrap_or_default(),
    }
}
