//! Patterns of `to_char`, `to_date` and `to_timestamp` as Postgres has them: `YYYY-MM-DD HH24:MI:SS`.
//!
//! A pattern is cut into fields by the longest keyword at each place; what is none is text. `FM` before a
//! field takes its padding away, `TH` behind it adds the ending of an ordinal number, `TM` is read and
//! changes nothing but the padding.
//!
//! strftime's `%Y` would be a percent sign and the last digit of the year: a percent sign before a letter is
//! refused, unless it stands in double quotes.

mod read;
mod show;

use std::iter::Peekable;

pub(super) use read::{ParsedTime, read};
pub(super) use show::{ShownTime, show};

use crate::error::{Error, Result, SqlState, quoted};

/// Letter case of a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Letters {
    Upper,
    Lower,
    /// As `Monday`.
    Capital,
}

/// A field of a date or time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Key {
    /// `AM` or `PM`, with dots or without.
    Meridiem {
        dots: bool,
    },
    /// `AD` or `BC`, with dots or without.
    Era {
        dots: bool,
    },
    Century,
    /// The name of the day, in full or three letters of it.
    DayName {
        full: bool,
    },
    /// Days of the year, of the month, of the week from Sunday; of the ISO year, of the week from Monday.
    DayOfYear,
    Day,
    DayOfWeek,
    IsoDayOfYear,
    IsoDayOfWeek,
    /// Digits of a fraction of a second.
    Fraction(u32),
    /// Postgres' exact mode, which is not kept.
    Exact,
    Hour24,
    Hour12,
    IsoWeek,
    /// The last digits of the year, or of the year of the ISO week.
    Year {
        digits: u32,
        iso: bool,
    },
    /// `Y,YYY`
    YearWithComma,
    JulianDay,
    Minute,
    Month,
    MonthName {
        full: bool,
    },
    /// `+02`, `+05:30`
    Offset,
    Quarter,
    RomanMonth,
    SecondOfDay,
    Second,
    ZoneHour,
    ZoneMinute,
    ZoneName,
    WeekOfYear,
    WeekOfMonth,
}

/// A part of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Item {
    Field(Field),
    /// Text in double quotes.
    Quoted(String),
    Char(char),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Field {
    key: Key,
    letters: Letters,
    /// Without padding.
    fill: bool,
    /// With the ending of an ordinal number.
    ordinal: Option<Letters>,
}

/// A pattern that is taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern {
    text: String,
    items: Vec<Item>,
}

/// The keywords in capitals; of the same beginning the longer ones come first.
const KEYWORDS: &[(&str, Key)] = &[
    ("A.D.", Key::Era { dots: true }),
    ("A.M.", Key::Meridiem { dots: true }),
    ("AD", Key::Era { dots: false }),
    ("AM", Key::Meridiem { dots: false }),
    ("B.C.", Key::Era { dots: true }),
    ("BC", Key::Era { dots: false }),
    ("CC", Key::Century),
    ("DAY", Key::DayName { full: true }),
    ("DDD", Key::DayOfYear),
    ("DD", Key::Day),
    ("DY", Key::DayName { full: false }),
    ("D", Key::DayOfWeek),
    ("FF1", Key::Fraction(1)),
    ("FF2", Key::Fraction(2)),
    ("FF3", Key::Fraction(3)),
    ("FF4", Key::Fraction(4)),
    ("FF5", Key::Fraction(5)),
    ("FF6", Key::Fraction(6)),
    ("FX", Key::Exact),
    ("HH24", Key::Hour24),
    ("HH12", Key::Hour12),
    ("HH", Key::Hour12),
    ("IDDD", Key::IsoDayOfYear),
    ("ID", Key::IsoDayOfWeek),
    ("IW", Key::IsoWeek),
    ("IYYY", Key::Year { digits: 4, iso: true }),
    ("IYY", Key::Year { digits: 3, iso: true }),
    ("IY", Key::Year { digits: 2, iso: true }),
    ("I", Key::Year { digits: 1, iso: true }),
    ("J", Key::JulianDay),
    ("MI", Key::Minute),
    ("MM", Key::Month),
    ("MONTH", Key::MonthName { full: true }),
    ("MON", Key::MonthName { full: false }),
    ("MS", Key::Fraction(3)),
    ("OF", Key::Offset),
    ("P.M.", Key::Meridiem { dots: true }),
    ("PM", Key::Meridiem { dots: false }),
    ("Q", Key::Quarter),
    ("RM", Key::RomanMonth),
    ("SSSSS", Key::SecondOfDay),
    ("SSSS", Key::SecondOfDay),
    ("SS", Key::Second),
    ("TZH", Key::ZoneHour),
    ("TZM", Key::ZoneMinute),
    ("TZ", Key::ZoneName),
    ("US", Key::Fraction(6)),
    ("WW", Key::WeekOfYear),
    ("W", Key::WeekOfMonth),
    ("Y,YYY", Key::YearWithComma),
    ("YYYY", Key::Year { digits: 4, iso: false }),
    ("YYY", Key::Year { digits: 3, iso: false }),
    ("YY", Key::Year { digits: 2, iso: false }),
    ("Y", Key::Year { digits: 1, iso: false }),
];

