//! The memtable: the newest versions, in memory, ordered for reading.
//!
//! Entries are ordered by keyspace, then key ascending, then begin descending, so that the first entry of a
//! key at or below a timestamp is the visible one. Entries are never removed; a full memtable is frozen and
//! written to tables. Writers are serialised by the commit pipeline; readers never block.

use std::{
    borrow::Borrow,
    cmp::{Ordering, Reverse},
    ops::Bound,
    sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
};

use bytes::Bytes;
use crossbeam_skiplist::SkipMap;

use crate::{
    key_head::KeyHead,
    types::{KeyRange, KeyspaceId, Kind, Timestamp, Version, Write},
};

/// Bookkeeping of one entry beside its key and value, in bytes: the node of the map with its links.
const ENTRY_OVERHEAD_BYTES: usize = 136;
/// Keys and values of a commit are copied together into blocks of at most this size: an entry then needs no
/// allocation but its node, and what is counted is what is used. A reader that keeps one value keeps its
/// block.
const BLOCK_BYTES_MAX: usize = 32 << 10;
/// A key and value longer than this are shared with the caller instead of copied.
const COPIED_BYTES_MAX: usize = 4 << 10;

#[derive(Debug, PartialEq, Eq)]
struct EntryKey {
    keyspace: KeyspaceId,
    head: KeyHead,
    key: Bytes,
    begin: Timestamp,
}

/// A place in the order of entries, with a borrowed key: what look-ups search for.
struct EntryQuery<'a> {
    keyspace: KeyspaceId,
    head: KeyHead,
    key: &'a [u8],
    begin: Timestamp,
}

impl<'a> EntryQuery<'a> {
    fn new(keyspace: KeyspaceId, key: &'a [u8], begin: Timestamp) -> Self {
        Self { keyspace, head: KeyHead::of(key), key, begin }
    }
}

/// Parts by which an [`EntryKey`] and a [`EntryQuery`] are compared.
type Parts<'a> = (KeyspaceId, KeyHead, &'a [u8], Reverse<Timestamp>);

trait EntryOrder {
    fn parts(&self) -> Parts<'_>;
}

impl EntryOrder for EntryKey {
    #[inline]
    fn parts(&self) -> Parts<'_> {
        (self.keyspace, self.head, &self.key, Reverse(self.begin))
    }
}

impl EntryOrder for EntryQuery<'_> {
    #[inline]
    fn parts(&self) -> Parts<'_> {
        (self.keyspace, self.head, self.key, Reverse(self.begin))
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

impl PartialEq for dyn EntryOrder + '_ {
    fn eq(&self, other: &Self) -> bool {
        self.parts() == other.parts()
    }
}

impl Eq for dyn EntryOrder + '_ {}

impl Ord for dyn EntryOrder + '_ {
    fn cmp(&self, other: &Self) -> Ordering {
        self.parts().cmp(&other.parts())
    }
}

