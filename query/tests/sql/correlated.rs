//! Subqueries that refer to the outer row, in every form, with the answers of Postgres.

use crate::database::Db;

pub(crate) const TABLES: &str = "CREATE TABLE o (id INT, g INT);
    INSERT INTO o VALUES (1, 1), (2, 2), (NULL, 1), (3, 3), (NULL, 9);
    CREATE TABLE n (x INT, g INT);
    INSERT INTO n VALUES (1, 1), (NULL, 2), (5, 1), (3, 3);
    CREATE TABLE t1 (id INT, z INT);
    INSERT INTO t1 VALUES (1, 10), (2, 20), (NULL, 30), (4, 40);
    CREATE TABLE t2 (id INT, z INT);
    INSERT INTO t2 VALUES (1, 5), (NULL, 50), (5, 10);
    CREATE TABLE cu (ck INT);
    INSERT INTO cu VALUES (1), (2), (3);
    CREATE TABLE ov (k INT, v INT);
    INSERT INTO ov VALUES (1, 10), (1, 20), (2, 30), (2, 40), (2, 40)";

/// Arrays of columns of the outer row.
const ARRAYS: &[(&str, &str)] = &[
    (
        "SELECT ck FROM cu WHERE ck = ANY (ARRAY[2, 3]) AND EXISTS (SELECT 1 FROM ov WHERE v / 10 = ANY \
         (ARRAY[ck, 9])) ORDER BY 1",
        "2, 3",
    ),
    (
        "SELECT ck, (SELECT count(*) FROM ov WHERE k <> ALL (ARRAY[ck, 7])) FROM cu ORDER BY 1",
        "1|3, 2|2, 3|5",
    ),
    (
        "SELECT array_to_string(ARRAY[ck, (SELECT max(v) FROM ov WHERE k = ck)], '-', 'x') FROM cu ORDER BY 1",
        "1-20, 2-40, 3-x",
    ),
    (
        "SELECT array_to_string(l.a, '-', 'x') FROM cu, LATERAL (SELECT ARRAY[ck, max(v)] AS a FROM ov WHERE \
         k = ck) l ORDER BY 1",
        "1-20, 2-40, 3-x",
    ),
    (
        "WITH m AS (SELECT max(v) AS v FROM ov) SELECT array_to_string(ARRAY[1, (SELECT v FROM m)], '-')",
        "1-40",
    ),
    (
        "SELECT id FROM t1 WHERE NOT EXISTS (SELECT count(*) OVER () FROM t2 WHERE 5 <> ALL (ARRAY[1, \
         t1.id])) ORDER BY z",
        "∅",
    ),
    (
        "SELECT array_to_string((SELECT ARRAY[ck, 4] || v FROM ov WHERE k = ck ORDER BY v LIMIT 1), '-') FROM \
         cu ORDER BY ck",
        "1-4-10, 2-4-30, ∅",
    ),
    ("SELECT array_to_string(ARRAY[ck, '7'], '-') FROM cu ORDER BY ck", "1-7, 2-7, 3-7"),
    ("SELECT (ARRAY[ARRAY[ck, 1], ARRAY[2, 3]])[2][1] FROM cu WHERE ck = 1", "2"),
];

#[tokio::test]
async fn arrays_hold_columns_of_the_outer_row() {
    assert_answers(ARRAYS).await;
}

