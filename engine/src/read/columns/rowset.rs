//! Which rows a scan found: of pages by their numbers, of memtables as bytes.

use std::{ops::Range, sync::Arc};

use arrow_buffer::BooleanBuffer;
use bytes::Bytes;

use super::picks::Picks;
use crate::{
    Result,
    read::{BinaryColumn, sink::RowSink},
    sst::{CachePolicy, Page, Table},
    types::Version,
};

/// Segments that a row may be added to where rows of a page stay together: one for each source that is likely
/// to be open.
const GROUPED_SEGMENTS: usize = 16;

/// Visible rows of a scan; their values are not read yet.
#[derive(Debug, Default)]
pub struct RowSet {
    segments: Vec<RowSegment>,
    /// Whether rows of a page stay together, with others of the set behind them. Otherwise rows stay in scan
    /// order.
    grouped: bool,
    /// The segment of the page that was entered last.
    current: usize,
    rows: usize,
    /// About how many bytes the rows have, before encoding.
    bytes: usize,
}

#[derive(Debug)]
pub(crate) enum RowSegment {
    Page(PickedRows),
    /// Keys and values.
    Rows(Vec<(Bytes, Bytes)>),
}

/// Rows of one page.
#[derive(Debug)]
pub(crate) struct PickedRows {
    pub(crate) table: Table,
    pub(crate) number: usize,
    pub(crate) policy: CachePolicy,
    /// Keys and timestamps; none where the page was not looked into.
    page: Option<Arc<Page>>,
    pub(crate) rows: Picks,
    /// About how many bytes a row has, before encoding.
    row_bytes: usize,
}

impl PickedRows {
    /// None of them yet.
    fn of_page(table: &Table, number: usize, policy: CachePolicy) -> Self {
        let index = table.index();
        let row_bytes = index.raw_bytes(number) as usize / index.rows(number);
        Self { table: table.clone(), number, policy, page: None, rows: Picks::NONE, row_bytes }
    }

    fn is_of(&self, table: &Table, number: usize) -> bool {
        self.number == number && self.table.meta().id == table.meta().id
    }

    /// Rows of the page.
    pub(super) fn rows_total(&self) -> usize {
        self.table.index().rows(self.number)
    }
}

impl RowSet {
    pub(super) fn new(grouped: bool) -> Self {
        Self { grouped, ..Self::default() }
    }

    /// The newest segment like this that a row may be added to.
    fn open_segment(&self, is_it: impl Fn(&RowSegment) -> bool) -> Option<usize> {
        let open = if self.grouped { GROUPED_SEGMENTS } else { 1 };
        let from = self.segments.len().saturating_sub(open);
        self.segments[from..].iter().rposition(is_it).map(|found| from + found)
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn segments(&self) -> &[RowSegment] {
        &self.segments
    }

    /// Keeps the rows whose bits are set.
    ///
    /// # Panics
    /// There are not as many bits as rows.
    pub fn retain(&mut self, bits: &BooleanBuffer) {
        assert_eq!(bits.len(), self.rows, "one bit for each row");
        let mut at = 0;
        for segment in &mut self.segments {
            match segment {
                RowSegment::Rows(rows) => {
                    rows.retain(|_| {
                        at += 1;
                        bits.value(at - 1)
                    });
                }
                RowSegment::Page(picked) => {
                    let rows = picked.rows.len();
                    picked.rows.retain(&bits.slice(at, rows));
                    at += rows;
                }
            }
        }
        self.segments.retain(|segment| match segment {
            RowSegment::Rows(rows) => !rows.is_empty(),
            RowSegment::Page(picked) => !picked.rows.is_empty(),
        });
        self.rows = bits.count_set_bits();
    }

    /// Keeps the first rows.
    pub fn truncate(&mut self, rows: usize) {
        if rows < self.rows {
            let bits: BooleanBuffer = (0..self.rows).map(|row| row < rows).collect();
            self.retain(&bits);
        }
    }

    /// The keys of the rows, read where they are not at hand: after [`Self::retain`], only of pages with rows
    /// that are left.
    ///
    /// Cancel safe.
    ///
    /// # Errors
    /// As for [`ReadView::get`](crate::ReadView::get).
    pub async fn keys(&self) -> Result<BinaryColumn> {
        let mut keys = BinaryColumn::with_capacity(self.rows, 0);
        for segment in &self.segments {
            match segment {
                RowSegment::Rows(rows) => rows.iter().for_each(|(key, _)| keys.push(key)),
                RowSegment::Page(picked) if picked.rows.is_empty() => {}
                RowSegment::Page(picked) => {
                    let page = match &picked.page {
                        Some(page) => Arc::clone(page),
                        None => picked.table.page_without_values(picked.number, picked.policy).await?,
                    };
                    for row in picked.rows.iter() {
                        keys.push_parts(page.prefix(), page.suffix(row));
                    }
                }
            }
        }
        Ok(keys)
    }
}

/// Place of a row in a set: its segment, and its number there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RowPlace {
    segment: u32,
    row: u32,
}

