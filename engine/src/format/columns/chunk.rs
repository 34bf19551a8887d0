//! From the bytes of a chunk to values: each in constant time, or a whole range.

use bytes::Bytes;

use super::{HAS_MISSING, HAS_NULLS, bit};
use crate::{
    format::{ByteCursor, Damage, Encoding},
    rows::{
        ColumnKind,
        value::{self, tag},
    },
};

/// The values of one column of a page, still lightly encoded.
#[derive(Clone, Debug)]
pub struct ColumnChunk {
    kind: ColumnKind,
    rows: usize,
    data: ColumnData,
    /// Rows that are null; `None`: none is.
    nulls: Option<Bytes>,
    /// Rows that are missing; `None`: none is.
    missing: Option<Bytes>,
}

/// The values by their type. Rows without a value have any.
#[derive(Clone, Debug)]
pub enum ColumnData {
    /// No row has a value.
    None,
    /// Booleans (0 and 1) and integers of up to 64 bits.
    Ints(IntColumn<i64>),
    /// Integers of 128 bits around a common one.
    Wides(IntColumn<i128>),
    /// Integers of 128 bits, sixteen bytes each.
    PlainWides(Bytes),
    /// Floats, four bytes each, or one for all.
    Floats(Bytes),
    /// Doubles, eight bytes each, or one for all.
    Doubles(Bytes),
    /// Texts or bytes.
    Strings(Strings),
}

/// Integers as differences to the smallest.
#[derive(Clone, Debug)]
pub struct IntColumn<T> {
    /// The smallest.
    pub base: T,
    /// Bytes of a difference.
    pub width: IntWidth,
    /// The differences, unsigned and little-endian.
    pub differences: Bytes,
}

/// Bytes of a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntWidth {
    /// All rows have the base.
    Zero = 0,
    /// One.
    One = 1,
    /// Two.
    Two = 2,
    /// Four.
    Four = 4,
    /// Eight.
    Eight = 8,
}

/// Texts or bytes of a page.
#[derive(Clone, Debug)]
pub struct Strings {
    /// Start of each entry in `data`, and end of the last one.
    pub offsets: Vec<u32>,
    /// The entries.
    pub data: Bytes,
    /// Which entry a row has.
    pub dictionary: Dictionary,
}

/// Which entry a row of [`Strings`] has.
#[derive(Clone, Debug)]
pub enum Dictionary {
    /// Its own.
    None,
    /// The only one.
    One,
    /// The entry with the number in one byte.
    Bytes1(Bytes),
    /// The entry with the number in two bytes.
    Bytes2(Bytes),
}

impl Strings {
    /// The number of a row's entry.
    #[inline]
    pub fn entry(&self, row: usize) -> usize {
        match &self.dictionary {
            Dictionary::None => row,
            Dictionary::One => 0,
            Dictionary::Bytes1(codes) => usize::from(codes[row]),
            Dictionary::Bytes2(codes) => {
                usize::from(u16::from_le_bytes([codes[row * 2], codes[row * 2 + 1]]))
            }
        }
    }

    /// Range of an entry in the data.
    #[inline]
    pub fn range(&self, entry: usize) -> std::ops::Range<usize> {
        self.offsets[entry] as usize..self.offsets[entry + 1] as usize
    }

    /// The value of a row.
    #[inline]
    pub fn get(&self, row: usize) -> &[u8] {
        &self.data[self.range(self.entry(row))]
    }
}

impl<T> IntColumn<T> {
    /// The difference of a row.
    #[inline]
    pub fn difference(&self, row: usize) -> u64 {
        let bytes = &self.differences[..];
        match self.width {
            IntWidth::Zero => 0,
            IntWidth::One => u64::from(bytes[row]),
            IntWidth::Two => u64::from(u16::from_le_bytes([bytes[row * 2], bytes[row * 2 + 1]])),
            IntWidth::Four => u64::from(u32::from_le_bytes(array(bytes, row))),
            IntWidth::Eight => u64::from_le_bytes(array(bytes, row)),
        }
    }
}

/// Entry `row` of entries of `N` bytes.
#[inline]
pub(crate) fn array<const N: usize>(bytes: &[u8], row: usize) -> [u8; N] {
    let mut entry = [0; N];
    entry.copy_from_slice(&bytes[row * N..row * N + N]);
    entry
}

impl ColumnChunk {
    /// Decodes a chunk of `rows` rows; `encoding` is its encoding byte.
    ///
    /// # Errors
    /// The encoding is not one of such a column, lengths do not fit, or text is not UTF-8.
    pub fn decode(kind: ColumnKind, encoding: u8, raw: &Bytes, rows: usize) -> Result<Self, Damage> {
        let bitmap = rows.div_ceil(8);
        let mut end = raw.len();
        let mut take_bitmap = |flag: u8| -> Result<Option<Bytes>, Damage> {
            if encoding & flag == 0 {
                return Ok(None);
            }
            let start = end
                .checked_sub(bitmap)
                .ok_or_else(|| Damage::new(0, "chunk is too short for its bitmaps"))?;
            let bits = raw.slice(start..end);
            end = start;
            Ok(Some(bits))
        };
        let missing = take_bitmap(HAS_MISSING)?;
        let nulls = take_bitmap(HAS_NULLS)?;
        let encoding = Encoding::of_column(encoding)
            .ok_or_else(|| Damage::new(0, format!("encoding {encoding} is not known")))?;
        let raw = raw.slice(..end);
        let data = match encoding {
            Encoding::Nulls if raw.is_empty() => ColumnData::None,
            _ => decode_data(kind, encoding, &raw, rows)?,
        };
        Ok(Self { kind, rows, data, nulls, missing })
    }

