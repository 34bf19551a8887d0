//! The net difference between two moments.
//!
//! A version is alive from its begin until its end. Versions alive at one of the moments and not at the other
//! are the changes, and they say so themselves where their end is known: always in history, and in the
//! current tier where their successor was written into the same file.
//!
//! ```text
//!              from           to
//!   history    ├──── old ──┤   │            old: ended in between
//!   current            │   └── new ──▶      new: began in between
//! ```
//!
//! So both sides of a key come from one pass over the sources in key order that stops at nothing else. Pages
//! whose statistics say that nothing in them began or ended in between are not loaded; of others keys and
//! timestamps are read, and values only of the rows that are found.
//!
//! One case is left. A version that is still open in its file may have a successor in a newer source (I4).
//! Where such a successor is found without an old version, that is looked for in the older sources, in one
//! forward pass for many keys. In the oldest source there is nothing to look for: that the key was inserted
//! is known at no cost; elsewhere the filter of the key says so.

mod changes;
mod older;

use bytes::Bytes;

pub use changes::{Change, ChangeScan, ChangeSet};

use super::columns::RowSegment;
use crate::{error::Result, read::RowSet, types::Timestamp};

/// One key that differs between two moments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The key.
    pub key: Bytes,
    /// Value at the earlier moment, if there was one.
    pub before: Option<Bytes>,
    /// Value at the later moment, if there is one.
    pub after: Option<Bytes>,
    /// The commit that wrote `before`; zero without one.
    pub before_begin: Timestamp,
    /// The commit that wrote `after`; zero without one.
    pub after_begin: Timestamp,
}

/// A running diff, in key order. Keys whose values are equal at both moments are not reported.
#[derive(Debug)]
pub struct DiffScan {
    changes: ChangeScan,
    ready: Ready,
}

impl DiffScan {
    pub(crate) fn new(changes: ChangeScan) -> Self {
        Self { changes, ready: Ready::default() }
    }

    /// Returns the next difference, or `None` after the last.
    ///
    /// # Errors
    /// `Corrupt` or `Unavailable` when a page cannot be read.
    pub async fn next(&mut self) -> Result<Option<Difference>> {
        loop {
            if let Some(difference) = self.ready.next() {
                return Ok(Some(difference));
            }
            // On the heap: callers need not carry the state of a pass in their own.
            let Some(set) = Box::pin(self.changes.next()).await? else { return Ok(None) };
            self.ready = Box::pin(Ready::read(&set)).await?;
        }
    }
}

/// Changes of a set with their keys and values.
#[derive(Debug, Default)]
struct Ready {
    bytes: Bytes,
    /// End of each key in the bytes, and then of each value.
    key_ends: Vec<usize>,
    value_ends: Vec<usize>,
    changes: Vec<Change>,
    next: usize,
}

impl Ready {
    /// Reads the values, page by page.
    async fn read(set: &ChangeSet) -> Result<Self> {
        let mut bytes = Vec::with_capacity(set.keys.bytes() + set.rows.bytes());
        let mut key_ends = Vec::with_capacity(set.keys.len());
        for key in set.keys.iter() {
            bytes.extend_from_slice(key);
            key_ends.push(bytes.len());
        }
        let value_ends = append_values(&set.rows, &mut bytes).await?;
        Ok(Self { bytes: bytes.into(), key_ends, value_ends, changes: set.changes.clone(), next: 0 })
    }

    /// The next change that is one.
    fn next(&mut self) -> Option<Difference> {
        loop {
            let change = *self.changes.get(self.next)?;
            self.next += 1;
            let (before, after) =
                (change.before.map(|row| self.value(row)), change.after.map(|row| self.value(row)));
            if before == after {
                continue;
            }
            let Change { before_begin, after_begin, .. } = change;
            return Some(Difference {
                key: self.key(self.next - 1),
                before,
                after,
                before_begin,
                after_begin,
            });
        }
    }

    fn key(&self, number: usize) -> Bytes {
        let start = number.checked_sub(1).map_or(0, |before| self.key_ends[before]);
        self.bytes.slice(start..self.key_ends[number])
    }

    fn value(&self, row: usize) -> Bytes {
        let keys = self.key_ends.last().copied().unwrap_or(0);
        let start = row.checked_sub(1).map_or(keys, |before| self.value_ends[before]);
        self.bytes.slice(start..self.value_ends[row])
    }
}

/// Appends the values of a set of rows; returns the end of each.
async fn append_values(rows: &RowSet, out: &mut Vec<u8>) -> Result<Vec<usize>> {
    let mut ends = Vec::with_capacity(rows.len());
    for segment in rows.segments() {
        match segment {
            RowSegment::Rows(rows) => {
                for (_, value) in rows {
                    out.extend_from_slice(value);
                    ends.push(out.len());
                }
            }
            RowSegment::Page(picked) => {
                let values = picked.table.values(picked.number, picked.policy).await?;
                for row in picked.rows.iter() {
                    values.append(row, out);
                    ends.push(out.len());
                }
            }
        }
    }
    Ok(ends)
}
