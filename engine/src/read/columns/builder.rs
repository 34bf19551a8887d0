//! One Arrow column, filled from the chunks of pages and from rows as bytes.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, BinaryArray, BooleanArray, PrimitiveArray,
    types::{
        Date32Type, Decimal128Type, Float32Type, Float64Type, Int16Type, Int32Type, Int64Type,
        TimestampMicrosecondType,
    },
};
use arrow_buffer::{
    ArrowNativeType, BooleanBufferBuilder, Buffer, NullBufferBuilder, OffsetBuffer, ScalarBuffer,
};
use arrow_schema::{DataType, TimeUnit};

use super::{ColumnRequest, Missing, picks::Picks, views::Views};
use crate::{
    format::{ColumnChunk, ColumnData, IntColumn, IntWidth, Strings},
    rows::{
        ColumnKind,
        key::KeyValue,
        value::{self, tag},
    },
};

/// Why a column cannot be filled: what is stored does not fit its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TypeMismatch;

type Filled = Result<(), TypeMismatch>;

/// A column being filled.
#[derive(Debug)]
pub(super) struct Builder {
    data_type: DataType,
    missing: Missing,
    values: ArrayValues,
    nulls: NullBufferBuilder,
}

#[derive(Debug)]
enum ArrayValues {
    Boolean(BooleanBufferBuilder),
    Int16(Vec<i16>),
    Int32(Vec<i32>),
    Int64(Vec<i64>),
    Int128(Vec<i128>),
    Float32(Vec<f32>),
    Float64(Vec<f64>),
    Text(Views),
    Bytes { offsets: Vec<i32>, data: Vec<u8> },
}

impl Builder {
    /// An empty column; `None` for types that no column has.
    pub(super) fn new(request: &ColumnRequest) -> Option<Self> {
        let values = match &request.data_type {
            DataType::Boolean => ArrayValues::Boolean(BooleanBufferBuilder::new(0)),
            DataType::Int16 => ArrayValues::Int16(Vec::new()),
            DataType::Int32 | DataType::Date32 => ArrayValues::Int32(Vec::new()),
            DataType::Int64 | DataType::Timestamp(TimeUnit::Microsecond, _) => ArrayValues::Int64(Vec::new()),
            DataType::Decimal128(_, _) => ArrayValues::Int128(Vec::new()),
            DataType::Float32 => ArrayValues::Float32(Vec::new()),
            DataType::Float64 => ArrayValues::Float64(Vec::new()),
            DataType::Utf8View => ArrayValues::Text(Views::default()),
            DataType::Binary => ArrayValues::Bytes { offsets: vec![0], data: Vec::new() },
            _ => return None,
        };
        let (data_type, missing) = (request.data_type.clone(), request.missing.clone());
        Some(Self { data_type, missing, values, nulls: NullBufferBuilder::new(0) })
    }

    /// Makes room for so many rows more.
    pub(super) fn reserve(&mut self, rows: usize) {
        match &mut self.values {
            ArrayValues::Boolean(bits) => bits.reserve(rows),
            ArrayValues::Int16(values) => values.reserve(rows),
            ArrayValues::Int32(values) => values.reserve(rows),
            ArrayValues::Int64(values) => values.reserve(rows),
            ArrayValues::Int128(values) => values.reserve(rows),
            ArrayValues::Float32(values) => values.reserve(rows),
            ArrayValues::Float64(values) => values.reserve(rows),
            ArrayValues::Text(views) => views.reserve(rows),
            ArrayValues::Bytes { offsets, .. } => offsets.reserve(rows),
        }
    }

