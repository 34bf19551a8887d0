//! A time, or an interval, written after a pattern.

use std::fmt::Write;

use arrow::datatypes::IntervalMonthDayNano;
use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, Timelike};

use super::{Field, Item, Key, Letters, Pattern};
use crate::{
    error::{Error, Result, SqlState},
    time::TimeZone,
    types::interval::{MONTH_DAYS, YEAR_MONTHS},
};

/// A time or an interval to be written.
#[derive(Clone, Copy, Debug)]
pub(in crate::postgres::functions::times) enum ShownTime {
    /// The local time, and the zone and the distance from UTC in seconds if it has one.
    Time {
        local: NaiveDateTime,
        zone: Option<(TimeZone, i32)>,
    },
    Interval(IntervalMonthDayNano),
}

/// The counts of a moment.
struct Parts {
    year: i64,
    month: i64,
    day: i64,
    day_of_year: i64,
    hour: i64,
    minute: i64,
    second: i64,
    micros: i64,
}

pub(super) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
pub(super) const DAYS: [&str; 7] =
    ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
pub(super) const ROMAN: [&str; 12] =
    ["I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII"];

/// Writes a moment after a pattern.
///
/// # Errors
///
/// 22007 for a field that an interval has not.
pub(in crate::postgres::functions::times) fn show(moment: ShownTime, pattern: &Pattern) -> Result<String> {
    let parts = parts_of(moment);
    let mut text = String::new();
    for item in &pattern.items {
        match item {
            Item::Quoted(quoted) => text.push_str(quoted),
            Item::Char(c) => text.push(*c),
            Item::Field(field) => write_field(&mut text, *field, moment, &parts)?,
        }
    }
    Ok(text)
}

fn parts_of(moment: ShownTime) -> Parts {
    match moment {
        ShownTime::Time { local, .. } => Parts {
            year: i64::from(local.year()),
            month: i64::from(local.month()),
            day: i64::from(local.day()),
            day_of_year: i64::from(local.ordinal()),
            hour: i64::from(local.hour()),
            minute: i64::from(local.minute()),
            second: i64::from(local.second()),
            micros: i64::from(local.nanosecond() / 1_000 % 1_000_000),
        },
        ShownTime::Interval(interval) => {
            let micros = interval.nanoseconds / 1_000;
            let seconds = micros / 1_000_000;
            let (year, month) = (interval.months / YEAR_MONTHS, interval.months % YEAR_MONTHS);
            let months = i64::from(interval.months);
            Parts {
                year: i64::from(year),
                month: i64::from(month),
                day: i64::from(interval.days),
                day_of_year: months * i64::from(MONTH_DAYS) + i64::from(interval.days),
                hour: seconds / 3_600,
                minute: seconds / 60 % 60,
                second: seconds % 60,
                micros: micros % 1_000_000,
            }
        }
    }
}

fn write_field(text: &mut String, field: Field, moment: ShownTime, parts: &Parts) -> Result<()> {
    let number = |text: &mut String, number: i64, width: usize| {
        let width = if field.fill { 0 } else { width };
        push_number(text, number, width);
        if let Some(letters) = field.ordinal {
            text.push_str(&cased(ordinal_ending(number), letters));
        }
    };
    let word = |text: &mut String, word: &str, width: usize| {
        let width = if field.fill { 0 } else { width };
        // Writing to a string cannot fail.
        let _ = write!(text, "{:<width$}", cased(word, field.letters));
    };
    match field.key {
        Key::Meridiem { dots } => {
            let is_late = parts.hour.rem_euclid(24) >= 12;
            let meridiem = match (is_late, dots) {
                (false, false) => "AM",
                (false, true) => "A.M.",
                (true, false) => "PM",
                (true, true) => "P.M.",
            };
            word(text, meridiem, 0);
        }
        Key::Hour12 => {
            let hour = parts.hour % 12;
            number(text, if hour == 0 { 12 } else { hour }, 2);
        }
        Key::Hour24 => number(text, parts.hour, 2),
        Key::Minute => number(text, parts.minute, 2),
        Key::Second => number(text, parts.second, 2),
        Key::Fraction(digits) => {
            push_number(text, parts.micros / 10_i64.pow(6 - digits), digits as usize);
            if let Some(letters) = field.ordinal {
                text.push_str(&cased(ordinal_ending(parts.micros / 10_i64.pow(6 - digits)), letters));
            }
        }
        Key::SecondOfDay => number(text, parts.hour * 3_600 + parts.minute * 60 + parts.second, 0),
        Key::Day => number(text, parts.day, 2),
        Key::DayOfYear => number(text, parts.day_of_year, 3),
        Key::Month => number(text, parts.month, 2),
        Key::Quarter if parts.month != 0 => number(text, (parts.month - 1) / 3 + 1, 0),
        Key::Exact | Key::Quarter => {}
        Key::Century => {
            let is_time = matches!(moment, ShownTime::Time { .. });
            number(text, if is_time { (parts.year + 99) / 100 } else { parts.year / 100 }, 2);
        }
        Key::Year { digits, iso: false } => year(text, parts.year, digits, &number),
        Key::YearWithComma => {
            push_number(text, parts.year / 1_000, 1);
            text.push(',');
            push_number(text, parts.year % 1_000, 3);
        }
        Key::WeekOfYear => number(text, (parts.day_of_year - 1) / 7 + 1, 2),
        Key::WeekOfMonth => number(text, (parts.day - 1) / 7 + 1, 0),
        Key::RomanMonth => {
            let at = (parts.month - 1).rem_euclid(12) as usize;
            if parts.month != 0 {
                word(text, ROMAN[at], 4);
            }
        }
        _ => {
            let ShownTime::Time { local, zone } = moment else {
                return Err(Error::new(
                    SqlState::InvalidDatetimeFormat,
                    "invalid format specification for an interval value",
                )
                .with_hint("intervals are not tied to specific calendar dates"));
            };
            match field.key {
                Key::Era { dots } => word(text, if dots { "A.D." } else { "AD" }, 0),
                Key::MonthName { full } => name(&word, text, MONTHS[local.month0() as usize], full),
                Key::DayName { full } => {
                    name(&word, text, DAYS[local.weekday().num_days_from_sunday() as usize], full);
                }
                Key::ZoneName | Key::Offset | Key::ZoneHour | Key::ZoneMinute => {
                    write_zone(text, field, local, zone);
                }
                _ => of_date(text, field.key, local.date(), &number),
            }
        }
    }
    Ok(())
}

