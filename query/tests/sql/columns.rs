//! Tables in files: columns, pages that are left out, and rows that came since.

use futures::StreamExt;

use crate::database::Db;

/// 20,000 rows of every type over several pages, then changed, deleted and inserted rows in newer files and
/// in memory.
async fn layered() -> Db {
    Db::with(
        "CREATE TABLE t (id BIGINT PRIMARY KEY, b BOOLEAN, s SMALLINT, i INTEGER, r REAL, d DOUBLE PRECISION,
                         c DECIMAL(12, 2), w DECIMAL(30, 4), x TEXT, day DATE, at TIMESTAMP, tz TIMESTAMPTZ, y BYTEA);
         INSERT INTO t SELECT v, v > 9000, v % 30000, v * 3, v / 7.0, v / 9.0, v / 100.0, v * 1000000000000.5,
                CASE WHEN v % 11 = 0 THEN NULL ELSE 'text ' || lpad(CAST(v AS TEXT), 6, '0') END,
                DATE '2020-01-01' + CAST(v / 20 AS INTEGER), TIMESTAMP '2024-01-01' + CAST(CAST(v AS TEXT) || ' minutes' AS INTERVAL),
                TIMESTAMPTZ '2024-01-01 00:00:00Z' + CAST(CAST(v AS TEXT) || ' hours' AS INTERVAL), CAST(CAST(v AS TEXT) AS BYTEA)
           FROM generate_series(1, 20000) AS g(v);
         CALL flush(); CALL compact(); CREATE SNAPSHOT early;
         UPDATE t SET i = -i, x = 'changed' WHERE id % 500 = 0; CALL flush();
         DELETE FROM t WHERE id BETWEEN 7000 AND 7010; INSERT INTO t (id, i, d) VALUES (30000, 5, 'NaN'), (-1, 9, -0.0)",
    )
    .await
}

const CONDITIONS: [&str; 22] = [
    "id = 4321",
    "id > 19990 OR id < 3",
    "i < 0",
    "i BETWEEN 6000 AND 6100",
    "i IN (3, 30000, 45000, -1500)",
    "NOT b",
    "b IS NULL",
    "s = 77",
    "r > 2850",
    "d > 2222.1",
    "d = 'NaN'",
    "d <= 0",
    "c = 123.45",
    "w < 3000000000000",
    "x = 'text 012345'",
    "x LIKE 'text 0001%'",
    "x = 'changed'",
    "x IS NULL AND id < 100",
    "day = DATE '2020-06-01'",
    "at >= TIMESTAMP '2024-01-14 20:00:00'",
    "tz < '2024-01-01 12:00:00Z'",
    "y = CAST('777' AS BYTEA)",
];

#[tokio::test]
async fn a_condition_finds_the_same_rows_whether_it_leaves_pages_out_or_not() {
    let db = layered().await;
    for point in ["", " AS OF SNAPSHOT early"] {
        for condition in CONDITIONS {
            // A filter of the aggregate reads all rows; WHERE goes down to the pages.
            let all = format!(
                "SELECT count(*) FILTER (WHERE {condition}), sum(id) FILTER (WHERE {condition}) FROM t{point}"
            );
            let some = format!("SELECT count(*), sum(id) FROM t{point} WHERE {condition}");
            assert_eq!(db.rows(&some).await, db.rows(&all).await, "{condition}{point}");
        }
    }
}

#[tokio::test]
async fn pages_that_cannot_match_are_not_read() {
    let db = Db::with(
        "CREATE TABLE t (id BIGINT PRIMARY KEY, v BIGINT);
         INSERT INTO t SELECT value, value * 2 FROM generate_series(1, 20000) AS s(value); CALL flush(); CALL compact()",
    )
    .await;
    let plan = db.text("EXPLAIN ANALYZE SELECT id FROM t WHERE v = 30000").await;
    assert!(plan.contains("pages_pruned=9") && plan.contains("pages_read=1"), "{plan}");
    // The newest value of a row is in a newer file, which hides the old one in a page that is left out or
    // read.
    db.run("UPDATE t SET v = 30000 WHERE id = 1; UPDATE t SET v = 0 WHERE id = 15000; CALL flush()").await;
    assert_eq!(db.rows("SELECT id FROM t WHERE v = 30000").await, ["1"]);
    assert_eq!(db.rows("SELECT id FROM t WHERE v = 2").await, [""; 0]);
    assert_eq!(db.rows("SELECT id FROM t WHERE v = 0").await, ["15000"]);
    // Filters that a join or a limit finds while it runs let pages be left out, too.
    let plan = db.text("EXPLAIN ANALYZE SELECT id FROM t ORDER BY v LIMIT 3").await;
    assert!(!plan.contains("pages_pruned=0"), "{plan}");
}

