//! A full disk.

use bygone_engine::{Durability, WriteBatch, testing::SimDisk};
use bygone_snapshots::{CreateSnapshot, Error, Result};

use crate::{
    database::{ACCOUNTS, Database, block_on, engine_error},
    workload::{Oracle, Run},
};

fn is_full(error: &Error) -> bool {
    engine_error(error).is_some_and(bygone_engine::Error::is_full)
}

async fn commit(database: &Database, oracle: &mut Oracle, number: u64, bytes: usize) -> Result<()> {
    let mut batch = WriteBatch::new();
    batch.put(ACCOUNTS, format!("k{:03}", number % 40), format!("{number:08}").repeat(bytes / 8));
    let info = database.write(batch.clone(), Durability::Sync).await?;
    oracle.committed(info.timestamp, &batch, true);
    Ok(())
}

/// Fills the disk to `room` bytes beyond what a small database uses, makes room again, and goes on.
async fn fill(room: u64) {
    let run = Run::new(SimDisk::new());
    let (disk, clock) = (run.disk.clone(), run.clock.clone());
    let mut oracle = Oracle::new();
    let database = Database::on(&disk, &clock).await.unwrap();
    let mut number = 0;
    for _ in 0..10 {
        number += 1;
        commit(&database, &mut oracle, number, 64).await.unwrap();
    }
    disk.set_capacity(Some(disk.used() + room));
    // 1. Commits go on until the disk is full; then they say so.
    let error = loop {
        number += 1;
        clock.advance(1);
        match commit(&database, &mut oracle, number, 400).await {
            Ok(()) => assert!(number < 10_000, "a disk of {room} more bytes is full at last"),
            Err(error) => break error,
        }
    };
    assert!(is_full(&error), "room={room}: {error}");
    // 2. Everything else that needs room says so too, and reads go on.
    for error in [
        database.engine().compact().await.map_err(Error::from),
        database.snapshots.create(CreateSnapshot::database(format!("s{room}"))).await.map(drop),
    ]
    .into_iter()
    .filter_map(Result::err)
    {
        assert!(is_full(&error), "room={room}: {error}");
    }
    for name in database.snapshots.list().await.unwrap() {
        database.snapshots.drop_snapshot(&name.name).await.unwrap_or_else(|error| assert!(is_full(&error)));
    }
    let found = database.contents().await.unwrap();
    assert_eq!(found.rows, oracle.newest().rows, "room={room}: reads on a full disk");
    // 3. With room again the same handle writes on.
    disk.set_capacity(None);
    for snapshot in database.snapshots.list().await.unwrap() {
        database.snapshots.drop_snapshot(&snapshot.name).await.unwrap();
    }
    for _ in 0..12 {
        number += 1;
        clock.advance(1);
        commit(&database, &mut oracle, number, 400).await.unwrap();
    }
    database.engine().compact().await.unwrap();
    drop(database);
    // 4. Nothing acknowledged is lost.
    let database = Database::on(&disk.crash(room), &clock).await.unwrap();
    oracle.check(&database).await.unwrap();
}

#[test]
fn a_full_disk_fails_commits_with_a_clear_error_and_loses_nothing() {
    // Full at the log, at a rotation, at a table, at a manifest: whatever comes at so many bytes.
    for room in (0..24_000).step_by(331) {
        block_on(fill(room));
    }
}
