//! Values: what a row stores beside its key, in a form that needs no schema to be skipped over. Every value
//! of a column has exactly one form, so equal rows have equal bytes.
//!
//! ```text
//!   byte     1            format, 1
//!   varint   n            number of tags: the largest column id + 1
//!   bytes    ⌈n/2⌉        tags, 4 bits each, column id 0 in the low half of the first byte
//!   bytes    …            payloads of the columns that have one, in the order of their ids
//! ```

/// The first byte of every value.
pub const FORMAT: u8 = 1;

/// Tags of what follows for one column.
pub mod tag {
    /// NULL.
    pub const NULL: u8 = 0;
    /// Zero, false, or empty: no payload.
    pub const ZERO: u8 = 1;
    /// One, or true: no payload.
    pub const ONE: u8 = 2;
    /// A number in one byte, little-endian like all.
    pub const BYTES_1: u8 = 3;
    /// A number in two bytes.
    pub const BYTES_2: u8 = 4;
    /// A number in four bytes.
    pub const BYTES_4: u8 = 5;
    /// A number in eight bytes.
    pub const BYTES_8: u8 = 6;
    /// A number in sixteen bytes.
    pub const BYTES_16: u8 = 7;
    /// Bytes after a length of one byte.
    pub const LENGTH_1: u8 = 8;
    /// Bytes after a length of two bytes.
    pub const LENGTH_2: u8 = 9;
    /// Bytes after a length of four bytes.
    pub const LENGTH_4: u8 = 10;
    /// The column is in the key, or no column has this id.
    pub const ELSEWHERE: u8 = 15;
}

/// Appends an integer in as few bytes as it needs; returns its tag.
pub fn push_int(value: i64, out: &mut Vec<u8>) -> u8 {
    match value {
        0 => tag::ZERO,
        1 => tag::ONE,
        _ if i64::from(value as i8) == value => {
            out.push(value as u8);
            tag::BYTES_1
        }
        _ if i64::from(value as i16) == value => {
            out.extend_from_slice(&(value as i16).to_le_bytes());
            tag::BYTES_2
        }
        _ if i64::from(value as i32) == value => {
            out.extend_from_slice(&(value as i32).to_le_bytes());
            tag::BYTES_4
        }
        _ => {
            out.extend_from_slice(&value.to_le_bytes());
            tag::BYTES_8
        }
    }
}

/// Appends a wide integer in as few bytes as it needs; returns its tag.
pub fn push_decimal(value: i128, out: &mut Vec<u8>) -> u8 {
    if let Ok(short) = i64::try_from(value) {
        return push_int(short, out);
    }
    out.extend_from_slice(&value.to_le_bytes());
    tag::BYTES_16
}

/// The bits of the one NaN of rows. It has no sign: one with a sign would come before all numbers.
pub const NAN_32: u32 = 0x7FC0_0000;
/// As [`NAN_32`], of doubles.
pub const NAN_64: u64 = 0x7FF8_0000_0000_0000;

/// Appends a float bit by bit, but one NaN for all; returns its tag.
pub fn push_f32(value: f32, out: &mut Vec<u8>) -> u8 {
    let value = if value.is_nan() { f32::from_bits(NAN_32) } else { value };
    if value.to_bits() == 0 {
        return tag::ZERO;
    }
    out.extend_from_slice(&value.to_bits().to_le_bytes());
    tag::BYTES_4
}

/// A double that a float can hold bit by bit takes four bytes.
pub fn push_f64(value: f64, out: &mut Vec<u8>) -> u8 {
    let value = if value.is_nan() { f64::from_bits(NAN_64) } else { value };
    let short = value as f32;
    if f64::from(short).to_bits() == value.to_bits() {
        return push_f32(short, out);
    }
    out.extend_from_slice(&value.to_bits().to_le_bytes());
    tag::BYTES_8
}

/// Appends text or bytes with their length; returns its tag.
pub fn push_bytes(value: &[u8], out: &mut Vec<u8>) -> u8 {
    let tag = match value.len() {
        0 => return tag::ZERO,
        length @ 1..=0xFF => {
            out.push(length as u8);
            tag::LENGTH_1
        }
        length @ 0x100..=0xFFFF => {
            out.extend_from_slice(&(length as u16).to_le_bytes());
            tag::LENGTH_2
        }
        length => {
            out.extend_from_slice(&(length as u32).to_le_bytes());
            tag::LENGTH_4
        }
    };
    out.extend_from_slice(value);
    tag
}

