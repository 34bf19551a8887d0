//! Texts of times that are not ISO 8601, as Postgres reads them: `January 8, 1999`, `8-Jan-1999`, `1/8/1999
//! 4:05 PM PST`.
//!
//! A text is cut into words; each says by its form what it is, in any order. Of three numbers the month comes
//! first, unless the first of them is a year.

use chrono::{Datelike, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};

use super::literal::{NoTime, TimeZone, clock, digits};

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
const DAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// Hours east of UTC of the zones that are known by their letters.
const ABBREVIATIONS: &[(&str, f64)] = &[
    ("acst", 9.5),
    ("acdt", 10.5),
    ("adt", -3.0),
    ("aedt", 11.0),
    ("aest", 10.0),
    ("akdt", -8.0),
    ("akst", -9.0),
    ("ast", -4.0),
    ("awst", 8.0),
    ("bst", 1.0),
    ("cdt", -5.0),
    ("cest", 2.0),
    ("cet", 1.0),
    ("cst", -6.0),
    ("edt", -4.0),
    ("eest", 3.0),
    ("eet", 2.0),
    ("est", -5.0),
    ("gmt", 0.0),
    ("hst", -10.0),
    ("jst", 9.0),
    ("kst", 9.0),
    ("mdt", -6.0),
    ("msk", 3.0),
    ("mst", -7.0),
    ("ndt", -2.5),
    ("nst", -3.5),
    ("nzdt", 13.0),
    ("nzst", 12.0),
    ("pdt", -7.0),
    ("pst", -8.0),
    ("utc", 0.0),
    ("wet", 0.0),
    ("west", 1.0),
    ("z", 0.0),
    ("zulu", 0.0),
];

/// The zone that letters stand for; of a distance that does not change with the seasons.
pub(super) fn zone_of_letters(text: &str) -> Option<TimeZone> {
    let (_, hours) = ABBREVIATIONS.iter().find(|(letters, _)| letters.eq_ignore_ascii_case(text))?;
    FixedOffset::east_opt((hours * 3_600.0) as i32).map(TimeZone::Fixed)
}

/// Reads a text; the zone is that which it names.
pub(super) fn read_words(text: &str) -> Result<(NaiveDateTime, Option<TimeZone>), NoTime> {
    if !text.is_ascii() {
        return Err(NoTime::Form);
    }
    let mut words = Words::default();
    for word in text.split([' ', ',', '\t']).filter(|word| !word.is_empty()) {
        words.take(word)?;
    }
    words.time()
}

#[derive(Debug, Default)]
struct Words {
    date: Option<NaiveDate>,
    year: Option<u32>,
    month: Option<u32>,
    day: Option<u32>,
    /// Microseconds of the day.
    clock: Option<i64>,
    is_pm: Option<bool>,
    zone: Option<TimeZone>,
}

