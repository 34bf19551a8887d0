//! Windows: named ones, distinct rows of them, rows before and behind; and rows that joins make up.

use crate::database::Db;

const TABLES: &str = "CREATE TABLE t (a INT, g INT);
    INSERT INTO t VALUES (1, 0), (2, 0), (3, 1), (4, 1);
    CREATE TABLE s (id INT, v INT);
    INSERT INTO s VALUES (1, 10), (2, 20), (3, 30), (4, 40), (5, NULL), (6, NULL), (7, 70), (8, 80);
    CREATE TABLE l (k INT, x INT);
    INSERT INTO l VALUES (1, NULL), (2, NULL), (3, 5);
    CREATE TABLE r (k INT, y INT);
    INSERT INTO r VALUES (1, NULL), (1, 7), (4, NULL)";

async fn assert_answers(queries: &[(&str, &str)]) {
    let db = Db::with(TABLES).await;
    for (query, rows) in queries {
        let mut answered: Vec<String> = db.rows(query).await.iter().map(|row| without_zeros(row)).collect();
        let mut rows: Vec<String> = rows.split(", ").map(without_zeros).collect();
        if !query.contains("ORDER BY") || query.contains("LIMIT 30") {
            answered.sort();
            rows.sort();
        }
        assert_eq!(answered, rows, "{query}");
    }
}

/// A number of any type as its value: DECIMAL shows all its digits.
fn without_zeros(row: &str) -> String {
    let is_fraction = row.contains('.') && row.parse::<f64>().is_ok();
    if is_fraction { row.trim_end_matches('0').trim_end_matches('.').to_owned() } else { row.to_owned() }
}

#[tokio::test]
async fn a_window_has_what_the_one_has_that_it_starts_from() {
    assert_answers(&[
        (
            "SELECT a, sum(a) OVER (w ORDER BY a) FROM t WINDOW w AS (PARTITION BY g) ORDER BY a",
            "1|1, 2|3, 3|3, 4|7",
        ),
        (
            "SELECT a, sum(a) OVER (w ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM t WINDOW w AS (ORDER \
         BY a) ORDER BY a",
            "1|1, 2|3, 3|5, 4|7",
        ),
        (
            "SELECT a, sum(a) OVER w2 FROM t WINDOW w AS (PARTITION BY g), w2 AS (w ORDER BY a) ORDER BY \
         a",
            "1|1, 2|3, 3|3, 4|7",
        ),
        (
            "SELECT a, sum(a) OVER w2 FROM t WINDOW w AS (PARTITION BY g ORDER BY a DESC), w2 AS (w) \
         ORDER BY a",
            "1|3, 2|2, 3|7, 4|4",
        ),
        (
            "SELECT a, sum(a) OVER w FROM t WINDOW w AS (ORDER BY a ROWS BETWEEN 1 PRECEDING AND CURRENT \
         ROW) ORDER BY a",
            "1|1, 2|3, 3|5, 4|7",
        ),
        ("SELECT a, sum(a) OVER (w) FROM t WINDOW w AS (PARTITION BY g) ORDER BY a", "1|3, 2|3, 3|7, 4|7"),
        (
            "SELECT a FROM t WINDOW w AS (PARTITION BY g ORDER BY a DESC) ORDER BY row_number() OVER w, a",
            "2, 4, 1, 3",
        ),
        (
            "SELECT a, (SELECT sum(s.v) OVER (w ORDER BY s.id) FROM s WINDOW w AS (PARTITION BY s.id / \
         100) LIMIT 1) FROM t WINDOW w AS (ORDER BY a) ORDER BY a",
            "1|10, 2|10, 3|10, 4|10",
        ),
        (
            "SELECT sum(a) OVER \"W\" FROM t WINDOW \"W\" AS (PARTITION BY g), w AS () ORDER BY 1",
            "3, 3, 7, 7",
        ),
        (
            "SELECT g, sum(sum(a)) OVER (w ORDER BY g) FROM t GROUP BY g WINDOW w AS () ORDER BY g",
            "0|3, 1|10",
        ),
        (
            "SELECT a, rank() OVER W FROM t WINDOW w AS (PARTITION BY g ORDER BY a) UNION ALL SELECT 0, 0 \
         ORDER BY 1",
            "0|0, 1|1, 2|2, 3|1, 4|2",
        ),
        (
            "SELECT a, sum(a) OVER (w ORDER BY a), count(*) OVER (w2 ROWS UNBOUNDED PRECEDING) FROM t \
         WINDOW w AS (PARTITION BY g), w2 AS (w ORDER BY a DESC) ORDER BY a",
            "1|1|2, 2|3|1, 3|3|2, 4|7|1",
        ),
    ])
    .await;
}

