//! SQL and keys with plain Rust values: parameters as tuples, rows as tuples, one value as one value.
//!
//! Run with `cargo run --example 06_values_without_arrow`.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use bygone::{Database, ErrorKind};

#[tokio::main]
async fn main() -> bygone::Result<()> {
    let db = Database::memory().await?;
    let session = db.session();
    session.execute("CREATE TABLE people (id BIGINT PRIMARY KEY, name TEXT NOT NULL, born INT)").await?;

    // Parameters are a tuple; `None` is NULL.
    for (id, name, born) in [(1_i64, "Ada", Some(1815)), (2, "Grace", Some(1906)), (3, "Nobody", None)] {
        session.execute_with("INSERT INTO people VALUES ($1, $2, $3)", (id, name, born)).await?;
    }
    session.execute("CREATE SNAPSHOT before_typo").await?;
    session.execute_with("UPDATE people SET name = $1 WHERE id = $2", ("Garce", 2_i64)).await?;

    // One value, or one row as a tuple.
    let count: i64 = session.query_one("SELECT count(*) FROM people", ()).await?;
    let (name, born): (String, Option<i32>) =
        session.query_one("SELECT name, born FROM people WHERE id = $1", (3_i64,)).await?;
    assert_eq!((count, name.as_str(), born), (3, "Nobody", None));

    // Rows, with values by name. Then and now are two tables of one query.
    let changed = "SELECT new.id, old.name AS was, new.name AS is_now
                   FROM people new JOIN people AS OF SNAPSHOT before_typo old ON old.id = new.id
                   WHERE old.name <> new.name";
    for row in session.query_rows(changed, ()).await? {
        let (id, was): (i64, String) = (row.get("id")?, row.get("was")?);
        println!("{id}: {was} became {}", row.get::<String>("is_now")?);
        assert_eq!((id, was.as_str()), (2, "Grace"));
    }

    // What cannot be is an error with a kind: no row, NULL where a value is wanted, a number that does not
    // fit.
    let nobody = session.query_one::<String>("SELECT name FROM people WHERE id = 9", ()).await;
    assert_eq!(nobody.expect_err("there is no such person").kind(), ErrorKind::NotFound);
    assert_eq!(session.query_optional::<i64>("SELECT id FROM people WHERE id = 9", ()).await?, None);

    // The map of bytes below needs no SQL: ranges as Rust writes them, rows as a stream.
    let visits = db.keyspace("visits").await?;
    for day in ["2026-01-30", "2026-02-01", "2026-02-17"] {
        visits.put(day, "1").await?;
    }
    let mut february = visits.scan("2026-02".."2026-03").await?;
    let mut days = 0;
    while let Some((day, _)) = february.try_next().await? {
        println!("visited on {}", String::from_utf8_lossy(&day));
        days += 1;
    }
    assert_eq!(days, 2);
    drop(february);
    db.close().await
}
