//! Moments: what `AS OF` can name, and how text becomes one.
//!
//! A [`Point`] is a name for a moment; [`literal_time`] reads the text forms of an instant. Everything here is pure:
//! the clock is an argument, and whether a moment is readable is decided where the engine is asked.
//!
//! | text | means |
//! |---|---|
//! | `2024-01-31` | midnight in the session's time zone |
//! | `2024-01-31 12:00:00.5`, `2024-01-31T12:00` | that time in the session's time zone |
//! | `2024-01-31 12:00:00Z`, `…+02:00`, `… Europe/Berlin` | that instant |
//! | `now`, `today`, `yesterday` | the statement's instant, the last midnight, the one before |
//! | `-10m`, `-1h30m`, `-2 days`, `-1d 12:00:00` | so long before the statement's instant |

mod date_text;
mod interval;
mod literal;

use std::fmt;

use bygone_engine::Timestamp;

use crate::error::{Error, Result, quoted};

pub use interval::parse_interval;
pub use literal::{TimeZone, literal_time, version_from_text};
pub(crate) use literal::{read_date, read_time};

/// A named moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Point {
    /// The newest commit.
    Latest,
    /// The moment that a snapshot holds.
    Snapshot(String),
    /// The newest commit at or before an instant.
    Timestamp(Timestamp),
    /// The state right after a commit. Versions are timestamps.
    Version(u64),
}

impl Point {
    /// Reads `snapshot:NAME`, `timestamp:…`, `version:N` or `latest`: the form of `--as-of` and `SET as_of`.
    ///
    /// # Errors
    ///
    /// 22023 when the text is none of them.
    pub fn parse(text: &str, zone: TimeZone, now: Timestamp) -> Result<Self> {
        let text = text.trim();
        if text.eq_ignore_ascii_case("latest") {
            return Ok(Self::Latest);
        }
        let Some((kind, rest)) = text.split_once(':') else { return Err(not_a_point(text)) };
        let rest = rest.trim();
        match kind.trim().to_ascii_lowercase().as_str() {
            "snapshot" if !rest.is_empty() => Ok(Self::Snapshot(rest.to_owned())),
            "timestamp" => Ok(Self::Timestamp(literal_time(rest, zone, now)?)),
            "version" => Ok(Self::Version(version_from_text(rest)?)),
            _ => Err(not_a_point(text)),
        }
    }
}

fn not_a_point(text: &str) -> Error {
    Error::invalid_value(format!("{} is not a moment", quoted(text)))
        .with_hint("write snapshot:NAME, timestamp:2024-01-31 12:00:00, version:N or latest")
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Latest => f.write_str("latest"),
            Self::Snapshot(name) => write!(f, "snapshot:{name}"),
            Self::Timestamp(at) => write!(f, "timestamp:{}", display_timestamp(*at)),
            Self::Version(version) => write!(f, "version:{version}"),
        }
    }
}

/// An instant as ISO 8601 in UTC, with as many fraction digits as it needs.
pub fn display_timestamp(at: Timestamp) -> String {
    let micros = i64::try_from(at.as_micros()).unwrap_or(i64::MAX);
    match chrono::DateTime::from_timestamp_micros(micros) {
        Some(time) => {
            let mut text = time.format("%Y-%m-%dT%H:%M:%S").to_string();
            let fraction = at.as_micros() % 1_000_000;
            if fraction != 0 {
                text.push_str(format!(".{fraction:06}").trim_end_matches('0'));
            }
            text.push('Z');
            text
        }
        None => at.to_string(),
    }
}

#[cfg(test)]
mod tests;
