//! The codec PACKED: the integers of a chunk in as many bits as they need.
//!
//! ```text
//!   head      what is in front of the numbers, as it is
//!   numbers   base + unit × p, or the number before + base + unit × p; the p in b bits each, lowest bit first
//!   rest      what is behind them, as it is
//! ```
//!
//! A codec and no encoding: who unpacks gets the chunk with its whole bytes, which random access and the
//! cache stay with.

use std::ops::Range;

use arrow_buffer::BooleanBuffer;

use super::{ByteCursor, Column, Damage, Encoding, HAS_MISSING, HAS_NULLS, keys};

/// Bytes in front of the head.
const HEADER_BYTES: usize = 36;
/// A number of more bits would not fit the eight bytes from the one that it starts in.
const BITS_MAX: u32 = 56;
/// Numbers of a chunk: the most rows of a page.
const NUMBERS_MAX: usize = u16::MAX as usize;
/// Each number is what it is more than the one before.
const FLAG_STEPS: u8 = 1;
/// The numbers are the suffixes of keys, big-endian, and the heads of every 16th lie in front of them.
const FLAG_KEYS: u8 = 2;
/// Behind the heads is which key each row has; of that, a bit for each row is kept, behind the numbers.
const FLAG_ORDINALS: u8 = 4;

/// Location of the integers of a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Numbers {
    /// Bytes in front of the first, without heads of keys.
    head: usize,
    /// Bytes of each: 1, 2, 4 or 8, little-endian; of keys 1 to 8, big-endian.
    width: usize,
    count: usize,
    is_keys: bool,
    /// Rows that say which of the keys they have; none of other numbers.
    ordinals: usize,
}

/// Parameters by which numbers are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct PackPlan {
    first: u64,
    base: u64,
    unit: u64,
    bits: u32,
    is_steps: bool,
}

impl Numbers {
    /// The integers of a chunk of `rows` rows, if it has some.
    pub(crate) fn find(column: Column, encoding: u8, raw: &[u8], rows: usize) -> Option<Self> {
        if column == Column::KEYS {
            let keys::Packable { heads_at: head, width, keys: count, has_ordinals } = keys::packable(raw)?;
            let ordinals = if has_ordinals { rows } else { 0 };
            return Some(Self { head, width, count, is_keys: true, ordinals });
        }
        let plain = |head, width| Self { head, width, count: rows, is_keys: false, ordinals: 0 };
        let codes = |width| Some(plain(codes_at(raw)?, width));
        let width = match Encoding::of_column(encoding)? {
            Encoding::Frame1 => 1,
            Encoding::Frame2 => 2,
            Encoding::Frame4 => 4,
            Encoding::Frame8 => 8,
            Encoding::Dictionary1 => return codes(1),
            Encoding::Dictionary2 => return codes(2),
            _ => return None,
        };
        // In front of them is what they are added to, and behind them are bitmaps.
        let bitmaps = (encoding & (HAS_NULLS | HAS_MISSING)).count_ones() as usize * rows.div_ceil(8);
        let head = raw.len().checked_sub(bitmaps + rows * width)?;
        Some(plain(head, width))
    }

    /// Bytes of the heads of keys, which are left out.
    fn heads_len(&self) -> usize {
        if self.is_keys { self.count.div_ceil(keys::HEAD_INTERVAL) * 8 } else { 0 }
    }

    /// Range of the numbers in the chunk.
    fn range(&self) -> Range<usize> {
        let start = self.head + self.heads_len() + self.ordinals * 2;
        start..start + self.count * self.width
    }