/// Operators that filters must not be moved across: windows, limits, aggregates, set operations, outer joins.
const FORMS: &[(&str, &str)] = &[
    (
        "SELECT ck, n FROM cu, LATERAL (SELECT row_number() OVER (ORDER BY v) AS n FROM ov WHERE k = \
         ck) l ORDER BY 1,2",
        "1|1, 1|2, 2|1, 2|2, 2|3",
    ),
    (
        "SELECT ck FROM cu WHERE 1 IN (SELECT row_number() OVER (ORDER BY v) FROM ov WHERE k = ck) \
         ORDER BY 1",
        "1, 2",
    ),
    ("SELECT ck FROM cu WHERE 2 IN (SELECT count(*) OVER () FROM ov WHERE k = ck) ORDER BY 1", "1"),
    ("SELECT ck FROM cu WHERE 3 NOT IN (SELECT count(*) OVER () FROM ov WHERE k = ck) ORDER BY 1", "1, 3"),
    (
        "SELECT ck FROM cu WHERE EXISTS (SELECT 1 FROM (SELECT row_number() OVER (ORDER BY v) AS n, k \
         FROM ov) z WHERE z.n = 1 AND z.k = ck) ORDER BY 1",
        "1",
    ),
    (
        "SELECT ck, (SELECT max(n) FROM (SELECT row_number() OVER (ORDER BY v) AS n FROM ov WHERE k = \
         ck) x) FROM cu ORDER BY 1",
        "1|2, 2|3, 3|∅",
    ),
    (
        "SELECT ck, (SELECT sum(v) OVER () FROM ov WHERE k = ck LIMIT 1) FROM cu ORDER BY 1",
        "1|30, 2|110, 3|∅",
    ),
    (
        "SELECT ck, l.* FROM cu, LATERAL (SELECT v FROM ov WHERE k = ck ORDER BY v DESC LIMIT 1) l \
         ORDER BY 1",
        "1|20, 2|40",
    ),
    (
        "SELECT ck, l.* FROM cu LEFT JOIN LATERAL (SELECT v FROM ov WHERE k = ck ORDER BY v DESC \
         LIMIT 1) l ON true ORDER BY 1",
        "1|20, 2|40, 3|∅",
    ),
    (
        "SELECT ck, l.* FROM cu, LATERAL (SELECT v FROM ov WHERE k = ck ORDER BY v LIMIT 1 OFFSET 1) \
         l ORDER BY 1",
        "1|20, 2|40",
    ),
    (
        "SELECT ck, l.* FROM cu, LATERAL (SELECT DISTINCT ON (v) v, k FROM ov WHERE k = ck ORDER BY \
         v) l ORDER BY 1,2",
        "1|10|1, 1|20|1, 2|30|2, 2|40|2",
    ),
    (
        "SELECT ck, l.* FROM cu, LATERAL (SELECT DISTINCT v FROM ov WHERE k = ck) l ORDER BY 1,2",
        "1|10, 1|20, 2|30, 2|40",
    ),
    (
        "SELECT ck, l.* FROM cu, LATERAL (SELECT count(*) AS c FROM ov WHERE k = ck) l ORDER BY 1,2",
        "1|2, 2|3, 3|0",
    ),
    (
        "SELECT ck, l.* FROM cu, LATERAL (SELECT count(*) AS c, sum(v) AS s FROM ov WHERE k < ck) l \
         ORDER BY 1,2",
        "1|0|∅, 2|2|30, 3|5|140",
    ),
    (
        "SELECT ck, l.* FROM cu, LATERAL (SELECT coalesce(sum(v), -1) AS s FROM ov WHERE k = ck) l \
         ORDER BY 1,2",
        "1|30, 2|110, 3|-1",
    ),
    (
        "SELECT ck, l.* FROM cu LEFT JOIN LATERAL (SELECT count(*) AS c FROM ov WHERE k = ck) l ON \
         l.c > 0 ORDER BY 1,2",
        "1|2, 2|3, 3|∅",
    ),
    (
        "SELECT ck, l.* FROM cu, LATERAL (SELECT v, count(*) AS c FROM ov WHERE k = ck GROUP BY v) l \
         ORDER BY 1,2",
        "1|10|1, 1|20|1, 2|30|1, 2|40|2",
    ),
    (
        "SELECT ck, l.* FROM cu, LATERAL (SELECT v, count(*) AS c FROM ov WHERE k = ck GROUP BY v \
         HAVING count(*) > 1) l ORDER BY 1,2",
        "2|40|2",
    ),
    (
        "SELECT ck, l.* FROM cu, LATERAL (SELECT v, count(*) AS c FROM ov WHERE k = ck GROUP BY \
         GROUPING SETS ((v), ())) l ORDER BY 1,2,3",
        "1|10|1, 1|20|1, 1|∅|2, 2|30|1, 2|40|2, 2|∅|3, 3|∅|0",
    ),
    (
        "SELECT ck, l.* FROM cu, LATERAL (SELECT v, count(*) AS c FROM ov WHERE k = ck GROUP BY \
         ROLLUP (v)) l ORDER BY 1,2,3",
        "1|10|1, 1|20|1, 1|∅|2, 2|30|1, 2|40|2, 2|∅|3, 3|∅|0",
    ),
    (
        "SELECT ck, l.* FROM cu, LATERAL (SELECT v FROM ov WHERE k = ck UNION ALL SELECT ck * 100) l \
         ORDER BY 1,2",
        "1|10, 1|20, 1|100, 2|30, 2|40, 2|40, 2|200, 3|300",
    ),
    (
        "SELECT ck, l.* FROM cu, LATERAL (SELECT v FROM ov WHERE k = ck UNION SELECT 20) l ORDER BY \
         1,2",
        "1|10, 1|20, 2|20, 2|30, 2|40, 3|20",
    ),
    (
        "SELECT ck, l.* FROM cu, LATERAL (SELECT v FROM ov WHERE k = ck EXCEPT SELECT 20) l ORDER BY \
         1,2",
        "1|10, 2|30, 2|40",
    ),
    (
        "SELECT ck, l.* FROM cu, LATERAL (SELECT v FROM ov WHERE k = ck INTERSECT SELECT 20) l ORDER \
         BY 1,2",
        "1|20",
    ),
    (
        "SELECT ck, l.* FROM cu, LATERAL (VALUES (ck), (ck * 2)) l(x) ORDER BY 1,2",
        "1|1, 1|2, 2|2, 2|4, 3|3, 3|6",
    ),
    ("SELECT ck, l.* FROM cu, LATERAL (SELECT ck + 1 AS d) l ORDER BY 1,2", "1|2, 2|3, 3|4"),
    (
        "SELECT ck, l.* FROM cu, LATERAL (SELECT v + ck AS d FROM ov) l ORDER BY 1,2",
        "1|11, 1|21, 1|31, 1|41, 1|41, 2|12, 2|22, 2|32, 2|42, 2|42, 3|13, 3|23, 3|33, 3|43, 3|43",
    ),
    (
        "SELECT ck, l.* FROM cu, LATERAL (SELECT v + ck AS d FROM ov WHERE k >= ck) l ORDER BY 1,2",
        "1|11, 1|21, 1|31, 1|41, 1|41, 2|32, 2|42, 2|42",
    ),
    ("SELECT ck, (SELECT count(*) FROM ov WHERE k = ck) FROM cu ORDER BY 1", "1|2, 2|3, 3|0"),
    ("SELECT ck, (SELECT count(*) + 1 FROM ov WHERE k = ck) FROM cu ORDER BY 1", "1|3, 2|4, 3|1"),
    (
        "SELECT ck, (SELECT count(*) FROM ov WHERE k = ck HAVING count(*) > 0) FROM cu ORDER BY 1",
        "1|2, 2|3, 3|∅",
    ),
    ("SELECT ck, (SELECT count(*) FROM ov WHERE k = ck GROUP BY k) FROM cu ORDER BY 1", "1|2, 2|3, 3|∅"),
    ("SELECT ck, (SELECT count(*) FROM ov WHERE k < ck) FROM cu ORDER BY 1", "1|0, 2|2, 3|5"),
    ("SELECT ck, (SELECT coalesce(max(v), -1) FROM ov WHERE k = ck) FROM cu ORDER BY 1", "1|20, 2|40, 3|-1"),
    (
        "SELECT ck, (SELECT x.c FROM (SELECT count(*) AS c FROM ov WHERE k = ck) x) FROM cu ORDER BY \
         1",
        "1|2, 2|3, 3|0",
    ),
    (
        "SELECT ck, (SELECT x.c + 1 FROM (SELECT count(*) AS c FROM ov WHERE k = ck) x WHERE x.c < 5) \
         FROM cu ORDER BY 1",
        "1|3, 2|4, 3|1",
    ),
    (
        "SELECT ck, (SELECT max(n) FROM (SELECT v AS n FROM ov WHERE k = ck) x) FROM cu ORDER BY 1",
        "1|20, 2|40, 3|∅",
    ),
    (
        "SELECT ck, (SELECT max(n) FROM (SELECT v AS n FROM ov WHERE k = ck LIMIT 1) x) IS NULL FROM \
         cu ORDER BY 1",
        "1|false, 2|false, 3|true",
    ),
    (
        "SELECT ck, (SELECT v FROM ov WHERE k = ck ORDER BY v DESC LIMIT 1) FROM cu ORDER BY 1",
        "1|20, 2|40, 3|∅",
    ),
    (
        "SELECT ck, (SELECT v FROM ov WHERE k = ck ORDER BY v DESC LIMIT 1 OFFSET 1) FROM cu ORDER BY \
         1",
        "1|10, 2|40, 3|∅",
    ),
    (
        "SELECT ck, (SELECT sum(v) FROM (SELECT v FROM ov WHERE k = ck ORDER BY v LIMIT 2) x) FROM cu \
         ORDER BY 1",
        "1|30, 2|70, 3|∅",
    ),
    (
        "SELECT ck, (SELECT sum(v) FROM (SELECT DISTINCT v FROM ov WHERE k = ck) x) FROM cu ORDER BY \
         1",
        "1|30, 2|70, 3|∅",
    ),
    (
        "SELECT ck, (SELECT sum(c) FROM (SELECT v, count(*) c FROM ov WHERE k = ck GROUP BY v) x) \
         FROM cu ORDER BY 1",
        "1|2, 2|3, 3|∅",
    ),
    (
        "SELECT ck, (SELECT sum(v) FROM (SELECT v FROM ov WHERE k = ck UNION ALL SELECT 1) x) FROM cu \
         ORDER BY 1",
        "1|31, 2|111, 3|1",
    ),
    ("SELECT ck, (SELECT sum(v) FROM ov WHERE k = ck OR v = 40) FROM cu ORDER BY 1", "1|110, 2|110, 3|80"),
    ("SELECT ck, (SELECT sum(v * ck) FROM ov) FROM cu ORDER BY 1", "1|140, 2|280, 3|420"),
    (
        "SELECT ck, (SELECT string_agg(v::text, '-' ORDER BY v) FROM ov WHERE k = ck) FROM cu ORDER \
         BY 1",
        "1|10-20, 2|30-40-40, 3|∅",
    ),
    ("SELECT ck FROM cu WHERE EXISTS (SELECT count(*) FROM ov WHERE k = ck) ORDER BY 1", "1, 2, 3"),
    ("SELECT ck FROM cu WHERE NOT EXISTS (SELECT count(*) FROM ov WHERE k = ck) ORDER BY 1", ""),
    (
        "SELECT ck FROM cu WHERE EXISTS (SELECT count(*) FROM ov WHERE k = ck HAVING count(*) > 0) \
         ORDER BY 1",
        "1, 2",
    ),
    ("SELECT ck FROM cu WHERE EXISTS (SELECT 1 FROM ov WHERE k = ck LIMIT 0) ORDER BY 1", ""),
    ("SELECT ck FROM cu WHERE EXISTS (SELECT 1 FROM ov WHERE k = ck LIMIT 1) ORDER BY 1", "1, 2"),
    ("SELECT ck FROM cu WHERE EXISTS (SELECT 1 FROM ov WHERE k = ck OFFSET 2) ORDER BY 1", "2"),
    (
        "SELECT ck FROM cu WHERE EXISTS (SELECT 1 FROM ov WHERE k = ck UNION SELECT 1 WHERE ck = 3) \
         ORDER BY 1",
        "1, 2, 3",
    ),
    ("SELECT ck FROM cu WHERE EXISTS (SELECT 1 FROM ov WHERE k = ck EXCEPT SELECT 1) ORDER BY 1", ""),
    (
        "SELECT ck FROM cu WHERE EXISTS (SELECT k FROM ov WHERE k = ck GROUP BY ROLLUP(k)) ORDER BY 1",
        "1, 2, 3",
    ),
    (
        "SELECT ck FROM cu WHERE EXISTS (SELECT k FROM ov WHERE k = ck GROUP BY k HAVING sum(v) > 50) \
         ORDER BY 1",
        "2",
    ),
    (
        "SELECT ck FROM cu WHERE 40 IN (SELECT v FROM ov WHERE k = ck ORDER BY v DESC LIMIT 1) ORDER \
         BY 1",
        "2",
    ),
    (
        "SELECT ck FROM cu WHERE 30 IN (SELECT v FROM ov WHERE k = ck ORDER BY v DESC LIMIT 1) ORDER \
         BY 1",
        "",
    ),
    ("SELECT ck FROM cu WHERE 2 = (SELECT count(*) FROM ov WHERE k = ck) ORDER BY 1", "1"),
    ("SELECT ck FROM cu WHERE (SELECT count(*) FROM ov WHERE k = ck) = 0 ORDER BY 1", "3"),
    ("SELECT ck FROM cu WHERE 5 > (SELECT count(DISTINCT v) FROM ov WHERE k = ck) ORDER BY 1", "1, 2, 3"),
    ("SELECT ck FROM cu WHERE 30 = (SELECT min(v) FILTER (WHERE k = ck) FROM ov) ORDER BY 1", "2"),
    (
        "SELECT ck, (SELECT count(*) FROM ov a JOIN ov b ON a.v = b.v AND a.k = ck) FROM cu ORDER BY \
         1",
        "1|2, 2|5, 3|0",
    ),
    (
        "SELECT ck, (SELECT count(b.v) FROM ov a LEFT JOIN ov b ON a.v = b.v AND b.k = ck) FROM cu \
         ORDER BY 1",
        "1|2, 2|5, 3|0",
    ),
    (
        "SELECT ck, (SELECT count(*) FROM ov a LEFT JOIN ov b ON a.v = b.v AND b.k = ck WHERE b.v IS \
         NULL) FROM cu ORDER BY 1",
        "1|3, 2|2, 3|5",
    ),
    (
        "SELECT ck FROM cu WHERE EXISTS (SELECT 1 FROM ov a LEFT JOIN ov b ON a.v = b.v AND b.k = ck \
         WHERE b.v IS NULL) ORDER BY 1",
        "1, 2, 3",
    ),
    (
        "SELECT ck FROM cu WHERE EXISTS (SELECT 1 FROM ov a WHERE a.k = ck AND a.v IN (SELECT b.v \
         FROM ov b WHERE b.k = ck + 0 AND b.v > a.v - 1 ORDER BY b.v LIMIT 1)) ORDER BY 1",
        "1, 2",
    ),
    (
        "SELECT ck, (SELECT count(*) FROM ov a WHERE a.v > (SELECT avg(b.v) FROM ov b WHERE b.k = a.k \
         AND b.k = ck)) FROM cu ORDER BY 1",
        "1|1, 2|2, 3|0",
    ),
    (
        "SELECT ck, (SELECT max(s) FROM (SELECT sum(v) OVER (PARTITION BY k ORDER BY v ROWS UNBOUNDED \
         PRECEDING) AS s FROM ov WHERE k <= ck) x) FROM cu ORDER BY 1",
        "1|30, 2|110, 3|110",
    ),
    (
        "SELECT cu.ck, l1.v, l2.c FROM cu, LATERAL (SELECT v FROM ov WHERE k = ck ORDER BY v LIMIT 1) \
         l1, LATERAL (SELECT count(*) AS c FROM ov WHERE v > l1.v AND k = cu.ck) l2 ORDER BY 1",
        "1|10|1, 2|30|2",
    ),
    (
        "SELECT ck FROM cu GROUP BY ck HAVING ck IN (SELECT k FROM ov WHERE k = ck GROUP BY k HAVING \
         count(*) > 2) ORDER BY 1",
        "2",
    ),
    ("SELECT ck FROM cu ORDER BY (SELECT count(*) FROM ov WHERE k = ck OR k < ck) DESC, ck", "2, 3, 1"),
    (
        "SELECT ck, CASE WHEN ck IN (SELECT k FROM ov WHERE k = ck OFFSET 2) THEN 'many' ELSE 'few' \
         END FROM cu ORDER BY 1",
        "1|few, 2|many, 3|few",
    ),
    (
        "SELECT ck, (SELECT l.v FROM LATERAL (SELECT v FROM ov WHERE k = ck ORDER BY v DESC LIMIT 1) \
         l) FROM cu ORDER BY 1",
        "1|20, 2|40, 3|∅",
    ),
    (
        "SELECT ck, (SELECT v FROM ov WHERE k = ck AND v > 30 UNION SELECT v FROM ov WHERE k = ck AND \
         v > 35) FROM cu ORDER BY 1",
        "1|∅, 2|40, 3|∅",
    ),
    (
        "SELECT ck, (SELECT count(*) FROM (SELECT k FROM ov WHERE k = ck INTERSECT SELECT k FROM ov \
         WHERE v > 10) x) FROM cu ORDER BY 1",
        "1|1, 2|1, 3|0",
    ),
    (
        "SELECT ck, (SELECT count(*) FROM ov a FULL JOIN (SELECT v FROM ov WHERE k = ck) b ON a.v = \
         b.v AND a.k <> ck) FROM cu ORDER BY 1",
        "1|7, 2|8, 3|5",
    ),
    (
        "SELECT ck, (SELECT count(*) FROM (SELECT v FROM ov WHERE k = ck) a RIGHT JOIN ov b ON a.v = \
         b.v) FROM cu ORDER BY 1",
        "1|5, 2|7, 3|5",
    ),
    ("SELECT ck FROM cu WHERE ck > ALL (SELECT k FROM ov WHERE k < ck GROUP BY k) ORDER BY 1", "1, 2, 3"),
    (
        "SELECT ck FROM cu WHERE ck * 20 <> ALL (SELECT v FROM ov WHERE k = ck ORDER BY v DESC LIMIT \
         2) ORDER BY 1",
        "3",
    ),
    (
        "SELECT ck, x.m FROM cu LEFT JOIN LATERAL (SELECT max(v) AS m FROM ov WHERE k = ck GROUP BY \
         k) x ON true ORDER BY 1",
        "1|20, 2|40, 3|∅",
    ),
    (
        "SELECT ck, x.m FROM cu LEFT JOIN LATERAL (SELECT max(v) AS m FROM ov WHERE k = ck) x ON x.m \
         > 20 ORDER BY 1",
        "1|∅, 2|40, 3|∅",
    ),
    (
        "SELECT a.ck, b.ck, x.c FROM cu a CROSS JOIN cu b CROSS JOIN LATERAL (SELECT count(*) AS c \
         FROM ov WHERE k = a.ck AND v / 10 > b.ck) x WHERE a.ck < 3 ORDER BY 1, 2",
        "1|1|1, 1|2|0, 1|3|0, 2|1|3, 2|2|3, 2|3|2",
    ),
    (
        "SELECT t.id, (SELECT count(*) FROM t2 WHERE t2.id IS NOT DISTINCT FROM t.id) FROM t1 t ORDER \
         BY z",
        "1|1, 2|0, ∅|1, 4|0",
    ),
    (
        "SELECT t.id, l.n FROM t1 t LEFT JOIN LATERAL (SELECT count(*) AS n FROM t2 WHERE t2.id IS \
         NOT DISTINCT FROM t.id GROUP BY t2.id) l ON true ORDER BY z",
        "1|1, 2|∅, ∅|1, 4|∅",
    ),
    ("SELECT id FROM t1 WHERE EXISTS (SELECT max(t2.z) FROM t2 WHERE t2.id = t1.id) AND id IS NULL", "∅"),
    (
        "SELECT id, (SELECT string_agg(w, ',') FROM (SELECT t2.z::text AS w FROM t2 WHERE t2.z < t1.z \
         ORDER BY t2.z DESC LIMIT 2) x) FROM t1 ORDER BY z",
        "1|5, 2|10,5, ∅|10,5, 4|10,5",
    ),
    (
        "SELECT (SELECT x.n FROM (SELECT count(*) AS n FROM t2 WHERE t2.z < t1.z) x JOIN (SELECT 1 AS \
         one) y ON true) FROM t1 ORDER BY z",
        "1, 2, 2, 2",
    ),
    (
        "SELECT count(*) FROM t1 WHERE 3 > (SELECT count(*) FROM (SELECT DISTINCT ON (t2.id) t2.id \
         FROM t2 WHERE t2.z <> t1.z ORDER BY t2.id, t2.z) x)",
        "1",
    ),
    ("SELECT ck, (SELECT min(x) FROM (VALUES (ck + 1), (ck * 3)) v(x)) FROM cu ORDER BY 1", "1|2, 2|3, 3|4"),
    ("SELECT ck, (SELECT v FROM ov WHERE k = ck AND v < 15) FROM cu ORDER BY 1", "1|10, 2|∅, 3|∅"),
    (
        "SELECT ck, (SELECT sum(v) FROM ov WHERE k = ck GROUP BY ROLLUP (k) ORDER BY k NULLS FIRST \
         LIMIT 1) FROM cu ORDER BY 1",
        "1|30, 2|110, 3|∅",
    ),
    (
        "SELECT ck, (SELECT count(*) FROM ov WHERE k = ck GROUP BY GROUPING SETS (())) FROM cu ORDER \
         BY 1",
        "1|2, 2|3, 3|0",
    ),
    (
        "SELECT ck, (SELECT count(*) FROM ov WHERE k = ck GROUP BY CUBE (k, v) ORDER BY 1 DESC LIMIT \
         1) FROM cu ORDER BY 1",
        "1|2, 2|3, 3|0",
    ),
    (
        "SELECT ck, (SELECT (SELECT cu.ck + b.v FROM ov c WHERE c.v > 30 LIMIT 1) FROM ov b WHERE b.v \
         < 15) FROM cu ORDER BY 1",
        "1|11, 2|12, 3|13",
    ),
    (
        "SELECT ck FROM cu WHERE EXISTS (SELECT 1 FROM ov b WHERE ck IN (SELECT c.k FROM ov c WHERE \
         c.v = b.v AND b.k <> cu.ck + 5)) ORDER BY 1",
        "1, 2",
    ),
    (
        "SELECT ck, (SELECT count(*) FROM ov b WHERE (SELECT max(c.v) FROM ov c WHERE c.k = cu.ck) >= \
         b.v) FROM cu ORDER BY 1",
        "1|2, 2|5, 3|0",
    ),
    (
        "SELECT a.ck, b.k FROM cu a LEFT JOIN ov b ON a.ck = b.k AND b.v IN (SELECT max(c.v) FROM ov \
         c WHERE c.k = a.ck) ORDER BY 1, 2",
        "1|1, 2|2, 2|2, 3|∅",
    ),
];

