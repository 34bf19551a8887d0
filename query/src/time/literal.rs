//! Instants and versions as text.

use std::str::FromStr;

use bygone_engine::Timestamp;
use chrono::{
    DateTime, Days, FixedOffset, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, Offset as _, TimeDelta,
    TimeZone as _,
};

use super::{
    date_text::{read_words, zone_of_letters},
    interval::parse_interval,
};
use crate::{
    error::{Error, Result, quoted},
    types::TIME_RANGE_MICROS,
};

/// The session's time zone: where a literal without zone is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TimeZone {
    /// A zone of the tz database, with its summer times.
    Named(chrono_tz::Tz),
    /// A fixed distance from UTC.
    Fixed(FixedOffset),
}

impl Default for TimeZone {
    fn default() -> Self {
        Self::UTC
    }
}

impl TimeZone {
    /// Coordinated universal time.
    pub const UTC: Self = Self::Named(chrono_tz::UTC);

    /// Whether its clocks always show UTC.
    pub fn is_utc(self) -> bool {
        match self {
            Self::Named(zone) => {
                use chrono_tz::Tz;
                matches!(zone, Tz::UTC | Tz::Etc__UTC | Tz::Etc__GMT | Tz::GMT | Tz::Zulu | Tz::Etc__Zulu)
            }
            Self::Fixed(offset) => offset.local_minus_utc() == 0,
        }
    }

    /// Reads `UTC`, `Europe/Berlin`, `+02:00`.
    ///
    /// # Errors
    ///
    /// 22023 when there is no such zone.
    pub fn parse(text: &str) -> Result<Self> {
        let text = text.trim();
        if text.eq_ignore_ascii_case("z") || text.eq_ignore_ascii_case("utc") {
            return Ok(Self::UTC);
        }
        if let Some(offset) = parse_offset(text) {
            return Ok(Self::Fixed(offset));
        }
        if let Ok(zone) = chrono_tz::Tz::from_str(text) {
            return Ok(Self::Named(zone));
        }
        if let Some(zone) = chrono_tz::TZ_VARIANTS.iter().find(|zone| zone.name().eq_ignore_ascii_case(text))
        {
            return Ok(Self::Named(*zone));
        }
        Err(Error::invalid_value(format!("{} is not a time zone", quoted(text)))
            .with_hint("write UTC, Europe/Berlin or +02:00"))
    }

    /// As [`Self::parse`], for a zone that stands beside a time: letters such as `CET` are a distance from
    /// UTC there, that does not change with the seasons.
    ///
    /// # Errors
    ///
    /// As [`Self::parse`].
    pub(crate) fn parse_beside_time(text: &str) -> Result<Self> {
        zone_of_letters(text.trim()).map_or_else(|| Self::parse(text), Ok)
    }

    /// The zone so many hours east of UTC.
    ///
    /// # Errors
    ///
    /// 22023 when no clock is so far from UTC, or when they are not whole minutes.
    pub fn from_hours(hours: f64) -> Result<Self> {
        let seconds = (hours * 3_600.0).round();
        let is_offset = seconds.abs() < 86_400.0 && seconds % 60.0 == 0.0;
        let offset = is_offset.then(|| FixedOffset::east_opt(seconds as i32)).flatten();
        offset.map(Self::Fixed).ok_or_else(|| {
            Error::invalid_value(format!("{hours} is not a time zone"))
                .with_hint("write UTC, Europe/Berlin or +02:00")
        })
    }

    /// The instant, in microseconds, at which clocks of this zone show `local`. A time that summer time skips
    /// is the one that an unchanged clock would show; of a time that clocks show twice the second is meant.
    /// So it is in Postgres.
    pub fn instant_micros(self, local: NaiveDateTime) -> i64 {
        fn seconds_east<Z: chrono::TimeZone>(zone: &Z, local: &NaiveDateTime) -> i64 {
            let offset = |offset: &Z::Offset| i64::from(offset.fix().local_minus_utc());
            match zone.offset_from_local_datetime(local) {
                LocalResult::Single(only) => offset(&only),
                LocalResult::Ambiguous(_, second) => offset(&second),
                LocalResult::None => {
                    // No zone skips more than a day: the offset of the day before is that of before the gap.
                    let before = *local - TimeDelta::days(1);
                    offset(&zone.offset_from_utc_datetime(&before))
                }
            }
        }
        let east = match self {
            Self::Named(zone) => seconds_east(&zone, &local),
            Self::Fixed(zone) => seconds_east(&zone, &local),
        };
        local.and_utc().timestamp_micros() - east * 1_000_000
    }

