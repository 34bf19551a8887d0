//! Texts of intervals: Postgres' (`1 day -02:03`, `@ 1 min ago`), SQL's (`1-2`, `3 4:05:06`), and ISO 8601's
//! (`P1Y2M`).

use arrow::datatypes::IntervalMonthDayNano;

use super::{DAY_MICROS, MONTH_DAYS, YEAR_MONTHS, interval_of};
use crate::error::{Error, Result, SqlState, quoted};

/// A unit of an interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum IntervalUnitName {
    Microsecond,
    Millisecond,
    Second,
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Year,
    Decade,
    Century,
    Millennium,
}

use IntervalUnitName as Unit;

impl IntervalUnitName {
    /// The unit that a word stands for.
    pub(crate) fn parse(word: &str) -> Option<Self> {
        Some(match word.to_ascii_lowercase().as_str() {
            "us" | "usec" | "usecs" | "usecond" | "useconds" | "microsecond" | "microseconds" => {
                Self::Microsecond
            }
            "ms" | "msec" | "msecs" | "msecond" | "mseconds" | "millisecond" | "milliseconds" => {
                Self::Millisecond
            }
            "s" | "sec" | "secs" | "second" | "seconds" => Self::Second,
            "m" | "min" | "mins" | "minute" | "minutes" => Self::Minute,
            "h" | "hr" | "hrs" | "hour" | "hours" => Self::Hour,
            "d" | "day" | "days" => Self::Day,
            "w" | "week" | "weeks" => Self::Week,
            "mon" | "mons" | "month" | "months" => Self::Month,
            "y" | "yr" | "yrs" | "year" | "years" => Self::Year,
            "dec" | "decs" | "decade" | "decades" => Self::Decade,
            "c" | "cent" | "century" | "centuries" => Self::Century,
            "mil" | "mils" | "millennium" | "millennia" => Self::Millennium,
            _ => return None,
        })
    }

    /// Microseconds of a unit of time.
    fn micros(self) -> Option<i64> {
        Some(match self {
            Self::Microsecond => 1,
            Self::Millisecond => 1_000,
            Self::Second => 1_000_000,
            Self::Minute => 60_000_000,
            Self::Hour => 3_600_000_000,
            _ => return None,
        })
    }

    /// Years of a unit of years.
    fn years(self) -> Option<i64> {
        Some(match self {
            Self::Year => 1,
            Self::Decade => 10,
            Self::Century => 100,
            Self::Millennium => 1_000,
            _ => return None,
        })
    }
}

/// The fields that a literal names, as `DAY TO SECOND(3)` does.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct IntervalFields {
    /// The largest.
    pub first: Option<IntervalUnitName>,
    /// The smallest: what a number without a unit counts, and below which all is cut off.
    pub last: Option<IntervalUnitName>,
    /// Digits behind the point of seconds.
    pub digits: Option<u32>,
}

/// Reads an interval.
///
/// # Errors
///
/// 22007 when the text is none, 22015 when it has more of a unit than can be counted.
pub(crate) fn read_interval(text: &str) -> Result<IntervalMonthDayNano> {
    read_interval_of(text, IntervalFields::default())
}

/// Reads an interval of certain fields.
///
/// # Errors
///
/// As [`read_interval`].
pub(crate) fn read_interval_of(text: &str, fields: IntervalFields) -> Result<IntervalMonthDayNano> {
    let mut sum = Sum::default();
    let trimmed = text.trim();
    let read = match trimmed.strip_prefix(['P', 'p']) {
        Some(iso) => iso_8601(iso, &mut sum),
        None => phrases(trimmed, fields, &mut sum),
    };
    read.and_then(|()| sum.cut(fields)).ok_or_else(|| {
        Error::new(SqlState::InvalidDatetimeFormat, format!("{} is not an interval", quoted(text)))
            .with_hint("write for instance '1 day 02:00', '3 months' or 'P1Y2M'")
    })?;
    interval_of(sum.months, sum.days, sum.micros).map_err(|_| {
        Error::new(
            SqlState::IntervalFieldOverflow,
            format!("interval field value out of range: {}", quoted(text)),
        )
    })
}

/// The counts that were read so far.
#[derive(Debug, Default)]
struct Sum {
    months: i64,
    days: i64,
    micros: i128,
    /// The units that occurred: none may occur twice.
    units: u16,
}

impl Sum {
    fn mark(&mut self, unit: Unit) -> Option<()> {
        let bit = 1 << unit as u16;
        let is_new = self.units & bit == 0;
        self.units |= bit;
        is_new.then_some(())
    }

