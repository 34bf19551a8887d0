//! Sums over a table file while it is written: its properties, and its entry in the manifest.

use bytes::Bytes;

use super::options::TableOptions;
use crate::{
    format::{Compression, LAYOUT_COLUMNAR, LAYOUT_OPAQUE, PageSummary, Properties},
    manifest::{FileId, FileMeta},
    types::Timestamp,
};

/// Sums over the file.
#[derive(Debug)]
pub(super) struct TableTotals {
    pub(super) rows: u64,
    pub(super) deletes: u64,
    pub(super) distinct_keys: u64,
    /// Bytes of the keys in the page index.
    pub(super) index_key_bytes: usize,
    puts: u64,
    closed: u64,
    raw_bytes: u64,
    begins: TimeSpan,
    ends: TimeSpan,
}

impl Default for TableTotals {
    fn default() -> Self {
        Self {
            rows: 0,
            deletes: 0,
            distinct_keys: 0,
            index_key_bytes: 0,
            puts: 0,
            closed: 0,
            raw_bytes: 0,
            begins: TimeSpan::NONE,
            ends: TimeSpan::NONE,
        }
    }
}

impl TableTotals {
    /// Adds a page that is complete; its rows, deletes and keys have been counted one by one.
    pub(super) fn add_page(&mut self, summary: &PageSummary, index_key_bytes: usize, row_bytes: u32) {
        self.index_key_bytes += index_key_bytes;
        self.puts += u64::from(summary.puts);
        self.closed += u64::from(summary.closed);
        self.raw_bytes += u64::from(row_bytes);
        self.begins = self.begins.join(TimeSpan { min: summary.min_begin, max: summary.max_begin });
        self.ends = self.ends.join(TimeSpan { min: summary.min_end, max: summary.max_end });
    }

    /// The properties of the file whose keys lie between these two.
    pub(super) fn properties(&self, options: &TableOptions, min_key: &[u8], max_key: &[u8]) -> Properties {
        Properties {
            layout: if options.schema.is_some() { LAYOUT_COLUMNAR } else { LAYOUT_OPAQUE },
            schema_id: 0,
            schema_version: options.schema.as_ref().map_or(0, |schema| schema.version()),
            rows: self.rows,
            puts: self.puts,
            deletes: self.deletes,
            closed: self.closed,
            distinct_keys: self.distinct_keys,
            raw_bytes: self.raw_bytes,
            min_begin: self.begins.min,
            max_begin: self.begins.max,
            min_end: self.ends.min,
            max_end: self.ends.max,
            min_key: Bytes::copy_from_slice(min_key),
            max_key: Bytes::copy_from_slice(max_key),
            writer: concat!("bygone ", env!("CARGO_PKG_VERSION")).into(),
            is_dense: options.compression == Compression::Dense,
        }
    }
}

/// Smallest and largest of some timestamps; OPEN and zero of none.
#[derive(Clone, Copy, Debug)]
pub(super) struct TimeSpan {
    pub(super) min: Timestamp,
    pub(super) max: Timestamp,
}

impl TimeSpan {
    const NONE: Self = Self { min: Timestamp::OPEN, max: Timestamp::ZERO };

    /// The span of these microseconds.
    pub(super) fn of(timestamps: impl Iterator<Item = u64>) -> Self {
        let (min, max) = timestamps.fold((u64::MAX, 0), |(min, max), t| (min.min(t), max.max(t)));
        Self { min: Timestamp::from_micros(min), max: Timestamp::from_micros(max) }
    }

    fn join(self, other: Self) -> Self {
        Self { min: self.min.min(other.min), max: self.max.max(other.max) }
    }
}

/// The manifest's entry for a file with these properties, which ends after `len` bytes.
pub(super) fn file_meta(
    id: FileId,
    properties: Properties,
    len: u64,
    hash: u128,
    tail_offset: u64,
) -> FileMeta {
    FileMeta {
        id,
        owner: None,
        len,
        hash,
        tail_offset,
        rows: properties.rows,
        puts: properties.puts,
        deletes: properties.deletes,
        closed: properties.closed,
        distinct_keys: properties.distinct_keys,
        raw_bytes: properties.raw_bytes,
        min_key: properties.min_key,
        max_key: properties.max_key,
        min_begin: properties.min_begin,
        max_begin: properties.max_begin,
        min_end: properties.min_end,
        max_end: properties.max_end,
        begin_override: None,
        begin_bound: None,
        layout: properties.layout,
        schema_version: properties.schema_version,
    }
}
