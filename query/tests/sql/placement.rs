//! Calls of aggregates, window functions and functions that return rows in places that do not take them.

use crate::database::Db;

const TABLES: &str = "CREATE TABLE t (id INT, a INT, b BIGINT, f FLOAT8, s TEXT, d DATE, k BOOLEAN);
    INSERT INTO t VALUES (1,10,100,1.5,'a','2024-01-01',true),(2,20,200,2.5,'b','2024-01-02',false);
    CREATE TABLE u (id INT, a INT);
    INSERT INTO u VALUES (1,1);";

#[tokio::test]
async fn a_call_in_the_wrong_place_has_the_code_of_postgres() {
    let db = Db::with(TABLES).await;
    db.assert_states(&[
        ("SELECT id FROM t WHERE row_number() OVER () = 1", "42P20"),
        ("SELECT id FROM t WHERE id = 1 AND rank() OVER (ORDER BY id) > 1", "42P20"),
        ("SELECT count(*) FROM t GROUP BY row_number() OVER ()", "42P20"),
        ("SELECT id FROM t GROUP BY id HAVING row_number() OVER () = 1", "42P20"),
        ("SELECT t.id FROM t JOIN u ON row_number() OVER () = u.id", "42P20"),
        ("SELECT id FROM t LIMIT row_number() OVER ()", "42P20"),
        ("SELECT id FROM t OFFSET sum(1) OVER ()", "42P20"),
        ("SELECT sum(row_number() OVER ()) FROM t", "42803"),
        ("SELECT sum(sum(a)) FROM t", "42803"),
        ("SELECT sum(a + max(b)) FROM t", "42803"),
        ("SELECT sum(a) FILTER (WHERE sum(b) > 1) FROM t", "42803"),
        ("SELECT sum(a) FILTER (WHERE row_number() OVER () > 1) FROM t", "42P20"),
        ("SELECT row_number() OVER (ORDER BY row_number() OVER ()) FROM t", "42P20"),
        ("SELECT sum(row_number() OVER ()) OVER () FROM t", "42P20"),
        ("SELECT row_number() OVER (PARTITION BY rank() OVER ()) FROM t", "42P20"),
        ("SELECT id FROM t WHERE sum(a) > 1", "42803"),
        ("SELECT id FROM t WHERE a > 1 AND (sum(a) > 1)", "42803"),
        ("SELECT t.id FROM t JOIN u ON sum(t.a) = 1", "42803"),
        ("SELECT t.id FROM t LEFT JOIN u ON count(*) = 1", "42803"),
        ("SELECT count(*) FROM t GROUP BY sum(a)", "42803"),
        ("SELECT count(*) FROM t GROUP BY 1", "42803"),
        ("SELECT id FROM t LIMIT count(*)", "42803"),
        ("SELECT id FROM t OFFSET max(1)", "42803"),
        ("SELECT * FROM generate_series(1, count(*)) g", "42803"),
        ("SELECT sum(a) FROM t ORDER BY id", "42803"),
        ("SELECT sum(a) FROM t HAVING id > 1", "42803"),
        ("SELECT id, sum(a) FROM t", "42803"),
        ("SELECT a + 1, sum(a) FROM t GROUP BY id", "42803"),
        ("SELECT t.* FROM t GROUP BY id", "42803"),
        ("SELECT id, row_number() OVER (ORDER BY a) FROM t GROUP BY id", "42803"),
        ("SELECT id, row_number() OVER (PARTITION BY a) FROM t GROUP BY id", "42803"),
        ("SELECT id FROM t GROUP BY id ORDER BY a", "42803"),
        ("SELECT DISTINCT ON (sum(a)) id FROM t", "42803"),
        ("VALUES (sum(1))", "42803"),
        ("VALUES (row_number() OVER ())", "42P20"),
        ("VALUES (generate_series(1,2))", "0A000"),
        ("INSERT INTO u VALUES (sum(1), 1)", "42803"),
        ("INSERT INTO u VALUES (row_number() OVER (), 1)", "42P20"),
        ("UPDATE u SET a = sum(1)", "42803"),
        ("UPDATE u SET a = row_number() OVER ()", "42P20"),
        ("UPDATE u SET a = generate_series(1,2)", "0A000"),
        ("UPDATE u SET a = 1 WHERE sum(a) = 1", "42803"),
        ("UPDATE u SET a = 1 WHERE row_number() OVER () = 1", "42P20"),
        ("UPDATE u SET a = 1 WHERE generate_series(1,2) = 1", "0A000"),
        ("DELETE FROM u WHERE sum(a) = 1", "42803"),
        ("DELETE FROM u WHERE row_number() OVER () = 1", "42P20"),
        ("DELETE FROM u WHERE generate_series(1,2) = 1", "0A000"),
        ("CREATE TABLE z1 (a INT DEFAULT sum(1))", "42803"),
        ("CREATE TABLE z2 (a INT DEFAULT row_number() OVER ())", "42P20"),
        ("CREATE TABLE z3 (a INT DEFAULT generate_series(1,2))", "0A000"),
        ("SELECT id FROM t WHERE generate_series(1,2) = 1", "0A000"),
        ("SELECT id FROM t WHERE unnest(ARRAY[1,2]) = 1", "0A000"),
        ("SELECT id FROM t GROUP BY id HAVING generate_series(1,2) = 1", "0A000"),
        ("SELECT t.id FROM t JOIN u ON generate_series(1,2) = u.id", "0A000"),
        ("SELECT id FROM t LIMIT generate_series(1,2)", "0A000"),
        ("SELECT CASE WHEN id = 1 THEN generate_series(1,2) END FROM t", "0A000"),
        ("SELECT coalesce(generate_series(1,2), 1) FROM t", "0A000"),
        ("SELECT sum(generate_series(1,2)) FROM t", "0A000"),
        ("SELECT sum(unnest(ARRAY[1,2])) FROM t", "0A000"),
        ("SELECT sum(generate_series(1,2)) OVER () FROM t", "0A000"),
        ("SELECT sum(a) FILTER (WHERE generate_series(1,2) = 1) FROM t", "0A000"),
        ("WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT max(n)+1 FROM r WHERE n < 3) SELECT * FROM r", "42P19"),
        ("WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM r GROUP BY n HAVING count(*) > 3) SELECT * FROM r", "42P19"),
        ("WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM r WHERE n < 3 AND count(*) > 0) SELECT * FROM r", "42803"),
        ("WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM r WHERE n < 3 ORDER BY 1) SELECT * FROM r", "0A000"),
        ("WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM r WHERE n < 3 LIMIT 1) SELECT * FROM r", "0A000"),
        ("WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM r WHERE n < (SELECT max(n) FROM r)) SELECT * FROM r", "42P19"),
        ("WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT r.n+1 FROM r, r q WHERE r.n < 3) SELECT * FROM r", "42P19"),
        ("WITH RECURSIVE r(n) AS (SELECT n FROM r UNION ALL SELECT 1) SELECT * FROM r", "42P19"),
        ("WITH RECURSIVE r(n) AS (SELECT 1 EXCEPT SELECT n+1 FROM r WHERE n < 3) SELECT * FROM r", "42P19"),
        ("WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT 2 FROM u WHERE EXISTS (SELECT 1 FROM r WHERE n < 2)) SELECT * FROM r", "42P19"),
        ("SELECT (SELECT sum(t.a) FROM u) FROM t", "0A000"),
    ])
    .await;
    assert_eq!(db.one("SELECT a FROM u").await, "1", "nothing was changed");
}

