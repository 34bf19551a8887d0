//! Transactions: own writes, savepoints, conflicts, failure.

use crate::database::Db;

async fn table() -> Db {
    Db::with("CREATE TABLE t (id INT PRIMARY KEY, v INT); INSERT INTO t VALUES (1, 10), (2, 20); CREATE SNAPSHOT s").await
}

#[tokio::test]
async fn aggregates_inside_a_transaction_count_its_own_rows() {
    let db = table().await;
    db.run(
        "BEGIN; INSERT INTO t VALUES (3, 30); UPDATE t SET v = 5 WHERE id = 1; DELETE FROM t WHERE id = 2",
    )
    .await;
    assert_eq!(db.one("SELECT count(*), min(v), max(v), sum(id) FROM t").await, "2|5|30|4");
    assert_eq!(db.one("SELECT count(*), min(v), max(v) FROM t AS OF SNAPSHOT s").await, "2|10|20");
    let other = db.sql.session();
    let rows = other.query("SELECT count(*), min(v), max(v) FROM t").await.unwrap();
    assert_eq!(arrow::util::display::array_value_to_string(rows[0].column(2), 0).unwrap(), "20");
    db.run("COMMIT").await;
    assert_eq!(db.one("SELECT count(*), min(v), max(v) FROM t").await, "2|5|30");
}

#[tokio::test]
async fn a_failed_statement_fails_the_transaction_until_it_ends() {
    let db = table().await;
    db.run("BEGIN; INSERT INTO t VALUES (3, 30)").await;
    assert_eq!(db.state("INSERT INTO t VALUES (1, 0)").await, "23505");
    assert_eq!(db.state("SELECT 1").await, "25P02");
    assert!(db.session.in_transaction());
    assert_eq!(db.tag("COMMIT").await, "ROLLBACK");
    assert!(!db.session.in_transaction());
    assert_eq!(db.one("SELECT count(*) FROM t").await, "2");
}

#[tokio::test]
async fn a_savepoint_takes_back_what_came_after_it() {
    let db = table().await;
    db.run("BEGIN; INSERT INTO t VALUES (3, 30); SAVEPOINT a; DELETE FROM t").await;
    assert_eq!(db.one("SELECT count(*) FROM t").await, "0");
    assert_eq!(db.state("SELECT nothing FROM t").await, "42703");
    db.run("ROLLBACK TO a; INSERT INTO t VALUES (4, 40); RELEASE a; COMMIT").await;
    assert_eq!(db.rows("SELECT id FROM t ORDER BY id").await, ["1", "2", "3", "4"]);
    assert_eq!(db.state("SAVEPOINT a").await, "25P01");
}

#[tokio::test]
async fn the_first_committer_wins() {
    let db = table().await;
    let other = db.sql.session();
    db.run("BEGIN; UPDATE t SET v = 11 WHERE id = 1").await;
    other.execute("UPDATE t SET v = 12 WHERE id = 1").await.unwrap();
    assert_eq!(db.state("COMMIT").await, "40001");
    assert_eq!(db.one("SELECT v FROM t WHERE id = 1").await, "12");
    assert!(!db.session.in_transaction());
}

#[tokio::test]
async fn a_transaction_reads_one_moment() {
    let db = table().await;
    let other = db.sql.session();
    db.run("BEGIN").await;
    assert_eq!(db.one("SELECT count(*) FROM t").await, "2");
    other.execute("INSERT INTO t VALUES (9, 90); CREATE TABLE u (a INT)").await.unwrap();
    assert_eq!(db.one("SELECT count(*) FROM t").await, "2");
    assert_eq!(db.state("SELECT * FROM u").await, "42P01");
    db.run("ROLLBACK").await;
    assert_eq!(db.one("SELECT count(*) FROM t").await, "3");
    db.run("BEGIN READ ONLY").await;
    assert_eq!(db.state("DELETE FROM t").await, "25006");
}

#[tokio::test]
async fn definitions_belong_to_the_transaction() {
    let db = table().await;
    db.run("BEGIN; CREATE TABLE u (a INT PRIMARY KEY); INSERT INTO u VALUES (1), (2); DROP TABLE t").await;
    assert_eq!(db.one("SELECT count(*) FROM u").await, "2");
    assert_eq!(db.state("SELECT * FROM t").await, "42P01");
    db.run("ROLLBACK").await;
    assert_eq!(db.state("SELECT * FROM u").await, "42P01");
    assert_eq!(db.one("SELECT count(*) FROM t").await, "2");
    db.run("BEGIN; CREATE TABLE u (a INT PRIMARY KEY); INSERT INTO u VALUES (1); COMMIT").await;
    assert_eq!(db.one("SELECT count(*) FROM u").await, "1");
    for statement in ["CREATE SNAPSHOT x", "RESTORE TABLE t TO SNAPSHOT s", "BEGIN"] {
        db.run("BEGIN").await;
        assert_eq!(db.state(statement).await, "25001", "{statement}");
        db.run("ROLLBACK").await;
    }
}

#[tokio::test]
async fn a_dropped_statement_fails_its_transaction_and_leaves_nothing_outside_one() {
    let db = table().await;
    db.run("BEGIN").await;
    {
        let mut statement = Box::pin(
            db.session.execute("INSERT INTO t SELECT value, 0 FROM generate_series(100, 90000) AS s(value)"),
        );
        let waker = futures::task::noop_waker();
        let mut context = std::task::Context::from_waker(&waker);
        let _ = std::future::Future::poll(statement.as_mut(), &mut context);
    }
    let state = match db.session.execute("SELECT count(*) FROM t").await {
        Ok(_) => "00000",
        Err(error) => error.sqlstate(),
    };
    assert!(matches!(state, "25P02" | "00000"), "{state}");
    db.run("ROLLBACK").await;
    assert_eq!(db.one("SELECT count(*) FROM t").await, "2");
}

#[tokio::test]
async fn commits_carry_author_message_and_what_was_done() {
    let db = table().await;
    db.run("SET commit_author = 'ann'; SET commit_message = 'closing'; UPDATE t SET v = 0").await;
    assert_eq!(
        db.rows("SELECT author, message, statement, tables FROM bygone.commits LIMIT 1").await,
        ["ann|closing|UPDATE 2|t"]
    );
    assert!(db.rows("SHOW HISTORY FOR t").await.len() >= 2);
}

#[tokio::test]
async fn rows_of_a_table_that_the_same_transaction_created_and_dropped_are_not_kept() {
    let db = Db::with("CREATE TABLE kept (a INT); INSERT INTO kept VALUES (1)").await;
    db.run("BEGIN; CREATE TABLE t (a INT); INSERT INTO t VALUES (1); INSERT INTO kept VALUES (2); DROP TABLE t; COMMIT")
        .await;
    assert_eq!(db.one("SELECT count(*) FROM kept").await, "2");
    db.engine.flush().await.expect("flushes");
    let user = db.engine.stats().keyspaces.into_iter().filter(|stats| !stats.keyspace.is_system());
    assert_eq!(user.count(), 1);
}
