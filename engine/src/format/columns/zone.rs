//! Zone maps: for every page and column the smallest and largest value and the number of nulls.
//!
//! Z1. A bound holds for every row that has a value: it may be wider than the values (long strings are cut),
//!     never narrower. Where none can be given (NaN, a string of the largest bytes) there is none.
//! Z2. Missing rows read as what the reader's schema says: a page that has some says so, and its bounds speak
//!     of the others.

use super::buffer::{BufferValues, ColumnBuffer, Presence};
use crate::{
    format::{ByteCursor, Damage},
    rows::{ColumnKind, RowSchema},
};

/// Bytes of a string that a bound keeps.
const STRING_BYTES_MAX: usize = 24;

const HAS_MIN: u8 = 1;
const HAS_MAX: u8 = 2;
const HAS_MISSING: u8 = 4;
const IS_EXACT: u8 = 8;

/// A value that the values of a page are compared with.
#[derive(Clone, Debug, PartialEq, PartialOrd)]
pub enum Bound {
    /// Booleans (0 and 1) and integers of up to 64 bits.
    Int(i64),
    /// Integers of 128 bits.
    Wide(i128),
    /// Floats and doubles; never NaN.
    Float(f64),
    /// Texts (cut between characters, or raised to some bytes) and bytes.
    Bytes(Vec<u8>),
}

/// Statistics of one column of one page.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Zone {
    /// No value is smaller.
    pub min: Option<Bound>,
    /// No value is larger.
    pub max: Option<Bound>,
    /// Both bounds are values of the page.
    pub is_exact: bool,
    /// Rows that are null.
    pub nulls: u32,
    /// Some rows are missing.
    pub has_missing: bool,
}

impl ColumnBuffer {
    /// The statistics of the column.
    pub fn zone(&self) -> Zone {
        let present = |row: usize| self.presence[row] == Presence::Value;
        let mut zone = Zone {
            min: None,
            max: None,
            is_exact: true,
            nulls: self.nulls as u32,
            has_missing: self.missing > 0,
        };
        match &self.values {
            BufferValues::Ints(values) => {
                let values = values.iter().enumerate().filter(|(row, _)| present(*row));
                let bounds = values.fold(None, |bounds: Option<(i64, i64)>, (_, value)| {
                    Some(bounds.map_or((*value, *value), |(min, max)| (min.min(*value), max.max(*value))))
                });
                (zone.min, zone.max) = bounds.map(|(min, max)| (Bound::Int(min), Bound::Int(max))).unzip();
            }
            BufferValues::Wides(values) => {
                let values = values.iter().enumerate().filter(|(row, _)| present(*row));
                let bounds = values.fold(None, |bounds: Option<(i128, i128)>, (_, value)| {
                    Some(bounds.map_or((*value, *value), |(min, max)| (min.min(*value), max.max(*value))))
                });
                (zone.min, zone.max) = bounds.map(|(min, max)| (Bound::Wide(min), Bound::Wide(max))).unzip();
            }
            BufferValues::Floats(values) => {
                let values = values.iter().enumerate().filter(|(row, _)| present(*row));
                set_floats(&mut zone, values.map(|(_, bits)| f64::from(f32::from_bits(*bits))));
            }
            BufferValues::Doubles(values) => {
                let values = values.iter().enumerate().filter(|(row, _)| present(*row));
                set_floats(&mut zone, values.map(|(_, bits)| f64::from_bits(*bits)));
            }
            BufferValues::Strings { ends, data } => {
                let string = |row: usize| {
                    let start = if row == 0 { 0 } else { ends[row - 1] as usize };
                    &data[start..ends[row] as usize]
                };
                let bounds = (0..ends.len()).filter(|row| present(*row)).map(string).fold(
                    None,
                    |bounds: Option<(&[u8], &[u8])>, value| {
                        Some(bounds.map_or((value, value), |(min, max)| (min.min(value), max.max(value))))
                    },
                );
                if let Some((min, max)) = bounds {
                    zone.is_exact = max.len() <= STRING_BYTES_MAX && min.len() <= STRING_BYTES_MAX;
                    let is_text = self.kind == ColumnKind::Text;
                    zone.min = Some(Bound::Bytes(cut(min, is_text).to_vec()));
                    zone.max = upper_bound(max, is_text).map(Bound::Bytes);
                }
            }
        }
        zone.is_exact &= zone.min.is_some() && zone.max.is_some();
        zone
    }
}

