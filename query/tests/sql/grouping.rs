//! Groups and grouping sets, and conditions on all rows as one group.

use crate::{database::Db, keyed_tables::KEYED_TABLES};

#[tokio::test]
async fn having_without_groups_makes_one_group_of_all_rows() {
    let db = Db::with(KEYED_TABLES).await;
    db.assert_answers(&[
        ("SELECT 1 FROM a HAVING true", "1"),
        ("SELECT 1 FROM e HAVING true", "1"),
        ("SELECT 1 FROM e HAVING false", ""),
        ("SELECT 1 HAVING true", "1"),
        ("SELECT 1 HAVING 1 > 2", ""),
        ("SELECT 1 FROM a HAVING NULL", ""),
        ("SELECT 1 FROM a HAVING (SELECT count(*) FROM b) > 3", "1"),
        ("SELECT (SELECT max(w) FROM b) FROM a HAVING true", "400"),
        ("SELECT 1 AS x FROM a WHERE k > 100 HAVING true ORDER BY x", "1"),
        ("SELECT DISTINCT 1 FROM a HAVING true", "1"),
        ("SELECT count(*) FROM a HAVING true", "4"),
        ("SELECT row_number() OVER () FROM a HAVING true", "1"),
        ("SELECT 1 WHERE EXISTS (SELECT 1 FROM e HAVING true)", "1"),
        ("SELECT 1 FROM a HAVING true UNION ALL SELECT 2", "1, 2"),
        ("SELECT k, (SELECT 5 FROM b WHERE b.k = a.k HAVING true) FROM a ORDER BY 1", "1|5, 2|5, 3|5, ∅|5"),
    ])
    .await;
    db.assert_states(&[
        ("SELECT v FROM a HAVING true", "42803"),
        ("SELECT 1 FROM a HAVING v > 1", "42803"),
        ("SELECT * FROM a HAVING true", "42803"),
    ])
    .await;
}

#[tokio::test]
async fn an_empty_group_is_that_of_all_rows() {
    let db = Db::with(KEYED_TABLES).await;
    db.assert_answers(&[
        ("SELECT count(*) FROM a GROUP BY ()", "4"),
        ("SELECT 1 FROM a GROUP BY ()", "1"),
        ("SELECT 1 FROM e GROUP BY ()", "1"),
        ("SELECT count(*) FROM e GROUP BY ()", "0"),
        ("SELECT k, count(*) FROM a GROUP BY (), k ORDER BY 1", "1|1, 2|1, 3|1, ∅|1"),
        ("SELECT k, count(*) FROM a GROUP BY k, () ORDER BY 1", "1|1, 2|1, 3|1, ∅|1"),
        ("SELECT count(*) FROM a GROUP BY (), ()", "4"),
    ])
    .await;
    db.assert_states(&[("SELECT v FROM a GROUP BY ()", "42803")]).await;
}

