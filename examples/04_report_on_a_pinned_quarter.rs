//! A report that reads a pinned quarter while bookings go on: every query of it sees the same books, and
//! nobody waits.
//!
//! Run with `cargo run --example 04_report_on_a_pinned_quarter`.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;

use arrow::array::AsArray;
use arrow::datatypes::{Decimal128Type, Int64Type};
use bygone::{Database, Session};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let db = Database::memory().await?;
    let books = db.session();
    books
        .execute(
            "CREATE TABLE ledger (id BIGINT PRIMARY KEY, account TEXT NOT NULL, amount DECIMAL(18, 2) NOT NULL);
             INSERT INTO ledger SELECT value, 'account ' || (value % 10), (value % 997) / 100.0 FROM generate_series(1, 5000) AS s (value);
             CREATE SNAPSHOT q4 FOR TABLE ledger COMMENT 'closing balance'",
        )
        .await?;

    // One session books, the other reports as of the snapshot.
    let report = db.session();
    report.execute("SET as_of = 'snapshot:q4'").await?;
    let (booked, reported) = tokio::join!(book(&books), balances(&report));
    let (booked, reported) = (booked?, reported?);
    println!("{booked} bookings while the report ran");
    for (run, (rows, total)) in reported.iter().enumerate() {
        println!("report {}: {rows} rows, balance {total}", run + 1);
    }
    assert!(reported.windows(2).all(|pair| pair[0] == pair[1]), "a pinned moment never changes its answer");
    assert_eq!(reported[0].0, 5_000);

    // The books moved on all the while.
    let (rows, total) = balance(&books).await?;
    println!("now: {rows} rows, balance {total}");
    assert_eq!(rows, 5_000 + booked);
    db.close().await?;
    Ok(())
}

/// Books 50 entries, one commit each, and corrects an old one now and then.
async fn book(session: &Session) -> bygone::Result<i64> {
    for number in 0..50 {
        let id = 10_000 + number;
        session.execute(&format!("INSERT INTO ledger VALUES ({id}, 'late', 100.00)")).await?;
        if number % 10 == 0 {
            session
                .execute(&format!("UPDATE ledger SET amount = amount + 1 WHERE id = {}", number + 1))
                .await?;
        }
        tokio::task::yield_now().await;
    }
    Ok(50)
}

/// The same report again and again.
async fn balances(session: &Session) -> Result<Vec<(i64, i128)>, Box<dyn Error>> {
    let mut all = Vec::new();
    for _ in 0..5 {
        all.push(balance(session).await?);
        tokio::task::yield_now().await;
    }
    Ok(all)
}

/// Rows and the sum of the amounts, in cents.
async fn balance(session: &Session) -> Result<(i64, i128), Box<dyn Error>> {
    let batches = session.query("SELECT count(*), sum(amount) FROM ledger").await?;
    let batch = batches.iter().find(|batch| batch.num_rows() > 0).ok_or("no row")?;
    Ok((
        batch.column(0).as_primitive::<Int64Type>().value(0),
        batch.column(1).as_primitive::<Decimal128Type>().value(0),
    ))
}