    fn read(&self, raw: &[u8], out: &mut Vec<u64>) {
        let bytes = &raw[self.range()];
        out.clear();
        match self.width {
            _ if self.is_keys => out.extend(
                bytes
                    .chunks_exact(self.width)
                    .map(|suffix| suffix.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte))),
            ),
            1 => out.extend(bytes.iter().map(|byte| u64::from(*byte))),
            2 => out.extend(bytes.as_chunks().0.iter().map(|b| u64::from(u16::from_le_bytes(*b)))),
            4 => out.extend(bytes.as_chunks().0.iter().map(|b| u64::from(u32::from_le_bytes(*b)))),
            _ => out.extend(bytes.as_chunks().0.iter().map(|b| u64::from_le_bytes(*b))),
        }
    }

    /// Writes the packed form of the chunk to `out`, if its numbers can be packed. `numbers` is memory to
    /// work in.
    pub(super) fn pack(&self, raw: &[u8], numbers: &mut Vec<u64>, out: &mut Vec<u8>) -> bool {
        self.read(raw, numbers);
        let Some(plan) = PackPlan::of(numbers) else { return false };
        out.clear();
        out.extend_from_slice(&(self.head as u32).to_le_bytes());
        out.extend_from_slice(&(self.count as u32).to_le_bytes());
        let flags =
            [(plan.is_steps, FLAG_STEPS), (self.is_keys, FLAG_KEYS), (self.ordinals > 0, FLAG_ORDINALS)];
        let flags = flags.iter().filter(|(is_set, _)| *is_set).map(|(_, flag)| flag).sum();
        out.extend_from_slice(&[self.width as u8, plan.bits as u8, flags, 0]);
        for number in [plan.first, plan.base, plan.unit] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        out.extend_from_slice(&raw[..self.head]);
        plan.push_bits(numbers, out);
        let numbers = self.range();
        let ordinals = raw[numbers.start - self.ordinals * 2..numbers.start].as_chunks::<2>().0;
        let is_next = |row: usize| row > 0 && ordinals[row] != ordinals[row - 1];
        let next_keys = BooleanBuffer::collect_bool(self.ordinals, is_next);
        out.extend_from_slice(&next_keys.values()[..self.ordinals.div_ceil(8)]);
        out.extend_from_slice(&raw[numbers.end..]);
        true
    }
}

/// Offset of the codes of a dictionary.
fn codes_at(raw: &[u8]) -> Option<usize> {
    let mut cursor = ByteCursor::new(raw);
    let entries = cursor.u32().ok()? as usize;
    let lengths = match usize::from(cursor.u8().ok()?) {
        0 => 4,
        width => entries.checked_mul(width)?,
    };
    cursor.take(lengths).ok()?;
    Some(cursor.position())
}

fn gcd(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

impl PackPlan {
    /// The shorter of two: differences to the smallest, or to the number before.
    fn of(numbers: &[u64]) -> Option<Self> {
        let first = *numbers.first()?;
        let (min, max) = numbers.iter().fold((first, first), |(min, max), n| (min.min(*n), max.max(*n)));
        let plain = Self::over(numbers.iter().map(|number| number - min), max - min);
        let plain = plain.map(|plan| Self { first: 0, base: min, ..plan });
        let steps = || numbers.windows(2).map(|pair| pair[1].wrapping_sub(pair[0]) as i64);
        let (least, most) = steps().fold((i64::MAX, i64::MIN), |(min, max), n| (min.min(n), max.max(n)));
        let steps = if least > most {
            None
        } else {
            let differences = steps().map(|step| step.wrapping_sub(least) as u64);
            Self::over(differences, most.wrapping_sub(least) as u64)
        };
        let steps = steps.map(|plan| Self { first, base: least as u64, is_steps: true, ..plan });
        match (plain, steps) {
            // A sum is a little more to undo.
            (Some(plain), Some(steps)) => Some(if steps.bits * 8 < plain.bits * 7 { steps } else { plain }),
            (plain, steps) => plain.or(steps),
        }
    }

    /// Numbers from 0 to `max`.
    fn over(mut numbers: impl Iterator<Item = u64>, max: u64) -> Option<Self> {
        let mut unit = 0;
        // Numbers without a common divisor say so soon.
        while unit != 1
            && let Some(number) = numbers.next()
        {
            unit = if unit != 0 && number % unit == 0 { unit } else { gcd(unit, number) };
        }
        let unit = unit.max(1);
        let bits = u64::BITS - (max / unit).leading_zeros();
        (bits <= BITS_MAX).then_some(Self { first: 0, base: 0, unit, bits, is_steps: false })
    }

    fn push_bits(&self, numbers: &[u64], out: &mut Vec<u8>) {
        let (bits, start) = (self.bits as usize, out.len());
        if bits == 0 {
            return;
        }
        // Room for the eight bytes that the last number is written with.
        out.resize(start + (numbers.len() * bits).div_ceil(8) + 8, 0);
        let bytes = &mut out[start..];
        let mut before = self.first.wrapping_sub(self.base);
        for (at, number) in numbers.iter().enumerate() {
            let difference = if self.is_steps {
                number.wrapping_sub(before).wrapping_sub(self.base)
            } else {
                number - self.base
            };
            before = *number;
            let packed = difference / self.unit;
            let bit = at * bits;
            let window = &mut bytes[bit / 8..bit / 8 + 8];
            let mut word = [0; 8];
            word.copy_from_slice(window);
            window.copy_from_slice(&(u64::from_le_bytes(word) | packed << (bit % 8)).to_le_bytes());
        }
        out.truncate(out.len() - 8);
    }
}

/// Parts of a packed chunk.
struct Packed<'a> {
    numbers: Numbers,
    plan: PackPlan,
    head: &'a [u8],
    bits: &'a [u8],
    /// For each row that says which key it has, whether that is another than that of the row before.
    next_keys: &'a [u8],
    rest: &'a [u8],
}