impl Pattern {
    /// Takes a pattern apart.
    ///
    /// # Errors
    ///
    /// 22023 for a pattern of strftime.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let mut items = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            rest = match field(rest) {
                Some((field, after)) => {
                    items.push(Item::Field(field));
                    after
                }
                None => plain(rest, text, &mut items)?,
            };
        }
        Ok(Self { text: text.to_owned(), items })
    }

    /// The text that the pattern was.
    pub(super) fn text(&self) -> &str {
        &self.text
    }
}

/// The field that a pattern begins with, and what follows it.
fn field(text: &str) -> Option<(Field, &str)> {
    let mut rest = text;
    let mut fill = false;
    while let Some(after) = ["FM", "fm", "TM", "tm"].iter().find_map(|prefix| rest.strip_prefix(prefix)) {
        fill = true;
        rest = after;
    }
    let (key, letters, mut after) = keyword(rest)?;
    let mut ordinal = None;
    if let Some(end) = after.strip_prefix("TH") {
        (ordinal, after) = (Some(Letters::Upper), end);
    } else if let Some(end) = after.strip_prefix("th") {
        (ordinal, after) = (Some(Letters::Lower), end);
    }
    Some((Field { key, letters, fill, ordinal }, after))
}

/// Keywords are written in capitals, in small letters, and, where they are names, as names.
fn keyword(text: &str) -> Option<(Key, Letters, &str)> {
    KEYWORDS.iter().find_map(|&(word, key)| {
        let (written, after) = text.split_at_checked(word.len())?;
        let capital = || {
            let is_name = matches!(key, Key::DayName { .. } | Key::MonthName { .. });
            is_name
                && written.get(..1) == word.get(..1)
                && written.get(1..) == Some(&word[1..].to_ascii_lowercase())
        };
        let letters = if written == word {
            Letters::Upper
        } else if written == word.to_ascii_lowercase() {
            Letters::Lower
        } else if capital() {
            Letters::Capital
        } else {
            return None;
        };
        Some((key, letters, after))
    })
}

/// Takes what is no field: text in double quotes, a character behind a backslash, any other character.
fn plain<'t>(rest: &'t str, whole: &str, items: &mut Vec<Item>) -> Result<&'t str> {
    let mut chars = rest.chars();
    match chars.next() {
        Some('"') => {
            let mut chars = chars.peekable();
            let (text, after) = quoted_text(rest, &mut chars);
            items.push(Item::Quoted(text));
            return Ok(after);
        }
        Some('\\') if chars.clone().next() == Some('"') => {
            chars.next();
            items.push(Item::Char('"'));
        }
        Some('%') if chars.clone().next().is_some_and(|next| next.is_ascii_alphabetic()) => {
            return Err(Error::new(
                SqlState::InvalidParameterValue,
                format!("{} is a pattern of strftime", quoted(whole)),
            )
            .with_hint("patterns are those of Postgres, such as 'YYYY-MM-DD HH24:MI:SS'; date_format takes those of strftime"));
        }
        Some(other) => items.push(Item::Char(other)),
        None => {}
    }
    Ok(chars.as_str())
}

/// The text up to the next double quote, in which a backslash takes the next character as it is.
fn quoted_text<'t>(rest: &'t str, chars: &mut Peekable<std::str::Chars<'t>>) -> (String, &'t str) {
    let mut text = String::new();
    let mut used = 1;
    while let Some(c) = chars.next() {
        used += c.len_utf8();
        match c {
            '"' => break,
            '\\' => {
                if let Some(next) = chars.next() {
                    used += next.len_utf8();
                    text.push(next);
                }
            }
            other => text.push(other),
        }
    }
    (text, &rest[used..])
}

#[cfg(test)]
mod tests;
