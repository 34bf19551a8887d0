//! The type of several values: answers of a `CASE`, branches of a `UNION`, rows of `VALUES`, operands.

use crate::database::Db;

async fn numbers() -> Db {
    Db::with(
        "CREATE TABLE t (id INT PRIMARY KEY, i INT, s SMALLINT, b BIGINT, r REAL, f DOUBLE PRECISION, d DECIMAL(6, 2), x TEXT,
                         day DATE, at TIMESTAMP, flag BOOLEAN, raw BYTEA);
         INSERT INTO t VALUES (1, 2, 3, 4, 1.5, 2.5, 2.25, 'a', '2024-01-01', '2024-01-01 12:00', true, '\\x01')",
    )
    .await
}

#[tokio::test]
async fn a_column_is_assigned_whatever_type_the_answers_of_a_case_have() {
    let db = numbers().await;
    for (assignment, shown) in [
        ("i = CASE WHEN i > 2 THEN i ELSE i + 1 END", "3"),
        ("i = CASE WHEN true THEN 2.5 ELSE i END", "3"),
        ("i = CASE WHEN false THEN i END", "∅"),
        ("s = CASE WHEN s > 2 THEN 0 ELSE s END", "0"),
        ("s = CASE WHEN s > 2 THEN s ELSE b END", "4"),
        ("b = CASE WHEN false THEN s ELSE f END", "2"),
        ("r = CASE WHEN true THEN r ELSE 0 END", "1.5"),
        ("r = CASE WHEN false THEN r ELSE 0.25 END", "0.25"),
        ("f = CASE WHEN false THEN i ELSE 0.1 END", "0.1"),
        ("d = CASE WHEN false THEN d ELSE 7.777 END", "7.78"),
        ("d = CASE id WHEN 1 THEN 1 ELSE d END", "1.00"),
        ("x = CASE WHEN true THEN 'b' ELSE x END", "b"),
        ("x = CASE WHEN false THEN x ELSE upper('c') END", "C"),
        ("day = CASE WHEN false THEN day ELSE '2024-02-02' END", "2024-02-02"),
        ("day = CASE WHEN false THEN at ELSE day END", "2024-02-02"),
        ("at = CASE WHEN true THEN day ELSE at END", "2024-02-02T00:00:00"),
        ("flag = CASE WHEN false THEN flag ELSE 'no' END", "false"),
        ("raw = CASE WHEN false THEN raw ELSE '\\x02' END", "02"),
        ("i = coalesce(NULL, s, 1.5)", "4"),
        ("i = greatest(id, 1.5)", "2"),
        ("i = nullif(2.4, i)", "2"),
        ("x = coalesce(NULL, 'd')", "d"),
    ] {
        db.run(&format!("UPDATE t SET {assignment}")).await;
        let (column, _) = assignment.split_once(' ').expect("an assignment");
        assert_eq!(db.one(&format!("SELECT {column} FROM t")).await, shown, "{assignment}");
    }
    assert_eq!(db.state("UPDATE t SET i = CASE WHEN true THEN 3000000000 ELSE i END").await, "22003");
    assert_eq!(db.state("UPDATE t SET s = CASE WHEN true THEN 40000 ELSE s END").await, "22003");
    assert_eq!(db.state("UPDATE t SET d = CASE WHEN true THEN 12345.678 ELSE d END").await, "22003");
}

