//! Lengths of time as people write them: `7 days`, `1h30m`, `90 minutes`, `1 day 12:00:00`.

use crate::error::{Error, Result, quoted};

const SECOND: u64 = 1_000_000;

/// The length of an interval in microseconds. Months and years have no fixed length and are refused.
///
/// # Errors
///
/// 22023 when the text is not an interval, or longer than can be counted.
pub fn parse_interval(text: &str) -> Result<u64> {
    let bad = || {
        Error::invalid_value(format!("{} is not an interval", quoted(text)))
            .with_hint("write for instance '10 minutes', '36h' or '7 days'")
    };
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(bad());
    }
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let number_end =
            rest.find(|c: char| !(c.is_ascii_digit() || c == '.' || c == ':')).unwrap_or(rest.len());
        let (number, tail) = rest.split_at(number_end);
        let tail = tail.trim_start();
        let micros = if number.contains(':') {
            rest = tail;
            clock(number).ok_or_else(bad)?
        } else {
            let unit_end = tail.find(|c: char| !c.is_alphabetic()).unwrap_or(tail.len());
            let (unit, after) = tail.split_at(unit_end);
            rest = after.trim_start_matches([' ', ',', '\t']);
            let unit = unit_micros(unit).ok_or_else(|| {
                if matches!(
                    unit.to_lowercase().as_str(),
                    "month" | "months" | "mon" | "mons" | "year" | "years" | "y"
                ) {
                    bad().with_hint("months and years have no fixed length: write days")
                } else {
                    bad()
                }
            })?;
            scaled(number, unit).ok_or_else(bad)?
        };
        total = total.checked_add(micros).filter(|total| i64::try_from(*total).is_ok()).ok_or_else(bad)?;
    }
    Ok(total)
}

fn unit_micros(unit: &str) -> Option<u64> {
    Some(match unit.to_lowercase().as_str() {
        "us" | "µs" | "microsecond" | "microseconds" => 1,
        "ms" | "millisecond" | "milliseconds" => 1_000,
        "s" | "sec" | "secs" | "second" | "seconds" => SECOND,
        "m" | "min" | "mins" | "minute" | "minutes" => 60 * SECOND,
        "h" | "hr" | "hrs" | "hour" | "hours" => 3_600 * SECOND,
        "d" | "day" | "days" => 86_400 * SECOND,
        "w" | "week" | "weeks" => 7 * 86_400 * SECOND,
        _ => return None,
    })
}

/// `number` × `unit`, exact: the number may have a fraction.
fn scaled(number: &str, unit: u64) -> Option<u64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
        return None;
    }
    let whole: u128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let mut micros = whole.checked_mul(u128::from(unit))?;
    if !fraction.is_empty() {
        let fraction = fraction.get(..fraction.len().min(12))?;
        let digits: u128 = fraction.parse().ok()?;
        micros += digits * u128::from(unit) / 10u128.pow(fraction.len() as u32);
    }
    u64::try_from(micros).ok()
}

/// `12:30`, `12:30:15`, `12:30:15.5`.
fn clock(text: &str) -> Option<u64> {
    let mut parts = text.split(':');
    let hours = scaled(parts.next()?, 3_600 * SECOND)?;
    let minutes = scaled(parts.next()?, 60 * SECOND)?;
    let seconds = parts.next().map_or(Some(0), |part| scaled(part, SECOND))?;
    if parts.next().is_some() || minutes >= 3_600 * SECOND || seconds >= 60 * SECOND {
        return None;
    }
    hours.checked_add(minutes)?.checked_add(seconds)
}
