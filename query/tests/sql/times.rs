//! Times in the session's zone, and in all years that there are.

use crate::database::Db;

/// A database whose session is in Berlin: an hour east of UTC, two from the last Sunday of March to that of
/// October.
pub(crate) async fn berlin() -> Db {
    Db::with("SET TIME ZONE 'Europe/Berlin'").await
}

/// Checks the answer of each query, one row each.
pub(crate) async fn check(db: &Db, cases: &[(&str, &str)]) {
    for (query, expected) in cases {
        assert_eq!(db.one(&format!("SELECT {query}")).await, *expected, "{query}");
    }
}

#[tokio::test]
async fn texts_local_times_and_instants_meet_in_the_session_zone() {
    let db = berlin().await;
    check(
        &db,
        &[
            ("TIMESTAMPTZ '2024-07-01 12:00:00'", "2024-07-01T12:00:00+02:00"),
            ("'2024-01-01 12:00'::timestamptz", "2024-01-01T12:00:00+01:00"),
            ("TIMESTAMPTZ '2024-07-01 12:00:00Z'", "2024-07-01T14:00:00+02:00"),
            ("TIMESTAMPTZ '2024-07-01 12:00 America/New_York'", "2024-07-01T18:00:00+02:00"),
            ("(TIMESTAMPTZ '2024-07-01 12:00:00Z')::text", "2024-07-01T14:00:00+02:00"),
            ("TIMESTAMPTZ '2024-07-01 12:00:00.5Z' || ''", "2024-07-01T14:00:00.500+02:00"),
            ("(TIMESTAMPTZ '2024-07-01 12:00Z')::timestamp", "2024-07-01T14:00:00"),
            ("(TIMESTAMP '2024-07-01 12:00')::timestamptz", "2024-07-01T12:00:00+02:00"),
            ("(TIMESTAMPTZ '2024-07-01 23:30Z')::date", "2024-07-02"),
            ("DATE '2024-07-01'::timestamptz", "2024-07-01T00:00:00+02:00"),
            ("TIMESTAMP '2024-07-01 12:00+05'", "2024-07-01T12:00:00"),
            ("TIMESTAMPTZ '2024-07-01 12:00' = TIMESTAMP '2024-07-01 12:00'", "true"),
            ("TIMESTAMPTZ '2024-07-01 10:00Z' = '2024-07-01 12:00'", "true"),
            ("TIMESTAMPTZ '2024-07-01 10:00Z' BETWEEN '2024-07-01 12:00' AND '2024-07-01 12:00'", "true"),
            ("TIMESTAMPTZ '2024-06-30 22:00Z' = DATE '2024-07-01'", "true"),
        ],
    )
    .await;
}

#[tokio::test]
async fn hours_that_clocks_skip_or_show_twice_are_those_of_postgres() {
    let db = berlin().await;
    check(
        &db,
        &[
            ("TIMESTAMPTZ '2024-03-31 02:30'", "2024-03-31T03:30:00+02:00"),
            ("TIMESTAMPTZ '2024-10-27 02:30'", "2024-10-27T02:30:00+01:00"),
            ("TIMESTAMP '2024-03-31 02:30' AT TIME ZONE 'Europe/Berlin'", "2024-03-31T03:30:00+02:00"),
            ("TIMESTAMPTZ '2024-03-30 02:30' + INTERVAL '1 day'", "2024-03-31T03:30:00+02:00"),
            ("TIMESTAMPTZ '2024-03-30 12:00' + INTERVAL '1 day'", "2024-03-31T12:00:00+02:00"),
            ("TIMESTAMPTZ '2024-03-30 12:00' + INTERVAL '24 hours'", "2024-03-31T13:00:00+02:00"),
            ("TIMESTAMPTZ '2024-03-31 12:00' - INTERVAL '1 month'", "2024-02-29T12:00:00+01:00"),
            ("date_trunc('day', TIMESTAMPTZ '2024-10-27 22:00Z')", "2024-10-27T00:00:00+02:00"),
            ("date_trunc('hour', TIMESTAMPTZ '2024-10-27 00:30Z')", "2024-10-27T02:00:00+02:00"),
            ("date_trunc('hour', TIMESTAMPTZ '2024-10-27 01:30Z')", "2024-10-27T02:00:00+01:00"),
        ],
    )
    .await;
}

