//! Output of EXPLAIN: the point, the key range, the projection, limits, order, dynamic filters.

use crate::database::Db;

async fn table() -> Db {
    Db::with(
        "CREATE TABLE t (a INT, b INT, v TEXT, PRIMARY KEY (a, b));
         INSERT INTO t SELECT value / 10, value % 10, 'v' || value FROM generate_series(0, 999) AS s(value);
         CREATE SNAPSHOT s",
    )
    .await
}

#[tokio::test]
async fn filters_on_the_key_become_a_range_of_keys() {
    let db = table().await;
    for (filter, keys, count) in [
        ("a = 7", "keys=[a = 7]", "10"),
        ("a = 7 AND b = 3", "keys=[a = 7 AND b = 3]", "1"),
        ("a = 7 AND b > 3 AND b <= 8", "keys=[a = 7 AND b > 3 AND b <= 8]", "5"),
        ("a BETWEEN 5 AND 6", "keys=[a >= 5 AND a <= 6]", "20"),
        ("a IN (5, 7)", "keys=[a >= 5 AND a <= 7]", "20"),
        ("a < 3 AND v <> 'v1'", "keys=[a < 3]", "29"),
        ("b = 3", "keys=all", "100"),
        ("a > 5 AND a < 5", "", "0"),
        ("a = 2000", "keys=[a = 2000]", "0"),
    ] {
        let plan = db.text(&format!("EXPLAIN SELECT v FROM t WHERE {filter}")).await;
        assert!(plan.contains(keys), "{filter}: {plan}");
        assert_eq!(db.one(&format!("SELECT count(*) FROM t WHERE {filter}")).await, count, "{filter}");
    }
}

#[tokio::test]
async fn the_plan_shows_table_point_projection_and_limit() {
    let db = table().await;
    let plan = db.text("EXPLAIN SELECT b FROM t AS OF SNAPSHOT s LIMIT 3").await;
    assert!(plan.contains("table=t, point=snapshot s (2023-11-14T"), "{plan}");
    assert!(plan.contains("projection=[b]") && plan.contains("limit=3"), "{plan}");
    assert!(db.text("EXPLAIN SELECT v FROM t").await.contains("point=latest ("));
}

#[tokio::test]
async fn rows_come_in_the_order_of_the_key_in_both_directions() {
    let db = table().await;
    let forward = db.text("EXPLAIN SELECT a, b FROM t ORDER BY a, b LIMIT 2").await;
    assert!(!forward.contains("SortExec"), "{forward}");
    assert_eq!(db.rows("SELECT a, b FROM t ORDER BY a, b LIMIT 2").await, ["0|0", "0|1"]);
    let backward = db.text("EXPLAIN SELECT a, b FROM t ORDER BY a DESC, b DESC LIMIT 2").await;
    assert!(backward.contains("order=descending") && !backward.contains("SortExec"), "{backward}");
    assert_eq!(db.rows("SELECT a, b FROM t ORDER BY a DESC, b DESC LIMIT 2").await, ["99|9", "99|8"]);
    assert_eq!(db.rows("SELECT a, b FROM t ORDER BY a DESC, b LIMIT 2").await, ["99|0", "99|1"]);
    assert_eq!(
        db.rows("SELECT a, b FROM t WHERE v LIKE '%5' ORDER BY a DESC, b DESC LIMIT 2").await,
        ["99|5", "98|5"]
    );
}

#[tokio::test]
async fn joins_and_top_k_push_dynamic_filters_into_the_scan() {
    let db = table().await;
    db.run("CREATE TABLE small (v TEXT); INSERT INTO small VALUES ('v17'), ('v18')").await;
    let plan = db.text("EXPLAIN ANALYZE SELECT t.a FROM small JOIN t ON small.v = t.v").await;
    assert!(plan.contains("DynamicFilter ["), "{plan}");
    let top = db.text("EXPLAIN ANALYZE SELECT v FROM t ORDER BY v LIMIT 3").await;
    assert!(top.contains("DynamicFilter ["), "{top}");
    assert!(!top.contains("output_batches=0"), "{top}");
    assert!(top.contains("rows_read=1000") || top.contains("rows_read=1.00 K"), "{top}");
    assert_eq!(
        db.rows("SELECT t.a, t.b FROM small JOIN t ON small.v = t.v ORDER BY 2").await,
        ["1|7", "1|8"]
    );
}

#[tokio::test]
async fn a_large_table_is_read_in_parts() {
    let db = Db::with(
        "CREATE TABLE t (id BIGINT PRIMARY KEY, v TEXT);
         INSERT INTO t SELECT value, 'row number ' || value FROM generate_series(1, 120000) AS s(value);
         CALL flush()",
    )
    .await;
    assert_eq!(db.one("SELECT count(*), sum(id) FROM t").await, "120000|7200060000");
    assert_eq!(db.one("SELECT count(DISTINCT v) FROM t WHERE id > 100").await, "119900");
    assert_eq!(db.rows("SELECT id FROM t ORDER BY id DESC LIMIT 2").await, ["120000", "119999"]);
    assert_eq!(db.one("SELECT count(*) FROM (SELECT id FROM t ORDER BY id LIMIT 110000) x").await, "110000");
}

#[test]
fn long_chains_of_operators_are_planned_on_any_thread() {
    let small = std::thread::Builder::new().stack_size(2 << 20).spawn(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let db = Db::new().await;
            assert_eq!(db.one(&format!("SELECT {}", vec!["1"; 400].join(" + "))).await, "400");
            let ors = (0..400).map(|i| format!("value = {i}")).collect::<Vec<_>>().join(" OR ");
            let counted = format!("SELECT count(*) FROM generate_series(1, 10) AS s(value) WHERE {ors}");
            assert_eq!(db.one(&counted).await, "10");
            let deep = format!("SELECT {}1{}", "(".repeat(500), ")".repeat(500));
            assert_eq!(db.state(&deep).await, "54000");
        });
    });
    small.unwrap().join().unwrap();
}

#[tokio::test]
async fn a_chain_of_thousands_of_operators_is_a_limit_and_not_a_crash() {
    let db = Db::new().await;
    assert_eq!(db.state(&format!("SELECT {}", vec!["1"; 5_000].join(" + "))).await, "54000");
}