#[tokio::test]
async fn rows_and_tables_made_of_a_query_have_the_common_types() {
    let db = numbers().await;
    db.run("INSERT INTO t (id, i, s, d) SELECT 2, CASE WHEN true THEN 2.5 ELSE i END, coalesce(NULL, 3.5), 1.005 FROM t")
        .await;
    assert_eq!(db.rows("SELECT i, s, d FROM t WHERE id = 2").await, ["3|4|1.01"]);
    db.run("INSERT INTO t (id, i) SELECT 3, 7 UNION ALL SELECT 4, 7.5 UNION ALL SELECT 5, NULL").await;
    assert_eq!(db.rows("SELECT i FROM t WHERE id > 2 ORDER BY id").await, ["7", "8", "∅"]);
    db.run(
        "CREATE TABLE c AS SELECT CASE WHEN i > 2 THEN i ELSE i + 1 END AS a, CASE WHEN true THEN NULL ELSE s END AS b,
            CASE WHEN true THEN r ELSE 0 END AS c, CASE WHEN true THEN 1 ELSE d END AS d, CASE WHEN true THEN day ELSE at END AS e,
            CASE WHEN true THEN i ELSE f END AS f, CASE WHEN true THEN s ELSE i END AS g, coalesce(r, f) AS h FROM t",
    )
    .await;
    assert_eq!(
        db.rows("SELECT data_type FROM information_schema.columns WHERE table_name = 'c' ORDER BY ordinal_position").await,
        ["BIGINT", "SMALLINT", "REAL", "DECIMAL(22, 2)", "TIMESTAMP", "DOUBLE PRECISION", "INTEGER", "DOUBLE PRECISION"]
    );
    db.run("CREATE VIEW v AS SELECT CASE WHEN i > 2 THEN i ELSE i + 0.5 END AS a FROM t WHERE id = 1").await;
    assert_eq!(db.rows("SELECT a, a * 2 FROM v").await, ["2.5|5.0"]);
}

#[tokio::test]
async fn a_literal_of_text_is_read_as_the_type_of_the_values_beside_it() {
    let db = numbers().await;
    for (query, shown) in [
        ("CASE WHEN true THEN 1 ELSE '2' END", "1"),
        ("CASE WHEN false THEN 1 ELSE '2' END + 1", "3"),
        ("coalesce(day, '2024-02-02') FROM t", "2024-01-01"),
        ("coalesce(NULL, at, '2024-02-02') FROM t", "2024-01-01T12:00:00"),
        ("coalesce(false, 'yes')", "false"),
        ("coalesce(NULL::bytea, '\\x0203')", "0203"),
        ("greatest(1, '10')", "10"),
        ("least(2.5, '2.25')", "2.25"),
        ("coalesce(NULL, 1, 2.5, '0.125')", "1.000"),
        ("nullif(1, '1')", "∅"),
        ("array_length(array[1, '2'])", "2"),
        ("'1' + 1", "2"),
        ("1 - ' 3 '", "-2"),
        ("'1.5' * 2.0", "3.00"),
        ("7 % '4'", "3"),
        ("2.50 = '2.5'", "true"),
        ("2.5 < '2.55'", "true"),
        ("CASE 1 WHEN '1' THEN 'one' END", "one"),
        ("1 IN ('1', 2.5)", "true"),
        ("lead(1, 1, '7') OVER ()", "7"),
    ] {
        assert_eq!(db.one(&format!("SELECT {query}")).await, shown, "{query}");
    }
    assert_eq!(db.rows("VALUES (1), ('2'), (2.5)").await, ["1.0", "2.0", "2.5"]);
    assert_eq!(db.rows("SELECT 1 UNION SELECT '2' UNION SELECT NULL ORDER BY 1").await, ["1", "2", "∅"]);
    assert_eq!(db.rows("SELECT '1' UNION SELECT 2 ORDER BY 1").await, ["1", "2"]);
    for wrong in [
        "SELECT CASE WHEN true THEN 1 ELSE 'x' END",
        "SELECT 1 UNION SELECT 'x'",
        "SELECT 1.5 UNION SELECT 'foo'",
        "SELECT coalesce(1, 'x')",
        "SELECT coalesce(true, 'x')",
        "SELECT array[1, 'x']",
        "SELECT 1 IN (1, 'x')",
        "SELECT 1 = 'x'",
        "SELECT 'x' + 1",
        "SELECT '1.5' + 1",
        "VALUES (1), ('x')",
    ] {
        assert_eq!(db.state(wrong).await, "22P02", "{wrong}");
    }
}

