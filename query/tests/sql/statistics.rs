//! Statistics of tables that the planner is told: `count`, `min` and `max` without a scan, where that is
//! exact, and the sides of joins.

use crate::database::Db;

const COLUMNS: &str =
    "id BIGINT PRIMARY KEY, b BOOLEAN, s SMALLINT, i INTEGER, r REAL, d DOUBLE PRECISION, c DECIMAL(12, 2),
     w DECIMAL(30, 4), x TEXT, y BYTEA, day DATE, at TIMESTAMP, tz TIMESTAMPTZ, n INTEGER";
/// Columns of which everything can be known; and others: ends of floats are not, nor of texts that are cut,
/// nor of no value.
const PLAIN: [&str; 10] = ["id", "b", "s", "i", "c", "w", "y", "day", "at", "tz"];
const OTHERS: [&str; 4] = ["r", "d", "x", "n"];

/// The values of a row made of a number: nulls, NaN, both zeros, texts of more bytes than a bound keeps.
const VALUES: &str = "CASE WHEN v % 5 = 0 THEN NULL ELSE v % 2 = 0 END, CAST(v % 1000 - 500 AS SMALLINT),
     CASE WHEN v % 7 = 0 THEN NULL ELSE CAST(v * 3 - 100 AS INTEGER) END,
     CASE v % 50 WHEN 0 THEN CAST('NaN' AS REAL) WHEN 1 THEN CAST('-0' AS REAL) ELSE CAST(v % 9 AS REAL) END,
     CASE WHEN v % 40 < 20 THEN CAST('-0' AS DOUBLE PRECISION) ELSE 0 END, CAST(v AS DECIMAL(12, 2)) / 3,
     CAST(v AS DECIMAL(30, 4)) * 10000000000000000 - 50000000000000000000,
     CASE v % 3 WHEN 0 THEN 'a text of more than twenty-four bytes, no ' || v WHEN 1 THEN 't' || v ELSE NULL END,
     CAST('b' || CAST(v % 300 AS TEXT) AS BYTEA), DATE '1950-01-01' + CAST(v AS INTEGER),
     TIMESTAMP '1969-12-31 23:00:00' + CAST(CAST(v AS TEXT) || ' minutes' AS INTERVAL),
     CASE WHEN v % 4 = 0 THEN NULL ELSE TIMESTAMPTZ '1969-12-31 00:00:00Z' + CAST(CAST(v AS TEXT) || ' hours' AS INTERVAL) END,
     CAST(NULL AS INTEGER)";

fn insert(first: u64, last: u64) -> String {
    format!("INSERT INTO t SELECT v, {VALUES} FROM generate_series({first}, {last}) AS g(v)")
}

async fn is_answered_without_a_scan(db: &Db, query: &str) -> bool {
    let plan = db.text(&format!("EXPLAIN {query}")).await;
    !plan.contains("DataSourceExec")
}

/// Compares with the same aggregates behind a filter that nothing is known of. Returns whether the plain
/// columns' were answered without a scan.
async fn check(db: &Db, point: &str) -> bool {
    let all = |name: &str| format!("count({name}), min({name}), max({name})");
    let mut lists = vec![PLAIN.map(all).join(", ") + ", count(DISTINCT id), count(*)"];
    lists.push("count(*)".to_owned());
    lists.extend(OTHERS.map(all));
    for list in &lists {
        let query = format!("SELECT {list} FROM t{point}");
        let read = db.one(&format!("{query} WHERE random() >= 0")).await;
        assert_eq!(db.one(&query).await, read, "{query}");
    }
    is_answered_without_a_scan(db, &format!("SELECT {} FROM t{point}", lists[0])).await
}