/// Numbers that compare equal (−0 and 0) are one bound; NaN is larger than all.
fn set_floats(zone: &mut Zone, values: impl Iterator<Item = f64>) {
    let (mut bounds, mut has_nan) = (None, false);
    for value in values {
        if value.is_nan() {
            has_nan = true;
        } else {
            bounds = Some(
                bounds.map_or((value, value), |(min, max)| (f64::min(min, value), f64::max(max, value))),
            );
        }
    }
    zone.min = bounds.map(|(min, _)| Bound::Float(min));
    zone.max = bounds.map(|(_, max)| Bound::Float(max)).filter(|_| !has_nan);
    zone.is_exact = false;
}

/// The front of a string, cut between characters where it is text.
fn cut(bytes: &[u8], is_text: bool) -> &[u8] {
    let mut end = bytes.len().min(STRING_BYTES_MAX);
    while is_text && end > 0 && end < bytes.len() && bytes[end] & 0xC0 == 0x80 {
        end -= 1;
    }
    &bytes[..end]
}

/// Something short that is not smaller than `bytes`, and text where that is; none where nothing short is.
fn upper_bound(bytes: &[u8], is_text: bool) -> Option<Vec<u8>> {
    let front = cut(bytes, is_text);
    if front.len() == bytes.len() {
        return Some(bytes.to_vec());
    }
    if is_text {
        let mut text: Vec<char> = std::str::from_utf8(front).ok()?.chars().collect();
        while let Some(last) = text.pop() {
            let next = (last as u32 + 1..=char::MAX as u32).find_map(char::from_u32);
            if let Some(next) = next {
                text.push(next);
                return Some(text.into_iter().collect::<String>().into_bytes());
            }
        }
        return None;
    }
    let mut raised = front.to_vec();
    while let Some(last) = raised.pop() {
        if last < u8::MAX {
            raised.push(last + 1);
            return Some(raised);
        }
    }
    None
}

/// Collects the zones of a file while it is written.
#[derive(Debug, Default)]
pub(crate) struct ZoneBuilder {
    /// Page after page, one zone for each column of the schema.
    zones: Vec<Zone>,
}

impl ZoneBuilder {
    /// Adds a page.
    pub(crate) fn push(&mut self, zones: impl Iterator<Item = Zone>) {
        self.zones.extend(zones);
    }

    /// About how many bytes [`encode`](Self::encode) appends.
    pub(crate) fn encoded_len(&self) -> usize {
        self.zones.len() * 21
    }

    /// Appends the section: column after column of the schema, each for all pages.
    pub(crate) fn encode(&self, schema: &RowSchema, out: &mut Vec<u8>) {
        let width = schema.columns().len();
        for (place, column) in schema.columns().iter().enumerate() {
            let zones = || self.zones.iter().skip(place).step_by(width);
            out.extend(zones().map(flags));
            out.extend(zones().flat_map(|zone| zone.nulls.to_le_bytes()));
            for bound in [|zone: &Zone| zone.min.clone(), |zone: &Zone| zone.max.clone()] {
                encode_bounds(column.kind, zones().map(bound), out);
            }
        }
    }
}

fn flags(zone: &Zone) -> u8 {
    [
        (zone.min.is_some(), HAS_MIN),
        (zone.max.is_some(), HAS_MAX),
        (zone.has_missing, HAS_MISSING),
        (zone.is_exact, IS_EXACT),
    ]
    .into_iter()
    .filter_map(|(is_set, flag)| is_set.then_some(flag))
    .sum()
}

