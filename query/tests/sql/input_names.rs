//! Names in `ORDER BY`, `GROUP BY`, `HAVING` and `DISTINCT ON`: of columns of the tables, or of the select
//! list.

use crate::{database::Db, keyed_tables::KEYED_TABLES};

#[tokio::test]
async fn a_name_in_an_expression_of_order_by_is_a_column_of_the_tables() {
    let db = Db::with(KEYED_TABLES).await;
    db.assert_answers(&[
        ("SELECT -k AS k FROM a ORDER BY k+0", "-1, -2, -3, ∅"),
        ("SELECT -k AS k FROM a ORDER BY k", "-3, -2, -1, ∅"),
        ("SELECT -k AS k FROM a ORDER BY (k)", "-3, -2, -1, ∅"),
        ("SELECT -k AS k, v FROM a ORDER BY (2)", "∅|5, -1|10, -3|30, -2|∅"),
        ("SELECT coalesce(v,0) AS v, k FROM a ORDER BY v IS NULL, 2", "10|1, 30|3, 5|∅, 0|2"),
        ("SELECT coalesce(v,0) AS v, k FROM a ORDER BY v IS NULL DESC, k", "0|2, 10|1, 30|3, 5|∅"),
        ("SELECT -k AS k FROM a ORDER BY a.k", "-1, -2, -3, ∅"),
        ("SELECT -k AS k FROM a ORDER BY a.k DESC", "∅, -3, -2, -1"),
        ("SELECT -k AS k FROM a ORDER BY (SELECT w FROM b WHERE b.k = a.k), 1", "-2, -3, -1, ∅"),
        ("SELECT -k AS k FROM a ORDER BY (SELECT max(x.w) FROM b x WHERE x.k > k), 1", "-3, -2, -1, ∅"),
        ("SELECT -v AS v FROM a ORDER BY (SELECT max(x.w) FROM b x WHERE x.w > v), 1", "-30, -10, -5, ∅"),
        ("SELECT -v AS v FROM a ORDER BY (SELECT -v)", "-30, -10, -5, ∅"),
        ("SELECT v AS k, k AS v FROM a ORDER BY k + 0, v + 0", "10|1, ∅|2, 30|3, 5|∅"),
        ("SELECT v AS k, k AS v FROM a ORDER BY k, v", "5|∅, 10|1, 30|3, ∅|2"),
        ("SELECT a.k AS k, b.k + 1 AS bk FROM a JOIN b ON a.k = b.k ORDER BY b.k DESC", "3|4, 2|3"),
        ("SELECT a.k, -b.k AS k FROM a JOIN b ON a.k = b.k ORDER BY b.k", "2|-2, 3|-3"),
        ("SELECT -a.v AS v FROM a JOIN b ON a.k = b.k ORDER BY v + 0", "-30, ∅"),
        ("SELECT lower('B') AS k FROM a ORDER BY k || 'x'", "b, b, b, b"),
        ("SELECT row_number() OVER (ORDER BY k DESC) AS k FROM a ORDER BY k", "1, 2, 3, 4"),
        ("SELECT row_number() OVER (ORDER BY k DESC) AS k FROM a ORDER BY k + 0", "4, 3, 2, 1"),
        ("SELECT row_number() OVER (ORDER BY k DESC) AS k, v FROM a ORDER BY a.k", "4|10, 3|∅, 2|30, 1|5"),
        ("SELECT -k AS k FROM a ORDER BY row_number() OVER (ORDER BY k DESC)", "∅, -3, -2, -1"),
        ("SELECT -k AS k FROM a ORDER BY k::text", "-1, -2, -3, ∅"),
        ("SELECT -k AS k FROM a ORDER BY CASE WHEN k > 1 THEN 0 ELSE k END, 1", "-3, -2, -1, ∅"),
        ("SELECT k::text FROM a ORDER BY k::text", "1, 2, 3, ∅"),
        ("SELECT k::text AS k FROM a ORDER BY k::text, k", "1, 2, 3, ∅"),
        ("SELECT 'x' AS v, k FROM a ORDER BY v, k", "x|1, x|2, x|3, x|∅"),
        ("SELECT 'x' AS v, k FROM a ORDER BY v + 1, k", "x|∅, x|1, x|3, x|2"),
        ("SELECT sum(v) FROM a ORDER BY sum", "45"),
        ("SELECT -k AS k FROM a ORDER BY K", "-3, -2, -1, ∅"),
        ("SELECT -k AS \"K\" FROM a ORDER BY K", "-1, -2, -3, ∅"),
        ("SELECT -k AS k FROM a ORDER BY \"k\" + 0", "-1, -2, -3, ∅"),
        ("SELECT -k AS k FROM a ORDER BY k+0 FETCH FIRST 2 ROWS ONLY", "-1, -2"),
        ("SELECT -k k, v FROM a WHERE v > 0 ORDER BY abs(k), v", "-1|10, -3|30, ∅|5"),
    ])
    .await;
    db.assert_states(&[
        ("SELECT -k AS m FROM a ORDER BY m + 1", "42703"),
        ("SELECT -k AS m FROM a ORDER BY -m", "42703"),
        ("SELECT -a.k AS k FROM a JOIN b ON a.k = b.k ORDER BY k + 0", "42702"),
        ("SELECT sum(v) FROM a ORDER BY sum + 1", "42703"),
    ])
    .await;
}

