//! One page in memory.

use std::{cmp::Ordering, ops::Range, sync::Arc};

use arrow_buffer::BooleanBuffer;
use bytes::Bytes;

use super::rows::RowValues;
use crate::{
    format::{KeyChunk, KindChunk, NumberChunk, ValueChunk},
    types::{Kind, Timestamp, VersionRef},
};

/// The rows of one page: keys rising, begins falling within a key. Every accessor takes constant time, and
/// row numbers must be below [`rows`](Self::rows).
#[derive(Clone, Debug)]
pub struct Page {
    pub(super) rows: Arc<RowChunks>,
    pub(super) begin_override: Option<Timestamp>,
    /// None: loaded without values.
    pub(super) values: Option<PageValues>,
}

/// The values of a page, as it stores them.
#[derive(Clone, Debug)]
pub(crate) enum PageValues {
    /// One byte string for each row.
    Bytes(Arc<ValueChunk>),
    /// Columns, from which the byte strings are put together.
    Rows(Arc<RowValues>),
}

impl PageValues {
    /// Appends the value of a row that is one.
    pub(crate) fn append(&self, row: usize, out: &mut Vec<u8>) {
        match self {
            Self::Bytes(values) => out.extend_from_slice(values.get(row)),
            Self::Rows(rows) => rows.append(row, out),
        }
    }

    /// The value of a row; whatever is there where the row is no value.
    pub(super) fn get_bytes(&self, row: usize) -> Bytes {
        match self {
            Self::Bytes(values) => values.get_bytes(row),
            Self::Rows(rows) => {
                let mut value = Vec::new();
                rows.append(row, &mut value);
                value.into()
            }
        }
    }
}

/// Chunks K, B, E and T of a page: everything but the values.
#[derive(Debug)]
pub(super) struct RowChunks {
    pub(super) keys: KeyChunk,
    pub(super) begins: NumberChunk,
    /// None: all rows are open.
    pub(super) ends: Option<NumberChunk>,
    /// None: all rows are values.
    pub(super) kinds: Option<KindChunk>,
}

impl RowChunks {
    #[inline]
    pub(super) fn begin(&self, row: usize) -> Timestamp {
        Timestamp::from_micros(self.begins.get(row))
    }

    #[inline]
    pub(super) fn end(&self, row: usize) -> Timestamp {
        self.ends.as_ref().map_or(Timestamp::OPEN, |ends| Timestamp::from_micros(ends.get(row)))
    }

    #[inline]
    pub(super) fn kind(&self, row: usize) -> Kind {
        self.kinds.as_ref().map_or(Kind::Put, |kinds| kinds.get(row))
    }

    /// The first row of a key, newest first, that begins at or before `at`.
    pub(super) fn first_visible(
        &self,
        ordinal: usize,
        at: Timestamp,
        begin_override: Option<Timestamp>,
    ) -> Option<usize> {
        let first = self.keys.first_row(ordinal);
        let begin = |row| begin_override.unwrap_or_else(|| self.begin(row));
        // Most reads want the newest version.
        if begin(first) <= at {
            return Some(first);
        }
        let end = self.keys.first_row(ordinal + 1);
        let (mut low, mut high) = (first + 1, end);
        while low < high {
            let middle = usize::midpoint(low, high);
            if begin(middle) > at { low = middle + 1 } else { high = middle }
        }
        (low < end).then_some(low)
    }

    /// Bytes in memory.
    pub(super) fn weight(&self) -> usize {
        let ends = self.ends.as_ref().map_or(0, NumberChunk::weight);
        let kinds = self.kinds.as_ref().map_or(0, KindChunk::weight);
        size_of::<Self>() + self.keys.weight() + self.begins.weight() + ends + kinds
    }
}

impl Page {
    /// Number of rows.
    #[inline]
    pub fn rows(&self) -> usize {
        self.rows.keys.rows()
    }

    /// Number of different keys.
    pub fn distinct_keys(&self) -> usize {
        self.rows.keys.count()
    }

    /// Prefix of all keys of the page.
    #[inline]
    pub fn prefix(&self) -> &[u8] {
        self.rows.keys.prefix()
    }

    /// The key of a row behind the [`prefix`](Self::prefix).
    #[inline]
    pub fn suffix(&self, row: usize) -> &[u8] {
        self.rows.keys.suffix(self.rows.keys.ordinal(row))
    }

    /// Appends the whole key of a row.
    #[inline]
    pub fn append_key(&self, row: usize, out: &mut Vec<u8>) {
        out.extend_from_slice(self.prefix());
        out.extend_from_slice(self.suffix(row));
    }

    /// Number of the distinct key that a row belongs to: equal for the versions of one key, rising by one
    /// from key to key.
    #[inline]
    pub fn key_ordinal(&self, row: usize) -> usize {
        self.rows.keys.ordinal(row)
    }

    /// The row behind the last version of the key of `row` in this page.
    pub fn key_end(&self, row: usize) -> usize {
        self.rows.keys.first_row(self.rows.keys.ordinal(row) + 1)
    }

    /// Compares the key of a row with `key`.
    #[inline]
    pub fn cmp_key(&self, row: usize, key: &[u8]) -> Ordering {
        self.rows.keys.compare(self.rows.keys.ordinal(row), key)
    }

    /// Bytes of every key, where all have as many.
    pub(crate) fn key_len(&self) -> Option<usize> {
        self.rows.keys.key_len()
    }

