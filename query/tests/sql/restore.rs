//! RESTORE in SQL: dry run, report, undoing it, dropped and new tables.

use crate::database::Db;

/// Table `t` changed in every way since snapshot `s`.
async fn damaged() -> Db {
    Db::with(
        "CREATE TABLE t (id INT PRIMARY KEY, v INT);
         INSERT INTO t SELECT value, value * 10 FROM generate_series(1, 10) AS s(value);
         CREATE SNAPSHOT s;
         UPDATE t SET v = 0 WHERE id <= 3;
         DELETE FROM t WHERE id > 8;
         INSERT INTO t VALUES (20, 200)",
    )
    .await
}

const COLUMNS: &str = "table|rows_deleted|rows_reverted|rows_brought_back";

fn counts(rows: &[String]) -> Vec<String> {
    let width = COLUMNS.split('|').count();
    rows.iter().map(|row| row.split('|').take(width).collect::<Vec<_>>().join("|")).collect()
}

#[tokio::test]
async fn a_dry_run_tells_the_numbers_and_changes_nothing() {
    let db = damaged().await;
    let commits = db.rows("SELECT * FROM bygone.commits").await;
    let dry = db.rows("RESTORE TABLE t TO SNAPSHOT s DRY RUN").await;
    assert_eq!(counts(&dry), ["t|1|3|2"]);
    assert_eq!(db.rows("SELECT * FROM bygone.commits").await, commits);
    assert_eq!(db.one("SELECT count(*) FROM t").await, "9");
    assert_eq!(counts(&db.rows("RESTORE TABLE t TO SNAPSHOT s").await), ["t|1|3|2"]);
}

#[tokio::test]
async fn a_restore_puts_every_row_back_and_can_be_undone() {
    let db = damaged().await;
    let before = db.rows("SELECT * FROM t AS OF SNAPSHOT s ORDER BY id").await;
    let damage = db.rows("SELECT * FROM t ORDER BY id").await;
    let damaged_at = db.version();
    db.run("RESTORE TABLE t TO SNAPSHOT s").await;
    assert_eq!(db.rows("SELECT * FROM t ORDER BY id").await, before);
    assert_eq!(db.rows(&format!("SELECT * FROM t AS OF VERSION {damaged_at} ORDER BY id")).await, damage);
    assert_eq!(db.one("SELECT name FROM bygone.snapshots WHERE automatic").await, "before_restore_1");
    db.run("RESTORE TABLE t TO SNAPSHOT before_restore_1").await;
    assert_eq!(db.rows("SELECT * FROM t ORDER BY id").await, damage);
    db.run("REVERT SNAPSHOT s FROM TABLE t").await;
    assert_eq!(db.rows("SELECT * FROM t ORDER BY id").await, before);
}

#[tokio::test]
async fn a_restore_on_condition_fails_when_something_changed() {
    let db = damaged().await;
    let dry = db.rows("RESTORE TABLE t TO SNAPSHOT s DRY RUN").await;
    let newest = dry[0].split('|').nth(6).unwrap().to_owned();
    db.run("INSERT INTO t VALUES (30, 300)").await;
    assert_eq!(
        db.state(&format!("RESTORE TABLE t TO SNAPSHOT s IF UNCHANGED SINCE VERSION {newest}")).await,
        "55000"
    );
    assert_eq!(db.one("SELECT count(*) FROM t").await, "10");
}

#[tokio::test]
async fn a_dropped_table_comes_back_with_its_rows() {
    let db = damaged().await;
    db.run("DROP TABLE t").await;
    let dry = db.rows("RESTORE TABLE t TO SNAPSHOT s DRY RUN").await;
    assert_eq!(counts(&dry), ["t|0|0|10"], "every row is missing to who looks");
    assert_eq!(counts(&db.rows("RESTORE TABLE t TO SNAPSHOT s").await), ["t|0|0|10"]);
    assert_eq!(db.one("SELECT count(*), sum(v) FROM t").await, "10|550");
    db.run("DROP TABLE t; CREATE TABLE t (other INT)").await;
    assert_eq!(db.state("RESTORE TABLE t TO SNAPSHOT s").await, "42P07");
}

#[tokio::test]
async fn a_database_restore_brings_back_and_removes_tables_and_views() {
    let db = damaged().await;
    db.run("CREATE TABLE created (a INT); INSERT INTO created VALUES (1); CREATE VIEW w AS SELECT 1 AS one; DROP TABLE t").await;
    db.run("CREATE TABLE t (other TEXT)").await;
    let moment = db.version();
    db.run("RESTORE DATABASE main TO SNAPSHOT s").await;
    assert_eq!(db.rows("SHOW TABLES").await, ["public|t|table"]);
    assert_eq!(db.one("SELECT count(*), sum(v) FROM t").await, "10|550");
    assert_eq!(db.one(&format!("SELECT a FROM created AS OF VERSION {moment}")).await, "1");
    db.run(&format!("RESTORE DATABASE TO VERSION {moment}")).await;
    assert_eq!(db.rows("SHOW TABLES").await, ["public|created|table", "public|t|table", "public|w|view"]);
    assert_eq!(db.one("SELECT a FROM created").await, "1");
    assert_eq!(db.one("SELECT count(*) FROM t").await, "0");
}