/// Fields that count on the calendar.
fn of_date(text: &mut String, key: Key, date: NaiveDate, number: &impl Fn(&mut String, i64, usize)) {
    let week = date.iso_week();
    match key {
        Key::DayOfWeek => number(text, i64::from(date.weekday().number_from_sunday()), 0),
        Key::IsoDayOfWeek => number(text, i64::from(date.weekday().number_from_monday()), 0),
        Key::IsoDayOfYear => {
            let day = (week.week() - 1) * 7 + date.weekday().number_from_monday();
            number(text, i64::from(day), 3);
        }
        Key::IsoWeek => number(text, i64::from(week.week()), 2),
        Key::Year { digits, .. } => year(text, i64::from(week.year()), digits, number),
        // The day of 24 November 4714 BC is 0.
        Key::JulianDay => number(text, i64::from(date.num_days_from_ce()) + 1_721_425, 0),
        _ => {}
    }
}

fn year(text: &mut String, year: i64, digits: u32, number: &impl Fn(&mut String, i64, usize)) {
    let shown = if digits == 4 { year } else { year % 10_i64.pow(digits) };
    number(text, shown, digits as usize);
}

fn name(word: &impl Fn(&mut String, &str, usize), text: &mut String, name: &str, full: bool) {
    if full { word(text, name, 9) } else { word(text, &name[..3], 0) }
}

fn write_zone(text: &mut String, field: Field, local: NaiveDateTime, zone: Option<(TimeZone, i32)>) {
    let east = zone.map_or(0, |(_, east)| east);
    let (sign, minutes) = (if east < 0 { '-' } else { '+' }, east.unsigned_abs() / 60);
    // Writing to a string cannot fail.
    let _ = match field.key {
        Key::ZoneHour => write!(text, "{sign}{:02}", minutes / 60),
        Key::ZoneMinute => write!(text, "{:02}", minutes % 60),
        Key::Offset if minutes % 60 == 0 => write!(text, "{sign}{:02}", minutes / 60),
        Key::Offset => write!(text, "{sign}{:02}:{:02}", minutes / 60, minutes % 60),
        _ => {
            let Some((zone, _)) = zone else { return };
            let instant = local.and_utc().timestamp_micros() - i64::from(east) * 1_000_000;
            let name = DateTime::from_timestamp_micros(instant).map(|at| zone.abbreviation(at));
            write!(text, "{}", cased(&name.unwrap_or_default(), field.letters))
        }
    };
}

/// The number, with zeros in front up to the width; its sign does not count.
fn push_number(text: &mut String, number: i64, width: usize) {
    let sign = if number < 0 { "-" } else { "" };
    // Writing to a string cannot fail.
    let _ = write!(text, "{sign}{:0width$}", number.unsigned_abs());
}

fn cased(word: &str, letters: Letters) -> String {
    match letters {
        Letters::Upper => word.to_uppercase(),
        Letters::Lower => word.to_lowercase(),
        Letters::Capital => word.to_owned(),
    }
}

fn ordinal_ending(number: i64) -> &'static str {
    let number = number.unsigned_abs();
    match (number % 10, number % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    }
}
