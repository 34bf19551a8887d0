//! A text read after a pattern.

use chrono::{Days, NaiveDate, NaiveDateTime, TimeDelta, Weekday};

use super::{
    Field, Item, Key, Pattern,
    show::{DAYS, MONTHS, ROMAN},
};
use crate::error::{Error, Result, SqlState, quoted};

/// A time that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::postgres::functions::times) struct ParsedTime {
    pub local: NaiveDateTime,
    /// Seconds east of UTC, if the text says so.
    pub east: Option<i32>,
}

/// Reads a text after a pattern. As in Postgres, blanks count nothing, any separator stands for any other, a
/// character of the pattern for any character, and what follows the last field is left out of account.
///
/// # Errors
///
/// 22007 where a field has no value, 22008 where there is no such day or hour.
pub(in crate::postgres::functions::times) fn read(text: &str, pattern: &Pattern) -> Result<ParsedTime> {
    let mut reader = PatternReader { rest: text, skipped: 0, found: Found::default() };
    for (at, item) in pattern.items.iter().enumerate() {
        if reader.rest.is_empty() {
            break;
        }
        reader.item(item, at == 0, &pattern.items[at + 1..])?;
    }
    reader.found.time(text)
}

/// Half of a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meridiem {
    Am,
    Pm,
}

/// The fields that were read.
#[derive(Debug, Default)]
struct Found {
    year: Option<i64>,
    /// The year has two digits or less, so that a century completes it.
    is_short_year: bool,
    century: Option<i64>,
    is_bc: bool,
    month: Option<i64>,
    day: Option<i64>,
    day_of_year: Option<i64>,
    week_of_year: Option<i64>,
    week_of_month: Option<i64>,
    julian_day: Option<i64>,
    iso_year: Option<i64>,
    iso_week: Option<i64>,
    iso_day: Option<i64>,
    iso_day_of_year: Option<i64>,
    hour: Option<i64>,
    /// `AM` or `PM`; none where the clock has 24 hours.
    meridiem: Option<Meridiem>,
    minute: Option<i64>,
    second: Option<i64>,
    second_of_day: Option<i64>,
    micros: Option<i64>,
    east_sign: i64,
    zone_hour: Option<i64>,
    zone_minute: Option<i64>,
}

struct PatternReader<'t> {
    rest: &'t str,
    /// Blanks and separators that were skipped beyond those of the pattern.
    skipped: i64,
    found: Found,
}

fn is_separator(c: char) -> bool {
    c.is_ascii_graphic() && !c.is_ascii_alphanumeric()
}

