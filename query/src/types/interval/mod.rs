//! Intervals as Postgres counts them: months, days and time, each by itself.
//!
//! 1. A month is 30 days and a day 24 hours wherever two intervals are compared ([`total_nanos`]), and
//!    nowhere else.
//! 2. Time is counted in whole microseconds; Arrow holds it in nanoseconds, which end after 292 years.

mod read;

use std::fmt::Write;

use arrow::datatypes::IntervalMonthDayNano;

pub(crate) use read::{IntervalFields, IntervalUnitName, read_interval, read_interval_of};

use crate::error::{Error, Result, SqlState};

/// Months of a year.
pub(crate) const YEAR_MONTHS: i32 = 12;
/// Days of a month, where it has to have a length.
pub(crate) const MONTH_DAYS: i32 = 30;
/// Microseconds of a day.
pub(crate) const DAY_MICROS: i64 = 86_400_000_000;
/// Nanoseconds of a day.
pub(crate) const DAY_NANOS: i64 = DAY_MICROS * 1_000;

/// The length by which intervals are compared, in nanoseconds.
pub(crate) fn total_nanos(interval: IntervalMonthDayNano) -> i128 {
    let IntervalMonthDayNano { months, days, nanoseconds } = interval;
    let days = i128::from(months) * i128::from(MONTH_DAYS) + i128::from(days);
    days * i128::from(DAY_NANOS) + i128::from(nanoseconds)
}

/// An interval of so many months, days and microseconds.
pub(crate) fn interval_of(months: i64, days: i64, micros: i128) -> Result<IntervalMonthDayNano> {
    let nanos = micros.checked_mul(1_000).and_then(|nanos| i64::try_from(nanos).ok());
    match (i32::try_from(months), i32::try_from(days), nanos) {
        (Ok(months), Ok(days), Some(nanos)) => Ok(IntervalMonthDayNano::new(months, days, nanos)),
        _ => Err(interval_out_of_range()),
    }
}

/// 22008: an interval that cannot be counted.
pub(crate) fn interval_out_of_range() -> Error {
    Error::new(SqlState::DatetimeFieldOverflow, "interval out of range")
        .with_hint("an interval has up to 178 million years in months, and up to 292 years in hours and less")
}

/// The days and the time between two times, both in microseconds.
pub(crate) fn interval_between(from: i64, to: i64) -> Result<IntervalMonthDayNano> {
    let micros = i128::from(to) - i128::from(from);
    let day = i128::from(DAY_MICROS);
    interval_of(0, (micros / day) as i64, micros % day)
}

/// The interval times `factor`; what is left of a month becomes days, what is left of a day becomes time.
pub(crate) fn scale_interval(interval: IntervalMonthDayNano, factor: f64) -> Result<IntervalMonthDayNano> {
    scaled(interval, |number| number * factor)
}

/// The interval divided by `divisor`, as [`scale_interval`].
pub(crate) fn divide_interval(interval: IntervalMonthDayNano, divisor: f64) -> Result<IntervalMonthDayNano> {
    if divisor == 0.0 {
        return Err(Error::new(SqlState::DivisionByZero, "division by zero"));
    }
    scaled(interval, |number| number / divisor)
}

fn scaled(interval: IntervalMonthDayNano, by: impl Fn(f64) -> f64) -> Result<IntervalMonthDayNano> {
    const DAY_SECONDS: f64 = 86_400.0;
    let to_micros = |seconds: f64| (seconds * 1e6).round_ties_even() / 1e6;
    let months = by(f64::from(interval.months));
    let days = by(f64::from(interval.days));
    let month_days = to_micros((months - months.trunc()) * f64::from(MONTH_DAYS));
    let mut days_whole = days.trunc();
    let mut seconds = to_micros((days - days_whole + month_days - month_days.trunc()) * DAY_SECONDS);
    if seconds.abs() >= DAY_SECONDS {
        let more = (seconds / DAY_SECONDS).trunc();
        days_whole += more;
        seconds -= more * DAY_SECONDS;
    }
    days_whole += month_days.trunc();
    let micros = by(interval.nanoseconds as f64 / 1e3) + seconds * 1e6;
    let micros = micros.round_ties_even();
    // Beyond these a float is no whole number of anything, or none at all.
    let fits = |number: f64, max: f64| number.abs() <= max;
    if !fits(months, f64::from(i32::MAX)) || !fits(days_whole, f64::from(i32::MAX)) || !fits(micros, 9.2e15) {
        return Err(interval_out_of_range());
    }
    interval_of(months as i64, days_whole as i64, micros as i128)
}

