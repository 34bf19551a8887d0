//! Sources of a merge: a memtable or a run, read block by block in either direction.
//!
//! A [`Source`] walks the versions of one memtable or one run inside a key range: forward by key ascending and begin
//! descending, backward by key descending and begin ascending. Stepping inside a block is synchronous and cheap;
//! [`Source::fill`] loads the next block and is, with [`Source::load_whole`], the only place that waits.
//!
//! ```text
//!   fill      the next block            take     rows of the block to a sink, while another source is not reached
//!   whole     pages that are not loaded window   rows of the block in front of a key, judged together
//! ```

mod fill;
mod take;
mod whole;
mod window;

use std::{cmp, sync::Arc};

use bytes::Bytes;

pub(crate) use window::WindowRows;

use crate::{
    memtable::Memtable,
    read::{
        PageFilter,
        prune::{PageCounts, Prune},
        scan::RowSink,
    },
    sst::{CachePolicy, Page},
    state::SortedRun,
    types::{KeyRange, KeyspaceId, Kind, Timestamp, Version},
};

/// Rows ahead of the current one that are compared one by one before the page is searched.
const NEAR_ROWS: usize = 4;

#[derive(Debug)]
enum Feed {
    Memtable { memtable: Arc<Memtable>, keyspace: KeyspaceId, last: Option<Version> },
    Run { run: Arc<SortedRun>, table: usize, page: usize, started: bool, filter: PageFilter },
}

#[derive(Debug)]
enum SourceBlock {
    Versions(Vec<Version>),
    Page(Arc<Page>),
    /// A page that was not loaded, because all of its rows are visible and in the range. Only forward.
    Whole,
}

/// How a source is read where columns are wanted.
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
pub(crate) struct Source {
    feed: Feed,
    range: KeyRange,
    reverse: bool,
    block: SourceBlock,
    /// The current row and the rows of the block that lie in the range.
    row: usize,
    first: usize,
    last: usize,
    /// Key of the current row.
    key: Vec<u8>,
    state: SourcePosition,
    pages_read: usize,
    /// The cache is left as it is.
    passes_by: bool,
    /// How the columns of rows are scanned; none: pages are loaded with their values.
    columns: Option<ColumnReading>,
    /// What reading the current page did to the cache.
    policy: CachePolicy,
    /// Of history: every version is judged by its lifetime alone.
    is_history: bool,
}

/// Whoever looks into a page loads it first.
const NOT_LOADED: &str = "a page that is taken whole is not looked into";

impl Feed {
    fn first_key_of_page(&self) -> &[u8] {
        match self {
            Self::Run { run, table, page, .. } => run.tables()[*table].index().first_key(*page),
            Self::Memtable { .. } => &[],
        }
    }

    fn last_key_of_page(&self) -> &[u8] {
        match self {
            Self::Run { run, table, page, .. } => run.tables()[*table].index().last_key(*page),
            Self::Memtable { .. } => &[],
        }
    }