#[tokio::test]
async fn fields_and_starts_of_instants_are_those_of_the_session_zone() {
    let db = berlin().await;
    check(
        &db,
        &[
            ("extract(hour FROM TIMESTAMPTZ '2024-07-01 22:30Z')", "0"),
            ("date_part('day', TIMESTAMPTZ '2024-07-01 22:30Z')", "2"),
            ("extract(hour FROM TIMESTAMP '2024-07-01 22:30')", "22"),
            ("extract(epoch FROM TIMESTAMPTZ '1970-01-01 01:00')", "0.0"),
            ("date_trunc('month', TIMESTAMPTZ '2024-06-30 22:30Z')", "2024-07-01T00:00:00+02:00"),
            (
                "date_trunc('day', TIMESTAMPTZ '2024-06-30 22:30Z', 'America/New_York')",
                "2024-06-30T06:00:00+02:00",
            ),
            ("to_char(TIMESTAMPTZ '2024-06-30 22:30Z', 'YYYY-MM-DD HH24:MI')", "2024-07-01 00:30"),
            ("TIMESTAMPTZ '2024-06-30 22:30Z' AT TIME ZONE 'Asia/Tokyo'", "2024-07-01T07:30:00"),
            ("timezone('Asia/Tokyo', TIMESTAMP '2024-07-01 07:30')", "2024-07-01T00:30:00+02:00"),
            (
                "date_bin(INTERVAL '1 day', TIMESTAMPTZ '2024-07-01 12:00', TIMESTAMPTZ '2024-01-01 06:00Z')",
                "2024-07-01T08:00:00+02:00",
            ),
            ("current_date = now()::date AND localtimestamp = now()::timestamp", "true"),
            ("extract(hour FROM localtimestamp) = extract(hour FROM now())", "true"),
            ("to_timestamp(0)", "1970-01-01T01:00:00+01:00"),
            ("to_timestamp('2024-07-01 12:00')", "2024-07-01T12:00:00+02:00"),
        ],
    )
    .await;
    assert_eq!(db.state("SELECT now() AT TIME ZONE 'Nowhere/None'").await, "22023");
    assert_eq!(db.state("SELECT to_timestamp_millis('2024-07-01 12:00')").await, "0A000");
}

#[tokio::test]
async fn columns_defaults_parameters_and_files_read_times_in_the_session_zone() {
    let db = berlin().await;
    db.run(
        "CREATE TABLE t (id INT PRIMARY KEY, at TIMESTAMPTZ DEFAULT '2024-07-01 12:00', local TIMESTAMP);
         INSERT INTO t VALUES (1, '2024-07-01 12:00', '2024-07-01 12:00');
         INSERT INTO t (id) VALUES (2);
         INSERT INTO t SELECT 3, TIMESTAMP '2024-07-01 12:00', TIMESTAMPTZ '2024-07-01 10:00Z';
         PREPARE p (timestamptz) AS INSERT INTO t VALUES (4, $1, $1);
         EXECUTE p ('2024-07-01 12:00');
         UPDATE t SET local = at WHERE id = 2",
    )
    .await;
    let instant = "2024-07-01T12:00:00+02:00|2024-07-01T12:00:00";
    assert_eq!(db.rows("SELECT at, local FROM t").await, [instant; 4]);
    assert_eq!(
        db.one("SELECT count(*) FROM t WHERE at = '2024-07-01 12:00' AND at::date = '2024-07-01'").await,
        "4"
    );
    assert_eq!(db.one("SELECT count(*) FROM t WHERE extract(year FROM at) = 2024").await, "4");
    assert_eq!(db.tag("COPY t TO 't.csv' WITH (FORMAT csv)").await, "COPY 4");
    let text = String::from_utf8(db.files.contents.lock()["t.csv"].clone()).unwrap();
    assert!(text.starts_with("1,2024-07-01T12:00:00+02:00,2024-07-01T12:00:00\n"), "{text}");
    db.files.contents.lock().insert("in.csv".to_owned(), b"9,2024-07-01 12:00,2024-07-01 12:00\n".to_vec());
    db.run("COPY t FROM 'in.csv' WITH (FORMAT csv)").await;
    assert_eq!(db.one("SELECT at, local FROM t WHERE id = 9").await, instant);
    assert_eq!(db.one("SELECT count(*) FROM t a JOIN t b ON a.at = b.local").await, "25");
    db.run("RESET timezone").await;
    assert_eq!(
        db.one("SELECT at, local FROM t WHERE id = 1").await,
        "2024-07-01T10:00:00Z|2024-07-01T12:00:00"
    );
}

