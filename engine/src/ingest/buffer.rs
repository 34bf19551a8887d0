//! The sort buffer of an ingest: rows in one arena.

use crate::{
    Result,
    ingest::duplicate::{OnDuplicate, duplicate},
    key_head::KeyHead,
};

/// Bookkeeping of one row beside its bytes.
const ROW_OVERHEAD_BYTES: usize = std::mem::size_of::<Row>();

#[derive(Clone, Copy, Debug)]
struct Row {
    head: KeyHead,
    start: usize,
    key_len: u32,
    /// `u32::MAX`: a delete.
    value_len: u32,
}

/// Rows in the order they came, and whether that order is ascending.
#[derive(Debug)]
pub(super) struct SortBuffer {
    arena: Vec<u8>,
    rows: Vec<Row>,
    is_ascending: bool,
}

impl Default for SortBuffer {
    fn default() -> Self {
        Self { arena: Vec::new(), rows: Vec::new(), is_ascending: true }
    }
}

impl SortBuffer {
    pub(super) fn push(&mut self, key: &[u8], value: Option<&[u8]>) {
        if self.is_ascending
            && let Some(last) = self.rows.last()
        {
            self.is_ascending = self.key(last) < key;
        }
        let start = self.arena.len();
        self.arena.extend_from_slice(key);
        self.arena.extend_from_slice(value.unwrap_or_default());
        let value_len = value.map_or(u32::MAX, |value| value.len() as u32);
        self.rows.push(Row { head: KeyHead::of(key), start, key_len: key.len() as u32, value_len });
    }

    /// Memory in use.
    pub(super) fn bytes(&self) -> usize {
        self.arena.len() + self.rows.len() * ROW_OVERHEAD_BYTES
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The smallest and the largest key.
    pub(super) fn ends(&self) -> Option<(&[u8], &[u8])> {
        if self.is_ascending {
            return Some((self.key(self.rows.first()?), self.key(self.rows.last()?)));
        }
        let by_key = |a: &&Row, b: &&Row| a.head.cmp(&b.head).then_with(|| self.key(a).cmp(self.key(b)));
        Some((self.key(self.rows.iter().min_by(by_key)?), self.key(self.rows.iter().max_by(by_key)?)))
    }

    pub(super) fn clear(&mut self) {
        self.arena.clear();
        self.rows.clear();
        self.is_ascending = true;
    }

    fn key(&self, row: &Row) -> &[u8] {
        &self.arena[row.start..row.start + row.key_len as usize]
    }

    fn value(&self, row: &Row) -> Option<&[u8]> {
        let start = row.start + row.key_len as usize;
        (row.value_len != u32::MAX).then(|| &self.arena[start..start + row.value_len as usize])
    }

    /// The rows in key order, each key once.
    pub(super) fn sort(
        &mut self,
        on_duplicate: OnDuplicate,
    ) -> Result<impl Iterator<Item = (&[u8], Option<&[u8]>)>> {
        if !self.is_ascending {
            let mut rows = std::mem::take(&mut self.rows);
            // Stable by arrival: the arena grows with every push.
            rows.sort_unstable_by(|a, b| {
                let by_key = a.head.cmp(&b.head).then_with(|| self.key(a).cmp(self.key(b)));
                by_key.then(a.start.cmp(&b.start))
            });
            self.rows = rows;
            match on_duplicate {
                OnDuplicate::Fail => {
                    let twice = self.rows.windows(2).find(|pair| self.key(&pair[0]) == self.key(&pair[1]));
                    if let Some([row, _]) = twice {
                        return Err(duplicate(self.key(row)));
                    }
                }
                OnDuplicate::KeepLast => self.keep_last(),
            }
        }
        Ok(self.rows.iter().map(|row| (self.key(row), self.value(row))))
    }

    fn keep_last(&mut self) {
        let mut rows = std::mem::take(&mut self.rows);
        let mut kept: Vec<Row> = Vec::with_capacity(rows.len());
        for row in rows.drain(..) {
            if let Some(last) = kept.last_mut()
                && self.key(last) == self.key(&row)
            {
                *last = row;
                continue;
            }
            kept.push(row);
        }
        self.rows = kept;
    }
}