    /// Tells the sink of the current page; true when each of its rows is visible at `at`, and the only one of its key.
    fn enter_page(&self, sink: &mut impl RowSink, policy: CachePolicy, at: Timestamp) -> bool {
        match self {
            Self::Run { run, table, page, .. } => {
                let table = &run.tables()[*table];
                sink.enter_page(table, *page, policy);
                table.index().is_clean(*page, at)
            }
            Self::Memtable { .. } => false,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SourcePosition {
    /// On a row.
    Row,
    /// Behind a block: the next one must be loaded.
    Gap,
    /// Nothing is left.
    End,
}

impl Source {
    pub(crate) fn memtable(
        memtable: Arc<Memtable>,
        keyspace: KeyspaceId,
        range: KeyRange,
        reverse: bool,
    ) -> Self {
        Self::new(Feed::Memtable { memtable, keyspace, last: None }, range, reverse)
    }

    pub(crate) fn run(run: Arc<SortedRun>, range: KeyRange, reverse: bool, filter: PageFilter) -> Self {
        Self::new(Feed::Run { run, table: 0, page: 0, started: false, filter }, range, reverse)
    }

    fn new(feed: Feed, range: KeyRange, reverse: bool) -> Self {
        Self {
            feed,
            range,
            reverse,
            block: SourceBlock::Versions(Vec::new()),
            row: 0,
            first: 0,
            last: 0,
            key: Vec::new(),
            state: SourcePosition::Gap,
            pages_read: 0,
            passes_by: false,
            columns: None,
            policy: CachePolicy::PassBy,
            is_history: false,
        }
    }

    /// A run of the history tier.
    pub(crate) fn history(run: Arc<SortedRun>, range: KeyRange, reverse: bool, filter: PageFilter) -> Self {
        Self { is_history: true, ..Self::run(run, range, reverse, filter) }
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
        self.state == SourcePosition::Gap
    }

    /// Whether this is a run of the history tier: a version is visible at a moment if it is alive then, whatever other
    /// sources hold of its key.
    #[inline]
    pub(crate) fn is_history(&self) -> bool {
        self.is_history
    }

    /// Whether all rows were read.
    #[inline]
    pub(crate) fn is_at_end(&self) -> bool {
        self.state == SourcePosition::End
    }

    /// Key of the current row.
    #[inline]
    pub(crate) fn key(&self) -> &[u8] {
        debug_assert_eq!(self.state, SourcePosition::Row);
        &self.key
    }

    #[inline]
    pub(crate) fn begin(&self) -> Timestamp {
        match &self.block {
            SourceBlock::Versions(versions) => versions[self.row].begin,
            SourceBlock::Page(page) => page.begin(self.row),
            SourceBlock::Whole => unreachable!("{NOT_LOADED}"),
        }
    }

    #[inline]
    pub(crate) fn kind(&self) -> Kind {
        self.kind_of(self.row)
    }

    /// What a row of the block says.
    #[inline]
    pub(crate) fn kind_of(&self, row: usize) -> Kind {
        match &self.block {
            SourceBlock::Versions(versions) => versions[row].kind,
            SourceBlock::Page(page) => page.kind(row),
            SourceBlock::Whole => unreachable!("{NOT_LOADED}"),
        }
    }

    /// The value, which is put together in `scratch` where it is stored in columns.
    #[inline]
    pub(crate) fn value<'a>(&'a self, scratch: &'a mut Vec<u8>) -> &'a [u8] {
        match &self.block {
            SourceBlock::Versions(versions) => &versions[self.row].value,
            SourceBlock::Page(page) => page.value(self.row, scratch),
            SourceBlock::Whole => unreachable!("{NOT_LOADED}"),
        }
    }

    /// As [`Self::value`], sharing the memory of the block where it can be.
    pub(crate) fn value_bytes(&self) -> Bytes {
        match &self.block {
            SourceBlock::Versions(versions) => versions[self.row].value.clone(),
            SourceBlock::Page(page) => page.value_bytes(self.row),
            SourceBlock::Whole => unreachable!("{NOT_LOADED}"),
        }
    }

    /// The current row, owned.
    pub(crate) fn version(&self) -> Version {
        let key = Bytes::copy_from_slice(self.key());
        let (begin, end, kind) = (self.begin(), self.end(), self.kind());
        Version { key, begin, end, kind, value: self.value_bytes() }
    }

    /// When the version ends, as far as this source knows. Forward only.
    #[inline]
    pub(crate) fn end(&self) -> Timestamp {
        match &self.block {
            SourceBlock::Versions(versions) => versions[self.row].end,
            SourceBlock::Page(page) => page.end(self.row),
            SourceBlock::Whole => unreachable!("{NOT_LOADED}"),
        }
    }

    /// The first row of the block, from the current one on, whose key does not come before `bound`; with `or_equal`,
    /// that comes behind it. Forward only.
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
                && let SourceBlock::Page(page) = &self.block
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

    /// The row behind the last one of the block. Forward only.
    pub(crate) fn block_end(&self) -> usize {
        self.last
    }

    /// Compares the key of a row of the block with `key`.
    #[inline]
    pub(crate) fn compare_key(&self, row: usize, key: &[u8]) -> cmp::Ordering {
        match &self.block {
            SourceBlock::Versions(versions) => versions[row].key.as_ref().cmp(key),
            SourceBlock::Page(page) => page.cmp_key(row, key),
            SourceBlock::Whole => unreachable!("{NOT_LOADED}"),
        }
    }

    /// Goes on at a row of the block behind the current one, or in the gap behind its last one. Forward only.
    pub(crate) fn continue_at(&mut self, row: usize) {
        self.row = row;
        if row == self.last {
            self.state = SourcePosition::Gap;
        } else {
            self.load_key();
        }
    }

    /// Moves to the next row of the block, or to the gap behind it.
    #[inline]
    pub(crate) fn advance(&mut self) {
        debug_assert_eq!(self.state, SourcePosition::Row);
        if self.reverse {
            if self.row == self.first {
                self.state = SourcePosition::Gap;
                return;
            }
            self.row -= 1;
        } else {
            if self.row + 1 == self.last {
                self.state = SourcePosition::Gap;
                return;
            }
            self.row += 1;
        }
        self.load_key();
    }

    #[inline]
    fn load_key(&mut self) {
        self.key.clear();
        match &self.block {
            SourceBlock::Versions(versions) => self.key.extend_from_slice(&versions[self.row].key),
            SourceBlock::Page(page) => page.append_key(self.row, &mut self.key),
            SourceBlock::Whole => self.key.extend_from_slice(self.feed.first_key_of_page()),
        }
    }
}