    /// Adds rows of a page.
    pub(super) fn append_chunk(&mut self, chunk: &ColumnChunk, picks: &Picks) -> Filled {
        // The rows of deletes are missing in every column of their page, and nobody picks them.
        let is_missing = |row| chunk.is_missing(row);
        if chunk.has_missing() && picks.iter().any(is_missing) {
            return self.append_with_missing(chunk, picks);
        }
        if matches!(chunk.data(), ColumnData::None) {
            self.append_nulls(picks.len());
            return Ok(());
        }
        // Views take for granted that their bytes are text.
        if matches!(self.values, ArrayValues::Text(_)) && chunk.kind() != ColumnKind::Text {
            return Err(TypeMismatch);
        }
        self.values.append(chunk.data(), picks)?;
        if chunk.has_nulls() {
            picks.iter().for_each(|row| self.nulls.append(!chunk.is_null(row)));
        } else {
            self.nulls.append_n_non_nulls(picks.len());
        }
        Ok(())
    }

    /// As [`Self::append_chunk`], row by row.
    fn append_with_missing(&mut self, chunk: &ColumnChunk, picks: &Picks) -> Filled {
        let mut payload = Vec::new();
        for row in picks.iter() {
            payload.clear();
            match chunk.append_payload(row, &mut payload) {
                tag::ELSEWHERE => self.push_missing()?,
                tag => self.push_payload(tag, &payload)?,
            }
        }
        Ok(())
    }

    fn append_nulls(&mut self, rows: usize) {
        self.nulls.append_n_nulls(rows);
        (0..rows).for_each(|_| self.values.push_any());
    }

    /// Adds a value as rows have it: a tag, and the payload behind its length.
    pub(super) fn push(&mut self, tag: u8, payload: &[u8]) -> Filled {
        match tag {
            tag::NULL => self.append_nulls(1),
            tag::ELSEWHERE => self.push_missing()?,
            _ => {
                self.values.push(tag, payload).ok_or(TypeMismatch)?;
                self.nulls.append_non_null();
            }
        }
        Ok(())
    }

    /// As [`Self::push`]; strings still have their length in front.
    fn push_payload(&mut self, tag: u8, payload: &[u8]) -> Filled {
        let mut rest = payload;
        let payload = value::take(tag, &mut rest).ok_or(TypeMismatch)?;
        self.push(tag, payload)
    }

    /// Adds what rows have that are older than the column.
    pub(super) fn push_missing(&mut self) -> Filled {
        let Missing { tag, payload } = self.missing.clone();
        if tag == tag::NULL {
            self.append_nulls(1);
            return Ok(());
        }
        self.push_payload(tag, &payload)
    }

    /// Adds a value that was taken from a key.
    pub(super) fn push_key(&mut self, value: &KeyValue<'_>) -> Filled {
        self.values.push_key(value).ok_or(TypeMismatch)?;
        self.nulls.append_non_null();
        Ok(())
    }

    /// The column; the builder starts anew.
    pub(super) fn finish(&mut self) -> ArrayRef {
        let nulls = self.nulls.finish();
        macro_rules! primitive {
            ($values:expr, $type:ty) => {{
                let values = ScalarBuffer::from(std::mem::take($values));
                let array = PrimitiveArray::<$type>::new(values, nulls);
                Arc::new(array.with_data_type(self.data_type.clone()))
            }};
        }
        match (&mut self.values, &self.data_type) {
            (ArrayValues::Boolean(bits), _) => Arc::new(BooleanArray::new(bits.finish(), nulls)),
            (ArrayValues::Int16(values), _) => primitive!(values, Int16Type),
            (ArrayValues::Int32(values), DataType::Date32) => primitive!(values, Date32Type),
            (ArrayValues::Int32(values), _) => primitive!(values, Int32Type),
            (ArrayValues::Int64(values), DataType::Timestamp(_, _)) => {
                primitive!(values, TimestampMicrosecondType)
            }
            (ArrayValues::Int64(values), _) => primitive!(values, Int64Type),
            (ArrayValues::Int128(values), _) => primitive!(values, Decimal128Type),
            (ArrayValues::Float32(values), _) => primitive!(values, Float32Type),
            (ArrayValues::Float64(values), _) => primitive!(values, Float64Type),
            (ArrayValues::Text(views), _) => views.finish(nulls),
            (ArrayValues::Bytes { offsets, data }, _) => {
                let offsets = OffsetBuffer::new(std::mem::replace(offsets, vec![0]).into());
                Arc::new(BinaryArray::new(offsets, Buffer::from_vec(std::mem::take(data)), nulls))
            }
        }
    }
}