#[tokio::test]
async fn values_of_unlike_types_do_not_match() {
    let db = numbers().await;
    for wrong in [
        "SELECT CASE WHEN true THEN 1 ELSE x END FROM t",
        "SELECT CASE WHEN true THEN flag ELSE 1 END FROM t",
        "SELECT coalesce(x, 1) FROM t",
        "SELECT greatest(x, i) FROM t",
        "SELECT nullif(day, 1) FROM t",
        "SELECT x FROM t UNION SELECT 1",
        "SELECT i FROM t UNION ALL SELECT x FROM t",
        "SELECT true UNION SELECT 1",
        "SELECT array[x, i] FROM t",
    ] {
        assert_eq!(db.state(wrong).await, "42804", "{wrong}");
    }
    assert_eq!(db.state("SELECT lag(i, 1, x) OVER () FROM t").await, "42883");
    for wrong in [
        "SELECT 1 FROM t WHERE x = 1",
        "SELECT 1 FROM t WHERE 1 < x",
        "SELECT 1 FROM t WHERE x BETWEEN 1 AND 2",
        "SELECT 1 FROM t WHERE x IN ('a', 1)",
        "SELECT 1 FROM t WHERE x IN (SELECT i FROM t)",
        "SELECT 1 FROM t WHERE x IS DISTINCT FROM i",
        "SELECT 1 FROM t a JOIN t b ON a.x = b.i",
        "SELECT CASE x WHEN 1 THEN 2 END FROM t",
        "SELECT 1 FROM t WHERE flag = 1",
        "SELECT 1 FROM t WHERE raw = 1",
        "SELECT 1 FROM t WHERE day = 1",
        "SELECT x + 1 FROM t",
        "SELECT flag + 1 FROM t",
        "SELECT x * x FROM t",
        "DELETE FROM t WHERE x = 1",
        "UPDATE t SET i = 1 WHERE x = 1",
    ] {
        assert_eq!(db.state(wrong).await, "42883", "{wrong}");
    }
    assert_eq!(
        db.error("SELECT 1 FROM t WHERE x = 1").await.message(),
        "operator does not exist: TEXT = BIGINT"
    );
    // A parameter has the type of its place.
    db.run("PREPARE p AS SELECT id FROM t WHERE x = $1").await;
    assert_eq!(db.rows("EXECUTE p (1)").await, Vec::<String>::new());
    db.run("UPDATE t SET x = '1'").await;
    assert_eq!(db.rows("EXECUTE p (1)").await, ["1"]);
    assert_eq!(db.rows("EXECUTE p ('1')").await, ["1"]);
}

#[tokio::test]
async fn a_recursive_term_goes_round_with_the_types_of_the_first() {
    let db = Db::new().await;
    for (term, shown) in [
        ("SELECT CASE WHEN n > 3 THEN n ELSE n + 1 END FROM x WHERE n < 4", "4"),
        ("SELECT n + 1 FROM x WHERE n < 5", "5"),
        ("SELECT coalesce(n + 1, 0) FROM x WHERE n < 6", "6"),
        ("SELECT greatest(n, 2) + 1 FROM x WHERE n < 3", "3"),
    ] {
        let query = format!("WITH RECURSIVE x(n) AS (SELECT 1::int UNION ALL {term}) SELECT max(n) FROM x");
        assert_eq!(db.one(&query).await, shown, "{term}");
    }
    for term in [
        "SELECT sum(n) FROM x",
        "SELECT max(n) + 1 FROM x GROUP BY n",
        "SELECT x.n FROM (SELECT 1) AS b LEFT JOIN x ON true",
        "SELECT x.n FROM x RIGHT JOIN (SELECT 1) AS b ON true",
        "SELECT x.n FROM x FULL JOIN (SELECT 1 AS n) AS b ON x.n = b.n",
    ] {
        let query = format!("WITH RECURSIVE x(n) AS (SELECT 1 UNION ALL {term}) SELECT max(n) FROM x");
        assert_eq!(db.state(&query).await, "42P19", "{term}");
    }
    let query = "WITH RECURSIVE x(n) AS (SELECT 1 UNION ALL
        SELECT n + 1 FROM x LEFT JOIN (SELECT 9 AS m) AS b ON m = n WHERE n < 3) SELECT sum(n) FROM x";
    assert_eq!(db.one(query).await, "6");
}

