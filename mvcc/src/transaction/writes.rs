//! The writes of a transaction, in order, with an index by key.
//!
//! ```text
//!   log    0: a=1   1: b=2   2: a=3   3: a✗        mark = length of the log
//!   index  a → 3 → 2 → 0     b → 1                 value of a before mark 3: a=3
//! ```
//!
//! The log is never reordered: going back to a savepoint cuts its end off.

use std::collections::{BTreeMap, BTreeSet};

use bygone_engine::{
    KeyRange,
    types::{KeyspaceId, Write, WriteBatch},
};
use bytes::Bytes;

/// A place in the sequence of a transaction's writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark(u32);

impl Mark {
    /// Behind all writes, also those yet to come.
    pub const END: Self = Self(u32::MAX);
    /// Before all writes.
    pub const START: Self = Self(0);
}

const NONE: u32 = u32::MAX;

/// Bookkeeping per write, in bytes: two handles, a log entry, a tree entry.
const OVERHEAD: usize = 160;

#[derive(Debug, Default)]
pub(crate) struct WriteSet {
    log: Vec<Entry>,
    index: BTreeMap<KeyspaceId, BTreeMap<Bytes, u32>>,
    bytes: usize,
}

#[derive(Debug)]
struct Entry {
    write: Write,
    /// The earlier write of the same key.
    previous: u32,
}

impl WriteSet {
    /// What `write` adds to [`Self::bytes`].
    pub(crate) fn cost(write: &Write) -> usize {
        write.key.len() + write.value.as_ref().map_or(0, Bytes::len) + OVERHEAD
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.log.is_empty()
    }

    /// Approximate memory, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn mark(&self) -> Mark {
        Mark(self.log.len() as u32)
    }

    pub(crate) fn touches(&self, keyspace: KeyspaceId) -> bool {
        self.index.contains_key(&keyspace)
    }

    pub(crate) fn push(&mut self, write: Write) {
        let position = u32::try_from(self.log.len()).expect("the byte bound keeps the log below 2^32 writes");
        self.bytes += Self::cost(&write);
        let keys = self.index.entry(write.keyspace).or_default();
        let previous = keys.insert(write.key.clone(), position).unwrap_or(NONE);
        self.log.push(Entry { write, previous });
    }

    /// Undoes every write at or after `mark`.
    pub(crate) fn truncate(&mut self, mark: Mark) {
        while self.log.len() > mark.0 as usize {
            let Some(Entry { write, previous }) = self.log.pop() else { break };
            self.bytes -= Self::cost(&write);
            let keys = self.index.get_mut(&write.keyspace).expect("every write is in the index");
            if previous == NONE {
                keys.remove(&write.key);
                if keys.is_empty() {
                    self.index.remove(&write.keyspace);
                }
            } else {
                keys.insert(write.key, previous);
            }
        }
    }

    /// What was written to `key` before `mark`, if anything was.
    #[expect(clippy::option_option, reason = "not written, deleted and set are three different answers")]
    pub(crate) fn get(&self, keyspace: KeyspaceId, key: &[u8], mark: Mark) -> Option<Option<Bytes>> {
        let newest = *self.index.get(&keyspace)?.get(key)?;
        self.before(newest, mark).map(|write| write.value.clone())
    }

    /// The keys of `range` written before `mark`, ascending.
    pub(crate) fn range(
        &self,
        keyspace: KeyspaceId,
        range: &KeyRange,
        mark: Mark,
    ) -> Vec<(Bytes, Option<Bytes>)> {
        let Some(keys) = self.index.get(&keyspace) else { return Vec::new() };
        if is_empty(range) {
            return Vec::new();
        }
        keys.range::<Bytes, _>((range.start.as_ref(), range.end.as_ref()))
            .filter_map(|(key, newest)| Some((key.clone(), self.before(*newest, mark)?.value.clone())))
            .collect()
    }

    fn before(&self, mut position: u32, mark: Mark) -> Option<&Write> {
        while position != NONE && position >= mark.0 {
            position = self.log[position as usize].previous;
        }
        self.log.get(position as usize).map(|entry| &entry.write)
    }

    /// The keyspaces written into.
    pub(crate) fn keyspaces(&self) -> impl Iterator<Item = KeyspaceId> {
        self.index.keys().copied()
    }

    /// The last write of every key, in the order of those writes, without those into `discarded`.
    pub(crate) fn into_batch(self, discarded: &BTreeSet<KeyspaceId>) -> WriteBatch {
        let mut newest = vec![false; self.log.len()];
        let kept = self.index.iter().filter(|(keyspace, _)| !discarded.contains(keyspace));
        for position in kept.flat_map(|(_, keys)| keys.values()) {
            newest[*position as usize] = true;
        }
        let mut batch = WriteBatch::new();
        for (entry, newest) in self.log.into_iter().zip(newest) {
            if newest {
                batch.push(entry.write);
            }
        }
        batch
    }
}

/// Whether no key can lie in `range`; a tree panics on such bounds.
fn is_empty(range: &KeyRange) -> bool {
    use std::ops::Bound::{Excluded, Included, Unbounded};
    match (&range.start, &range.end) {
        (Unbounded, _) | (_, Unbounded) => false,
        (Included(start), Included(end)) => start > end,
        (Included(start) | Excluded(start), Included(end) | Excluded(end)) => start >= end,
    }
}
