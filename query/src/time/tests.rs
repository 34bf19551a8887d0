use bygone_engine::Timestamp;

use super::{TimeZone, display_timestamp, literal_time, parse_interval};

/// 2024-06-15T12:00:00Z
const NOW: Timestamp = Timestamp::from_micros(1_718_452_800_000_000);

fn shown(text: &str, zone: &str) -> String {
    match literal_time(text, TimeZone::parse(zone).unwrap(), NOW) {
        Ok(at) => display_timestamp(at),
        Err(error) => format!("{} {}", error.sqlstate(), error.message()),
    }
}

#[test]
fn a_literal_without_zone_is_read_in_the_session_zone() {
    assert_eq!(shown("2024-01-31 12:00:00", "UTC"), "2024-01-31T12:00:00Z");
    assert_eq!(shown("2024-01-31 12:00:00", "Europe/Berlin"), "2024-01-31T11:00:00Z");
    assert_eq!(shown("2024-07-31", "Europe/Berlin"), "2024-07-30T22:00:00Z");
    assert_eq!(shown("2024-01-31T12:00", "+02:00"), "2024-01-31T10:00:00Z");
}

#[test]
fn an_hour_that_clocks_skip_or_show_twice_is_read_as_postgres_reads_it() {
    assert_eq!(shown("2024-03-31 02:30", "Europe/Berlin"), "2024-03-31T01:30:00Z");
    assert_eq!(shown("2024-10-27 02:30", "Europe/Berlin"), "2024-10-27T01:30:00Z");
    // A whole day was skipped here.
    assert_eq!(shown("2011-12-30 12:00", "Pacific/Apia"), "2011-12-30T22:00:00Z");
}

#[test]
fn a_literal_with_zone_ignores_the_session_zone() {
    for text in [
        "2024-01-31 12:00:00Z",
        "2024-01-31T12:00:00 UTC",
        "2024-01-31 13:00:00+01",
        "2024-01-31 13:00+01:00",
        "2024-01-31 07:00:00-0500",
        "2024-01-31 13:00:00 Europe/Berlin",
    ] {
        assert_eq!(shown(text, "Asia/Tokyo"), "2024-01-31T12:00:00Z", "{text}");
    }
}

#[test]
fn microseconds_are_kept() {
    assert_eq!(shown("2024-01-31 12:00:00.123456", "UTC"), "2024-01-31T12:00:00.123456Z");
    assert_eq!(shown("2024-01-31 12:00:00.5", "UTC"), "2024-01-31T12:00:00.5Z");
}

#[test]
fn a_negative_interval_counts_back_from_now() {
    assert_eq!(shown("-10m", "UTC"), "2024-06-15T11:50:00Z");
    assert_eq!(shown("-1h30m", "UTC"), "2024-06-15T10:30:00Z");
    assert_eq!(shown("-2 days", "UTC"), "2024-06-13T12:00:00Z");
    assert_eq!(shown("-1 day 06:00:00", "UTC"), "2024-06-14T06:00:00Z");
    assert_eq!(shown("now", "Asia/Tokyo"), "2024-06-15T12:00:00Z");
    assert_eq!(shown("today", "Asia/Tokyo"), "2024-06-14T15:00:00Z");
    assert_eq!(shown("yesterday", "UTC"), "2024-06-14T00:00:00Z");
}

#[test]
fn what_is_not_a_time_is_refused_with_the_text() {
    for text in
        ["", "yesterdy", "2024-13-01", "2024-02-30", "2024-01-31 25:00", "-10 parsecs", "-1 month", "12", "-"]
    {
        let answer = shown(text, "UTC");
        assert!(answer.starts_with("22023 "), "{text}: {answer}");
        assert!(answer.contains("is not a time"), "{text}: {answer}");
    }
    assert_eq!(shown("1969-12-31", "UTC"), "22023 \"1969-12-31\" is before 1970");
    assert_eq!(shown("-100000 days", "UTC"), "22023 \"-100000 days\" is before 1970");
}

#[test]
fn intervals_are_exact_and_bounded() {
    assert_eq!(parse_interval("7 days").unwrap(), 7 * 86_400_000_000);
    assert_eq!(parse_interval("1.5h").unwrap(), 5_400_000_000);
    assert_eq!(parse_interval("1 day, 2 hours").unwrap(), 93_600_000_000);
    assert_eq!(parse_interval("12:30").unwrap(), 45_000_000_000);
    assert_eq!(parse_interval("1us").unwrap(), 1);
    for text in ["", "5", "h", "1 month", "99999999999999 days", "1:2:3:4", "1:75", "1..5h", "-5m"] {
        assert_eq!(parse_interval(text).unwrap_err().sqlstate(), "22023", "{text}");
    }
}
