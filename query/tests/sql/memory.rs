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
                  FROM generate_series(1, 1500000) AS s(value))";
    assert_eq!(db.one(sorted).await, "1500000");
    let grouped = "SELECT count(*), sum(n) FROM (SELECT value % 1000003 AS g, count(*) AS n \
                   FROM generate_series(1, 1500000) AS s(value) GROUP BY value % 1000003)";
    assert_eq!(db.one(grouped).await, "1000003|1500000");
    // A window over all rows, a hash table and an array need all of it at once.
    for query in [
        "SELECT max(s) FROM (SELECT sum(value) OVER () AS s FROM generate_series(1, 1500000) AS s(value))",
        "SELECT count(*) FROM generate_series(1, 1500000) a JOIN generate_series(1, 1500000) b ON a.a = b.b",
        "SELECT array_length(array_agg(value)) FROM generate_series(1, 3000000) AS s(value)",
        "SELECT count(DISTINCT value), sum(DISTINCT value) FROM generate_series(1, 3000000) AS s(value)",
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
        db.one(
            "SELECT max(s) FROM (SELECT sum(value) OVER () AS s FROM generate_series(1, 1500000) AS s(value))"
        )
        .await,
        "1125000750000"
    );
}

#[tokio::test]
async fn a_window_over_all_rows_is_counted_and_explained_as_before() {
    let db = Db::new().await;
    let plan =
        db.text("EXPLAIN SELECT sum(value) OVER () AS s FROM generate_series(1, 10) AS s(value)").await;
    assert!(plan.contains("WindowAggExec") && !plan.contains("Counted"), "{plan}");
    let rows = db
        .rows("SELECT value, sum(value) OVER () FROM generate_series(1, 3) AS s(value) ORDER BY value")
        .await;
    assert_eq!(rows, ["1|6", "2|6", "3|6"]);
    // One for each partition of the plan, and one after another.
    let sql = "SELECT count(*), sum(s) FROM (SELECT sum(value) OVER (PARTITION BY value % 5) AS s \
               FROM generate_series(1, 100000) AS s(value))";
    for _ in 0..2 {
        assert_eq!(db.one(sql).await, "100000|100001000000000");
    }
}

#[tokio::test]
async fn any_sort_spills_from_16_mebibytes_on() {
    let db = Db::new().await;
    for size in ["16 MiB", "32 MiB"] {
        db.run(&format!("SET query_memory = '{size}'")).await;
        // Rows of 650 bytes and of 13,000, sorted by a number, by the text, and for more first rows than
        // there is room for.
        for (text, rows) in [("repeat(md5(i::text), 20)", 60_000), ("repeat(md5(i::text), 400)", 4_000)] {
            let wide = format!(
                "(SELECT {text} AS p, i * 7919 % 100003 AS k FROM generate_series(1, {rows}) AS i) AS x"
            );
            for (query, answer) in [
                (
                    format!(
                        "SELECT count(*) FROM (SELECT p, row_number() OVER (ORDER BY k) AS r FROM {wide}) AS y WHERE r > 0 AND length(p) > 0"
                    ),
                    rows,
                ),
                (
                    format!(
                        "SELECT count(*) FROM (SELECT p, row_number() OVER (ORDER BY p DESC) AS r FROM {wide}) AS y WHERE r <= {rows}"
                    ),
                    rows,
                ),
                (
                    format!(
                        "SELECT count(*) FROM (SELECT p FROM {wide} ORDER BY k LIMIT {}) AS y WHERE length(p) > 0",
                        rows - 1
                    ),
                    rows - 1,
                ),
            ] {
                assert_eq!(db.one(&query).await, answer.to_string(), "{size}: {query}");
            }
        }
    }
}

#[tokio::test]
async fn the_first_of_many_rows_are_sorted_where_they_do_not_fit() {
    let db = Db::new().await;
    db.run("SET query_memory = '16 MiB'").await;
    let first = "SELECT i FROM generate_series(1, 400000) AS i ORDER BY i * 7919 % 400009, i LIMIT 300000";
    assert_eq!(
        db.one(&format!("SELECT count(*), count(DISTINCT i % 10) FROM ({first}) AS x")).await,
        "300000|10"
    );
    let all = "SELECT i, row_number() OVER (ORDER BY i * 7919 % 400009, i) AS r FROM generate_series(1, 400000) AS i";
    let same =
        format!("SELECT count(*) FROM ({first}) AS x JOIN ({all}) AS y ON x.i = y.i WHERE y.r <= 300000");
    db.run("SET query_memory = '256 MiB'").await;
    assert_eq!(db.one(&same).await, "300000");
    let plan = db.text(&format!("EXPLAIN {first}")).await;
    assert!(plan.contains("SortExec: TopK(fetch=300000)") && !plan.contains("Fitted"), "{plan}");
}

#[tokio::test]
async fn a_text_that_no_text_can_be_is_refused_before_it_takes_memory() {
    let db = Db::with("CREATE TABLE t (id INT, x TEXT); INSERT INTO t VALUES (1, 'ab'), (2, NULL), (3, 'c')")
        .await;
    for call in [
        "repeat('x', 2000000000)",
        "repeat(x, 2000000000)",
        "repeat('x', id * 1000000000) FROM t; SELECT 1",
        "lpad('x', 2000000000)",
        "rpad(x, 2000000000, 'ab')",
        "lpad(x, 300000000, 'ä')",
        "replace(repeat('x', 100000), 'x', repeat('y', 100000))",
        "max(length(repeat(md5(i::text), 100000))) FROM generate_series(1, 8000) AS i",
    ] {
        let query =
            if call.contains("FROM") { format!("SELECT {call}") } else { format!("SELECT {call} FROM t") };
        let query = query.split(';').next().unwrap_or_default();
        assert_eq!(db.state(query).await, "54000", "{query}");
    }
    db.assert_answers(&[
        ("SELECT repeat(x, id) FROM t ORDER BY id", "ab, ∅, ccc"),
        (
            "SELECT repeat('x', -5), repeat('', 2000000000), repeat(NULL, 2000000000), repeat('x', NULL)",
            "||∅|∅",
        ),
        (
            "SELECT lpad('x', 3), rpad('x', 3, 'ab'), lpad('abc', 2), lpad('x', 5, ''), lpad('x', -1)",
            "  x|xab|ab|x|",
        ),
        ("SELECT replace('aXbX', 'X', 'yy'), replace('a', '', 'b'), replace('a', 'a', '')", "ayybyy|a|"),
        ("SELECT length(repeat('x', 10000000))", "10000000"),
    ])
    .await;
}
