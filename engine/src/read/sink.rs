//! Sinks: what takes the rows that a merge finds visible.

use std::{ops::Range, sync::Arc};

use arrow_buffer::BooleanBuffer;

use crate::{
    sst::{CachePolicy, Page, Table},
    types::Version,
};

/// Takes what a merge finds visible, in scan order.
pub(crate) trait RowSink {
    /// Rows taken.
    fn len(&self) -> usize;

    /// Takes a row of a memtable, or one whose value was read already. The sink may take away what it keeps.
    fn take_version(&mut self, version: &mut Version);

    /// Says which page the next rows are of, and what reading it does to the cache.
    fn enter_page(&mut self, table: &Table, number: usize, policy: CachePolicy);

    /// Takes rows of the page that was entered last.
    fn take_rows(&mut self, page: &Arc<Page>, rows: Range<usize>);

    /// As [`Self::take_rows`], those whose bits are set; the first bit is that of row `start`.
    fn take_bits(&mut self, page: &Arc<Page>, start: usize, bits: &BooleanBuffer) {
        bits.set_slices().for_each(|(from, to)| self.take_rows(page, start + from..start + to));
    }

    /// As [`Self::take_rows`], of a page that was not loaded. Only of sources that are read for columns.
    fn take_whole(&mut self, rows: Range<usize>);
}
