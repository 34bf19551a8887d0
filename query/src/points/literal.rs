//! Instants and versions as text.

use std::str::FromStr;

use bygone_engine::Timestamp;
use chrono::{DateTime, Days, FixedOffset, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, TimeZone as _};

use super::interval::parse_interval;
use crate::error::{Error, Result, quoted};

/// The session's time zone: where a literal without zone is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
        Err(Error::invalid_value(format!("{} is not a time zone", quoted(text)))
            .with_hint("write UTC, Europe/Berlin or +02:00"))
    }

    /// The instant, in microseconds, at which clocks of this zone show `local`. `None` when they never do (the hour
    /// that summer time skips); the first of two when they do twice.
    pub fn instant_micros(self, local: NaiveDateTime) -> Option<i64> {
        fn first<Z: chrono::TimeZone>(found: LocalResult<DateTime<Z>>) -> Option<i64> {
            match found {
                LocalResult::Single(time) | LocalResult::Ambiguous(time, _) => Some(time.timestamp_micros()),
                LocalResult::None => None,
            }
        }
        match self {
            Self::Named(zone) => first(zone.from_local_datetime(&local)),
            Self::Fixed(offset) => first(offset.from_local_datetime(&local)),
        }
    }

    /// What clocks of this zone show at `at`.
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

/// Reads an instant; see the module documentation for the forms. Whether it is in the future is for the caller to
/// check.
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
        Some(name) => TimeZone::parse(name).map_err(|_| bad())?,
        None => zone,
    };
    local_instant(parse_local(local).ok_or_else(bad)?, zone, text)
}

fn local_instant(local: NaiveDateTime, zone: TimeZone, text: &str) -> Result<Timestamp> {
    let micros = zone.instant_micros(local).ok_or_else(|| {
        Error::invalid_value(format!("{} does not exist in time zone {zone}", quoted(text)))
            .with_hint("clocks skip that hour; write the offset, for instance +01:00")
    })?;
    match u64::try_from(micros) {
        Ok(micros) if micros > 0 => Ok(Timestamp::from_micros(micros)),
        _ => Err(Error::invalid_value(format!("{} is before 1970", quoted(text)))),
    }
}

/// The date and time, and what follows them if it names a zone.
fn split_zone(text: &str) -> (&str, Option<&str>) {
    // The date is ten characters (a year has four digits); a sign after it starts an offset.
    let body_end = text
        .char_indices()
        .skip(10)
        .find(|(_, c)| !(c.is_ascii_digit() || matches!(c, ':' | '.' | ',' | ' ' | 'T' | 't')))
        .map_or(text.len(), |(i, _)| i);
    let (local, zone) = text.split_at(body_end);
    let zone = zone.trim();
    (local.trim_end(), (!zone.is_empty()).then_some(zone))
}

/// Reads a date and time with an optional zone: the text form of a `TIMESTAMP` in files. `None` when it is not one.
pub fn parse_local_time(text: &str) -> Option<(NaiveDateTime, Option<TimeZone>)> {
    let (local, zone) = split_zone(text);
    let zone = match zone {
        None => None,
        Some("Z" | "z") => Some(TimeZone::UTC),
        Some(name) => Some(TimeZone::parse(name).ok()?),
    };
    Some((parse_local(local)?, zone))
}

fn parse_local(text: &str) -> Option<NaiveDateTime> {
    fn digits(bytes: &[u8]) -> Option<u32> {
        bytes
            .iter()
            .try_fold(0, |number, byte| byte.is_ascii_digit().then(|| number * 10 + u32::from(byte - b'0')))
    }
    let bytes = text.as_bytes();
    let (date, rest) = bytes.split_first_chunk::<10>()?;
    if date[4] != b'-' || date[7] != b'-' {
        return None;
    }
    let year = digits(&date[..4])?;
    let date = NaiveDate::from_ymd_opt(year as i32, digits(&date[5..7])?, digits(&date[8..])?)?;
    if rest.is_empty() {
        return Some(date.and_time(NaiveTime::MIN));
    }
    let (b'T' | b't' | b' ', clock) = rest.split_first()? else { return None };
    let clock = clock.trim_ascii();
    let (minute, rest) = clock.split_first_chunk::<5>()?;
    if minute[2] != b':' {
        return None;
    }
    let (mut second, mut micro) = (0, 0);
    if !rest.is_empty() {
        let (with_second, fraction) = rest.split_first_chunk::<3>()?;
        if with_second[0] != b':' {
            return None;
        }
        second = digits(&with_second[1..])?;
        if let Some((point, fraction)) = fraction.split_first() {
            // More than microseconds are cut, as casts cut them.
            let kept = &fraction[..fraction.len().min(6)];
            if *point != b'.' || fraction.is_empty() || !fraction.iter().all(u8::is_ascii_digit) {
                return None;
            }
            micro = digits(kept)? * 10u32.pow(6 - kept.len() as u32);
        }
    }
    let time = NaiveTime::from_hms_micro_opt(digits(&minute[..2])?, digits(&minute[3..])?, second, micro)?;
    Some(date.and_time(time))
}

/// `+02`, `+0200`, `-02:30`.
fn parse_offset(text: &str) -> Option<FixedOffset> {
    let (sign, digits) = match text.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let digits: String = digits.chars().filter(|c| *c != ':').collect();
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