impl ArrayValues {
    /// Adds the values of rows; what is there where a row is null does not matter.
    fn append(&mut self, data: &ColumnData, picks: &Picks) -> Filled {
        match (self, data) {
            (Self::Boolean(bits), ColumnData::Ints(ints)) => {
                for row in picks.iter() {
                    bits.append(ints.base.wrapping_add(ints.difference(row) as i64) != 0);
                }
            }
            (Self::Int16(values), ColumnData::Ints(ints)) => {
                append_ints(values, ints, picks, |base, difference| {
                    (base as i16).wrapping_add(difference as i16)
                });
            }
            (Self::Int32(values), ColumnData::Ints(ints)) => {
                append_ints(values, ints, picks, |base, difference| {
                    (base as i32).wrapping_add(difference as i32)
                });
            }
            (Self::Int64(values), ColumnData::Ints(ints)) => {
                append_ints(values, ints, picks, |base, difference| base.wrapping_add(difference as i64));
            }
            (Self::Int128(values), ColumnData::Ints(ints)) => {
                append_ints(values, ints, picks, |base, difference| {
                    i128::from(base.wrapping_add(difference as i64))
                });
            }
            (Self::Int128(values), ColumnData::Wides(ints)) => {
                append_ints(values, ints, picks, |base, difference| {
                    base.wrapping_add(i128::from(difference))
                });
            }
            (Self::Int128(values), ColumnData::PlainWides(bytes)) => {
                append_fixed(values, bytes, picks, i128::from_le_bytes);
            }
            (Self::Float32(values), ColumnData::Floats(bytes)) => {
                append_fixed(values, bytes, picks, f32::from_le_bytes);
            }
            (Self::Float64(values), ColumnData::Floats(bytes)) => {
                append_fixed(values, bytes, picks, |bytes| f64::from(f32::from_le_bytes(bytes)));
            }
            (Self::Float64(values), ColumnData::Doubles(bytes)) => {
                append_fixed(values, bytes, picks, f64::from_le_bytes);
            }
            (Self::Text(views), ColumnData::Strings(strings)) => views.append(strings, picks)?,
            (Self::Bytes { offsets, data }, ColumnData::Strings(strings)) => {
                append_bytes(offsets, data, strings, picks)?;
            }
            _ => return Err(TypeMismatch),
        }
        Ok(())
    }

    /// Adds the value of a row that is null.
    fn push_any(&mut self) {
        match self {
            Self::Boolean(bits) => bits.append(false),
            Self::Int16(values) => values.push(0),
            Self::Int32(values) => values.push(0),
            Self::Int64(values) => values.push(0),
            Self::Int128(values) => values.push(0),
            Self::Float32(values) => values.push(0.0),
            Self::Float64(values) => values.push(0.0),
            Self::Text(views) => views.push(""),
            Self::Bytes { offsets, data } => offsets.push(data.len() as i32),
        }
    }

    #[inline]
    fn push(&mut self, tag: u8, payload: &[u8]) -> Option<()> {
        match self {
            Self::Boolean(bits) => bits.append(match tag {
                tag::ZERO => false,
                tag::ONE => true,
                _ => return None,
            }),
            Self::Int16(values) => values.push(value::int(tag, payload)?.try_into().ok()?),
            Self::Int32(values) => values.push(value::int(tag, payload)?.try_into().ok()?),
            Self::Int64(values) => values.push(value::int(tag, payload)?),
            Self::Int128(values) => values.push(value::decimal(tag, payload)?),
            Self::Float32(values) => values.push(value::f32(tag, payload)?),
            Self::Float64(values) => values.push(value::f64(tag, payload)?),
            Self::Text(views) => views.push(std::str::from_utf8(value::bytes(tag, payload)?).ok()?),
            Self::Bytes { offsets, data } => push_bytes(offsets, data, value::bytes(tag, payload)?)?,
        }
        Some(())
    }

