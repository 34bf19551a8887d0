//! `IN`, `EXISTS` and aggregates of subqueries whose columns have the names of what they are compared with.

use crate::database::Db;

const TABLES: &str = "CREATE TABLE o (id INT, q INT, f INT, b BIGINT, t TEXT, s SMALLINT);
    INSERT INTO o VALUES (1,1,1,1,'a',1),(2,2,3,2,'b',2),(3,NULL,3,3,'c',3),(NULL,4,4,NULL,NULL,NULL),(5,5,NULL,5,'e',5);
    CREATE TABLE c (x INT, f INT, q INT, t TEXT, g FLOAT8);
    INSERT INTO c VALUES (1,1,1,'a',1),(2,3,2,'b',2.5),(NULL,4,4,NULL,NULL),(5,NULL,5,'e',5),(1,2,3,'z',3);
    CREATE TABLE e (x INT, f INT);";

/// Queries and the rows that Postgres answers.
const QUERIES: &[(&str, &str)] = &[
    ("SELECT o.id FROM o WHERE 1 IN (SELECT x FROM c WHERE c.x = o.id)", "1"),
    ("SELECT o.id FROM o WHERE 1 NOT IN (SELECT x FROM c WHERE c.x = o.id)", "2, 3, ∅, 5"),
    ("SELECT o.id FROM o WHERE b IN (SELECT x FROM c WHERE c.q = o.q)", "1, 2, 5"),
    ("SELECT o.id FROM o WHERE b NOT IN (SELECT x FROM c WHERE c.q = o.q)", "3"),
    ("SELECT o.id FROM o WHERE s IN (SELECT g FROM c WHERE c.q = o.q)", "1, 5"),
    ("SELECT o.id FROM o WHERE o.f IN (SELECT c.f FROM c WHERE c.f = o.q)", "1, ∅"),
    ("SELECT o.id FROM o WHERE o.f NOT IN (SELECT c.f FROM c WHERE c.f = o.q)", "2, 3, 5"),
    ("SELECT o.id FROM o WHERE o.f IN (SELECT f FROM c WHERE f = o.q)", "1, ∅"),
    ("SELECT o.id FROM o WHERE (o.f, o.q) IN (SELECT f, q FROM c WHERE c.x = o.id)", "1, 2"),
    ("SELECT o.id FROM o WHERE (o.f, o.q) NOT IN (SELECT f, q FROM c WHERE c.x = o.id)", "3, ∅"),
    (
        "SELECT o.id, (o.f, o.q) IN (SELECT f, q FROM c WHERE c.x = o.id) AS r FROM o ORDER BY o.b",
        "1|true, 2|true, 3|false, 5|∅, ∅|false",
    ),
    (
        "SELECT o.id, o.f IN (SELECT f FROM c WHERE c.f = o.q) AS r FROM o ORDER BY o.b",
        "1|true, 2|false, 3|false, 5|false, ∅|true",
    ),
    (
        "SELECT o.id, CASE WHEN o.f IN (SELECT f FROM c WHERE c.f = o.q) THEN 1 WHEN b IN (SELECT x FROM c WHERE c.x <> o.id) THEN 2 ELSE 3 END AS r FROM o ORDER BY o.b",
        "1|1, 2|3, 3|3, 5|3, ∅|1",
    ),
    (
        "SELECT o.id, c.x FROM o JOIN c ON o.f IN (SELECT e.f FROM c AS e WHERE e.x = o.id) ORDER BY 1, 2",
        "1|1, 1|1, 1|2, 1|5, 1|∅, 2|1, 2|1, 2|2, 2|5, 2|∅",
    ),
    (
        "SELECT o.id, c.x FROM o JOIN c ON o.f IN (SELECT e.f FROM c AS e WHERE e.x = c.x) ORDER BY 1, 2",
        "1|1, 1|1, 2|2, 3|2",
    ),
    (
        "SELECT o.id, c.x FROM o LEFT JOIN c ON o.f IN (SELECT e.f FROM c AS e WHERE e.x = c.x) ORDER BY 1, 2",
        "1|1, 1|1, 2|2, 3|2, 5|∅, ∅|∅",
    ),
    (
        "SELECT o.id, c.x FROM o LEFT JOIN c ON o.f IN (SELECT e.f FROM c AS e WHERE e.x = o.id) ORDER BY 1, 2",
        "1|1, 1|1, 1|2, 1|5, 1|∅, 2|1, 2|1, 2|2, 2|5, 2|∅, 3|∅, 5|∅, ∅|∅",
    ),
    (
        "SELECT o.id, c.x FROM o LEFT JOIN c ON o.f NOT IN (SELECT e.f FROM c AS e WHERE e.x = o.id and e.q=c.q) ORDER BY 1, 2",
        "1|1, 1|2, 1|5, 1|∅, 2|1, 2|1, 2|5, 2|∅, 3|1, 3|1, 3|2, 3|5, 3|∅, 5|1, 5|1, 5|2, 5|∅, ∅|1, ∅|1, ∅|2, ∅|5, ∅|∅",
    ),
    (
        "SELECT o.id, c.x FROM o RIGHT JOIN c ON o.f IN (SELECT e.f FROM c AS e WHERE e.x = o.id) ORDER BY 1, 2",
        "1|1, 1|1, 1|2, 1|5, 1|∅, 2|1, 2|1, 2|2, 2|5, 2|∅",
    ),
    (
        "SELECT o.id, c.x FROM o RIGHT JOIN c ON o.f IN (SELECT e.f FROM c AS e WHERE e.x = c.x) ORDER BY 1, 2",
        "1|1, 1|1, 2|2, 3|2, ∅|5, ∅|∅",
    ),
    (
        "SELECT o.id, c.x FROM o FULL JOIN c ON o.id = c.x AND o.f IN (SELECT e.f FROM c AS e WHERE e.x = o.id) ORDER BY 1, 2",
        "1|1, 1|1, 2|2, 3|∅, 5|∅, ∅|5, ∅|∅, ∅|∅",
    ),
    (
        "SELECT o.id, c.x FROM o FULL JOIN c ON o.id = c.x AND c.f IN (SELECT e.f FROM c AS e WHERE e.x = c.x) ORDER BY 1, 2",
        "1|1, 1|1, 2|2, 3|∅, 5|∅, ∅|5, ∅|∅, ∅|∅",
    ),
    (
        "SELECT o.id, c.x FROM o FULL JOIN c ON o.id = c.x AND c.f IN (SELECT max(e.f) FROM c AS e WHERE e.x >= c.x) ORDER BY 1, 2",
        "1|∅, 2|2, 3|∅, 5|∅, ∅|1, ∅|1, ∅|5, ∅|∅, ∅|∅",
    ),
    (
        "SELECT o.id, c.x FROM o FULL JOIN c ON o.id = c.x AND c.f > (SELECT count(*) FROM c AS e WHERE e.x = c.x) ORDER BY 1, 2",
        "1|∅, 2|2, 3|∅, 5|∅, ∅|1, ∅|1, ∅|5, ∅|∅, ∅|∅",
    ),
    (
        "SELECT o.id, c.x FROM o FULL JOIN c ON o.id = c.x AND c.f > (SELECT count(*) FROM c AS e) - 4 ORDER BY 1, 2",
        "1|1, 2|2, 3|∅, 5|∅, ∅|1, ∅|5, ∅|∅, ∅|∅",
    ),
    (
        "SELECT o.id, c.x FROM o RIGHT JOIN c ON c.f > (SELECT count(*) FROM c AS e WHERE e.x = c.x and e.q = o.q) ORDER BY 1, 2",
        "1|1, 1|2, 1|∅, 2|1, 2|1, 2|2, 2|∅, 3|1, 3|1, 3|2, 3|∅, 5|1, 5|1, 5|2, 5|∅, ∅|1, ∅|1, ∅|2, ∅|5, ∅|∅",
    ),
    (
        "SELECT o.id, c.x FROM o RIGHT JOIN c ON c.f > (SELECT count(*) FROM c AS e) - 4 ORDER BY 1, 2",
        "1|1, 1|2, 1|∅, 2|1, 2|2, 2|∅, 3|1, 3|2, 3|∅, 5|1, 5|2, 5|∅, ∅|1, ∅|1, ∅|2, ∅|5, ∅|∅",
    ),
    (
        "SELECT o.id, c.x FROM o LEFT JOIN c ON c.f > (SELECT count(*) FROM c AS e) - 4 ORDER BY 1, 2",
        "1|1, 1|2, 1|∅, 2|1, 2|2, 2|∅, 3|1, 3|2, 3|∅, 5|1, 5|2, 5|∅, ∅|1, ∅|2, ∅|∅",
    ),
    ("SELECT q FROM o GROUP BY q HAVING q IN (SELECT c.x FROM c WHERE c.q = o.q) ORDER BY q", "1, 2, 5"),
    (
        "SELECT q, count(*) AS n FROM o GROUP BY q HAVING count(*) IN (SELECT c.x FROM c WHERE c.q = o.q) ORDER BY q",
        "1|1",
    ),
    (
        "SELECT q, max(f) AS n FROM o GROUP BY q HAVING max(f) NOT IN (SELECT c.f FROM c WHERE c.q > o.q) ORDER BY q",
        "5|∅, ∅|3",
    ),
    ("SELECT id FROM o ORDER BY (o.f IN (SELECT c.f FROM c WHERE c.f = o.q)), id", "2, 3, 5, 1, ∅"),
    ("SELECT id FROM o ORDER BY o.f NOT IN (SELECT c.f FROM c WHERE c.q = o.q), id", "1, 2, ∅, 3, 5"),
    ("SELECT q FROM o GROUP BY q ORDER BY q IN (SELECT c.x FROM c WHERE c.q = o.q), q", "∅, 1, 2, 5, 4"),
    (
        "SELECT DISTINCT q, q IN (SELECT c.x FROM c WHERE c.q = o.q) AS r FROM o ORDER BY q",
        "1|true, 2|true, 4|∅, 5|true, ∅|false",
    ),
    ("SELECT id FROM o WHERE EXISTS (SELECT c.f, d.f FROM c, c d WHERE c.f = o.f AND d.f = o.q)", "1, 2, ∅"),
    ("SELECT id FROM o WHERE NOT EXISTS (SELECT c.f, d.f FROM c, c d WHERE c.f = o.f AND d.f = o.q)", "3, 5"),
    ("SELECT id FROM o WHERE (SELECT max(d.x) FROM c, c d WHERE c.f = o.f AND d.f = o.q) > 0", "1, 2"),
    (
        "SELECT id, (SELECT max(c.x) AS q FROM c WHERE c.q = o.q) AS r FROM o ORDER BY b",
        "1|1, 2|2, 3|∅, 5|5, ∅|∅",
    ),
    (
        "SELECT id, (SELECT max(q) AS f FROM c WHERE c.f = o.f) AS r FROM o ORDER BY b",
        "1|1, 2|2, 3|2, 5|∅, ∅|4",
    ),
    (
        "SELECT o.id, l.x FROM o, LATERAL (SELECT c.f AS x FROM c WHERE c.x = o.id) l ORDER BY 1, 2",
        "1|1, 1|2, 2|3, 5|∅",
    ),
    (
        "SELECT o.id, l.x FROM o, LATERAL (SELECT c.x FROM c WHERE c.x = o.id) l ORDER BY 1, 2",
        "1|1, 1|1, 2|2, 5|5",
    ),
    (
        "SELECT o.id FROM o WHERE (SELECT max(f) FROM c WHERE c.x = o.id) IN (SELECT f FROM c WHERE c.q = o.q)",
        "2",
    ),
    ("SELECT o.id FROM o WHERE (SELECT max(f) FROM c) - 3 IN (SELECT f FROM c WHERE c.q = o.q)", "1"),
    (
        "SELECT o.id, (SELECT max(f) FROM c) - 3 IN (SELECT f FROM c WHERE c.q = o.q) AS r FROM o ORDER BY b",
        "1|true, 2|false, 3|false, 5|∅, ∅|false",
    ),
    (
        "SELECT o.id, (SELECT max(f) FROM c WHERE c.x = o.id) IN (SELECT f FROM c WHERE c.q = o.q) AS r FROM o ORDER BY b",
        "1|false, 2|true, 3|false, 5|∅, ∅|∅",
    ),
    (
        "SELECT o.id, (SELECT max(f) FROM c WHERE c.x = o.id) NOT IN (SELECT f FROM c) AS r FROM o ORDER BY b",
        "1|false, 2|false, 3|∅, 5|∅, ∅|∅",
    ),
    ("SELECT o.id FROM o WHERE (SELECT max(f) FROM c WHERE c.x = o.id) NOT IN (SELECT f FROM c)", ""),
    ("SELECT o.id FROM o WHERE (SELECT max(f) FROM c) IN (SELECT f FROM c)", "1, 2, 3, ∅, 5"),
    (
        "SELECT o.id FROM o WHERE (o.id IN (SELECT x FROM c WHERE c.f = o.f)) = (o.q IN (SELECT q FROM c WHERE c.x = o.id))",
        "1, 2, 3",
    ),
    (
        "SELECT o.id FROM o WHERE (o.id IN (SELECT x FROM c WHERE c.f = o.f)) IN (SELECT q > 1 FROM c WHERE c.x = o.id)",
        "1, 2",
    ),
    (
        "SELECT o.id FROM o WHERE o.id IN (SELECT x FROM c WHERE c.f = o.f AND c.q IN (SELECT q FROM c d WHERE d.x = c.x AND d.f = c.f))",
        "1, 2",
    ),
    (
        "SELECT o.id FROM o WHERE o.id IN (SELECT x FROM c WHERE c.f = o.f AND c.q IN (SELECT q FROM c d WHERE d.x = c.x AND d.f = o.f))",
        "1, 2",
    ),
    (
        "SELECT o.id FROM o WHERE o.id NOT IN (SELECT x FROM c WHERE c.f = o.f AND c.q NOT IN (SELECT q FROM c d WHERE d.x = c.x AND d.f = o.f))",
        "1, 2, 3, 5",
    ),
    (
        "SELECT id FROM o WHERE id IN (SELECT x FROM c WHERE c.f = o.f UNION SELECT f FROM c WHERE c.x = o.id)",
        "1, 2",
    ),
    ("SELECT id FROM o WHERE id IN (SELECT x FROM c WHERE c.f = o.f ORDER BY q LIMIT 1)", "1, 2"),
    ("SELECT id FROM o WHERE id IN (SELECT count(*) FROM c WHERE c.f = o.f)", "1"),
    ("SELECT id FROM o WHERE id IN (SELECT DISTINCT x FROM c WHERE c.f = o.f)", "1, 2"),
    ("SELECT id FROM o WHERE id IN (SELECT x FROM c WHERE c.f = o.f GROUP BY x HAVING count(*) > 0)", "1, 2"),
    ("SELECT id FROM o WHERE t IN (SELECT t FROM c WHERE c.f = o.f)", "1, 2"),
    ("SELECT id FROM o WHERE 'a' IN (SELECT t FROM c WHERE c.f = o.f)", "1"),
    ("SELECT id FROM o WHERE NULL IN (SELECT t FROM c WHERE c.f = o.f)", ""),
    ("SELECT id FROM o WHERE NULL NOT IN (SELECT t FROM c WHERE c.f = o.f)", "5"),
    ("SELECT id FROM o WHERE '1' IN (SELECT x FROM c WHERE c.f = o.f)", "1"),
    ("SELECT id FROM o WHERE 1.5 IN (SELECT x + 0.5 FROM c WHERE c.f = o.f)", "1"),
    ("SELECT id FROM o WHERE id IN (SELECT o.id FROM c WHERE c.f = o.f)", "1, 2, 3"),
    ("SELECT id FROM o WHERE id IN (SELECT o.q FROM c)", "1, 2, 5"),
    ("SELECT id FROM o WHERE id IN (SELECT o.q)", "1, 2, 5"),
    ("SELECT id FROM o WHERE id NOT IN (SELECT o.q)", ""),
    ("SELECT id FROM o WHERE id IN (VALUES (o.q), (o.f))", "1, 2, 3, 5"),
    ("SELECT count(*) FROM o WHERE id IN (SELECT x FROM e WHERE e.f = o.f)", "0"),
    ("SELECT count(*) FROM o WHERE id NOT IN (SELECT x FROM e WHERE e.f = o.f)", "5"),
    (
        "SELECT id, sum(f) OVER (ORDER BY id) AS r FROM o WHERE id IN (SELECT x FROM c WHERE c.q = o.q) ORDER BY id",
        "1|1, 2|4, 5|4",
    ),
    (
        "SELECT id, sum(CASE WHEN id IN (SELECT x FROM c WHERE c.q = o.q) THEN 1 ELSE 0 END) OVER (ORDER BY id) AS r FROM o ORDER BY id",
        "1|1, 2|2, 3|2, 5|3, ∅|3",
    ),
    ("SELECT sum(CASE WHEN id IN (SELECT x FROM c WHERE c.q = o.q) THEN 1 ELSE 0 END) AS r FROM o", "3"),
    ("SELECT count(*) FILTER (WHERE id IN (SELECT x FROM c WHERE c.q = o.q)) AS r FROM o", "3"),
    (
        "SELECT (id IN (SELECT x FROM c WHERE c.q = o.q)) AS r, count(*) FROM o GROUP BY 1 ORDER BY 1",
        "false|1, true|3, ∅|1",
    ),
    ("SELECT a.id FROM o a JOIN o b ON a.id = b.id WHERE a.f IN (SELECT f FROM c WHERE c.x = b.id)", "1, 2"),
    ("SELECT a.id FROM o a JOIN o b USING (id) WHERE id IN (SELECT x FROM c WHERE c.q = b.q)", "1, 2, 5"),
    (
        "SELECT id FROM o WHERE EXISTS (SELECT 1 FROM c WHERE c.x = o.id AND c.f IN (SELECT f FROM o p WHERE p.id = o.id))",
        "1, 2",
    ),
    (
        "SELECT id FROM o WHERE EXISTS (SELECT 1 FROM (SELECT * FROM c WHERE c.x = o.id) s WHERE s.f = o.f)",
        "1, 2",
    ),
    (
        "SELECT id FROM o WHERE EXISTS (SELECT 1 FROM (SELECT * FROM c WHERE c.x = o.id LIMIT 1) s WHERE s.f = o.f)",
        "1, 2",
    ),
    ("SELECT id FROM o WHERE id = ANY (SELECT x FROM c WHERE c.f = o.f)", "1, 2"),
    ("SELECT id FROM o WHERE id <> ALL (SELECT x FROM c WHERE c.f = o.f)", "3, 5"),
    ("SELECT id FROM o WHERE id < ANY (SELECT f FROM c WHERE c.f = o.f)", "2"),
    ("SELECT id FROM o WHERE NOT (id = ANY (SELECT x FROM c WHERE c.f = o.f))", "3, 5"),
];