/// Unpacks a chunk to `raw_len` bytes.
pub(super) fn unpack(stored: &[u8], raw_len: usize) -> Result<Vec<u8>, Damage> {
    let packed = Packed::decode(stored, raw_len)?;
    let numbers = &packed.numbers;
    let heads = numbers.heads_len();
    let len = numbers.range().end + packed.rest.len();
    if len != raw_len {
        return Err(Damage::new(0, format!("{len} bytes unpacked, {raw_len} expected")));
    }
    let mut raw = Vec::with_capacity(raw_len);
    raw.extend_from_slice(packed.head);
    raw.resize(raw.len() + heads, 0);
    packed.push_ordinals(&mut raw);
    match numbers.width {
        _ if numbers.is_keys => packed.push_keys(&mut raw),
        1 => packed.push(|number| [number as u8], &mut raw),
        2 => packed.push(|number| (number as u16).to_le_bytes(), &mut raw),
        4 => packed.push(|number| (number as u32).to_le_bytes(), &mut raw),
        _ => packed.push(u64::to_le_bytes, &mut raw),
    }
    raw.extend_from_slice(packed.rest);
    Ok(raw)
}

impl<'a> Packed<'a> {
    /// `raw_len`: bytes of the whole chunk.
    fn decode(stored: &'a [u8], raw_len: usize) -> Result<Self, Damage> {
        let mut cursor = ByteCursor::new(stored);
        let (head, count) = (cursor.u32()? as usize, cursor.u32()? as usize);
        let [width, bits, flags, _] = cursor.array()?;
        let (first, base, unit) = (cursor.u64()?, cursor.u64()?, cursor.u64()?);
        debug_assert_eq!(cursor.position(), HEADER_BYTES);
        let (width, bits) = (usize::from(width), u32::from(bits));
        let (is_keys, has_ordinals) = (flags & FLAG_KEYS != 0, flags & FLAG_ORDINALS != 0);
        let has_width = matches!(width, 1 | 2 | 4 | 8) || is_keys && (1..=8).contains(&width);
        let has_flags = flags <= (FLAG_STEPS | FLAG_KEYS | FLAG_ORDINALS) && (is_keys || !has_ordinals);
        if !has_width || !has_flags || bits > BITS_MAX || count > NUMBERS_MAX {
            return Err(Damage::new(8, format!("{count} numbers of {width} bytes in {bits} bits")));
        }
        let plan = PackPlan { first, base, unit, bits, is_steps: flags & FLAG_STEPS != 0 };
        let mut numbers = Numbers { head, width, count, is_keys, ordinals: 0 };
        let head = cursor.take(head)?;
        let bits = cursor.take((count * bits as usize).div_ceil(8))?;
        if has_ordinals {
            // Nothing else is of unknown length, and nothing is behind the suffixes.
            numbers.ordinals = raw_len.saturating_sub(numbers.range().end) / 2;
        }
        let next_keys = cursor.take(numbers.ordinals.div_ceil(8))?;
        let rest = cursor.take(cursor.remaining())?;
        Ok(Self { numbers, plan, head, bits, next_keys, rest })
    }