/// Of every type a column whose bounds say nothing: each page has small and large values, few of all there
/// could be.
#[tokio::test]
async fn a_value_that_few_rows_have_is_found_in_the_pages_that_have_it() {
    let db = Db::with(
        "CREATE TABLE t (id BIGINT PRIMARY KEY, n BIGINT, i INTEGER, s SMALLINT, b BOOLEAN, c DECIMAL(12, 2), w DECIMAL(30, 2),
                         x TEXT, few TEXT, y BYTEA, day DATE, at TIMESTAMP);
         INSERT INTO t SELECT v, m * 100000000000, m * 1000, m % 30000, v % 4000 = 5, m / 100.0, m * 1000000000000000000.5,
                'text ' || CAST(m AS TEXT), 'c' || CAST(v % 5 + CASE WHEN v = 12345 THEN 5 ELSE 0 END AS TEXT),
                CAST(CAST(m AS TEXT) AS BYTEA), DATE '2020-01-01' + CAST(m % 20000 AS INTEGER),
                TIMESTAMP '2024-01-01' + CAST(CAST(m AS TEXT) || ' seconds' AS INTERVAL)
           FROM (SELECT v, CASE WHEN v % 7 = 0 THEN NULL ELSE v * 7919 % 20011 END AS m FROM generate_series(1, 20000) AS g(v)) AS r;
         CALL flush(); CALL compact(); CREATE SNAPSHOT early;
         UPDATE t SET i = 16000 WHERE id IN (1, 9999, 20000); UPDATE t SET x = 'changed' WHERE x = 'text 77'; CALL flush();
         DELETE FROM t WHERE n = 500000000000",
    )
    .await;
    // In a page, in none, in a newer file only, in several.
    let wanted = [5, 16, 77, 20_010, 30_000];
    for point in ["", " AS OF SNAPSHOT early"] {
        for m in wanted {
            for condition in [
                format!("n = {m} * 100000000000"),
                format!("{} = i", m * 1000),
                format!("s = {}", m % 30_000),
                format!("c = {}.{:02}", m / 100, m % 100),
                format!("w = {m} * 1000000000000000000.5"),
                format!("x = 'text {m}'"),
                format!("y = CAST('{m}' AS BYTEA)"),
                format!("day = DATE '2020-01-01' + {}", m % 20_000),
                format!("at = TIMESTAMP '2024-01-01' + INTERVAL '{m} seconds'"),
                format!("i IN ({}, 1000, -4) AND few <> 'c1'", m * 1000),
                format!("x IN ('text {m}', 'changed', 'none')"),
                format!("b AND few = 'c{}'", m % 11),
                format!("b = true AND few IN ('c{}', 'c7')", m % 11),
                format!("NOT i = {}", m * 1000),
                format!("i = {} OR id = 3", m * 1000),
            ] {
                let all = format!(
                    "SELECT count(*) FILTER (WHERE {condition}), sum(id) FILTER (WHERE {condition}) FROM t{point}"
                );
                let some = format!("SELECT count(*), sum(id) FROM t{point} WHERE {condition}");
                assert_eq!(db.rows(&some).await, db.rows(&all).await, "{condition}{point}");
            }
        }
    }
    for condition in [
        "i = 77000",
        "x = 'text 16'",
        "few = 'c5'",
        "at = TIMESTAMP '2024-01-01 00:01:17'",
        "c IN (0.77, 500.00)",
    ] {
        let plan = db
            .text(&format!("EXPLAIN ANALYZE SELECT id FROM t AS OF SNAPSHOT early WHERE {condition}"))
            .await;
        assert!(plan.contains("pages_pruned=9") && plan.contains("pages_read=1"), "{condition}: {plan}");
    }
}

