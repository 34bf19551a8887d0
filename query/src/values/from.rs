//! Values as Rust types.

use arrow::array::ArrayRef;
use arrow::compute::cast;
use arrow::datatypes::DataType;
use bygone_engine::Timestamp;
use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use datafusion::common::ScalarValue;

use super::Row;
use crate::{
    error::{Error, Result, SqlState},
    types::ColumnType,
};

/// A type that a value of a query can be read as.
///
/// | SQL | Rust |
/// |---|---|
/// | integers; `DECIMAL` without a fraction | `i8` … `i64`, `u8` … `u64` |
/// | `REAL`, `DOUBLE PRECISION`, `DECIMAL`, integers | `f64`; `f32` for `REAL` |
/// | `BOOLEAN` | `bool` |
/// | text, `DECIMAL` with its exact digits | `String` |
/// | `BYTEA` | `Vec<u8>` |
/// | `DATE`, `TIMESTAMP` | `chrono::NaiveDate`, `chrono::NaiveDateTime` |
/// | `TIMESTAMPTZ` | `chrono::DateTime<Utc>`, [`Timestamp`] |
/// | any, with NULL | `Option` of one of these |
/// | any | [`ScalarValue`] |
pub trait FromValue: Sized {
    /// The value as this type.
    ///
    /// # Errors
    /// 22002 for NULL, unless this is an `Option`; 42804 when the type does not fit; 22003 when the number
    /// does not.
    fn from_value(value: ScalarValue) -> Result<Self>;
}

/// A type that a whole row can be read as: one value, or a tuple of as many values as there are columns.
pub trait FromRow: Sized {
    /// The row as this type.
    ///
    /// # Errors
    /// 42804 when the row has another number of columns; those of [`Row::get`].
    fn from_row(row: &Row) -> Result<Self>;
}

fn mismatch(value: &ScalarValue, wanted: &str) -> Error {
    let found = ColumnType::from_arrow(&value.data_type())
        .map_or_else(|_| "of another type".to_owned(), |found| found.to_string());
    Error::new(SqlState::DatatypeMismatch, format!("the value is {found}, which is not read as {wanted}"))
        .with_hint("cast it in the query, or read it as another type")
}

fn unexpected_null(wanted: &str) -> Error {
    Error::new(
        SqlState::NullValueNoIndicatorParameter,
        format!("the value is NULL, which is not read as {wanted}"),
    )
    .with_hint(format!("read it as Option<{wanted}>"))
}

fn out_of_range(value: &impl std::fmt::Display, wanted: &str) -> Error {
    Error::new(SqlState::NumericValueOutOfRange, format!("{value} is out of the range of {wanted}"))
}

/// The value as another type of Arrow's.
fn cast_value(value: &ScalarValue, to: &DataType) -> Result<ScalarValue> {
    let array: ArrayRef = value.to_array()?;
    Ok(ScalarValue::try_from_array(&cast(&array, to)?, 0)?)
}

/// A whole number, also one that is stored as a decimal.
fn whole(value: &ScalarValue, wanted: &'static str) -> Result<i128> {
    let data_type = value.data_type();
    if value.is_null() {
        return Err(unexpected_null(wanted));
    }
    match value {
        ScalarValue::UInt64(Some(number)) => Ok(i128::from(*number)),
        _ if data_type.is_integer() => match cast_value(value, &DataType::Int64)? {
            ScalarValue::Int64(Some(number)) => Ok(i128::from(number)),
            _ => Err(mismatch(value, wanted)),
        },
        _ if data_type.is_decimal() => {
            let digits = value.to_string();
            let (whole, fraction) = digits.split_once('.').unwrap_or((&digits, ""));
            if fraction.bytes().any(|digit| digit != b'0') {
                return Err(mismatch(value, wanted));
            }
            whole.parse().map_err(|_| out_of_range(&digits, wanted))
        }
        _ => Err(mismatch(value, wanted)),
    }
}

macro_rules! from_whole {
    ($($rust:ty),*) => {$(
        impl FromValue for $rust {
            fn from_value(value: ScalarValue) -> Result<Self> {
                let number = whole(&value, stringify!($rust))?;
                Self::try_from(number).map_err(|_| out_of_range(&number, stringify!($rust)))
            }
        }
    )*};
}

from_whole!(i8, i16, i32, i64, u8, u16, u32, u64);