#[tokio::test]
async fn a_name_beside_a_wildcard_is_found_in_what_it_stands_for() {
    let db = Db::with(KEYED_TABLES).await;
    db.assert_answers(&[
        ("SELECT *, -k AS m FROM a ORDER BY m", "3|30|-3, 2|∅|-2, 1|10|-1, ∅|5|∅"),
        ("SELECT *, -k AS k FROM a ORDER BY v", "∅|5|∅, 1|10|-1, 3|30|-3, 2|∅|-2"),
        ("SELECT *, -v AS v2 FROM a ORDER BY v + 0, k", "∅|5|-5, 1|10|-10, 3|30|-30, 2|∅|∅"),
        ("SELECT *, -k AS k FROM a ORDER BY k + 0", "1|10|-1, 2|∅|-2, 3|30|-3, ∅|5|∅"),
        ("SELECT a.*, b.k AS k FROM a JOIN b ON a.k = b.k ORDER BY a.k", "2|∅|2, 3|30|3"),
    ])
    .await;
    db.assert_states(&[
        ("SELECT *, -k AS m FROM a ORDER BY m + 0", "42703"),
        ("SELECT *, -k AS k FROM a ORDER BY k", "42702"),
    ])
    .await;
}

#[tokio::test]
async fn columns_keep_their_names_outside_of_a_query_that_hides_them() {
    let db = Db::with(KEYED_TABLES).await;
    db.assert_answers(&[
        ("SELECT * FROM (SELECT -k AS k FROM a ORDER BY k+0 LIMIT 2) x ORDER BY k", "-2, -1"),
        ("SELECT x.k FROM (SELECT -k AS k FROM a ORDER BY k+0 LIMIT 2) x ORDER BY k", "-2, -1"),
        ("WITH x AS (SELECT -k AS k FROM a ORDER BY k+0 LIMIT 2) SELECT k FROM x ORDER BY 1", "-2, -1"),
        ("WITH x (q) AS (SELECT -k AS k FROM a ORDER BY k+0 LIMIT 2) SELECT q FROM x ORDER BY 1", "-2, -1"),
        ("(SELECT -k AS k FROM a ORDER BY k+0 LIMIT 2) UNION ALL SELECT 77 ORDER BY k", "-2, -1, 77"),
        ("SELECT 77 AS k UNION ALL (SELECT -k AS k FROM a ORDER BY k+0 LIMIT 2) ORDER BY k", "-2, -1, 77"),
        ("SELECT 1 WHERE -1 IN (SELECT -k AS k FROM a ORDER BY k+0 LIMIT 2)", "1"),
        ("SELECT x.k, x.n FROM (SELECT -k AS k, count(*) AS n FROM a GROUP BY a.k HAVING k > 1) x ORDER BY x.k", "-3|1, -2|1"),
        ("SELECT -k AS k, count(*) AS n FROM a GROUP BY a.k HAVING k > 1 UNION ALL SELECT 1, 1 ORDER BY k", "-3|1, -2|1, 1|1"),
    ])
    .await;
}

#[tokio::test]
async fn group_by_and_having_know_the_columns_of_the_tables_first() {
    let db = Db::with(KEYED_TABLES).await;
    db.assert_answers(&[
        ("SELECT count(*) AS k FROM a GROUP BY k ORDER BY max(k)", "1, 1, 1, 1"),
        ("SELECT count(*) AS k FROM a GROUP BY k ORDER BY max(k) DESC LIMIT 2", "1, 1"),
        ("SELECT -v AS v, count(*) FROM a GROUP BY v HAVING v > 6 ORDER BY 1", "-30|1, -10|1"),
        ("SELECT k AS v, count(*) FROM a GROUP BY k HAVING k > 1 ORDER BY 1", "2|1, 3|1"),
        ("SELECT k AS v, sum(v) FROM a GROUP BY k HAVING sum(v) > 6 ORDER BY 1", "1|10, 3|30"),
        ("SELECT sum(v) AS v FROM a GROUP BY k HAVING sum(v) > 6 ORDER BY 1", "10, 30"),
        ("SELECT sum(v) AS v FROM a GROUP BY k HAVING max(v) > 6 ORDER BY sum(v)", "10, 30"),
        ("SELECT k % 2 AS k, count(*) FROM a GROUP BY k ORDER BY 1, 2", "0|1, 1|1, 1|1, ∅|1"),
        ("SELECT k % 2 AS g, count(*) FROM a GROUP BY g ORDER BY 1, 2", "0|1, 1|2, ∅|1"),
        ("SELECT k % 2 AS g, count(*) FROM a GROUP BY g ORDER BY g", "0|1, 1|2, ∅|1"),
        ("SELECT k % 2 AS g, count(*) FROM a GROUP BY g ORDER BY (SELECT max(g) FROM generate_series(1,2) g), 1", "0|1, 1|2, ∅|1"),
        ("SELECT abs(k) AS n, count(*) FROM a GROUP BY n HAVING count(*) > 0 ORDER BY n", "1|1, 2|1, 3|1, ∅|1"),
        ("SELECT v AS k, count(*) FROM a GROUP BY k, v ORDER BY k", "5|1, 10|1, 30|1, ∅|1"),
    ])
    .await;
    db.assert_states(&[
        ("SELECT count(*) AS c FROM a HAVING c > 1", "42703"),
        ("SELECT v AS g, count(*) FROM a GROUP BY g HAVING g > 1", "42703"),
        ("SELECT k % 2 AS g, count(*) FROM a GROUP BY g + 0 ORDER BY 1, 2", "42703"),
        ("SELECT k % 2 AS g, count(*) FROM a GROUP BY g ORDER BY g + 1", "42703"),
        ("SELECT count(*) FROM a GROUP BY v HAVING count > 0", "42703"),
    ])
    .await;
}

