//! Table files: sorted, immutable files of versions, and the cache of their chunks.
//!
//! A file holds versions with keys rising and, within a key, begins falling (newest first), cut into pages.
//! Each page is stored column by column, so that a reader loads only what it needs: keys and timestamps are
//! read without the values, and a point read decompresses one V chunk.
//!
//! ```text
//!   get(key, t)   filter → page index → K: heads, suffixes → B: first begin ≤ t → V
//! ```
//!
//! S1. The versions of a key may go on in the next page of the file, never in another file of the run.
//! S2. A chunk is verified (checksum, lengths, offsets) when it is read from storage and never again.
//! S3. The cache holds chunks as they are stored but decompressed. Additions by a file's metadata (a begin
//!     that overrides those of the rows) are applied on access, never cached.
//! S4. Damage anywhere in a file is `Corrupt` with the file's name, or does not change an answer.

mod cache;
mod check;
mod copy_page;
mod load;
mod open_page;
mod options;
mod page;
mod rows;
mod table;
mod tail;
mod totals;
mod writer;

pub use cache::{CachePolicy, PageCache};
pub use options::TableOptions;
pub(crate) use page::Page;
pub(crate) use table::PointHit;
pub use table::Table;
pub use writer::TableWriter;

pub use crate::format::Compression;
pub(crate) use crate::format::{PageFlags, PageSummary};

#[cfg(test)]
mod tests;
