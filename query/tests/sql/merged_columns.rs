//! Columns that `USING` and `NATURAL` make one of two.

use crate::{database::Db, keyed_tables::KEYED_TABLES};

#[tokio::test]
async fn a_merged_column_means_the_side_that_has_a_value() {
    let db = Db::with(KEYED_TABLES).await;
    db.assert_answers(&[
        ("SELECT * FROM a NATURAL LEFT JOIN b ORDER BY 1,2,3", "1|10|∅, 2|∅|200, 3|30|300, ∅|5|∅"),
        ("SELECT * FROM a NATURAL FULL JOIN b ORDER BY 1,2,3", "1|10|∅, 2|∅|200, 3|30|300, 4|∅|400, ∅|5|∅, ∅|∅|7"),
        ("SELECT k, v, w FROM a NATURAL FULL JOIN b WHERE k > 1 ORDER BY k", "2|∅|200, 3|30|300, 4|∅|400"),
        ("SELECT k FROM a FULL JOIN b USING (k) ORDER BY a.k, b.k", "1, 2, 3, 4, ∅, ∅"),
        ("SELECT k FROM a FULL JOIN b USING (k) ORDER BY b.k DESC, a.k", "1, ∅, ∅, 4, 3, 2"),
        ("SELECT k + 1 AS k FROM a FULL JOIN b USING (k) ORDER BY k", "2, 3, 4, 5, ∅, ∅"),
        ("SELECT -k AS k FROM a FULL JOIN b USING (k) ORDER BY k + 0, v, w", "-1, -2, -3, -4, ∅, ∅"),
        ("SELECT * FROM a NATURAL JOIN b NATURAL FULL JOIN c ORDER BY 1,2,3,4", "2|∅|200|∅, 3|30|300|∅, 4|∅|∅|4000, 5|∅|∅|5000"),
        ("SELECT * FROM a FULL JOIN b USING (k), c ORDER BY 1,2,3,4,5", "1|10|∅|4|4000, 1|10|∅|5|5000, 2|∅|200|4|4000, 2|∅|200|5|5000, 3|30|300|4|4000, 3|30|300|5|5000, 4|∅|400|4|4000, 4|∅|400|5|5000, ∅|5|∅|4|4000, ∅|5|∅|5|5000, ∅|∅|7|4|4000, ∅|∅|7|5|5000"),
        ("SELECT k, count(*) FROM a FULL JOIN b USING (k) GROUP BY k ORDER BY k", "1|1, 2|1, 3|1, 4|1, ∅|2"),
        ("SELECT k, count(*) FROM a FULL JOIN b USING (k) GROUP BY k HAVING k > 1 ORDER BY k", "2|1, 3|1, 4|1"),
        ("SELECT DISTINCT ON (k) k, v, w FROM a FULL JOIN b USING (k) ORDER BY k, v", "1|10|∅, 2|∅|200, 3|30|300, 4|∅|400, ∅|5|∅"),
        ("SELECT sum(v) OVER (PARTITION BY k ORDER BY w) FROM a FULL JOIN b USING (k) ORDER BY 1", "5, 10, 30, ∅, ∅, ∅"),
        ("SELECT sum(v) OVER z FROM a FULL JOIN b USING (k) WINDOW z AS (PARTITION BY k) ORDER BY 1", "5, 5, 10, 30, ∅, ∅"),
        ("SELECT * FROM a FULL JOIN b USING (k) JOIN c ON c.k = b.k ORDER BY 1,2,3,4,5", "4|∅|400|4|4000"),
        ("SELECT b.w FROM a FULL JOIN b USING (k) JOIN c AS d(kk, x) ON kk = k ORDER BY 1", "400"),
        ("SELECT a.*, k FROM a FULL JOIN b USING (k) ORDER BY 1,2,3", "1|10|1, 2|∅|2, 3|30|3, ∅|5|∅, ∅|∅|4, ∅|∅|∅"),
        ("SELECT b.*, a.* FROM a FULL JOIN b USING (k) ORDER BY 1,2,3,4", "2|200|2|∅, 3|300|3|30, 4|400|∅|∅, ∅|7|∅|∅, ∅|∅|1|10, ∅|∅|∅|5"),
        ("SELECT k, a.k FROM a FULL JOIN b USING (k) ORDER BY 1,2", "1|1, 2|2, 3|3, 4|∅, ∅|∅, ∅|∅"),
        ("SELECT * FROM (SELECT k FROM a) x FULL JOIN (SELECT k FROM b) y USING (k) ORDER BY 1", "1, 2, 3, 4, ∅, ∅"),
        ("SELECT * FROM (SELECT k FROM a) x JOIN (SELECT k FROM b) y USING (k) ORDER BY 1", "2, 3"),
        ("SELECT count(*) FROM a NATURAL JOIN b NATURAL JOIN c", "0"),
        ("SELECT count(*) FROM b NATURAL JOIN (SELECT x FROM c) z", "8"),
        ("SELECT v FROM a NATURAL JOIN e", ""),
        ("SELECT k FROM generate_series(1,3) AS g(k) FULL JOIN b USING (k) ORDER BY 1", "1, 2, 3, 4, ∅"),
        ("SELECT g FROM generate_series(1,3) AS g RIGHT JOIN (SELECT k AS g FROM b) z USING (g) ORDER BY 1", "2, 3, 4, ∅"),
        ("SELECT * FROM (VALUES (1,2),(2,3)) AS x(k, y) FULL JOIN b USING (k) ORDER BY 1,2,3", "1|2|∅, 2|3|200, 3|∅|300, 4|∅|400, ∅|∅|7"),
        ("SELECT lower(k::text) FROM a FULL JOIN b USING (k) ORDER BY 1", "1, 2, 3, 4, ∅, ∅"),
        ("SELECT k::text FROM a FULL JOIN b USING (k) ORDER BY k::text", "1, 2, 3, 4, ∅, ∅"),
        ("SELECT CASE WHEN k > 2 THEN 'x' END AS z FROM a FULL JOIN b USING (k) ORDER BY k, z", "∅, ∅, x, x, ∅, ∅"),
        ("SELECT 1 FROM a FULL JOIN b USING (k) HAVING count(k) = 5", ""),
        ("SELECT max(k) FROM a FULL JOIN b USING (k)", "4"),
        ("SELECT x.k FROM a x FULL JOIN a y USING (k, v) ORDER BY 1", "1, 2, 3, ∅, ∅, ∅"),
        ("SELECT * FROM a x FULL JOIN a y USING (v, k) ORDER BY 1,2", "5|∅, 5|∅, 10|1, 30|3, ∅|2, ∅|2"),
        ("SELECT * FROM a x FULL JOIN a y USING (k) ORDER BY 1,2,3", "1|10|10, 2|∅|∅, 3|30|30, ∅|5|∅, ∅|∅|5"),
        ("SELECT a.k AS ak, k FROM a LEFT JOIN b USING (k) ORDER BY ak, b.k", "1|1, 2|2, 3|3, ∅|∅"),
        ("SELECT *, k + 1 AS k1 FROM a FULL JOIN b USING (k) ORDER BY k1, v", "1|10|∅|2, 2|∅|200|3, 3|30|300|4, 4|∅|400|5, ∅|5|∅|∅, ∅|∅|7|∅"),
        ("SELECT *, -k AS k FROM a FULL JOIN b USING (k) ORDER BY v, w", "∅|5|∅|∅, 1|10|∅|-1, 3|30|300|-3, ∅|∅|7|∅, 2|∅|200|-2, 4|∅|400|-4"),
        ("SELECT s.k FROM (SELECT *, 1 AS one FROM a FULL JOIN b USING (k)) s ORDER BY 1", "1, 2, 3, 4, ∅, ∅"),
        ("SELECT one FROM (SELECT *, 1 AS one FROM a FULL JOIN b USING (k)) s ORDER BY 1", "1, 1, 1, 1, 1, 1"),
    ])
    .await;
}

