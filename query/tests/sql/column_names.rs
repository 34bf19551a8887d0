//! Names of the columns of a query, and that they may be the same.

use crate::database::Db;

async fn tables() -> Db {
    Db::with(
        "CREATE TABLE t (id INT PRIMARY KEY, a INT, b INT, s TEXT);
         INSERT INTO t VALUES (1, 10, 1, 'x'), (2, 20, 1, 'y'), (3, NULL, 2, 'z'), (4, -5, 2, 'w');
         CREATE TABLE u (id INT PRIMARY KEY, t_id INT);
         INSERT INTO u VALUES (1, 1), (2, 1), (3, 2)",
    )
    .await
}

#[tokio::test]
async fn columns_are_named_as_in_postgres() {
    let db = tables().await;
    for (items, names) in [
        ("a, t.b, T.S AS \"Text\"", "a|b|Text"),
        (
            "1, 'x', a + 1, -a, a IS NULL, NOT true, NULL",
            "?column?|?column?|?column?|?column?|?column?|?column?|?column?",
        ),
        ("a::text, CAST(b AS BIGINT), 1::int, '2024-01-01'::date, lower(s)::text", "a|b|int4|date|lower"),
        ("true, DATE '2024-01-01', INTERVAL '1 day', CAST('1' AS NUMERIC)", "bool|date|interval|numeric"),
        (
            "coalesce(a, 0), lower(s), nullif(a, 1), abs(a), (a), (lower(s))",
            "coalesce|lower|nullif|abs|a|lower",
        ),
        ("CASE WHEN a > 0 THEN 1 END, CASE WHEN a > 0 THEN 'p' ELSE s END", "case|s"),
        ("(SELECT max(a) FROM t), (SELECT 1), (SELECT 1 AS one)", "max|?column?|one"),
        (
            "extract(year FROM DATE '2024-01-01'), position('a' IN s), trim(s), substring(s FROM 1)",
            "extract|position|btrim|substring",
        ),
        ("row_number() OVER (ORDER BY id), sum(a) OVER ()", "row_number|sum"),
        ("*, a + 1", "id|a|b|s|?column?"),
    ] {
        assert_eq!(db.names(&format!("SELECT {items} FROM t")).await, names, "{items}");
    }
    assert_eq!(db.names("SELECT count(*), max(a), count(*) FROM t").await, "count|max|count");
    assert_eq!(db.names("SELECT a + 1 FROM t UNION SELECT b FROM t").await, "?column?");
    assert_eq!(db.names("SELECT a AS x FROM t UNION SELECT b FROM t").await, "x");
    assert_eq!(db.names("VALUES (1, 2)").await, "column1|column2");
}

#[tokio::test]
async fn a_function_in_from_names_its_column() {
    let db = Db::new().await;
    for (query, names, rows) in [
        ("SELECT * FROM generate_series(1, 2)", "generate_series", "1,2"),
        ("SELECT generate_series + 1 AS next FROM generate_series(1, 2)", "next", "2,3"),
        ("SELECT generate_series.generate_series FROM generate_series(1, 2)", "generate_series", "1,2"),
        ("SELECT * FROM generate_series(1, 2) AS g", "g", "1,2"),
        ("SELECT * FROM generate_series(1, 2) AS g (x)", "x", "1,2"),
        ("SELECT unnest FROM unnest(ARRAY[1, 2])", "unnest", "1,2"),
        ("SELECT * FROM generate_series(1, '3')", "generate_series", "1,2,3"),
        ("SELECT * FROM generate_series('2', 3)", "generate_series", "2,3"),
        ("SELECT * FROM generate_series(3, 1, '-1')", "generate_series", "3,2,1"),
        ("SELECT generate_series(1, '3')", "generate_series", "1,2,3"),
    ] {
        assert_eq!(db.names(query).await, names, "{query}");
        assert_eq!(db.rows(query).await.join(","), rows, "{query}");
    }
    assert_eq!(db.state("SELECT value FROM generate_series(1, 2)").await, "42703");
    assert_eq!(db.state("SELECT * FROM generate_series(1, 'x')").await, "22P02");
}

