//! Columns that may be NULL though their expressions are not, and orders that nothing is known of any more.

use crate::database::Db;

async fn tables() -> Db {
    Db::with(
        "CREATE TABLE none (id INT);
         CREATE TABLE one (id INT, a INT, b INT);
         INSERT INTO one VALUES (1, 1, 1);
         CREATE VIEW counted AS SELECT count(*) AS n FROM none;
         CREATE VIEW constant AS SELECT 1 AS n, 'a' AS t, CAST(NULL AS INT) AS u FROM one",
    )
    .await
}

#[tokio::test]
async fn a_subquery_without_rows_is_null_also_where_its_constants_are_folded() {
    let db = tables().await;
    for expr in
        ["0.5::float8 - 1.0::float8", "length('a')", "CASE WHEN true THEN 1 ELSE NULL END", "nullif(1, 2)"]
    {
        assert_eq!(db.one(&format!("SELECT (SELECT {expr} FROM none) FROM one")).await, "∅", "{expr}");
        let filtered = format!("SELECT count(*) FROM one WHERE (SELECT {expr} FROM none) IS NULL");
        assert_eq!(db.one(&filtered).await, "1", "{expr}");
    }
}

#[tokio::test]
async fn a_union_of_what_is_computed_and_a_constant_is_planned() {
    let db = tables().await;
    for (sql, rows) in [
        ("SELECT 1 - count(*) AS k FROM none UNION SELECT 3 ORDER BY k", "1 3"),
        ("SELECT 3 UNION SELECT 2 * count(*) FROM one ORDER BY 1", "2 3"),
        ("SELECT 1 - count(*) FROM none INTERSECT SELECT 1", "1"),
        ("SELECT k + 1 FROM (SELECT 1 - count(*) AS k FROM none UNION SELECT 3) AS s ORDER BY 1", "2 4"),
        ("SELECT NULL::bigint NOT IN (SELECT 1 - count(*) FROM none UNION SELECT 3) FROM one", "∅"),
    ] {
        assert_eq!(db.rows(sql).await.join(" "), rows, "{sql}");
    }
}

#[tokio::test]
async fn an_order_by_what_has_one_value_survives_a_join() {
    let db = tables().await;
    let window = "SELECT min(1) OVER (ORDER BY c.n RANGE BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING)
         FROM counted AS c JOIN one ON true JOIN constant AS k ON one.id = k.n";
    assert_eq!(db.one(window).await, "1");
    let joined = "SELECT string_agg(k.t, ',' ORDER BY k.t) FROM constant AS k JOIN one ON k.u = one.id";
    assert_eq!(db.one(joined).await, "∅");
    let both = "SELECT string_agg(k.t, ',' ORDER BY k.t) FROM constant AS k JOIN one ON k.n = one.id";
    assert_eq!(db.one(both).await, "a");
}

#[tokio::test]
async fn a_row_of_aggregates_beside_a_subquery_is_refused_with_a_way_out() {
    let db = tables().await;
    let sql = "SELECT (true, count(*)) NOT IN (SELECT NULL::boolean, 2 FROM one) FROM none";
    let error = db.error(sql).await;
    assert_eq!(error.sqlstate(), "0A000", "{error}");
    let written = "SELECT (true, n) IN (SELECT true, 0 FROM one) FROM (SELECT count(*) AS n FROM none) AS r";
    assert_eq!(db.one(written).await, "true");
}

#[tokio::test]
async fn a_constant_of_the_side_that_an_outer_join_makes_up_is_no_constant_of_the_join() {
    let db = Db::with(
        "CREATE TABLE t (id INT, a INT);
         INSERT INTO t VALUES (1, NULL), (2, 1), (3, 2), (4, 1);
         CREATE TABLE u (k INT, a INT);
         INSERT INTO u VALUES (5, 1), (6, 2)",
    )
    .await;
    let sorted = [
        "t LEFT JOIN (SELECT 1 AS k) AS c ON t.a = 1",
        "(SELECT 1 AS k) AS c RIGHT JOIN t ON t.a = 1",
        "t FULL JOIN (SELECT 1 AS k) AS c ON t.a = 1",
        "t LEFT JOIN (SELECT DISTINCT 1 AS k, a FROM u WHERE a = 1) AS c ON t.a = c.a",
        "t LEFT JOIN (SELECT k - 4 AS k, a FROM u WHERE k = 5) AS c USING (a)",
    ];
    for from in sorted {
        for (order, rows) in [
            ("c.k, id", "2|1 4|1 1|∅ 3|∅"),
            ("c.k NULLS FIRST, id DESC", "3|∅ 1|∅ 4|1 2|1"),
            ("c.k + 1 DESC, id", "1|∅ 3|∅ 2|1 4|1"),
        ] {
            let sql = format!("SELECT id, c.k FROM {from} ORDER BY {order}");
            assert_eq!(db.rows(&sql).await.join(" "), rows, "{sql}");
        }
        let grouped = format!("SELECT c.k, count(*) FROM {from} GROUP BY c.k ORDER BY 2, 1");
        assert_eq!(db.rows(&grouped).await.join(" "), "1|2 ∅|2", "{grouped}");
        let first = format!("SELECT c.k FROM {from} ORDER BY c.k DESC NULLS FIRST LIMIT 1");
        assert_eq!(db.one(&first).await, "∅", "{first}");
        let windowed = format!("SELECT id, row_number() OVER (ORDER BY c.k, id) FROM {from} ORDER BY id");
        assert_eq!(db.rows(&windowed).await.join(" "), "1|3 2|1 3|4 4|2", "{windowed}");
        let parted =
            format!("SELECT id, count(*) OVER (PARTITION BY c.k ORDER BY id) FROM {from} ORDER BY id");
        assert_eq!(db.rows(&parted).await.join(" "), "1|1 2|1 3|2 4|2", "{parted}");
    }
}

#[tokio::test]
async fn a_constant_that_a_subquery_is_asked_for_stands_beside_columns_of_one_name() {
    let db = tables().await;
    for (sql, rows) in [
        (
            "SELECT c.n FROM constant AS c JOIN one ON true JOIN one AS o ON true WHERE (SELECT c.t > 'A' FROM one LIMIT 1)",
            "1",
        ),
        (
            "SELECT c.n FROM constant AS c JOIN one ON true JOIN one AS o ON true
          WHERE (SELECT c.t > 'A' FROM one LIMIT 1 OFFSET 1)",
            "",
        ),
        (
            "SELECT (SELECT c.t FROM one LIMIT 1 OFFSET 0) FROM constant AS c JOIN one ON true JOIN one AS o ON true",
            "a",
        ),
        (
            "SELECT (SELECT max(c.t) OVER () FROM one) FROM one AS a FULL JOIN one AS b ON true JOIN constant AS c ON true",
            "a",
        ),
    ] {
        assert_eq!(db.rows(sql).await.join(" "), rows, "{sql}");
    }
}
