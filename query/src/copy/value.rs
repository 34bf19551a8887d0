//! One field of a text file as a value of a column.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryBuilder, BooleanBuilder, Date32Builder, Decimal128Builder, Float32Builder,
    Float64Builder, Int16Builder, Int32Builder, Int64Builder, StringViewBuilder, TimestampMicrosecondBuilder,
};

use crate::{
    error::{Error, Result},
    time::{TimeZone, read_date, read_time},
    types::{
        ColumnType, UTC,
        nan::{one_nan, one_nan_real},
    },
};

/// A column being filled from text.
pub(crate) enum Column {
    Boolean(BooleanBuilder),
    Int16(Int16Builder),
    Int32(Int32Builder),
    Int64(Int64Builder),
    Float32(Float32Builder),
    Float64(Float64Builder),
    Decimal(Decimal128Builder, u8, u8),
    Date(Date32Builder),
    Timestamp(TimestampMicrosecondBuilder),
    Text(StringViewBuilder),
    Bytes(BinaryBuilder),
}

impl Column {
    pub(crate) fn new(column_type: ColumnType) -> Self {
        match column_type {
            ColumnType::Boolean => Self::Boolean(BooleanBuilder::new()),
            ColumnType::SmallInt => Self::Int16(Int16Builder::new()),
            ColumnType::Integer => Self::Int32(Int32Builder::new()),
            ColumnType::BigInt => Self::Int64(Int64Builder::new()),
            ColumnType::Real => Self::Float32(Float32Builder::new()),
            ColumnType::Double => Self::Float64(Float64Builder::new()),
            ColumnType::Decimal { precision, scale } => {
                Self::Decimal(Decimal128Builder::new().with_data_type(column_type.arrow()), precision, scale)
            }
            ColumnType::Text { .. } => Self::Text(StringViewBuilder::new()),
            ColumnType::Date => Self::Date(Date32Builder::new()),
            ColumnType::Timestamp => Self::Timestamp(TimestampMicrosecondBuilder::new()),
            ColumnType::TimestampTz => Self::Timestamp(TimestampMicrosecondBuilder::new().with_timezone(UTC)),
            ColumnType::Bytes => Self::Bytes(BinaryBuilder::new()),
        }
    }

    pub(crate) fn push_null(&mut self) {
        match self {
            Self::Boolean(builder) => builder.append_null(),
            Self::Int16(builder) => builder.append_null(),
            Self::Int32(builder) => builder.append_null(),
            Self::Int64(builder) => builder.append_null(),
            Self::Float32(builder) => builder.append_null(),
            Self::Float64(builder) => builder.append_null(),
            Self::Decimal(builder, ..) => builder.append_null(),
            Self::Date(builder) => builder.append_null(),
            Self::Timestamp(builder) => builder.append_null(),
            Self::Text(builder) => builder.append_null(),
            Self::Bytes(builder) => builder.append_null(),
        }
    }

    /// Adds a field. A timestamp without zone in a column with one is read in `zone`.
    pub(crate) fn push(&mut self, text: &str, column_type: ColumnType, zone: TimeZone) -> Result<()> {
        let bad = || Error::bad_text(text, column_type);
        match self {
            Self::Text(_) if text.contains('\0') => return Err(Error::null_character()),
            Self::Text(builder) => builder.append_value(text),
            Self::Bytes(builder) => builder.append_value(bytea(text).ok_or_else(bad)?),
            Self::Boolean(builder) => builder.append_value(boolean(text.trim()).ok_or_else(bad)?),
            Self::Int16(builder) => {
                let value = integer(text, column_type)?;
                builder.append_value(
                    i16::try_from(value).map_err(|_| Error::out_of_range(text.trim(), column_type))?,
                );
            }
            Self::Int32(builder) => {
                let value = integer(text, column_type)?;
                builder.append_value(
                    i32::try_from(value).map_err(|_| Error::out_of_range(text.trim(), column_type))?,
                );
            }
            Self::Int64(builder) => builder.append_value(integer(text, column_type)?),
            Self::Float32(builder) => {
                let value: f32 = text.trim().parse().map_err(|_| bad())?;
                if leaves_range(text, f64::from(value)) {
                    return Err(Error::out_of_range(text.trim(), column_type));
                }
                builder.append_value(one_nan_real(value));
            }
            Self::Float64(builder) => {
                let value: f64 = text.trim().parse().map_err(|_| bad())?;
                if leaves_range(text, value) {
                    return Err(Error::out_of_range(text.trim(), column_type));
                }
                builder.append_value(one_nan(value));
            }
            Self::Decimal(builder, precision, scale) => match decimal(text.trim(), *scale) {
                Decimal::Value { value, .. } if has_digits(value, *precision) => {
                    builder.append_value(value);
                }
                Decimal::Value { .. } | Decimal::TooLarge => {
                    return Err(Error::out_of_range(text.trim(), column_type));
                }
                Decimal::NoNumber => return Err(bad()),
            },
            Self::Date(builder) => builder.append_value(read_date(text)?),
            Self::Timestamp(builder) => {
                let zone = (column_type == ColumnType::TimestampTz).then_some(zone);
                builder.append_value(read_time(text, zone)?);
            }
        }
        Ok(())
    }

