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

fn table_bytes(disk: &SimDisk) -> u64 {
    disk.files().iter().filter(|(path, _)| path.starts_with("/db/data")).map(|(_, len)| len).sum()
}

/// A database of which most is the past of a snapshot, closed, on a disk with `room` more bytes.
async fn emptied(room: u64) {
    let run = Run::new(SimDisk::new());
    let (disk, clock) = (run.disk.clone(), run.clock.clone());
    let mut oracle = Oracle::new();
    let database = Database::on(&disk, &clock).await.unwrap();
    for number in 0..120 {
        clock.advance(10);
        commit(&database, &mut oracle, number, 400).await.unwrap();
        if number == 59 {
            database.snapshots.create(CreateSnapshot::database("past")).await.unwrap();
        }
    }
    database.engine().compact().await.unwrap();
    database.engine().close().await.unwrap();
    drop(database);
    let before = table_bytes(&disk);
    disk.set_capacity(Some(disk.used() + room));
    // 1. It opens, as often as one likes.
    for _ in 0..3 {
        let database = Database::on(&disk, &clock).await.unwrap();
        assert_eq!(database.contents().await.unwrap().rows, oracle.newest().rows, "room={room}");
        database.engine().close().await.unwrap();
    }
    // 2. What makes room works.
    let database = Database::on(&disk, &clock).await.unwrap();
    clock.advance(1_000);
    database.snapshots.drop_snapshot("past").await.unwrap();
    clock.advance(1_000);
    commit(&database, &mut oracle, 1, 64).await.unwrap();
    clock.advance(1_000);
    database.engine().compact().await.unwrap();
    database.engine().collect().await.unwrap();
    let after = table_bytes(&disk);
    assert!(after * 2 < before, "room={room}: {before} bytes became {after}");
    // 3. And there is room.
    for number in 0..20 {
        clock.advance(10);
        commit(&database, &mut oracle, number, 100).await.unwrap();
    }
    database.engine().close().await.unwrap();
    drop(database);
    let database = Database::on(&disk.crash(room), &clock).await.unwrap();
    oracle.check(&database).await.unwrap();
}

#[test]
fn a_disk_without_a_free_byte_is_emptied_by_dropping_and_collecting() {
    for room in [0, 1, 500, 1_000, 4_000, 4_096, 10_000, 16_383, 16_384, 40_000, 200_000] {
        block_on(emptied(room));
    }
}

/// The disk is filled by somebody else while the database is open.
#[test]
fn an_open_database_gives_the_room_that_its_log_reserved_to_what_makes_room() {
    block_on(async {
        let run = Run::new(SimDisk::new());
        let (disk, clock) = (run.disk.clone(), run.clock.clone());
        let mut oracle = Oracle::new();
        let database = Database::on(&disk, &clock).await.unwrap();
        for number in 0..60 {
            clock.advance(10);
            commit(&database, &mut oracle, number, 100).await.unwrap();
        }
        database.engine().flush().await.unwrap();
        database.engine().start_maintenance();
        commit(&database, &mut oracle, 1, 64).await.unwrap();
        disk.set_capacity(Some(disk.used()));
        database.engine().flush().await.unwrap();
        database.engine().compact().await.unwrap();
        database.engine().collect().await.unwrap();
        commit(&database, &mut oracle, 2, 64).await.unwrap();
        database
            .engine()
            .drop_keyspace(crate::database::ORDERS, database.engine().last_timestamp())
            .await
            .unwrap();
        database.engine().close().await.unwrap();
        drop(database);
        let database = Database::on(&disk, &clock).await.unwrap();
        oracle.check(&database).await.unwrap();
    });
}

/// No room for anything at all: the log keeps what was committed.
#[test]
fn closing_on_a_full_disk_is_no_error_after_a_commit_that_succeeded() {
    for room in (0..6_000).step_by(250) {
        block_on(async {
            let run = Run::new(SimDisk::new());
            let (disk, clock) = (run.disk.clone(), run.clock.clone());
            let mut oracle = Oracle::new();
            // The log takes nothing ahead.
            disk.set_capacity(Some(12_000 + room));
            let database = Database::on(&disk, &clock).await.unwrap();
            let mut number = 0;
            while commit(&database, &mut oracle, number, 200).await.is_ok() {
                number += 1;
            }
            database.engine().close().await.unwrap();
            drop(database);
            let database = Database::on(&disk.crash(room), &clock).await;
            match database {
                Ok(database) => oracle.check(&database).await.unwrap(),
                Err(error) => {
                    assert!(is_full(&error), "room={room}: {error}");
                    disk.set_capacity(None);
                    let database = Database::on(&disk, &clock).await.unwrap();
                    oracle.check(&database).await.unwrap();
                }
            }
        });
    }
}
