//! Batches of rows: what scans return.

use std::{ops::Range, sync::Arc};

use super::sink::RowSink;
use crate::{
    sst::{CachePolicy, Page, Table},
    types::{Timestamp, Version},
};

/// Byte strings in one buffer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BinaryColumn {
    data: Vec<u8>,
    /// End of each string in `data`.
    ends: Vec<usize>,
}

impl BinaryColumn {
    /// Number of strings.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are no strings.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Size of all strings together, in bytes.
    pub fn bytes(&self) -> usize {
        self.data.len()
    }

    /// The string at `index`; panics when there is none.
    #[inline]
    pub fn get(&self, index: usize) -> &[u8] {
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        &self.data[start..self.ends[index]]
    }

    /// All strings in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        (0..self.len()).map(|index| self.get(index))
    }

    /// Adds a string.
    #[inline]
    pub fn push(&mut self, bytes: &[u8]) {
        self.data.extend_from_slice(bytes);
        self.ends.push(self.data.len());
    }

    /// Adds the string that `append` appends.
    #[inline]
    pub(crate) fn push_with(&mut self, append: impl FnOnce(&mut Vec<u8>)) {
        append(&mut self.data);
        self.ends.push(self.data.len());
    }

    /// Adds a string given in two parts.
    #[inline]
    pub(crate) fn push_parts(&mut self, front: &[u8], back: &[u8]) {
        self.data.extend_from_slice(front);
        self.push(back);
    }

    /// Removes the first `count` strings; panics when there are fewer.
    fn remove_first(&mut self, count: usize) {
        let Some(last) = count.checked_sub(1) else { return };
        let cut = self.ends[last];
        self.data.drain(..cut);
        self.ends.drain(..count);
        self.ends.iter_mut().for_each(|end| *end -= cut);
    }

    /// An empty column with room for `rows` strings of `bytes` bytes together.
    pub fn with_capacity(rows: usize, bytes: usize) -> Self {
        Self { data: Vec::with_capacity(bytes), ends: Vec::with_capacity(rows) }
    }
}

/// Visible rows of a scan, in scan order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RowBatch {
    /// The keys.
    pub keys: BinaryColumn,
    /// The commit that wrote each row.
    pub begins: Vec<Timestamp>,
    /// The values.
    pub values: BinaryColumn,
}

impl RowBatch {
    /// Number of rows.
    pub fn len(&self) -> usize {
        self.begins.len()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.begins.is_empty()
    }

    /// Removes the first `rows` rows; panics when there are fewer.
    pub fn remove_first(&mut self, rows: usize) {
        self.keys.remove_first(rows);
        self.begins.drain(..rows);
        self.values.remove_first(rows);
    }

    #[inline]
    pub(crate) fn push(&mut self, key: &[u8], begin: Timestamp, value: &[u8]) {
        self.keys.push(key);
        self.begins.push(begin);
        self.values.push(value);
    }
}

impl RowSink for RowBatch {
    fn len(&self) -> usize {
        self.begins.len()
    }

    fn take_version(&mut self, version: &mut Version) {
        self.push(&version.key, version.begin, &version.value);
    }

    fn enter_page(&mut self, _: &Table, _: usize, _: CachePolicy) {}

    #[inline]
    fn take_rows(&mut self, page: &Arc<Page>, rows: Range<usize>) {
        let prefix = page.prefix();
        let count = rows.len();
        self.begins.extend(rows.clone().map(|row| page.begin(row)));
        self.keys.ends.reserve(count);
        self.values.ends.reserve(count);
        for (done, row) in rows.enumerate() {
            let (key_bytes, value_bytes) = (self.keys.bytes(), self.values.bytes());
            self.keys.push_parts(prefix, page.suffix(row));
            self.values.push_with(|out| page.append_value(row, out));
            // The others are about as long as the first.
            if done == 0 {
                self.keys.data.reserve((self.keys.bytes() - key_bytes) * (count - 1));
                self.values.data.reserve((self.values.bytes() - value_bytes) * (count - 1));
            }
        }
    }

    fn take_whole(&mut self, _: Range<usize>) {
        unreachable!("pages are loaded where values are wanted");
    }
}