    pub(crate) fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Boolean(builder) => Arc::new(builder.finish()),
            Self::Int16(builder) => Arc::new(builder.finish()),
            Self::Int32(builder) => Arc::new(builder.finish()),
            Self::Int64(builder) => Arc::new(builder.finish()),
            Self::Float32(builder) => Arc::new(builder.finish()),
            Self::Float64(builder) => Arc::new(builder.finish()),
            Self::Decimal(builder, ..) => Arc::new(builder.finish()),
            Self::Date(builder) => Arc::new(builder.finish()),
            Self::Timestamp(builder) => Arc::new(builder.finish()),
            Self::Text(builder) => Arc::new(builder.finish()),
            Self::Bytes(builder) => Arc::new(builder.finish()),
        }
    }
}

fn boolean(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "t" | "true" | "y" | "yes" | "on" | "1" => Some(true),
        "f" | "false" | "n" | "no" | "off" | "0" => Some(false),
        _ => None,
    }
}

/// Digits that are read as an infinite number, or as zero when one of them is not.
fn leaves_range(text: &str, value: f64) -> bool {
    let mantissa = text.split(['e', 'E']).next().unwrap_or(text);
    match value {
        value if value.is_infinite() => text.bytes().any(|byte| byte.is_ascii_digit()),
        0.0 => mantissa.bytes().any(|byte| matches!(byte, b'1'..=b'9')),
        _ => false,
    }
}

fn integer(text: &str, column_type: ColumnType) -> Result<i64> {
    use std::num::IntErrorKind::{NegOverflow, PosOverflow};
    let text = text.trim();
    text.parse().map_err(|error: std::num::ParseIntError| match error.kind() {
        PosOverflow | NegOverflow => Error::out_of_range(text, column_type),
        _ => Error::bad_text(text, column_type),
    })
}

enum Decimal {
    Value { value: i128, is_exact: bool },
    TooLarge,
    NoNumber,
}

/// The number times 10^scale, if it has no other digits than a column of this type keeps.
pub(super) fn exact_decimal(text: &str, precision: u8, scale: u8) -> Option<i128> {
    match decimal(text, scale) {
        Decimal::Value { value, is_exact: true } if has_digits(value, precision) => Some(value),
        _ => None,
    }
}

fn has_digits(value: i128, precision: u8) -> bool {
    value.unsigned_abs() < 10u128.pow(u32::from(precision))
}

/// A decimal number times 10^scale, rounded half away from zero.
fn decimal(text: &str, scale: u8) -> Decimal {
    let Some((negative, whole, fraction, exponent)) = decimal_parts(text) else { return Decimal::NoNumber };
    // Number of digits left of the point of value × 10^scale; there may be fewer than that.
    let kept = whole.len() as i64 + i64::from(exponent) + i64::from(scale);
    let mut digits = whole.bytes().chain(fraction.bytes()).map(|byte| i128::from(byte - b'0'));
    let mut value: i128 = 0;
    for _ in 0..kept.max(0) {
        let digit = digits.next();
        if digit.is_none() && value == 0 {
            break;
        }
        match value.checked_mul(10).and_then(|value| value.checked_add(digit.unwrap_or(0))) {
            Some(next) => value = next,
            None => return Decimal::TooLarge,
        }
    }
    let is_exact = digits.clone().all(|digit| digit == 0);
    let rounds_up = kept >= 0 && digits.next().is_some_and(|digit| digit >= 5);
    value += i128::from(rounds_up);
    Decimal::Value { value: if negative { -value } else { value }, is_exact }
}

/// Sign, digits before and after the point, and exponent of a number.
fn decimal_parts(text: &str) -> Option<(bool, &str, &str, i32)> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse().ok()?),
        None => (text, 0),
    };
    let (negative, digits) = match mantissa.as_bytes().first()? {
        b'-' => (true, &mantissa[1..]),
        b'+' => (false, &mantissa[1..]),
        _ => (false, mantissa),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let is_number = whole.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit());
    (is_number && whole.len() + fraction.len() > 0).then_some((negative, whole, fraction, exponent))
}

/// `\x` and hexadecimal digits, or the text itself when it has no backslash.
fn bytea(text: &str) -> Option<Vec<u8>> {
    let Some(digits) = text.strip_prefix("\\x") else {
        return (!text.contains('\\')).then(|| text.as_bytes().to_vec());
    };
    let digits = digits.as_bytes();
    if digits.len() % 2 != 0 {
        return None;
    }
    let nibble = |b: u8| (b as char).to_digit(16).map(|digit| digit as u8);
    digits.chunks_exact(2).map(|pair| Some(nibble(pair[0])? << 4 | nibble(pair[1])?)).collect()
}
