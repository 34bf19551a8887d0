//! SQL's view of the files and of the engine's work.

use crate::database::Db;

#[tokio::test]
async fn files_and_runs_are_listed_with_their_tables_and_add_up() {
    let db = Db::with("CREATE TABLE t (id BIGINT PRIMARY KEY, v TEXT)").await;
    db.run("INSERT INTO t SELECT value, 'x' FROM generate_series(1, 500) AS s(value)").await;
    assert_eq!(db.rows("SELECT * FROM bygone.files").await.len(), 0, "nothing was flushed yet");
    db.run("CREATE SNAPSHOT s").await;
    db.run("CALL flush()").await;
    db.run("UPDATE t SET v = 'y' WHERE id <= 100").await;
    db.run("CALL flush()").await;
    let runs = "SELECT level, run, files, versions FROM bygone.runs WHERE name = 't' ORDER BY run";
    assert_eq!(db.rows(runs).await, ["0|0|1|100", "0|1|1|500"]);
    db.run("CALL compact()").await;
    let files = "SELECT versions, puts, deletes, closed, keys, bytes > 0, raw_bytes > 0, min_begin < max_begin, \
                 min_key < max_key, min_end = max_end, level, history_of IS NULL FROM bygone.files WHERE name = 't'";
    let present = "500|500|0|0|500|true|true|true|true|∅|6|true";
    let past = "100|100|0|100|100|true|true|false|true|true|∅|true";
    assert_eq!(db.rows(files).await, [present, past]);
    assert_eq!(db.rows("SELECT value FROM bygone.stats WHERE name = 'history_versions'").await, ["100"]);
    let sums = "SELECT (SELECT sum(bytes) FROM bygone.files) = (SELECT sum(bytes) FROM bygone.runs), \
                (SELECT sum(bytes) FROM bygone.files) = (SELECT value FROM bygone.stats WHERE name = 'file_bytes')";
    assert_eq!(db.rows(sums).await, ["true|true"]);
    let system = "SELECT DISTINCT name FROM bygone.files WHERE keyspace < 65536 ORDER BY name";
    assert_eq!(db.rows(system).await, ["(catalog)", "(commits)", "(snapshots)"]);
    db.run("DROP TABLE t").await;
    assert_eq!(db.one("SELECT count(*) FROM bygone.files WHERE name IS NULL").await, "2");
}

#[tokio::test]
async fn show_stats_counts_what_was_done() {
    let db = Db::with("CREATE TABLE t (id BIGINT PRIMARY KEY)").await;
    let value = async |name: &str| {
        let rows = db.rows(&format!("SELECT value FROM bygone.stats WHERE name = '{name}'")).await;
        rows[0].parse::<u64>().ok()
    };
    let before = value("commits").await.unwrap();
    for id in 0..5 {
        db.run(&format!("INSERT INTO t VALUES ({id})")).await;
    }
    assert_eq!(value("commits").await, Some(before + 5));
    assert_eq!((value("flushes").await, value("write_amplification").await), (Some(0), None));
    db.run("CALL flush()").await;
    assert_eq!((value("flushes").await, value("write_amplification").await), (Some(1), Some(100)));
    db.run("INSERT INTO t VALUES (7)").await;
    db.run("CALL flush()").await;
    db.run("CALL compact()").await;
    assert!(value("compactions").await > Some(0) && value("write_amplification").await > Some(100));
    assert!(value("space_amplification").await >= Some(100));
    db.rows("SELECT * FROM t").await;
    assert!(value("cache_misses").await > Some(0));
    let (hits, pins) = (value("cache_hits").await, value("pins").await);
    db.run("CREATE SNAPSHOT s").await;
    db.rows("SELECT * FROM t").await;
    assert!(value("cache_hits").await > hits);
    assert_eq!(value("pins").await, pins.map(|pins| pins + 1));
    let shown = db.rows("SHOW STATS").await;
    assert!(shown.iter().any(|row| row.starts_with("stall_time|0|µs|")), "{shown:?}");
}

#[tokio::test]
async fn what_is_stored_now_cannot_be_asked_of_the_past() {
    let db = Db::with("CREATE TABLE t (v BIGINT); CREATE SNAPSHOT s").await;
    for table in ["files", "runs", "stats", "space", "snapshot_space"] {
        let error = db.error(&format!("SELECT * FROM bygone.{table} AS OF SNAPSHOT s")).await;
        assert_eq!(error.sqlstate(), "0A000", "{error}");
    }
    db.run("SET as_of = 'snapshot:s'").await;
    assert_eq!(db.state("SELECT * FROM bygone.files").await, "0A000");
}

#[tokio::test]
async fn what_a_snapshot_holds_and_what_dropping_some_would_free_are_told() {
    let db = Db::with("CREATE TABLE t (id BIGINT PRIMARY KEY, v TEXT); CREATE TABLE u (v BIGINT)").await;
    db.run("ALTER DATABASE SET retention = '1 second'").await;
    db.run("INSERT INTO t SELECT value, 'old' FROM generate_series(1, 100) AS s(value)").await;
    db.run("INSERT INTO u VALUES (1), (2)").await;
    db.run("CREATE SNAPSHOT a; UPDATE t SET v = 'new' WHERE id <= 10").await;
    db.run("CREATE SNAPSHOT b FOR TABLE t; CREATE SNAPSHOT c; UPDATE t SET v = 'newer' WHERE id <= 4").await;
    db.run("CREATE SNAPSHOT d; CALL compact()").await;
    let of_tables = "SELECT snapshot, name, referenced_versions, exclusive_versions FROM bygone.snapshot_space \
                     WHERE name IN ('t', 'u') ORDER BY snapshot, name";
    // The ten old rows are seen by a alone; the four new ones by b and c, which share them.
    let expected = ["a|t|100|10", "a|u|2|0", "b|t|100|0", "c|t|100|0", "c|u|2|0", "d|t|100|0", "d|u|2|0"];
    assert_eq!(db.rows(of_tables).await, expected);
    let space = "SELECT name, stored_versions, current_versions, free_versions FROM bygone.space \
                 WHERE name IN ('t', 'u') ORDER BY name";
    assert_eq!(db.rows(space).await, ["t|114|100|0", "u|2|2|0"]);
    let freed = async |names: &str| -> u64 {
        let rows = db.rows(&format!("EXPLAIN DROP SNAPSHOT {names}")).await;
        let of_t = rows.iter().find(|row| row.contains("|t|")).map(|row| row.split('|').nth(2).unwrap());
        of_t.map_or(0, |count| count.parse().unwrap())
    };
    for (names, count) in [("a", 10), ("b", 0), ("c", 0), ("b, c", 4), ("a, b, c", 14), ("d", 0)] {
        assert_eq!(freed(names).await, count, "{names}");
    }
    assert_eq!(db.one("SELECT count(*) FROM bygone.snapshots").await, "4", "nothing was dropped");
    assert_eq!(db.state("EXPLAIN DROP SNAPSHOT e").await, "42704");
    assert!(db.rows("EXPLAIN DROP SNAPSHOT IF EXISTS e").await.is_empty());
    let outcome = db.run("EXPLAIN DROP SNAPSHOT a, b").await;
    let notices: Vec<String> = outcome.notices.iter().map(ToString::to_string).collect();
    assert!(notices[0].starts_with("dropping a, b would free "), "{notices:?}");
    db.run("DROP SNAPSHOT b, c; CALL compact()").await;
    assert_eq!(db.rows(space).await, ["t|110|100|0", "u|2|2|0"]);
}