#[tokio::test]
async fn a_window_cannot_be_started_from_another_in_every_way() {
    let db = Db::with(TABLES).await;
    for (window, state) in [
        ("OVER (w ORDER BY a) FROM t WINDOW w AS (ORDER BY g)", "42P20"),
        ("OVER (w PARTITION BY a) FROM t WINDOW w AS (ORDER BY g)", "42P20"),
        ("OVER (w) FROM t WINDOW w AS (ORDER BY g ROWS UNBOUNDED PRECEDING)", "42P20"),
        ("OVER w FROM t WINDOW w AS (), w AS (ORDER BY g)", "42P20"),
        ("OVER w2 FROM t WINDOW w AS (ORDER BY g), w2 AS (w ORDER BY a)", "42P20"),
        ("OVER (nope) FROM t", "42704"),
        ("OVER nope FROM t", "42704"),
        ("OVER (nope ORDER BY a) FROM t WINDOW w AS ()", "42704"),
        ("OVER w2 FROM t WINDOW w2 AS (w), w AS (ORDER BY g)", "42704"),
        ("OVER w FROM (SELECT a FROM t WINDOW w AS ()) x", "42704"),
    ] {
        assert_eq!(db.state(&format!("SELECT sum(a) {window}")).await, state, "{window}");
    }
    let frame = db.error("SELECT sum(a) OVER (w) FROM t WINDOW w AS (ROWS UNBOUNDED PRECEDING)").await;
    assert_eq!(frame.hint(), Some("omit the parentheses of OVER"));
}

#[tokio::test]
async fn distinct_rows_of_a_window_can_be_limited() {
    assert_answers(&[
        ("SELECT DISTINCT g, count(*) OVER (PARTITION BY g) AS n FROM t LIMIT 30", "0|2, 1|2"),
        ("SELECT DISTINCT g, count(*) OVER (PARTITION BY g) AS n FROM t ORDER BY g LIMIT 1", "0|2"),
        ("SELECT DISTINCT g, count(*) OVER (PARTITION BY g) AS n FROM t LIMIT 30 OFFSET 1", "1|2"),
        (
            "SELECT DISTINCT g, max(a) OVER (PARTITION BY g ORDER BY a) AS n FROM t LIMIT 30",
            "1|3, 0|2, 1|4, 0|1",
        ),
        (
            "SELECT g, n FROM (SELECT g, row_number() OVER (PARTITION BY g) AS n FROM t) x GROUP BY g, n \
         LIMIT 30",
            "0|1, 0|2, 1|1, 1|2",
        ),
        (
            "SELECT DISTINCT g FROM (SELECT g, row_number() OVER (PARTITION BY g) AS n FROM t) x LIMIT 30",
            "0, 1",
        ),
        ("SELECT DISTINCT count(*) OVER (PARTITION BY g) AS n FROM t LIMIT 30", "2"),
        ("SELECT DISTINCT g, sum(a) OVER () AS n FROM t LIMIT 30", "1|10, 0|10"),
        ("SELECT DISTINCT g, lag(g) OVER (ORDER BY g) AS n FROM t LIMIT 30", "1|1, 0|0, 1|0, 0|∅"),
        (
            "SELECT DISTINCT g, first_value(a) OVER (PARTITION BY g ORDER BY a) AS n FROM t WHERE a > 0 \
         LIMIT 30",
            "1|3, 0|1",
        ),
    ])
    .await;
}