#[tokio::test]
async fn points_without_a_zone_are_read_in_the_session_zone() {
    let db = Db::with("CREATE TABLE t (id INT PRIMARY KEY); INSERT INTO t VALUES (1)").await;
    // The clock of these tests is at 2023-11-14T22:13:20Z and a few seconds more.
    db.run("SET timezone = 'America/New_York'").await;
    assert_eq!(db.one("SELECT count(*) FROM t AS OF TIMESTAMP '2023-11-14 17:13:22'").await, "1");
    assert_eq!(db.state("SELECT count(*) FROM t AS OF TIMESTAMP '2023-11-14 22:13:22'").await, "22023");
    assert_eq!(db.one("SELECT count(*) FROM t AS OF TIMESTAMP TIMESTAMP '2023-11-14 17:13:22'").await, "1");
    assert_eq!(
        db.one(
            "SELECT count(*) FROM t AS OF TIMESTAMP '2023-11-14 16:13:22'::timestamptz + INTERVAL '1 hour'"
        )
        .await,
        "1"
    );
    db.run("SET as_of = 'timestamp:2023-11-14 17:13:22'").await;
    assert_eq!(db.one("SHOW as_of").await, "timestamp:2023-11-14T22:13:22Z");
    assert_eq!(db.one("SELECT as_of_timestamp()").await, "2023-11-14T17:13:22-05:00");
    db.run("RESET as_of").await;
    assert!(db.rows("SELECT created FROM bygone.snapshots").await.is_empty());
    assert!(db.text("SHOW HISTORY").await.contains("-05:00"));
}

#[tokio::test]
async fn zones_are_named_as_people_write_them() {
    let db = Db::new().await;
    for (zone, shown) in [
        ("'europe/berlin'", "1970-01-01T01:00:00+01:00"),
        ("'+02:30'", "1970-01-01T02:30:00+02:30"),
        ("-5", "1969-12-31T19:00:00-05:00"),
        ("LOCAL", "1970-01-01T00:00:00Z"),
        ("'Asia/Kathmandu'", "1970-01-01T05:30:00+05:30"),
        ("DEFAULT", "1970-01-01T00:00:00Z"),
    ] {
        db.run(&format!("SET TIME ZONE {zone}")).await;
        assert_eq!(db.one("SELECT 'epoch'::timestamptz").await, shown, "{zone}");
    }
    assert_eq!(db.state("SET timezone = 'Nowhere/None'").await, "22023");
    assert_eq!(db.state("SET TIME ZONE 99").await, "22023");
    // Clocks are whole minutes from UTC.
    assert_eq!(db.state("SET timezone = 5.51").await, "22023");
    db.run("SET timezone = 5.5").await;
    assert_eq!(db.one("SHOW timezone").await, "+05:30");
}