    /// Adds so much of a unit. Fractions of months become days, those of days time, those of years months.
    fn add(&mut self, number: Number, unit: Unit) -> Option<()> {
        self.mark(unit)?;
        self.add_again(number, unit)
    }

    fn add_again(&mut self, number: Number, unit: Unit) -> Option<()> {
        let Number { whole, fraction } = number;
        if let Some(micros) = unit.micros() {
            self.micros += i128::from(whole) * i128::from(micros);
            self.micros += (fraction * micros as f64).round_ties_even() as i128;
        } else if let Some(years) = unit.years() {
            let months = years * i64::from(YEAR_MONTHS);
            self.months = self.months.checked_add(whole.checked_mul(months)?)?;
            self.months = self.months.checked_add((fraction * months as f64).round_ties_even() as i64)?;
        } else {
            let days = match unit {
                Unit::Month => {
                    self.months = self.months.checked_add(whole)?;
                    fraction * f64::from(MONTH_DAYS)
                }
                Unit::Week => {
                    self.days = self.days.checked_add(whole.checked_mul(7)?)?;
                    fraction * 7.0
                }
                _ => {
                    self.days = self.days.checked_add(whole)?;
                    fraction
                }
            };
            self.days = self.days.checked_add(days.trunc() as i64)?;
            self.micros += ((days - days.trunc()) * DAY_MICROS as f64).round_ties_even() as i128;
        }
        Some(())
    }

    fn negate(&mut self) {
        self.months = -self.months;
        self.days = -self.days;
        self.micros = -self.micros;
    }

    /// Cuts what is smaller than the last of the fields.
    fn cut(&mut self, fields: IntervalFields) -> Option<()> {
        match fields.last {
            Some(Unit::Year) => {
                self.months -= self.months % i64::from(YEAR_MONTHS);
                (self.days, self.micros) = (0, 0);
            }
            Some(Unit::Month) => (self.days, self.micros) = (0, 0),
            Some(Unit::Day) => self.micros = 0,
            Some(unit @ (Unit::Hour | Unit::Minute)) => {
                self.micros -= self.micros % i128::from(unit.micros()?);
            }
            _ => {}
        }
        if let Some(digits) = fields.digits.filter(|digits| *digits < 6) {
            let unit = 10_i128.pow(6 - digits);
            let half = if self.micros < 0 { -unit / 2 } else { unit / 2 };
            self.micros = (self.micros + half) / unit * unit;
        }
        Some(())
    }
}

/// A number with its fraction, both of one sign.
#[derive(Clone, Copy, Debug)]
struct Number {
    whole: i64,
    fraction: f64,
}

impl Number {
    /// Reads digits with at most one point; an exponent is not taken.
    fn parse(text: &str, negative: bool) -> Option<Self> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if (whole.is_empty() && fraction.is_empty()) || !is_digits(whole) || !is_digits(fraction) {
            return None;
        }
        let whole: i64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
        let fraction: f64 = if fraction.is_empty() { 0.0 } else { format!("0.{fraction}").parse().ok()? };
        Some(if negative { Self { whole: -whole, fraction: -fraction } } else { Self { whole, fraction } })
    }

    fn whole(text: &str, negative: bool) -> Option<Self> {
        Self::parse(text, negative).filter(|_| !text.contains('.'))
    }
}

/// Numbers with units, clocks, years and months, `ago`.
fn phrases(text: &str, fields: IntervalFields, sum: &mut Sum) -> Option<()> {
    let mut rest = text.trim_start_matches(['@', ' ']);
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        if rest.eq_ignore_ascii_case("ago") && sum.units != 0 {
            sum.negate();
            return Some(());
        }
        let (negative, unsigned) = match rest.strip_prefix('-') {
            Some(unsigned) => (true, unsigned),
            None => (false, rest.strip_prefix('+').unwrap_or(rest)),
        };
        let unsigned = unsigned.trim_start();
        let end = unsigned
            .find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | ':')))
            .unwrap_or(unsigned.len());
        let (number, after) = unsigned.split_at(end);
        if number.contains(':') {
            clock(number, negative, fields, sum)?;
            rest = after;
        } else if let Some(months) = after.strip_prefix('-').filter(|after| after.starts_with(is_digit)) {
            let end = months.find(|c| !is_digit(c)).unwrap_or(months.len());
            let (months, after) = months.split_at(end);
            let months = Number::whole(months, negative)?;
            if months.whole.abs() >= i64::from(YEAR_MONTHS) {
                return None;
            }
            sum.add(Number::whole(number, negative)?, Unit::Year)?;
            sum.add(months, Unit::Month)?;
            rest = after;
        } else {
            let number = Number::parse(number, negative)?;
            let after = after.trim_start();
            let end = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
            let (word, after) = after.split_at(end);
            let is_ago = word.eq_ignore_ascii_case("ago");
            let unit = if word.is_empty() || is_ago {
                // A number before a clock counts days.
                let clock = after.trim_start_matches(['+', '-']);
                let clock_end = clock.find(|c: char| !(is_digit(c) || c == ':')).unwrap_or(clock.len());
                if clock[..clock_end].contains(':') { Unit::Day } else { fields.last.unwrap_or(Unit::Second) }
            } else {
                Unit::parse(word)?
            };
            sum.add(number, unit)?;
            rest = if is_ago { "ago" } else { after };
        }
        rest = rest.trim_start_matches([' ', ',', '\t', '\n']);
    }
    Some(())
}