#[tokio::test]
async fn a_subquery_may_name_its_columns_as_the_outer_row_does() {
    Db::with(TABLES).await.assert_answers(QUERIES).await;
}

const VIEWS: &str = "CREATE TABLE t0 (a TEXT, b INT, c BOOLEAN);
    CREATE TABLE t1 (a INT, b INT, c BOOLEAN);
    INSERT INTO t0 VALUES ('x',1,true),('yy',2,false),(NULL,3,true),('zzzz',NULL,NULL);
    INSERT INTO t1 VALUES (1,1,true),(2,3,false),(NULL,0,true),(4,NULL,NULL);
    CREATE VIEW v0 AS SELECT r0.a, r1.b, r0.c FROM t0 AS r0 JOIN t1 AS r1 ON r0.b = r1.b WHERE r1.a NOT IN (SELECT r2.b FROM t1 AS r2 WHERE r2.a = r1.a);
    CREATE VIEW v1 AS SELECT r0.a, r1.b, r0.c FROM t0 AS r0 JOIN t1 AS r1 ON r0.b >= r1.b AND r1.a NOT IN (SELECT r2.b FROM t1 AS r2 WHERE r2.a > r0.b);
    CREATE VIEW v2 AS SELECT r0.a, r1.b, r0.c FROM t0 AS r0 LEFT JOIN t1 AS r1 ON r0.b >= r1.b WHERE r1.a NOT IN (SELECT r2.b FROM t1 AS r2 JOIN t0 r3 ON r2.b = r3.b WHERE r2.a < r1.a);
    CREATE VIEW v3 AS SELECT r0.a, r0.b, r0.c FROM t0 AS r0 WHERE r0.b NOT IN (SELECT r1.a FROM t1 AS r1 JOIN t0 r2 ON r1.b = r2.b WHERE r1.a < r0.b);";