    /// The chunk of a column that all rows of a page are missing in.
    pub fn all_missing(kind: ColumnKind, rows: usize) -> Self {
        let bits = Bytes::from(vec![u8::MAX; rows.div_ceil(8)]);
        Self { kind, rows, data: ColumnData::None, nulls: None, missing: Some(bits) }
    }

    /// Kind of its values.
    pub fn kind(&self) -> ColumnKind {
        self.kind
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The values.
    pub fn data(&self) -> &ColumnData {
        &self.data
    }

    /// Whether a row is missing.
    #[inline]
    pub fn is_missing(&self, row: usize) -> bool {
        self.missing.as_ref().is_some_and(|bits| bit(bits, row))
    }

    /// Whether any row is missing.
    pub fn has_missing(&self) -> bool {
        self.missing.is_some()
    }

    /// Whether any row that is not missing may be null.
    pub fn has_nulls(&self) -> bool {
        self.nulls.is_some() || matches!(self.data, ColumnData::None)
    }

    /// Whether a row that is not missing is null.
    #[inline]
    pub fn is_null(&self, row: usize) -> bool {
        matches!(self.data, ColumnData::None) || self.nulls.as_ref().is_some_and(|bits| bit(bits, row))
    }

    /// Appends the payload that a row's value has in rows as bytes, and returns its tag.
    pub fn append_payload(&self, row: usize, out: &mut Vec<u8>) -> u8 {
        if self.is_missing(row) {
            return tag::ELSEWHERE;
        }
        if self.is_null(row) {
            return tag::NULL;
        }
        match &self.data {
            ColumnData::None => tag::NULL,
            ColumnData::Ints(ints) => {
                value::push_int(ints.base.wrapping_add(ints.difference(row) as i64), out)
            }
            ColumnData::Wides(ints) => {
                value::push_decimal(ints.base.wrapping_add(i128::from(ints.difference(row))), out)
            }
            ColumnData::PlainWides(bytes) => value::push_decimal(i128::from_le_bytes(array(bytes, row)), out),
            ColumnData::Floats(bytes) => {
                let row = if bytes.len() == 4 { 0 } else { row };
                value::push_f32(f32::from_le_bytes(array(bytes, row)), out)
            }
            ColumnData::Doubles(bytes) => {
                let row = if bytes.len() == 8 { 0 } else { row };
                value::push_f64(f64::from_le_bytes(array(bytes, row)), out)
            }
            ColumnData::Strings(strings) => value::push_bytes(strings.get(row), out),
        }
    }

    /// Bytes in memory.
    pub fn weight(&self) -> usize {
        let data = match &self.data {
            ColumnData::None => 0,
            ColumnData::Ints(ints) => ints.differences.len(),
            ColumnData::Wides(ints) => ints.differences.len(),
            ColumnData::PlainWides(bytes) | ColumnData::Floats(bytes) | ColumnData::Doubles(bytes) => {
                bytes.len()
            }
            ColumnData::Strings(strings) => {
                let codes = match &strings.dictionary {
                    Dictionary::None | Dictionary::One => 0,
                    Dictionary::Bytes1(codes) | Dictionary::Bytes2(codes) => codes.len(),
                };
                strings.offsets.len() * 4 + strings.data.len() + codes
            }
        };
        let bits = self.nulls.as_ref().map_or(0, Bytes::len) + self.missing.as_ref().map_or(0, Bytes::len);
        size_of::<Self>() + data + bits
    }
}

fn decode_data(kind: ColumnKind, encoding: Encoding, raw: &Bytes, rows: usize) -> Result<ColumnData, Damage> {
    let wrong =
        |what: &str| Damage::new(0, format!("{what}: {encoding:?} of {} bytes for {rows} rows", raw.len()));
    Ok(match kind {
        ColumnKind::Boolean | ColumnKind::Int16 | ColumnKind::Int32 | ColumnKind::Int64 => {
            let (base, width, differences) =
                frame::<8>(encoding, raw, rows).ok_or_else(|| wrong("integers"))?;
            ColumnData::Ints(IntColumn { base: i64::from_le_bytes(base), width, differences })
        }
        ColumnKind::Int128 if encoding == Encoding::Plain => {
            let fits = rows.checked_mul(16) == Some(raw.len());
            ColumnData::PlainWides(fits.then(|| raw.clone()).ok_or_else(|| wrong("wide integers"))?)
        }
        ColumnKind::Int128 => {
            let (base, width, differences) =
                frame::<16>(encoding, raw, rows).ok_or_else(|| wrong("wide integers"))?;
            ColumnData::Wides(IntColumn { base: i128::from_le_bytes(base), width, differences })
        }
        ColumnKind::Float32 => {
            ColumnData::Floats(fixed(4, encoding, raw, rows).ok_or_else(|| wrong("floats"))?)
        }
        ColumnKind::Float64 => {
            ColumnData::Doubles(fixed(8, encoding, raw, rows).ok_or_else(|| wrong("doubles"))?)
        }
        ColumnKind::Text | ColumnKind::Bytes => {
            let strings = decode_strings(encoding, raw, rows)?;
            if kind == ColumnKind::Text && !is_text(&strings) {
                return Err(wrong("text that is not UTF-8"));
            }
            ColumnData::Strings(strings)
        }
    })
}

fn frame<const N: usize>(encoding: Encoding, raw: &Bytes, rows: usize) -> Option<([u8; N], IntWidth, Bytes)> {
    let width = match encoding {
        Encoding::Constant => IntWidth::Zero,
        Encoding::Frame1 => IntWidth::One,
        Encoding::Frame2 => IntWidth::Two,
        Encoding::Frame4 => IntWidth::Four,
        Encoding::Frame8 => IntWidth::Eight,
        _ => return None,
    };
    let fits = rows.checked_mul(width as usize)?.checked_add(N)? == raw.len();
    fits.then(|| (array(raw, 0), width, raw.slice(N..)))
}

fn fixed(width: usize, encoding: Encoding, raw: &Bytes, rows: usize) -> Option<Bytes> {
    let count = match encoding {
        Encoding::Constant => 1,
        Encoding::Plain => rows,
        _ => return None,
    };
    (count.checked_mul(width)? == raw.len()).then(|| raw.clone())
}

fn decode_strings(encoding: Encoding, raw: &Bytes, rows: usize) -> Result<Strings, Damage> {
    let code_width = match encoding {
        Encoding::Constant => {
            let len = u32::try_from(raw.len()).map_err(|_| Damage::new(0, "string is too long"))?;
            return Ok(Strings { offsets: vec![0, len], data: raw.clone(), dictionary: Dictionary::One });
        }
        Encoding::Plain => 0,
        Encoding::Dictionary1 => 1,
        Encoding::Dictionary2 => 2,
        other => return Err(Damage::new(0, format!("encoding {other:?} does not hold strings"))),
    };
    let mut cursor = ByteCursor::new(raw);
    let entries = if code_width == 0 { rows } else { cursor.u32()? as usize };
    if entries > raw.len().max(rows) {
        return Err(Damage::new(0, format!("{entries} entries are too many")));
    }
    let offsets = decode_lengths(&mut cursor, entries)?;
    let codes_at = cursor.position();
    let codes_len =
        rows.checked_mul(code_width).ok_or_else(|| Damage::new(codes_at, "codes are too many"))?;
    cursor.take(codes_len)?;
    let codes = raw.slice(codes_at..codes_at + codes_len);
    let data = raw.slice(codes_at + codes_len..);
    if offsets.last().map(|end| *end as usize) != Some(data.len()) {
        return Err(Damage::new(codes_at, "lengths of strings do not cover their bytes"));
    }
    let in_range = match code_width {
        1 => codes.iter().all(|code| usize::from(*code) < entries),
        2 => codes.as_chunks::<2>().0.iter().all(|code| usize::from(u16::from_le_bytes(*code)) < entries),
        _ => true,
    };
    if !in_range {
        return Err(Damage::new(codes_at, "a row has a string that is not there"));
    }
    let dictionary = match code_width {
        1 => Dictionary::Bytes1(codes),
        2 => Dictionary::Bytes2(codes),
        _ => Dictionary::None,
    };
    Ok(Strings { offsets, data, dictionary })
}

fn decode_lengths(cursor: &mut ByteCursor<'_>, entries: usize) -> Result<Vec<u32>, Damage> {
    let width = cursor.u8()?;
    let mut offsets = Vec::with_capacity(entries + 1);
    let mut end = 0_u32;
    let mut fits = true;
    offsets.push(0);
    let mut push = |len: u32| {
        let (sum, overflows) = end.overflowing_add(len);
        fits &= !overflows;
        end = sum;
        offsets.push(sum);
    };
    match width {
        0 => {
            let len = cursor.u32()?;
            (0..entries).for_each(|_| push(len));
        }
        1 => cursor.take(entries)?.iter().for_each(|len| push(u32::from(*len))),
        2 => {
            let bytes = cursor.take(entries.saturating_mul(2))?;
            bytes.as_chunks::<2>().0.iter().for_each(|len| push(u32::from(u16::from_le_bytes(*len))));
        }
        4 => cursor.u32s(entries)?.into_iter().for_each(push),
        other => return Err(Damage::new(cursor.position(), format!("lengths of {other} bytes"))),
    }
    if fits { Ok(offsets) } else { Err(Damage::new(cursor.position(), "lengths of strings overflow")) }
}

fn is_text(strings: &Strings) -> bool {
    let Ok(text) = std::str::from_utf8(&strings.data) else { return false };
    strings.offsets.iter().all(|offset| text.is_char_boundary(*offset as usize))
}
