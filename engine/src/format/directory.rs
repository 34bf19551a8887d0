//! Parts of a page: columns, their encodings, and the directory entry of one chunk.

use super::{HAS_MISSING, HAS_NULLS};

/// Names a column of a page. The ids below 16 are the same in every layout; value columns start at
/// [`Column::VALUES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Column(pub u32);

impl Column {
    /// K: the keys.
    pub const KEYS: Self = Self(0);
    /// B: when each version begins.
    pub const BEGINS: Self = Self(1);
    /// E: when each version ends.
    pub const ENDS: Self = Self(2);
    /// T: the kind of each version.
    pub const KINDS: Self = Self(3);
    /// V: the values as bytes: in the opaque layout, and in pages whose rows could not be taken apart.
    pub const VALUES: Self = Self(16);
    /// The number of tags of each value, in the columnar layout.
    pub const TAG_COUNTS: Self = Self(17);

    /// The columns of a file in the opaque layout, in the order in which a page stores them.
    pub const OPAQUE: [Self; 5] = [Self::KEYS, Self::BEGINS, Self::ENDS, Self::KINDS, Self::VALUES];

    /// The value column with this id, in the columnar layout.
    pub const fn of_value(id: u32) -> Self {
        Self(32 + id)
    }

    /// The id of a value column of the columnar layout; none of other columns.
    pub const fn value_id(self) -> Option<u32> {
        self.0.checked_sub(32)
    }
}

/// The light encoding of a chunk, which random access reads directly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum Encoding {
    /// No chunk: every row has the column's default (end OPEN, kind PUT).
    #[default]
    Absent = 0,
    /// One entry that holds for every row.
    Constant = 1,
    /// Entries one after another, with offsets where they vary in length.
    Plain = 2,
    /// Entries of one length.
    Fixed = 3,
    /// Keys: prefix of the page, head array, suffixes.
    Prefix = 4,
    /// Frame of reference: differences of one byte to the page's minimum.
    Frame1 = 5,
    /// Frame of reference with two bytes.
    Frame2 = 6,
    /// Frame of reference with four bytes.
    Frame4 = 7,
    /// Frame of reference with eight bytes.
    Frame8 = 8,
    /// Value columns: no row that is not missing has a value.
    Nulls = 9,
    /// Strings: the different ones, and the number of each row's in one byte.
    Dictionary1 = 10,
    /// Strings: the different ones, and the number of each row's in two bytes.
    Dictionary2 = 11,
}

impl Encoding {
    /// The encoding with this number in a file, if there is one.
    pub const fn from_u8(byte: u8) -> Option<Self> {
        match byte {
            0 => Some(Self::Absent),
            1 => Some(Self::Constant),
            2 => Some(Self::Plain),
            3 => Some(Self::Fixed),
            4 => Some(Self::Prefix),
            5 => Some(Self::Frame1),
            6 => Some(Self::Frame2),
            7 => Some(Self::Frame4),
            8 => Some(Self::Frame8),
            9 => Some(Self::Nulls),
            10 => Some(Self::Dictionary1),
            11 => Some(Self::Dictionary2),
            _ => None,
        }
    }

    /// The encoding of a value column's encoding byte, which says besides which bitmaps there are.
    pub(crate) const fn of_column(byte: u8) -> Option<Self> {
        Self::from_u8(byte & !(HAS_NULLS | HAS_MISSING))
    }
}

/// Location of one chunk, and how to read it. Encoding and codec are kept as numbers: a reader refuses those
/// that it does not know when it needs the chunk, not before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChunkEntry {
    /// Offset in the file.
    pub offset: u64,
    /// Checksum of the stored bytes.
    pub checksum: u64,
    /// Bytes in the file.
    pub stored_len: u32,
    /// Bytes after decompression.
    pub raw_len: u32,
    /// Number of the [`Encoding`]; in value columns with a bit for each bitmap.
    pub encoding: u8,
    /// Number of the [`Codec`](super::Codec).
    pub codec: u8,
}

impl ChunkEntry {
    /// Whether the page has no chunk in this column.
    pub fn is_absent(&self) -> bool {
        self.encoding == Encoding::Absent as u8
    }

    /// The offset behind the chunk. Decoded entries were checked not to overflow.
    pub fn end(&self) -> u64 {
        self.offset + u64::from(self.stored_len)
    }
}
