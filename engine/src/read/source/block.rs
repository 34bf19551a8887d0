//! Blocks: the rows that a source has in memory, and where the next ones come from.

use std::{cmp, ops::Bound, sync::Arc};

use bytes::Bytes;

use crate::{
    memtable::Memtable,
    sst::{CachePolicy, Page, Table},
    state::{PageFilter, SortedRun},
    types::{KeyRange, KeyspaceId, Kind, Timestamp, Version},
};

/// Entries that are copied out of a memtable at a time.
pub(super) const MEMTABLE_CHUNK_ROWS: usize = 256;
/// Pages of one run that a scan puts into the cache in any case; further ones only where there is room.
const SHORT_SCAN_PAGES: usize = 16;

/// The policy of a scan that has read so many pages: short scans are kept like point reads, long ones only
/// while they push nothing out.
pub(super) fn scan_policy(pages_read: usize) -> CachePolicy {
    if pages_read < SHORT_SCAN_PAGES { CachePolicy::Keep } else { CachePolicy::IfRoom }
}

/// The memtable or run that a source reads, and how far it has come.
#[derive(Debug)]
pub(super) enum Feed {
    Memtable { memtable: Arc<Memtable>, keyspace: KeyspaceId, last: Option<Version> },
    Run(RunFeed),
}

/// A run and the page of it that was met last.
#[derive(Debug)]
pub(super) struct RunFeed {
    run: Arc<SortedRun>,
    /// Table and page; none before the first.
    at: Option<(usize, usize)>,
    filter: PageFilter,
}

impl Feed {
    pub(super) fn memtable(memtable: Arc<Memtable>, keyspace: KeyspaceId) -> Self {
        Self::Memtable { memtable, keyspace, last: None }
    }

    pub(super) fn run(run: Arc<SortedRun>, filter: PageFilter) -> Self {
        Self::Run(RunFeed { run, at: None, filter })
    }
}

impl RunFeed {
    /// Place of the next page that holds more than versions of the key `decided`.
    pub(super) fn next(
        &self,
        range: &KeyRange,
        reverse: bool,
        decided: Option<&[u8]>,
    ) -> Option<(usize, usize)> {
        self.run.next_page(range, reverse, self.at, self.filter, decided)
    }

    pub(super) fn move_to(&mut self, at: (usize, usize)) {
        self.at = Some(at);
    }

    /// The page that was met last.
    pub(super) fn current(&self) -> Option<(usize, usize)> {
        self.at
    }

    pub(super) fn table(&self, number: usize) -> &Table {
        &self.run.tables()[number]
    }
}

/// A page by its table.
#[derive(Clone, Debug)]
pub(super) struct PageAddress {
    pub(super) table: Table,
    pub(super) number: usize,
}

impl PageAddress {
    pub(super) fn first_key(&self) -> &[u8] {
        self.table.index().first_key(self.number)
    }

    pub(super) fn last_key(&self) -> &[u8] {
        self.table.index().last_key(self.number)
    }

    /// Whether each row of the page is visible at `at`, and the only one of its key.
    pub(super) fn is_clean(&self, at: Timestamp) -> bool {
        self.table.index().is_clean(self.number, at)
    }
}

/// Rows in memory, in forward order.
#[derive(Debug)]
pub(super) enum SourceBlock {
    Versions(Vec<Version>),
    Page(Arc<Page>, PageAddress),
}

impl SourceBlock {
    /// No rows.
    pub(super) const EMPTY: Self = Self::Versions(Vec::new());

    /// The first row of the range, and the row behind its last one.
    pub(super) fn rows_in(&self, range: &KeyRange) -> (usize, usize) {
        let page = match self {
            // Copied out of the range.
            Self::Versions(versions) => return (0, versions.len()),
            Self::Page(page, _) => page,
        };
        let first = match &range.start {
            Bound::Unbounded => 0,
            Bound::Included(key) => page.lower_bound(key),
            Bound::Excluded(key) => page.upper_bound(key),
        };
        let last = match &range.end {
            Bound::Unbounded => page.rows(),
            Bound::Included(key) => page.upper_bound(key),
            Bound::Excluded(key) => page.lower_bound(key),
        };
        (first, last)
    }

    #[inline]
    pub(super) fn begin(&self, row: usize) -> Timestamp {
        match self {
            Self::Versions(versions) => versions[row].begin,
            Self::Page(page, _) => page.begin(row),
        }
    }

    #[inline]
    pub(super) fn end(&self, row: usize) -> Timestamp {
        match self {
            Self::Versions(versions) => versions[row].end,
            Self::Page(page, _) => page.end(row),
        }
    }

    #[inline]
    pub(super) fn kind(&self, row: usize) -> Kind {
        match self {
            Self::Versions(versions) => versions[row].kind,
            Self::Page(page, _) => page.kind(row),
        }
    }

    /// The value, which is put together in `scratch` where it is stored in columns.
    #[inline]
    pub(super) fn value<'a>(&'a self, row: usize, scratch: &'a mut Vec<u8>) -> &'a [u8] {
        match self {
            Self::Versions(versions) => &versions[row].value,
            Self::Page(page, _) => page.value(row, scratch),
        }
    }

    /// As [`Self::value`], sharing the memory of the block where it can be.
    pub(super) fn value_bytes(&self, row: usize) -> Bytes {
        match self {
            Self::Versions(versions) => versions[row].value.clone(),
            Self::Page(page, _) => page.value_bytes(row),
        }
    }

    #[inline]
    pub(super) fn append_key(&self, row: usize, out: &mut Vec<u8>) {
        match self {
            Self::Versions(versions) => out.extend_from_slice(&versions[row].key),
            Self::Page(page, _) => page.append_key(row, out),
        }
    }

    #[inline]
    pub(super) fn compare_key(&self, row: usize, key: &[u8]) -> cmp::Ordering {
        match self {
            Self::Versions(versions) => versions[row].key.as_ref().cmp(key),
            Self::Page(page, _) => page.cmp_key(row, key),
        }
    }

    /// The version of this row, whose key is `key`.
    pub(super) fn version(&self, row: usize, key: &[u8]) -> Version {
        let key = Bytes::copy_from_slice(key);
        let (begin, end, kind) = (self.begin(row), self.end(row), self.kind(row));
        Version { key, begin, end, kind, value: self.value_bytes(row) }
    }
}
