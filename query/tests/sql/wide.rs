//! Tables as wide as they can be, and wider.

use crate::database::Db;

fn columns(count: usize) -> String {
    (1..count).fold("id BIGINT PRIMARY KEY".to_owned(), |text, number| format!("{text}, c{number} INTEGER"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_of_as_many_columns_as_there_may_be_is_written_compacted_and_read() {
    let db = Db::with(&format!("CREATE TABLE w ({})", columns(4_095))).await;
    db.run("INSERT INTO w (id, c1, c4094) VALUES (1, 2, 3), (2, NULL, 4)").await;
    db.run("CALL flush()").await;
    db.run("CREATE SNAPSHOT s").await;
    db.run("DELETE FROM w WHERE id = 2").await;
    db.run("CALL flush()").await;
    for _ in 0..2 {
        assert_eq!(db.rows("SELECT id, c1, c2, c4094 FROM w").await, ["1|2|∅|3"]);
        let past = "SELECT id, c1, c4094 FROM w AS OF SNAPSHOT s ORDER BY id";
        assert_eq!(db.rows(past).await, ["1|2|3", "2|∅|4"]);
        db.run("CALL compact()").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_columns_than_there_may_be_are_refused_before_there_is_a_table() {
    let db = Db::with("CREATE TABLE narrow (id BIGINT PRIMARY KEY)").await;
    for width in [4_096, 4_097, 4_102, 10_000] {
        assert_eq!(db.state(&format!("CREATE TABLE w ({})", columns(width))).await, "54000", "{width}");
        // Nothing has taken the name.
        db.run("CREATE TABLE w (id BIGINT PRIMARY KEY)").await;
        db.run("INSERT INTO w VALUES (1)").await;
        db.run("DROP TABLE w").await;
    }
    let selected: Vec<String> = (0..4_096).map(|number| format!("{number} AS c{number}")).collect();
    let query = format!("SELECT {}", selected.join(", "));
    assert_eq!(db.state(&format!("CREATE TABLE w AS {query}")).await, "54000");
    assert_eq!(db.rows("SELECT count(*) FROM narrow").await, ["0"]);
}