#[tokio::test]
async fn columns_may_share_a_name() {
    let db = tables().await;
    for (query, names, rows) in [
        ("SELECT 1, 1", "?column?|?column?", "1|1"),
        ("SELECT a, a FROM t WHERE id = 1", "a|a", "10|10"),
        ("SELECT *, id FROM t WHERE id = 1", "id|a|b|s|id", "1|10|1|x|1"),
        ("SELECT u.*, u.id FROM u WHERE id = 1", "id|t_id|id", "1|1|1"),
        ("SELECT count(*), count(*) FROM t", "count|count", "4|4"),
        ("SELECT a AS x, b AS x FROM t WHERE id = 2", "x|x", "20|1"),
        ("SELECT t.id, u.id FROM t JOIN u ON u.t_id = t.id WHERE u.id = 3", "id|id", "2|3"),
        ("SELECT * FROM (SELECT t.id, u.id FROM t, u WHERE t.id = 1 AND u.id = 3) x", "id|id", "1|3"),
        (
            "SELECT * FROM (SELECT * FROM u a, u b WHERE a.id = 1 AND b.id = 2) x",
            "id|t_id|id|t_id",
            "1|1|2|1",
        ),
        ("WITH c AS (SELECT 1, 2) SELECT * FROM c", "?column?|?column?", "1|2"),
        ("WITH c (x, y) AS (SELECT 1, 1) SELECT x + y AS z FROM c", "z", "2"),
        ("SELECT 1, 1 UNION SELECT 1, 1", "?column?|?column?", "1|1"),
        ("SELECT b, count(*), count(*) FROM t GROUP BY b HAVING b = 1", "b|count|count", "1|2|2"),
    ] {
        assert_eq!(db.names(query).await, names, "{query}");
        assert_eq!(db.one(query).await, rows, "{query}");
    }
    db.run("PREPARE p AS SELECT $1, $1").await;
    assert_eq!(db.one("EXECUTE p (7)").await, "7|7");
}

#[tokio::test]
async fn two_moments_of_one_aggregate_stand_beside_each_other() {
    let db = tables().await;
    db.run("CREATE SNAPSHOT s; UPDATE t SET a = 99 WHERE id = 1").await;
    let both = "SELECT (SELECT max(a) FROM t), (SELECT max(a) FROM t AS OF SNAPSHOT s)";
    assert_eq!(db.names(both).await, "max|max");
    assert_eq!(db.one(both).await, "99|20");
}

#[tokio::test]
async fn a_name_of_several_columns_is_ambiguous_where_it_is_used() {
    let db = tables().await;
    for wrong in [
        "SELECT id FROM (SELECT t.id, u.id FROM t, u) x",
        "SELECT x.id FROM (SELECT t.id, u.id FROM t, u) x",
        "SELECT a AS x, b AS x FROM t ORDER BY x",
        "SELECT a, b AS a FROM t ORDER BY a",
    ] {
        assert_eq!(db.state(wrong).await, "42702", "{wrong}");
    }
    for wrong in ["CREATE TABLE c AS SELECT a, a FROM t", "CREATE VIEW v AS SELECT 1, 2"] {
        let error = db.error(wrong).await;
        assert_eq!(error.sqlstate(), "42701", "{wrong}");
        assert!(!error.message().contains('\u{1}'), "{error}");
    }
    db.run("CREATE VIEW v (x, y) AS SELECT 1, 2; CREATE TABLE c (x, y) AS SELECT 1, 1").await;
    assert_eq!(db.one("SELECT x + y FROM v").await, "3");
}

#[tokio::test]
async fn names_that_were_given_can_be_used() {
    let db = tables().await;
    assert_eq!(db.one("SELECT count FROM (SELECT count(*) FROM t) x").await, "4");
    assert_eq!(db.one("SELECT \"?column?\" FROM (SELECT 1 + 1) x").await, "2");
    db.run(
        "CREATE VIEW v AS SELECT count(*), max(a) FROM t; CREATE TABLE c AS SELECT sum(b), lower('A') FROM t",
    )
    .await;
    assert_eq!(db.one("SELECT count, max FROM v").await, "4|20");
    assert_eq!(db.one("SELECT sum, lower FROM c").await, "6|a");
}