#[tokio::test]
async fn a_default_and_the_value_decide_the_type_together() {
    assert_answers(&[
        ("SELECT lead(a, 1, -1.4) OVER (ORDER BY a) FROM t", "2, 3, 4, -1.4"),
        ("SELECT lag(a, 1, 0.5) OVER (ORDER BY a) FROM t", "0.5, 1, 2, 3"),
        ("SELECT lag(a, 1, 7) OVER (ORDER BY a) FROM t", "7, 1, 2, 3"),
        ("SELECT lead(a, -1, 2.25) OVER (ORDER BY a) FROM t", "2.25, 1, 2, 3"),
        ("SELECT lead(a::text, 1, 'none') OVER (ORDER BY a) FROM t", "2, 3, 4, none"),
        ("SELECT lead(a::real, 1, 2.5) OVER (ORDER BY a) FROM t", "2, 3, 4, 2.5"),
        ("SELECT lead(a::double precision, 1, 1) OVER (ORDER BY a) FROM t", "2, 3, 4, 1"),
        ("SELECT lead(a::smallint, 1, 100000) OVER (ORDER BY a) FROM t", "2, 3, 4, 100000"),
        ("SELECT lead(a::decimal(5,1), 1, 0.25) OVER (ORDER BY a) FROM t", "2.0, 3.0, 4.0, 0.25"),
        ("SELECT lead(NULL, 1, 5) OVER (ORDER BY a) FROM t", "∅, ∅, ∅, 5"),
        (
            "SELECT lead(date '2024-01-01' + a, 1, '2000-01-01') OVER (ORDER BY a) FROM t",
            "2024-01-03, 2024-01-04, 2024-01-05, 2000-01-01",
        ),
        ("SELECT lead(a, 1, NULL) OVER (ORDER BY a) FROM t", "2, 3, 4, ∅"),
        ("SELECT lead(a, 0, 9) OVER (ORDER BY a) FROM t", "1, 2, 3, 4"),
        ("SELECT a, lead(a, 2) OVER (ORDER BY a) FROM t ORDER BY a LIMIT 1", "1|3"),
        ("SELECT a, lag(a, -2) OVER (ORDER BY a) FROM t ORDER BY a LIMIT 1", "1|3"),
    ])
    .await;
}

#[tokio::test]
async fn nulls_are_ignored_at_any_offset() {
    let db = Db::with(TABLES).await;
    let shifted = async |call: &str| {
        db.rows(&format!("SELECT {call} IGNORE NULLS OVER (ORDER BY id) FROM s ORDER BY id")).await.join(",")
    };
    for (call, values) in [
        ("lead(v)", "20,30,40,70,70,70,80,∅"),
        ("lead(v, 2)", "30,40,70,80,80,80,∅,∅"),
        ("lead(v, 3, -1)", "40,70,80,-1,-1,-1,-1,-1"),
        ("lead(v, 0)", "10,20,30,40,∅,∅,70,80"),
        ("lead(v, 9, 0)", "0,0,0,0,0,0,0,0"),
        ("lead(v, -1)", "∅,10,20,30,40,40,40,70"),
        ("lag(v)", "∅,10,20,30,40,40,40,70"),
        ("lag(v, 2)", "∅,∅,10,20,30,30,30,40"),
        ("lag(v, 3, -1)", "-1,-1,-1,10,20,20,20,30"),
        ("lag(v, -2, -1)", "30,40,70,80,80,80,-1,-1"),
        ("lag(v, -1)", "20,30,40,70,70,70,80,∅"),
        ("lag(v, 1, 0.5)", "0.5,10.0,20.0,30.0,40.0,40.0,40.0,70.0"),
    ] {
        assert_eq!(shifted(call).await, values, "{call}");
    }
    let by_sign = "SELECT lead(v, 1) IGNORE NULLS OVER (PARTITION BY id % 2 ORDER BY id) FROM s ORDER BY id";
    assert_eq!(db.rows(by_sign).await.join(","), "30,40,70,80,70,80,∅,∅");
    let backward = "SELECT lag(v, 2) IGNORE NULLS OVER (ORDER BY id DESC) FROM s ORDER BY id";
    assert_eq!(db.rows(backward).await.join(","), "30,40,70,80,80,80,∅,∅");
    let limited = "SELECT id, lead(v, 2) IGNORE NULLS OVER (ORDER BY id) FROM s ORDER BY id LIMIT 4";
    assert_eq!(db.rows(limited).await, ["1|30", "2|40", "3|70", "4|80"]);
}

