//! Which rows of a page a scan takes: a bit for each row from its timestamps, then runs of rows.

use std::{ops::Range, sync::Arc};

use arrow_buffer::BooleanBuffer;

use super::scan::Sink;
use crate::{sst::Page, types::Timestamp};

/// Gives `sink` the rows that are what their key is at `at`, by what their page says of the key, while it has room. Returns
/// the row behind the last one that was passed over.
pub(super) fn take_visible(
    sink: &mut impl Sink,
    page: &Arc<Page>,
    rows: Range<usize>,
    rows_max: usize,
    at: Timestamp,
) -> usize {
    let mut mask = !&page.begins_after(rows.clone(), at);
    if !page.is_all_puts() {
        mask = &mask & &page.puts(rows.clone());
    }
    if page.distinct_keys() < page.rows() {
        // Versions of a key are newest first: the first that has begun hides the others, whatever it says.
        let is_hidden = |row: usize| {
            row > 0 && page.begin(row - 1) <= at && page.key_ordinal(row - 1) == page.key_ordinal(row)
        };
        mask = BooleanBuffer::collect_bool(rows.len(), |bit| mask.value(bit) && !is_hidden(rows.start + bit));
    }
    take(sink, page, rows, rows_max, &mask)
}

/// As [`take_visible`], the rows that are alive at `at`, whatever else there is of their keys.
pub(super) fn take_alive(
    sink: &mut impl Sink,
    page: &Arc<Page>,
    rows: Range<usize>,
    rows_max: usize,
    at: Timestamp,
) -> usize {
    let mask = &!&page.begins_after(rows.clone(), at) & &page.ends_after(rows.clone(), at);
    take(sink, page, rows, rows_max, &mask)
}

fn take(
    sink: &mut impl Sink,
    page: &Arc<Page>,
    rows: Range<usize>,
    rows_max: usize,
    mask: &BooleanBuffer,
) -> usize {
    for (from, to) in mask.set_slices() {
        let start = rows.start + from;
        let end = (rows.start + to).min(start + (rows_max - sink.len()));
        if start < end {
            sink.take_rows(page, start..end);
        }
        if end < rows.start + to {
            return end;
        }
    }
    rows.end
}
