//! RESTORE in SQL: dry run, report, undoing it, dropped and new tables.

use crate::database::Db;

/// Table `t` changed in every way since snapshot `s`.
async fn damaged() -> Db {
    Db::with(
        "CREATE TABLE t (id INT PRIMARY KEY, v INT);
         INSERT INTO t SELECT value, value * 10 FROM generate_series(1, 10);
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
    let version = db.version();
    let dry = db.rows("RESTORE TABLE t TO SNAPSHOT s DRY RUN").await;
    assert_eq!(counts(&dry), ["t|1|3|2"]);
    assert_eq!(db.version(), version);
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
        "40001"
    );
    assert_eq!(db.one("SELECT count(*) FROM t").await, "10");
}

#[tokio::test]
async fn a_dropped_table_comes_back_with_its_rows() {
    let db = damaged().await;
    db.run("DROP TABLE t").await;
    assert_eq!(counts(&db.rows("RESTORE TABLE t TO SNAPSHOT s").await), ["t|1|3|2"]);
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
