//! Which rows of a page a scan takes.

use std::{ops::Range, sync::Arc};

use super::scan::Sink;
use crate::{
    sst::Page,
    types::{Kind, Timestamp},
};

/// Whether a row is what its key is at `at`, by what its page says of the key; versions of a key are newest first.
#[inline]
pub(super) fn is_visible(page: &Page, row: usize, at: Timestamp) -> bool {
    let is_first_of_key = |row: usize| row == 0 || page.key_ordinal(row - 1) != page.key_ordinal(row);
    page.begin(row) <= at && page.kind(row) == Kind::Put && (is_first_of_key(row) || page.begin(row - 1) > at)
}

/// Gives `sink` the rows that are to be taken, as long runs, while it has room. Returns the row behind the last one that
/// was looked at.
#[inline]
pub(super) fn take_runs(
    sink: &mut impl Sink,
    page: &Arc<Page>,
    rows: Range<usize>,
    rows_max: usize,
    is_taken: impl Fn(usize) -> bool,
) -> usize {
    let mut row = rows.start;
    while row < rows.end && sink.len() < rows_max {
        if !is_taken(row) {
            row += 1;
            continue;
        }
        let end = rows.end.min(row + (rows_max - sink.len()));
        let start = row;
        while row < end && (row == start || is_taken(row)) {
            row += 1;
        }
        sink.take_rows(page, start..row);
    }
    row
}
