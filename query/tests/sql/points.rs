//! Points: every clause answers at its moment, or fails.

use datafusion::common::ScalarValue;

use crate::database::Db;

/// Table `t` with rows 1 and 2 at snapshot `s`, changed since: row 1 is 11, row 2 is gone, row 3 is new.
async fn changed() -> Db {
    Db::with(
        "CREATE TABLE t (id INT PRIMARY KEY, v INT);
         INSERT INTO t VALUES (1, 1), (2, 2);
         CREATE SNAPSHOT s;
         UPDATE t SET v = 11 WHERE id = 1;
         DELETE FROM t WHERE id = 2;
         INSERT INTO t VALUES (3, 3), (4, 4)",
    )
    .await
}

#[tokio::test]
async fn two_points_of_one_table_in_scalar_subqueries_are_not_taken_for_one() {
    let db = changed().await;
    assert_eq!(db.one("SELECT (SELECT max(v) FROM t) - (SELECT max(v) FROM t AS OF SNAPSHOT s)").await, "9");
    assert_eq!(
        db.one("SELECT (SELECT count(*) FROM t) - (SELECT count(*) FROM t AS OF SNAPSHOT s)").await,
        "1"
    );
    assert_eq!(
        db.one("SELECT (SELECT max(v) FROM t) = (SELECT max(v) FROM t AS OF SNAPSHOT s)").await,
        "false"
    );
    assert_eq!(
        db.rows("SELECT max(v) FROM t UNION SELECT max(v) FROM t AS OF SNAPSHOT s ORDER BY 1").await,
        ["2", "11"]
    );
}

#[tokio::test]
async fn a_join_of_two_points_lists_exactly_what_changed() {
    let db = changed().await;
    let changed = db
        .rows(
            "SELECT coalesce(a.id, b.id), b.v, a.v FROM t a FULL JOIN t AS OF SNAPSHOT s b ON a.id = b.id \
             WHERE a.v IS DISTINCT FROM b.v ORDER BY 1",
        )
        .await;
    assert_eq!(changed, ["1|1|11", "2|2|∅", "3|∅|3", "4|∅|4"]);
}

#[tokio::test]
async fn every_spelling_and_place_of_a_point_answers_at_it() {
    let db = changed().await;
    let version = db.one("SELECT version FROM bygone.snapshots WHERE name = 's'").await;
    for query in [
        "SELECT id FROM t AS OF SNAPSHOT s ORDER BY id".to_owned(),
        "SELECT id FROM t AS OF SNAPSHOT 's' ORDER BY id".to_owned(),
        "SELECT x.id FROM t AS OF SNAPSHOT s AS x ORDER BY id".to_owned(),
        "SELECT x.id FROM t AS OF SNAPSHOT s x ORDER BY id".to_owned(),
        "SELECT t.id FROM public.t AS OF SNAPSHOT s ORDER BY id".to_owned(),
        format!("SELECT id FROM t AS OF VERSION {version} ORDER BY id"),
        format!("SELECT id FROM t FOR SYSTEM_TIME AS OF to_timestamp_micros({version}) ORDER BY id"),
        format!("SELECT id FROM t AS OF TIMESTAMP to_timestamp_micros({version}) ORDER BY id"),
        "SELECT id FROM (SELECT * FROM t AS OF SNAPSHOT s) x ORDER BY id".to_owned(),
        "WITH x AS (SELECT * FROM t AS OF SNAPSHOT s) SELECT id FROM x ORDER BY id".to_owned(),
        "SELECT id FROM (VALUES (1), (2), (3)) AS x (id) WHERE id IN (SELECT id FROM t AS OF SNAPSHOT s) ORDER BY id"
            .to_owned(),
        "SELECT x.id FROM (VALUES (1), (2), (3)) AS x (id) \
         WHERE EXISTS (SELECT 1 FROM t AS OF SNAPSHOT s y WHERE y.id = x.id) ORDER BY id"
            .to_owned(),
        "TABLE t AS OF SNAPSHOT s".to_owned(),
    ] {
        match db.session.query(&query).await {
            Ok(_) => {
                let rows: Vec<String> =
                    db.rows(&query).await.iter().map(|row| row.split('|').next().unwrap().to_owned()).collect();
                assert_eq!(rows, ["1", "2"], "{query}");
            }
            Err(error) => assert_eq!(error.sqlstate(), "42601", "{query}: {error}"),
        }
    }
}

