//! `WITH` queries that answer differently each time: their rows are computed once.

use crate::{database::Db, keyed_tables::KEYED_TABLES};

#[tokio::test]
async fn a_volatile_query_has_the_same_rows_wherever_it_is_named() {
    let db = Db::with(KEYED_TABLES).await;
    db.run("CREATE VIEW dice AS SELECT random() AS x").await;
    for query in [
        "WITH r AS (SELECT random() AS x) SELECT p.x = q.x FROM r p, r q",
        "WITH r AS (SELECT uuid() AS x) SELECT p.x = q.x FROM r p, r q",
        "WITH r AS (SELECT * FROM dice) SELECT p.x = q.x FROM r p, r q",
        "WITH r AS (SELECT random() AS x), s AS (SELECT * FROM r) SELECT p.x = q.x FROM s p, s q",
        "WITH r AS (SELECT random() AS x), s AS (SELECT * FROM r) SELECT p.x = q.x FROM r p, s q",
        "WITH r AS (SELECT random() AS x) SELECT (SELECT x FROM r) = (SELECT x FROM r)",
        "WITH r (y) AS (SELECT random() AS x) SELECT p.y = q.y FROM r p, r q",
        "WITH r AS (SELECT random() AS x) SELECT count(*) = 1 FROM (SELECT x FROM r UNION SELECT x FROM r) u",
        "WITH r AS (SELECT random() AS x) SELECT * FROM (WITH s AS (SELECT x FROM r) SELECT p.x = q.x FROM s p, s q) z",
        "WITH r AS (SELECT k, random() AS x FROM a) SELECT count(*) = 4 FROM r p JOIN r q ON p.x = q.x",
        "WITH r AS (SELECT k, random() AS x FROM a) SELECT (SELECT max(x) FROM r) = max(x) FROM r",
        "WITH r AS (SELECT k, random() AS x FROM a) SELECT count(*) = 1 FROM r WHERE x = (SELECT max(x) FROM r)",
        "WITH r AS (SELECT k, random() AS x FROM a ORDER BY x LIMIT 2) SELECT count(*) = 2 FROM r p JOIN r q USING (x)",
        "WITH r AS (SELECT k, random() AS x FROM a) SELECT every(x IN (SELECT x FROM r)) FROM r",
        "WITH r AS (SELECT k, random() AS x FROM a) SELECT every((k, x) IN (SELECT k, x FROM r)) FROM r WHERE k > 0",
        "WITH r AS (SELECT random() AS x FROM generate_series(1, 20000)) SELECT count(*) = 20000 FROM r p JOIN r q ON p.x = q.x",
        "WITH RECURSIVE r AS (SELECT 1 AS n, random() AS x UNION ALL SELECT n + 1, random() FROM r WHERE n < 5) \
         SELECT count(*) = 5 FROM r p JOIN r q ON p.n = q.n AND p.x = q.x",
        "WITH RECURSIVE r AS (SELECT random() AS x), s AS (SELECT 1 AS n, x FROM r UNION ALL SELECT n + 1, r.x FROM s, r \
         WHERE n < 5) SELECT count(DISTINCT x) = 1 FROM s",
    ] {
        assert_eq!(db.one(query).await, "true", "{query}");
    }
}

#[tokio::test]
async fn what_is_named_once_or_answers_the_same_is_written_out() {
    let db = Db::with(KEYED_TABLES).await;
    for query in [
        "WITH r AS (SELECT random() AS x) SELECT x FROM r",
        "WITH r AS (SELECT now() AS x) SELECT p.x = q.x FROM r p, r q",
        "WITH r AS (SELECT k FROM a) SELECT count(*) FROM r p, r q",
    ] {
        let plan = db.text(&format!("EXPLAIN {query}")).await;
        assert!(!plan.contains("SharedRows"), "{query}\n{plan}");
    }
    let shared = "EXPLAIN WITH r AS (SELECT random() AS x) SELECT p.x = q.x FROM r p, r q";
    assert_eq!(db.text(shared).await.matches("SharedRowsExec").count(), 2);
}

#[tokio::test]
async fn each_run_of_a_statement_computes_its_rows_anew() {
    let db = Db::new().await;
    let query = "WITH r AS (SELECT random() AS x) SELECT p.x FROM r p, r q WHERE p.x = q.x";
    assert_ne!(db.one(query).await, db.one(query).await);
    db.run(&format!("PREPARE p AS {query}")).await;
    assert_ne!(db.one("EXECUTE p").await, db.one("EXECUTE p").await);
    let failing = "WITH r AS (SELECT 1 / (random() * 0)::int AS x) SELECT p.x = q.x FROM r p, r q";
    assert_eq!(db.state(failing).await, "22012");
}

#[tokio::test]
async fn shared_rows_are_counted_as_memory_of_the_query() {
    let db = Db::new().await;
    db.run("SET query_memory = '1 MiB'").await;
    let query = "WITH r AS (SELECT random() AS x FROM generate_series(1, 1000000)) \
        SELECT count(*) FROM r UNION ALL SELECT count(*) FROM r";
    assert_eq!(db.state(query).await, "53200");
}