#[tokio::test]
async fn a_call_in_the_right_place_is_answered() {
    let db = Db::with(TABLES).await;
    db.assert_answers(&[
        ("SELECT id FROM t ORDER BY row_number() OVER (ORDER BY id DESC)", "2, 1"),
        ("SELECT sum(a) OVER (ORDER BY sum(b)) FROM t GROUP BY a", "10, 30"),
        ("SELECT (SELECT sum(t.a + u.a) FROM u) AS x FROM t ORDER BY 1", "11, 21"),
        ("SELECT id FROM t WHERE (SELECT sum(u.a) FROM u) = 1", "1, 2"),
        ("SELECT id + 1, sum(a) FROM t GROUP BY id", "3|20, 2|10"),
        ("SELECT generate_series(1,2) FROM t ORDER BY 1", "1, 1, 2, 2"),
        ("SELECT unnest(ARRAY[1,2]) + 1 AS x ORDER BY 1", "2, 3"),
        ("SELECT id, generate_series(1,2) AS g FROM t ORDER BY 1, 2", "1|1, 1|2, 2|1, 2|2"),
        ("SELECT id, generate_series(1,id) AS g FROM t ORDER BY 1, 2", "1|1, 2|1, 2|2"),
        ("SELECT generate_series(1,2), generate_series(1,3)", "1|1, 2|2, ∅|3"),
        ("SELECT x, generate_series(1,2) FROM unnest(ARRAY[1,2]) x ORDER BY 1,2", "1|1, 1|2, 2|1, 2|2"),
        ("WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT (n+row_number() OVER ())::int FROM r WHERE n < 3) SELECT * FROM r", "1, 2, 3"),
        ("WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM (SELECT * FROM r) q WHERE n < 3) SELECT * FROM r", "1, 2, 3"),
        ("WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL (SELECT n+1 FROM r WHERE n < 3)) SELECT * FROM r", "1, 2, 3"),
    ])
    .await;
}

#[tokio::test]
async fn the_column_of_a_function_in_from_has_the_name_of_its_alias() {
    let db = Db::with(TABLES).await;
    for (query, names) in [
        ("SELECT * FROM generate_series(1, 3) x", "x"),
        ("SELECT x FROM generate_series(1, 3) AS x", "x"),
        ("SELECT * FROM generate_series(1, 3) AS x(n)", "n"),
        ("SELECT * FROM unnest(ARRAY[1, 2]) AS u", "u"),
        ("SELECT u.u FROM unnest(ARRAY[1, 2]) AS u", "u"),
        ("SELECT * FROM unnest(ARRAY[1, 2]) AS u(n)", "n"),
        (
            "SELECT day FROM generate_series(DATE '2024-01-01', DATE '2024-01-03', INTERVAL '1 day') AS day",
            "day",
        ),
    ] {
        assert_eq!(db.names(query).await, names, "{query}");
    }
    db.assert_answers(&[
        ("SELECT a.a, b.b FROM generate_series(1, 2) a JOIN generate_series(2, 3) b ON a.a = b.b", "2|2"),
        ("SELECT sum(x) FROM generate_series(1, 3) x WHERE x > 1", "5"),
    ])
    .await;
}

#[tokio::test]
async fn the_version_is_that_of_this_database() {
    let db = Db::new().await;
    let version = db.one("SELECT version()").await;
    assert!(version.starts_with("Bygone "), "{version}");
    assert_eq!(db.names("SELECT version()").await, "version");
}
