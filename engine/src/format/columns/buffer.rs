//! Rows of an open page, taken apart.

use super::super::Column;
use crate::{
    rows::{
        ColumnKind, RowSchema,
        key::{self, KeyValue},
        value::{self, Tags, tag},
    },
    types::Kind,
};

/// Presence of a row's value in a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Presence {
    Value,
    Null,
    Missing,
}

/// The typed values of one column of an open page.
#[derive(Debug)]
pub struct ColumnBuffer {
    pub(super) kind: ColumnKind,
    pub(super) presence: Vec<Presence>,
    pub(super) nulls: usize,
    pub(super) missing: usize,
    pub(super) values: BufferValues,
}

/// One entry per row; rows without a value have any.
#[derive(Debug)]
pub(super) enum BufferValues {
    Ints(Vec<i64>),
    Wides(Vec<i128>),
    Floats(Vec<u32>),
    Doubles(Vec<u64>),
    Strings { ends: Vec<u32>, data: Vec<u8> },
}

impl ColumnBuffer {
    /// An empty column.
    pub fn new(kind: ColumnKind) -> Self {
        let values = match kind {
            ColumnKind::Boolean | ColumnKind::Int16 | ColumnKind::Int32 | ColumnKind::Int64 => {
                BufferValues::Ints(Vec::new())
            }
            ColumnKind::Int128 => BufferValues::Wides(Vec::new()),
            ColumnKind::Float32 => BufferValues::Floats(Vec::new()),
            ColumnKind::Float64 => BufferValues::Doubles(Vec::new()),
            ColumnKind::Text | ColumnKind::Bytes => {
                BufferValues::Strings { ends: Vec::new(), data: Vec::new() }
            }
        };
        Self { kind, presence: Vec::new(), nulls: 0, missing: 0, values }
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.presence.len()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.presence.is_empty()
    }

    fn clear(&mut self) {
        self.presence.clear();
        (self.nulls, self.missing) = (0, 0);
        match &mut self.values {
            BufferValues::Ints(values) => values.clear(),
            BufferValues::Wides(values) => values.clear(),
            BufferValues::Floats(values) => values.clear(),
            BufferValues::Doubles(values) => values.clear(),
            BufferValues::Strings { ends, data } => {
                ends.clear();
                data.clear();
            }
        }
    }

    fn push_without_value(&mut self, presence: Presence) {
        match presence {
            Presence::Null => self.nulls += 1,
            Presence::Missing => self.missing += 1,
            Presence::Value => {}
        }
        self.presence.push(presence);
        match &mut self.values {
            BufferValues::Ints(values) => values.push(0),
            BufferValues::Wides(values) => values.push(0),
            BufferValues::Floats(values) => values.push(0),
            BufferValues::Doubles(values) => values.push(0),
            BufferValues::Strings { ends, data } => ends.push(data.len() as u32),
        }
    }

    /// Adds the value that `tag` and `payload` stand for. `None`: they are no value of this kind, or not in
    /// the form that it would be given back in.
    #[inline]
    fn push(&mut self, tag: u8, payload: &[u8]) -> Option<()> {
        match tag {
            tag::NULL => {
                self.push_without_value(Presence::Null);
                return Some(());
            }
            tag::ELSEWHERE => {
                self.push_without_value(Presence::Missing);
                return Some(());
            }
            _ => {}
        }
        match &mut self.values {
            BufferValues::Ints(values) => values.push(int(self.kind, tag, payload)?),
            BufferValues::Wides(values) => values.push(wide(tag, payload)?),
            BufferValues::Floats(values) => values.push(match tag {
                tag::ZERO => 0,
                _ => float(value::f32(tag, payload)?)?,
            }),
            BufferValues::Doubles(values) => values.push(double(tag, payload)?),
            BufferValues::Strings { ends, data } => {
                let bytes = string(self.kind, tag, payload)?;
                data.extend_from_slice(bytes);
                ends.push(u32::try_from(data.len()).ok()?);
            }
        }
        self.presence.push(Presence::Value);
        Some(())
    }

    /// Adds a value that was taken from a key.
    fn push_key(&mut self, value: &KeyValue<'_>) -> Option<()> {
        match (&mut self.values, value) {
            (BufferValues::Ints(values), KeyValue::Boolean(value)) => values.push(i64::from(*value)),
            (BufferValues::Ints(values), KeyValue::Int(value)) => values.push(*value),
            (BufferValues::Wides(values), KeyValue::Wide(value)) => values.push(*value),
            (BufferValues::Floats(values), KeyValue::Float32(value)) => values.push(value.to_bits()),
            (BufferValues::Doubles(values), KeyValue::Float64(value)) => values.push(value.to_bits()),
            (BufferValues::Strings { ends, data }, KeyValue::Bytes(bytes)) => {
                if self.kind == ColumnKind::Text && std::str::from_utf8(bytes).is_err() {
                    return None;
                }
                data.extend_from_slice(bytes);
                ends.push(u32::try_from(data.len()).ok()?);
            }
            _ => return None,
        }
        self.presence.push(Presence::Value);
        Some(())
    }
}

#[inline]
fn int(kind: ColumnKind, tag: u8, payload: &[u8]) -> Option<i64> {
    let number = value::int(tag, payload)?;
    let fits = match kind {
        ColumnKind::Boolean => tag <= tag::ONE,
        ColumnKind::Int16 => i64::from(number as i16) == number,
        ColumnKind::Int32 => i64::from(number as i32) == number,
        _ => true,
    };
    (fits && is_shortest(tag, number)).then_some(number)
}

