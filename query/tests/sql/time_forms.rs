//! Patterns and texts of times, and series and frames of them, as in Postgres.

use crate::{
    database::Db,
    times::{berlin, check},
};

#[tokio::test]
async fn to_char_writes_after_patterns_of_postgres() {
    let db = berlin().await;
    check(
        &db,
        &[
            ("to_char(TIMESTAMP '2024-03-03 14:05:09', 'YYYY-MM-DD HH24:MI:SS')", "2024-03-03 14:05:09"),
            (
                "to_char(TIMESTAMPTZ '2024-07-01 22:30Z', 'YYYY-MM-DD HH24:MI TZ OF')",
                "2024-07-02 00:30 CEST +02",
            ),
            ("to_char(DATE '2024-03-03', 'FMDay, FMDDth FMMonth YYYY')", "Sunday, 3rd March 2024"),
            ("to_char(TIME '14:05', 'HH12:MI am')", "02:05 pm"),
            ("to_char(INTERVAL '1 day 26:03', 'DD HH24:MI')", "01 26:03"),
            ("to_char(TIMESTAMP '2024-03-03' - TIMESTAMP '2024-03-01 12:00', 'DD HH24:MI')", "01 12:00"),
            ("to_char(TIMESTAMP '2024-12-30', 'IYYY-\"W\"IW')", "2025-W01"),
            ("to_char(NULL::timestamp, 'YYYY')", "∅"),
            ("to_char(TIMESTAMP '2024-03-03', NULL)", "∅"),
            ("to_char(t, p) FROM (VALUES (TIMESTAMP '2024-03-03', 'YYYY')) AS v(t, p)", "2024"),
            ("date_format(TIMESTAMP '2024-03-03', '%Y-%m')", "2024-03"),
            ("to_date('05 Dec 2000', 'DD Mon YYYY')", "2000-12-05"),
            ("to_date('20240131', 'YYYYMMDD')", "2024-01-31"),
            ("to_date('2024-01-31')", "2024-01-31"),
            ("to_timestamp('2024-07-01 12:00', 'YYYY-MM-DD HH24:MI')", "2024-07-01T12:00:00+02:00"),
            ("to_timestamp('2024-07-01 12:00+00', 'YYYY-MM-DD HH24:MITZH')", "2024-07-01T14:00:00+02:00"),
            ("to_date(NULL, 'YYYY')", "∅"),
        ],
    )
    .await;
    for (query, state) in [
        ("to_char(TIMESTAMP '2024-03-03', '%Y-%m')", "22023"),
        ("to_date('2024-13-01', 'YYYY-MM-DD')", "22008"),
        ("to_date('soon', 'YYYY-MM-DD')", "22007"),
        ("to_timestamp('2024', '%Y')", "22023"),
        ("to_char(INTERVAL '1 day', 'Month')", "22007"),
    ] {
        assert_eq!(db.state(&format!("SELECT {query}")).await, state, "{query}");
    }
}