fn is_digit(c: char) -> bool {
    c.is_ascii_digit()
}

/// `hours:minutes`, `hours:minutes:seconds`; `minutes:seconds` where the fields say so, or where a fraction
/// does.
fn clock(text: &str, negative: bool, fields: IntervalFields, sum: &mut Sum) -> Option<()> {
    let parts: Vec<&str> = text.split(':').collect();
    let (hours, minutes, seconds) = match parts.as_slice() {
        [minutes, seconds]
            if seconds.contains('.')
                || (fields.first == Some(Unit::Minute) && fields.last == Some(Unit::Second)) =>
        {
            ("0", *minutes, *seconds)
        }
        [hours, minutes] => (*hours, *minutes, "0"),
        [hours, minutes, seconds] => (*hours, *minutes, *seconds),
        _ => return None,
    };
    let (hours, minutes) = (Number::whole(hours, negative)?, Number::whole(minutes, negative)?);
    let seconds = Number::parse(seconds, negative)?;
    if minutes.whole.abs() > 59 || seconds.whole.abs() > 60 {
        return None;
    }
    sum.add(hours, Unit::Hour)?;
    sum.add(minutes, Unit::Minute)?;
    sum.add(seconds, Unit::Second)
}

/// Reads the part behind the `P`: `1Y2M3DT4H5M6S`, or `0001-02-03T04:05:06`.
fn iso_8601(text: &str, sum: &mut Sum) -> Option<()> {
    let upper = text.to_ascii_uppercase();
    let (date, time) = match upper.split_once('T') {
        Some((date, time)) if !time.is_empty() => (date, time),
        Some(_) => return None,
        None => (upper.as_str(), ""),
    };
    if date.is_empty() && time.is_empty() {
        return None;
    }
    if date.get(1..).is_some_and(|date| date.contains('-') && !date.contains(char::is_alphabetic)) {
        let parts: Vec<&str> = date.split('-').collect();
        let [years, months, days] = parts.as_slice() else { return None };
        sum.add(Number::whole(years, false)?, Unit::Year)?;
        sum.add(Number::whole(months, false)?, Unit::Month)?;
        sum.add(Number::whole(days, false)?, Unit::Day)?;
    } else {
        designators(date, sum, |unit| {
            Some(match unit {
                'Y' => Unit::Year,
                'M' => Unit::Month,
                'W' => Unit::Week,
                'D' => Unit::Day,
                _ => return None,
            })
        })?;
    }
    if time.contains(':') {
        return clock(time, false, IntervalFields::default(), sum);
    }
    designators(time, sum, |unit| {
        Some(match unit {
            'H' => Unit::Hour,
            'M' => Unit::Minute,
            'S' => Unit::Second,
            _ => return None,
        })
    })
}

fn designators(text: &str, sum: &mut Sum, unit_of: impl Fn(char) -> Option<Unit>) -> Option<()> {
    let mut rest = text;
    while !rest.is_empty() {
        let at = rest.find(|c: char| c.is_ascii_alphabetic())?;
        let (number, after) = rest.split_at(at);
        let unit = unit_of(after.chars().next()?)?;
        let (negative, number) = match number.strip_prefix('-') {
            Some(number) => (true, number),
            None => (false, number.strip_prefix('+').unwrap_or(number)),
        };
        sum.add_again(Number::parse(number, negative)?, unit)?;
        rest = &after[1..];
    }
    Some(())
}
