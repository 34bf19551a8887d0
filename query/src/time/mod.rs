//! Times as text and back: zones, instants, dates, lengths of time.
//!
//! [`literal_time`] reads the forms in which an instant is written. Everything here is pure: the clock is an
//! argument.
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

use bygone_engine::Timestamp;

pub use interval::parse_interval;
pub use literal::{TimeZone, literal_time, version_from_text};
pub(crate) use literal::{read_date, read_time};

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