#[tokio::test]
async fn a_clause_at_the_end_is_the_point_of_every_table_without_one() {
    let db = changed().await;
    let version = db.one("SELECT version FROM bygone.snapshots WHERE name = 's'").await;
    let query = format!(
        "SELECT count(*) FROM t a JOIN t b ON a.id = b.id AS OF SYSTEM TIME to_timestamp_micros({version})"
    );
    assert_eq!(db.one(&query).await, "2");
}

#[tokio::test]
async fn a_clause_that_cannot_be_read_at_a_point_is_an_error() {
    let db = changed().await;
    for query in [
        "INSERT INTO t AS OF SNAPSHOT s VALUES (9, 9)",
        "UPDATE t AS OF SNAPSHOT s SET v = 0",
        "DELETE FROM t AS OF SNAPSHOT s",
        "WITH x AS (SELECT 1 AS id) SELECT * FROM x AS OF SNAPSHOT s",
        "SELECT * FROM generate_series(1, 3) AS OF SNAPSHOT s",
        "CREATE TABLE u (a INT) AS OF SNAPSHOT s",
    ] {
        let error = db.error(query).await;
        assert!(matches!(error.sqlstate(), "42601" | "0A000"), "{query}: {} {error}", error.sqlstate());
    }
    assert_eq!(db.one("SELECT count(*) FROM t").await, "3");
}

#[tokio::test]
async fn a_prepared_statement_sees_what_was_committed_since_and_binds_its_points() {
    let db = changed().await;
    db.run(
        "PREPARE p AS SELECT count(*) FROM t; PREPARE q (TEXT) AS SELECT count(*) FROM t AS OF SNAPSHOT $1",
    )
    .await;
    assert_eq!(db.one("EXECUTE p").await, "3");
    assert_eq!(db.one("EXECUTE q('s')").await, "2");
    let other = db.sql.session();
    other.execute("INSERT INTO t VALUES (5, 5)").await.unwrap();
    db.run("CREATE SNAPSHOT s2").await;
    assert_eq!(db.one("EXECUTE p").await, "4");
    assert_eq!(db.one("EXECUTE q('s2')").await, "4");
    assert_eq!(db.state("EXECUTE q('s3')").await, "42704");
    assert_eq!(db.state("EXECUTE nothing").await, "26000");
}

#[tokio::test]
async fn parameters_are_bound_in_points_and_elsewhere() {
    let db = changed().await;
    let rows = db
        .rows_with(
            "SELECT id FROM t AS OF SNAPSHOT $1 WHERE v > $2",
            vec![ScalarValue::from("s"), ScalarValue::from(1_i64)],
        )
        .await;
    assert_eq!(rows, ["2"]);
    assert_eq!(db.rows_with("SELECT $1 || 'b', $2", vec!["a".into(), 1_i64.into()]).await, ["ab|1"]);
    let inserted = db.session.execute_with("INSERT INTO t VALUES ($1, $2)", (50_i64, 5_i32)).await;
    assert_eq!(inserted.unwrap().tag, "INSERT 0 1");
    let changed = db.session.execute_with("UPDATE t SET v = $1 WHERE id = $2", (6_i64, 50_i64)).await;
    assert_eq!(changed.unwrap().tag, "UPDATE 1");
    let plan = db.rows_with("EXPLAIN SELECT v FROM t WHERE id = $1", vec![50_i64.into()]).await.join(" ");
    assert!(plan.contains("keys=[id = 50]"), "{plan}");
    let error = db.session.execute("SELECT id FROM t WHERE v > $1").await.unwrap_err();
    assert_eq!(error.sqlstate(), "08P01");
}