#[tokio::test]
async fn every_type_comes_back_from_columns_as_from_memory() {
    let db = Db::with(
        "CREATE TABLE t (x TEXT, k INTEGER, b BOOLEAN, s SMALLINT, l BIGINT, r REAL, d DOUBLE PRECISION,
                         c DECIMAL(5, 1), w DECIMAL(38, 0), day DATE, at TIMESTAMP, tz TIMESTAMPTZ, y BYTEA,
                         PRIMARY KEY (k, x));
         INSERT INTO t VALUES
           ('', -2147483648, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
           ('a', 0, true, -32768, -9223372036854775808, 1.5, -0.0, -9999.9, -99999999999999999999999999999999999999,
            '0001-01-01', '0001-01-01 00:00:00', '9999-12-31 23:59:59.999999Z', ''),
           ('a longer text than a view holds', 0, false, 32767, 9223372036854775807, 'NaN', 'Infinity', 9999.9,
            99999999999999999999999999999999999999, '9999-12-31', '9999-12-31 23:59:59.999999',
            '0001-01-01 00:00:00Z', '\\x00ff00'),
           ('zoë', 2147483647, true, 0, 0, 0, 0, 0, 0, '1970-01-01', '1970-01-01', '1970-01-01 00:00:00Z', '\\x61')",
    )
    .await;
    let whole = "SELECT * FROM t ORDER BY k, x";
    let before = db.rows(whole).await;
    assert_eq!(before.len(), 4);
    db.run("CALL flush(); CALL compact()").await;
    assert_eq!(db.rows(whole).await, before);
    assert_eq!(
        db.rows("SELECT * FROM t ORDER BY k DESC, x DESC").await,
        before.iter().rev().cloned().collect::<Vec<_>>()
    );
    assert_eq!(db.rows("SELECT * FROM t WHERE k = 0 AND x = 'a'").await, before[1..2]);
    db.run("UPDATE t SET s = 1 WHERE k = 0; CALL flush(); CALL compact()").await;
    assert_eq!(db.rows("SELECT count(*), sum(s) FROM t").await, ["4|2"]);
}

#[tokio::test]
async fn rows_are_changed_and_deleted_where_newer_files_hide_whole_pages() {
    let db = Db::with(
        "CREATE TABLE t (id BIGINT PRIMARY KEY, v BIGINT);
         INSERT INTO t SELECT value, 0 FROM generate_series(1, 10000) AS s(value); CALL flush();
         UPDATE t SET v = 1; CALL flush(); UPDATE t SET v = v + 1",
    )
    .await;
    assert_eq!(db.one("SELECT sum(v) FROM t").await, "20000");
    db.run("CALL flush(); DELETE FROM t WHERE id > 10; CALL flush(); UPDATE t SET v = 7").await;
    assert_eq!(db.rows("SELECT count(*), sum(v) FROM t").await, ["10|70"]);
    db.run("DELETE FROM t").await;
    assert_eq!(db.one("SELECT count(*) FROM t").await, "0");
}

#[tokio::test]
async fn a_large_table_of_the_past_is_in_order_only_where_order_is_asked_for() {
    let db = Db::with(
        "CREATE TABLE t (id BIGINT PRIMARY KEY, n BIGINT);
         INSERT INTO t SELECT value, value FROM generate_series(1, 120000) AS s(value); CREATE SNAPSHOT s1;
         UPDATE t SET n = -n WHERE id % 2 = 0; CREATE SNAPSHOT s2;
         UPDATE t SET n = n + 1 WHERE id % 3 = 0; DELETE FROM t WHERE id % 5 = 0; CALL compact()",
    )
    .await;
    let cases = [
        ("", "32000|96000", "64000", "8"),
        (" AS OF SNAPSHOT s2", "-60000|120000", "60000", "7"),
        (" AS OF SNAPSHOT s1", "7200060000|120000", "0", "7"),
    ];
    for (point, sums, changed, seventh) in cases {
        assert_eq!(
            db.one(&format!("SELECT sum(n), count(DISTINCT id) FROM t{point}")).await,
            sums,
            "{point}"
        );
        for order in ["id", "id DESC LIMIT 3"] {
            let plan =
                db.rows(&format!("EXPLAIN SELECT id, n FROM t{point} ORDER BY {order}")).await.join(" ");
            assert!(!plan.contains("SortExec"), "{plan}");
        }
        let seventh_of = format!("SELECT id FROM t{point} ORDER BY id OFFSET 6 LIMIT 1");
        assert_eq!(db.one(&seventh_of).await, seventh, "{point}");
        // The first key column gives the order; the others of few rows are sorted.
        let first = format!("SELECT id FROM t{point} ORDER BY id, n DESC LIMIT 2 OFFSET 5");
        assert_eq!(db.rows(&first).await, if point.is_empty() { ["7", "8"] } else { ["6", "7"] }, "{point}");
        // Rows beside each other: a wrong order would show.
        let back = format!(
            "SELECT count(*) FROM (SELECT id, lag(id) OVER (ORDER BY id) AS before FROM t{point}) x WHERE before >= id"
        );
        assert_eq!(db.one(&back).await, "0", "{point}");
        let differing = format!(
            "SELECT count(*) FROM t{point} AS a JOIN t AS OF SNAPSHOT s1 AS b ON a.id = b.id AND a.n <> b.n"
        );
        assert_eq!(db.one(&differing).await, changed, "{point}");
    }
}