    fn push_key(&mut self, value: &KeyValue<'_>) -> Option<()> {
        match (self, value) {
            (Self::Boolean(bits), KeyValue::Boolean(value)) => bits.append(*value),
            (Self::Int16(values), KeyValue::Int(value)) => values.push((*value).try_into().ok()?),
            (Self::Int32(values), KeyValue::Int(value)) => values.push((*value).try_into().ok()?),
            (Self::Int64(values), KeyValue::Int(value)) => values.push(*value),
            (Self::Int128(values), KeyValue::Int(value)) => values.push(i128::from(*value)),
            (Self::Int128(values), KeyValue::Wide(value)) => values.push(*value),
            (Self::Float32(values), KeyValue::Float32(value)) => values.push(*value),
            (Self::Float64(values), KeyValue::Float64(value)) => values.push(*value),
            (Self::Text(views), KeyValue::Bytes(bytes)) => views.push(std::str::from_utf8(bytes).ok()?),
            (Self::Bytes { offsets, data }, KeyValue::Bytes(bytes)) => push_bytes(offsets, data, bytes)?,
            _ => return None,
        }
        Some(())
    }
}

/// Appends integers; `sum` is given the base and the difference of each.
#[inline]
fn append_ints<B: Copy, T: ArrowNativeType>(
    out: &mut Vec<T>,
    ints: &IntColumn<B>,
    picks: &Picks,
    sum: impl Fn(B, u64) -> T,
) {
    let base = ints.base;
    macro_rules! differences {
        ($number:ty) => {{
            let entries = ints.differences.as_chunks().0;
            append_entries(out, entries, picks, |bytes| {
                sum(base, u64::from(<$number>::from_le_bytes(*bytes)))
            });
        }};
    }
    match ints.width {
        IntWidth::Zero => out.resize(out.len() + picks.len(), sum(base, 0)),
        IntWidth::One => differences!(u8),
        IntWidth::Two => differences!(u16),
        IntWidth::Four => differences!(u32),
        IntWidth::Eight => differences!(u64),
    }
}

/// Appends values of `N` bytes, or the one that all rows have.
#[inline]
fn append_fixed<const N: usize, T: ArrowNativeType>(
    out: &mut Vec<T>,
    bytes: &[u8],
    picks: &Picks,
    value: impl Fn([u8; N]) -> T,
) {
    match bytes.as_chunks::<N>().0 {
        [one] => out.resize(out.len() + picks.len(), value(*one)),
        entries => append_entries(out, entries, picks, |entry| value(*entry)),
    }
}

/// Appends what `value` makes of the entries of rows.
#[inline]
pub(super) fn append_entries<E, T>(out: &mut Vec<T>, entries: &[E], picks: &Picks, value: impl Fn(&E) -> T) {
    out.reserve(picks.len());
    match picks {
        Picks::Runs(runs, _) => {
            for run in runs {
                out.extend(entries[run.clone()].iter().map(&value));
            }
        }
        Picks::Rows(rows) => out.extend(rows.iter().map(|row| value(&entries[*row as usize]))),
    }
}

/// Appends what `value` makes of the numbers of rows.
#[inline]
pub(super) fn append_rows<T>(out: &mut Vec<T>, picks: &Picks, mut value: impl FnMut(usize) -> T) {
    out.reserve(picks.len());
    match picks {
        Picks::Runs(runs, _) => {
            for run in runs {
                out.extend(run.clone().map(&mut value));
            }
        }
        Picks::Rows(rows) => out.extend(rows.iter().map(|row| value(*row as usize))),
    }
}

fn append_bytes(offsets: &mut Vec<i32>, data: &mut Vec<u8>, strings: &Strings, picks: &Picks) -> Filled {
    for row in picks.iter() {
        push_bytes(offsets, data, strings.get(row)).ok_or(TypeMismatch)?;
    }
    Ok(())
}

fn push_bytes(offsets: &mut Vec<i32>, data: &mut Vec<u8>, bytes: &[u8]) -> Option<()> {
    data.extend_from_slice(bytes);
    offsets.push(i32::try_from(data.len()).ok()?);
    Some(())
}