impl RowSet {
    /// Adds a row of a memtable.
    pub(crate) fn pick_row(&mut self, key: Bytes, value: Bytes) -> RowPlace {
        self.rows += 1;
        self.bytes += key.len() + value.len();
        let found = self.open_segment(|segment| matches!(segment, RowSegment::Rows(_)));
        let segment = found.unwrap_or_else(|| {
            self.segments.push(RowSegment::Rows(Vec::new()));
            self.segments.len() - 1
        });
        let RowSegment::Rows(rows) = &mut self.segments[segment] else {
            unreachable!("the segment is one of rows");
        };
        rows.push((key, value));
        RowPlace { segment: segment as u32, row: rows.len() as u32 - 1 }
    }

    /// Adds a row of a page, which is behind all others that were added of this page through `segment`: the
    /// segment where they are, if it is of this page.
    pub(crate) fn pick(
        &mut self,
        segment: &mut usize,
        table: &Table,
        number: usize,
        policy: CachePolicy,
        row: usize,
    ) -> RowPlace {
        if !matches!(self.segments.get(*segment), Some(RowSegment::Page(picked)) if picked.is_of(table, number))
        {
            *segment = self.segments.len();
            self.segments.push(RowSegment::Page(PickedRows::of_page(table, number, policy)));
        }
        let RowSegment::Page(picked) = &mut self.segments[*segment] else {
            unreachable!("the segment is one of a page");
        };
        self.rows += 1;
        self.bytes += picked.row_bytes;
        picked.rows.push(row..row + 1);
        RowPlace { segment: *segment as u32, row: picked.rows.len() as u32 - 1 }
    }

    /// The number of the first row of each segment.
    pub(crate) fn starts(&self) -> Vec<usize> {
        let mut start = 0;
        let mut of = |segment: &RowSegment| {
            let rows = match segment {
                RowSegment::Rows(rows) => rows.len(),
                RowSegment::Page(picked) => picked.rows.len(),
            };
            start += rows;
            start - rows
        };
        self.segments.iter().map(&mut of).collect()
    }
}

impl RowPlace {
    /// The number of the row in a set whose segments start there.
    pub(crate) fn number(self, starts: &[usize]) -> usize {
        starts[self.segment as usize] + self.row as usize
    }
}

impl RowSink for RowSet {
    fn len(&self) -> usize {
        self.rows
    }

    fn take_version(&mut self, version: &mut Version) {
        self.pick_row(std::mem::take(&mut version.key), std::mem::take(&mut version.value));
    }

    fn enter_page(&mut self, table: &Table, number: usize, policy: CachePolicy) {
        let found = self.open_segment(|segment| match segment {
            RowSegment::Page(picked) => picked.is_of(table, number),
            RowSegment::Rows(_) => false,
        });
        self.current = found.unwrap_or_else(|| {
            self.segments.push(RowSegment::Page(PickedRows::of_page(table, number, policy)));
            self.segments.len() - 1
        });
    }

    fn take_rows(&mut self, page: &Arc<Page>, rows: Range<usize>) {
        self.pick_of_page(Some(page), |picks| picks.push(rows));
    }

    fn take_bits(&mut self, page: &Arc<Page>, start: usize, bits: &BooleanBuffer) {
        self.pick_of_page(Some(page), |picks| picks.push_bits(start, bits));
    }

    fn take_whole(&mut self, rows: Range<usize>) {
        self.pick_of_page(None, |picks| picks.push(rows));
    }
}

impl RowSet {
    /// Adds rows of the page that was entered last, which is `page` if it was loaded.
    fn pick_of_page(&mut self, page: Option<&Arc<Page>>, pick: impl FnOnce(&mut Picks)) {
        let Some(RowSegment::Page(picked)) = self.segments.get_mut(self.current) else {
            unreachable!("a page was entered before its rows are taken");
        };
        let before = picked.rows.len();
        pick(&mut picked.rows);
        let added = picked.rows.len() - before;
        self.rows += added;
        self.bytes += picked.row_bytes * added;
        if let Some(page) = page {
            picked.page.get_or_insert_with(|| Arc::clone(page));
        }
    }
}
