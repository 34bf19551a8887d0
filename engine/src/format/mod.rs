//! The bytes of a table file, and nothing else: encoders and decoders are pure functions over memory, without
//! input or output. `FORMAT.md`, chapter *Table file*, is the normative description of what is here.
//!
//! ```text
//!   chunk        one column of one page: K keys, B begins, E ends, T kinds, V values
//!   page index   statistics, key bounds and the chunk directory of every page
//!   filter       on the distinct keys
//!   properties   what is true of the whole file
//!   footer       where the sections are, version, features
//! ```
//!
//! F1. A decoder never panics and never allocates more than the bytes it was given account for: every length
//!     is checked before it is used. Bytes that do not fit are [`Damage`].
//! F2. A decoded chunk was checked once, as a whole, so its accessors cannot fail.
//! F3. Checksums are seeded with the file's identity and the offset ([`FileSeed`]): a block in the wrong
//!     place or in the wrong file does not pass.

mod checksum;
mod codec;
mod columns;
mod directory;
mod filter;
mod footer;
mod index;
mod keys;
mod numbers;
mod packed;
mod properties;
mod values;

pub(crate) use crate::byte_cursor::{ByteCursor, Damage};
pub(crate) use checksum::FileSeed;
pub use codec::Compression;
pub(crate) use codec::{Codec, Compressor, decompress};
pub use columns::{
    Bound, ColumnBuffer, ColumnChunk, ColumnData, ColumnSummary, Extreme, RowSplitter, Zone, ZoneMaps,
};
pub(crate) use columns::{Dictionary, IntColumn, IntWidth, Strings, ZoneBuilder};
pub(crate) use columns::{HAS_MISSING, HAS_NULLS};
pub(crate) use directory::{ChunkEntry, Column, Encoding};
pub use filter::KeyFilter;
pub use footer::{Features, Footer};
pub(crate) use footer::{Section, SectionKind, VERSION_MAJOR, VERSION_MINOR};
pub(crate) use index::{PageFlags, PageIndex, PageIndexBuilder, PageSummary};
pub(crate) use keys::common_prefix;
pub use keys::{KeyChunk, encode_keys};
pub(crate) use numbers::{KindChunk, encode_kinds};
pub use numbers::{NumberChunk, encode_numbers};
pub(crate) use packed::Numbers;
pub(crate) use properties::{LAYOUT_COLUMNAR, LAYOUT_OPAQUE, Properties};
pub use values::{ValueChunk, encode_values};

#[cfg(test)]
mod tests;