#[tokio::test]
async fn other_texts_of_dates_and_times_are_read_as_postgres_reads_them() {
    let db = Db::new().await;
    check(
        &db,
        &[
            ("DATE 'January 8, 1999'", "1999-01-08"),
            ("DATE 'Jan 8 1999'", "1999-01-08"),
            ("DATE '8 January 1999'", "1999-01-08"),
            ("DATE '1999-Jan-08'", "1999-01-08"),
            ("DATE '8-Jan-1999'", "1999-01-08"),
            ("DATE '08-JAN-99'", "1999-01-08"),
            ("DATE 'Jan-08-1999'", "1999-01-08"),
            ("DATE '1/8/1999'", "1999-01-08"),
            ("DATE '1/18/99'", "1999-01-18"),
            ("DATE '1999/1/8'", "1999-01-08"),
            ("DATE '19990108'", "1999-01-08"),
            ("DATE '990108'", "1999-01-08"),
            ("DATE 'J2451187'", "1999-01-08"),
            ("TIMESTAMP '1999-01-08 04:05 PM'", "1999-01-08T16:05:00"),
            ("TIMESTAMP '1999-01-08 12:05 am'", "1999-01-08T00:05:00"),
            ("TIMESTAMP '1999-01-08 040506'", "1999-01-08T04:05:06"),
            ("TIMESTAMP 'Fri Jan 8 04:05:06 1999'", "1999-01-08T04:05:06"),
            ("TIMESTAMPTZ 'Wed 17 Dec 07:37:16 1997 PST'", "1997-12-17T15:37:16Z"),
            ("TIMESTAMPTZ '1999-01-08 04:05:06 PST8PDT'", "1999-01-08T12:05:06Z"),
            ("TIMESTAMPTZ '1999-07-08 04:05:06 CET'", "1999-07-08T03:05:06Z"),
            ("TIMESTAMPTZ '1999-07-08 04:05:06 cest'", "1999-07-08T02:05:06Z"),
            ("TIMESTAMPTZ '2024-07-01 12:00Z' AT TIME ZONE 'CET'", "2024-07-01T13:00:00"),
            ("TIMESTAMP '2024-07-01 12:00' AT TIME ZONE 'PST'", "2024-07-01T20:00:00Z"),
            ("TIMESTAMPTZ '1999-01-08 04:05:06 -8'", "1999-01-08T12:05:06Z"),
            ("TIMESTAMPTZ '1/8/1999 4:05:06 PM America/New_York'", "1999-01-08T21:05:06Z"),
        ],
    )
    .await;
    for (text, state) in [
        ("Januar 8, 1999", "22007"),
        ("January 32, 1999", "22008"),
        ("January 1999", "22007"),
        ("1999-01-08 13:05 PM", "22008"),
        ("January 8, 99 BC", "22008"),
        ("13/13/1999", "22008"),
        ("8", "22007"),
        ("1999-01-08 04:05 XYZ", "22007"),
        ("infinity", "0A000"),
        ("", "22007"),
        ("Jan Jan 8 1999", "22007"),
    ] {
        assert_eq!(db.state(&format!("SELECT TIMESTAMP '{text}'")).await, state, "{text}");
    }
}

#[tokio::test]
async fn series_of_times_follow_the_clocks_of_the_zone() {
    let db = berlin().await;
    let all = async |args: &str| {
        let list = db.text(&format!("SELECT generate_series({args})")).await;
        let rows = db.text(&format!("SELECT * FROM generate_series({args})")).await;
        assert_eq!(list, rows, "{args}");
        rows
    };
    for (args, rows) in [
        (
            "TIMESTAMPTZ '2024-03-30 12:00', TIMESTAMPTZ '2024-04-01 12:00', INTERVAL '1 day'",
            "2024-03-30T12:00:00+01:00\n2024-03-31T12:00:00+02:00\n2024-04-01T12:00:00+02:00",
        ),
        (
            "TIMESTAMPTZ '2024-03-30 12:00', TIMESTAMPTZ '2024-03-31 13:00', INTERVAL '24 hours'",
            "2024-03-30T12:00:00+01:00\n2024-03-31T13:00:00+02:00",
        ),
        (
            "TIMESTAMP '2024-03-30 12:00', TIMESTAMP '2024-03-31 12:00', INTERVAL '12 hours'",
            "2024-03-30T12:00:00\n2024-03-31T00:00:00\n2024-03-31T12:00:00",
        ),
        (
            "TIMESTAMP '2024-03-31', TIMESTAMP '2024-03-29', '-1 day'",
            "2024-03-31T00:00:00\n2024-03-30T00:00:00\n2024-03-29T00:00:00",
        ),
        (
            "DATE '2024-03-30', DATE '2024-03-31', '1 day'",
            "2024-03-30T00:00:00+01:00\n2024-03-31T00:00:00+01:00",
        ),
        (
            "TIMESTAMP '2024-01-31', TIMESTAMP '2024-04-30', INTERVAL '1 month'",
            "2024-01-31T00:00:00\n2024-02-29T00:00:00\n2024-03-29T00:00:00\n2024-04-29T00:00:00",
        ),
        ("TIMESTAMP '2024-01-02', TIMESTAMP '2024-01-01', INTERVAL '1 day'", ""),
        ("TIMESTAMP '2024-01-01', NULL, INTERVAL '1 day'", ""),
        (
            "TIMESTAMP '9999-12-31 12:00', TIMESTAMP '9999-12-31 23:00', INTERVAL '1 day'",
            "9999-12-31T12:00:00",
        ),
        (
            "TIMESTAMP '2024-01-01', TIMESTAMP '2024-01-03', INTERVAL '1 day' * 2",
            "2024-01-01T00:00:00\n2024-01-03T00:00:00",
        ),
        ("'2024-01-01', TIMESTAMP '2024-01-01', '1 day'", "2024-01-01T00:00:00"),
        ("1, 3", "1\n2\n3"),
        ("3, 1, -2", "3\n1"),
    ] {
        assert_eq!(all(args).await, rows, "{args}");
    }
    for args in [
        "TIMESTAMP '2024-01-01', TIMESTAMP '2024-01-03', INTERVAL '0 days'",
        "TIMESTAMP '2024-01-01', TIMESTAMP '2024-01-03', INTERVAL '1 month -30 days'",
        "TIMESTAMP '2024-02-01', TIMESTAMP '2025-01-03', INTERVAL '1 month -29 days'",
    ] {
        assert_eq!(db.state(&format!("SELECT * FROM generate_series({args})")).await, "22023", "{args}");
        assert_eq!(db.state(&format!("SELECT generate_series({args})")).await, "22023", "{args}");
    }
    // Rows are made as they are read.
    let endless = "generate_series(TIMESTAMP '0001-01-01', TIMESTAMP '9999-12-31', INTERVAL '1 second')";
    assert_eq!(db.one(&format!("SELECT * FROM {endless} LIMIT 1")).await, "0001-01-01T00:00:00");
    assert_eq!(db.state(&format!("SELECT {endless}")).await, "54000");
}

