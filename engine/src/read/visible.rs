//! Which rows of a page a scan takes: a bit for each row from its timestamps, then runs of rows.

use std::{ops::Range, sync::Arc};

use arrow_buffer::BooleanBuffer;

use super::sink::RowSink;
use crate::{sst::Page, types::Timestamp};

/// Gives `sink` the rows that are what their key is at `at`, by what their page says of the key, while it has
/// room. Returns the row behind the last one that was passed over.
pub(super) fn take_visible(
    sink: &mut impl RowSink,
    page: &Arc<Page>,
    rows: Range<usize>,
    rows_max: usize,
    at: Timestamp,
) -> usize {
    let mut mask = deciding(page, rows.clone(), at);
    if !page.is_all_puts() {
        mask = &mask & &page.puts(rows.clone());
    }
    take(sink, page, rows, rows_max, &mask)
}

/// For each of these rows, whether its version says what its key is at `at`, by what the page says of the
/// key: the value, or that there is none.
pub(super) fn deciding(page: &Page, rows: Range<usize>, at: Timestamp) -> BooleanBuffer {
    let mask = !&page.begins_after(rows.clone(), at);
    if page.distinct_keys() == page.rows() {
        return mask;
    }
    // Versions of a key are newest first: the first that has begun hides the others, whatever it says.
    let is_hidden = |row: usize| {
        row > 0 && page.begin(row - 1) <= at && page.key_ordinal(row - 1) == page.key_ordinal(row)
    };
    BooleanBuffer::collect_bool(rows.len(), |bit| mask.value(bit) && !is_hidden(rows.start + bit))
}

/// As [`take_visible`], the rows that are alive at `at`, whatever else there is of their keys.
pub(super) fn take_alive(
    sink: &mut impl RowSink,
    page: &Arc<Page>,
    rows: Range<usize>,
    rows_max: usize,
    at: Timestamp,
) -> usize {
    let mask = alive(page, rows.clone(), at);
    take(sink, page, rows, rows_max, &mask)
}

/// For each of these rows, whether its version is alive at `at`.
pub(super) fn alive(page: &Page, rows: Range<usize>, at: Timestamp) -> BooleanBuffer {
    &!&page.begins_after(rows.clone(), at) & &page.ends_after(rows, at)
}

fn take(
    sink: &mut impl RowSink,
    page: &Arc<Page>,
    rows: Range<usize>,
    rows_max: usize,
    mask: &BooleanBuffer,
) -> usize {
    let bits = fitting(mask, rows_max - sink.len());
    if bits > 0 {
        sink.take_bits(page, rows.start, &mask.slice(0, bits));
    }
    rows.start + bits
}

/// Number of bits up to where `room` of them are set; all where no more are.
pub(super) fn fitting(mask: &BooleanBuffer, room: usize) -> usize {
    if mask.count_set_bits() <= room {
        return mask.len();
    }
    room.checked_sub(1).and_then(|last| mask.set_indices().nth(last)).map_or(0, |last| last + 1)
}
