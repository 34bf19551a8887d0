//! Aggregates whose arguments have an order.

use crate::database::Db;

async fn values() -> Db {
    Db::with(
        "CREATE TABLE t (id INT PRIMARY KEY, v INT, f DOUBLE PRECISION, s TEXT, r REAL);
         INSERT INTO t VALUES (1, 3, 1.5, 'b', 1.5), (2, 1, 0.5, 'a', 0.5), (3, NULL, 'NaN', NULL, 'NaN'),
             (4, 3, 1.5, 'b', 1.5), (5, 2, -0.0, 'c', -0.0), (6, 2, 0, 'c', 0)",
    )
    .await
}

fn array(call: &str) -> String {
    format!("array_to_string({call}, ' ', '∅')")
}

#[tokio::test]
async fn each_aggregate_of_distinct_values_has_an_order_of_its_own() {
    let db = values().await;
    let up = array("array_agg(DISTINCT v ORDER BY v)");
    let down = array("array_agg(DISTINCT v ORDER BY v DESC)");
    db.assert_answers(&[
        (&format!("SELECT {up}, {down} FROM t"), "1 2 3 ∅|∅ 3 2 1"),
        (&format!("SELECT {down}, {up} FROM t"), "∅ 3 2 1|1 2 3 ∅"),
        (
            &format!("SELECT id % 2 AS k, {up}, {down} FROM t GROUP BY id % 2 ORDER BY k"),
            "0|1 2 3|3 2 1, 1|2 3 ∅|∅ 3 2",
        ),
        (
            "SELECT string_agg(DISTINCT s, '' ORDER BY s), string_agg(DISTINCT s, '' ORDER BY s DESC) FROM t",
            "abc|cba",
        ),
        (
            &format!(
                "SELECT {up}, {} FROM t",
                array("array_agg(DISTINCT v ORDER BY v DESC) FILTER (WHERE v < 3)")
            ),
            "1 2 3 ∅|2 1",
        ),
        (
            &format!(
                "SELECT {}, {} FROM t",
                array("array_agg(v ORDER BY id)"),
                array("array_agg(v ORDER BY id DESC)")
            ),
            "3 1 ∅ 3 2 2|2 2 3 ∅ 1 3",
        ),
    ])
    .await;
}

#[tokio::test]
async fn distinct_floats_can_be_ordered_by_themselves() {
    let db = values().await;
    for (call, answer) in [
        ("array_agg(DISTINCT f ORDER BY f)", "0 0.5 1.5 NaN"),
        ("array_agg(DISTINCT f ORDER BY f DESC)", "NaN 1.5 0.5 0"),
        ("array_agg(DISTINCT r ORDER BY r)", "0 0.5 1.5 NaN"),
    ] {
        assert_eq!(db.one(&format!("SELECT {} FROM t", array(call))).await, answer, "{call}");
    }
    assert_eq!(db.one("SELECT count(DISTINCT f) FROM t").await, "4");
}

#[tokio::test]
async fn a_constant_orders_nothing() {
    let db = values().await;
    for (call, answer) in [
        ("array_agg(v ORDER BY 1, id)", "3 1 ∅ 3 2 2"),
        ("array_agg(v ORDER BY id DESC, 2)", "2 2 3 ∅ 1 3"),
        ("array_agg(v ORDER BY 'x', -1, id DESC)", "2 2 3 ∅ 1 3"),
        ("ARRAY[max(v ORDER BY 1)]", "3"),
    ] {
        assert_eq!(db.one(&format!("SELECT {} FROM t", array(call))).await, answer, "{call}");
    }
    assert_eq!(
        db.one(&format!("SELECT {} FROM t WHERE id < 3", array("array_agg(v ORDER BY 1)"))).await,
        "3 1"
    );
    db.assert_states(&[
        ("SELECT array_agg(DISTINCT v ORDER BY 1) FROM t", "42P10"),
        ("SELECT array_agg(DISTINCT v ORDER BY id) FROM t", "42P10"),
        ("SELECT array_agg(DISTINCT v + 1 ORDER BY v) FROM t", "42P10"),
    ])
    .await;
}

#[tokio::test]
async fn distinct_on_takes_positions_and_any_order_of_its_expressions() {
    let db = values().await;
    db.assert_answers(&[
        ("SELECT DISTINCT ON (v, id) id FROM t WHERE id < 4 ORDER BY id, v", "1, 2, 3"),
        ("SELECT DISTINCT ON (1) v, id FROM t ORDER BY 1, 2 DESC", "1|2, 2|6, 3|4, ∅|3"),
        ("SELECT DISTINCT ON (2, 1) v AS x, s FROM t ORDER BY x, s", "1|a, 2|c, 3|b, ∅|∅"),
    ])
    .await;
    db.assert_states(&[
        ("SELECT DISTINCT ON (3) id FROM t", "42P10"),
        ("SELECT DISTINCT ON (v) id FROM t ORDER BY id", "42P10"),
    ])
    .await;
}