impl PatternReader<'_> {
    fn item(&mut self, item: &Item, is_first: bool, next: &[Item]) -> Result<()> {
        if is_first || !matches!(item, Item::Quoted(_)) {
            self.skip_blanks();
        }
        match item {
            Item::Char(c) if c.is_whitespace() || is_separator(*c) => {
                self.skipped -= 1;
                if let Some(c) = self.rest.chars().next()
                    && (c.is_whitespace() || is_separator(c))
                {
                    self.rest = &self.rest[c.len_utf8()..];
                    self.skipped += 1;
                }
            }
            Item::Char(_) => self.skip_character(),
            Item::Quoted(text) => text.chars().for_each(|_| self.skip_character()),
            Item::Field(field) => {
                self.field(*field, next)?;
                if field.ordinal.is_some() {
                    self.rest = self.rest.get(2..).unwrap_or_default();
                }
                self.skipped = 0;
                self.skip_blanks();
            }
        }
        Ok(())
    }

    fn skip_blanks(&mut self) {
        let trimmed = self.rest.trim_start();
        self.skipped += self.rest[..self.rest.len() - trimmed.len()].chars().count() as i64;
        self.rest = trimmed;
    }

    fn skip_character(&mut self) {
        if self.skipped > 0 {
            self.skipped -= 1;
        } else if let Some(c) = self.rest.chars().next() {
            self.rest = &self.rest[c.len_utf8()..];
        }
    }

    fn field(&mut self, field: Field, next: &[Item]) -> Result<()> {
        let name = name_of(field.key);
        let is_open = field.fill || is_separated(field, next);
        let number = |reader: &mut Self, len: usize| reader.number(name, len, is_open);
        match field.key {
            Key::Exact | Key::Quarter => {
                if field.key == Key::Quarter {
                    number(self, 1)?;
                }
            }
            Key::Meridiem { dots } => {
                let words: &[&str] = if dots { &["A.M.", "P.M."] } else { &["AM", "PM"] };
                let is_pm = self.word(name, words, usize::MAX)? == 1;
                self.found.meridiem = Some(if is_pm { Meridiem::Pm } else { Meridiem::Am });
            }
            Key::Era { dots } => {
                let words: &[&str] = if dots { &["A.D.", "B.C."] } else { &["AD", "BC"] };
                self.found.is_bc = self.word(name, words, usize::MAX)? == 1;
            }
            Key::MonthName { full } => {
                let month = self.word(name, &MONTHS, if full { usize::MAX } else { 3 })? as i64 + 1;
                set(&mut self.found.month, month, name)?;
            }
            Key::DayName { full } => {
                self.word(name, &DAYS, if full { usize::MAX } else { 3 })?;
            }
            Key::RomanMonth => {
                let month = self.roman(name)?;
                set(&mut self.found.month, month, name)?;
            }
            Key::Hour12 | Key::Hour24 => {
                let hour = number(self, 2)?;
                if field.key == Key::Hour12 {
                    self.found.meridiem.get_or_insert(Meridiem::Am);
                }
                set(&mut self.found.hour, hour, name)?;
            }
            Key::Fraction(digits) => {
                let before = self.rest.len();
                let fraction = number(self, digits as usize)?;
                let used = (before - self.rest.len()) as u32;
                let shift = 6_i64 - i64::from(used);
                let micros = if shift >= 0 {
                    fraction * 10_i64.pow(shift as u32)
                } else {
                    fraction / 10_i64.pow((-shift).min(18) as u32)
                };
                set(&mut self.found.micros, micros, name)?;
            }
            Key::Year { digits, iso } => {
                let before = self.rest.len();
                let year = number(self, digits as usize)?;
                let used = before - self.rest.len();
                let year = if digits < 4 && used < 4 { near_2020(year) } else { year };
                if iso {
                    set(&mut self.found.iso_year, year, name)?;
                } else {
                    self.found.is_short_year = digits <= 2;
                    set(&mut self.found.year, year, name)?;
                }
            }
            Key::YearWithComma => {
                let thousands = self.number(name, 2, true)?;
                self.rest = self.rest.strip_prefix(',').ok_or_else(|| invalid(self.rest, name))?;
                let rest = self.number(name, 3, false)?;
                set(&mut self.found.year, thousands * 1_000 + rest, name)?;
            }
            Key::DayOfWeek => {
                number(self, 1)?;
            }
            Key::JulianDay => {
                let day = self.number(name, 19, true)?;
                set(&mut self.found.julian_day, day, name)?;
            }
            Key::ZoneHour => {
                self.found.east_sign = if self.rest.starts_with('-') { -1 } else { 1 };
                self.rest = self.rest.strip_prefix(['+', '-']).unwrap_or(self.rest);
                let hours = number(self, 2)?;
                set(&mut self.found.zone_hour, hours, name)?;
            }
            Key::ZoneName | Key::Offset => {
                return Err(Error::unsupported(format!("the field {name} in reading a time"))
                    .with_hint("TZH and TZM read a distance from UTC"));
            }
            key => {
                if let Some((len, slot)) = slot(key) {
                    let count = number(self, len)?;
                    set(slot(&mut self.found), count, name)?;
                }
            }
        }
        Ok(())
    }

    /// A whole number: of up to `len` digits, or of all that there are where no other number can follow.
    fn number(&mut self, name: &str, len: usize, is_open: bool) -> Result<i64> {
        self.rest = self.rest.trim_start();
        let sign = usize::from(self.rest.starts_with(['+', '-']));
        let digits = self.rest[sign..].bytes().take_while(u8::is_ascii_digit).count();
        let used = if is_open { sign + digits } else { (sign + digits).min(len) };
        let (number, rest) = self.rest.split_at(used);
        if digits == 0 {
            return Err(invalid(self.rest, name));
        }
        if !is_open && used < len {
            return Err(Error::new(
                SqlState::InvalidDatetimeFormat,
                format!("source string too short for {name}: {}", quoted(number)),
            )
            .with_hint("write the field with all its digits, or FM before it"));
        }
        self.rest = rest;
        number.parse().map_err(|_| out_of_range(number))
    }

    /// The place of the word that comes next among `words`, of which only so many letters count.
    fn word(&mut self, name: &str, words: &[&str], len: usize) -> Result<usize> {
        for (at, word) in words.iter().enumerate() {
            let word = &word[..word.len().min(len)];
            if let Some((written, rest)) = self.rest.split_at_checked(word.len())
                && written.eq_ignore_ascii_case(word)
            {
                self.rest = rest;
                return Ok(at);
            }
        }
        Err(invalid(self.rest, name))
    }

    /// The longest Roman number that fits.
    fn roman(&mut self, name: &str) -> Result<i64> {
        let fits =
            |roman: &str| self.rest.get(..roman.len()).is_some_and(|text| text.eq_ignore_ascii_case(roman));
        let longest =
            ROMAN.iter().enumerate().filter(|(_, roman)| fits(roman)).max_by_key(|(_, roman)| roman.len());
        let Some((at, roman)) = longest else { return Err(invalid(self.rest, name)) };
        self.rest = &self.rest[roman.len()..];
        Ok(at as i64 + 1)
    }
}