const VIEW_QUERIES: &[(&str, &str)] = &[
    ("SELECT * FROM v0", "∅|3|true"),
    ("SELECT * FROM v1", ""),
    (
        "SELECT * FROM v2",
        "x|1|true, x|0|true, yy|1|false, yy|0|false, ∅|1|true, ∅|3|true, ∅|0|true, zzzz|∅|∅",
    ),
    ("SELECT * FROM v3", "x|1|true, yy|2|false, ∅|3|true, zzzz|∅|∅"),
    (
        "SELECT TRUE AS n FROM v0 FULL JOIN t1 AS r14 ON EXISTS (SELECT 'a' AS n FROM v0 WHERE (r14.b < length(v0.a))) WHERE v0.c",
        "true",
    ),
    (
        "SELECT TRUE AS n FROM v1 FULL JOIN t1 AS r14 ON EXISTS (SELECT 'a' AS n FROM v1 WHERE (r14.b < length(v1.a))) WHERE v1.c",
        "",
    ),
    (
        "SELECT TRUE AS n FROM v2 FULL JOIN t1 AS r14 ON EXISTS (SELECT 'a' AS n FROM v2 WHERE (r14.b < length(v2.a))) WHERE v2.c",
        "true, true, true, true, true, true, true, true, true, true, true, true, true, true, true",
    ),
    (
        "SELECT TRUE AS n FROM v3 FULL JOIN t1 AS r14 ON EXISTS (SELECT 'a' AS n FROM v3 WHERE (r14.b < length(v3.a))) WHERE v3.c",
        "true, true, true, true, true, true",
    ),
    (
        "SELECT TRUE AS n FROM v0 JOIN t1 AS r14 ON EXISTS (SELECT 'a' AS n FROM v0 WHERE (r14.b < length(v0.a))) WHERE v0.c",
        "",
    ),
    (
        "SELECT TRUE AS n FROM v1 LEFT JOIN t1 AS r14 ON EXISTS (SELECT 'a' AS n FROM v1 WHERE (r14.b < length(v1.a))) WHERE v1.c",
        "",
    ),
    (
        "SELECT TRUE AS n FROM v2 RIGHT JOIN t1 AS r14 ON EXISTS (SELECT 'a' AS n FROM v2 WHERE (r14.b < length(v2.a))) WHERE v2.c",
        "true, true, true, true, true, true, true, true, true, true, true, true, true, true, true",
    ),
    (
        "SELECT TRUE AS n FROM v3 RIGHT JOIN t1 AS r14 ON EXISTS (SELECT 'a' AS n FROM v3 WHERE (r14.b < length(v3.a))) WHERE v3.c",
        "true, true, true, true, true, true",
    ),
    (
        "SELECT r14.b FROM t1 AS r14 WHERE EXISTS (SELECT 'a' AS n FROM v2 WHERE (r14.b < length(v2.a)))",
        "1, 3, 0",
    ),
    ("SELECT r14.b FROM t1 AS r14 WHERE EXISTS (SELECT 'a' AS n FROM v1 WHERE (r14.b < length(v1.a)))", ""),
    (
        "SELECT r14.b, (SELECT count(*) FROM v1 WHERE (r14.b < length(v1.a))) FROM t1 AS r14 ORDER BY 1",
        "0|0, 1|0, 3|0, ∅|0",
    ),
    (
        "SELECT r14.b, (SELECT count(*) FROM v2 WHERE (r14.b < length(v2.a))) FROM t1 AS r14 ORDER BY 1",
        "0|5, 1|3, 3|1, ∅|0",
    ),
    (
        "SELECT r14.b, (SELECT count(*) FROM v3 WHERE (r14.b < length(v3.a)) LIMIT 1) FROM t1 AS r14 ORDER BY 1",
        "0|3, 1|2, 3|1, ∅|0",
    ),
    (
        "SELECT r14.b, (SELECT max(v3.a) FROM v3 WHERE (r14.b < length(v3.a)) GROUP BY v3.c ORDER BY 1 LIMIT 1) FROM t1 AS r14 ORDER BY 1",
        "0|x, 1|yy, 3|zzzz, ∅|∅",
    ),
];

