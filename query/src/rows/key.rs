//! Keys and ranges of keys out of column values. Format of their bytes: [`bygone_engine::rows::key`].

use std::ops::Bound;

use arrow::{
    array::{
        Array, ArrayRef, AsArray, BinaryArray, BooleanArray, PrimitiveArray, StringViewArray,
        types::{
            ArrowPrimitiveType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int16Type, Int32Type,
            Int64Type, TimestampMicrosecondType,
        },
    },
    datatypes::DataType,
};
use bygone_engine::{
    KeyRange,
    rows::key::{self, KeyValue},
};
use bytes::Bytes;
use datafusion::common::ScalarValue;

use super::{RowColumn, RowLayout};
use crate::{
    error::{Error, Result},
    types::{ColumnType, SHORT_DECIMAL_DIGITS},
};

/// Bytes of the hidden row id.
pub(super) const ROW_ID_BYTES: usize = 8;

/// A column of a batch, by its Rust type.
pub(super) enum Typed<'a> {
    Boolean(&'a BooleanArray),
    Int16(&'a PrimitiveArray<Int16Type>),
    Int32(&'a PrimitiveArray<Int32Type>),
    Int64(&'a PrimitiveArray<Int64Type>),
    Float32(&'a PrimitiveArray<Float32Type>),
    Float64(&'a PrimitiveArray<Float64Type>),
    Decimal(&'a PrimitiveArray<Decimal128Type>, u8),
    Date(&'a PrimitiveArray<Date32Type>),
    Timestamp(&'a PrimitiveArray<TimestampMicrosecondType>),
    Text(&'a StringViewArray, Option<u32>),
    Bytes(&'a BinaryArray),
}

impl<'a> Typed<'a> {
    /// The column's array, which must have the column's own Arrow type.
    pub(super) fn new(column: &RowColumn, array: &'a ArrayRef) -> Result<Self> {
        fn primitive<T: ArrowPrimitiveType>(array: &ArrayRef) -> &PrimitiveArray<T> {
            array.as_primitive::<T>()
        }
        if *array.data_type() != column.column_type.arrow() {
            return Err(Error::internal(format!(
                "column {} is {} in memory, but the table has {}",
                column.name,
                array.data_type(),
                column.column_type
            )));
        }
        Ok(match column.column_type {
            ColumnType::Boolean => Self::Boolean(array.as_boolean()),
            ColumnType::SmallInt => Self::Int16(primitive(array)),
            ColumnType::Integer => Self::Int32(primitive(array)),
            ColumnType::BigInt => Self::Int64(primitive(array)),
            ColumnType::Real => Self::Float32(primitive(array)),
            ColumnType::Double => Self::Float64(primitive(array)),
            ColumnType::Decimal { precision, .. } => Self::Decimal(primitive(array), precision),
            ColumnType::Text { chars_max } => Self::Text(array.as_string_view(), chars_max),
            ColumnType::Date => Self::Date(primitive(array)),
            ColumnType::Timestamp | ColumnType::TimestampTz => Self::Timestamp(primitive(array)),
            ColumnType::Bytes => Self::Bytes(array.as_binary()),
        })
    }

    pub(super) fn is_null(&self, row: usize) -> bool {
        match self {
            Self::Boolean(array) => array.is_null(row),
            Self::Int16(array) => array.is_null(row),
            Self::Int32(array) => array.is_null(row),
            Self::Int64(array) => array.is_null(row),
            Self::Float32(array) => array.is_null(row),
            Self::Float64(array) => array.is_null(row),
            Self::Decimal(array, _) => array.is_null(row),
            Self::Date(array) => array.is_null(row),
            Self::Timestamp(array) => array.is_null(row),
            Self::Text(array, _) => array.is_null(row),
            Self::Bytes(array) => array.is_null(row),
        }
    }

    /// Appends the key form of a value that is not NULL.
    pub(super) fn push_key(&self, row: usize, out: &mut Vec<u8>) {
        match self {
            Self::Boolean(array) => key::push_bool(array.value(row), out),
            Self::Int16(array) => key::push_i16(array.value(row), out),
            Self::Int32(array) => key::push_i32(array.value(row), out),
            Self::Date(array) => key::push_i32(array.value(row), out),
            Self::Int64(array) => key::push_i64(array.value(row), out),
            Self::Timestamp(array) => key::push_i64(array.value(row), out),
            Self::Float32(array) => key::push_f32(array.value(row), out),
            Self::Float64(array) => key::push_f64(array.value(row), out),
            Self::Decimal(array, precision) if *precision <= SHORT_DECIMAL_DIGITS => {
                key::push_i64(array.value(row) as i64, out);
            }
            Self::Decimal(array, _) => key::push_i128(array.value(row), out),
            Self::Text(array, _) => key::push_bytes(array.value(row).as_bytes(), out),
            Self::Bytes(array) => key::push_bytes(array.value(row), out),
        }
    }
}

impl RowLayout {
    /// The bytes of the first `values.len()` key columns. With all of them it is the row's key, with fewer
    /// the common prefix of the rows that have these values.
    ///
    /// # Errors
    ///
    /// 42804 when a value is NULL, has another type than its column, or there are more values than key
    /// columns. Cast before.
    pub fn key_prefix(&self, values: &[ScalarValue]) -> Result<Vec<u8>> {
        if values.len() > self.key.len() {
            return Err(Error::internal("more values than key columns"));
        }
        let mut out = Vec::new();
        for (column, value) in self.key_columns().zip(values) {
            let array = value.to_array()?;
            let typed = Typed::new(column, &array)?;
            if typed.is_null(0) {
                return Err(Error::null_not_allowed(&self.table, &column.name));
            }
            typed.push_key(0, &mut out);
        }
        Ok(out)
    }

    /// The keys whose first columns equal `prefix` and whose next column lies between the bounds.
    ///
    /// # Errors
    ///
    /// As [`RowLayout::key_prefix`].
    pub fn key_range(
        &self,
        prefix: &[ScalarValue],
        lower: Bound<&ScalarValue>,
        upper: Bound<&ScalarValue>,
    ) -> Result<KeyRange> {
        let bytes = |value: &ScalarValue| {
            let mut values = prefix.to_vec();
            values.push(value.clone());
            self.key_prefix(&values)
        };
        let common = self.key_prefix(prefix)?;
        let start = match lower {
            Bound::Included(value) => Bound::Included(bytes(value)?.into()),
            Bound::Excluded(value) => after(bytes(value)?).map_or_else(past_everything, Bound::Included),
            Bound::Unbounded if common.is_empty() => Bound::Unbounded,
            Bound::Unbounded => Bound::Included(common.clone().into()),
        };
        let end = match upper {
            Bound::Included(value) => after(bytes(value)?).map_or(Bound::Unbounded, Bound::Excluded),
            Bound::Excluded(value) => Bound::Excluded(bytes(value)?.into()),
            Bound::Unbounded => after(common).map_or(Bound::Unbounded, Bound::Excluded),
        };
        Ok(KeyRange { start, end })
    }

    /// The values of a key, for messages: `(year, day)=(2013, 7)`.
    pub fn describe_key(&self, key: &[u8]) -> String {
        if self.has_hidden_key() {
            return "the row".to_owned();
        }
        let mut rest = key;
        let values: Vec<String> = self
            .key_columns()
            .map_while(|column| {
                key::take(column.column_type.kind(), &mut rest).map(|value| shown(column, &value))
            })
            .collect();
        let names: Vec<&str> = self.key_columns().map(|column| column.name.as_str()).collect();
        format!("({})=({})", names.join(", "), values.join(", "))
    }
}

fn shown(column: &RowColumn, value: &KeyValue<'_>) -> String {
    let scalar = match value {
        KeyValue::Boolean(value) => return value.to_string(),
        KeyValue::Float32(value) => return value.to_string(),
        KeyValue::Float64(value) => return value.to_string(),
        KeyValue::Bytes(bytes) => {
            return match column.column_type {
                ColumnType::Bytes => bytes.iter().copied().fold("\\x".to_owned(), hex),
                _ => String::from_utf8_lossy(bytes).into_owned(),
            };
        }
        KeyValue::Int(value) => match column.column_type.arrow() {
            DataType::Date32 => ScalarValue::Date32(Some(*value as i32)),
            DataType::Decimal128(precision, scale) => {
                ScalarValue::Decimal128(Some(i128::from(*value)), precision, scale)
            }
            DataType::Timestamp(_, zone) => ScalarValue::TimestampMicrosecond(Some(*value), zone),
            _ => ScalarValue::Int64(Some(*value)),
        },
        KeyValue::Wide(value) => match column.column_type {
            ColumnType::Decimal { precision, scale } => {
                ScalarValue::Decimal128(Some(*value), precision, scale as i8)
            }
            _ => return value.to_string(),
        },
    };
    let text = scalar
        .to_array()
        .and_then(|array| arrow::util::display::array_value_to_string(&array, 0).map_err(Into::into));
    text.unwrap_or_default()
}

fn hex(mut text: String, byte: u8) -> String {
    for nibble in [byte >> 4, byte & 0x0F] {
        text.extend(char::from_digit(u32::from(nibble), 16));
    }
    text
}

/// The first key that does not start with `prefix`, if there is one.
fn after(mut prefix: Vec<u8>) -> Option<Bytes> {
    while let Some(last) = prefix.pop() {
        if last < 0xFF {
            prefix.push(last + 1);
            return Some(prefix.into());
        }
    }
    None
}

/// A lower bound that no key reaches: no key is as long as the longest one and more.
fn past_everything() -> Bound<Bytes> {
    Bound::Excluded(vec![0xFF; bygone_engine::types::KEY_BYTES_MAX + 1].into())
}