#[tokio::test]
async fn the_years_1_to_9999_work_throughout() {
    let db = Db::with("CREATE TABLE t (at TIMESTAMP PRIMARY KEY, day DATE, z TIMESTAMPTZ)").await;
    db.run(
        "INSERT INTO t VALUES ('0001-01-01', '0001-01-01', '0001-01-01'),
         ('1600-02-29 12:00', '1600-02-29', '1600-02-29 12:00'),
         ('9999-12-31 23:59:59.999999', '9999-12-31', '9999-12-31 23:59:59.999999')",
    )
    .await;
    assert_eq!(
        db.rows("SELECT * FROM t ORDER BY at").await,
        [
            "0001-01-01T00:00:00|0001-01-01|0001-01-01T00:00:00Z",
            "1600-02-29T12:00:00|1600-02-29|1600-02-29T12:00:00Z",
            "9999-12-31T23:59:59.999999|9999-12-31|9999-12-31T23:59:59.999999Z"
        ]
    );
    assert_eq!(db.one("SELECT count(*) FROM t WHERE at > '9999-01-01' AND z > '9999-01-01'").await, "1");
    assert_eq!(db.one("SELECT count(*) FROM t WHERE at < '1601-01-01' AND day < '1601-01-01'").await, "2");
    for part in ["year", "month", "day", "hour", "dow"] {
        db.rows(&format!(
            "SELECT extract({part} FROM at), extract({part} FROM z), extract({part} FROM day) FROM t"
        ))
        .await;
    }
    check(
        &db,
        &[
            ("extract(year FROM TIMESTAMP '9999-12-31')", "9999"),
            ("extract(year FROM '2500-01-01'::date)", "2500"),
            ("extract(epoch FROM TIMESTAMP '0001-01-01')", "-62135596800.0"),
            ("date_trunc('year', TIMESTAMP '9999-12-31 12:00')", "9999-01-01T00:00:00"),
            ("date_trunc('century', TIMESTAMP '2000-12-31 12:00')", "1901-01-01T00:00:00"),
            ("date_trunc('week', TIMESTAMP '1600-01-01 12:00')", "1599-12-27T00:00:00"),
            ("date_trunc('quarter', DATE '2400-05-05')", "2400-04-01T00:00:00"),
            ("date_bin(INTERVAL '15 minutes', TIMESTAMP '2500-01-01 12:34')", "2500-01-01T12:30:00"),
            (
                "date_bin(INTERVAL '1 day', TIMESTAMP '0001-01-05 12:34', TIMESTAMP '1600-01-01 06:00')",
                "0001-01-05T06:00:00",
            ),
            ("TIMESTAMP '2500-01-01 12:00' AT TIME ZONE 'Europe/Berlin'", "2500-01-01T11:00:00Z"),
            ("TIMESTAMP '0001-01-01' + INTERVAL '9998 years 11 months 30 days'", "9999-12-31T00:00:00"),
            ("DATE '9999-12-31' > DATE '0001-01-01'", "true"),
            ("TIMESTAMP '9999-12-31' - TIMESTAMP '9999-12-30' IS NOT NULL", "true"),
            ("now() < TIMESTAMPTZ '9999-01-01'", "true"),
            ("TIMESTAMP '2024-12-31 24:00'", "2025-01-01T00:00:00"),
            ("TIMESTAMP '2024-1-5 7:30'", "2024-01-05T07:30:00"),
            ("TIMESTAMP '2024-01-01 00:00:00.1234565'", "2024-01-01T00:00:00.123457"),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_date_and_an_interval_are_a_timestamp() {
    let db = Db::new().await;
    check(
        &db,
        &[
            ("DATE '2024-01-31' + INTERVAL '1 month'", "2024-02-29T00:00:00"),
            ("INTERVAL '1 hour' + DATE '2024-01-31'", "2024-01-31T01:00:00"),
            ("DATE '2024-01-31' - INTERVAL '1 second'", "2024-01-30T23:59:59"),
            ("DATE '2024-01-31' + 1", "2024-02-01"),
            ("TIMESTAMP '9999-01-01' > DATE '9998-12-31'", "true"),
            ("TIMESTAMP '9999-01-01' IN ('9999-01-01', '9999-01-02')", "true"),
            ("TIMESTAMP '9999-01-01' BETWEEN DATE '9998-12-31' AND '9999-01-02'", "true"),
            ("(SELECT max(value) FROM generate_series(TIMESTAMP '2024-01-01', TIMESTAMP '2024-01-03', INTERVAL '1 day') AS s(value))", "2024-01-03T00:00:00"),
        ],
    )
    .await;
}

#[tokio::test]
async fn fields_are_those_of_postgres() {
    let db = berlin().await;
    check(
        &db,
        &[
            ("extract(second FROM TIMESTAMP '2024-01-01 00:00:05.5')", "5.500000"),
            ("date_part('milliseconds', TIMESTAMP '2024-01-01 00:00:05.5')", "5500.000"),
            ("extract(century FROM TIMESTAMP '2000-12-31')", "20"),
            ("extract(millennium FROM TIMESTAMPTZ '2000-12-31 23:30Z')", "3"),
            ("extract(decade FROM TIMESTAMP '1999-01-01')", "199"),
            ("extract(timezone FROM TIMESTAMPTZ '2024-07-01')", "7200"),
            ("extract(timezone_hour FROM TIMESTAMPTZ '2024-01-01')", "1"),
            ("extract(year FROM '2500-01-01 00:00'::timestamptz)", "2500"),
            ("date_part('year', '2500-01-01')", "2500"),
            ("extract(hour FROM INTERVAL '5 hours')", "5"),
            ("extract(second FROM TIME '13:14:15.678901')", "15.678901"),
            ("extract(milliseconds FROM TIME '13:14:15.678901')", "15678.901"),
            ("extract(microseconds FROM TIME '13:14:15.678901')", "15678901"),
            ("extract(hour FROM TIME '13:14:15.678901')", "13"),
            ("extract(second FROM INTERVAL '1 day 26:14:15.678901')", "15.678901"),
            ("extract(milliseconds FROM INTERVAL '-15.5 seconds')", "-15500.000"),
            ("extract(microseconds FROM INTERVAL '15.678901 seconds')", "15678901"),
            ("extract(hour FROM INTERVAL '3 days 26:14')", "26"),
            ("extract(day FROM INTERVAL '40 days 26:14')", "40"),
            ("extract(month FROM INTERVAL '3 years 5 mons')", "5"),
            ("extract(quarter FROM INTERVAL '3 years 5 mons')", "2"),
            ("extract(decade FROM INTERVAL '35 years')", "3"),
            ("extract(century FROM INTERVAL '235 years')", "2"),
            ("extract(epoch FROM INTERVAL '3 years 5 mons 17 days 26:14:15.678901')", "109196055.678901"),
            ("extract(epoch FROM INTERVAL '1 month 1 day')", "2678400.0"),
            ("extract(century FROM DATE '2024-12-30')", "21"),
            ("extract(decade FROM DATE '2024-12-30')", "202"),
            ("extract(millennium FROM DATE '2001-01-01')", "3"),
            ("extract(julian FROM DATE '2024-12-30')", "2460675"),
            ("extract(julian FROM TIMESTAMP '2024-12-30 12:00')", "2460675.50000000000000000000"),
            ("extract(isoyear FROM DATE '2024-12-30')", "2025"),
            ("extract(isodow FROM DATE '2024-12-29')", "7"),
            ("extract(dow FROM DATE '2024-12-29')", "0"),
            ("extract(week FROM DATE '2024-12-30')", "1"),
            ("extract(doy FROM TIMESTAMP '2024-12-31')", "366"),
            ("DATE '20240131'", "2024-01-31"),
            ("TIMESTAMP '20240131 12:00'", "2024-01-31T12:00:00"),
            ("TIMESTAMPTZ '20240131 12:00-05'", "2024-01-31T18:00:00+01:00"),
            ("TIMESTAMP '9999-12-31' - DATE '9999-12-30' = INTERVAL '1 day'", "true"),
        ],
    )
    .await;
    for field in [
        "timezone FROM TIMESTAMP '2024-01-01'",
        "timezone_hour FROM DATE '2024-01-01'",
        "day FROM TIME '12:00'",
        "epoch FROM 'x'::text",
        "dow FROM INTERVAL '1 day'",
        "week FROM INTERVAL '1 day'",
        "julian FROM TIME '12:00'",
    ] {
        let state = db.state(&format!("SELECT extract({field})")).await;
        assert!(["0A000", "22007"].contains(&state), "{field}: {state}");
    }
}

#[tokio::test]
async fn what_is_no_time_has_its_own_error() {
    let db = Db::new().await;
    for (query, state) in [
        ("TIMESTAMP '10000-01-01'", "22008"),
        ("TIMESTAMP '0000-01-01'", "22008"),
        ("TIMESTAMP '2024-02-30'", "22008"),
        ("DATE '2024-13-01'", "22008"),
        ("TIMESTAMP '2024-01-01 25:00'", "22008"),
        ("TIMESTAMPTZ '9999-12-31 23:00-05'", "22008"),
        ("TIMESTAMP '9999-12-31' + INTERVAL '1 day'", "22008"),
        ("TIMESTAMPTZ '0001-01-01' - INTERVAL '1 microsecond'", "22008"),
        ("to_timestamp(1e12)", "22008"),
        ("TIMESTAMP 'infinity'", "0A000"),
        ("DATE '-infinity'", "0A000"),
        ("TIMESTAMP 'soon'", "22007"),
        ("'x'::date", "22007"),
        ("date_trunc('eon', TIMESTAMP '2024-01-01')", "22023"),
        ("date_bin(INTERVAL '0 days', TIMESTAMP '2024-01-01')", "22023"),
        ("date_bin(INTERVAL '1 month', TIMESTAMP '2024-01-01')", "0A000"),
        ("date_bin(INTERVAL '1 year 2 days', TIMESTAMP '2024-01-01', TIMESTAMP '2024-01-01')", "0A000"),
    ] {
        assert_eq!(db.state(&format!("SELECT {query}")).await, state, "{query}");
    }
    assert_eq!(db.one("SELECT TRY_CAST('soon' AS TIMESTAMP)").await, "∅");
}

#[tokio::test]
async fn try_cast_of_a_time_that_another_zone_takes_out_of_range_is_null() {
    let db = Db::with("SET timezone = '-05:00'").await;
    for (expression, shown) in [
        ("TRY_CAST(TIMESTAMP '9999-12-31 23:00' AS TIMESTAMPTZ)", "∅"),
        ("TRY_CAST(DATE '9999-12-31' AS TIMESTAMPTZ)", "9999-12-31T00:00:00-05:00"),
        ("TRY_CAST(TIMESTAMPTZ '0001-01-01 00:00Z' AS TIMESTAMP)", "∅"),
        ("TRY_CAST(TIMESTAMPTZ '0001-01-01 00:00Z' AS DATE)", "∅"),
    ] {
        assert_eq!(db.one(&format!("SELECT {expression}")).await, shown, "{expression}");
    }
    assert_eq!(db.state("SELECT CAST(TIMESTAMP '9999-12-31 23:00' AS TIMESTAMPTZ)").await, "22008");
}
