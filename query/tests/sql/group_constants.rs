//! Keys of groups that are constants, or equal, and orders within aggregates that do not need one.

use crate::database::Db;

async fn table() -> Db {
    Db::with(
        "CREATE TABLE t (id INT PRIMARY KEY, a INT, b INT);
         INSERT INTO t VALUES (1, 1, 10), (2, 1, 20), (3, 2, 30)",
    )
    .await
}

#[tokio::test]
async fn a_constant_below_grouping_sets_is_none_above_them() {
    let db = table().await;
    for (sql, rows) in [
        ("SELECT k, count(*) FROM (SELECT 1 AS k FROM t) AS s GROUP BY ROLLUP (k) ORDER BY k", "1|3 ∅|3"),
        ("SELECT k, count(*) FROM (SELECT 1 AS k FROM t) AS s GROUP BY ROLLUP (k) ORDER BY k LIMIT 1", "1|3"),
        (
            "SELECT k, rank() OVER (ORDER BY k) FROM (SELECT 1 AS k FROM t) AS s GROUP BY ROLLUP (k) ORDER BY 1",
            "1|1 ∅|2",
        ),
        (
            "SELECT x, y, count(*) FROM (SELECT a AS x, a AS y FROM t) AS s GROUP BY CUBE (x, y) ORDER BY x, y",
            "1|1|2 1|∅|2 2|2|1 2|∅|1 ∅|1|2 ∅|2|1 ∅|∅|3",
        ),
    ] {
        assert_eq!(db.rows(sql).await.join(" "), rows, "{sql}");
    }
}

#[tokio::test]
async fn a_key_that_is_the_name_of_a_number_is_no_position() {
    let db = table().await;
    for (sql, rows) in [
        ("SELECT 2024 AS year, a, sum(b) FROM t GROUP BY year, a ORDER BY a", "2024|1|30 2024|2|30"),
        ("SELECT 2 AS k, count(*) FROM t GROUP BY k", "2|3"),
        ("SELECT -1 AS k, a, count(*) FROM t GROUP BY k, a ORDER BY a", "-1|1|2 -1|2|1"),
        ("SELECT a, count(*) FROM t GROUP BY 1 ORDER BY 1", "1|2 2|1"),
        ("SELECT 2 AS k, count(*) FROM t WHERE false GROUP BY k", ""),
    ] {
        assert_eq!(db.rows(sql).await.join(" "), rows, "{sql}");
    }
}

#[tokio::test]
async fn an_order_within_an_aggregate_that_needs_none_is_nothing() {
    let db = table().await;
    for call in
        ["avg(b ORDER BY id)", "count(b ORDER BY id)", "min(b ORDER BY id)", "max(b ORDER BY id DESC)"]
    {
        let plain = format!("{})", call.split(" ORDER").next().expect("it has an order"));
        for group in ["", " GROUP BY a ORDER BY a"] {
            let ordered = db.rows(&format!("SELECT {call} FROM t{group}")).await;
            assert_eq!(ordered, db.rows(&format!("SELECT {plain} FROM t{group}")).await, "{call}{group}");
        }
    }
    assert_eq!(
        db.rows("SELECT stddev(b ORDER BY id) IS NULL FROM t GROUP BY a ORDER BY a").await.join(" "),
        "false true"
    );
    db.assert_states(&[("SELECT avg(b ORDER BY nosuch) FROM t", "42703")]).await;
}