#[tokio::test]
async fn a_second_snapshot_taken_between_stays_right_throughout() {
    let db = damaged().await;
    db.run("CREATE SNAPSHOT between_").await;
    let between = db.rows("SELECT * FROM t ORDER BY id").await;
    db.run("DELETE FROM t; RESTORE TABLE t TO SNAPSHOT s").await;
    assert_eq!(db.rows("SELECT * FROM t AS OF SNAPSHOT between_ ORDER BY id").await, between);
    db.run("RESTORE TABLE t TO SNAPSHOT between_").await;
    assert_eq!(db.rows("SELECT * FROM t ORDER BY id").await, between);
}

#[tokio::test]
async fn a_dropped_database_comes_back_whether_its_name_is_used_again_or_not() {
    for again in ["", "CREATE DATABASE d; CREATE SCHEMA d.other; CREATE TABLE d.public.newer (x INT);"] {
        let db = Db::with(
            "CREATE DATABASE d; CREATE TABLE d.public.t (a INT PRIMARY KEY); INSERT INTO d.public.t VALUES (1);
             CREATE SCHEMA d.other; CREATE TABLE d.other.u (a INT); INSERT INTO d.other.u VALUES (2), (3);
             CREATE SNAPSHOT s FOR DATABASE d; DROP DATABASE d CASCADE",
        )
        .await;
        if !again.is_empty() {
            db.run(again).await;
        }
        db.run("RESTORE DATABASE d TO SNAPSHOT s").await;
        assert_eq!(db.one("SELECT * FROM d.public.t").await, "1");
        assert_eq!(db.one("SELECT count(*) FROM d.other.u").await, "2");
        assert_eq!(db.state("SELECT * FROM d.public.newer").await, "42P01");
        db.run("INSERT INTO d.public.t VALUES (9); RESTORE DATABASE d TO SNAPSHOT s").await;
        assert_eq!(db.one("SELECT * FROM d.public.t").await, "1");
    }
}

#[tokio::test]
async fn a_table_comes_back_into_a_schema_that_was_created_again() {
    let db = Db::with(
        "CREATE SCHEMA w; CREATE TABLE w.t (a INT); INSERT INTO w.t VALUES (1), (2);
         CREATE SNAPSHOT s; DROP SCHEMA w CASCADE; CREATE SCHEMA w",
    )
    .await;
    assert_eq!(counts(&db.rows("RESTORE TABLE w.t TO SNAPSHOT s").await), ["w.t|0|0|2"]);
    assert_eq!(db.one("SELECT count(*) FROM w.t").await, "2");
}

#[tokio::test]
async fn a_report_counts_the_rows_of_tables_that_come_back_or_go_and_names_views() {
    let db = damaged().await;
    db.run(
        "DROP TABLE t; CREATE TABLE made (a INT); INSERT INTO made VALUES (1), (2);
         CREATE VIEW w AS SELECT 1 AS one",
    )
    .await;
    let outcome = db.run("RESTORE DATABASE TO SNAPSHOT s DRY RUN").await;
    let notices: Vec<String> = outcome.notices.iter().map(ToString::to_string).collect();
    for words in ["table t, which was dropped", "table made, which was created", "view w, which was created"]
    {
        assert!(notices.iter().any(|notice| notice.contains(words)), "{words}: {notices:?}");
    }
    let expected = ["t|0|0|10", "made|2|0|0"];
    assert_eq!(counts(&db.rows("RESTORE DATABASE TO SNAPSHOT s DRY RUN").await), expected);
    assert_eq!(counts(&db.rows("RESTORE DATABASE TO SNAPSHOT s").await), expected);
    assert_eq!(db.rows("SHOW TABLES").await, ["public|t|table"]);
}

#[tokio::test]
async fn the_name_of_a_safety_snapshot_never_comes_to_mean_another_moment() {
    let db = damaged().await;
    let restored = |rows: Vec<String>| rows[0].split('|').nth(7).unwrap().to_owned();
    assert_eq!(restored(db.rows("RESTORE TABLE t TO SNAPSHOT s").await), "before_restore_1");
    db.run("DROP SNAPSHOT before_restore_1; UPDATE t SET v = 7").await;
    assert_eq!(restored(db.rows("RESTORE TABLE t TO SNAPSHOT s").await), "before_restore_2");
    db.run("ALTER SNAPSHOT before_restore_2 RENAME TO kept; CREATE SNAPSHOT before_restore_3; DELETE FROM t")
        .await;
    db.run("CREATE SNAPSHOT before_restore_18446744073709551614").await;
    assert_eq!(restored(db.rows("RESTORE TABLE t TO SNAPSHOT s").await), "before_restore_4");
    db.run("DELETE FROM t").await;
    assert_eq!(restored(db.rows("RESTORE TABLE t TO SNAPSHOT s").await), "before_restore_5");
    assert_eq!(db.one("SELECT count(*) FROM bygone.snapshots").await, "6");
}
