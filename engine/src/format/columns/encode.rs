//! From typed values to the bytes of a chunk.

use std::collections::HashMap;

use super::{
    HAS_MISSING, HAS_NULLS,
    buffer::{BufferValues, ColumnBuffer, Presence},
};
use crate::format::Encoding;

/// From so many rows on a dictionary is given up when three in four are different.
const DICTIONARY_TRIAL_ROWS: usize = 256;
/// Most different strings of a dictionary.
const DICTIONARY_MAX: usize = 1 << 16;

impl ColumnBuffer {
    /// Appends the chunk and returns its encoding byte; nothing, and ABSENT, when all rows are missing.
    pub fn encode(&self, out: &mut Vec<u8>) -> u8 {
        let rows = self.len();
        if self.missing == rows {
            return Encoding::Absent as u8;
        }
        let mut encoding = if self.nulls + self.missing == rows {
            Encoding::Nulls as u8
        } else {
            match &self.values {
                BufferValues::Ints(values) => self.encode_ints(values, out),
                BufferValues::Wides(values) => self.encode_wides(values, out),
                BufferValues::Floats(values) => self.encode_fixed(values, u32::to_le_bytes, out),
                BufferValues::Doubles(values) => self.encode_fixed(values, u64::to_le_bytes, out),
                BufferValues::Strings { ends, data } => self.encode_strings(ends, data, out),
            }
        };
        // Of a column without values the nulls are what is not missing.
        if self.nulls > 0 && encoding != Encoding::Nulls as u8 {
            encoding |= HAS_NULLS;
            self.push_bitmap(Presence::Null, out);
        }
        if self.missing > 0 {
            encoding |= HAS_MISSING;
            self.push_bitmap(Presence::Missing, out);
        }
        encoding
    }

    fn push_bitmap(&self, wanted: Presence, out: &mut Vec<u8>) {
        out.extend(self.presence.chunks(8).map(|rows| {
            rows.iter()
                .enumerate()
                .fold(0_u8, |byte, (bit, presence)| byte | u8::from(*presence == wanted) << bit)
        }));
    }

    /// The values of rows that have one.
    fn present<'a, T: Copy>(&'a self, values: &'a [T]) -> impl Iterator<Item = T> + 'a {
        let pairs = values.iter().zip(&self.presence);
        pairs.filter(|(_, presence)| **presence == Presence::Value).map(|(value, _)| *value)
    }

    /// Frame of reference: the smallest value, then the difference of each row; 0 where there is no value.
    fn encode_ints(&self, values: &[i64], out: &mut Vec<u8>) -> u8 {
        let (min, max) = bounds(self.present(values));
        out.extend_from_slice(&min.to_le_bytes());
        let span = max.wrapping_sub(min) as u64;
        if span == 0 {
            return Encoding::Constant as u8;
        }
        let differences = values.iter().zip(&self.presence).map(|(value, presence)| match presence {
            Presence::Value => value.wrapping_sub(min) as u64,
            Presence::Null | Presence::Missing => 0,
        });
        push_differences(span, differences, out)
    }

    fn encode_wides(&self, values: &[i128], out: &mut Vec<u8>) -> u8 {
        let (min, max) = bounds(self.present(values));
        let Ok(span) = u64::try_from(max.wrapping_sub(min) as u128) else {
            out.extend(values.iter().flat_map(|value| value.to_le_bytes()));
            return Encoding::Plain as u8;
        };
        out.extend_from_slice(&min.to_le_bytes());
        if span == 0 {
            return Encoding::Constant as u8;
        }
        let differences = values.iter().zip(&self.presence).map(|(value, presence)| match presence {
            Presence::Value => value.wrapping_sub(min) as u64,
            Presence::Null | Presence::Missing => 0,
        });
        push_differences(span, differences, out)
    }

    fn encode_fixed<T: Copy + PartialEq, const N: usize>(
        &self,
        values: &[T],
        bytes: impl Fn(T) -> [u8; N],
        out: &mut Vec<u8>,
    ) -> u8 {
        let mut present = self.present(values);
        if let Some(first) = present.next()
            && present.all(|value| value == first)
        {
            out.extend_from_slice(&bytes(first));
            return Encoding::Constant as u8;
        }
        out.extend(values.iter().flat_map(|value| bytes(*value)));
        Encoding::Plain as u8
    }

