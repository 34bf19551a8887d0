//! Conditions without columns, which decide for all rows at once.

use datafusion::common::ScalarValue;

use crate::database::Db;

#[tokio::test]
async fn a_condition_without_columns_also_takes_the_one_row_of_an_aggregate() {
    let db = Db::with("CREATE TABLE t (a INT); INSERT INTO t VALUES (1), (2); CREATE TABLE e (a INT)").await;
    db.assert_answers(&[
        ("SELECT count(*) FROM t HAVING false", ""),
        ("SELECT count(*) FROM t HAVING 1 = 1", "2"),
        ("SELECT 1 FROM (SELECT TRUE AS id FROM (SELECT count(*) AS k FROM e) d) v WHERE NOT v.id", ""),
        ("SELECT 1 FROM (SELECT TRUE AS id FROM (SELECT count(*) AS k FROM e) d) v WHERE v.id", "1"),
        ("SELECT x, n FROM (SELECT TRUE AS x, count(*) n FROM t GROUP BY ROLLUP (a)) v WHERE NOT x", ""),
        ("SELECT x, n FROM (SELECT 1 AS x, count(*) n FROM t GROUP BY CUBE (a)) v WHERE x = 2", ""),
        ("SELECT x, n FROM (SELECT 1 AS x, count(*) n FROM t GROUP BY a) v WHERE x = 2", ""),
        ("SELECT count(*) FROM (SELECT a, count(*) FROM t GROUP BY ROLLUP (a)) d WHERE 1 = 0", "0"),
        ("SELECT k FROM (SELECT count(*) k FROM t) d WHERE EXISTS (SELECT 1 FROM e)", ""),
        ("SELECT k FROM (SELECT count(*) k FROM e) d WHERE EXISTS (SELECT 1 FROM t)", "0"),
        ("SELECT k FROM (SELECT count(*) k FROM t) d WHERE (SELECT max(a) FROM t) > 5", ""),
        (
            "SELECT k FROM (SELECT k FROM (SELECT count(*) k FROM t) c WHERE k > 1) d WHERE random() < 0",
            "",
        ),
        ("SELECT k FROM (SELECT k FROM (SELECT count(*) k FROM t) c WHERE random() < 0) d WHERE k > 1", ""),
        ("WITH c AS (SELECT count(*) k, 'x' AS s FROM t) SELECT k FROM c WHERE s = 'y'", ""),
        ("SELECT k FROM (SELECT DISTINCT count(*) k, 1 AS s FROM t) c WHERE s = 2", ""),
        ("SELECT k FROM (SELECT count(*) k, 1 AS s FROM t UNION ALL SELECT a, 2 FROM t) c WHERE s = 2 ORDER BY k", "1, 2"),
    ])
    .await;
    let asked = "SELECT k FROM (SELECT count(*) k FROM t) d WHERE $1";
    assert!(db.rows_with(asked, vec![ScalarValue::Boolean(Some(false))]).await.is_empty());
    assert_eq!(db.rows_with(asked, vec![ScalarValue::Boolean(Some(true))]).await, ["2"]);
}