/// The place of a number among the fields that were read.
type Slot = fn(&mut Found) -> &mut Option<i64>;

/// The digits of a field that is a plain number, and where it goes.
fn slot(key: Key) -> Option<(usize, Slot)> {
    Some(match key {
        Key::Minute => (2, |found| &mut found.minute),
        Key::Second => (2, |found| &mut found.second),
        Key::SecondOfDay => (5, |found| &mut found.second_of_day),
        Key::Century => (2, |found| &mut found.century),
        Key::Month => (2, |found| &mut found.month),
        Key::Day => (2, |found| &mut found.day),
        Key::DayOfYear => (3, |found| &mut found.day_of_year),
        Key::IsoDayOfYear => (3, |found| &mut found.iso_day_of_year),
        Key::IsoDayOfWeek => (1, |found| &mut found.iso_day),
        Key::WeekOfYear => (2, |found| &mut found.week_of_year),
        Key::IsoWeek => (2, |found| &mut found.iso_week),
        Key::WeekOfMonth => (1, |found| &mut found.week_of_month),
        Key::ZoneMinute => (2, |found| &mut found.zone_minute),
        _ => return None,
    })
}

/// True where no digit can follow a field, so that all digits that come are its own.
fn is_separated(field: Field, next: &[Item]) -> bool {
    if field.ordinal.is_some() {
        return false;
    }
    match next.first() {
        None => true,
        Some(Item::Field(next)) => matches!(
            next.key,
            Key::Meridiem { .. }
                | Key::Era { .. }
                | Key::DayName { .. }
                | Key::MonthName { .. }
                | Key::RomanMonth
                | Key::Offset
                | Key::ZoneName
                | Key::ZoneHour
                | Key::Exact
        ),
        Some(Item::Char(c)) => !c.is_ascii_digit(),
        Some(Item::Quoted(text)) => !text.starts_with(|c: char| c.is_ascii_digit()),
    }
}

/// A year of less than four digits is the one nearest to 2020.
fn near_2020(year: i64) -> i64 {
    match year {
        0..=69 | 100..=519 => year + 2_000,
        70..=99 => year + 1_900,
        520..=999 => year + 1_000,
        _ => year,
    }
}

fn set(field: &mut Option<i64>, value: i64, name: &str) -> Result<()> {
    if field.is_some_and(|before| before != value) {
        let message = format!("conflicting values for {name} in the pattern");
        return Err(Error::new(SqlState::InvalidDatetimeFormat, message)
            .with_hint("the pattern has the field twice, and the text has two values for it"));
    }
    *field = Some(value);
    Ok(())
}

fn invalid(text: &str, name: &str) -> Error {
    let word: String = text.chars().take_while(|c| !c.is_whitespace()).take(20).collect();
    Error::new(SqlState::InvalidDatetimeFormat, format!("invalid value {} for {name}", quoted(&word)))
}

fn out_of_range(text: &str) -> Error {
    Error::new(
        SqlState::DatetimeFieldOverflow,
        format!("date/time field value out of range: {}", quoted(text)),
    )
}