#[tokio::test]
async fn a_condition_of_a_join_asks_a_view_that_asks_in_its_turn() {
    Db::with(VIEWS).await.assert_answers(VIEW_QUERIES).await;
}

#[tokio::test]
async fn a_subquery_tells_values_apart_that_are_equal() {
    let db = Db::with("CREATE TABLE f (id INT PRIMARY KEY, v DOUBLE PRECISION); INSERT INTO f VALUES (1, '0'), (2, '-0'), (3, NULL)")
        .await;
    let intervals =
        "(VALUES (1, INTERVAL '1 month'), (2, INTERVAL '30 days'), (3, INTERVAL '720 hours')) AS a(n, i)";
    for (query, shown) in [
        (format!("SELECT l.t FROM {intervals}, LATERAL (SELECT a.i::text AS t) AS l ORDER BY n"), "1 mon, 30 days, 720:00:00"),
        (format!("SELECT l.t FROM {intervals} LEFT JOIN LATERAL (SELECT a.i::text AS t LIMIT 1) AS l ON true ORDER BY n"), "1 mon, 30 days, 720:00:00"),
        (format!("SELECT (SELECT max(a.i::text || f.id) FROM f LIMIT 1) FROM {intervals} ORDER BY n"), "1 mon3, 30 days3, 720:00:003"),
        (format!("SELECT (SELECT count(*) FROM (SELECT 1 WHERE a.i::text = '1 mon') AS s) FROM {intervals} ORDER BY n"), "1, 0, 0"),
        (
            format!("SELECT l.d FROM {intervals}, LATERAL (SELECT DATE '2024-02-01' + a.i AS d) AS l ORDER BY n"),
            "2024-03-01T00:00:00, 2024-03-02T00:00:00, 2024-03-02T00:00:00",
        ),
        ("SELECT l.t FROM f, LATERAL (SELECT f.v::text AS t) AS l ORDER BY id".to_owned(), "0, -0, ∅"),
        ("SELECT l.t FROM f, LATERAL (SELECT ARRAY[f.v]::text AS t OFFSET 0) AS l ORDER BY id".to_owned(), "{0}, {-0}, {NULL}"),
        (
            "SELECT l.t FROM (SELECT id, ARRAY[v] AS a FROM f) AS f, LATERAL (SELECT f.a::text AS t) AS l ORDER BY id".to_owned(),
            "{0}, {-0}, {NULL}",
        ),
        (
            "SELECT (SELECT count(*) FROM f AS g WHERE g.v = f.v OR g.v > f.v + 1) FROM f ORDER BY id".to_owned(),
            "2, 2, 0",
        ),
        (
            "SELECT l.c FROM f, LATERAL (SELECT count(g.id) AS c FROM f AS g WHERE g.v = f.v LIMIT 1) AS l ORDER BY f.id".to_owned(),
            "2, 2, 0",
        ),
    ] {
        assert_eq!(db.rows(&query).await.join(", "), shown, "{query}");
    }
}
