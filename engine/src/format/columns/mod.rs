//! Value columns: one chunk per column of the rows of a page, and the statistics that let a scan leave pages
//! out.
//!
//! ```text
//!   rows as bytes ──ColumnBuffer::push──▶ typed values ──encode──▶ chunk, zone     (writer)
//!   chunk ──ColumnChunk::decode──▶ random access, and whole ranges into Arrow buffers (reader)
//! ```
//!
//! C1. A row without a value in a column is *null* or *missing*. Missing: the row was written before the
//!     column was added (its value is what the reader's schema says), or it is a deletion.
//! C2. A buffer takes a value only in the one form that it would be given back in, so taking rows apart loses
//!     nothing.

mod buffer;
mod chunk;
mod encode;
mod find;
mod summary;
mod zone;

pub use buffer::{ColumnBuffer, RowSplitter};
pub use chunk::{ColumnChunk, ColumnData};
pub(crate) use chunk::{Dictionary, IntColumn, IntWidth, Strings};
pub use summary::{ColumnSummary, Extreme};
pub(crate) use zone::ZoneBuilder;
pub use zone::{Bound, Zone, ZoneMaps};

/// Set in the encoding byte of a value column: a bitmap says which rows are null.
pub(crate) const HAS_NULLS: u8 = 0x40;
/// Set in the encoding byte of a value column: a bitmap says which rows are missing.
pub(crate) const HAS_MISSING: u8 = 0x80;

/// Bits of rows, the first in the lowest bit of the first byte.
pub(crate) fn bit(bits: &[u8], row: usize) -> bool {
    bits[row / 8] >> (row % 8) & 1 != 0
}

#[cfg(test)]
mod tests;