#[tokio::test]
async fn text_in_quotes_in_values_and_branches_is_read_as_what_stands_beside_it() {
    let db = numbers().await;
    for (rows, shown) in [
        ("VALUES (DATE '2020-01-01'), ('2020-01-02')", "2020-01-01 2020-01-02"),
        ("VALUES ('2020-01-02'), (NULL), (DATE '2020-01-01')", "2020-01-01 2020-01-02 ∅"),
        ("VALUES (TIMESTAMP '2020-01-01'), ('2020-01-02')", "2020-01-01T00:00:00 2020-01-02T00:00:00"),
        ("VALUES (true), ('no')", "false true"),
        ("VALUES (1.5), ('2.25')", "1.50 2.25"),
        ("VALUES (1.5::float8), ('2.25')", "1.5 2.25"),
        ("VALUES (1.7::int), (2.5)", "2.0 2.5"),
        ("VALUES (1.7::bigint), (2)", "2 2"),
        ("VALUES (0.1::float8), (0.25)", "0.1 0.25"),
        ("VALUES ('B'), (lower('A'))", "B a"),
        ("SELECT a::text FROM (VALUES (ARRAY[1, 2.5]), (ARRAY[3])) AS v(a)", "{1.0,2.5} {3.0}"),
        ("VALUES ((SELECT DATE '2020-01-01')), ('2020-01-02')", "2020-01-01 2020-01-02"),
        ("SELECT v.a FROM t, LATERAL (VALUES (t.day), ('2020-01-02')) AS v(a)", "2020-01-02 2024-01-01"),
        ("SELECT a - DATE '2020-01-01' FROM (VALUES (DATE '2020-01-01'), ('2020-01-03')) AS v(a)", "0 2"),
        ("SELECT a::text FROM (VALUES (INTERVAL '1 day'), ('2 days')) AS v(a)", "1 day 2 days"),
        ("SELECT DATE '2020-01-01' UNION ALL SELECT '2020-01-02'", "2020-01-01 2020-01-02"),
        ("SELECT 1 UNION ALL (SELECT '2' LIMIT 1)", "1 2"),
        ("SELECT a::text FROM (SELECT INTERVAL '1 day' AS a UNION SELECT '2 days') AS u", "1 day 2 days"),
        ("SELECT 1 EXCEPT SELECT '2'", "1"),
        ("SELECT '1' INTERSECT SELECT 1", "1"),
        ("SELECT CASE WHEN false THEN INTERVAL '1 day' ELSE '2 days' END::text", "2 days"),
    ] {
        let mut found = db.rows(rows).await;
        found.sort();
        assert_eq!(found.join(" "), shown, "{rows}");
    }
    for (wrong, state) in [
        ("VALUES (DATE '2020-01-01'), ('x')", "22007"),
        ("VALUES (DATE '2020-01-01'), ('2020-13-01')", "22008"),
        ("VALUES (INTERVAL '1 day'), ('x')", "22007"),
        ("VALUES (true), ('x')", "22P02"),
        ("VALUES (true), (1)", "42804"),
        ("VALUES (1), (1::text)", "42804"),
        ("VALUES (1), (lower('A'))", "42804"),
        ("SELECT INTERVAL '1 day' UNION ALL SELECT 'x'", "22007"),
        ("SELECT 1 INTERSECT SELECT 'x'", "22P02"),
        ("SELECT 1 UNION SELECT a FROM (SELECT '2' AS a) AS s", "42804"),
        ("SELECT CASE WHEN false THEN INTERVAL '1 day' ELSE 'x' END", "22007"),
    ] {
        assert_eq!(db.state(wrong).await, state, "{wrong}");
    }
    db.run("PREPARE v AS VALUES (DATE '2020-01-01'), ($1)").await;
    assert_eq!(db.rows("EXECUTE v ('2020-01-02')").await, ["2020-01-01", "2020-01-02"]);
}