#[tokio::test]
async fn a_view_at_a_point_has_the_definition_and_the_data_of_then() {
    let db = changed().await;
    db.run("CREATE VIEW w AS SELECT id, v FROM t WHERE v > 1; CREATE SNAPSHOT s2; UPDATE t SET v = 0").await;
    db.run("CREATE OR REPLACE VIEW w AS SELECT id, v * 100 AS v FROM t").await;
    assert_eq!(db.rows("SELECT id, v FROM w AS OF SNAPSHOT s2 ORDER BY id").await, ["1|11", "3|3", "4|4"]);
    assert_eq!(db.one("SELECT sum(v) FROM w").await, "0");
    assert_eq!(
        db.one("SELECT (SELECT sum(v) FROM w) - (SELECT sum(v) FROM w AS OF SNAPSHOT s2)").await,
        "-18"
    );
    assert_eq!(
        db.one("SELECT (SELECT count(*) FROM w) - (SELECT count(*) FROM t AS OF SNAPSHOT s)").await,
        "1"
    );
    assert_eq!(db.state("SELECT * FROM w AS OF SNAPSHOT s").await, "42P01");
    db.run("CREATE VIEW old AS SELECT id FROM t AS OF SNAPSHOT s").await;
    assert_eq!(db.rows("SELECT id FROM old ORDER BY id").await, ["1", "2"]);
}

#[tokio::test]
async fn a_dropped_table_is_read_where_it_was() {
    let db = changed().await;
    db.run("DROP TABLE t").await;
    assert_eq!(db.state("SELECT * FROM t").await, "42P01");
    assert_eq!(db.rows("SELECT id, v FROM t AS OF SNAPSHOT s ORDER BY id").await, ["1|1", "2|2"]);
    db.run("CREATE TABLE t (other TEXT)").await;
    assert_eq!(db.one("SELECT count(*) FROM t").await, "0");
    assert_eq!(db.one("SELECT sum(v) FROM t AS OF SNAPSHOT s").await, "3");
    let columns = "SELECT column_name FROM information_schema.columns WHERE table_name = 't' ORDER BY 1";
    assert_eq!(db.rows(columns).await, ["other"]);
    db.run("SET as_of = 'snapshot:s'").await;
    assert_eq!(db.rows(columns).await, ["id", "v"]);
}

#[tokio::test]
async fn the_session_s_point_gives_way_to_the_transaction_s_and_that_to_the_table_s() {
    let db = changed().await;
    db.run("CREATE SNAPSHOT now_s; DELETE FROM t").await;
    db.run("SET as_of = 'snapshot:s'").await;
    assert_eq!(db.session.as_of().as_deref(), Some("snapshot:s"));
    assert_eq!(db.one("SELECT count(*) FROM t").await, "2");
    assert_eq!(db.one("SELECT count(*) FROM t AS OF SNAPSHOT now_s").await, "3");
    db.run("BEGIN READ ONLY AS OF SNAPSHOT now_s").await;
    assert_eq!(db.one("SELECT count(*) FROM t").await, "3");
    assert_eq!(db.one("SELECT count(*) FROM t AS OF SNAPSHOT s").await, "2");
    assert_eq!(db.state("INSERT INTO t VALUES (1, 1)").await, "25006");
    db.run("ROLLBACK").await;
    for write in
        ["INSERT INTO t VALUES (1, 1)", "CREATE TABLE u (a INT)", "DROP TABLE t", "CREATE SNAPSHOT u"]
    {
        assert_eq!(db.state(write).await, "25006", "{write}");
    }
    db.run("RESET as_of").await;
    assert_eq!(db.one("SELECT count(*) FROM t").await, "0");
}

