use chrono::{NaiveDate, NaiveDateTime};

use super::*;
use crate::{time::TimeZone, types::interval::read_interval};

fn local(text: &str) -> NaiveDateTime {
    NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f").unwrap()
}

fn shown(time: &str, pattern: &str) -> String {
    let moment = ShownTime::Time { local: local(time), zone: Some((TimeZone::UTC, 0)) };
    show(moment, &Pattern::parse(pattern).unwrap()).unwrap()
}

#[test]
fn every_field_is_written_as_postgres_writes_it() {
    let time = "2024-03-03 14:05:09.07";
    for (pattern, text) in [
        ("YYYY-MM-DD HH24:MI:SS", "2024-03-03 14:05:09"),
        ("yyyy-mm-dd hh24:mi:ss", "2024-03-03 14:05:09"),
        ("HH12:MI AM", "02:05 PM"),
        ("HH:MI p.m.", "02:05 p.m."),
        ("Day|DAY|day|FMDay|Dy|dy", "Sunday   |SUNDAY   |sunday   |Sunday|Sun|sun"),
        ("Month|MONTH|FMmonth|Mon|MON", "March    |MARCH    |march|Mar|MAR"),
        ("FMDDth FMMonth YYYY", "3rd March 2024"),
        ("DDTH", "03RD"),
        ("MS US FF1 FF3 FF6", "070 070000 0 070 070000"),
        ("SSSS SSSSS", "50709 50709"),
        ("DDD D ID IDDD", "063 1 7 063"),
        ("WW IW W Q CC", "09 09 1 1 21"),
        ("IYYY IYY IY I", "2024 024 24 4"),
        ("Y,YYY YYY YY Y", "2,024 024 24 4"),
        ("RM rm FMRM", "III  iii  III"),
        ("J", "2460373"),
        ("BC A.D.", "AD A.D."),
        ("TZ tz TZH:TZM OF", "UTC utc +00:00 +00"),
        ("\"on\" DD \\\"x\\\"", "on 03 \"x\""),
        ("YYYY\"Y\"", "2024Y"),
        ("100% x", "100% x"),
        ("", ""),
        ("TMMonth", "March"),
        ("FMHH24:FMMI", "14:5"),
        ("ä-YYYY", "ä-2024"),
    ] {
        assert_eq!(shown(time, pattern), text, "{pattern}");
    }
    assert_eq!(shown("2024-12-30 00:00:00", "IYYY-IW-ID IDDD"), "2025-01-1 001");
    assert_eq!(shown("2000-01-01 00:00:00", "CC HH12 DDth"), "20 12 01st");
    assert_eq!(Pattern::parse("%Y-%m").unwrap_err().sqlstate(), "22023");
}

#[test]
fn intervals_are_written_by_their_own_fields() {
    let shown = |text: &str, pattern: &str| {
        let interval = ShownTime::Interval(read_interval(text).unwrap());
        show(interval, &Pattern::parse(pattern).unwrap())
    };
    assert_eq!(shown("15 hours 2 minutes 12 seconds", "HH24:MI:SS").unwrap(), "15:02:12");
    assert_eq!(shown("100 hours", "HH24:MI HH12").unwrap(), "100:00 04");
    assert_eq!(shown("1 year 2 months 3 days", "YYYY-MM-DD DDD").unwrap(), "0001-02-03 423");
    assert_eq!(shown("-1 hour", "HH24:MI").unwrap(), "-01:00");
    assert_eq!(shown("1 day", "Day").unwrap_err().sqlstate(), "22007");
}

fn parsed(text: &str, pattern: &str) -> Result<ParsedTime> {
    read(text, &Pattern::parse(pattern).unwrap())
}

#[test]
fn texts_are_read_after_patterns_as_postgres_reads_them() {
    for (text, pattern, time) in [
        ("2024-01-31", "YYYY-MM-DD", "2024-01-31 00:00:00"),
        ("31.01.2024 14:05", "DD.MM.YYYY HH24:MI", "2024-01-31 14:05:00"),
        ("20240131", "YYYYMMDD", "2024-01-31 00:00:00"),
        ("05 Dec 2000", "DD Mon YYYY", "2000-12-05 00:00:00"),
        ("january 8, 1999", "Month DD, YYYY", "1999-01-08 00:00:00"),
        ("2024/1/3", "YYYY-MM-DD", "2024-01-03 00:00:00"),
        ("  2024   01  03", "YYYY MM DD", "2024-01-03 00:00:00"),
        ("12:30 AM 2024", "HH12:MI AM YYYY", "2024-01-01 00:30:00"),
        ("01:30 p.m. 2024", "HH:MI P.M. YYYY", "2024-01-01 13:30:00"),
        ("2024-060", "YYYY-DDD", "2024-02-29 00:00:00"),
        ("2005-W27-1", "IYYY-\"W\"IW-ID", "2005-07-04 00:00:00"),
        ("99", "YY", "1999-01-01 00:00:00"),
        ("17", "YY", "2017-01-01 00:00:00"),
        ("2024-01-31T10:11:12.5", "YYYY-MM-DD\"T\"HH24:MI:SS.US", "2024-01-31 10:11:12.5"),
        ("10:11:12.345 2024", "HH24:MI:SS.MS YYYY", "2024-01-01 10:11:12.345"),
        ("2460373", "J", "2024-03-03 00:00:00"),
        ("2024 XII", "YYYY RM", "2024-12-01 00:00:00"),
        ("1,999", "Y,YYY", "1999-01-01 00:00:00"),
        ("3600 2024", "SSSS YYYY", "2024-01-01 01:00:00"),
        ("2024-01-31 and more", "YYYY-MM-DD", "2024-01-31 00:00:00"),
        ("3rd 2024", "FMDDth YYYY", "2024-01-03 00:00:00"),
    ] {
        let read = parsed(text, pattern).unwrap_or_else(|error| panic!("{text} {pattern}: {error}"));
        assert_eq!(read.local, local(time), "{text} {pattern}");
    }
    assert_eq!(parsed("2024-01-31 10+02:30", "YYYY-MM-DD HH24TZH:TZM").unwrap().east, Some(9_000));
    assert_eq!(parsed("2024-01-31 10-05", "YYYY-MM-DD HH24TZH").unwrap().east, Some(-18_000));
    assert_eq!(parsed("2024", "YYYY").unwrap().local.date(), NaiveDate::from_ymd_opt(2024, 1, 1).unwrap());
}

#[test]
fn texts_that_do_not_fit_a_pattern_are_refused() {
    for (text, pattern, state) in [
        ("2024-13-01", "YYYY-MM-DD", "22008"),
        ("2024-02-30", "YYYY-MM-DD", "22008"),
        ("soon", "YYYY-MM-DD", "22007"),
        ("2024-01-01 25:00", "YYYY-MM-DD HH24:MI", "22008"),
        ("13:00 2024", "HH12:MI YYYY", "22007"),
        ("Foo 2024", "Mon YYYY", "22007"),
        ("2024 2023", "YYYY YYYY", "22007"),
        ("2024 CET", "YYYY TZ", "0A000"),
        ("2024-01-31 10-05", "YYYY-MM-DD HH24OF", "0A000"),
        ("202", "YYYYMM", "22007"),
        ("12:00", "HH24:MI", "22008"),
    ] {
        assert_eq!(parsed(text, pattern).unwrap_err().sqlstate(), state, "{text} {pattern}");
    }
}
