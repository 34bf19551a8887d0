//! Types that become others, by a cast or where a column is set.

use crate::{database::Db, times::check};

#[tokio::test]
async fn numbers_are_no_times_and_booleans_only_in_casts() {
    let db = Db::with(
        "CREATE TABLE t (id INT PRIMARY KEY, ts TIMESTAMP, tz TIMESTAMPTZ, d DATE, b BOOLEAN, i INT, x TEXT);
         INSERT INTO t (id) VALUES (0)",
    )
    .await;
    check(
        &db,
        &[
            ("1::boolean", "true"),
            ("0::boolean", "false"),
            ("true::int", "1"),
            ("1.6::int", "2"),
            ("DATE '2024-01-31'::timestamp", "2024-01-31T00:00:00"),
            ("TIMESTAMP '2024-01-31 12:00'::date", "2024-01-31"),
            ("TIMESTAMP '2024-01-31 12:00'::time", "12:00:00"),
            ("1::text || true::text", "1true"),
            ("'2024-01-31'::date", "2024-01-31"),
            ("CAST(NULL AS DATE)", "∅"),
        ],
    )
    .await;
    for cast in [
        "1::timestamp",
        "1.1::timestamp",
        "1::date",
        "1.5::date",
        "1e0::timestamptz",
        "1::time",
        "5::interval",
        "true::date",
        "1.5::boolean",
        "1.5::double precision::boolean",
        "true::double precision",
        "DATE '2024-01-01'::int",
        "TIMESTAMP '2024-01-01'::bigint",
        "INTERVAL '1 day'::int",
        "DATE '2024-01-01'::boolean",
        "TIME '12:00'::date",
        "'\\x01'::bytea::int",
        "TRY_CAST(1 AS DATE)",
    ] {
        assert_eq!(db.state(&format!("SELECT {cast}")).await, "42846", "{cast}");
    }
    for statement in [
        "INSERT INTO t (id, ts) VALUES (1, 1736899200)",
        "INSERT INTO t (id, tz) VALUES (1, 1736899200.5)",
        "INSERT INTO t (id, d) VALUES (1, 20240101)",
        "INSERT INTO t (id, b) VALUES (1, 1)",
        "INSERT INTO t (id, b) VALUES (1, 1 + 0)",
        "INSERT INTO t (id, i) VALUES (1, true)",
        "INSERT INTO t (id, i) VALUES (1, DATE '2024-01-01')",
        "INSERT INTO t (id, ts) SELECT 1, 1736899200",
        "INSERT INTO t (id, b) SELECT 1, 1",
        "INSERT INTO t (id, i) SELECT 1, now()",
        "UPDATE t SET ts = 5",
        "UPDATE t SET b = 1 WHERE id = 0",
        "UPDATE t SET i = b",
        "UPDATE t SET d = i",
    ] {
        assert_eq!(db.state(statement).await, "42804", "{statement}");
    }
    db.run(
        "INSERT INTO t (id, ts, tz, d, b, i, x) VALUES (1, DATE '2024-01-01', '2024-01-01', now(), 'yes', 1.6, 5),
             (2, NULL, NULL, NULL, 1::boolean, true::int, true);
         UPDATE t SET b = i::boolean, x = d WHERE id = 1",
    )
    .await;
    assert_eq!(db.text("SELECT b, i FROM t WHERE id > 0 ORDER BY id").await, "true|2\ntrue|1");
}

#[tokio::test]
async fn text_that_is_no_literal_is_assigned_by_a_written_cast_alone() {
    let db = Db::with(
        "CREATE TABLE s (id INT PRIMARY KEY, x TEXT); INSERT INTO s VALUES (1, '2024-01-31');
         CREATE TABLE t (id INT PRIMARY KEY, d DATE, i INT, n DECIMAL(6, 2), b BOOLEAN, raw BYTEA, ts TIMESTAMP, x TEXT);
         INSERT INTO t (id) VALUES (0)",
    )
    .await;
    for statement in [
        "INSERT INTO t (id, d) SELECT 1, x FROM s",
        "INSERT INTO t (id, i) SELECT 1, x FROM s",
        "INSERT INTO t (id, n) SELECT 1, x FROM s",
        "INSERT INTO t (id, b) SELECT 1, x FROM s",
        "INSERT INTO t (id, raw) SELECT 1, x FROM s",
        "INSERT INTO t (id, ts) SELECT 1, x || '' FROM s",
        "INSERT INTO t (id, i) SELECT 1, a FROM (SELECT '5' AS a) AS q",
        "INSERT INTO t (id, i) VALUES (1, upper('5'))",
        "INSERT INTO t (id, i) VALUES (1, '5'::text)",
        "INSERT INTO t (id, d) VALUES (1, '2024-01-31'::text)",
        "UPDATE t SET d = x",
        "UPDATE t SET i = x WHERE id = 0",
        "UPDATE t SET i = lower('5')",
        "UPDATE t SET n = '5'::text",
        "CREATE TABLE u (id INT PRIMARY KEY, i INT DEFAULT upper('5'))",
    ] {
        assert_eq!(db.state(statement).await, "42804", "{statement}");
    }
    let error = db.error("INSERT INTO t (id, d) SELECT 1, x FROM s").await;
    assert_eq!(error.message(), "column d is of type DATE, but the value is of type TEXT");
    assert_eq!(error.hint(), Some("write the cast"));
    db.run(
        "INSERT INTO t (id, d, i) SELECT 1, '2024-01-01', '5';
         INSERT INTO t (id, d, i) SELECT id + 1, '2024-01-02', '6' FROM s ORDER BY x LIMIT 1;
         INSERT INTO t (id, d) SELECT 3, x::date FROM s;
         INSERT INTO t (id, i, d) VALUES (4, '7', upper('2024-01-04')::date);
         UPDATE t SET i = '8', d = x::date, x = i WHERE id = 0;
         UPDATE t SET n = '1.5' WHERE id < 9;
         CREATE TABLE u (id INT PRIMARY KEY, i INT DEFAULT '5')",
    )
    .await;
    assert_eq!(
        db.rows("SELECT id, d, i, n FROM t ORDER BY id").await,
        [
            "0|∅|8|1.50",
            "1|2024-01-01|5|1.50",
            "2|2024-01-02|6|1.50",
            "3|2024-01-31|∅|1.50",
            "4|2024-01-04|7|1.50"
        ]
    );
    db.run("PREPARE p AS INSERT INTO t (id, d, i) SELECT $1, $2, $3").await;
    db.run("EXECUTE p ('5', '2024-01-05', '9')").await;
    db.run("PREPARE q AS UPDATE t SET d = $1, i = $2 WHERE id = $3").await;
    db.run("EXECUTE q ('2024-02-05', '10', 5)").await;
    assert_eq!(db.rows("SELECT d, i FROM t WHERE id = 5").await, ["2024-02-05|10"]);
}