#[tokio::test]
async fn grouping_sets_nest_and_take_lists_of_columns() {
    let db = Db::with(KEYED_TABLES).await;
    db.assert_answers(&[
        ("SELECT k, v, count(*) FROM a GROUP BY (k, v) ORDER BY 1, 2", "1|10|1, 2|∅|1, 3|30|1, ∅|5|1"),
        ("SELECT k, count(*) FROM e GROUP BY GROUPING SETS ((k), ())", "∅|0"),
        ("SELECT k, count(*) FROM e GROUP BY ROLLUP (k)", "∅|0"),
        ("SELECT k, count(*) FROM e GROUP BY CUBE (k)", "∅|0"),
        ("SELECT k, v, count(*) FROM a GROUP BY GROUPING SETS (CUBE (k, v)) ORDER BY 1, 2, 3", "1|10|1, 1|∅|1, 2|∅|1, 2|∅|1, 3|30|1, 3|∅|1, ∅|5|1, ∅|5|1, ∅|10|1, ∅|30|1, ∅|∅|1, ∅|∅|1, ∅|∅|4"),
        ("SELECT k, v, count(*) FROM a GROUP BY GROUPING SETS (ROLLUP (k, v)) ORDER BY 1, 2, 3", "1|10|1, 1|∅|1, 2|∅|1, 2|∅|1, 3|30|1, 3|∅|1, ∅|5|1, ∅|∅|1, ∅|∅|4"),
        ("SELECT k, v, count(*) FROM a GROUP BY GROUPING SETS ((k), ROLLUP (v)) ORDER BY 1, 2, 3", "1|∅|1, 2|∅|1, 3|∅|1, ∅|5|1, ∅|10|1, ∅|30|1, ∅|∅|1, ∅|∅|1, ∅|∅|4"),
        ("SELECT k, v, count(*) FROM a GROUP BY GROUPING SETS ((k), GROUPING SETS ((v), ())) ORDER BY 1, 2, 3", "1|∅|1, 2|∅|1, 3|∅|1, ∅|5|1, ∅|10|1, ∅|30|1, ∅|∅|1, ∅|∅|1, ∅|∅|4"),
        ("SELECT k, v, count(*) FROM a GROUP BY GROUPING SETS (k, v, CUBE (k, v), ()) ORDER BY 1, 2, 3", "1|10|1, 1|∅|1, 1|∅|1, 2|∅|1, 2|∅|1, 2|∅|1, 3|30|1, 3|∅|1, 3|∅|1, ∅|5|1, ∅|5|1, ∅|5|1, ∅|10|1, ∅|10|1, ∅|30|1, ∅|30|1, ∅|∅|1, ∅|∅|1, ∅|∅|1, ∅|∅|1, ∅|∅|4, ∅|∅|4"),
        ("SELECT k, v, count(*) FROM a GROUP BY ROLLUP ((k, v)) ORDER BY 1, 2, 3", "1|10|1, 2|∅|1, 3|30|1, ∅|5|1, ∅|∅|4"),
        ("SELECT k, v, count(*) FROM a GROUP BY ROLLUP (k, (k, v)) ORDER BY 1, 2, 3", "1|10|1, 1|∅|1, 2|∅|1, 2|∅|1, 3|30|1, 3|∅|1, ∅|5|1, ∅|∅|1, ∅|∅|4"),
        ("SELECT k, v, count(*) FROM a GROUP BY CUBE ((k, v)) ORDER BY 1, 2, 3", "1|10|1, 2|∅|1, 3|30|1, ∅|5|1, ∅|∅|4"),
        ("SELECT k, v, count(*) FROM a GROUP BY CUBE ((k, v), k) ORDER BY 1, 2, 3", "1|10|1, 1|10|1, 1|∅|1, 2|∅|1, 2|∅|1, 2|∅|1, 3|30|1, 3|30|1, 3|∅|1, ∅|5|1, ∅|5|1, ∅|∅|1, ∅|∅|4"),
        ("SELECT k, v, count(*) FROM a GROUP BY k, ROLLUP (v) ORDER BY 1, 2, 3", "1|10|1, 1|∅|1, 2|∅|1, 2|∅|1, 3|30|1, 3|∅|1, ∅|5|1, ∅|∅|1"),
        ("SELECT k, v, count(*) FROM a GROUP BY ROLLUP (k), CUBE (v) ORDER BY 1, 2, 3", "1|10|1, 1|∅|1, 2|∅|1, 2|∅|1, 3|30|1, 3|∅|1, ∅|5|1, ∅|5|1, ∅|10|1, ∅|30|1, ∅|∅|1, ∅|∅|1, ∅|∅|4"),
        ("SELECT k, v, count(*) FROM a GROUP BY k, GROUPING SETS ((v), ()) ORDER BY 1, 2, 3", "1|10|1, 1|∅|1, 2|∅|1, 2|∅|1, 3|30|1, 3|∅|1, ∅|5|1, ∅|∅|1"),
        ("SELECT k, v, count(*) FROM a GROUP BY k, GROUPING SETS (CUBE (v), ()) ORDER BY 1, 2, 3", "1|10|1, 1|∅|1, 1|∅|1, 2|∅|1, 2|∅|1, 2|∅|1, 3|30|1, 3|∅|1, 3|∅|1, ∅|5|1, ∅|∅|1, ∅|∅|1"),
        ("SELECT k, grouping(k), count(*) FROM a GROUP BY GROUPING SETS (CUBE (k)) ORDER BY 1, 2, 3", "1|0|1, 2|0|1, 3|0|1, ∅|0|1, ∅|1|4"),
        ("SELECT k, count(*) FROM a GROUP BY GROUPING SETS ((k), (k)) ORDER BY 1, 2", "1|1, 1|1, 2|1, 2|1, 3|1, 3|1, ∅|1, ∅|1"),
        ("SELECT k, count(*) FROM a GROUP BY GROUPING SETS ((k), (), ()) ORDER BY 1, 2", "1|1, 2|1, 3|1, ∅|1, ∅|4, ∅|4"),
        ("SELECT count(*) FROM a GROUP BY GROUPING SETS (())", "4"),
        ("SELECT count(*) FROM e GROUP BY GROUPING SETS (())", "0"),
        ("SELECT count(*) FROM e GROUP BY GROUPING SETS ((), ())", "0, 0"),
        ("SELECT k % 2 AS g, count(*) FROM a GROUP BY ROLLUP (g) ORDER BY 1, 2", "0|1, 1|2, ∅|1, ∅|4"),
        ("SELECT k % 2 AS g, count(*) FROM a GROUP BY ROLLUP (1) ORDER BY 1, 2", "0|1, 1|2, ∅|1, ∅|4"),
        ("SELECT k % 2, count(*) FROM a GROUP BY GROUPING SETS ((k % 2), ()) ORDER BY 1, 2", "0|1, 1|2, ∅|1, ∅|4"),
    ])
    .await;
    db.assert_states(&[("SELECT GROUPING SETS ((1))", "42601")]).await;
}