/// Takes the payload that `tag` announces off the front of `rest`. `None` when it is cut short or no tag.
#[inline]
pub fn take<'a>(tag: u8, rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (skip, length) = match tag {
        tag::NULL | tag::ZERO | tag::ONE | tag::ELSEWHERE => return Some(&[]),
        tag::BYTES_1 => (0, 1),
        tag::BYTES_2 => (0, 2),
        tag::BYTES_4 => (0, 4),
        tag::BYTES_8 => (0, 8),
        tag::BYTES_16 => (0, 16),
        tag::LENGTH_1 => (1, usize::from(*rest.first()?)),
        tag::LENGTH_2 => (2, usize::from(u16::from_le_bytes(*rest.first_chunk()?))),
        tag::LENGTH_4 => (4, u32::from_le_bytes(*rest.first_chunk()?) as usize),
        _ => return None,
    };
    let payload = rest.get(skip..skip + length)?;
    *rest = &rest[skip + length..];
    Some(payload)
}

/// The integer that a tag and its payload stand for; `None` when they are no integer.
#[inline]
pub fn int(tag: u8, payload: &[u8]) -> Option<i64> {
    Some(match tag {
        tag::ZERO => 0,
        tag::ONE => 1,
        tag::BYTES_1 => i64::from(*payload.first()? as i8),
        tag::BYTES_2 => i64::from(i16::from_le_bytes(payload.try_into().ok()?)),
        tag::BYTES_4 => i64::from(i32::from_le_bytes(payload.try_into().ok()?)),
        tag::BYTES_8 => i64::from_le_bytes(payload.try_into().ok()?),
        _ => return None,
    })
}

/// As [`int`], up to sixteen bytes.
pub fn decimal(tag: u8, payload: &[u8]) -> Option<i128> {
    match tag {
        tag::BYTES_16 => Some(i128::from_le_bytes(payload.try_into().ok()?)),
        _ => int(tag, payload).map(i128::from),
    }
}

/// The float that a tag and its payload stand for; `None` when they are none.
pub fn f32(tag: u8, payload: &[u8]) -> Option<f32> {
    match tag {
        tag::ZERO => Some(0.0),
        tag::BYTES_4 => Some(f32::from_bits(u32::from_le_bytes(payload.try_into().ok()?))),
        _ => None,
    }
}

/// The double that a tag and its payload stand for; `None` when they are none.
pub fn f64(tag: u8, payload: &[u8]) -> Option<f64> {
    match tag {
        tag::BYTES_8 => Some(f64::from_bits(u64::from_le_bytes(payload.try_into().ok()?))),
        _ => f32(tag, payload).map(f64::from),
    }
}

/// The text or bytes that a tag and its payload stand for; `None` when they are none.
pub fn bytes(tag: u8, payload: &[u8]) -> Option<&[u8]> {
    matches!(tag, tag::ZERO | tag::LENGTH_1 | tag::LENGTH_2 | tag::LENGTH_4).then_some(payload)
}

/// Appends an unsigned number, seven bits a byte, the lowest first.
pub fn push_varint(mut value: usize, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Takes a number off the front; two bytes at most, for no table has more columns.
#[inline]
pub fn take_varint(rest: &mut &[u8]) -> Option<usize> {
    let (first, tail) = rest.split_first()?;
    if first & 0x80 == 0 {
        *rest = tail;
        return Some(usize::from(*first));
    }
    let (second, tail) = tail.split_first()?;
    *rest = tail;
    (second & 0x80 == 0).then(|| usize::from(first & 0x7F) | usize::from(*second) << 7)
}

/// The tags and payloads of a value. `None` when its bytes cannot be a value.
#[inline]
pub fn split(value: &[u8]) -> Option<Tags<'_>> {
    let (format, mut rest) = value.split_first()?;
    if *format != FORMAT {
        return None;
    }
    let count = take_varint(&mut rest)?;
    let (tags, payloads) = rest.split_at_checked(count.div_ceil(2))?;
    Some(Tags { count, nibbles: tags, payloads })
}

/// A value, split at the front of its payloads.
#[derive(Clone, Copy, Debug)]
pub struct Tags<'a> {
    /// Number of tags: the largest column id when it was written, plus 1.
    pub count: usize,
    nibbles: &'a [u8],
    payloads: &'a [u8],
}

impl<'a> Tags<'a> {
    /// The tag of a column id below [`count`](Self::count).
    #[inline]
    pub fn tag(&self, id: usize) -> u8 {
        self.nibbles[id / 2] >> (id % 2 * 4) & 0x0F
    }

    /// Takes the payload of the next column, in the order of ids, whose tag is `tag`. `None` when it is cut
    /// short.
    #[inline]
    pub fn take(&mut self, tag: u8) -> Option<&'a [u8]> {
        take(tag, &mut self.payloads)
    }

    /// Whether all payloads were taken.
    pub fn is_exhausted(&self) -> bool {
        self.payloads.is_empty()
    }
}