    fn encode_strings(&self, ends: &[u32], data: &[u8], out: &mut Vec<u8>) -> u8 {
        let string = |row: usize| {
            let start = if row == 0 { 0 } else { ends[row - 1] as usize };
            &data[start..ends[row] as usize]
        };
        if let Some((codes, entries)) = self.dictionary(string) {
            if entries.len() == 1 {
                out.extend_from_slice(entries[0]);
                return Encoding::Constant as u8;
            }
            out.extend_from_slice(&(entries.len() as u32).to_le_bytes());
            push_lengths(entries.iter().map(|entry| entry.len()), out);
            let narrow = entries.len() <= 1 << 8;
            if narrow {
                out.extend(codes.iter().map(|code| *code as u8));
            } else {
                out.extend(codes.iter().flat_map(|code| (*code as u16).to_le_bytes()));
            }
            out.extend(entries.into_iter().flatten());
            return if narrow { Encoding::Dictionary1 as u8 } else { Encoding::Dictionary2 as u8 };
        }
        push_lengths((0..ends.len()).map(|row| string(row).len()), out);
        out.extend_from_slice(data);
        Encoding::Plain as u8
    }

    /// The different strings in the order in which they appear, and the number of each row's; none where too
    /// few rows share one. A row without a value has the number 0.
    fn dictionary<'a>(&self, string: impl Fn(usize) -> &'a [u8]) -> Option<(Vec<u32>, Vec<&'a [u8]>)> {
        let entries_max = (self.len() / 2).clamp(1, DICTIONARY_MAX);
        let mut numbers: HashMap<&[u8], u32, xxhash_rust::xxh3::Xxh3DefaultBuilder> = HashMap::default();
        let mut entries = Vec::new();
        let mut codes = Vec::with_capacity(self.len());
        for (row, presence) in self.presence.iter().enumerate() {
            if *presence != Presence::Value {
                codes.push(0);
                continue;
            }
            let entry = string(row);
            let next = entries.len() as u32;
            let number = *numbers.entry(entry).or_insert(next);
            if number == next {
                let is_hopeless = row >= DICTIONARY_TRIAL_ROWS && entries.len() * 4 > row * 3;
                if entries.len() == entries_max || is_hopeless {
                    return None;
                }
                entries.push(entry);
            }
            codes.push(number);
        }
        Some((codes, entries))
    }
}

fn bounds<T: Ord + Copy>(mut values: impl Iterator<Item = T>) -> (T, T) {
    let first = values.next().expect("a column that is not all null has a value");
    values.fold((first, first), |(min, max), value| (min.min(value), max.max(value)))
}

fn push_differences(span: u64, differences: impl Iterator<Item = u64>, out: &mut Vec<u8>) -> u8 {
    if u8::try_from(span).is_ok() {
        out.extend(differences.map(|difference| difference as u8));
        Encoding::Frame1 as u8
    } else if u16::try_from(span).is_ok() {
        out.extend(differences.flat_map(|difference| (difference as u16).to_le_bytes()));
        Encoding::Frame2 as u8
    } else if u32::try_from(span).is_ok() {
        out.extend(differences.flat_map(|difference| (difference as u32).to_le_bytes()));
        Encoding::Frame4 as u8
    } else {
        out.extend(differences.flat_map(u64::to_le_bytes));
        Encoding::Frame8 as u8
    }
}

/// The width of a length in bytes (0 when all are equal, then the one), and the lengths.
fn push_lengths(lengths: impl Iterator<Item = usize> + Clone, out: &mut Vec<u8>) {
    let (min, max) = lengths.clone().fold((usize::MAX, 0), |(min, max), len| (min.min(len), max.max(len)));
    if min == max {
        out.push(0);
        out.extend_from_slice(&(max as u32).to_le_bytes());
    } else if u8::try_from(max).is_ok() {
        out.push(1);
        out.extend(lengths.map(|len| len as u8));
    } else if u16::try_from(max).is_ok() {
        out.push(2);
        out.extend(lengths.flat_map(|len| (len as u16).to_le_bytes()));
    } else {
        out.push(4);
        out.extend(lengths.flat_map(|len| (len as u32).to_le_bytes()));
    }
}