/// Each query has its rows, on the tables.
pub(crate) async fn assert_answers(queries: &[(&str, &str)]) {
    let db = Db::with(TABLES).await;
    for (query, rows) in queries {
        let mut answered = db.rows(query).await;
        let mut rows: Vec<&str> = rows.split(", ").filter(|row| !row.is_empty()).collect();
        if !query.contains("ORDER BY") {
            answered.sort();
            rows.sort_unstable();
        }
        assert_eq!(answered, rows, "{query}");
    }
}

#[tokio::test]
async fn a_subquery_of_any_form_is_computed_for_each_outer_row() {
    assert_answers(FORMS).await;
}

#[tokio::test]
async fn changes_choose_their_rows_by_correlated_subqueries() {
    let db = Db::with(TABLES).await;
    let rest = async |table: &str| db.rows(&format!("SELECT * FROM {table} ORDER BY 2, 1")).await.join(", ");
    db.run("DELETE FROM o WHERE id NOT IN (SELECT x FROM n WHERE n.g = o.g)").await;
    assert_eq!(rest("o").await, "1|1, ∅|1, 2|2, 3|3");
    db.run("UPDATE t1 SET z = 0 WHERE id NOT IN (SELECT t2.id FROM t2 WHERE t2.z < t1.z)").await;
    assert_eq!(rest("t1").await, "2|0, 4|0, 1|10, ∅|30");
    db.run(
        "UPDATE cu SET ck = (SELECT max(s) FROM (SELECT v AS s FROM ov WHERE k = ck LIMIT 5) x) WHERE ck < 3",
    )
    .await;
    assert_eq!(db.rows("SELECT ck FROM cu ORDER BY 1").await, ["3", "20", "40"]);
    db.run("DELETE FROM ov WHERE v IN (SELECT max(b.v) FROM ov b WHERE b.k = ov.k)").await;
    assert_eq!(rest("ov").await, "1|10, 2|30");
}

