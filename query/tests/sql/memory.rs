//! The memory of queries.

use crate::database::Db;

#[tokio::test]
async fn the_limit_of_a_session_can_be_lowered_and_not_raised() {
    let db = Db::new().await;
    assert_eq!(db.one("SHOW query_memory").await, "1 GiB");
    for (size, shown) in [
        ("'512 MiB'", "512 MiB"),
        ("'512MB'", "512 MiB"),
        ("'1.5 mib'", "1536 KiB"),
        ("2097152", "2 MiB"),
        ("'1 GiB'", "1 GiB"),
    ] {
        db.run(&format!("SET query_memory = {size}")).await;
        assert_eq!(db.one("SHOW query_memory").await, shown, "{size}");
    }
    db.run("SET query_memory = '8 MiB'").await;
    for size in ["'2 GiB'", "'1 kB'", "0", "'much'", "''", "'-5 MiB'"] {
        assert_eq!(db.state(&format!("SET query_memory = {size}")).await, "22023", "{size}");
        assert_eq!(db.one("SHOW query_memory").await, "8 MiB", "{size}");
    }
    db.run("RESET query_memory").await;
    assert_eq!(db.one("SHOW query_memory").await, "1 GiB");
    db.run("SET query_memory = '8 MiB'; RESET ALL").await;
    assert_eq!(db.one("SHOW query_memory").await, "1 GiB");
}

#[tokio::test]
async fn what_can_spill_does_and_what_cannot_says_how_to_go_on() {
    let db = Db::new().await;
    db.run("SET query_memory = '16 MiB'").await;
    // Sorts and groups write temporary files.
    let sorted = "SELECT max(r) FROM (SELECT row_number() OVER (ORDER BY value * 7919 % 1500007) AS r \
                  FROM generate_series(1, 1500000))";
    assert_eq!(db.one(sorted).await, "1500000");
    let grouped = "SELECT count(*), sum(n) FROM (SELECT value % 1000003 AS g, count(*) AS n \
                   FROM generate_series(1, 1500000) GROUP BY value % 1000003)";
    assert_eq!(db.one(grouped).await, "1000003|1500000");
    // A window over all rows, a hash table and an array need all of it at once.
    for query in [
        "SELECT max(s) FROM (SELECT sum(value) OVER () AS s FROM generate_series(1, 1500000))",
        "SELECT count(*) FROM generate_series(1, 1500000) a JOIN generate_series(1, 1500000) b ON a.value = b.value",
        "SELECT array_length(array_agg(value)) FROM generate_series(1, 3000000)",
        "SELECT count(DISTINCT value), sum(DISTINCT value) FROM generate_series(1, 3000000)",
    ] {
        let error = db.error(query).await;
        assert_eq!(error.sqlstate(), "53200", "{query}: {error}");
        assert!(
            error.hint().is_some_and(|hint| hint.contains("query_memory")),
            "{query}: {:?}",
            error.hint()
        );
    }
    // Less at once, and the same with more memory.
    db.run("SET query_memory = '256 MiB'").await;
    assert_eq!(
        db.one("SELECT max(s) FROM (SELECT sum(value) OVER () AS s FROM generate_series(1, 1500000))").await,
        "1125000750000"
    );
}

#[tokio::test]
async fn a_window_over_all_rows_is_counted_and_explained_as_before() {
    let db = Db::new().await;
    let plan = db.text("EXPLAIN SELECT sum(value) OVER () AS s FROM generate_series(1, 10)").await;
    assert!(plan.contains("WindowAggExec") && !plan.contains("Counted"), "{plan}");
    let rows = db.rows("SELECT value, sum(value) OVER () FROM generate_series(1, 3) ORDER BY value").await;
    assert_eq!(rows, ["1|6", "2|6", "3|6"]);
    // One for each partition of the plan, and one after another.
    let sql = "SELECT count(*), sum(s) FROM (SELECT sum(value) OVER (PARTITION BY value % 5) AS s \
               FROM generate_series(1, 100000))";
    for _ in 0..2 {
        assert_eq!(db.one(sql).await, "100000|100001000000000");
    }
}