#[tokio::test]
async fn joins_in_parentheses_keep_what_they_merged() {
    let db = Db::with(KEYED_TABLES).await;
    db.assert_answers(&[
        ("SELECT j.k FROM (a FULL JOIN b USING (k)) j ORDER BY 1", "1, 2, 3, 4, ∅, ∅"),
        ("SELECT j.* FROM (a FULL JOIN b USING (k)) j ORDER BY 1,2,3", "1|10|∅, 2|∅|200, 3|30|300, 4|∅|400, ∅|5|∅, ∅|∅|7"),
        ("SELECT * FROM (a FULL JOIN b USING (k)) j ORDER BY 1,2,3", "1|10|∅, 2|∅|200, 3|30|300, 4|∅|400, ∅|5|∅, ∅|∅|7"),
        ("SELECT j.k FROM (a RIGHT JOIN b USING (k)) j ORDER BY 1", "2, 3, 4, ∅"),
        ("SELECT j.k FROM (a NATURAL FULL JOIN b) j ORDER BY 1", "1, 2, 3, 4, ∅, ∅"),
        ("SELECT j.* FROM (a NATURAL RIGHT JOIN b) j ORDER BY 1,2,3", "2|∅|200, 3|30|300, 4|∅|400, ∅|∅|7"),
        ("SELECT k FROM (a FULL JOIN b USING (k)) ORDER BY k, v", "1, 2, 3, 4, ∅, ∅"),
        ("SELECT * FROM (a FULL JOIN b USING (k)) FULL JOIN c USING (k) ORDER BY 1,2,3,4", "1|10|∅|∅, 2|∅|200|∅, 3|30|300|∅, 4|∅|400|4000, 5|∅|∅|5000, ∅|5|∅|∅, ∅|∅|7|∅"),
        ("SELECT * FROM a FULL JOIN (b FULL JOIN c USING (k)) USING (k) ORDER BY 1,2,3,4", "1|10|∅|∅, 2|∅|200|∅, 3|30|300|∅, 4|∅|400|4000, 5|∅|∅|5000, ∅|5|∅|∅, ∅|∅|7|∅"),
        ("SELECT k, a.k, b.k, c.k FROM a FULL JOIN (b FULL JOIN c USING (k)) USING (k) ORDER BY 1,2,3,4", "1|1|∅|∅, 2|2|2|∅, 3|3|3|∅, 4|∅|4|4, 5|∅|∅|5, ∅|∅|∅|∅, ∅|∅|∅|∅"),
        ("SELECT * FROM a LEFT JOIN (b FULL JOIN c USING (k)) j ON a.k = j.k ORDER BY 1,2,3,4", "1|10|∅|∅|∅, 2|∅|2|200|∅, 3|30|3|300|∅, ∅|5|∅|∅|∅"),
        ("SELECT * FROM a LEFT JOIN (b FULL JOIN c USING (k)) ON a.k = x ORDER BY 1,2,3,4", "1|10|∅|∅|∅, 2|∅|∅|∅|∅, 3|30|∅|∅|∅, ∅|5|∅|∅|∅"),
        ("SELECT * FROM (a JOIN b ON a.k = b.k) j ORDER BY 1", "2|∅|2|200, 3|30|3|300"),
        ("SELECT j.v, j.w FROM (a JOIN b ON a.k = b.k) j ORDER BY 2", "∅|200, 30|300"),
        ("SELECT p, q, r FROM (a FULL JOIN b USING (k)) AS j(p, q, r) ORDER BY 1,2,3", "1|10|∅, 2|∅|200, 3|30|300, 4|∅|400, ∅|5|∅, ∅|∅|7"),
        ("SELECT j1.k, j2.k FROM (a FULL JOIN b USING (k)) j1 JOIN (b JOIN c USING (k)) j2 ON j1.k = j2.k ORDER BY 1", "4|4"),
        ("SELECT k FROM (a FULL JOIN b USING (k)) j1 FULL JOIN (b FULL JOIN c USING (k)) j2 USING (k) ORDER BY 1", "1, 2, 3, 4, 5, ∅, ∅, ∅"),
    ])
    .await;
    db.assert_states(&[
        ("SELECT a.k, b.k, k FROM (a FULL JOIN b USING (k)) ORDER BY k, v", "42702"),
        ("SELECT k FROM a LEFT JOIN (b FULL JOIN c USING (k)) ON a.k = x", "42702"),
        ("SELECT j.k FROM (a JOIN b ON a.k = b.k) j", "42702"),
    ])
    .await;
}