impl FromValue for f64 {
    fn from_value(value: ScalarValue) -> Result<Self> {
        let data_type = value.data_type();
        if value.is_null() {
            return Err(unexpected_null("f64"));
        }
        if data_type.is_decimal() {
            // By its digits: a cast divides, and rounds twice.
            return value.to_string().parse().map_err(|_| mismatch(&value, "f64"));
        }
        if !data_type.is_numeric() {
            return Err(mismatch(&value, "f64"));
        }
        match cast_value(&value, &DataType::Float64)? {
            ScalarValue::Float64(Some(number)) => Ok(number),
            _ => Err(mismatch(&value, "f64")),
        }
    }
}

macro_rules! from_variant {
    ($($rust:ty: $($variant:pat => $read:expr),+;)*) => {$(
        impl FromValue for $rust {
            fn from_value(value: ScalarValue) -> Result<Self> {
                match value {
                    $($variant => Ok($read),)+
                    value if value.is_null() => Err(unexpected_null(stringify!($rust))),
                    value => Err(mismatch(&value, stringify!($rust))),
                }
            }
        }
    )*};
}

from_variant! {
    bool: ScalarValue::Boolean(Some(value)) => value;
    f32: ScalarValue::Float32(Some(value)) => value;
    Vec<u8>: ScalarValue::Binary(Some(value))
        | ScalarValue::BinaryView(Some(value))
        | ScalarValue::LargeBinary(Some(value)) => value;
    NaiveDate: ScalarValue::Date32(Some(days)) => arrow::temporal_conversions::date32_to_datetime(days)
        .map(|time| time.date())
        .ok_or_else(|| out_of_range(&days, "NaiveDate"))?;
    NaiveDateTime: ScalarValue::TimestampMicrosecond(Some(micros), None) => DateTime::from_timestamp_micros(micros)
        .map(|time| time.naive_utc())
        .ok_or_else(|| out_of_range(&micros, "NaiveDateTime"))?;
    DateTime<Utc>: ScalarValue::TimestampMicrosecond(Some(micros), Some(_)) => {
        DateTime::from_timestamp_micros(micros).ok_or_else(|| out_of_range(&micros, "DateTime<Utc>"))?
    };
    Timestamp: ScalarValue::TimestampMicrosecond(Some(micros), Some(_)) => {
        Timestamp::from_micros(u64::try_from(micros).map_err(|_| out_of_range(&micros, "Timestamp"))?)
    };
}

impl FromValue for String {
    fn from_value(value: ScalarValue) -> Result<Self> {
        match value {
            ScalarValue::Utf8(Some(text))
            | ScalarValue::Utf8View(Some(text))
            | ScalarValue::LargeUtf8(Some(text)) => Ok(text),
            value if value.is_null() => Err(unexpected_null("String")),
            value if value.data_type().is_decimal() => Ok(value.to_string()),
            value => Err(mismatch(&value, "String")),
        }
    }
}

impl<T: FromValue> FromValue for Option<T> {
    fn from_value(value: ScalarValue) -> Result<Self> {
        if value.is_null() { Ok(None) } else { T::from_value(value).map(Some) }
    }
}

impl FromValue for ScalarValue {
    fn from_value(value: ScalarValue) -> Result<Self> {
        Ok(value)
    }
}

fn check_width(row: &Row, width: usize) -> Result<()> {
    if row.len() == width {
        return Ok(());
    }
    let message = format!("the row has {} columns, and is read as {width}", row.len());
    Err(Error::new(SqlState::DatatypeMismatch, message))
}

impl<T: FromValue> FromRow for T {
    fn from_row(row: &Row) -> Result<Self> {
        check_width(row, 1)?;
        row.get(0)
    }
}

impl FromRow for Row {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(row.clone())
    }
}

macro_rules! from_tuple {
    ($($name:ident $position:tt),+; $width:literal) => {
        impl<$($name: FromValue),+> FromRow for ($($name,)+) {
            fn from_row(row: &Row) -> Result<Self> {
                check_width(row, $width)?;
                Ok(($(row.get::<$name>($position)?,)+))
            }
        }
    };
}

from_tuple!(A 0; 1);
from_tuple!(A 0, B 1; 2);
from_tuple!(A 0, B 1, C 2; 3);
from_tuple!(A 0, B 1, C 2, D 3; 4);
from_tuple!(A 0, B 1, C 2, D 3, E 4; 5);
from_tuple!(A 0, B 1, C 2, D 3, E 4, F 5; 6);
from_tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6; 7);
from_tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7; 8);