    /// Appends the heads of the keys of rows, without their first `skip` bytes, which each of them has: the
    /// next eight bytes.
    pub(crate) fn append_heads(&self, rows: impl Iterator<Item = usize>, skip: usize, out: &mut Vec<u64>) {
        let keys = &self.rows.keys;
        if keys.is_unique() {
            keys.append_heads(rows, skip, out);
        } else {
            keys.append_heads(rows.map(|row| keys.ordinal(row)), skip, out);
        }
    }

    /// The rows with this key.
    pub(crate) fn rows_of_key(&self, key: &[u8]) -> Range<usize> {
        let keys = &self.rows.keys;
        match keys.search(key) {
            Ok(ordinal) => keys.first_row(ordinal)..keys.first_row(ordinal + 1),
            Err(ordinal) => keys.first_row(ordinal)..keys.first_row(ordinal),
        }
    }

    /// The first row whose key is `key` or behind it.
    pub fn lower_bound(&self, key: &[u8]) -> usize {
        let (Ok(ordinal) | Err(ordinal)) = self.rows.keys.search(key);
        self.rows.keys.first_row(ordinal)
    }

    /// The first row whose key is behind `key`.
    pub fn upper_bound(&self, key: &[u8]) -> usize {
        match self.rows.keys.search(key) {
            Ok(ordinal) => self.rows.keys.first_row(ordinal + 1),
            Err(ordinal) => self.rows.keys.first_row(ordinal),
        }
    }

    /// When the version begins.
    #[inline]
    pub fn begin(&self, row: usize) -> Timestamp {
        self.begin_override.unwrap_or_else(|| self.rows.begin(row))
    }

    /// When the version ends; OPEN where this file knows no successor.
    #[inline]
    pub fn end(&self, row: usize) -> Timestamp {
        self.rows.end(row)
    }

    /// For each of these rows, whether its version begins after `at`.
    pub fn begins_after(&self, rows: Range<usize>, at: Timestamp) -> BooleanBuffer {
        match self.begin_override {
            Some(begin) => all(rows.len(), begin > at),
            None => self.rows.begins.later_than(rows, at.as_micros()),
        }
    }

    /// For each of these rows, whether its version ends after `at`.
    pub fn ends_after(&self, rows: Range<usize>, at: Timestamp) -> BooleanBuffer {
        match &self.rows.ends {
            Some(ends) => ends.later_than(rows, at.as_micros()),
            None => all(rows.len(), at < Timestamp::OPEN),
        }
    }

    /// Whether no version is anything but a value.
    pub fn is_all_puts(&self) -> bool {
        self.rows.kinds.is_none()
    }

    /// For each of these rows, whether its version is a value.
    pub fn puts(&self, rows: Range<usize>) -> BooleanBuffer {
        match &self.rows.kinds {
            Some(kinds) => kinds.puts(rows),
            None => all(rows.len(), true),
        }
    }

    /// Kind of the version.
    #[inline]
    pub fn kind(&self, row: usize) -> Kind {
        self.rows.kind(row)
    }

    /// The value; empty unless the kind is PUT. `scratch` is used where the page stores values in columns.
    ///
    /// # Panics
    /// The page was loaded without values.
    #[inline]
    pub fn value<'a>(&'a self, row: usize, scratch: &'a mut Vec<u8>) -> &'a [u8] {
        match self.page_values() {
            PageValues::Bytes(values) => values.get(row),
            PageValues::Rows(rows) => {
                scratch.clear();
                if self.kind(row) == Kind::Put {
                    rows.append(row, scratch);
                }
                scratch
            }
        }
    }

    /// Appends the value; nothing unless the kind is PUT.
    ///
    /// # Panics
    /// The page was loaded without values.
    #[inline]
    pub fn append_value(&self, row: usize, out: &mut Vec<u8>) {
        match self.page_values() {
            PageValues::Bytes(values) => out.extend_from_slice(values.get(row)),
            PageValues::Rows(rows) if self.kind(row) == Kind::Put => rows.append(row, out),
            PageValues::Rows(_) => {}
        }
    }

    /// The value; it shares the page's memory where the page stores values as byte strings.
    ///
    /// # Panics
    /// The page was loaded without values.
    #[inline]
    pub fn value_bytes(&self, row: usize) -> Bytes {
        match self.kind(row) {
            Kind::Put => self.page_values().get_bytes(row),
            Kind::Delete => Bytes::new(),
        }
    }

    /// Whether the values were loaded.
    pub fn has_values(&self) -> bool {
        self.values.is_some()
    }

    /// One row whole; its key is put together in `key`, and where need be its value in `value`.
    ///
    /// # Panics
    /// The page was loaded without values.
    pub fn version<'a>(&'a self, row: usize, key: &'a mut Vec<u8>, value: &'a mut Vec<u8>) -> VersionRef<'a> {
        key.clear();
        self.append_key(row, key);
        VersionRef {
            key,
            begin: self.begin(row),
            end: self.end(row),
            kind: self.kind(row),
            value: self.value(row, value),
        }
    }

    #[inline]
    fn page_values(&self) -> &PageValues {
        self.values.as_ref().expect("the page was loaded with its values")
    }
}

fn all(rows: usize, value: bool) -> BooleanBuffer {
    if value { BooleanBuffer::new_set(rows) } else { BooleanBuffer::new_unset(rows) }
}