    /// As [`Self::instant_micros`], of a local time in microseconds since 1970 on its own clock.
    pub fn instant_of_micros(self, local: i64) -> i64 {
        if self.is_utc() {
            return local;
        }
        DateTime::from_timestamp_micros(local).map_or(local, |time| self.instant_micros(time.naive_utc()))
    }

    /// Local time of this zone at an instant, both in microseconds since 1970.
    pub fn local_micros(self, instant: i64) -> i64 {
        if self.is_utc() {
            return instant;
        }
        let Some(time) = DateTime::from_timestamp_micros(instant) else { return instant };
        let time = time.naive_utc();
        let east = match self {
            Self::Named(zone) => zone.offset_from_utc_datetime(&time).fix(),
            Self::Fixed(zone) => zone,
        };
        instant + i64::from(east.local_minus_utc()) * 1_000_000
    }

    /// The letters of the zone at an instant: `CEST`.
    pub(crate) fn abbreviation(self, at: DateTime<chrono::Utc>) -> String {
        match self {
            Self::Named(zone) => at.with_timezone(&zone).format("%Z").to_string(),
            Self::Fixed(offset) => offset.to_string(),
        }
    }

    /// Date that clocks of this zone show at `at`.
    fn local_date(self, at: Timestamp) -> Option<NaiveDate> {
        let utc = DateTime::from_timestamp_micros(i64::try_from(at.as_micros()).ok()?)?;
        Some(match self {
            Self::Named(zone) => utc.with_timezone(&zone).date_naive(),
            Self::Fixed(offset) => utc.with_timezone(&offset).date_naive(),
        })
    }
}

impl std::fmt::Display for TimeZone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Named(zone) => f.write_str(zone.name()),
            Self::Fixed(offset) => write!(f, "{offset}"),
        }
    }
}

/// Reads an instant; see the module documentation for the forms. Whether it is in the future is for the
/// caller to check.
///
/// # Errors
///
/// 22023 when the text is not a time, the time does not exist in its zone, or it is out of range.
pub fn literal_time(text: &str, zone: TimeZone, now: Timestamp) -> Result<Timestamp> {
    let trimmed = text.trim();
    let bad = || not_a_time(text);
    if trimmed.eq_ignore_ascii_case("now") {
        return Ok(now);
    }
    let days_back = match trimmed.to_ascii_lowercase().as_str() {
        "today" => Some(0),
        "yesterday" => Some(1),
        _ => None,
    };
    if let Some(days) = days_back {
        let date =
            zone.local_date(now).and_then(|date| date.checked_sub_days(Days::new(days))).ok_or_else(bad)?;
        return local_instant(date.and_time(NaiveTime::MIN), zone, text);
    }
    if let Some(interval) = trimmed.strip_prefix('-') {
        let back = parse_interval(interval).map_err(|error| match error.hint() {
            Some(hint) => bad().with_hint(hint.to_owned()),
            None => bad(),
        })?;
        return match now.as_micros().checked_sub(back) {
            Some(micros) if micros > 0 => Ok(Timestamp::from_micros(micros)),
            _ => Err(Error::invalid_value(format!("{} is before 1970", quoted(text)))),
        };
    }
    let (local, own_zone) = split_zone(trimmed);
    let zone = match own_zone {
        Some(name) => TimeZone::parse_beside_time(name).map_err(|_| bad())?,
        None => zone,
    };
    local_instant(parse_local(local).map_err(|_| bad())?, zone, text)
}

fn local_instant(local: NaiveDateTime, zone: TimeZone, text: &str) -> Result<Timestamp> {
    match u64::try_from(zone.instant_micros(local)) {
        Ok(micros) if micros > 0 => Ok(Timestamp::from_micros(micros)),
        _ => Err(Error::invalid_value(format!("{} is before 1970", quoted(text)))),
    }
}