/// Whether no shorter form would hold the number.
#[inline]
fn is_shortest(tag: u8, number: i64) -> bool {
    match tag {
        tag::BYTES_1 => number & 1 != number,
        tag::BYTES_2 => i64::from(number as i8) != number,
        tag::BYTES_4 => i64::from(number as i16) != number,
        tag::BYTES_8 => i64::from(number as i32) != number,
        _ => true,
    }
}

fn wide(tag: u8, payload: &[u8]) -> Option<i128> {
    let number = value::decimal(tag, payload)?;
    let shortest = match i64::try_from(number) {
        Ok(short) => tag != tag::BYTES_16 && is_shortest(tag, short),
        Err(_) => true,
    };
    shortest.then_some(number)
}

/// The bits of a float, if rows are written with these.
fn float(number: f32) -> Option<u32> {
    let bits = number.to_bits();
    (bits != 0 && (!number.is_nan() || bits == value::NAN_32)).then_some(bits)
}

fn double(tag: u8, payload: &[u8]) -> Option<u64> {
    let number = value::f64(tag, payload)?;
    let short = number as f32;
    let fits_short = f64::from(short).to_bits() == number.to_bits();
    let expected = match tag {
        tag::ZERO => true,
        tag::BYTES_4 => {
            let bits = u32::from_le_bytes(payload.try_into().ok()?);
            bits != 0 && fits_short && short.to_bits() == bits
        }
        _ => !fits_short,
    };
    (expected && (!number.is_nan() || number.to_bits() == value::NAN_64)).then_some(number.to_bits())
}

fn string(kind: ColumnKind, tag: u8, payload: &[u8]) -> Option<&[u8]> {
    let bytes = value::bytes(tag, payload)?;
    let lengths = match tag {
        tag::ZERO => 0..=0,
        tag::LENGTH_1 => 1..=0xFF,
        tag::LENGTH_2 => 0x100..=0xFFFF,
        _ => 0x1_0000..=usize::MAX,
    };
    let is_text = kind == ColumnKind::Text;
    (lengths.contains(&bytes.len()) && (!is_text || std::str::from_utf8(bytes).is_ok())).then_some(bytes)
}

/// Takes the rows of an open page apart, into all its value columns.
#[derive(Debug)]
pub struct RowSplitter {
    columns: Vec<ColumnBuffer>,
    /// For each place of the schema, whether the key has the column.
    in_key: Vec<bool>,
    /// The number of tags of each row's value.
    pub(crate) tag_counts: Vec<u64>,
}

impl RowSplitter {
    /// A splitter of rows with this schema.
    pub fn new(schema: &RowSchema) -> Self {
        let columns = schema.columns().iter().map(|column| ColumnBuffer::new(column.kind)).collect();
        let in_key = (0..schema.columns().len()).map(|place| schema.key().contains(&place)).collect();
        Self { columns, in_key, tag_counts: Vec::new() }
    }

    /// The columns of a page in the order in which it stores them.
    pub fn page_columns(schema: &RowSchema) -> Vec<Column> {
        let own = schema.columns().iter().map(|column| Column::of_value(column.id));
        Column::OPAQUE.into_iter().chain([Column::TAG_COUNTS]).chain(own).collect()
    }

    /// The columns, in the order of the schema.
    pub fn columns(&self) -> &[ColumnBuffer] {
        &self.columns
    }

    /// Takes the rows of a page apart; false where one of them is no row of the schema, or not in the form
    /// that it would be given back in.
    pub fn fill<'a>(
        &mut self,
        schema: &RowSchema,
        rows: impl Iterator<Item = (Kind, &'a [u8], &'a [u8])>,
    ) -> bool {
        self.columns.iter_mut().for_each(ColumnBuffer::clear);
        self.tag_counts.clear();
        for (kind, key, value) in rows {
            let done = match kind {
                Kind::Put => self.push(schema, key, value),
                Kind::Delete => {
                    self.columns.iter_mut().for_each(|column| column.push_without_value(Presence::Missing));
                    self.tag_counts.push(0);
                    Some(())
                }
            };
            if done.is_none() {
                return false;
            }
        }
        true
    }

    fn push(&mut self, schema: &RowSchema, key: &[u8], value: &[u8]) -> Option<()> {
        let mut rest = key;
        for &place in schema.key() {
            let part = key::take(schema.columns()[place].kind, &mut rest)?;
            self.columns[place].push_key(&part)?;
        }
        if !schema.key().is_empty() && !rest.is_empty() {
            return None;
        }
        let mut tags = value::split(value)?;
        // The count in its shorter form, and nothing in the unused half of the last byte.
        let is_canonical = (tags.count < 0x80) == (value[1] & 0x80 == 0)
            && (tags.count.is_multiple_of(2) || tags.tag(tags.count) == 0);
        if !is_canonical {
            return None;
        }
        let mut next = 0;
        for ((place, column), buffer) in schema.columns().iter().enumerate().zip(&mut self.columns) {
            let id = column.id as usize;
            if !others_are_elsewhere(&tags, next..id) {
                return None;
            }
            next = id + 1;
            if self.in_key[place] {
                if id < tags.count && tags.tag(id) != tag::ELSEWHERE {
                    return None;
                }
                continue;
            }
            if id < tags.count {
                let tag = tags.tag(id);
                let payload = tags.take(tag)?;
                buffer.push(tag, payload)?;
            } else {
                buffer.push_without_value(Presence::Missing);
            }
        }
        if !others_are_elsewhere(&tags, next..tags.count) || !tags.is_exhausted() {
            return None;
        }
        self.tag_counts.push(tags.count as u64);
        Some(())
    }
}

/// Whether ids that the schema does not have carry nothing.
fn others_are_elsewhere(tags: &Tags<'_>, mut ids: std::ops::Range<usize>) -> bool {
    ids.end = ids.end.min(tags.count);
    ids.all(|id| tags.tag(id) == tag::ELSEWHERE)
}