#[tokio::test]
async fn points_that_cannot_be_read_say_why() {
    let db = changed().await;
    let missing = db.error("SELECT * FROM t AS OF SNAPSHOT ss").await;
    assert_eq!(missing.sqlstate(), "42704");
    assert!(missing.hint().unwrap_or_default().contains('s'), "{:?}", missing.hint());
    assert_eq!(db.state("SELECT * FROM t AS OF TIMESTAMP '2999-01-01'").await, "22023");
    assert_eq!(db.state("SELECT * FROM t AS OF TIMESTAMP now() + INTERVAL '1 day'").await, "22023");
    assert_eq!(db.state("SELECT * FROM t AS OF TIMESTAMP 'not a time'").await, "22023");
    assert_eq!(db.state("SELECT * FROM t AS OF TIMESTAMP v").await, "22023");
    assert_eq!(db.state("SELECT * FROM t AS OF VERSION 'x'").await, "22023");
    assert_eq!(db.state("SET as_of = 'snapshot:nothing'").await, "42704");
    assert_eq!(db.one("SELECT count(*) FROM t").await, "3", "the database stays usable");
}

#[tokio::test]
async fn a_time_without_a_zone_is_utc_unless_the_session_says_otherwise() {
    let db = Db::with("CREATE TABLE t (id INT PRIMARY KEY)").await;
    // 2023-11-14 22:13:20 UTC is when the clock starts.
    db.clock.advance(3_600 * crate::database::SECOND);
    db.run("INSERT INTO t VALUES (1)").await;
    assert_eq!(db.one("SELECT count(*) FROM t AS OF TIMESTAMP '2023-11-14 23:00:00'").await, "0");
    assert_eq!(db.one("SELECT count(*) FROM t AS OF TIMESTAMP '2023-11-14 18:13:23-05:00'").await, "1");
    db.run("SET timezone = 'America/New_York'").await;
    assert_eq!(db.one("SELECT count(*) FROM t AS OF TIMESTAMP '2023-11-14 18:13:23'").await, "1");
    assert_eq!(db.state("SET timezone = 'Nowhere/None'").await, "22023");
    for zone in ["utc", "Etc/UTC", "+00:00"] {
        db.run(&format!("SET TIME ZONE '{zone}'")).await;
    }
    assert_eq!(db.one("SELECT count(*) FROM t AS OF TIMESTAMP '2023-11-14 23:13:25'").await, "1");
}

#[tokio::test]
async fn the_point_of_an_answer_can_be_asked_for() {
    let db = changed().await;
    let version = db.one("SELECT version FROM bygone.snapshots WHERE name = 's'").await;
    assert_eq!(db.one("SELECT DISTINCT as_of_version('t') FROM t AS OF SNAPSHOT s").await, version);
    db.run("SET as_of = 'snapshot:s'").await;
    assert_eq!(db.one("SELECT as_of_version()").await, version);
    assert_eq!(db.one("SELECT as_of_timestamp() = to_timestamp_micros(as_of_version('t'))").await, "true");
    db.run("RESET as_of").await;
    let outcome = db.run("SELECT 1 FROM t AS OF SNAPSHOT s").await;
    assert!(
        outcome.notices[0].message.starts_with("reading as of snapshot s (2023-"),
        "{:?}",
        outcome.notices
    );
}

#[tokio::test]
async fn table_diff_tells_the_net_difference_in_both_directions() {
    let db = changed().await;
    let forward = db
        .rows("SELECT _change_type, id, v FROM table_diff('t', 's', 'now') ORDER BY id, _change_type")
        .await;
    assert_eq!(
        forward,
        ["update_postimage|1|11", "update_preimage|1|1", "delete|2|2", "insert|3|3", "insert|4|4"]
    );
    let back =
        db.rows("SELECT _change_type, id FROM table_diff('t', 'latest', 'snapshot:s') ORDER BY id, 1").await;
    assert_eq!(back, ["update_postimage|1", "update_preimage|1", "insert|2", "delete|3", "delete|4"]);
    assert_eq!(db.state("SELECT * FROM table_diff('t', 'z', 'now')").await, "42704");
    assert_eq!(db.state("SELECT * FROM table_diff('nothing', 's', 'now')").await, "42P01");
    assert_eq!(db.state("SELECT * FROM table_diff('t')").await, "42883");
}