#[tokio::test]
async fn the_rows_of_a_table_are_counted_without_those_that_a_join_made_up() {
    assert_answers(&[
        ("SELECT count(b.*) FROM (VALUES (1),(2)) a(k) LEFT JOIN (VALUES (1)) b(k) ON a.k = b.k", "1"),
        ("SELECT count(l.*), count(r.*), count(*) FROM l LEFT JOIN r ON l.k = r.k", "4|2|4"),
        ("SELECT count(l.*), count(r.*), count(*) FROM l FULL JOIN r ON l.k = r.k", "4|3|5"),
        ("SELECT count(l.*), count(r.*), count(*) FROM l RIGHT JOIN r ON l.k = r.k", "2|3|3"),
        ("SELECT l.k, count(r.*) FROM l LEFT JOIN r ON l.k = r.k GROUP BY l.k ORDER BY 1", "1|2, 2|0, 3|0"),
        ("SELECT l.k, count(r.*) FROM l LEFT JOIN r USING (k) GROUP BY l.k ORDER BY 1", "1|2, 2|0, 3|0"),
        ("SELECT count(z.*) FROM l LEFT JOIN (SELECT * FROM r WHERE y IS NULL) z ON l.k = z.k", "1"),
        ("SELECT count(q.*) FROM l LEFT JOIN r AS q ON l.k = q.k", "2"),
        ("SELECT count(q.*) FROM l LEFT JOIN (r AS q JOIN t ON q.k = t.a) ON l.k = q.k", "2"),
        (
            "SELECT k FROM l WHERE (SELECT count(r.*) FROM t LEFT JOIN r ON r.k = t.a) > 0 ORDER BY k",
            "1, 2, 3",
        ),
        ("SELECT l.k FROM l LEFT JOIN r ON l.k = r.k GROUP BY l.k HAVING count(r.*) = 0 ORDER BY 1", "2, 3"),
        ("SELECT count(l.*) FROM l JOIN r ON l.k = r.k", "2"),
        ("SELECT count(l.*) FROM l", "3"),
    ])
    .await;
    let db = Db::with(TABLES).await;
    assert_eq!(db.names("SELECT count(r.*) FROM l LEFT JOIN r ON l.k = r.k").await, "count");
    let shown = db.error("SELECT *, count(r.*) FROM l LEFT JOIN r ON l.k = r.k").await;
    assert_eq!(shown.sqlstate(), "0A000");
}

#[tokio::test]
async fn a_recursive_term_may_not_aggregate_itself_or_miss_itself() {
    assert_answers(&[
        (
            "WITH RECURSIVE x(n) AS (SELECT 1 UNION ALL SELECT x.n + 1 FROM x LEFT JOIN t ON t.a = x.n \
         WHERE x.n < 4) SELECT * FROM x ORDER BY 1",
            "1, 2, 3, 4",
        ),
        (
            "WITH RECURSIVE x(n) AS (SELECT 1 UNION ALL SELECT n + (SELECT max(a) FROM t) FROM x WHERE n \
         < 6) SELECT * FROM x ORDER BY 1",
            "1, 5, 9",
        ),
    ])
    .await;
    let db = Db::with(TABLES).await;
    for term in [
        "SELECT sum(n) FROM x",
        "SELECT count(*) FROM x",
        "SELECT every(n > 0)::int FROM x",
        "SELECT 1 FROM x HAVING count(*) > 0",
        "SELECT m FROM (SELECT max(n) AS m FROM x) y",
        "SELECT x.n + 1 FROM t LEFT JOIN x ON t.a = x.n",
        "SELECT x.n + 1 FROM x FULL JOIN t ON t.a = x.n",
        "SELECT x.n + 1 FROM x RIGHT JOIN t ON t.a = x.n",
        "SELECT x.n + 1 FROM t LEFT JOIN (x JOIN s ON s.id = x.n) ON t.a = x.n",
        "SELECT x.n + 1 FROM (t JOIN x ON true) RIGHT JOIN s ON s.id = x.n",
    ] {
        let query = format!("WITH RECURSIVE x(n) AS (SELECT 1 UNION ALL {term}) SELECT * FROM x LIMIT 3");
        assert_eq!(db.state(&query).await, "42P19", "{term}");
    }
}

