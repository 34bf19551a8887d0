use super::*;

fn read(text: &str) -> String {
    interval_text(read_interval(text).unwrap())
}

#[test]
fn texts_of_all_styles_are_read_as_postgres_reads_them() {
    for (text, shown) in [
        ("1 day", "1 day"),
        ("2 days", "2 days"),
        ("24 hours", "24:00:00"),
        ("1 year 2 months 3 days 04:05:06.5", "1 year 2 mons 3 days 04:05:06.5"),
        ("-1 day +02:03", "-1 days +02:03:00"),
        ("1 month -1 day", "1 mon -1 days"),
        ("-1 month 1 day", "-1 mons +1 day"),
        ("@ 1 minute ago", "-00:01:00"),
        ("1 day 2 hours ago", "-1 days -02:00:00"),
        ("1-2", "1 year 2 mons"),
        ("-1-2", "-1 years -2 mons"),
        ("1-2 3 4:05:06", "1 year 2 mons 3 days 04:05:06"),
        ("3 4:05:06", "3 days 04:05:06"),
        ("90", "00:01:30"),
        ("1.5 months", "1 mon 15 days"),
        ("1.5 years", "1 year 6 mons"),
        ("1.5 weeks", "10 days 12:00:00"),
        ("1.5 days", "1 day 12:00:00"),
        ("0.5 hours", "00:30:00"),
        ("1 decade 1 century", "110 years"),
        ("1 millennium", "1000 years"),
        ("1500 ms 7 us", "00:00:01.500007"),
        ("1:02", "01:02:00"),
        ("-1:02:03", "-01:02:03"),
        ("100:00", "100:00:00"),
        ("2:03.5", "00:02:03.5"),
        ("P1Y2M3DT4H5M6S", "1 year 2 mons 3 days 04:05:06"),
        ("P1Y2M", "1 year 2 mons"),
        ("PT36H", "36:00:00"),
        ("P0001-02-03T04:05:06", "1 year 2 mons 3 days 04:05:06"),
        ("P-1Y", "-1 years"),
        ("P2W", "14 days"),
        ("0", "00:00:00"),
        ("1h30m", "01:30:00"),
        ("1 day, 2 hours", "1 day 02:00:00"),
    ] {
        assert_eq!(read(text), shown, "{text}");
    }
}

#[test]
fn what_is_no_interval_is_refused() {
    for text in [
        "",
        "day",
        "1 fortnight",
        "1 day 1 day",
        "1:2:3:4",
        "1:60",
        "P",
        "PT",
        "P1H",
        "1..2 days",
        "ago",
        "1-12",
        "x",
    ] {
        assert_eq!(read_interval(text).unwrap_err().sqlstate(), "22007", "{text}");
    }
    assert_eq!(read_interval("1000000000 years").unwrap_err().sqlstate(), "22015");
    assert_eq!(read_interval("9999999999 days").unwrap_err().sqlstate(), "22015");
}

#[test]
fn fields_give_units_and_cut() {
    use IntervalUnitName as Unit;
    let of = |text: &str, first: Unit, last: Unit| {
        let fields = IntervalFields { first: Some(first), last: Some(last), digits: None };
        interval_text(read_interval_of(text, fields).unwrap())
    };
    assert_eq!(of("5", Unit::Year, Unit::Year), "5 years");
    assert_eq!(of("1-2", Unit::Year, Unit::Month), "1 year 2 mons");
    assert_eq!(of("1-2", Unit::Year, Unit::Year), "1 year");
    assert_eq!(of("2:03", Unit::Minute, Unit::Second), "00:02:03");
    assert_eq!(of("1 day 2 hours", Unit::Day, Unit::Day), "1 day");
    assert_eq!(of("1 02:03:04", Unit::Day, Unit::Hour), "1 day 02:00:00");
    assert_eq!(of("1.5", Unit::Hour, Unit::Minute), "00:01:00");
}

#[test]
fn lengths_count_months_of_thirty_days() {
    let total = |text: &str| total_nanos(read_interval(text).unwrap());
    assert_eq!(total("24 hours"), total("1 day"));
    assert_eq!(total("1 month"), total("29 days 24:00"));
    assert_eq!(total("1 year"), total("360 days"));
    assert!(total("25 hours") > total("1 day"));
    assert!(total("-1 day") < total("-23:59:59"));
    // The largest there is can be counted.
    let most = IntervalMonthDayNano::new(i32::MAX, i32::MAX, i64::MAX);
    assert!(total_nanos(most) < 10_i128.pow(38));
}

#[test]
fn parts_that_are_left_go_to_smaller_units() {
    let times =
        |text: &str, factor| interval_text(scale_interval(read_interval(text).unwrap(), factor).unwrap());
    assert_eq!(times("1 month", 1.5), "1 mon 15 days");
    assert_eq!(times("1 day", 0.5), "12:00:00");
    assert_eq!(times("1 year 1 day", -2.0), "-2 years -2 days");
    assert_eq!(times("1 mon 1 day 01:00", 0.1), "3 days 02:30:00");
    let over =
        |text: &str, divisor| interval_text(divide_interval(read_interval(text).unwrap(), divisor).unwrap());
    assert_eq!(over("1 day", 3.0), "08:00:00");
    assert_eq!(over("1 year", 5.0), "2 mons 12 days");
    assert_eq!(divide_interval(read_interval("1 day").unwrap(), 0.0).unwrap_err().sqlstate(), "22012");
    assert_eq!(scale_interval(read_interval("1 day").unwrap(), 1e30).unwrap_err().sqlstate(), "22008");
    assert_eq!(scale_interval(read_interval("1 day").unwrap(), f64::NAN).unwrap_err().sqlstate(), "22008");
}