#[tokio::test]
async fn order_by_and_group_by_find_names_positions_and_expressions() {
    let db = tables().await;
    for (query, rows) in [
        ("SELECT a::text FROM t ORDER BY a", "-5,10,20,∅"),
        ("SELECT a, a FROM t ORDER BY a DESC NULLS LAST", "20|20,10|10,-5|-5,∅|∅"),
        ("SELECT DISTINCT b + 1 FROM t ORDER BY b + 1", "2,3"),
        ("SELECT DISTINCT t.id, u.id FROM t, u WHERE t.id = u.t_id ORDER BY u.id DESC", "2|3,1|2,1|1"),
        ("SELECT b, max(a) FROM t GROUP BY b ORDER BY max(a)", "2|-5,1|20"),
        ("SELECT b, max(a) FROM t GROUP BY b ORDER BY max", "2|-5,1|20"),
        ("SELECT b, max(a) FROM t GROUP BY b ORDER BY max(a) + 1", "2|-5,1|20"),
        ("SELECT a AS b, b AS a FROM t WHERE a > 0 ORDER BY a, b", "10|1,20|1"),
        ("SELECT a::text, count(*) FROM t GROUP BY a HAVING a > 5 ORDER BY a", "10|1,20|1"),
        ("SELECT b AS g, count(*) FROM t GROUP BY g ORDER BY 1", "1|2,2|2"),
        ("SELECT abs(a), count(*) FROM t GROUP BY abs(a) ORDER BY abs(a) LIMIT 1", "5|1"),
        ("SELECT id FROM t ORDER BY -id", "4,3,2,1"),
        ("SELECT id::text FROM t ORDER BY -t.id LIMIT 2", "4,3"),
        ("SELECT a::text FROM t ORDER BY t.a DESC NULLS LAST", "20,10,-5,∅"),
        ("SELECT a FROM t WHERE a > 0 UNION ALL SELECT b FROM t WHERE id = 1 ORDER BY a", "1,10,20"),
    ] {
        assert_eq!(db.rows(query).await.join(","), rows, "{query}");
    }
}

#[tokio::test]
async fn files_have_the_names_that_users_see() {
    let db = tables().await;
    db.run(
        "COPY (SELECT a, a, count(*) FROM t WHERE id = 1 GROUP BY a) TO 'x.csv' WITH (FORMAT csv, HEADER)",
    )
    .await;
    let text = String::from_utf8(db.files.contents.lock()["x.csv"].clone()).unwrap();
    assert_eq!(text, "a,a,count\n10,10,1\n");
    assert_eq!(db.state("COPY (SELECT a, a FROM t) TO 'x.parquet'").await, "42701");
    let plan = db.text("EXPLAIN SELECT a, a FROM t").await;
    assert!(!plan.contains('\u{1}'), "{plan}");
}

#[tokio::test]
async fn a_union_has_the_names_of_its_first_branch_also_where_that_has_no_rows() {
    let db = Db::with("CREATE TABLE t (b INT, n INT); INSERT INTO t VALUES (1, 2), (1, 2)").await;
    for (query, rows) in [
        ("SELECT b FROM t WHERE false UNION ALL SELECT DISTINCT n FROM t", "2"),
        ("SELECT b FROM t WHERE false UNION SELECT DISTINCT n FROM t", "2"),
        ("SELECT b FROM t WHERE NULL UNION (SELECT n FROM t ORDER BY 1 LIMIT 1)", "2"),
        ("SELECT b FROM t WHERE false UNION ALL (SELECT n FROM t ORDER BY 1)", "2,2"),
        ("SELECT b FROM t WHERE false UNION ALL (SELECT n FROM t LIMIT 1)", "2"),
        ("SELECT b FROM t WHERE false UNION ALL (SELECT n FROM t EXCEPT SELECT b FROM t)", "2"),
        ("SELECT b FROM t WHERE false UNION ALL (SELECT n FROM t INTERSECT SELECT n FROM t)", "2"),
        (
            "SELECT b FROM t WHERE false UNION ALL (SELECT n AS x FROM t UNION SELECT b FROM t) ORDER BY b",
            "1,2",
        ),
        ("SELECT b FROM t WHERE false UNION ALL VALUES (7)", "7"),
        ("SELECT b FROM t WHERE false UNION ALL SELECT max(n) FROM t GROUP BY n", "2"),
        ("SELECT t.b FROM t WHERE false UNION ALL SELECT DISTINCT o.n FROM t AS o", "2"),
        (
            "SELECT b FROM (SELECT b FROM t WHERE false UNION ALL SELECT DISTINCT n FROM t) AS q WHERE b > 1",
            "2",
        ),
    ] {
        assert_eq!(db.names(query).await, "b", "{query}");
        assert_eq!(db.rows(query).await.join(","), rows, "{query}");
    }
}