impl PartialOrd for dyn EntryOrder + '_ {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<'a> Borrow<dyn EntryOrder + 'a> for EntryKey {
    fn borrow(&self) -> &(dyn EntryOrder + 'a) {
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
    /// Adds one write at `at`, sharing its bytes. Timestamps never fall from call to call.
    pub(crate) fn insert(&self, at: Timestamp, write: &Write) {
        self.insert_entry(at, write.keyspace, write.key.clone(), write.value.clone());
    }

    /// Adds the writes of a commit at `at`, copying their bytes unless they are long.
    pub(crate) fn insert_batch(&self, at: Timestamp, writes: &[Write]) {
        let mut rest = writes;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(block_len(rest));
            rest = later;
            let mut block = Vec::with_capacity(now.iter().map(copied_len).sum());
            for write in now.iter().filter(|write| copied_len(write) > 0) {
                block.extend_from_slice(&write.key);
                block.extend_from_slice(write.value.as_deref().unwrap_or_default());
            }
            let mut block = Bytes::from(block);
            for write in now {
                if copied_len(write) == 0 {
                    self.insert(at, write);
                    continue;
                }
                let key = block.split_to(write.key.len());
                let value = write.value.as_ref().map(|value| block.split_to(value.len()));
                self.insert_entry(at, write.keyspace, key, value);
            }
        }
    }

    fn insert_entry(&self, at: Timestamp, keyspace: KeyspaceId, key: Bytes, value: Option<Bytes>) {
        let size = key.len() + value.as_ref().map_or(0, Bytes::len) + ENTRY_OVERHEAD_BYTES;
        self.entries.insert(EntryKey { keyspace, head: KeyHead::of(&key), key, begin: at }, value);
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

    /// Whether there is an entry of `keyspace`.
    pub(crate) fn holds(&self, keyspace: KeyspaceId) -> bool {
        let from = EntryQuery::new(keyspace, &[], Timestamp::OPEN);
        let entry = self.entries.lower_bound::<dyn EntryOrder>(Bound::Included(&from));
        entry.is_some_and(|entry| entry.key().keyspace == keyspace)
    }

    /// Begin of the newest entry, or zero.
    pub(crate) fn newest(&self) -> Timestamp {
        Timestamp::from_micros(self.newest.load(Relaxed))
    }

    /// The newest entry of `key` with `begin <= at`.
    pub(crate) fn get(&self, keyspace: KeyspaceId, key: &[u8], at: Timestamp) -> Option<Version> {
        let from = EntryQuery::new(keyspace, key, at);
        let entry = self.entries.lower_bound::<dyn EntryOrder>(Bound::Included(&from))?;
        let found = entry.key();
        (found.keyspace == keyspace && found.key == key).then(|| version(found, entry.value().as_ref()))
    }

    /// Up to `limit` entries of `range`, key ascending and begin descending, closed by their successors; from
    /// the start of the range, or behind the entry that the call before gave last. An empty answer means that
    /// nothing is left.
    pub(crate) fn forward(
        &self,
        keyspace: KeyspaceId,
        range: &KeyRange,
        behind: Option<&Version>,
        limit: usize,
    ) -> Vec<Version> {
        // The newest possible entry of the first key, or the place just after the oldest of an excluded one.
        let start: EntryQuery<'_>;
        let lower: Bound<&dyn EntryOrder> = match (behind, &range.start) {
            (Some(last), _) => {
                start = EntryQuery::new(keyspace, &last.key, last.begin);
                Bound::Excluded(&start)
            }
            (None, Bound::Included(key)) => {
                start = EntryQuery::new(keyspace, key, Timestamp::OPEN);
                Bound::Included(&start)
            }
            (None, Bound::Excluded(key)) => {
                start = EntryQuery::new(keyspace, key, Timestamp::ZERO);
                Bound::Excluded(&start)
            }
            (None, Bound::Unbounded) => {
                start = EntryQuery::new(keyspace, &[], Timestamp::OPEN);
                Bound::Included(&start)
            }
        };
        let mut out: Vec<Version> = Vec::new();
        for entry in self.entries.range::<dyn EntryOrder, _>((lower, Bound::Unbounded)) {
            let found = entry.key();
            if found.keyspace != keyspace || !range.reaches(&found.key) {
                break;
            }
            let mut next = version(found, entry.value().as_ref());
            if let Some(newer) = out.last().or(behind).filter(|newer| newer.key == found.key) {
                next.end = newer.begin;
            }
            out.push(next);
            if out.len() >= limit {
                break;
            }
        }
        out
    }

    /// Like [`Self::forward`], from the end of the range: key descending, begin ascending. Ends are left
    /// open, because successors come later.
    pub(crate) fn backward(
        &self,
        keyspace: KeyspaceId,
        range: &KeyRange,
        behind: Option<&Version>,
        limit: usize,
    ) -> Vec<Version> {
        let end: EntryQuery<'_>;
        let upper: Bound<&dyn EntryOrder> = match (behind, &range.end) {
            (Some(last), _) => {
                end = EntryQuery::new(keyspace, &last.key, last.begin);
                Bound::Excluded(&end)
            }
            (None, Bound::Included(key)) => {
                end = EntryQuery::new(keyspace, key, Timestamp::ZERO);
                Bound::Included(&end)
            }
            (None, Bound::Excluded(key)) => {
                end = EntryQuery::new(keyspace, key, Timestamp::OPEN);
                Bound::Excluded(&end)
            }
            (None, Bound::Unbounded) => {
                end = EntryQuery::new(KeyspaceId::new(keyspace.get() + 1), &[], Timestamp::OPEN);
                Bound::Excluded(&end)
            }
        };
        let mut out: Vec<Version> = Vec::new();
        for entry in self.entries.range::<dyn EntryOrder, _>((Bound::Unbounded, upper)).rev() {
            let found = entry.key();
            if found.keyspace != keyspace || !range.starts_before(&found.key) {
                break;
            }
            out.push(version(found, entry.value().as_ref()));
            if out.len() >= limit {
                break;
            }
        }
        out
    }

    /// The keyspaces that have entries, ascending.
    pub(crate) fn keyspaces(&self) -> Vec<KeyspaceId> {
        let mut out = Vec::new();
        let mut from = EntryQuery::new(KeyspaceId::new(0), &[], Timestamp::OPEN);
        while let Some(entry) = self.entries.lower_bound::<dyn EntryOrder>(Bound::Included(&from)) {
            let found = entry.key().keyspace;
            out.push(found);
            from.keyspace = KeyspaceId::new(found.get() + 1);
        }
        out
    }
}

/// Bytes of a write that are copied; zero when it is shared.
fn copied_len(write: &Write) -> usize {
    let len = write.key.len() + write.value.as_ref().map_or(0, Bytes::len);
    if len > COPIED_BYTES_MAX { 0 } else { len }
}

/// Number of `writes` that go into one block; at least one.
fn block_len(writes: &[Write]) -> usize {
    let mut bytes = 0;
    let fits = |write: &&Write| {
        bytes += copied_len(write);
        bytes <= BLOCK_BYTES_MAX
    };
    writes.iter().take_while(fits).count().max(1)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_of_any_shape_are_found_again() {
        let long = vec![7; COPIED_BYTES_MAX + 1];
        let mut writes: Vec<Write> = (0..2_000_u32)
            .map(|n| Write {
                keyspace: KeyspaceId::new(1),
                key: Bytes::copy_from_slice(&n.to_be_bytes()),
                value: (n % 3 != 0).then(|| vec![n as u8; n as usize % 200].into()),
            })
            .collect();
        writes[1_000].value = Some(long.into());
        writes.push(Write { keyspace: KeyspaceId::new(2), key: Bytes::new(), value: Some(Bytes::new()) });
        let memtable = Memtable::default();
        let at = Timestamp::from_micros(5);
        memtable.insert_batch(at, &writes);
        assert_eq!(memtable.len(), writes.len());
        for write in &writes {
            let found = memtable.get(write.keyspace, &write.key, at).expect("it was inserted");
            assert_eq!(found.into_value(), write.value);
        }
    }
}