/// Compared with what EXCEPT finds, in memory, in files of their own, and merged into both tiers.
#[tokio::test]
async fn table_diff_of_a_large_table_tells_what_except_finds() {
    let db = Db::new().await;
    db.run("CREATE TABLE t (id BIGINT PRIMARY KEY, a INT, b TEXT, c DECIMAL(12, 2), d BYTEA, e DOUBLE PRECISION)").await;
    let rows = |from: u32, to: u32| {
        format!(
            "INSERT INTO t SELECT value, nullif(value % 7, 0), 'a text that is not short ' || (value % 50)::TEXT, \
             value % 1000 / 8.0, '\\x00ff'::BYTEA, value / 3.0 FROM generate_series({from}, {to}) AS s(value)"
        )
    };
    db.run(&rows(1, 110_000)).await;
    db.engine.compact().await.expect("compacts");
    db.run("CREATE SNAPSHOT s").await;
    for round in 0..3 {
        db.run(&format!("UPDATE t SET a = a + {round}, e = -e WHERE id % 40 = {round}")).await;
        db.run(&format!("DELETE FROM t WHERE id % 300 = {round}")).await;
        db.run(&rows(110_001 + round * 100, 110_100 + round * 100)).await;
        // Written again as it is, and changed and changed back.
        db.run("UPDATE t SET b = b WHERE id % 100 = 50").await;
        db.run("UPDATE t SET c = c + 1 WHERE id % 100 = 60").await;
        db.run("UPDATE t SET c = c - 1 WHERE id % 100 = 60").await;
        db.run(&format!("CREATE SNAPSHOT s{round}")).await;
    }
    for state in ["in memory", "flushed", "compacted"] {
        match state {
            "flushed" => db.engine.flush().await.expect("flushes"),
            "compacted" => db.engine.compact().await.expect("compacts"),
            _ => {}
        }
        // Turned round as well.
        let (from, to) = if state == "flushed" { ("s2", "s") } else { ("s", "s2") };
        for (kinds, a, b) in
            [("'update_preimage', 'delete'", from, to), ("'update_postimage', 'insert'", to, from)]
        {
            let found = format!(
                "SELECT id, a, b, c, d, e FROM table_diff('t', 'snapshot:{from}', 'snapshot:{to}') \
                 WHERE _change_type IN ({kinds})"
            );
            let all = |name: &str| format!("SELECT * FROM t AS OF SNAPSHOT {name}");
            let expected = format!("SELECT * FROM ({} EXCEPT {}) AS d", all(a), all(b));
            let counts = format!(
                "WITH found AS ({found}), expected AS ({expected}) SELECT (SELECT count(*) FROM found), \
                 (SELECT count(*) FROM expected), (SELECT count(*) FROM (SELECT * FROM found INTERSECT SELECT * FROM \
                 expected) AS both)"
            );
            let counts = db.rows(&counts).await.join("");
            let counts: Vec<&str> = counts.split('|').collect();
            assert!(counts[0] != "0" && counts.iter().all(|count| *count == counts[0]), "{counts:?} {state}");
        }
    }
}

#[tokio::test]
async fn row_history_tells_every_version_of_a_row() {
    let db = changed().await;
    db.run("SET commit_author = 'ann'; DELETE FROM t WHERE id = 1; INSERT INTO t VALUES (1, 111)").await;
    let rows = db.rows("SELECT _op, id, v, _author FROM row_history('t', 1)").await;
    assert_eq!(rows, ["insert|1|111|ann", "delete|∅|∅|ann", "update|1|11|∅", "insert|1|1|∅"]);
}

