//! Dates and times end with the years 1 and 9999.

use crate::{database::Db, times::check};

#[tokio::test]
async fn days_are_added_over_the_whole_range_of_dates() {
    let db =
        Db::with("CREATE TABLE t (d DATE, i INT); INSERT INTO t VALUES ('2024-01-01', 110000), (NULL, 1)")
            .await;
    check(
        &db,
        &[
            ("DATE '2024-01-01' + 110000", "2325-03-04"),
            ("110000 + DATE '2024-01-01'", "2325-03-04"),
            ("DATE '2024-01-01' - 110000", "1722-10-31"),
            ("DATE '2024-01-01' + 1::smallint", "2024-01-02"),
            ("DATE '9999-12-31' - DATE '0001-01-01'", "3652058"),
            ("DATE '2024-01-10' - '2024-01-01'", "9"),
            ("DATE '9000-01-31' + TIME '10:00'", "9000-01-31T10:00:00"),
            ("TIME '10:00' + DATE '9000-01-31'", "9000-01-31T10:00:00"),
            ("make_date(2024, 2, 29)", "2024-02-29"),
            ("NULL::date + 1", "∅"),
        ],
    )
    .await;
    assert_eq!(db.rows("SELECT d + i, d - i FROM t").await, ["2325-03-04|1722-10-31", "∅|∅"]);
    assert_eq!(db.names("SELECT d + i FROM t").await, "?column?");
}

#[tokio::test]
async fn what_is_outside_of_the_years_there_are_is_an_error() {
    let db = Db::with(
        "CREATE TABLE t (d DATE, ts TIMESTAMP); INSERT INTO t VALUES ('9999-12-31', '9999-12-31 23:00')",
    )
    .await;
    for expression in [
        "DATE '9999-12-31' + 1",
        "DATE '0001-01-01' - 1",
        "DATE '2024-01-01' + 10000000000",
        "DATE '9999-12-31' + INTERVAL '1 day'",
        "TIMESTAMP '0001-01-01' - INTERVAL '1 second'",
        "TIMESTAMP '2024-01-01' + INTERVAL '100000 months'",
        "make_date(0, 1, 1)",
        "make_date(-44, 3, 15)",
        "make_date(10000, 1, 1)",
        "make_date(2024, 13, 1)",
        "make_date(2024, 2, 30)",
        "'10000-01-01'::date",
        "to_timestamp(253402300800)",
        "to_timestamp_seconds(1000000000000)",
        "to_timestamp_millis(1000000000000000)",
        "to_timestamp_micros(1000000000000000000)",
        "from_unixtime(1000000000000)",
        "d + 1",
        "ts + INTERVAL '1 day'",
        "d + INTERVAL '1 day'",
    ] {
        assert_eq!(db.state(&format!("SELECT {expression} FROM t")).await, "22008", "{expression}");
    }
    let error = db.error("SELECT d + 1 FROM t").await;
    assert_eq!(error.message(), "date out of range");
    assert_eq!(db.error("SELECT ts + INTERVAL '1 day' FROM t").await.message(), "timestamp out of range");
    assert_eq!(db.state("UPDATE t SET d = d + 1").await, "22008");
}