/// The date and time, and what follows them if it names a zone.
fn split_zone(text: &str) -> (&str, Option<&str>) {
    // A sign after the date, which has two of them itself, starts an offset.
    let date_len = match text.match_indices('-').nth(1) {
        Some((at, _)) if !text[..at].contains([' ', 'T', 't']) => at + 1,
        _ => text.find([' ', 'T', 't']).unwrap_or(text.len()),
    };
    let body_end = text[date_len..]
        .char_indices()
        .map(|(at, c)| (at + date_len, c))
        .find(|(_, c)| !(c.is_ascii_digit() || matches!(c, ':' | '.' | ',' | ' ' | 'T' | 't')))
        .map_or(text.len(), |(i, _)| i);
    let (local, zone) = text.split_at(body_end);
    let zone = zone.trim();
    (local.trim_end(), (!zone.is_empty()).then_some(zone))
}

/// The microseconds that a text stands for: of the instant, where one without zone is read in `zone`, or
/// without `zone` of the local time. Of that the text's own zone is dropped, as in Postgres.
///
/// # Errors
///
/// 22007 when the text is not a time, 22008 when there is no such day, hour or year, 0A000 for `infinity`.
pub(crate) fn read_time(text: &str, zone: Option<TimeZone>) -> Result<i64> {
    let type_name = if zone.is_some() { "TIMESTAMPTZ" } else { "TIMESTAMP" };
    let (local, own_zone) = parse_time_text(text, type_name)?;
    let local = local.and_utc().timestamp_micros();
    let micros = zone.map_or(local, |zone| own_zone.unwrap_or(zone).instant_of_micros(local));
    in_range(micros, text)
}

/// The days since 1970 of the date that a text stands for.
///
/// # Errors
///
/// As [`read_time`].
pub(crate) fn read_date(text: &str) -> Result<i32> {
    let (local, _) = parse_time_text(text, "DATE")?;
    let micros = in_range(local.and_utc().timestamp_micros(), text)?;
    Ok(micros.div_euclid(86_400_000_000) as i32)
}

fn in_range(micros: i64, text: &str) -> Result<i64> {
    if TIME_RANGE_MICROS.contains(&micros) { Ok(micros) } else { Err(Error::time_out_of_range(quoted(text))) }
}

/// A date and time with an optional zone; `type_name` is what the text is read as.
fn parse_time_text(text: &str, type_name: &str) -> Result<(NaiveDateTime, Option<TimeZone>)> {
    let trimmed = text.trim();
    if trimmed.eq_ignore_ascii_case("epoch") {
        return Ok((DateTime::UNIX_EPOCH.naive_utc(), Some(TimeZone::UTC)));
    }
    if trimmed.trim_start_matches(['+', '-']).eq_ignore_ascii_case("infinity") {
        return Err(Error::unsupported(format!("{trimmed} as a {type_name}"))
            .with_hint("times are in the years 1 to 9999; leave the value NULL, or take the last of them"));
    }
    let iso = || {
        let (local, zone) = split_zone(trimmed);
        let zone = zone.map(TimeZone::parse_beside_time).transpose();
        Ok((parse_local(local)?, zone.map_err(|_| NoTime::Form)?))
    };
    let read = match iso() {
        Err(NoTime::Form) => read_words(trimmed),
        read => read,
    };
    read.map_err(|problem| match problem {
        NoTime::Form => Error::bad_time(text, type_name),
        NoTime::Range => Error::time_out_of_range(quoted(text)),
    })
}

/// Reason for which a text is not a local time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoTime {
    /// It does not read like one.
    Form,
    /// There is no such day, hour or year.
    Range,
}