#[tokio::test]
async fn ranges_of_days_and_months_follow_the_zone() {
    let db = berlin().await;
    db.run(
        "CREATE TABLE w (id INT PRIMARY KEY, ts TIMESTAMPTZ, v INT);
         INSERT INTO w VALUES (1, '2024-03-30 12:30', 1), (2, '2024-03-31 13:00', 2), (3, '2024-03-31 13:30', 4),
             (4, '2024-04-30 13:00', 8), (5, NULL, 16)",
    )
    .await;
    let sums = async |over: &str| {
        db.rows(&format!("SELECT sum(v) OVER (ORDER BY ts {over}) FROM w ORDER BY id")).await.join(" ")
    };
    assert_eq!(sums("RANGE BETWEEN INTERVAL '1 day' PRECEDING AND CURRENT ROW").await, "1 2 6 8 16");
    assert_eq!(sums("RANGE BETWEEN INTERVAL '24 hours' PRECEDING AND CURRENT ROW").await, "1 3 7 8 16");
    assert_eq!(sums("RANGE BETWEEN '1 day' PRECEDING AND '1 day' FOLLOWING").await, "1 6 6 8 16");
    assert_eq!(sums("RANGE BETWEEN INTERVAL '1 month' PRECEDING AND CURRENT ROW").await, "1 3 7 14 16");
    assert_eq!(
        sums("RANGE BETWEEN INTERVAL '30 days' PRECEDING AND INTERVAL '1 day' PRECEDING").await,
        "∅ 1 1 6 16"
    );
    assert_eq!(sums("RANGE BETWEEN UNBOUNDED PRECEDING AND INTERVAL '1 day' FOLLOWING").await, "1 7 7 15 31");
    assert_eq!(sums("DESC RANGE BETWEEN CURRENT ROW AND INTERVAL '1 day' FOLLOWING").await, "1 2 6 8 16");
    assert_eq!(
        db.rows(
            "SELECT count(*) FILTER (WHERE v <> 4) OVER w, min(v) OVER w, first_value(v) OVER w, avg(v) OVER w
             FROM w WHERE ts IS NOT NULL
             WINDOW w AS (ORDER BY ts RANGE BETWEEN INTERVAL '1 day' PRECEDING AND CURRENT ROW) ORDER BY id"
        )
        .await,
        ["1|1|1|1.0", "1|2|2|2.0", "1|2|2|3.0", "1|8|8|8.0"]
    );
    assert_eq!(
        db.rows(
            "SELECT count(*) OVER (PARTITION BY v % 2 ORDER BY ts RANGE BETWEEN '1 day' PRECEDING AND CURRENT ROW)
             FROM w WHERE ts IS NOT NULL ORDER BY id"
        )
        .await,
        ["1", "1", "2", "1"]
    );
    db.run("RESET timezone").await;
    assert_eq!(sums("RANGE BETWEEN INTERVAL '1 day' PRECEDING AND CURRENT ROW").await, "1 3 7 8 16");
}
