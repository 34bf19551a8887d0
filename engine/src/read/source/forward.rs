//! The forward source: by key ascending and begin descending.

use std::{cmp, sync::Arc};

use bytes::Bytes;

use super::block::{Feed, PageAddress, SourceBlock};
use crate::{
    memtable::Memtable,
    read::prune::{PageCounts, Prune},
    sst::CachePolicy,
    state::{PageFilter, SortedRun},
    types::{KeyRange, KeyspaceId, Kind, Timestamp, Version},
};

/// Rows ahead of the current one that are compared one by one before the page is searched.
const NEAR_ROWS: usize = 4;

/// Reading of a source where columns are wanted.
#[derive(Debug)]
pub(crate) struct ColumnReading {
    /// Pages whose rows are all visible at this moment need not be loaded; none: each page is looked into.
    pub(crate) whole_at: Option<Timestamp>,
    /// Which pages of the oldest source are left out.
    pub(crate) prune: Option<Prune>,
    pub(crate) counts: Arc<PageCounts>,
}

/// See the module documentation.
#[derive(Debug)]
pub(crate) struct ForwardSource {
    pub(super) feed: Feed,
    pub(super) range: KeyRange,
    pub(super) block: SourceBlock,
    /// The current row, and the row behind the last one of the block that lies in the range.
    pub(super) row: usize,
    pub(super) last: usize,
    /// Key of the current row.
    pub(super) key: Vec<u8>,
    pub(super) position: ForwardPosition,
    pub(super) pages_read: usize,
    /// The cache is left as it is.
    pub(super) passes_by: bool,
    /// Reading of columns; none: pages are loaded with their values.
    pub(super) columns: Option<ColumnReading>,
    /// Cache policy by which the current page was read.
    pub(super) policy: CachePolicy,
    /// Of history: every version is judged by its lifetime alone.
    pub(super) is_history: bool,
}

#[derive(Debug)]
pub(super) enum ForwardPosition {
    /// On a row of the block.
    Row,
    /// On the first row of this page, which is not loaded; there is no block.
    Whole(PageAddress),
    /// Behind a block: the next one must be loaded.
    Gap,
    /// Nothing is left.
    End,
}

impl ForwardSource {
    pub(crate) fn memtable(memtable: Arc<Memtable>, keyspace: KeyspaceId, range: KeyRange) -> Self {
        Self::new(Feed::memtable(memtable, keyspace), range)
    }

    pub(crate) fn run(run: Arc<SortedRun>, range: KeyRange, filter: PageFilter) -> Self {
        Self::new(Feed::run(run, filter), range)
    }

    /// A run of the history tier.
    pub(crate) fn history(run: Arc<SortedRun>, range: KeyRange, filter: PageFilter) -> Self {
        Self { is_history: true, ..Self::run(run, range, filter) }
    }

    fn new(feed: Feed, range: KeyRange) -> Self {
        Self {
            feed,
            range,
            block: SourceBlock::EMPTY,
            row: 0,
            last: 0,
            key: Vec::new(),
            position: ForwardPosition::Gap,
            pages_read: 0,
            passes_by: false,
            columns: None,
            policy: CachePolicy::PassBy,
            is_history: false,
        }
    }

    /// Loads pages without their values, and leaves out what `reading` says.
    pub(crate) fn for_columns(mut self, reading: ColumnReading) -> Self {
        self.columns = Some(reading);
        self
    }

    /// Leaves the cache as it is, from the first page on.
    pub(crate) fn passing_by(mut self) -> Self {
        self.passes_by = true;
        self
    }

    /// Whether [`Self::fill`] must be called before the source can be read.
    #[inline]
    pub(crate) fn is_at_gap(&self) -> bool {
        matches!(self.position, ForwardPosition::Gap)
    }

    /// Whether this is a run of the history tier: a version is visible at a moment if it is alive then,
    /// whatever other sources hold of its key.
    #[inline]
    pub(crate) fn is_history(&self) -> bool {
        self.is_history
    }

    /// Whether all rows were read.
    #[inline]
    pub(crate) fn is_at_end(&self) -> bool {
        matches!(self.position, ForwardPosition::End)
    }

    /// Key of the current row.
    #[inline]
    pub(crate) fn key(&self) -> &[u8] {
        debug_assert!(matches!(self.position, ForwardPosition::Row | ForwardPosition::Whole(_)));
        &self.key
    }

    #[inline]
    pub(crate) fn begin(&self) -> Timestamp {
        self.block.begin(self.row)
    }

    #[inline]
    pub(crate) fn end(&self) -> Timestamp {
        self.block.end(self.row)
    }

    #[inline]
    pub(crate) fn kind(&self) -> Kind {
        self.kind_of(self.row)
    }

    /// Kind of a row of the block.
    #[inline]
    pub(crate) fn kind_of(&self, row: usize) -> Kind {
        self.block.kind(row)
    }

    /// The value, which is put together in `scratch` where it is stored in columns.
    #[inline]
    pub(crate) fn value<'a>(&'a self, scratch: &'a mut Vec<u8>) -> &'a [u8] {
        self.block.value(self.row, scratch)
    }

    /// As [`Self::value`], sharing the memory of the block where it can be.
    pub(crate) fn value_bytes(&self) -> Bytes {
        self.block.value_bytes(self.row)
    }

    /// The current row, owned.
    pub(crate) fn version(&self) -> Version {
        self.block.version(self.row, self.key())
    }

    /// The first row of the block, from the current one on, whose key does not come before `bound`; with
    /// `or_equal`, that comes behind it.
    pub(crate) fn rows_before(&self, bound: &[u8], or_equal: bool) -> usize {
        let is_before = |row: usize| match self.compare_key(row, bound) {
            cmp::Ordering::Less => true,
            cmp::Ordering::Equal => or_equal,
            cmp::Ordering::Greater => false,
        };
        if is_before(self.last - 1) {
            return self.last;
        }
        // In growing steps: where sources take turns, the bound is near.
        let (mut low, mut step) = (self.row, 1);
        while low + step < self.last && is_before(low + step) {
            low += step;
            step *= 2;
            if step > NEAR_ROWS
                && let SourceBlock::Page(page, _) = &self.block
            {
                let found = if or_equal { page.upper_bound(bound) } else { page.lower_bound(bound) };
                return found.clamp(low, self.last);
            }
        }
        let mut high = self.last.min(low + step);
        while low < high {
            let middle = usize::midpoint(low, high);
            if is_before(middle) { low = middle + 1 } else { high = middle }
        }
        low
    }

    /// The row behind the last one of the block.
    pub(crate) fn block_end(&self) -> usize {
        self.last
    }

    /// Compares the key of a row of the block with `key`.
    #[inline]
    pub(crate) fn compare_key(&self, row: usize, key: &[u8]) -> cmp::Ordering {
        self.block.compare_key(row, key)
    }

    /// Goes on at a row of the block behind the current one, or in the gap behind its last one.
    pub(crate) fn continue_at(&mut self, row: usize) {
        self.row = row;
        if row == self.last {
            self.position = ForwardPosition::Gap;
        } else {
            self.load_key();
        }
    }

    /// Moves to the next row of the block, or to the gap behind it.
    #[inline]
    pub(crate) fn advance(&mut self) {
        debug_assert!(matches!(self.position, ForwardPosition::Row));
        if self.row + 1 == self.last {
            self.position = ForwardPosition::Gap;
            return;
        }
        self.row += 1;
        self.load_key();
    }

    #[inline]
    pub(super) fn load_key(&mut self) {
        self.key.clear();
        self.block.append_key(self.row, &mut self.key);
    }
}
