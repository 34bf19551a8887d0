//! Many writers, one invariant: transfers between accounts that conflict, are run again, and never lose a
//! cent.
//!
//! Run with `cargo run --example 05_concurrent_transactions`.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use bygone::{Database, ErrorKind, KeyRange, Keyspace};
use tokio::task::JoinSet;

const ACCOUNTS: u64 = 8;
const OPENING: u64 = 1_000;
const WRITERS: u64 = 4;
const TRANSFERS: u64 = 50;

#[tokio::main]
async fn main() -> bygone::Result<()> {
    let db = Database::memory().await?;
    let accounts = db.keyspace("accounts").await?;
    for number in 0..ACCOUNTS {
        accounts.put(name(number), OPENING.to_string()).await?;
    }
    let opening = db.now();

    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        writers.spawn(transfer_many(db.clone(), accounts.clone(), writer));
    }
    let mut conflicts = 0;
    while let Some(finished) = writers.join_next().await {
        conflicts += finished.expect("a writer does not panic")?;
    }
    println!("{} transfers, {conflicts} of them run again after a conflict", WRITERS * TRANSFERS);

    // Nothing was lost, now or at any moment between.
    assert_eq!(total(&accounts, db.now()).await?, ACCOUNTS * OPENING);
    let commits = accounts.history(name(0)).await?;
    for version in &commits {
        if version.begin > opening {
            assert_eq!(total(&accounts, version.begin).await?, ACCOUNTS * OPENING, "at {}", version.begin);
        }
    }
    println!("the total is {} now and at {} moments before", ACCOUNTS * OPENING, commits.len());
    db.close().await
}

/// Moves one unit at a time along a path of accounts; returns how often it had to try again.
async fn transfer_many(db: Database, accounts: Keyspace, writer: u64) -> bygone::Result<u64> {
    let mut conflicts = 0;
    for step in 0..TRANSFERS {
        let (from, to) = ((writer + step) % ACCOUNTS, (writer + 3 * step + 1) % ACCOUNTS);
        while let Err(error) = transfer(&db, &accounts, from, to).await {
            // Conflict and Locked mean: nothing happened, the same call can succeed.
            if error.kind() != ErrorKind::Conflict {
                return Err(error);
            }
            conflicts += 1;
        }
    }
    Ok(conflicts)
}

async fn transfer(db: &Database, accounts: &Keyspace, from: u64, to: u64) -> bygone::Result<()> {
    if from == to {
        return Ok(());
    }
    let transaction = db.begin();
    let read =
        async |number| transaction.get(accounts, name(number)).await.map(|value| amount(value.as_deref()));
    let (source, target) = (read(from).await?, read(to).await?);
    if source == 0 {
        return Ok(());
    }
    // Other writers get their turn between the reads and the commit.
    tokio::task::yield_now().await;
    transaction.put(accounts, name(from), (source - 1).to_string())?;
    transaction.put(accounts, name(to), (target + 1).to_string())?;
    transaction.commit().await?;
    Ok(())
}

async fn total(accounts: &Keyspace, at: bygone::Timestamp) -> bygone::Result<u64> {
    let rows = accounts.scan_at(KeyRange::all(), at).await?.collect().await?;
    Ok(rows.iter().map(|(_, value)| amount(Some(value))).sum())
}

fn name(number: u64) -> String {
    format!("account {number}")
}

fn amount(value: Option<&[u8]>) -> u64 {
    let text = value.map(String::from_utf8_lossy).unwrap_or_default();
    text.parse().expect("accounts hold numbers")
}