#[tokio::test]
async fn distinct_takes_names_and_positions_as_order_by_does() {
    let db = Db::with(KEYED_TABLES).await;
    db.assert_answers(&[
        ("SELECT DISTINCT -k AS k FROM a ORDER BY k", "-3, -2, -1, ∅"),
        ("SELECT DISTINCT -k AS k FROM a ORDER BY -k", "-3, -2, -1, ∅"),
        ("SELECT DISTINCT ON (k) -k AS k, v FROM a ORDER BY k", "-3|30, -2|∅, -1|10, ∅|5"),
        ("SELECT DISTINCT ON (k % 2) -k AS k, v FROM a ORDER BY k % 2, v", "-2|∅, -1|10, ∅|5"),
        (
            "SELECT DISTINCT ON (v IS NULL) coalesce(v, 100) AS v, k FROM a ORDER BY v IS NULL, k",
            "10|1, 100|2",
        ),
        ("SELECT DISTINCT ON (1) v IS NULL AS q, k FROM a ORDER BY 1, 2", "false|1, true|2"),
    ])
    .await;
    db.assert_states(&[
        ("SELECT DISTINCT -k AS k FROM a ORDER BY k + 0", "42P10"),
        ("SELECT DISTINCT -k AS k FROM a ORDER BY a.k", "42P10"),
    ])
    .await;
}

#[tokio::test]
async fn a_set_operation_is_sorted_by_its_own_columns_only() {
    let db = Db::with(KEYED_TABLES).await;
    db.assert_answers(&[
        ("SELECT k FROM a UNION SELECT w FROM b ORDER BY k", "1, 2, 3, 7, 200, 300, 400, ∅"),
        ("SELECT k FROM a UNION SELECT w FROM b ORDER BY (k)", "1, 2, 3, 7, 200, 300, 400, ∅"),
        ("SELECT k FROM a UNION SELECT w FROM b ORDER BY 1 DESC", "∅, 400, 300, 200, 7, 3, 2, 1"),
        ("VALUES (1),(3),(2) ORDER BY column1", "1, 2, 3"),
        ("VALUES (1),(3),(2) ORDER BY -column1", "3, 2, 1"),
    ])
    .await;
    db.assert_states(&[
        ("SELECT k FROM a UNION SELECT k FROM b ORDER BY k + 1", "0A000"),
        ("SELECT k FROM a UNION SELECT k FROM b ORDER BY -k", "0A000"),
        ("SELECT k FROM a UNION SELECT k FROM b ORDER BY a.k", "42P01"),
        ("SELECT k FROM a UNION SELECT k FROM b ORDER BY v", "42703"),
        ("SELECT k FROM a UNION SELECT w FROM b ORDER BY 2", "42P10"),
        ("SELECT k AS z FROM a UNION SELECT w FROM b ORDER BY k", "42703"),
        ("SELECT k FROM a UNION SELECT k FROM b ORDER BY (SELECT 1)", "0A000"),
        ("SELECT k FROM a UNION SELECT k FROM b ORDER BY 'k'", "42601"),
    ])
    .await;
}

#[tokio::test]
async fn parentheses_around_a_query_mean_nothing() {
    let db = Db::with(KEYED_TABLES).await;
    db.assert_answers(&[
        ("(SELECT k AS z FROM a) ORDER BY v", "∅, 1, 3, 2"),
        ("(SELECT k AS z FROM a LIMIT 2) ORDER BY z DESC", "∅, 3"),
        ("(SELECT k AS z FROM a ORDER BY k) LIMIT 2", "1, 2"),
        ("((SELECT -k AS k FROM a)) ORDER BY k + 0", "-1, -2, -3, ∅"),
    ])
    .await;
    db.assert_states(&[
        ("(SELECT k AS z FROM a ORDER BY k LIMIT 2) ORDER BY z DESC", "42601"),
        ("(SELECT k FROM a LIMIT 2) LIMIT 1", "42601"),
    ])
    .await;
}
