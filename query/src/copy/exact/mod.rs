//! A column of another type as a column of the table, exactly or not at all.
//!
//! Values that a CSV file would be refused for are refused here too, with the same codes: a value becomes
//! another type only where nothing of it is lost (`2.0` is the integer 2, midnight is a date, but neither
//! `1.99` nor noon is). As in text, `REAL` and `DOUBLE PRECISION` take the nearest number that they have.
//! Text is read as a field of a CSV file is.
//!
//! ```text
//!   unpack ─▶ convert, NULL where that fails ─▶ compare with what it was ─▶ the first row that differs is the error
//! ```
//!
//! | into | from |
//! |---|---|
//! | `BOOLEAN` | booleans |
//! | integers | integers, floats and decimals without a fraction |
//! | `REAL`, `DOUBLE PRECISION` | all numbers |
//! | `DECIMAL` | all numbers that have no more digits behind the point |
//! | `TEXT` | numbers, booleans, dates and times as they are written; bytes that are UTF-8 |
//! | `DATE` | dates; timestamps at midnight |
//! | `TIMESTAMP`, `TIMESTAMPTZ` | dates, timestamps of whole microseconds; one becomes the other in the session's zone |
//! | `BYTEA` | bytes |

use std::sync::Arc;

use arrow::{
    array::{
        Array, ArrayRef, AsArray, BooleanArray, Decimal128Array, Float32Array, PrimitiveArray,
        TimestampMicrosecondArray, new_null_array,
    },
    compute::{CastOptions, cast_with_options, kernels::cmp},
    datatypes::{
        DataType, Date32Type, Float32Type, Float64Type, Int64Type, TimeUnit, TimestampMicrosecondType,
    },
    util::display::FormatOptions,
};

use super::value::{Column, exact_decimal};
use crate::{
    error::{Error, Result, SqlState},
    time::TimeZone,
    types::{ColumnType, TIME_RANGE_MICROS, UTC},
    value_text::text_formatter,
};

const MICROS_PER_DAY: i64 = 86_400_000_000;

/// A value that the column cannot have.
#[derive(Debug)]
pub(super) struct Refused {
    /// The row of the array it is in.
    pub row: usize,
    pub error: Error,
}

/// The values of `array` as values of `target`. Times become instants, and instants times, in `zone`.
pub(super) fn convert(array: &ArrayRef, target: ColumnType, zone: TimeZone) -> Result<ArrayRef, Refused> {
    let array = &unpacked(array)?;
    if array.logical_null_count() == array.len() {
        return Ok(new_null_array(&target.arrow(), array.len()));
    }
    if array.data_type() == &target.arrow() && !is_time(array.data_type()) {
        return Ok(Arc::clone(array));
    }
    if array.data_type().is_string() {
        return parsed(array, target, zone);
    }
    let converted = match target {
        ColumnType::Text { .. } => texts(array)?,
        ColumnType::SmallInt | ColumnType::Integer | ColumnType::BigInt => integers(array, target)?,
        ColumnType::Real | ColumnType::Double => floats(array, target)?,
        ColumnType::Decimal { precision, scale } => decimals(array, precision, scale)?,
        ColumnType::Date => dates(array, zone)?,
        ColumnType::Timestamp | ColumnType::TimestampTz => timestamps(array, target, zone)?,
        ColumnType::Bytes => bytes(array)?,
        ColumnType::Boolean => none(array, target),
    };
    match (0..array.len()).find(|&row| converted.is_null(row) && array.is_valid(row)) {
        Some(row) => Err(refused(array, row, target, zone)),
        None => Ok(converted),
    }
}

/// The error of a value that could not be converted: that of its text in a CSV file.
fn refused(array: &ArrayRef, row: usize, target: ColumnType, zone: TimeZone) -> Refused {
    let text = match shown(array, row, target) {
        Ok(text) => text,
        Err(error) => return Refused { row, error },
    };
    if matches!(target, ColumnType::Text { .. }) && array.data_type().is_binary() {
        return Refused {
            row,
            error: Error::new(SqlState::CharacterNotInRepertoire, "the text is not UTF-8"),
        };
    }
    let error = match Column::new(target).push(&text, target, zone) {
        Err(error) if array.data_type().is_numeric() == is_number(target) => error,
        // Text would have been rounded, or read as what it is not.
        _ => Error::bad_text(&text, target),
    };
    Refused { row, error }
}

/// The value as a message shows it: `40000`, not `40000.0`, where an integer is wanted.
fn shown(array: &ArrayRef, row: usize, target: ColumnType) -> Result<String> {
    let text = text_of(array, row)?;
    if !target.arrow().is_integer() {
        return Ok(text);
    }
    Ok(text.strip_suffix(".0").map(str::to_owned).unwrap_or(text))
}

fn text_of(array: &ArrayRef, row: usize) -> Result<String> {
    text_formatter(array.as_ref())?.value(row).try_to_string().map_err(Error::from)
}

