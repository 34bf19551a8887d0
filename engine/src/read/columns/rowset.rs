//! Which rows a scan found: of pages by their numbers, of memtables as bytes.

use std::{ops::Range, sync::Arc};

use arrow_buffer::BooleanBuffer;
use bytes::Bytes;

use crate::{
    read::{BinaryColumn, scan::Sink},
    sst::{CachePolicy, Page, Table},
    types::Version,
};

/// Visible rows of a scan, in scan order; their values are not read yet.
#[derive(Debug, Default)]
pub struct RowSet {
    segments: Vec<Segment>,
    rows: usize,
    /// About how many bytes the rows have, before encoding.
    bytes: usize,
}

#[derive(Debug)]
pub(super) enum Segment {
    Page(PickedRows),
    /// Keys and values.
    Rows(Vec<(Bytes, Bytes)>),
}

/// Rows of one page.
#[derive(Debug)]
pub(super) struct PickedRows {
    pub(super) table: Table,
    pub(super) number: usize,
    pub(super) policy: CachePolicy,
    /// Keys and timestamps; none where the page was not looked into.
    page: Option<Arc<Page>>,
    /// Rising, not touching.
    pub(super) ranges: Vec<Range<usize>>,
}

impl PickedRows {
    /// Rows of the page.
    pub(super) fn rows_total(&self) -> usize {
        self.table.index().rows(self.number)
    }
}

impl RowSet {
    /// Number of rows.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn segments(&self) -> &[Segment] {
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
                Segment::Rows(rows) => {
                    rows.retain(|_| {
                        at += 1;
                        bits.value(at - 1)
                    });
                }
                Segment::Page(picked) => {
                    let mut kept = Vec::new();
                    for range in &picked.ranges {
                        let of_range = bits.slice(at, range.len());
                        let start = range.start;
                        kept.extend(of_range.set_slices().map(|(from, to)| start + from..start + to));
                        at += range.len();
                    }
                    picked.ranges = kept;
                }
            }
        }
        self.segments.retain(|segment| match segment {
            Segment::Rows(rows) => !rows.is_empty(),
            Segment::Page(picked) => !picked.ranges.is_empty(),
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

    /// The keys of the rows.
    ///
    /// # Panics
    /// The scan was not asked for keys.
    pub fn keys(&self) -> BinaryColumn {
        let mut keys = BinaryColumn::with_capacity(self.rows, 0);
        for segment in &self.segments {
            match segment {
                Segment::Rows(rows) => rows.iter().for_each(|(key, _)| keys.push(key)),
                // None of its rows is visible.
                Segment::Page(picked) if picked.ranges.is_empty() => {}
                Segment::Page(picked) => {
                    let page = picked.page.as_ref().expect("the scan loads keys when it is asked for them");
                    for row in picked.ranges.iter().cloned().flatten() {
                        keys.push_parts(page.prefix(), page.suffix(row));
                    }
                }
            }
        }
        keys
    }
}

impl Sink for RowSet {
    fn len(&self) -> usize {
        self.rows
    }

    fn take_version(&mut self, version: &Version) {
        self.rows += 1;
        self.bytes += version.key.len() + version.value.len();
        let row = (version.key.clone(), version.value.clone());
        match self.segments.last_mut() {
            Some(Segment::Rows(rows)) => rows.push(row),
            _ => self.segments.push(Segment::Rows(vec![row])),
        }
    }

    fn enter_page(&mut self, table: &Table, number: usize, policy: CachePolicy) {
        if let Some(Segment::Page(last)) = self.segments.last()
            && last.number == number
            && last.table.meta().id == table.meta().id
        {
            return;
        }
        let picked = PickedRows { table: table.clone(), number, policy, page: None, ranges: Vec::new() };
        self.segments.push(Segment::Page(picked));
    }

    fn take_rows(&mut self, page: &Arc<Page>, rows: Range<usize>) {
        let Some(Segment::Page(picked)) = self.segments.last_mut() else {
            unreachable!("a page was entered before its rows are taken");
        };
        let index = picked.table.index();
        self.rows += rows.len();
        self.bytes += index.raw_bytes(picked.number) as usize / page.rows().max(1) * rows.len();
        picked.page.get_or_insert_with(|| Arc::clone(page));
        match picked.ranges.last_mut() {
            Some(last) if last.end == rows.start => last.end = rows.end,
            _ => picked.ranges.push(rows),
        }
    }

    fn take_whole(&mut self, rows: Range<usize>) {
        if let Some(Segment::Page(picked)) = self.segments.last_mut() {
            self.rows += rows.len();
            self.bytes += picked.table.index().raw_bytes(picked.number) as usize;
            picked.ranges.push(rows);
        }
    }
}