#[tokio::test]
async fn aggregates_are_the_same_whether_statistics_answer_them_or_a_scan() {
    let db = Db::with(&format!("CREATE TABLE t ({COLUMNS})")).await;
    assert!(!check(&db, "").await, "an empty table is read, which costs nothing");
    db.run(&insert(1, 20)).await;
    assert!(!check(&db, "").await, "nothing is known of rows in memory");
    db.run(&format!("{}; CALL flush()", insert(21, 5000))).await;
    assert!(check(&db, "").await, "two files without a key in common");
    for name in OTHERS {
        let (count, end) = (format!("SELECT count({name}) FROM t"), format!("SELECT max({name}) FROM t"));
        assert!(is_answered_without_a_scan(&db, &count).await, "{count}");
        assert!(!is_answered_without_a_scan(&db, &end).await, "{end}");
    }
    db.run("CREATE SNAPSHOT loaded").await;
    let changes = [
        insert(6000, 8000),
        "UPDATE t SET i = 1000000, x = 'zz', b = NULL WHERE id BETWEEN 100 AND 110".to_owned(),
        "UPDATE t SET d = 'NaN', n = 3 WHERE id = 7000".to_owned(),
        "DELETE FROM t WHERE id < 50 OR id = 4000".to_owned(),
        "DELETE FROM t".to_owned(),
    ];
    let (mut known, mut unknown) = (0, 0);
    for (number, change) in changes.iter().enumerate() {
        db.run(change).await;
        db.run(&format!("CREATE SNAPSHOT s{number}")).await;
        for upkeep in [None, Some("CALL flush()"), Some("CALL compact()")] {
            if let Some(upkeep) = upkeep {
                db.run(upkeep).await;
            }
            for point in ["", &format!(" AS OF SNAPSHOT s{}", number / 2), " AS OF SNAPSHOT loaded"] {
                let answered = check(&db, point).await;
                known += usize::from(answered);
                unknown += usize::from(!answered);
            }
        }
    }
    assert!(known > 8 && unknown > 8, "{known} and {unknown}");
}

#[tokio::test]
async fn statistics_answer_only_for_the_whole_table_as_the_statement_sees_it() {
    let db = Db::with(&format!("CREATE TABLE t ({COLUMNS}); {}; CALL flush()", insert(1, 3000))).await;
    for query in ["SELECT count(*) FROM t", "SELECT max(id), min(day), count(i), count(*) FROM t"] {
        assert!(is_answered_without_a_scan(&db, query).await, "{query}");
    }
    assert_eq!(
        db.one("SELECT max(id), min(day), count(i), count(*) FROM t").await,
        "3000|1950-01-02|2572|3000"
    );
    for (query, answer) in [
        ("SELECT count(*) FROM t WHERE id > 10", "2990"),
        ("SELECT max(i) FROM t WHERE id < 3", "-94"),
        ("SELECT max(id) FROM t WHERE i < 0", "33"),
        ("SELECT max(id) FROM (SELECT id FROM t ORDER BY id LIMIT 7) x", "7"),
        ("SELECT max(id) FROM (SELECT id FROM t ORDER BY id OFFSET 2990 LIMIT 7) x", "2997"),
        ("SELECT max(id) FILTER (WHERE i < 0) FROM t", "33"),
        ("SELECT max(id) FROM t GROUP BY b IS NULL ORDER BY 1 LIMIT 1", "2999"),
        ("SELECT max(id + 1) FROM t", "3001"),
        ("SELECT max(a.id) FROM t a JOIN t b ON a.id = b.id + 1 AND b.i < 0", "34"),
    ] {
        assert_eq!(db.one(query).await, answer, "{query}");
        assert!(!is_answered_without_a_scan(&db, query).await, "{query}");
    }
    assert_eq!(db.one("SELECT count(*) FROM (SELECT id FROM t LIMIT 7) x").await, "7");

    // A transaction sees its own rows, and those alone that it had written before.
    db.run("BEGIN; PREPARE n AS SELECT count(*), max(id) FROM t").await;
    assert_eq!(db.one("EXECUTE n").await, "3000|3000");
    db.run("INSERT INTO t (id) SELECT 3000 + count(*) FROM t").await;
    assert_eq!(db.one("EXECUTE n").await, "3001|6000");
    assert!(!is_answered_without_a_scan(&db, "SELECT count(*) FROM t").await);
    db.run("ROLLBACK").await;
    assert_eq!(db.one("EXECUTE n").await, "3000|3000");

    // A statement that is kept is planned anew, and so is a view.
    db.run("CREATE VIEW newest AS SELECT max(id) AS id FROM t; DELETE FROM t WHERE id > 2000; CALL flush()")
        .await;
    assert_eq!(db.one("EXECUTE n").await, "2000|2000");
    assert_eq!(db.one("SELECT id FROM newest").await, "2000");
    db.run("CALL compact()").await;
    assert_eq!(db.one("EXECUTE n").await, "2000|2000");
    assert!(is_answered_without_a_scan(&db, "SELECT count(*), count(id) FROM t").await);
    // One row by its key, and what is counted of it, does not become a constant of the kept lookup.
    assert_eq!(db.one("SELECT id FROM t WHERE id = 2000").await, "2000");
    assert_eq!(db.one("SELECT count(*) FROM t WHERE id = 2000").await, "1");
    db.run("DELETE FROM t WHERE id = 2000").await;
    assert_eq!(db.one("SELECT count(*) FROM t WHERE id = 2000").await, "0");
}