/// `2024-01-31`, `20240131`, `2024-1-31 12:00`, `2024-01-31T12:00:00.5`.
fn parse_local(text: &str) -> Result<NaiveDateTime, NoTime> {
    let (date, of_day) = match text.split_once(['T', 't', ' ']) {
        Some((date, of_day)) => (date, Some(of_day.trim_start())),
        None => (text, None),
    };
    let mut parts = date.split('-');
    let (year, month, day) = match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(year), Some(month), Some(day), None) => (year, month, day),
        // All digits in one: 20240131.
        (Some(date), None, None, None) if date.len() == 8 && date.is_ascii() => {
            (&date[..4], &date[4..6], &date[6..])
        }
        _ => return Err(NoTime::Form),
    };
    if year.len() < 4 {
        return Err(NoTime::Form);
    }
    let (month, day) = (digits(month, 2)?, digits(day, 2)?);
    let year = digits(year, 6)?;
    if !(1..=9999).contains(&year) {
        return Err(NoTime::Range);
    }
    let date = NaiveDate::from_ymd_opt(year as i32, month, day).ok_or(NoTime::Range)?;
    let midnight = date.and_time(NaiveTime::MIN);
    let Some(of_day) = of_day else { return Ok(midnight) };
    Ok(midnight + TimeDelta::microseconds(clock(of_day)?))
}

/// The microseconds of the day that `12:00`, `12:00:00.5` stands for.
pub(super) fn clock(text: &str) -> Result<i64, NoTime> {
    let mut parts = text.split(':');
    let (Some(hour), Some(minute), second, None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(NoTime::Form);
    };
    if minute.len() != 2 {
        return Err(NoTime::Form);
    }
    let (second, fraction) = match second.map(|second| second.split_once('.').unwrap_or((second, "0"))) {
        Some((second, fraction)) if second.len() == 2 => (digits(second, 2)?, micros(fraction)?),
        Some(_) => return Err(NoTime::Form),
        None => (0, 0),
    };
    let (hour, minute) = (digits(hour, 2)?, digits(minute, 2)?);
    // The end of a day is the begin of the next; a second may be the one that a clock leaps.
    let is_end = hour == 24 && minute == 0 && second == 0 && fraction == 0;
    if !(hour < 24 || is_end) || minute > 59 || second > 60 {
        return Err(NoTime::Range);
    }
    Ok(i64::from(hour * 3_600 + minute * 60 + second) * 1_000_000 + i64::from(fraction))
}

/// A number of at most so many digits.
pub(super) fn digits(text: &str, len_max: usize) -> Result<u32, NoTime> {
    if text.is_empty() || text.len() > len_max || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(NoTime::Form);
    }
    text.parse().map_err(|_| NoTime::Form)
}

/// The digits after the point of a second, as microseconds; what is finer is rounded.
fn micros(fraction: &str) -> Result<u32, NoTime> {
    if fraction.is_empty() || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(NoTime::Form);
    }
    let kept = &fraction[..fraction.len().min(6)];
    let rounds_up = fraction.as_bytes().get(6).is_some_and(|digit| *digit >= b'5');
    Ok(digits(kept, 6)? * 10u32.pow(6 - kept.len() as u32) + u32::from(rounds_up))
}

/// `+02`, `+0200`, `-02:30`.
fn parse_offset(text: &str) -> Option<FixedOffset> {
    let (sign, digits) = match text.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let digits: String = digits.chars().filter(|c| *c != ':').collect();
    let digits = if digits.len() == 1 { format!("0{digits}") } else { digits };
    if !matches!(digits.len(), 2 | 4) || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let hours: i32 = digits[..2].parse().ok()?;
    let minutes: i32 = digits.get(2..).filter(|m| !m.is_empty()).map_or(Ok(0), str::parse).ok()?;
    if minutes > 59 {
        return None;
    }
    FixedOffset::east_opt(sign * (hours * 3600 + minutes * 60))
}

fn not_a_time(text: &str) -> Error {
    Error::invalid_value(format!("{} is not a time", quoted(text)))
        .with_hint("write for instance '2024-01-31 12:00:00', '2024-01-31T12:00:00Z', '-10 minutes'")
}

/// Reads the number of a version.
///
/// # Errors
///
/// 22023 when the text is not a positive whole number that a version can be.
pub fn version_from_text(text: &str) -> Result<u64> {
    match text.trim().parse::<u64>() {
        Ok(version) if version > 0 && version <= Timestamp::LAST.as_micros() => Ok(version),
        _ => Err(Error::invalid_value(format!("{} is not a version", quoted(text)))
            .with_hint("a version is the number that SHOW HISTORY gives a commit")),
    }
}