#[tokio::test]
async fn limits_and_ordered_aggregates_in_subqueries_keep_the_order_that_they_work_by() {
    let db = Db::with(
        "CREATE TABLE t (id BIGINT PRIMARY KEY, n BIGINT); CREATE TABLE small (n BIGINT);
         INSERT INTO small SELECT value FROM generate_series(0, 4) AS s(value);
         INSERT INTO t SELECT value, value FROM generate_series(1, 120000) AS s(value); CREATE SNAPSHOT s;
         UPDATE t SET n = -n WHERE id < 100; CALL compact()",
    )
    .await;
    for range in ["", " WHERE id <= 200"] {
        let t = format!("(SELECT * FROM t AS OF SNAPSHOT s{range}) AS t");
        assert_eq!(db.one(&format!("SELECT first_value(n ORDER BY id) FROM {t}")).await, "1", "{range}");
        assert_eq!(db.one(&format!("SELECT last_value(n ORDER BY id DESC) FROM {t}")).await, "1", "{range}");
        let first = format!("SELECT id % 2, first_value(n ORDER BY id) FROM {t} GROUP BY 1 ORDER BY 1");
        assert_eq!(db.rows(&first).await, ["0|2", "1|1"], "{range}");
        // The range lies in one partition: no merge of partitions asks for the order of the limit.
        for rows in [
            format!("SELECT t.id FROM {t} JOIN small ON t.n % 5 = small.n"),
            format!("SELECT id FROM {t} WHERE id + random() > 0"),
            format!("SELECT DISTINCT id FROM {t}"),
        ] {
            let sum = format!("SELECT sum(id) FROM ({rows} ORDER BY id LIMIT 3 OFFSET 1) AS x");
            assert_eq!(db.one(&sum).await, "9", "{sum}");
        }
    }
}

#[tokio::test]
async fn not_a_number_is_one_value_however_it_was_computed() {
    let db = Db::with(
        "CREATE TABLE t (id BIGINT PRIMARY KEY, d DOUBLE PRECISION, r REAL);
         INSERT INTO t SELECT v, v, v FROM generate_series(1, 10000) AS g(v);
         UPDATE t SET d = -CAST('NaN' AS DOUBLE PRECISION), r = -CAST('NaN' AS REAL) WHERE id = 5000;
         UPDATE t SET d = CAST('Infinity' AS DOUBLE PRECISION) - CAST('Infinity' AS DOUBLE PRECISION) WHERE id = 6000",
    )
    .await;
    for _ in 0..2 {
        assert_eq!(db.rows("SELECT id FROM t WHERE d = 'NaN' ORDER BY id").await, ["5000", "6000"]);
        assert_eq!(db.one("SELECT id FROM t WHERE r = 'NaN'").await, "5000");
        assert_eq!(db.one("SELECT count(*) FROM t WHERE d < 1 OR r < 1").await, "0");
        assert_eq!(db.rows("SELECT id FROM t WHERE d > 9999 ORDER BY id").await, ["5000", "6000", "10000"]);
        db.run("CALL flush(); CALL compact()").await;
    }
}

#[tokio::test]
async fn a_scan_that_finds_nothing_lets_others_have_a_turn() {
    let db = Db::tiny().await;
    db.run(
        "CREATE TABLE t (id BIGINT PRIMARY KEY, n BIGINT);
         INSERT INTO t SELECT v, v FROM generate_series(1, 4000) AS g(v);
         CREATE SNAPSHOT s; UPDATE t SET n = n + 1; CALL compact()",
    )
    .await;
    for point in ["", " AS OF SNAPSHOT s"] {
        let outcome = db.run(&format!("SELECT id FROM t{point} WHERE n % 2 = 7")).await;
        let mut rows = outcome.rows.unwrap();
        assert!(futures::poll!(rows.next()).is_pending(), "one turn is not enough for hundreds of pages");
        assert!(rows.next().await.is_none());
    }
}