fn encode_bounds(kind: ColumnKind, bounds: impl Iterator<Item = Option<Bound>>, out: &mut Vec<u8>) {
    match kind {
        ColumnKind::Text | ColumnKind::Bytes => {
            let mut bytes = Vec::new();
            for bound in bounds {
                if let Some(Bound::Bytes(string)) = bound {
                    bytes.extend_from_slice(&string);
                }
                out.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
            }
            out.extend_from_slice(&bytes);
        }
        ColumnKind::Int128 => out.extend(bounds.flat_map(|bound| match bound {
            Some(Bound::Wide(number)) => number.to_le_bytes(),
            _ => [0; 16],
        })),
        _ => out.extend(bounds.flat_map(|bound| match bound {
            Some(Bound::Int(number)) => number.to_le_bytes(),
            Some(Bound::Float(number)) => number.to_le_bytes(),
            _ => [0; 8],
        })),
    }
}

/// The zones of all pages of a file.
#[derive(Clone, Debug)]
pub struct ZoneMaps {
    /// Page after page, one zone for each column of the schema.
    zones: Vec<Zone>,
    width: usize,
}

impl ZoneMaps {
    /// Decodes the section of a file with so many pages.
    ///
    /// # Errors
    /// Lengths do not fit.
    pub fn decode(raw: &[u8], schema: &RowSchema, pages: usize) -> Result<Self, Damage> {
        let width = schema.columns().len();
        let mut cursor = ByteCursor::new(raw);
        // Five bytes of a page must still be there before a table of them is allocated.
        if pages.checked_mul(width).is_none_or(|count| count > raw.len()) {
            return Err(Damage::new(0, "zone maps are too short"));
        }
        let mut zones = vec![Zone::default(); pages * width];
        for (place, column) in schema.columns().iter().enumerate() {
            let flags = cursor.take(pages)?;
            let nulls = cursor.u32s(pages)?;
            let mins = decode_bounds(&mut cursor, column.kind, pages)?;
            let maxs = decode_bounds(&mut cursor, column.kind, pages)?;
            for (page, (min, max)) in mins.into_iter().zip(maxs).enumerate() {
                let is_set = |flag: u8| flags[page] & flag != 0;
                zones[page * width + place] = Zone {
                    min: is_set(HAS_MIN).then_some(min),
                    max: is_set(HAS_MAX).then_some(max),
                    is_exact: is_set(IS_EXACT),
                    nulls: nulls[page],
                    has_missing: is_set(HAS_MISSING),
                };
            }
        }
        cursor.finish()?;
        Ok(Self { zones, width })
    }

    /// The zone of a page in the column at this place of the file's schema.
    pub fn zone(&self, page: usize, place: usize) -> &Zone {
        &self.zones[page * self.width + place]
    }
}

fn decode_bounds(cursor: &mut ByteCursor<'_>, kind: ColumnKind, pages: usize) -> Result<Vec<Bound>, Damage> {
    match kind {
        ColumnKind::Text | ColumnKind::Bytes => {
            let ends = cursor.u32s(pages)?;
            if !ends.is_sorted() {
                return Err(Damage::new(cursor.position(), "offsets of zone maps fall"));
            }
            let bytes = cursor.take(ends.last().map_or(0, |end| *end as usize))?;
            let starts = std::iter::once(0).chain(ends.iter().copied());
            Ok(starts
                .zip(&ends)
                .map(|(start, end)| Bound::Bytes(bytes[start as usize..*end as usize].to_vec()))
                .collect())
        }
        ColumnKind::Int128 => {
            (0..pages).map(|_| Ok(Bound::Wide(i128::from_le_bytes(cursor.array()?)))).collect()
        }
        ColumnKind::Float32 | ColumnKind::Float64 => {
            (0..pages).map(|_| Ok(Bound::Float(f64::from_le_bytes(cursor.array()?)))).collect()
        }
        _ => (0..pages).map(|_| Ok(Bound::Int(i64::from_le_bytes(cursor.array()?)))).collect(),
    }
}