    fn push_ordinals(&self, out: &mut Vec<u8>) {
        let mut ordinal = 0_u16;
        for row in 0..self.numbers.ordinals {
            ordinal = ordinal.wrapping_add(u16::from(self.next_keys[row / 8] >> (row % 8) & 1));
            out.extend_from_slice(&ordinal.to_le_bytes());
        }
    }

    /// Gives all numbers in order.
    #[inline]
    fn for_each(&self, mut give: impl FnMut(u64)) {
        let PackPlan { first, base, unit, bits, is_steps } = self.plan;
        if is_steps {
            // So that the first step, in whose place a zero is packed, leads to the first number.
            let mut number = first.wrapping_sub(base);
            self.for_each_packed(bits, |packed| {
                number = number.wrapping_add(base).wrapping_add(packed.wrapping_mul(unit));
                give(number);
            });
        } else if unit == 1 {
            self.for_each_packed(bits, |packed| give(base.wrapping_add(packed)));
        } else {
            self.for_each_packed(bits, |packed| give(base.wrapping_add(packed.wrapping_mul(unit))));
        }
    }

    #[inline]
    fn for_each_packed(&self, bits: u32, mut give: impl FnMut(u64)) {
        let (bits, count) = (bits as usize, self.numbers.count);
        let mask = (1_u64 << bits) - 1;
        let mut bit = 0;
        for _ in 0..count {
            let at = bit / 8;
            let word = match self.bits.get(at..at + 8) {
                Some(window) => u64::from_le_bytes(window.try_into().unwrap_or_default()),
                None => tail_word(&self.bits[at.min(self.bits.len())..]),
            };
            give(word >> (bit % 8) & mask);
            bit += bits;
        }
    }

    fn push<const N: usize>(&self, bytes: impl Fn(u64) -> [u8; N], out: &mut Vec<u8>) {
        let start = out.len();
        out.resize(start + self.numbers.count * N, 0);
        let mut places = out[start..].as_chunks_mut::<N>().0.iter_mut();
        self.for_each(|number| {
            if let Some(place) = places.next() {
                *place = bytes(number);
            }
        });
    }

    /// Suffixes, and the head of every so many-th in the room for them.
    fn push_keys(&self, out: &mut Vec<u8>) {
        let (width, mut at) = (self.numbers.width, 0);
        let mut head_at = self.numbers.head;
        self.for_each(|number| {
            let suffix = &number.to_be_bytes()[8 - width..];
            if at % keys::HEAD_INTERVAL == 0 {
                out[head_at..head_at + width].copy_from_slice(suffix);
                head_at += 8;
            }
            at += 1;
            out.extend_from_slice(suffix);
        });
    }
}