/// Whole days of the time become days.
pub(crate) fn justify_hours(interval: IntervalMonthDayNano) -> Result<IntervalMonthDayNano> {
    let mut days = i64::from(interval.days) + interval.nanoseconds / DAY_NANOS;
    let mut nanos = interval.nanoseconds % DAY_NANOS;
    carry(&mut days, &mut nanos, DAY_NANOS);
    interval_of(i64::from(interval.months), days, i128::from(nanos) / 1_000)
}

/// Every 30 days become a month.
pub(crate) fn justify_days(interval: IntervalMonthDayNano) -> Result<IntervalMonthDayNano> {
    let month = i64::from(MONTH_DAYS);
    let mut months = i64::from(interval.months) + i64::from(interval.days) / month;
    let mut days = i64::from(interval.days) % month;
    carry(&mut months, &mut days, month);
    interval_of(months, days, i128::from(interval.nanoseconds) / 1_000)
}

/// Both, with one sign for all parts.
pub(crate) fn justify_interval(interval: IntervalMonthDayNano) -> Result<IntervalMonthDayNano> {
    let month = i64::from(MONTH_DAYS);
    let mut days = i64::from(interval.days) + interval.nanoseconds / DAY_NANOS;
    let mut nanos = interval.nanoseconds % DAY_NANOS;
    let mut months = i64::from(interval.months) + days / month;
    days %= month;
    if months > 0 && (days < 0 || (days == 0 && nanos < 0)) {
        days += month;
        months -= 1;
    } else if months < 0 && (days > 0 || (days == 0 && nanos > 0)) {
        days -= month;
        months += 1;
    }
    carry(&mut days, &mut nanos, DAY_NANOS);
    interval_of(months, days, i128::from(nanos) / 1_000)
}

/// Gives both counts one sign.
fn carry(larger: &mut i64, smaller: &mut i64, size: i64) {
    if *larger > 0 && *smaller < 0 {
        *smaller += size;
        *larger -= 1;
    } else if *larger < 0 && *smaller > 0 {
        *smaller -= size;
        *larger += 1;
    }
}

/// The text of an interval in Postgres' own style: `1 year 2 mons -3 days +04:05:06.5`.
#[must_use]
pub(crate) fn interval_text(interval: IntervalMonthDayNano) -> String {
    let IntervalMonthDayNano { months, days, nanoseconds } = interval;
    let mut text = String::new();
    let mut after_negative = false;
    for (count, unit) in [(months / YEAR_MONTHS, "year"), (months % YEAR_MONTHS, "mon"), (days, "day")] {
        if count == 0 {
            continue;
        }
        let space = if text.is_empty() { "" } else { " " };
        let sign = if after_negative && count > 0 { "+" } else { "" };
        let plural = if count == 1 { "" } else { "s" };
        // Writing to a string cannot fail.
        let _ = write!(text, "{space}{sign}{count} {unit}{plural}");
        after_negative = count < 0;
    }
    let micros = nanoseconds / 1_000;
    if micros == 0 && !text.is_empty() {
        return text;
    }
    let space = if text.is_empty() { "" } else { " " };
    let sign = match micros {
        ..0 => "-",
        _ if after_negative => "+",
        _ => "",
    };
    let micros = micros.unsigned_abs();
    let (seconds, fraction) = (micros / 1_000_000, micros % 1_000_000);
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    let _ = write!(text, "{space}{sign}{hours:02}:{minutes:02}:{seconds:02}");
    if fraction != 0 {
        let _ = write!(text, ".{}", format!("{fraction:06}").trim_end_matches('0'));
    }
    text
}

#[cfg(test)]
mod tests;