fn is_number(target: ColumnType) -> bool {
    target.arrow().is_numeric()
}

fn is_time(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Date32 | DataType::Timestamp(..))
}

/// The values themselves of an array that stores each once.
fn unpacked(array: &ArrayRef) -> Result<ArrayRef, Refused> {
    match array.data_type() {
        DataType::Dictionary(_, values) => cast(array, values),
        DataType::RunEndEncoded(_, values) => cast(array, values.data_type()),
        _ => Ok(Arc::clone(array)),
    }
}

/// Arrow's cast, with NULL for values that it has no result for.
fn cast(array: &dyn Array, to: &DataType) -> Result<ArrayRef, Refused> {
    let options = CastOptions { safe: true, format_options: FormatOptions::default() };
    cast_with_options(array, to, &options).map_err(|error| Refused { row: 0, error: error.into() })
}

/// The cast, with NULL also where the way back does not lead to the same value.
fn cast_there_and_back(array: &ArrayRef, to: &DataType) -> Result<ArrayRef, Refused> {
    let there = cast(array, to)?;
    let back = cast(&there, array.data_type())?;
    let same = cmp::not_distinct(&back, array).map_err(|error| Refused { row: 0, error: error.into() })?;
    where_true(&there, &same)
}

fn where_true(array: &ArrayRef, keep: &BooleanArray) -> Result<ArrayRef, Refused> {
    let drop = arrow::compute::not(keep);
    let kept = drop.and_then(|drop| arrow::compute::nullif(array, &drop));
    kept.map_err(|error| Refused { row: 0, error: error.into() })
}

/// No value of this type can be one of the target.
fn none(array: &ArrayRef, target: ColumnType) -> ArrayRef {
    new_null_array(&target.arrow(), array.len())
}

fn parsed(array: &ArrayRef, target: ColumnType, zone: TimeZone) -> Result<ArrayRef, Refused> {
    if matches!(target, ColumnType::Text { .. }) {
        return cast(array, &target.arrow());
    }
    let texts = cast(array, &DataType::Utf8View)?;
    let mut column = Column::new(target);
    for (row, text) in texts.as_string_view().iter().enumerate() {
        match text {
            Some(text) => column.push(text, target, zone).map_err(|error| Refused { row, error })?,
            None => column.push_null(),
        }
    }
    Ok(column.finish())
}

fn texts(array: &ArrayRef) -> Result<ArrayRef, Refused> {
    match array.data_type() {
        DataType::FixedSizeBinary(_) | DataType::LargeBinary | DataType::BinaryView => {
            cast(&cast(array, &DataType::Binary)?, &DataType::Utf8View)
        }
        DataType::Binary => cast(array, &DataType::Utf8View),
        other if other.is_primitive() || other == &DataType::Boolean => {
            let mut column = Column::new(ColumnType::TEXT);
            for row in 0..array.len() {
                if array.is_null(row) {
                    column.push_null();
                    continue;
                }
                text_of(array, row)
                    .and_then(|text| column.push(&text, ColumnType::TEXT, TimeZone::UTC))
                    .map_err(|error| Refused { row, error })?;
            }
            Ok(column.finish())
        }
        _ => Ok(none(array, ColumnType::TEXT)),
    }
}

fn integers(array: &ArrayRef, target: ColumnType) -> Result<ArrayRef, Refused> {
    match array.data_type() {
        from if from.is_floating() => {
            const END: f64 = -(i64::MIN as f64);
            let floats = cast(array, &DataType::Float64)?;
            let floats = floats.as_primitive::<Float64Type>();
            let whole = floats.unary_opt::<_, Int64Type>(|value| {
                (value.fract() == 0.0 && (-END..END).contains(&value)).then_some(value as i64)
            });
            cast(&whole, &target.arrow())
        }
        from if from.is_integer() || from.is_decimal() => cast_there_and_back(array, &target.arrow()),
        _ => Ok(none(array, target)),
    }
}

fn floats(array: &ArrayRef, target: ColumnType) -> Result<ArrayRef, Refused> {
    let from = array.data_type();
    if !(from.is_integer() || from.is_floating() || from.is_decimal()) {
        return Ok(none(array, target));
    }
    if from.is_decimal() {
        // Arrow divides by a power of ten, which rounds twice.
        return parsed_numbers(array, target);
    }
    let there = cast(array, &target.arrow())?;
    if target == ColumnType::Double || from != &DataType::Float64 {
        return Ok(there);
    }
    let wide = array.as_primitive::<Float64Type>();
    let narrow: Float32Array = there.as_primitive::<Float32Type>().clone();
    let fits = wide.iter().zip(&narrow).map(|(wide, narrow)| {
        let (wide, narrow) = (wide?, narrow?);
        let is_lost = (narrow.is_infinite() && wide.is_finite()) || (narrow == 0.0 && wide != 0.0);
        (!is_lost).then_some(narrow)
    });
    Ok(Arc::new(fits.collect::<Float32Array>()))
}