/// The bytes that are left, and zeros.
#[cold]
fn tail_word(bytes: &[u8]) -> u64 {
    let mut word = [0; 8];
    word[..bytes.len()].copy_from_slice(bytes);
    u64::from_le_bytes(word)
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;
    use crate::format::{Codec, decompress, encode_keys, encode_numbers};

    /// Packs and unpacks; the packed length.
    fn there_and_back(column: Column, encoding: u8, raw: &[u8], rows: usize) -> Option<usize> {
        let numbers = Numbers::find(column, encoding, raw, rows)?;
        let mut out = Vec::new();
        if !numbers.pack(raw, &mut Vec::new(), &mut out) {
            return None;
        }
        assert_eq!(decompress(Codec::Packed, &out, raw.len()).unwrap(), raw);
        assert!(decompress(Codec::Packed, &out, raw.len() + 1).is_err());
        Some(out.len())
    }

    fn timestamps(numbers: &[u64]) -> Option<usize> {
        let mut raw = Vec::new();
        let encoding = encode_numbers(numbers, &mut raw);
        there_and_back(Column::BEGINS, encoding as u8, &raw, numbers.len())
    }

    #[test]
    fn numbers_take_the_bits_that_they_need() {
        let fixed = HEADER_BYTES + 8;
        let random = |number: u64| number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 47;
        assert_eq!(timestamps(&(0..2_000).map(random).collect::<Vec<_>>()), Some(fixed + 2_000 * 17 / 8));
        // Equal steps take nothing, and what is common to all of them neither.
        assert_eq!(timestamps(&(7..2_007).collect::<Vec<_>>()), Some(fixed));
        let seconds: Vec<u64> = (0..2_000).map(|n| (n * 15 + random(n) % 8) * 1_000_000).collect();
        assert_eq!(timestamps(&seconds), Some(fixed + 2_000 * 4 / 8));
    }

    #[test]
    fn keys_that_follow_one_another_take_nothing() {
        let keys: Vec<u8> = (1_000..3_000_u64).flat_map(u64::to_be_bytes).collect();
        let ends: Vec<u32> = (1..=2_000).map(|n| n * 8).collect();
        let ordinals: Vec<u16> = (0..2_000).collect();
        let mut raw = Vec::new();
        encode_keys(&keys, &ends, &ordinals, &mut raw);
        assert_eq!(there_and_back(Column::KEYS, 4, &raw, 2_000), Some(HEADER_BYTES + 12 + 6));
    }

    #[test]
    fn which_row_has_which_key_takes_a_bit_for_each_row() {
        let keys: Vec<u8> = (1_000..2_000_u64).flat_map(u64::to_be_bytes).collect();
        let ends: Vec<u32> = (1..=1_000).map(|n| n * 8).collect();
        let ordinals: Vec<u16> = (0..2_000).map(|row| row / 2).collect();
        let mut raw = Vec::new();
        encode_keys(&keys, &ends, &ordinals, &mut raw);
        assert_eq!(there_and_back(Column::KEYS, 4, &raw, 2_000), Some(HEADER_BYTES + 12 + 6 + 250));
    }

    proptest! {
        #[test]
        fn any_numbers_come_back(
            numbers in prop_oneof![vec(any::<u64>(), 1..100), vec(0..1_000_u64, 1..100), vec((0..9_u64).prop_map(|n| n * 1_000_000_007), 1..100)],
            is_sorted in any::<bool>(),
        ) {
            let mut numbers = numbers;
            if is_sorted {
                numbers.sort_unstable();
            }
            timestamps(&numbers);
        }

        #[test]
        fn any_keys_come_back(
            keys in vec(vec(any::<u8>(), 5), 1..100),
            narrow in any::<bool>(),
            versions in vec(1..4_usize, 100),
            is_unique in any::<bool>(),
        ) {
            let mut keys = keys;
            keys.iter_mut().filter(|_| narrow).for_each(|key| key[..3].fill(7));
            keys.sort();
            keys.dedup();
            let ends: Vec<u32> = (1..=keys.len() as u32).map(|n| n * 5).collect();
            let rows_of = |key: u16| if is_unique { 1 } else { versions[usize::from(key)] };
            let ordinals = (0..keys.len() as u16).flat_map(|key| std::iter::repeat_n(key, rows_of(key)));
            let ordinals: Vec<u16> = ordinals.collect();
            let mut raw = Vec::new();
            encode_keys(&keys.concat(), &ends, &ordinals, &mut raw);
            there_and_back(Column::KEYS, 4, &raw, ordinals.len());
        }
    }
}