#[tokio::test]
async fn what_cannot_be_read_any_more_is_not_counted_either() {
    let db = Db::with(&format!("CREATE TABLE t ({COLUMNS}); {}", insert(1, 100))).await;
    let version = db.version();
    db.run("CALL flush(); ALTER DATABASE SET retention = '1 second'; INSERT INTO t (id) VALUES (0)").await;
    db.run("CALL flush(); CALL compact(); INSERT INTO t (id) VALUES (-1); CALL flush(); CALL compact()")
        .await;
    let counted = format!("SELECT count(*) FROM t AS OF VERSION {version}");
    let scanned = format!("SELECT i FROM t AS OF VERSION {version}");
    assert_eq!(db.state(&counted).await, db.state(&scanned).await);
}

/// As query 18 of TPC-H: how many rows a join gives is guessed by the bounds of its columns.
#[tokio::test]
async fn the_smaller_side_of_a_join_is_held_in_memory() {
    let db = Db::with(
        "CREATE TABLE customers (id BIGINT PRIMARY KEY, name TEXT NOT NULL);
         CREATE TABLE orders (id BIGINT PRIMARY KEY, customer BIGINT NOT NULL);
         CREATE TABLE lines (id BIGINT, line INT, quantity DECIMAL(15, 2) NOT NULL, PRIMARY KEY (id, line));
         INSERT INTO customers SELECT v, 'customer ' || v FROM generate_series(1, 300) AS g(v);
         INSERT INTO orders SELECT v * 4, v % 300 + 1 FROM generate_series(1, 3000) AS g(v);
         INSERT INTO lines SELECT v / 4 * 4, v % 4, v % 50 FROM generate_series(4, 12003) AS g(v);
         CALL flush(); CALL compact()",
    )
    .await;
    let query = "SELECT c.name, o.id, sum(l.quantity) FROM customers c, orders o, lines l
                  WHERE o.id IN (SELECT id FROM lines GROUP BY id HAVING sum(quantity) > 180)
                    AND c.id = o.customer AND o.id = l.id GROUP BY c.name, o.id";
    let plan = db.text(&format!("EXPLAIN {query}")).await;
    assert!(plan.contains("join_type=RightSemi"), "{plan}");
    assert_eq!(db.rows(query).await.len(), 240);
}

#[tokio::test]
async fn the_sum_of_a_constant_over_no_rows_is_null() {
    let db = Db::with("CREATE TABLE t (b INT)").await;
    for query in [
        "SELECT sum(x) FROM (SELECT 2.5 AS x FROM t) q",
        "SELECT sum(x) FROM (SELECT 2 AS x FROM t WHERE b > 1) q",
        "SELECT sum(x), avg(x), min(x) FROM (SELECT 2.5::float8 AS x FROM t) q",
        "SELECT sum(2.5) FROM t",
    ] {
        let answer = db.one(query).await;
        assert!(answer.split('|').all(|value| value == "∅"), "{query}: {answer}");
    }
    assert_eq!(db.one("SELECT count(*), count(b) FROM t").await, "0|0");
    db.run("INSERT INTO t VALUES (1), (2)").await;
    assert_eq!(db.one("SELECT sum(x) FROM (SELECT 2.5 AS x FROM t) q").await, "5.0");
}
