//! Chunks B and E (timestamps) and T (kinds).

use std::ops::Range;

use arrow_buffer::BooleanBuffer;
use bytes::Bytes;

use super::{Damage, Encoding};
use crate::types::{Kind, Timestamp};

/// Appends the timestamps of one page and says how they are encoded.
///
/// Frame of reference: the smallest as eight bytes, then the difference of each row in 1, 2, 4 or 8 bytes.
/// All bits set stand for [`Timestamp::OPEN`], so a real difference is always smaller than that.
pub fn encode_numbers(numbers: &[u64], out: &mut Vec<u8>) -> Encoding {
    const OPEN: u64 = Timestamp::OPEN.as_micros();
    let Some(&first) = numbers.first() else { return Encoding::Absent };
    let (mut min, mut max, mut constant) = (u64::MAX, 0, true);
    for &number in numbers {
        constant &= number == first;
        if number != OPEN {
            min = min.min(number);
            max = max.max(number);
        }
    }
    if constant {
        out.extend_from_slice(&first.to_le_bytes());
        return Encoding::Constant;
    }
    let span = max - min;
    let difference = |number: u64| if number == OPEN { u64::MAX } else { number - min };
    out.extend_from_slice(&min.to_le_bytes());
    if span < u64::from(u8::MAX) {
        out.extend(numbers.iter().map(|&n| difference(n) as u8));
        Encoding::Frame1
    } else if span < u64::from(u16::MAX) {
        out.extend(numbers.iter().flat_map(|&n| (difference(n) as u16).to_le_bytes()));
        Encoding::Frame2
    } else if span < u64::from(u32::MAX) {
        out.extend(numbers.iter().flat_map(|&n| (difference(n) as u32).to_le_bytes()));
        Encoding::Frame4
    } else {
        out.extend(numbers.iter().flat_map(|&n| difference(n).to_le_bytes()));
        Encoding::Frame8
    }
}

/// The timestamps of one page, still encoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NumberChunk {
    base: u64,
    width: Width,
    /// The differences; empty where all rows are `base`.
    differences: Bytes,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Width {
    Constant,
    One,
    Two,
    Four,
    Eight,
}

impl NumberChunk {
    /// A chunk in which every row is `number`.
    pub fn constant(number: u64) -> Self {
        Self { base: number, width: Width::Constant, differences: Bytes::new() }
    }

    /// Decodes a chunk of `rows` rows.
    ///
    /// # Errors
    /// The encoding is not one of timestamps, or the length does not fit.
    pub fn decode(encoding: Encoding, raw: &Bytes, rows: usize) -> Result<Self, Damage> {
        let (width, bytes) = match encoding {
            Encoding::Constant => (Width::Constant, 0),
            Encoding::Frame1 => (Width::One, 1),
            Encoding::Frame2 => (Width::Two, 2),
            Encoding::Frame4 => (Width::Four, 4),
            Encoding::Frame8 => (Width::Eight, 8),
            other => return Err(Damage::new(0, format!("encoding {other:?} does not hold timestamps"))),
        };
        if Some(raw.len()) != rows.checked_mul(bytes).and_then(|len| len.checked_add(8)) {
            return Err(Damage::new(0, format!("{} bytes for {rows} timestamps", raw.len())));
        }
        let mut base = [0; 8];
        base.copy_from_slice(&raw[..8]);
        Ok(Self { base: u64::from_le_bytes(base), width, differences: raw.slice(8..) })
    }

    /// The timestamp of row `row`.
    #[inline]
    pub fn get(&self, row: usize) -> u64 {
        let bytes = &self.differences[..];
        match self.width {
            Width::Constant => self.base,
            Width::One => self.number(u64::from(bytes[row]), u64::from(u8::MAX)),
            Width::Two => {
                let pair = [bytes[row * 2], bytes[row * 2 + 1]];
                self.number(u64::from(u16::from_le_bytes(pair)), u64::from(u16::MAX))
            }
            Width::Four => {
                let four: [u8; 4] = bytes[row * 4..row * 4 + 4].try_into().unwrap_or_default();
                self.number(u64::from(u32::from_le_bytes(four)), u64::from(u32::MAX))
            }
            Width::Eight => {
                let eight: [u8; 8] = bytes[row * 8..row * 8 + 8].try_into().unwrap_or_default();
                self.number(u64::from_le_bytes(eight), u64::MAX)
            }
        }
    }