#[tokio::test]
async fn a_join_says_what_it_joins_by() {
    assert_answers(&[
        ("SELECT k FROM l NATURAL JOIN r ORDER BY 1", "1, 1"),
        ("SELECT l.k FROM l CROSS JOIN r WHERE l.k = r.k ORDER BY 1", "1, 1"),
        ("SELECT nth_value(a, 2) OVER () FROM t", "2, 2, 2, 2"),
    ])
    .await;
    let db = Db::with(TABLES).await;
    for (from, state) in [
        ("l JOIN r", "42601"),
        ("l INNER JOIN r", "42601"),
        ("l LEFT JOIN r", "42601"),
        ("l RIGHT JOIN r", "42601"),
        ("l FULL JOIN r", "42601"),
        ("t, l JOIN r", "42601"),
        ("l JOIN (r JOIN t) ON l.k = r.k", "42601"),
        ("l JOIN LATERAL (SELECT l.k) x", "42601"),
        ("(SELECT l.k FROM l JOIN r) x", "42601"),
        ("l JOIN r USING (k, k)", "42701"),
        ("l LEFT JOIN r USING (k, K)", "42701"),
    ] {
        assert_eq!(db.state(&format!("SELECT 1 FROM {from}")).await, state, "{from}");
    }
    assert_eq!(db.state("SELECT nth_value(a, 0) OVER () FROM t").await, "22016");
    assert_eq!(db.state("SELECT nth_value(a, -1) OVER () FROM t").await, "22016");
}

#[tokio::test]
async fn places_are_whole_numbers_in_arithmetic() {
    let db = Db::with("CREATE TABLE t (id INT); INSERT INTO t VALUES (1), (2), (2), (9)").await;
    for (expr, answers) in [
        ("row_number() OVER (ORDER BY id) / 3", "0 0 1 1"),
        ("rank() OVER (ORDER BY id) / 2", "0 1 1 2"),
        ("dense_rank() OVER (ORDER BY id) / 2", "0 1 1 1"),
        ("row_number() OVER (ORDER BY id) % 2", "1 0 1 0"),
        ("row_number() OVER (ORDER BY id) - 3", "-2 -1 0 1"),
        ("-row_number() OVER (ORDER BY id)", "-1 -3 -2 -4"),
        ("(row_number() OVER (ORDER BY id) - 1) / 2 * 10", "0 0 10 10"),
        ("ntile(2) OVER (ORDER BY id) / 2", "0 0 1 1"),
        ("rank() OVER (ORDER BY id) * 0.5", "0.5 1.0 1.0 2.0"),
    ] {
        let sql = format!("SELECT {expr} FROM t ORDER BY id, 1");
        assert_eq!(db.rows(&sql).await.join(" "), answers, "{sql}");
    }
    let parted =
        "SELECT n FROM (SELECT row_number() OVER (ORDER BY id) AS n FROM t) AS s WHERE n <= 2 AND n / 2 = 1";
    assert_eq!(db.one(parted).await, "2");
}

#[tokio::test]
async fn lists_over_windows_are_in_the_order_of_the_window_whatever_the_input_is_sorted_by() {
    let db =
        Db::with("CREATE TABLE t (id INT PRIMARY KEY, a INT); INSERT INTO t VALUES (1, 1), (2, 1), (3, 2)")
            .await;
    let list = |of: &str, order: &str| {
        format!("SELECT array_to_string(array_agg(id) OVER ({of} ORDER BY {order}), '') FROM t ORDER BY id")
    };
    assert_eq!(db.rows(&list("", "id DESC")).await.join(" "), "321 32 3");
    assert_eq!(db.rows(&list("", "-id")).await.join(" "), "321 32 3");
    assert_eq!(db.rows(&list("PARTITION BY a", "id DESC")).await.join(" "), "21 2 3");
    let both = "SELECT array_to_string(array_agg(i) OVER (ORDER BY i), ''),
         string_agg(i::text, '') OVER (ORDER BY i DESC)
         FROM (VALUES (3), (1), (2)) AS v (i) ORDER BY i";
    assert_eq!(db.rows(both).await.join(" "), "1|321 12|32 123|3");
}