fn parsed_numbers(array: &ArrayRef, target: ColumnType) -> Result<ArrayRef, Refused> {
    let mut column = Column::new(target);
    for row in 0..array.len() {
        if array.is_null(row) {
            column.push_null();
            continue;
        }
        text_of(array, row)
            .and_then(|text| column.push(&text, target, TimeZone::UTC))
            .map_err(|error| Refused { row, error })?;
    }
    Ok(column.finish())
}

fn decimals(array: &ArrayRef, precision: u8, scale: u8) -> Result<ArrayRef, Refused> {
    let to = DataType::Decimal128(precision, scale as i8);
    match array.data_type() {
        from if from.is_integer() || from.is_decimal() => cast_there_and_back(array, &to),
        from if from.is_floating() => {
            // The digits that identify the number: 0.1 is 0.1, whatever it is in powers of two.
            let mut values = Vec::with_capacity(array.len());
            for row in 0..array.len() {
                let text = array.is_valid(row).then(|| text_of(array, row)).transpose();
                let text = text.map_err(|error| Refused { row, error })?;
                values.push(text.and_then(|text| exact_decimal(&text, precision, scale)));
            }
            let values = Decimal128Array::from(values).with_precision_and_scale(precision, scale as i8);
            Ok(Arc::new(values.map_err(|error| Refused { row: 0, error: error.into() })?))
        }
        _ => Ok(none(array, ColumnType::Decimal { precision, scale })),
    }
}

/// Local times in microseconds; NULL for what is no whole microsecond, or not in the years that there are.
fn local_times(
    array: &ArrayRef,
    zone: TimeZone,
) -> Result<PrimitiveArray<TimestampMicrosecondType>, Refused> {
    let micros = DataType::Timestamp(TimeUnit::Microsecond, None);
    let in_range = |time: i64| TIME_RANGE_MICROS.contains(&time).then_some(time);
    match array.data_type() {
        DataType::Date32 => {
            let days = array.as_primitive::<Date32Type>();
            Ok(days.unary_opt::<_, TimestampMicrosecondType>(|day| in_range(i64::from(day) * MICROS_PER_DAY)))
        }
        DataType::Date64 => {
            local_times(&cast(array, &DataType::Timestamp(TimeUnit::Millisecond, None))?, zone)
        }
        DataType::Timestamp(unit, in_zone) => {
            // The zone of the type is how instants are shown, and changes none of them.
            let plain = cast_time(array, &DataType::Timestamp(*unit, None))?;
            let times = cast_there_and_back(&plain, &micros)?;
            let times = times.as_primitive::<TimestampMicrosecondType>();
            let is_instant = in_zone.is_some();
            Ok(times.unary_opt(|time| in_range(if is_instant { zone.local_micros(time) } else { time })))
        }
        _ => Ok(TimestampMicrosecondArray::new_null(array.len())),
    }
}

/// The same numbers under another type of the same unit.
fn cast_time(array: &ArrayRef, to: &DataType) -> Result<ArrayRef, Refused> {
    let data = array.to_data().into_builder().data_type(to.clone()).build();
    Ok(arrow::array::make_array(data.map_err(|error| Refused { row: 0, error: error.into() })?))
}

fn dates(array: &ArrayRef, zone: TimeZone) -> Result<ArrayRef, Refused> {
    let days = local_times(array, zone)?.unary_opt::<_, Date32Type>(|time| {
        (time.rem_euclid(MICROS_PER_DAY) == 0).then(|| time.div_euclid(MICROS_PER_DAY) as i32)
    });
    Ok(Arc::new(days))
}

fn timestamps(array: &ArrayRef, target: ColumnType, zone: TimeZone) -> Result<ArrayRef, Refused> {
    let is_instant = matches!(array.data_type(), DataType::Timestamp(_, Some(_)));
    let wants_instant = target == ColumnType::TimestampTz;
    if is_instant && wants_instant {
        return Ok(Arc::new(local_times(array, TimeZone::UTC)?.with_timezone(UTC)));
    }
    let local = local_times(array, zone)?;
    if !wants_instant {
        return Ok(Arc::new(local));
    }
    let instants = local.unary_opt::<_, TimestampMicrosecondType>(|time| {
        let instant = zone.instant_of_micros(time);
        TIME_RANGE_MICROS.contains(&instant).then_some(instant)
    });
    Ok(Arc::new(instants.with_timezone(UTC)))
}

fn bytes(array: &ArrayRef) -> Result<ArrayRef, Refused> {
    match array.data_type() {
        DataType::FixedSizeBinary(_) | DataType::LargeBinary | DataType::BinaryView => {
            cast(array, &DataType::Binary)
        }
        _ => Ok(none(array, ColumnType::Bytes)),
    }
}

#[cfg(test)]
mod tests;