    /// For each of these rows, whether its timestamp is greater than `than`.
    pub fn later_than(&self, rows: Range<usize>, than: u64) -> BooleanBuffer {
        let len = rows.len();
        // All bits set are the greatest difference, so OPEN compares as it should.
        let Some(limit) = than.checked_sub(self.base).filter(|_| than < u64::MAX) else {
            let later = than < u64::MAX;
            return if later { BooleanBuffer::new_set(len) } else { BooleanBuffer::new_unset(len) };
        };
        macro_rules! compare {
            ($number:ty) => {{
                const BYTES: usize = size_of::<$number>();
                // A limit that no difference reaches still leaves OPEN behind it.
                let limit = <$number>::try_from(limit).unwrap_or(<$number>::MAX).min(<$number>::MAX - 1);
                let entries = &self.differences.as_chunks::<BYTES>().0[rows];
                BooleanBuffer::collect_bool(len, |row| <$number>::from_le_bytes(entries[row]) > limit)
            }};
        }
        match self.width {
            Width::Constant => {
                if self.base > than {
                    BooleanBuffer::new_set(len)
                } else {
                    BooleanBuffer::new_unset(len)
                }
            }
            Width::One => compare!(u8),
            Width::Two => compare!(u16),
            Width::Four => compare!(u32),
            Width::Eight => compare!(u64),
        }
    }

    /// Bytes in memory.
    pub fn weight(&self) -> usize {
        self.differences.len()
    }

    #[inline]
    fn number(&self, difference: u64, open: u64) -> u64 {
        if difference == open { u64::MAX } else { self.base.wrapping_add(difference) }
    }
}

/// Appends the kinds of one page and says how they are encoded.
pub(crate) fn encode_kinds(kinds: &[u8], out: &mut Vec<u8>) -> Encoding {
    let Some(&first) = kinds.first() else { return Encoding::Absent };
    if kinds.iter().all(|&kind| kind == first) {
        if first == Kind::Put as u8 {
            return Encoding::Absent;
        }
        out.push(first);
        return Encoding::Constant;
    }
    out.extend_from_slice(kinds);
    Encoding::Plain
}

/// The kinds of one page, still encoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KindChunk {
    constant: Option<Kind>,
    kinds: Bytes,
}

impl KindChunk {
    /// Decodes a chunk of `rows` rows.
    ///
    /// # Errors
    /// The encoding is not one of kinds, the length does not fit, or a kind is not known.
    pub(crate) fn decode(encoding: Encoding, raw: &Bytes, rows: usize) -> Result<Self, Damage> {
        let expected = match encoding {
            Encoding::Constant => 1,
            Encoding::Plain => rows,
            other => return Err(Damage::new(0, format!("encoding {other:?} does not hold kinds"))),
        };
        if raw.len() != expected {
            return Err(Damage::new(0, format!("{} bytes for {rows} kinds", raw.len())));
        }
        if let Some(at) = raw.iter().position(|&byte| Kind::from_u8(byte).is_none()) {
            return Err(Damage::new(at, format!("unknown kind {}", raw[at])));
        }
        let constant = if encoding == Encoding::Constant { Kind::from_u8(raw[0]) } else { None };
        Ok(Self { constant, kinds: raw.clone() })
    }

    /// For each of these rows, whether it is a value.
    pub(crate) fn puts(&self, rows: Range<usize>) -> BooleanBuffer {
        let len = rows.len();
        match self.constant {
            Some(Kind::Put) => BooleanBuffer::new_set(len),
            Some(_) => BooleanBuffer::new_unset(len),
            None => {
                let kinds = &self.kinds[rows];
                BooleanBuffer::collect_bool(len, |row| kinds[row] == Kind::Put as u8)
            }
        }
    }

    /// The kind of row `row`.
    #[inline]
    pub(crate) fn get(&self, row: usize) -> Kind {
        match self.constant {
            Some(kind) => kind,
            None => Kind::from_u8(self.kinds[row]).unwrap_or(Kind::Put),
        }
    }

    /// Bytes in memory.
    pub(crate) fn weight(&self) -> usize {
        self.kinds.len()
    }
}
