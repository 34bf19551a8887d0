//! Calls that run in tasks: a future that is `Send` only for some lifetimes cannot be spawned once it is
//! inside of another.

use bygone::{CreateSnapshot, Database, KeyRange, Moment};

async fn written(db: &Database, names: &[String]) {
    for name in names {
        let keyspace = db.keyspace(name).await.expect("creates");
        keyspace.put("a", name.clone()).await.expect("writes");
        db.snapshots().create(CreateSnapshot::database(format!("with {name}"))).await.expect("creates");
    }
    let session = db.session();
    session.execute("CREATE TABLE t (k INT PRIMARY KEY)").await.expect("creates");
    session.query("SELECT count(*) FROM t").await.expect("reads");
}

async fn restored(db: &Database, names: &[String]) -> usize {
    db.restore_all_keyspaces().to("with a").await.expect("finds").run().await.expect("restores");
    db.compact().await.expect("compacts");
    db.maintain().await.expect("collects");
    let keyspace = db.existing_keyspace(&names[0]).await.expect("it is there");
    let rows = keyspace.scan(KeyRange::all()).await.expect("scans").collect().await.expect("reads");
    rows.len() + db.keyspaces(Moment::Now).await.expect("lists").len()
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "a program's own task")]
async fn a_database_is_opened_used_and_restored_in_a_task_by_what_borrows_it() {
    let names = ["a".to_owned(), "b".to_owned()];
    let task = tokio::spawn(async move {
        let db = Database::memory().await.expect("opens");
        written(&db, &names).await;
        let found = restored(&db, &names).await;
        db.close().await.expect("closes");
        found
    });
    assert_eq!(task.await.expect("it ends"), 2);
}