#[tokio::test]
async fn subqueries_and_lateral_queries_see_merged_columns() {
    let db = Db::with(KEYED_TABLES).await;
    db.assert_answers(&[
        ("SELECT (SELECT max(x) FROM c WHERE x > k * 1000) FROM a FULL JOIN b USING (k) ORDER BY 1", "∅, ∅, ∅, ∅, ∅, ∅"),
        ("SELECT (SELECT count(*) FROM (SELECT 1 AS one) s WHERE k IS NOT NULL) FROM a FULL JOIN b USING (k) ORDER BY 1", "0, 0, 1, 1, 1, 1"),
        ("SELECT k, (SELECT k) FROM a FULL JOIN b USING (k) ORDER BY 1", "1|1, 2|2, 3|3, 4|4, ∅|∅, ∅|∅"),
        ("SELECT k FROM a FULL JOIN b USING (k) WHERE EXISTS (SELECT 1 FROM c WHERE c.k = k) ORDER BY 1", "1, 2, 3, 4, ∅, ∅"),
        ("SELECT k FROM a FULL JOIN b USING (k) WHERE EXISTS (SELECT 1 FROM generate_series(1,4) AS g(i) WHERE i = k AND i > 2) ORDER BY 1", "3, 4"),
        ("SELECT l.z, w FROM a FULL JOIN b USING (k), LATERAL (SELECT k + 1 AS z) l ORDER BY 1, 2", "2|∅, 3|200, 4|300, 5|400, ∅|7, ∅|∅"),
        ("WITH q AS (SELECT * FROM a FULL JOIN b USING (k)) SELECT k, v, w FROM q ORDER BY 1,2,3", "1|10|∅, 2|∅|200, 3|30|300, 4|∅|400, ∅|5|∅, ∅|∅|7"),
        ("WITH a AS (SELECT k AS z FROM a FULL JOIN b USING (k)) SELECT z FROM a ORDER BY 1", "1, 2, 3, 4, ∅, ∅"),
        ("WITH q AS (SELECT k, v + 1 AS v1 FROM a), r AS (SELECT * FROM q NATURAL FULL JOIN b) SELECT k, v1, w FROM r ORDER BY 1,2,3", "1|11|∅, 2|∅|200, 3|31|300, 4|∅|400, ∅|6|∅, ∅|∅|7"),
        ("WITH s AS (SELECT *, 1 AS one FROM a) SELECT one FROM s", "1, 1, 1, 1"),
        ("WITH s AS (SELECT a.*, w FROM a, b) SELECT sum(w) FROM s", "3628"),
    ])
    .await;
}

#[tokio::test]
async fn a_join_by_a_column_that_a_side_has_not_once_is_refused() {
    let db = Db::with(KEYED_TABLES).await;
    db.assert_states(&[
        ("SELECT k FROM a FULL JOIN b USING (k), c", "42702"),
        ("SELECT k, c.k FROM a FULL JOIN b USING (k), c", "42702"),
        ("SELECT count(*) FROM a JOIN b USING (v)", "42703"),
        ("SELECT count(*) FROM a JOIN b USING (w)", "42703"),
        ("SELECT count(*) FROM a JOIN nope USING (k)", "42P01"),
        ("SELECT count(*) FROM a FULL JOIN nope USING (k)", "42P01"),
        ("SELECT count(*) FROM a JOIN b ON a.k = b.k JOIN c USING (k)", "42702"),
        ("SELECT v FROM a x FULL JOIN a y USING (k)", "42702"),
    ])
    .await;
}
