//! Statements about one row by its key: what they answer is what their plan answers, to the byte.

use arrow::{array::RecordBatch, datatypes::SchemaRef};
use bygone_query::{Error, Session};
use datafusion::common::ScalarValue;
use futures::TryStreamExt;

use crate::database::{Db, SECOND};

const TABLES: &str = "
    CREATE TABLE t (id BIGINT PRIMARY KEY, small SMALLINT, n INT NOT NULL, d DECIMAL(12, 2), f DOUBLE, r REAL, b BOOLEAN,
                    s TEXT, v VARCHAR(5), day DATE, ts TIMESTAMP, tz TIMESTAMPTZ, raw BYTEA);
    INSERT INTO t VALUES
        (1, 1, 10, 1.50, 0.5, 0.25, true, 'one', 'a', '2024-01-31', '2024-01-31 12:00', '2024-01-31 12:00Z', '\\x01'),
        (2, -2, 20, -2.25, 1e10, -1.5, false, 'two', 'bcdef', '1969-12-31', '2024-07-01 00:00', '2024-07-01 00:00Z', '\\x0203'),
        (3, NULL, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
        (-4, 4, -40, 0, 0, 0, true, '', 'ü', '2024-02-29', '2024-03-31 02:30', '2024-03-31 01:00Z', ''),
        (9223372036854775807, 5, 50, 5, 5, 5, false, 'a longer text that is not kept inline', 'x', '2024-06-01', '2024-06-01', '2024-06-01Z', '\\xff');
    CREATE TABLE by_int (id INT PRIMARY KEY, v TEXT); INSERT INTO by_int VALUES (1, 'a'), (2, 'b');
    CREATE TABLE by_text (name TEXT PRIMARY KEY, v INT); INSERT INTO by_text VALUES ('a', 1), ('b''c', 2), ('', 3);
    CREATE TABLE by_day (day DATE PRIMARY KEY, v INT); INSERT INTO by_day VALUES ('2024-01-31', 1);
    CREATE TABLE by_local (at TIMESTAMP PRIMARY KEY, v INT);
    INSERT INTO by_local VALUES ('2024-01-31 12:00', 1), ('2024-07-01 12:00', 2);
    CREATE TABLE by_instant (at TIMESTAMPTZ PRIMARY KEY, v INT);
    INSERT INTO by_instant VALUES ('2024-01-31 12:00Z', 1), ('2024-07-01 12:00Z', 2);
    CREATE TABLE by_price (price DECIMAL(10, 2) PRIMARY KEY, v INT); INSERT INTO by_price VALUES (1.50, 1), (2, 2);
    CREATE TABLE by_double (x DOUBLE PRIMARY KEY, v INT); INSERT INTO by_double VALUES (0.5, 1), (0, 2);
    CREATE TABLE by_flag (flag BOOLEAN PRIMARY KEY, v INT); INSERT INTO by_flag VALUES (true, 1);
    CREATE TABLE by_bytes (raw BYTEA PRIMARY KEY, v INT); INSERT INTO by_bytes VALUES ('\\x00ff', 1);
    CREATE TABLE by_two (a INT, b TEXT, v INT, PRIMARY KEY (a, b)); INSERT INTO by_two VALUES (1, 'x', 7), (1, 'y', 8);
    CREATE TABLE \"Odd\" (\"Id\" INT PRIMARY KEY, \"select\" TEXT); INSERT INTO \"Odd\" VALUES (1, 'odd');
    CREATE VIEW seen AS SELECT * FROM t";

/// Queries, and whether they are lookups.
const QUERIES: &[(&str, bool)] = &[
    ("SELECT * FROM t WHERE id = 1", true),
    ("SELECT * FROM t WHERE id = 3", true),
    ("SELECT * FROM t WHERE id = -4", true),
    ("SELECT * FROM t WHERE id = 9223372036854775807", true),
    ("SELECT * FROM t WHERE id = 7", true),
    ("SELECT * FROM t WHERE 1 = id", true),
    ("SELECT * FROM t WHERE (id = 1)", true),
    ("SELECT * FROM main.public.t WHERE t.id = 1", true),
    ("SELECT x.* FROM t AS x WHERE x.id = 1", true),
    ("SELECT s, id FROM t WHERE id = 2", true),
    ("SELECT id, id, n + 1, n + 1 AS m, -d, f * 2, upper(s), s || 'x', NOT b FROM t WHERE id = 2", true),
    ("SELECT 1, 'x', NULL, true FROM t WHERE id = 2", true),
    ("SELECT count(*) FROM t WHERE id = 2", false),
    ("SELECT sum(n) OVER () FROM t WHERE id = 2", false),
    ("SELECT DISTINCT n FROM t WHERE id = 2", false),
    ("SELECT n FROM t WHERE id = 2 ORDER BY n", false),
    ("SELECT n FROM t WHERE id = 2 GROUP BY n", false),
    ("SELECT n FROM t WHERE id = 2 LIMIT 1", true),
    ("SELECT n FROM t WHERE id = 2 LIMIT 5 OFFSET 0", true),
    ("SELECT n FROM t WHERE id = 2 LIMIT 0", false),
    ("SELECT n FROM t WHERE id = 2 OFFSET 1", false),
    ("SELECT n FROM t WHERE id = 2 FETCH FIRST 1 ROW ONLY", true),
    ("SELECT n FROM t WHERE id = '2'", true),
    ("SELECT n FROM t WHERE id = ' 2 '", true),
    ("SELECT n FROM t WHERE id = 'two'", false),
    ("SELECT n FROM t WHERE id = 2.0", true),
    ("SELECT n FROM t WHERE id = 2.5", false),
    ("SELECT n FROM t WHERE id = 1 + 1", true),
    ("SELECT n FROM t WHERE id = NULL", false),
    ("SELECT n FROM t WHERE id = 18446744073709551615", false),
    ("SELECT n FROM t WHERE id IN (2)", false),
    ("SELECT n FROM t WHERE id BETWEEN 2 AND 2", false),
    ("SELECT n FROM t WHERE id = 2 OR id = 1", false),
    ("SELECT n FROM t WHERE NOT (id <> 2)", false),
    ("SELECT n FROM t WHERE id = n", false),
    ("SELECT n FROM t WHERE id = 2 AND id = 1", true),
    ("SELECT n FROM t WHERE id = 2 AND n = 20", true),
    ("SELECT n FROM t WHERE id = 2 AND (small, n) = (-2, 20)", true),
    ("SELECT n FROM t WHERE id = 2 AND (small, n) <> (-2, NULL)", true),
    ("SELECT n FROM t WHERE id = 3 AND (small, n) < (0, 0)", true),
    ("SELECT n FROM t WHERE id = 2 AND (small, n) NOT IN ((1, NULL), (3, 4))", true),
    ("SELECT n FROM t WHERE (id, n) = (2, 20)", true),
    ("SELECT v FROM by_two WHERE (a, b) = (1, 'x')", true),
    ("SELECT v FROM by_two WHERE (b, a) = ('y', 1) AND v > 0", true),
    (
        "SELECT CASE n WHEN 20 THEN n ELSE 2.5 END, coalesce(d, '0.5'), CASE WHEN b THEN n ELSE f END FROM t WHERE id = 2",
        true,
    ),
    (
        "SELECT CASE f WHEN '-0' THEN 'zero' END, f IN (0, 1, 2, 3, 4), nullif(f, 0) FROM t WHERE id = -4",
        true,
    ),
    ("SELECT ln(f + 1), 'a' || n % 3, substring(s FROM 't(.)o') FROM t WHERE id = 2", true),
    ("SELECT n FROM t WHERE id = 2 AND n = 21", true),
    ("SELECT n FROM t WHERE id = 3 AND small = 1", true),
    ("SELECT n FROM t WHERE id = 3 AND small IS NULL", true),
    ("SELECT n FROM t WHERE id = 2 AND s = 'two' AND v <> 'x' AND d < 0 AND b = false", true),
    ("SELECT n FROM t WHERE id = 2 AND s LIKE 't%'", true),
    ("SELECT n FROM t WHERE id = 2 AND f > 5 AND r < 0.1", true),
    ("SELECT n FROM t WHERE id = 2 AND d = -2.25", true),
    ("SELECT n FROM t WHERE id = 2 AND day < '1970-01-01'", true),
    ("SELECT n FROM t WHERE id = 2 AND ts >= '2024-07-01' AND tz < '2024-07-02'", true),
    ("SELECT ts - day, ts - day > INTERVAL '1 hour' FROM t WHERE id = 1", true),
    ("SELECT n FROM t WHERE id = 1 AND ts - day >= INTERVAL '12 hours'", true),
    ("SELECT n FROM t WHERE id = 1 AND ts - day > '1 day'", true),
    ("SELECT n FROM t WHERE id = 1 AND tz - '2024-01-30 12:00Z' = INTERVAL '24 hours'", true),
    (
        "SELECT greatest(ts - day, INTERVAL '1 hour'), nullif(ts - day, INTERVAL '1 day') FROM t WHERE id = 1",
        true,
    ),
    ("SELECT (ts - day)::text, INTERVAL '1 day' * n, age(ts, '2024-01-01') FROM t WHERE id = 1", true),
    ("SELECT to_char(tz, 'YYYY-MM-DD HH24:MI TZ'), extract(second FROM ts - day) FROM t WHERE id = 1", true),
    ("SELECT to_date(s, 'YYYY') FROM t WHERE id = 2", true),
    ("SELECT generate_series(ts, ts, '1 day') FROM t WHERE id = 2", false),
    ("SELECT n FROM t WHERE id = 1 AND day = 'January 31, 2024'", true),
    ("SELECT n::timestamp FROM t WHERE id = 2", false),
    ("SELECT n::boolean FROM t WHERE id = 2", true),
    ("SELECT n FROM t WHERE id = 2 AND raw = '\\x0203'", true),
    ("SELECT n FROM t WHERE id = 2 AND n IN (SELECT v FROM by_two)", false),
    ("SELECT (SELECT max(v) FROM by_two) FROM t WHERE id = 2", false),
    ("SELECT n / 0 FROM t WHERE id = 2", true),
    ("SELECT n / 0 FROM t WHERE id = 77", true),
    ("SELECT 1 / n FROM t WHERE id = 3", true),
    ("SELECT n FROM t WHERE id = 3 AND n <> 0 AND 1 / n > 0", true),
    ("SELECT n FROM t WHERE id = 3 AND 1 / n > 0", true),
    ("SELECT n + 2147483647 FROM t WHERE id = 2", true),
    ("SELECT id + 1 FROM t WHERE id = 9223372036854775807", true),
    ("SELECT CAST(s AS INT) FROM t WHERE id = 2", true),
    (
        "SELECT CAST(d AS INT), CAST(f AS TEXT), CAST(tz AS TEXT), CAST(ts AS TIMESTAMPTZ) FROM t WHERE id = 2",
        true,
    ),
    (
        "SELECT ts, tz, day, extract(hour FROM tz), date_trunc('day', tz), tz + INTERVAL '1 day' FROM t WHERE id = -4",
        true,
    ),
    (
        "SELECT CASE WHEN n > 5 THEN s ELSE v END, coalesce(s, 'none'), nullif(n, 20) FROM t WHERE id = 2",
        true,
    ),
    ("SELECT CASE WHEN true THEN n END, id IS NULL, n IS NULL, s IS NOT NULL FROM t WHERE id = 2", true),
    ("SELECT length(s), round(d, 1), round(f), abs(n), md5(s) FROM t WHERE id = 2", true),
    ("SELECT now() FROM t WHERE id = 2", false),
    ("SELECT as_of_timestamp() FROM t WHERE id = 2", false),
    ("SELECT n AS a, s AS a FROM t WHERE id = 2", true),
    ("SELECT (id, n) FROM t WHERE id = 2", true),
    ("SELECT unnest([1, 2]) FROM t WHERE id = 2", false),
    ("SELECT missing FROM t WHERE id = 2", false),
    ("SELECT n FROM t WHERE id = 2 AND missing = 1", false),
    ("SELECT n FROM nothing WHERE id = 2", false),
    ("SELECT y.n FROM t AS x WHERE id = 2", false),
    ("SELECT t.n FROM t AS x WHERE id = 2", false),
    ("SELECT n FROM t AS x (k) WHERE k = 2", false),
    ("SELECT n FROM seen WHERE id = 2", false),
    ("SELECT n FROM t JOIN by_int USING (id) WHERE id = 2", false),
    ("SELECT v FROM by_int WHERE id = 1", true),
    ("SELECT v FROM by_int WHERE id = 3000000000", true),
    ("SELECT v FROM by_int WHERE id = '1'", true),
    ("SELECT * FROM by_text WHERE name = 'a'", true),
    ("SELECT * FROM by_text WHERE name = 'b''c'", true),
    ("SELECT * FROM by_text WHERE name = ''", true),
    ("SELECT * FROM by_text WHERE name = 5", false),
    ("SELECT * FROM by_day WHERE day = '2024-01-31'", true),
    ("SELECT * FROM by_day WHERE day = DATE '2024-01-31'", true),
    ("SELECT * FROM by_day WHERE day = 'no day'", true),
    ("SELECT * FROM by_local WHERE at = '2024-01-31 12:00'", true),
    ("SELECT * FROM by_local WHERE at = TIMESTAMP '2024-07-01 12:00'", true),
    ("SELECT * FROM by_instant WHERE at = '2024-01-31 12:00Z'", true),
    ("SELECT * FROM by_instant WHERE at = '2024-07-01 12:00'", true),
    ("SELECT * FROM by_instant WHERE at = '2024-07-01 14:00'", true),
    ("SELECT * FROM by_instant WHERE at = now()", false),
    ("SELECT * FROM by_price WHERE price = 1.5", true),
    ("SELECT * FROM by_price WHERE price = 2", false),
    ("SELECT * FROM by_double WHERE x = 0.5", true),
    ("SELECT * FROM by_double WHERE x = -0.0", true),
    ("SELECT * FROM by_flag WHERE flag = true", true),
    ("SELECT * FROM by_flag WHERE flag", false),
    ("SELECT * FROM by_bytes WHERE raw = '\\x00ff'", true),
    ("SELECT * FROM by_two WHERE a = 1 AND b = 'y'", true),
    ("SELECT * FROM by_two WHERE b = 'x' AND a = 1 AND v > 5", true),
    ("SELECT * FROM by_two WHERE a = 1", false),
    ("SELECT \"select\" FROM \"Odd\" WHERE \"Id\" = 1", true),
    ("SELECT * FROM t AS OF SNAPSHOT before WHERE id = 1", true),
    ("SELECT x.s FROM t AS OF SNAPSHOT before AS x WHERE x.id = 2", true),
    ("SELECT s FROM t WHERE id = 1 AS OF SYSTEM TIME SNAPSHOT before", true),
    ("SELECT s FROM t AS OF TIMESTAMP now() WHERE id = 1", true),
    ("SELECT s FROM t AS OF SNAPSHOT none WHERE id = 1", false),
    ("SELECT v FROM later AS OF SNAPSHOT before WHERE id = 1", false),
    ("SELECT v FROM later WHERE id = 1", true),
];

async fn tables() -> Db {
    let db = Db::with(TABLES).await;
    db.run("CREATE SNAPSHOT before").await;
    db.run(
        "UPDATE t SET s = s || '!' WHERE n > 0;
         CREATE TABLE later (id INT PRIMARY KEY, v INT); INSERT INTO later VALUES (1, 1)",
    )
    .await;
    db
}

/// Answer of a query: the columns it announces, its batches, what it tells; or its error.
#[derive(Debug, PartialEq)]
struct Answer {
    schema: Option<SchemaRef>,
    result: Result<Vec<RecordBatch>, (&'static str, String, Option<String>)>,
    notices: Vec<String>,
}

fn told(error: &Error) -> (&'static str, String, Option<String>) {
    (error.sqlstate(), error.message().to_owned(), error.hint().map(str::to_owned))
}

async fn answer(session: &Session, sql: &str, parameters: &[ScalarValue]) -> Answer {
    match session.execute_with(sql, parameters.to_vec()).await {
        Ok(outcome) => {
            let notices = outcome.notices.iter().map(ToString::to_string).collect();
            let rows = outcome.rows.expect("it has rows");
            let schema = Some(rows.schema());
            let result = rows.try_collect().await.map_err(|error| told(&error));
            Answer { schema, result, notices }
        }
        Err(error) => Answer { schema: None, result: Err(told(&error)), notices: Vec::new() },
    }
}

/// The same query in a form that is always planned.
fn planned(sql: &str) -> String {
    format!("WITH unused AS (SELECT 1) {sql}")
}

async fn is_lookup(session: &Session, sql: &str, parameters: &[ScalarValue]) -> bool {
    let Ok(outcome) = session.execute_with(&format!("EXPLAIN {sql}"), parameters.to_vec()).await else {
        return false;
    };
    let batches: Vec<RecordBatch> =
        outcome.rows.expect("it has rows").try_collect().await.expect("it is planned");
    batches.iter().any(|batch| format!("{batch:?}").contains("run_as"))
}

async fn compare(db: &Db, sql: &str, parameters: &[ScalarValue]) {
    // The clock stands still, so that both read the same moment; the first answer comes from a lookup that is
    // compiled, the second from one that is known.
    for _ in 0..2 {
        let looked_up = answer(&db.session, sql, parameters).await;
        let planned = answer(&db.session, &planned(sql), parameters).await;
        assert_eq!(looked_up, planned, "{sql} {parameters:?}");
    }
}

#[tokio::test]
async fn a_lookup_answers_what_its_plan_answers() {
    let db = tables().await;
    let mut wrong = Vec::new();
    for (sql, is) in QUERIES {
        compare(&db, sql, &[]).await;
        if is_lookup(&db.session, sql, &[]).await != *is {
            wrong.push(sql);
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    db.run("CALL flush()").await;
    for (sql, _) in QUERIES {
        compare(&db, sql, &[]).await;
    }
}

#[tokio::test]
async fn a_lookup_answers_what_its_plan_answers_in_every_zone_point_and_transaction() {
    let db = tables().await;
    for setting in [
        "SET timezone = 'Europe/Berlin'",
        "SET timezone = '-03:30'",
        "RESET timezone",
        "SET as_of = 'snapshot:before'",
    ] {
        db.run(setting).await;
        for (sql, _) in QUERIES {
            compare(&db, sql, &[]).await;
        }
    }
    db.run("RESET ALL").await;
    for (sql, _) in QUERIES {
        // An error ends a transaction, so each query has its own.
        db.run("BEGIN; UPDATE t SET s = 'mine' WHERE id = 1; DELETE FROM t WHERE id = 2").await;
        let looked_up = answer(&db.session, sql, &[]).await;
        db.run("ROLLBACK; BEGIN; UPDATE t SET s = 'mine' WHERE id = 1; DELETE FROM t WHERE id = 2").await;
        let planned = answer(&db.session, &planned(sql), &[]).await;
        let moments = sql.contains("now()") || sql.contains("as_of");
        assert!(moments || looked_up == planned, "{sql}: {looked_up:?}\n{planned:?}");
        db.run("ROLLBACK").await;
    }
}

#[tokio::test]
async fn parameters_are_constants_of_a_lookup() {
    let db = tables().await;
    let text = |text: &str| ScalarValue::from(text);
    let null = ScalarValue::Int64(None);
    let cases: Vec<(&str, Vec<ScalarValue>, bool)> = vec![
        ("SELECT * FROM t WHERE id = $1", vec![1_i64.into()], true),
        ("SELECT * FROM t WHERE id = $1", vec![2_i32.into()], true),
        ("SELECT * FROM t WHERE id = $1", vec![2_u8.into()], true),
        ("SELECT * FROM t WHERE id = $1", vec![2_u64.into()], false),
        ("SELECT * FROM t WHERE id = $1", vec![2_f64.into()], false),
        ("SELECT * FROM t WHERE id = $1", vec![text("2")], true),
        ("SELECT * FROM t WHERE id = $1", vec![text("x")], true),
        ("SELECT * FROM t WHERE id = $1", vec![null.clone()], false),
        ("SELECT * FROM t WHERE id = $1", vec![ScalarValue::Null], false),
        ("SELECT * FROM t WHERE id = $1", vec![], false),
        ("SELECT * FROM t WHERE id = $2", vec![1_i64.into(), 2_i64.into()], true),
        ("SELECT $1, n FROM t WHERE id = $2", vec![text("x"), 2_i64.into()], true),
        ("SELECT $1, n FROM t WHERE id = $1", vec![2_i64.into()], true),
        (
            "SELECT $1 + n FROM t WHERE id = $2 AND s = $3",
            vec![1_i64.into(), 2_i64.into(), text("two!")],
            true,
        ),
        (
            "SELECT n FROM t WHERE id = $1 AND d = $2",
            vec![2_i64.into(), ScalarValue::Decimal128(Some(-225), 5, 2)],
            true,
        ),
        ("SELECT n FROM t WHERE id = $1 AND f > $2", vec![2_i64.into(), 0.5_f64.into()], true),
        ("SELECT n FROM t WHERE id = $1 AND s LIKE $2", vec![2_i64.into(), text("t%")], true),
        ("SELECT n FROM t WHERE id = $1 LIMIT $2", vec![2_i64.into(), 1_i64.into()], true),
        ("SELECT n FROM t WHERE id = $1 LIMIT $2", vec![2_i64.into(), 0_i64.into()], false),
        ("SELECT round(d, $2) FROM t WHERE id = $1", vec![2_i64.into(), 1_i32.into()], true),
        ("SELECT v FROM by_text WHERE name = $1", vec![text("a")], true),
        ("SELECT v FROM by_text WHERE name = $1", vec![ScalarValue::Utf8View(Some("a".into()))], true),
        ("SELECT v FROM by_instant WHERE at = $1", vec![text("2024-07-01 12:00Z")], true),
        ("SELECT v FROM by_day WHERE day = $1", vec![ScalarValue::Date32(Some(19_753))], true),
        ("SELECT s FROM t AS OF SNAPSHOT $2 WHERE id = $1", vec![1_i64.into(), text("before")], true),
        ("SELECT s FROM t AS OF SNAPSHOT $2 WHERE id = $1", vec![1_i64.into(), text("none")], false),
    ];
    let mut wrong = Vec::new();
    for (sql, parameters, is) in &cases {
        compare(&db, sql, parameters).await;
        if is_lookup(&db.session, sql, parameters).await != *is {
            wrong.push((sql, parameters));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    db.run("PREPARE p AS SELECT s, $2 FROM t WHERE id = $1; PREPARE q (SMALLINT) AS SELECT s FROM t WHERE id = $1").await;
    for _ in 0..2 {
        assert_eq!(db.rows("EXECUTE p(1, 'x')").await, ["one!|x"]);
        assert_eq!(db.rows("EXECUTE p('2', 7)").await, ["two!|7"]);
        assert_eq!(db.rows("EXECUTE p(-4 + 6, NULL)").await, ["two!|"]);
        assert_eq!(db.rows("EXECUTE q(1)").await, ["one!"]);
        assert!(db.rows("EXECUTE p(NULL, 1)").await.is_empty());
        for wrong in ["p(1)", "p", "p(1, 2, 3)", "q", "q(1, 2)"] {
            assert_eq!(db.state(&format!("EXECUTE {wrong}")).await, "42601", "{wrong}");
        }
        assert_eq!(db.state("EXECUTE q(100000)").await, "22003");
    }
}

#[tokio::test]
async fn a_prepared_lookup_sees_every_commit_and_every_change_of_its_table() {
    let db = Db::with("CREATE TABLE t (id INT PRIMARY KEY, v INT); INSERT INTO t VALUES (1, 10)").await;
    db.run("PREPARE p AS SELECT * FROM t WHERE id = $1").await;
    assert_eq!(db.rows("EXECUTE p(1)").await, ["1|10"]);
    let other = db.sql.session();
    other.execute("UPDATE t SET v = 11 WHERE id = 1").await.expect("it writes");
    assert_eq!(db.rows("EXECUTE p(1)").await, ["1|11"]);
    db.run("CREATE SNAPSHOT old; DROP TABLE t; CREATE TABLE t (v TEXT, id BIGINT PRIMARY KEY)").await;
    assert!(db.rows("EXECUTE p(1)").await.is_empty());
    db.run("INSERT INTO t VALUES ('new', 1)").await;
    assert_eq!(db.rows("EXECUTE p(1)").await, ["new|1"]);
    db.run("SET as_of = 'snapshot:old'").await;
    assert_eq!(db.rows("EXECUTE p(1)").await, ["1|11"]);
    db.run("RESET as_of").await;
    assert_eq!(db.rows("EXECUTE p(1)").await, ["new|1"]);
    db.run("CREATE SCHEMA s; CREATE TABLE s.t (id INT PRIMARY KEY); INSERT INTO s.t VALUES (1); SET search_path = 's'").await;
    assert_eq!(db.rows("EXECUTE p(1)").await, ["1"]);
    db.run("RESET search_path; DROP TABLE t").await;
    assert_eq!(db.state("EXECUTE p(1)").await, "42P01");
}

#[tokio::test]
async fn a_lookup_inside_a_transaction_sees_its_own_writes() {
    let db =
        Db::with("CREATE TABLE t (id INT PRIMARY KEY, v INT); INSERT INTO t VALUES (1, 10), (2, 20)").await;
    db.run("PREPARE p AS SELECT v FROM t WHERE id = $1; BEGIN").await;
    assert_eq!(db.rows("EXECUTE p(1)").await, ["10"]);
    db.run("UPDATE t SET v = v + 1 WHERE id = 1; DELETE FROM t WHERE id = 2; INSERT INTO t VALUES (3, 30)")
        .await;
    assert_eq!(db.rows("EXECUTE p(1)").await, ["11"]);
    assert!(db.rows("EXECUTE p(2)").await.is_empty());
    assert_eq!(db.rows("EXECUTE p(3)").await, ["30"]);
    let other = db.sql.session();
    other.execute("UPDATE t SET v = 99 WHERE id = 2").await.expect("it writes");
    assert!(db.rows("EXECUTE p(2)").await.is_empty());
    db.run("CREATE TABLE own (id INT PRIMARY KEY, v INT); INSERT INTO own VALUES (5, 6)").await;
    assert_eq!(db.rows("SELECT v FROM own WHERE id = 5").await, ["6"]);
    db.run("ROLLBACK").await;
    assert_eq!(db.rows("EXECUTE p(2)").await, ["99"]);
    assert_eq!(db.state("SELECT v FROM own WHERE id = 5").await, "42P01");
}

/// Changes of `{t}`, with the key in a form that is looked up and in one that is planned.
const CHANGES: &[&str] = &[
    "UPDATE {t} SET s = 'new' WHERE {id} = 1",
    "UPDATE {t} SET s = s || '?', n = n + 1, d = 12.5, f = 3, b = true WHERE {id} = 2",
    "UPDATE {t} SET d = 7, r = '1.5', small = '3', day = '2024-05-05', ts = '2024-05-05 10:00', tz = '2024-05-05 10:00' WHERE {id} = 2",
    "UPDATE {t} SET s = NULL, v = DEFAULT WHERE {id} = 1",
    "UPDATE {t} SET n = NULL WHERE {id} = 1",
    "UPDATE {t} SET v = 'too long' WHERE {id} = 1",
    "UPDATE {t} SET small = 100000 WHERE {id} = 1",
    "UPDATE {t} SET n = 'x' WHERE {id} = 1",
    "UPDATE {t} SET n = 1 / 0 WHERE {id} = 1",
    "UPDATE {t} SET ts = ts + (ts - day) * 2 WHERE {id} = 1 AND ts - day < INTERVAL '1 day'",
    "UPDATE {t} SET b = n::boolean, day = 'May 5, 2024' WHERE {id} = 2",
    "UPDATE {t} SET n = n WHERE {id} = 77",
    "UPDATE {t} SET id = 100 WHERE {id} = 1",
    "UPDATE {t} SET id = 2 WHERE {id} = 3",
    "UPDATE {t} AS x SET n = x.n + 1 WHERE x.{id} = 2 AND x.n > 0",
    "UPDATE {t} SET n = 5 WHERE {id} = 2 AND s = 'nothing'",
    "UPDATE {t} SET tz = now() WHERE {id} = 2",
    "UPDATE {t} SET raw = '\\x0909' WHERE {id} = -4",
    "DELETE FROM {t} WHERE {id} = 1",
    "DELETE FROM {t} WHERE {id} = 2 AND n = -1",
    "DELETE FROM {t} AS x WHERE x.{id} = 3",
    "DELETE FROM {t} WHERE {id} = 77",
];

#[tokio::test]
async fn a_change_by_key_does_what_its_plan_does() {
    let db = tables().await;
    let (looked_up, planned) = (tables().await, tables().await);
    for change in CHANGES {
        let mut results = Vec::new();
        for (db, id) in [(&looked_up, "id"), (&planned, "id + 0")] {
            // Parentheses keep an alias in front: x.(id + 0) is no expression.
            let sql =
                change.replace("{t}", "t").replace("x.{id}", if id == "id" { "x.id" } else { "x.id + 0" });
            let sql = sql.replace("{id}", id);
            db.clock.advance(SECOND);
            let result = db.session.execute(&sql).await;
            results.push(result.map(|outcome| (outcome.tag, outcome.affected)).map_err(|error| told(&error)));
        }
        assert_eq!(results[0], results[1], "{change}");
        assert_eq!(
            looked_up.rows("SELECT * FROM t ORDER BY id").await,
            planned.rows("SELECT * FROM t ORDER BY id").await,
            "{change}"
        );
        let sql = change.replace("{t}", "t").replace("{id}", "id");
        let is_fixed = !change.contains("now()");
        assert_eq!(is_lookup(&db.session, &sql, &[]).await, is_fixed, "{change}");
    }
    for (sql, parameters) in [
        ("UPDATE t SET s = $1 WHERE id = $2", vec![ScalarValue::from("bound"), 2_i64.into()]),
        ("UPDATE t SET s = $1, n = n + $3 WHERE id = $2", vec!["bound".into(), 2_i64.into(), 5_i64.into()]),
        ("UPDATE t SET d = $1 WHERE id = $2", vec![ScalarValue::Decimal128(Some(1234), 6, 3), 2_i64.into()]),
        ("DELETE FROM t WHERE id = $1", vec![2_i64.into()]),
    ] {
        assert!(is_lookup(&db.session, sql, &parameters).await, "{sql}");
        looked_up.session.execute_with(sql, parameters.clone()).await.expect("it writes");
        let sql = sql.replace("WHERE id", "WHERE id + 0");
        planned.session.execute_with(&sql, parameters).await.expect("it writes");
        let all = "SELECT * FROM t ORDER BY id";
        assert_eq!(looked_up.rows(all).await, planned.rows(all).await, "{sql}");
    }
}