#[tokio::test]
async fn below_the_horizon_only_what_is_pinned_can_be_read() {
    let db = Db::with(
        "CREATE TABLE t (id INT PRIMARY KEY); CREATE TABLE u (id INT PRIMARY KEY);
         INSERT INTO t VALUES (1); INSERT INTO u VALUES (1); CREATE SNAPSHOT one FOR TABLE t",
    )
    .await;
    let pinned = db.one("SELECT version FROM bygone.snapshots").await;
    db.run("INSERT INTO t VALUES (2)").await;
    let unpinned = db.version();
    db.run("INSERT INTO t VALUES (3)").await;
    db.clock.advance(8 * 24 * 3_600 * crate::database::SECOND);
    db.run("INSERT INTO u VALUES (2); CALL flush(); CALL compact()").await;
    assert_eq!(db.one("SELECT count(*) FROM t AS OF SNAPSHOT one").await, "1");
    assert_eq!(db.one(&format!("SELECT count(*) FROM t AS OF VERSION {pinned}")).await, "1");
    let error = db.error(&format!("SELECT count(*) FROM t AS OF VERSION {unpinned}")).await;
    assert_eq!(error.sqlstate(), "72000", "{error}");
    assert!(error.hint().unwrap_or_default().contains("one"), "{:?}", error.hint());
    let error = db.error("SELECT count(*) FROM u AS OF SNAPSHOT one").await;
    assert_eq!(error.sqlstate(), "72000", "{error}");
    assert!(error.message().contains('u'), "{error}");
    assert_eq!(db.one("SELECT count(*) FROM t").await, "3");
    assert_eq!(db.one("SELECT oldest_readable('t') > to_timestamp_micros(0)").await, "true");
}

#[tokio::test]
async fn a_point_at_the_end_of_a_view_s_text_wins() {
    let db = changed().await;
    let version = db.one("SELECT version FROM bygone.snapshots WHERE name = 's'").await;
    db.run(&format!("CREATE VIEW w AS SELECT id FROM t AS OF SYSTEM TIME to_timestamp_micros({version})"))
        .await;
    assert_eq!(db.rows("SELECT id FROM w ORDER BY id").await, ["1", "2"]);
    assert_eq!(db.one("SELECT (SELECT count(*) FROM t) - (SELECT count(*) FROM w)").await, "1");
}

#[tokio::test]
async fn rows_are_repaired_from_the_past_by_ordinary_statements() {
    let db = changed().await;
    db.run("UPDATE t SET v = (SELECT max(o.v) FROM t AS OF SNAPSHOT s o WHERE o.id = t.id) WHERE id IN (SELECT id FROM t AS OF SNAPSHOT s)").await;
    assert_eq!(db.tag("DELETE FROM t WHERE id NOT IN (SELECT id FROM t AS OF SNAPSHOT s)").await, "DELETE 2");
    db.run("INSERT INTO t SELECT * FROM t AS OF SNAPSHOT s WHERE id NOT IN (SELECT id FROM t)").await;
    assert_eq!(db.one("SELECT count(*) FROM table_diff('t', 's', 'now')").await, "0");
    let same = "SELECT count(*) FROM t WHERE v = (SELECT o.v FROM t AS OF SNAPSHOT s o WHERE o.id = t.id)";
    assert_eq!(db.one(same).await, db.one("SELECT count(*) FROM t WHERE v IS NOT NULL").await);
}

#[tokio::test]
async fn a_whole_statement_reads_a_snapshot_and_null_names_none() {
    let db = Db::with("CREATE TABLE q (a INT); INSERT INTO q VALUES (1); CREATE SNAPSHOT one; DELETE FROM q")
        .await;
    assert_eq!(db.one("SELECT a FROM q AS OF SYSTEM TIME SNAPSHOT one").await, "1");
    assert_eq!(db.state("SELECT a FROM q AS OF SNAPSHOT null").await, "42601");
    assert_eq!(Db::new().await.one("SELECT as_of_timestamp()").await, "∅");
}
