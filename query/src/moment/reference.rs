//! Moments as `AS OF` names them, and the text that a setting keeps of one.

use std::fmt;

use bygone_engine::Timestamp;

use crate::{
    error::{Error, Result, quoted},
    time::{TimeZone, display_timestamp, literal_time, version_from_text},
};

/// A moment by reference. Whether it can be read is decided where it is opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Moment {
    /// The newest commit.
    Latest,
    /// The moment that a snapshot holds.
    Snapshot(String),
    /// The newest commit at or before an instant.
    Timestamp(Timestamp),
    /// The state right after a commit. Versions are timestamps.
    Version(u64),
}

impl Moment {
    /// Reads `snapshot:NAME`, `timestamp:…`, `version:N` or `latest`: the form of `--as-of` and `SET as_of`.
    ///
    /// # Errors
    /// 22023 when the text is none of them.
    pub fn parse(text: &str, zone: TimeZone, now: Timestamp) -> Result<Self> {
        let text = text.trim();
        if text.eq_ignore_ascii_case("latest") {
            return Ok(Self::Latest);
        }
        let Some((kind, rest)) = text.split_once(':') else { return Err(not_a_moment(text)) };
        let rest = rest.trim();
        match kind.trim().to_ascii_lowercase().as_str() {
            "snapshot" if !rest.is_empty() => Ok(Self::Snapshot(rest.to_owned())),
            "timestamp" => Ok(Self::Timestamp(literal_time(rest, zone, now)?)),
            "version" => Ok(Self::Version(version_from_text(rest)?)),
            _ => Err(not_a_moment(text)),
        }
    }
}

fn not_a_moment(text: &str) -> Error {
    Error::invalid_value(format!("{} is not a moment", quoted(text)))
        .with_hint("write snapshot:NAME, timestamp:2024-01-31 12:00:00, version:N or latest")
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Latest => f.write_str("latest"),
            Self::Snapshot(name) => write!(f, "snapshot:{name}"),
            Self::Timestamp(at) => write!(f, "timestamp:{}", display_timestamp(*at)),
            Self::Version(version) => write!(f, "version:{version}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2024-06-15T12:00:00Z
    const NOW: Timestamp = Timestamp::from_micros(1_718_452_800_000_000);

    #[test]
    fn the_text_of_a_moment_leads_back_to_it() {
        for moment in [
            Moment::Latest,
            Moment::Snapshot("jan:1".to_owned()),
            Moment::Timestamp(Timestamp::from_micros(1_706_702_400_000_001)),
            Moment::Version(1_706_702_400_000_001),
        ] {
            assert_eq!(Moment::parse(&moment.to_string(), TimeZone::UTC, NOW).unwrap(), moment);
        }
        for text in
            ["jan", "snapshot:", "version:0", "version:-1", "version:9223372036854775808", "moon:3", ""]
        {
            assert_eq!(Moment::parse(text, TimeZone::UTC, NOW).unwrap_err().sqlstate(), "22023", "{text}");
        }
    }
}