impl Words {
    fn take(&mut self, word: &str) -> Result<(), NoTime> {
        if word.contains(':') {
            return self.take_clock(word);
        }
        if word.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return self.take_name(word);
        }
        if self.clock.is_some() && word.starts_with(['+', '-']) {
            return self.take_zone(word);
        }
        if let Some(separator) = ['-', '/', '.'].into_iter().find(|separator| word.contains(*separator)) {
            return self.take_parts(&word.split(separator).collect::<Vec<_>>());
        }
        self.take_number(word)
    }

    /// A clock, perhaps with `PM` or a zone at its end.
    fn take_clock(&mut self, word: &str) -> Result<(), NoTime> {
        let end = word.find(|c: char| !(c.is_ascii_digit() || matches!(c, ':' | '.'))).unwrap_or(word.len());
        let (digits, rest) = word.split_at(end);
        if self.clock.replace(clock(digits)?).is_some() {
            return Err(NoTime::Form);
        }
        match rest {
            "" => Ok(()),
            rest if rest.starts_with(['+', '-']) => self.take_zone(rest),
            rest => self.take_name(rest),
        }
    }

    fn take_zone(&mut self, word: &str) -> Result<(), NoTime> {
        let zone = TimeZone::parse_beside_time(word).map_err(|_| NoTime::Form)?;
        if self.zone.replace(zone).is_some() { Err(NoTime::Form) } else { Ok(()) }
    }

    fn take_name(&mut self, word: &str) -> Result<(), NoTime> {
        let word = word.trim_end_matches('.');
        let lower = word.to_ascii_lowercase();
        if let Some(parts) = lower.split_once('-').map(|_| lower.split('-').collect::<Vec<_>>())
            && month_of(parts[0]).is_some()
        {
            return self.take_parts(&parts);
        }
        if let Some(month) = month_of(&lower) {
            return if self.month.replace(month).is_some() { Err(NoTime::Form) } else { Ok(()) };
        }
        if let Some(day) = lower.strip_prefix('j').filter(|day| day.bytes().all(|byte| byte.is_ascii_digit()))
            && !day.is_empty()
        {
            let day = i32::try_from(digits(day, 8)?).map_err(|_| NoTime::Range)? - 1_721_425;
            self.date = Some(NaiveDate::from_num_days_from_ce_opt(day).ok_or(NoTime::Range)?);
            return Ok(());
        }
        match lower.as_str() {
            "am" => self.is_pm = Some(false),
            "pm" => self.is_pm = Some(true),
            "ad" => {}
            // There is no year before 1.
            "bc" => return Err(NoTime::Range),
            "allballs" => {
                self.clock = Some(0);
                self.zone = Some(TimeZone::UTC);
            }
            word if is_name(word, &DAYS) => {}
            _ => return self.take_zone(word),
        }
        Ok(())
    }

    /// `1999-Jan-08`, `8-Jan-1999`, `Jan-08-1999`, `1/8/1999`, `1999/1/8`.
    fn take_parts(&mut self, parts: &[&str]) -> Result<(), NoTime> {
        let [first, second, third] = parts else { return Err(NoTime::Form) };
        if self.year.is_some() || self.month.is_some() || self.day.is_some() {
            return Err(NoTime::Form);
        }
        let is_year = |part: &str| part.len() >= 3;
        let (year, month, day) = if is_year(first) && month_of(first).is_none() {
            (*first, *second, *third)
        } else if month_of(second).is_some() {
            (*third, *second, *first)
        } else {
            (*third, *first, *second)
        };
        self.year = Some(year_of(year)?);
        self.month = Some(match month_of(&month.to_ascii_lowercase()) {
            Some(month) => month,
            None => digits(month, 2)?,
        });
        self.day = Some(digits(day, 2)?);
        Ok(())
    }

    fn take_number(&mut self, word: &str) -> Result<(), NoTime> {
        let has_date = self.date.is_some() || self.year.is_some();
        match word.len() {
            8 if !has_date => self.take_parts(&[&word[..4], &word[4..6], &word[6..]]),
            6 if !has_date && self.month.is_none() => {
                let year = year_of(&word[..2])?;
                (self.year, self.month, self.day) =
                    (Some(year), Some(digits(&word[2..4], 2)?), Some(digits(&word[4..], 2)?));
                Ok(())
            }
            6 | 4 if has_date && self.clock.is_none() => {
                let seconds = if word.len() == 6 { &word[4..] } else { "00" };
                self.clock = Some(clock(&format!("{}:{}:{seconds}", &word[..2], &word[2..4]))?);
                Ok(())
            }
            3 | 4 if self.year.is_none() => {
                self.year = Some(digits(word, 4)?);
                Ok(())
            }
            1 | 2 if self.day.is_none() => {
                self.day = Some(digits(word, 2)?);
                Ok(())
            }
            2 if self.year.is_none() => {
                self.year = Some(year_of(word)?);
                Ok(())
            }
            _ => Err(NoTime::Form),
        }
    }

    fn time(self) -> Result<(NaiveDateTime, Option<TimeZone>), NoTime> {
        let date = match (self.date, self.year, self.month, self.day) {
            (Some(date), None, None, None) => date,
            (None, Some(year), Some(month), Some(day)) => {
                let year = i32::try_from(year).map_err(|_| NoTime::Range)?;
                NaiveDate::from_ymd_opt(year, month, day).ok_or(NoTime::Range)?
            }
            _ => return Err(NoTime::Form),
        };
        if !(1..=9_999).contains(&date.year()) {
            return Err(NoTime::Range);
        }
        let mut of_day = self.clock.unwrap_or(0);
        if let Some(is_pm) = self.is_pm {
            const HOUR: i64 = 3_600_000_000;
            if self.clock.is_none() {
                return Err(NoTime::Form);
            }
            if of_day >= 13 * HOUR {
                return Err(NoTime::Range);
            }
            of_day = of_day % (12 * HOUR) + if is_pm { 12 * HOUR } else { 0 };
        }
        Ok((date.and_time(NaiveTime::MIN) + TimeDelta::microseconds(of_day), self.zone))
    }
}

/// The month that a name stands for, in full or by its first letters.
fn month_of(word: &str) -> Option<u32> {
    let word = if word.eq_ignore_ascii_case("sept") { "sep" } else { word };
    let at = MONTHS
        .iter()
        .position(|month| word.eq_ignore_ascii_case(month) || word.eq_ignore_ascii_case(&month[..3]))?;
    Some(at as u32 + 1)
}

fn is_name(word: &str, names: &[&str]) -> bool {
    let others = ["tues", "weds", "thur", "thurs"];
    others.contains(&word) || names.iter().any(|name| word == *name || word == &name[..3])
}

/// A year; of two digits it is one of 1970 to 2069.
fn year_of(text: &str) -> Result<u32, NoTime> {
    let year = digits(text, 4)?;
    Ok(match (text.len(), year) {
        (1 | 2, ..70) => year + 2_000,
        (1 | 2, _) => year + 1_900,
        _ => year,
    })
}
