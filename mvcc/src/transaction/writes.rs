//! The writes of a transaction, in order, with an index by key.
//!
//! ```text
//!   log    0: a=1   1: b=2   2: a=3   3: a✗        position = length of the log
//!   index  a → 3 → 2 → 0     b → 1                 value of a before position 3: a=3
//! ```
//!
//! The log is never reordered: going back to a savepoint cuts its end off.

use std::collections::{BTreeMap, BTreeSet};

use bygone_engine::{
    KeyRange,
    types::{KeyspaceId, Write, WriteBatch},
};
use bytes::Bytes;

/// A place in the sequence of writes: so many are before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Position(u32);

impl Position {
    /// Behind all writes, also those yet to come.
    pub(crate) const END: Self = Self(u32::MAX);
}

const NONE: u32 = u32::MAX;

/// Bookkeeping per write, in bytes: two handles, a log entry, a tree entry.
const OVERHEAD: usize = 160;

#[derive(Clone, Debug, Default)]
pub(crate) struct WriteSet {
    log: Vec<Entry>,
    index: BTreeMap<KeyspaceId, Keys>,
    bytes: usize,
}

/// The keys written in a keyspace.
#[derive(Clone, Debug, Default)]
struct Keys {
    newest: BTreeMap<Bytes, u32>,
    /// Of all writes, not only the newest.
    bytes: usize,
}

#[derive(Clone, Debug)]
struct Entry {
    write: Write,
    /// The earlier write of the same key.
    previous: u32,
}

impl WriteSet {
    /// Bytes that `write` adds to [`Self::bytes`].
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

    /// Of that, what the writes into a keyspace take.
    pub(crate) fn bytes_of(&self, keyspace: KeyspaceId) -> usize {
        self.index.get(&keyspace).map_or(0, |keys| keys.bytes)
    }

    pub(crate) fn end(&self) -> Position {
        Position(self.log.len() as u32)
    }

    pub(crate) fn touches(&self, keyspace: KeyspaceId) -> bool {
        self.index.contains_key(&keyspace)
    }

    pub(crate) fn push(&mut self, write: Write) {
        let position = u32::try_from(self.log.len()).expect("the byte bound keeps the log below 2^32 writes");
        let cost = Self::cost(&write);
        self.bytes += cost;
        let keys = self.index.entry(write.keyspace).or_default();
        keys.bytes += cost;
        let previous = keys.newest.insert(write.key.clone(), position).unwrap_or(NONE);
        self.log.push(Entry { write, previous });
    }

    /// Undoes every write at or after `position`.
    pub(crate) fn truncate(&mut self, position: Position) {
        while self.log.len() > position.0 as usize {
            let Some(Entry { write, previous }) = self.log.pop() else { break };
            let cost = Self::cost(&write);
            self.bytes -= cost;
            let keys = self.index.get_mut(&write.keyspace).expect("every write is in the index");
            keys.bytes -= cost;
            if previous == NONE {
                keys.newest.remove(&write.key);
                if keys.newest.is_empty() {
                    self.index.remove(&write.keyspace);
                }
            } else {
                keys.newest.insert(write.key, previous);
            }
        }
    }

    /// Last write to `key` before `position`, if there is one.
    #[expect(clippy::option_option, reason = "not written, deleted and set are three different answers")]
    pub(crate) fn get(&self, keyspace: KeyspaceId, key: &[u8], position: Position) -> Option<Option<Bytes>> {
        let newest = *self.index.get(&keyspace)?.newest.get(key)?;
        self.before(newest, position).map(|write| write.value.clone())
    }

    /// The keys of `range` written before `position`, ascending.
    pub(crate) fn range(
        &self,
        keyspace: KeyspaceId,
        range: &KeyRange,
        position: Position,
    ) -> Vec<(Bytes, Option<Bytes>)> {
        let Some(keys) = self.index.get(&keyspace) else { return Vec::new() };
        if is_empty(range) {
            return Vec::new();
        }
        keys.newest
            .range::<Bytes, _>((range.start.as_ref(), range.end.as_ref()))
            .filter_map(|(key, newest)| Some((key.clone(), self.before(*newest, position)?.value.clone())))
            .collect()
    }

    fn before(&self, mut write: u32, position: Position) -> Option<&Write> {
        while write != NONE && write >= position.0 {
            write = self.log[write as usize].previous;
        }
        self.log.get(write as usize).map(|entry| &entry.write)
    }

    /// The keyspaces written into.
    pub(crate) fn keyspaces(&self) -> impl Iterator<Item = KeyspaceId> {
        self.index.keys().copied()
    }

    /// The last write of every key of a keyspace, ascending.
    pub(crate) fn of_keyspace(&self, keyspace: KeyspaceId) -> impl Iterator<Item = &Write> {
        let keys = self.index.get(&keyspace).into_iter().flat_map(|keys| keys.newest.values());
        keys.map(|newest| &self.log[*newest as usize].write)
    }

    /// The same writes without those into keyspaces of which `is_gone` is true.
    pub(crate) fn without(&self, is_gone: impl Fn(KeyspaceId) -> bool) -> Self {
        let mut rest = Self::default();
        let kept = self.log.iter().filter(|entry| !is_gone(entry.write.keyspace));
        kept.for_each(|entry| rest.push(entry.write.clone()));
        rest
    }

    /// The writes before `position` alone.
    pub(crate) fn up_to(&self, position: Position) -> Self {
        let mut first = Self::default();
        let writes = self.log.iter().take(position.0 as usize);
        writes.for_each(|entry| first.push(entry.write.clone()));
        first
    }

    /// The last write of every key, in the order of those writes, without those into `discarded`.
    pub(crate) fn into_batch(self, discarded: &BTreeSet<KeyspaceId>) -> WriteBatch {
        let mut newest = vec![false; self.log.len()];
        let kept = self.index.iter().filter(|(keyspace, _)| !discarded.contains(keyspace));
        for position in kept.flat_map(|(_, keys)| keys.newest.values()) {
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
