//! SQL over two moments: real flights, a named snapshot, then and now in one query.
//!
//! Run with `cargo run --example 02_sql_with_snapshots`.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;

use arrow::util::pretty::pretty_format_batches;
use bygone::{Database, Session};

const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data");

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let db = Database::memory().await?;
    let session = db.session();
    session.execute(include_str!("schema.sql")).await?;
    for (table, null) in [("airlines", ""), ("flights", ", NULL 'NA'")] {
        session
            .execute(&format!("COPY {table} FROM '{DATA}/{table}.csv' WITH (FORMAT csv, HEADER{null})"))
            .await?;
    }
    session.execute("CREATE SNAPSHOT delivered COMMENT 'as it came'").await?;

    // Somebody cleans up.
    let deleted = session.execute("DELETE FROM flights WHERE dep_time IS NULL").await?;
    assert_eq!(deleted.affected, Some(12));
    session.execute("UPDATE flights SET arr_delay = 0 WHERE arr_delay < 0").await?;

    // A table at a snapshot is one more table: subtract it, join it, count what is gone.
    let before = number(&session, "SELECT count(*) FROM flights AS OF SNAPSHOT delivered").await?;
    let gone = number(
        &session,
        "SELECT (SELECT count(*) FROM flights AS OF SNAPSHOT delivered) - (SELECT count(*) FROM flights)",
    )
    .await?;
    assert_eq!((before, gone), (1_785, 12));

    let report = session
        .query(
            "SELECT a.name AS airline, round(avg(old.arr_delay), 1) AS delivered, round(avg(new.arr_delay), 1) AS now
             FROM flights AS new
             JOIN flights AS OF SNAPSHOT delivered AS old
               ON old.time_hour = new.time_hour AND old.carrier = new.carrier AND old.flight = new.flight
             JOIN airlines AS a ON a.carrier = new.carrier
             GROUP BY a.name ORDER BY now DESC LIMIT 5",
        )
        .await?;
    println!("mean delay on arrival, as delivered and now:\n{}", pretty_format_batches(&report)?);

    let changes = session
        .query(
            "SELECT _change_type AS change, count(*) AS rows FROM table_diff('flights', 'snapshot:delivered', 'latest')
             GROUP BY _change_type ORDER BY _change_type",
        )
        .await?;
    println!("what changed since:\n{}", pretty_format_batches(&changes)?);

    // A whole session in the past: the SQL does not change, and nothing can be written.
    session.execute("SET as_of = 'snapshot:delivered'").await?;
    assert_eq!(number(&session, "SELECT count(*) FROM flights").await?, before);
    let refused = session.execute("DELETE FROM flights").await.expect_err("the past is read-only");
    assert_eq!(refused.sqlstate(), "25006");
    println!("writing to the past: {refused}");

    db.close().await?;
    Ok(())
}

/// The one number a query answers.
async fn number(session: &Session, sql: &str) -> Result<i64, Box<dyn Error>> {
    use arrow::array::AsArray;
    use arrow::datatypes::Int64Type;
    let batches = session.query(sql).await?;
    Ok(batches
        .iter()
        .find(|batch| batch.num_rows() > 0)
        .ok_or("no row")?
        .column(0)
        .as_primitive::<Int64Type>()
        .value(0))
}