#[tokio::test]
async fn more_rows_than_one_for_a_value_are_an_error_in_every_form() {
    let db = Db::with(TABLES).await;
    for query in [
        "SELECT (SELECT v FROM ov WHERE k = ck LIMIT 2) FROM cu",
        "SELECT (SELECT row_number() OVER () FROM ov WHERE k = ck) FROM cu",
        "SELECT (SELECT v FROM ov WHERE k = ck UNION ALL SELECT 1) FROM cu",
        "SELECT (SELECT count(*) FROM ov WHERE k = ck GROUP BY v) FROM cu",
    ] {
        assert_eq!(db.state(query).await, "21000", "{query}");
    }
}

#[tokio::test]
async fn rows_that_cannot_be_read_twice_are_refused() {
    let db = Db::with(TABLES).await;
    let query = "SELECT (SELECT count(*) FROM (SELECT v FROM ov WHERE v < x.r LIMIT 2) y) \
                 FROM (SELECT random() * 50 AS r FROM cu) x";
    assert_eq!(db.state(query).await, "0A000");
}

#[tokio::test]
async fn a_column_does_not_hide_the_outer_table_of_its_name() {
    let db = Db::with(
        "CREATE TABLE customer (id BIGINT, name TEXT);
         INSERT INTO customer VALUES (1, 'a'), (2, 'b'), (5000000000, 'c');
         CREATE TABLE orders (id INT, customer INT, note TEXT);
         INSERT INTO orders VALUES (10, 1, 'x'), (11, 1, 'y'), (12, 2, 'b')",
    )
    .await;
    for (query, rows) in [
        (
            "SELECT id, (SELECT count(*) FROM orders o WHERE o.customer = customer.id) FROM customer ORDER BY 1",
            "1|2, 2|1, 5000000000|0",
        ),
        (
            "SELECT id FROM customer WHERE EXISTS (SELECT 1 FROM orders WHERE customer = customer.id) ORDER BY 1",
            "1, 2",
        ),
        (
            "SELECT id FROM customer WHERE id NOT IN (SELECT customer FROM orders o WHERE o.note = customer.name) \
             ORDER BY 1",
            "1, 5000000000",
        ),
        (
            "SELECT customer.id, x.note FROM customer, LATERAL (SELECT note FROM orders o \
             WHERE o.customer = customer.id ORDER BY o.id DESC LIMIT 1) x ORDER BY 1",
            "1|y, 2|b",
        ),
        (
            "SELECT id, (SELECT max(o.customer + customer.id) FROM orders o) FROM customer WHERE id < 3 ORDER BY 1",
            "1|3, 2|4",
        ),
    ] {
        assert_eq!(db.rows(query).await.join(", "), rows, "{query}");
    }
    assert_eq!(db.state("SELECT customer.id FROM orders").await, "42703");
    assert_eq!(db.state("SELECT 1 FROM orders o WHERE o.customer = customer.id").await, "42703");
    assert_eq!(db.state("SELECT (SELECT customer.nope FROM orders LIMIT 1) FROM customer").await, "42703");
}

#[tokio::test]
async fn a_series_is_made_for_each_row() {
    let db = Db::with(TABLES).await;
    for (from, rows) in [
        ("cu, generate_series(1, ck) l(i)", "1|1, 2|1, 2|2, 3|1, 3|2, 3|3"),
        ("cu, LATERAL generate_series(1, cu.ck) i", "1|1, 2|1, 2|2, 3|1, 3|2, 3|3"),
        ("cu CROSS JOIN generate_series(ck, 3) AS l(i)", "1|1, 1|2, 1|3, 2|2, 2|3, 3|3"),
        ("cu LEFT JOIN generate_series(3, ck) i ON true", "1|∅, 2|∅, 3|3"),
        ("cu, generate_series(1, 2) l(i)", "1|1, 1|2, 2|1, 2|2, 3|1, 3|2"),
    ] {
        let query = format!("SELECT ck, i FROM {from} ORDER BY 1, 2");
        assert_eq!(db.rows(&query).await.join(", "), rows, "{query}");
    }
    let inside = "SELECT ck, (SELECT sum(i) FROM generate_series(1, ck) i) FROM cu ORDER BY 1";
    assert_eq!(db.rows(inside).await, ["1|1", "2|3", "3|6"]);
}
