//! Times as Postgres has them: in the session's time zone, to the microsecond, from the year 1 to the year
//! 9999.
//!
//! A `TIMESTAMPTZ` is an instant: in memory always `Timestamp(µs, UTC)`, whatever the session's zone. The
//! zone counts where an instant meets a wall clock: in casts, in arithmetic with days and months, in fields.
//! DataFusion takes the zone of the type there, counts in nanoseconds, and so ends in 2262; the functions of
//! this module have the session's zone in them and take their place, by name ([`time_functions`]) or by a
//! rule of the analyzer ([`crate::postgres`]).
//!
//! 1. A local time that clocks skip means the time that an unchanged clock would show; of one that they show
//!    twice the second is meant.
//! 2. A time outside of the years 1 to 9999, in UTC, fails with 22008.

mod bin;
mod cast;
mod days;
mod interval_part;
mod now;
mod part;
mod pattern;
mod ranged;
mod series;
mod shift;
mod to_char;
mod to_timestamp;
mod trunc;
mod zone;

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, AsArray, TimestampMicrosecondArray},
    compute::cast as arrow_cast,
    datatypes::{DataType, TimeUnit, TimestampMicrosecondType},
};
use datafusion::{
    common::{Result, ScalarValue},
    error::DataFusionError,
    logical_expr::{ColumnarValue, ScalarUDF},
};

pub(super) use cast::cast_times;
pub(crate) use cast::{is_time_cast, time_cast};
pub(crate) use days::{date_at_time, day_shift};
pub(crate) use part::Extract;
pub(crate) use series::{TimeSeries, is_time_series, time_series};
pub(crate) use shift::shift;
pub(super) use shift::{intervals_of, shifted};
pub(crate) use zone::{IN_ZONE, TIMEZONE, in_zone};

use crate::{
    error::{Error, SqlState},
    postgres::exprs::is_text,
    time::TimeZone,
    types::{TIME_RANGE_MICROS, UTC},
};

/// The functions of times in a session of this zone, which replace those of the same names.
pub(crate) fn time_functions(zone: TimeZone) -> Vec<ScalarUDF> {
    let mut all = now::functions(zone);
    all.extend([
        trunc::date_trunc(zone),
        bin::date_bin(),
        part::date_part(),
        zone::timezone(),
        series::generate_series(zone),
        to_char::to_char(),
        to_timestamp::to_timestamp(zone),
        to_timestamp::to_date(),
        days::make_date(),
    ]);
    all.extend(ranged::functions());
    all
}

/// Microseconds of a day.
const DAY_MICROS: i64 = 86_400_000_000;

/// The type of a `TIMESTAMP`.
pub(super) const LOCAL: DataType = DataType::Timestamp(TimeUnit::Microsecond, None);

/// The type of a `TIMESTAMPTZ`.
pub(super) fn instant() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some(UTC.into()))
}

/// Fails for an instant or a local time outside the years that there are.
fn in_range(micros: i64) -> Result<i64> {
    if TIME_RANGE_MICROS.contains(&micros) { Ok(micros) } else { Err(out_of_range()) }
}

pub(super) fn out_of_range() -> DataFusionError {
    no_such_time("timestamp out of range")
}

/// The day, if it is one of the years that there are.
fn day_in_range(day: Option<i64>) -> Result<i32> {
    let begin = |day: i64| day.checked_mul(DAY_MICROS).filter(|micros| TIME_RANGE_MICROS.contains(micros));
    match day.filter(|day| begin(*day).is_some()) {
        Some(day) => Ok(day as i32),
        None => Err(no_such_time("date out of range")),
    }
}

/// 22008, with what there is.
fn no_such_time(message: &str) -> DataFusionError {
    Error::new(SqlState::DatetimeFieldOverflow, message).with_hint("times are in the years 1 to 9999").into()
}

/// The array in microseconds, with whatever zone it has.
pub(super) fn micros(array: &ArrayRef) -> Result<TimestampMicrosecondArray> {
    let zone = match array.data_type() {
        DataType::Timestamp(_, zone) => zone.clone(),
        _ => None,
    };
    let array = arrow_cast(array, &DataType::Timestamp(TimeUnit::Microsecond, zone))?;
    Ok(array.as_primitive::<TimestampMicrosecondType>().clone())
}

/// The answer of a function: one value when all its arguments are.
fn answer(args: &[ColumnarValue], array: &ArrayRef) -> Result<ColumnarValue> {
    if args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_))) {
        return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(array, 0)?));
    }
    Ok(ColumnarValue::Array(Arc::clone(array)))
}