impl Found {
    /// The time that the fields make.
    fn time(&self, text: &str) -> Result<ParsedTime> {
        let bad = || out_of_range(text);
        let date = self.date(text)?;
        let mut hour = self.hour.unwrap_or(0);
        if let Some(meridiem) = self.meridiem
            && self.hour.is_some()
        {
            if !(1..=12).contains(&hour) {
                let message = format!("hour {hour} is invalid for the 12-hour clock");
                return Err(Error::new(SqlState::InvalidDatetimeFormat, message)
                    .with_hint("use the 24-hour clock, HH24, or give an hour between 1 and 12"));
            }
            hour = hour % 12 + if meridiem == Meridiem::Pm { 12 } else { 0 };
        }
        let (mut minute, mut second) = (self.minute.unwrap_or(0), self.second.unwrap_or(0));
        if let Some(all) = self.second_of_day {
            (hour, minute, second) = (all / 3_600, all / 60 % 60, all % 60);
        }
        let micros = self.micros.unwrap_or(0);
        let is_clock = (0..24).contains(&hour)
            && (0..60).contains(&minute)
            && (0..60).contains(&second)
            && (0..1_000_000).contains(&micros);
        if !is_clock {
            return Err(bad());
        }
        let of_day = ((hour * 60 + minute) * 60 + second) * 1_000_000 + micros;
        let local = date.and_time(chrono::NaiveTime::MIN) + TimeDelta::microseconds(of_day);
        let east = self.zone_hour.or(self.zone_minute).map(|_| {
            let (hours, minutes) = (self.zone_hour.unwrap_or(0), self.zone_minute.unwrap_or(0));
            let sign = if self.east_sign < 0 { -1 } else { 1 };
            (hours <= 15 && minutes < 60)
                .then(|| (sign * (hours * 3_600 + minutes * 60)) as i32)
                .ok_or_else(bad)
        });
        Ok(ParsedTime { local, east: east.transpose()? })
    }

    fn date(&self, text: &str) -> Result<NaiveDate> {
        let bad = || out_of_range(text);
        if let Some(day) = self.julian_day {
            let day = i32::try_from(day - 1_721_425).map_err(|_| bad())?;
            return NaiveDate::from_num_days_from_ce_opt(day).ok_or_else(bad);
        }
        if let Some(date) = self.iso_date(text)? {
            return Ok(date);
        }
        let year = match (self.year, self.century) {
            (Some(year), Some(century)) if self.is_short_year => match year % 100 {
                0 => century * 100,
                year => (century - 1) * 100 + year,
            },
            (Some(year), _) => year,
            (None, Some(century)) => century * 100 - 99,
            (None, None) => 0,
        };
        let year = if self.is_bc { 1 - year } else { year };
        let year = i32::try_from(year).ok().filter(|year| (1..=9_999).contains(year)).ok_or_else(bad)?;
        let day_of_year = self.day_of_year.or(self.week_of_year.map(|week| (week - 1) * 7 + 1));
        if let (Some(day), None, None) = (day_of_year, self.month, self.day) {
            let day = u32::try_from(day).map_err(|_| bad())?;
            return NaiveDate::from_yo_opt(year, day).ok_or_else(bad);
        }
        let day = self.day.or(self.week_of_month.map(|week| (week - 1) * 7 + 1)).unwrap_or(1);
        let (Ok(month), Ok(day)) = (u32::try_from(self.month.unwrap_or(1)), u32::try_from(day)) else {
            return Err(bad());
        };
        NaiveDate::from_ymd_opt(year, month, day).ok_or_else(bad)
    }

    /// The date of an ISO week, if one was read.
    fn iso_date(&self, text: &str) -> Result<Option<NaiveDate>> {
        let bad = || out_of_range(text);
        if self.iso_year.is_none() && self.iso_week.is_none() && self.iso_day_of_year.is_none() {
            return Ok(None);
        }
        let year = i32::try_from(self.iso_year.unwrap_or(0)).map_err(|_| bad())?;
        let week = u32::try_from(self.iso_week.unwrap_or(1)).map_err(|_| bad())?;
        let first = NaiveDate::from_isoywd_opt(year, week, Weekday::Mon).ok_or_else(bad)?;
        let days = match (self.iso_day_of_year, self.iso_day) {
            (Some(day), _) => day - 1,
            (None, Some(day)) if (1..=7).contains(&day) => day - 1,
            (None, None) => 0,
            _ => return Err(bad()),
        };
        let days = u64::try_from(days).map_err(|_| bad())?;
        first.checked_add_days(Days::new(days)).map(Some).ok_or_else(bad)
    }
}

/// The name of a field in messages.
fn name_of(key: Key) -> &'static str {
    super::KEYWORDS.iter().find(|(_, other)| *other == key).map_or("a field", |(word, _)| word)
}
