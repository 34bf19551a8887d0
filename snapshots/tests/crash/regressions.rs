//! Mistakes that were made once, here or elsewhere, each by name.

use std::{collections::BTreeSet, sync::Arc};

use bygone_engine::{
    Durability, Engine, EngineOptions, Error as EngineError, IngestOptions, Root, Scope, Timestamp,
    WriteBatch,
    internals::manifest,
    testing::{ManualClock, SimDisk, env},
};
use bygone_mvcc::Error as StoreError;
use bygone_snapshots::{
    CreateSnapshot,
    restore::{self, RestorePlan, RestoreRequest, SafetySnapshot},
};

use crate::database::{ACCOUNTS, Contents, Database, ORDERS, block_on, options, root_on, table};

fn put(key: &str, value: &str) -> WriteBatch {
    let mut batch = WriteBatch::new();
    batch.put(ACCOUNTS, key.to_owned(), value.to_owned());
    batch
}

fn accounts(rows: &[(&str, &str)]) -> Contents {
    let mut contents = Contents::default();
    for (key, value) in rows {
        contents.apply(&put(key, value));
    }
    contents
}

async fn fresh() -> (SimDisk, Arc<ManualClock>, Database) {
    let (disk, clock) = (SimDisk::new(), ManualClock::at(1_000));
    let database = Database::on(&disk, &clock).await.unwrap();
    (disk, clock, database)
}

/// An empty memtable was taken for proof that nothing newer lay below it.
#[test]
fn a_conflict_is_seen_when_the_other_commit_was_flushed_in_between() {
    block_on(async {
        let (disk, clock, database) = fresh().await;
        database.write(put("k", "1"), Durability::Sync).await.unwrap();
        for reopen in [false, true] {
            let transaction = database.store.begin();
            transaction.put(ACCOUNTS, "k", "mine").unwrap();
            clock.advance(5);
            database.write(put("k", "theirs"), Durability::Sync).await.unwrap();
            database.engine().flush().await.unwrap();
            let outcome = transaction.commit(Durability::Sync).await;
            assert!(matches!(outcome, Err(StoreError::Conflict { .. })), "reopen={reopen}: {outcome:?}");
        }
        drop(database);
        let database = Database::on(&disk, &clock).await.unwrap();
        assert_eq!(database.contents().await.unwrap(), accounts(&[("k", "theirs")]));
    });
}

/// A background compaction outlived the handles, whose drop had released the pins.
#[test]
fn dropping_the_registry_does_not_unpin_snapshots() {
    block_on(async {
        let (disk, clock, database) = fresh().await;
        database.write(put("k", "old"), Durability::Sync).await.unwrap();
        database.snapshots.create(CreateSnapshot::database("s")).await.unwrap();
        clock.advance(1_000);
        database.write(put("k", "new"), Durability::Sync).await.unwrap();
        clock.advance(1_000);
        database.write(put("other", "1"), Durability::Sync).await.unwrap();
        let Database { store, snapshots } = database;
        drop(snapshots);
        store.engine().compact().await.unwrap();
        store.engine().close().await.unwrap();
        drop(store);
        let database = Database::on(&disk, &clock).await.unwrap();
        assert_eq!(database.contents().await.unwrap().snapshots["s"], accounts(&[("k", "old")]).rows);
    });
}

#[test]
fn opening_and_closing_again_and_again_leaves_no_log_behind() {
    block_on(async {
        let (disk, clock, database) = fresh().await;
        database.write(put("k", "1"), Durability::Sync).await.unwrap();
        database.engine().close().await.unwrap();
        drop(database);
        for _ in 0..20 {
            let database = Database::on(&disk, &clock).await.unwrap();
            database.engine().close().await.unwrap();
        }
        let segments = disk.files().iter().filter(|(path, _)| path.starts_with("/db/wal")).count();
        assert!(segments <= 2, "{segments} log segments are left");
    });
}

/// The commit that fills the memtable has happened even if the log cannot go on in a new segment.
#[test]
fn a_commit_that_fills_the_memtable_is_acknowledged_when_the_log_has_no_room_to_rotate() {
    block_on(async {
        let (disk, clock, database) = fresh().await;
        disk.set_capacity(Some(disk.used()));
        let value = "x".repeat(options().memtable_bytes);
        database.write(put("k", &value), Durability::Sync).await.unwrap();
        disk.set_capacity(None);
        database.write(put("l", "1"), Durability::Sync).await.unwrap();
        drop(database);
        let database = Database::on(&disk.crash(0), &clock).await.unwrap();
        assert_eq!(database.contents().await.unwrap(), accounts(&[("k", &value), ("l", "1")]));
    });
}

/// A snapshot whose commit ended in doubt may be there after reopening: what it shows must not have been
/// collected.
#[test]
fn nothing_is_collected_after_a_commit_that_ended_in_doubt() {
    block_on(async {
        let (disk, clock, database) = fresh().await;
        database.write(put("k", "old"), Durability::Sync).await.unwrap();
        clock.advance(1_000);
        // The second operation of a commit is the sync: it takes effect and fails.
        disk.fail_after(disk.operations() + 2);
        assert!(database.snapshots.create(CreateSnapshot::database("s")).await.is_err());
        assert!(database.engine().compact().await.is_err(), "no compaction without knowing the pins");
        assert!(database.engine().collect().await.is_err(), "no collection either");
        assert!(database.write(put("k", "new"), Durability::Sync).await.is_err());
        drop(database);
        let database = Database::on(&disk, &clock).await.unwrap();
        assert_eq!(database.contents().await.unwrap().snapshots["s"], accounts(&[("k", "old")]).rows);
    });
}

/// `RocksDB` #10573.
#[test]
fn the_first_commits_of_a_new_database_survive_a_power_loss() {
    block_on(async {
        let (disk, clock, database) = fresh().await;
        database.write(put("k", "1"), Durability::Sync).await.unwrap();
        for seed in 0..64 {
            let database = Database::on(&disk.crash(seed), &clock).await.unwrap();
            assert_eq!(database.contents().await.unwrap(), accounts(&[("k", "1")]), "seed {seed}");
        }
    });
}

/// `RocksDB` #10560.
#[test]
fn recovery_leaves_no_hole_between_buffered_commits() {
    block_on(async {
        let (disk, clock, database) = fresh().await;
        for n in 0..12 {
            let value = "v".repeat(40 + 23 * n);
            database.write(put(&format!("k{n:02}"), &value), Durability::Buffered).await.unwrap();
        }
        let mut found = BTreeSet::new();
        for seed in 0..200 {
            let database = Database::on(&disk.crash(seed), &clock).await.unwrap();
            let rows = database.contents().await.unwrap().rows;
            let keys: Vec<_> = rows.keys().map(|(_, key)| key.clone()).collect();
            let expected: Vec<_> = (0..keys.len()).map(|n| format!("k{n:02}")).collect();
            assert_eq!(keys, expected, "seed {seed}: a prefix of the commits");
            found.insert(keys.len());
        }
        assert!(found.len() > 3, "the crashes cut at different places: {found:?}");
    });
}

/// `SlateDB` #604: an upload that is under way is no garbage.
#[test]
fn collection_leaves_a_load_that_is_under_way_alone() {
    block_on(async {
        let (disk, clock, database) = fresh().await;
        let lock = database.store.lock_exclusive(&[ACCOUNTS], "a load", 0).await.unwrap();
        let mut ingest = database.engine().ingest(ACCOUNTS, IngestOptions::default());
        let mut expected = Contents::default();
        for n in 0..200 {
            let (key, value) = (format!("k{n:03}"), format!("{n}").repeat(20));
            ingest.push(key.as_bytes(), Some(value.as_bytes())).await.unwrap();
            expected.apply(&put(&key, &value));
            if n % 40 == 0 {
                database.engine().collect().await.unwrap();
            }
        }
        let run = ingest.finish().await.unwrap();
        database.engine().collect().await.unwrap();
        let commit = bygone_mvcc::ExclusiveCommit { runs: vec![run], ..Default::default() };
        database.store.commit_exclusive(&lock, commit).await.unwrap();
        database.engine().collect().await.unwrap();
        assert_eq!(database.contents().await.unwrap(), expected);
        drop(database);
        let database = Database::on(&disk, &clock).await.unwrap();
        assert_eq!(database.contents().await.unwrap(), expected);
    });
}

/// A load that was given up removes its files; what one leaves whose process was killed the collector takes,
/// and nothing else.
#[test]
fn files_of_a_load_that_was_given_up_are_collected() {
    block_on(async {
        let (disk, clock, database) = fresh().await;
        let mut ingest = database.engine().ingest(ACCOUNTS, IngestOptions::default());
        for n in 0..200 {
            ingest.push(format!("k{n:03}").as_bytes(), Some(&[7; 40])).await.unwrap();
        }
        let left =
            |disk: &SimDisk| disk.files().iter().filter(|(path, _)| path.starts_with("/db/data")).count();
        let killed = disk.copy();
        assert!(left(&killed) > 0, "the load writes files before it is finished");
        drop(ingest);
        assert_eq!(left(&disk), 0, "nothing references a file");
        let database = Database::on(&killed, &clock).await.unwrap();
        assert!(database.engine().collect().await.unwrap().objects > 0);
        assert_eq!(left(&killed), 0, "nothing references a file");
    });
}

/// `SlateDB` #1367.
#[test]
fn versions_of_one_key_are_never_split_over_two_files() {
    block_on(async {
        let clock = ManualClock::at(1_000);
        let root = Root::memory();
        let options = EngineOptions { table_bytes: 1 << 10, retention_us: u64::MAX, ..options() };
        let database = Database::open_with(root.clone(), env(&clock, 1), options).await.unwrap();
        for n in 0..400 {
            clock.advance(1);
            let key = format!("k{:03}", n % 5);
            database.write(put(&key, &n.to_string().repeat(30)), Durability::Sync).await.unwrap();
        }
        database.engine().compact().await.unwrap();
        let newest = manifest::load_newest(&root).await.unwrap().unwrap().manifest;
        let mut files = 0;
        for run in
            newest.keyspaces.values().flat_map(|keyspace| keyspace.runs().chain(keyspace.history_runs()))
        {
            files += run.files.len();
            for pair in run.files.windows(2) {
                assert!(pair[0].max_key < pair[1].min_key, "a key is in one file of a run");
            }
        }
        assert!(files >= 5, "{files} files");
    });
}

#[test]
fn nothing_is_dropped_while_the_snapshots_cannot_be_read() {
    block_on(async {
        let (disk, clock, database) = fresh().await;
        database.write(put("k", "old"), Durability::Sync).await.unwrap();
        database.snapshots.create(CreateSnapshot::database("s")).await.unwrap();
        clock.advance(1_000);
        database.write(put("k", "new"), Durability::Sync).await.unwrap();
        drop(database);
        clock.advance(1_000);
        // An engine whose layers above could not read the snapshots: maintenance was never started.
        let engine = Engine::open(root_on(&disk), env(&clock, 3), options()).await.unwrap();
        engine.compact().await.unwrap();
        engine.collect().await.unwrap();
        engine.close().await.unwrap();
        drop(engine);
        let database = Database::on(&disk, &clock).await.unwrap();
        assert_eq!(database.contents().await.unwrap().snapshots["s"], accounts(&[("k", "old")]).rows);
    });
}

#[test]
fn two_snapshots_of_one_moment_are_dropped_one_at_a_time() {
    block_on(async {
        let (_disk, clock, database) = fresh().await;
        let at = database.write(put("k", "old"), Durability::Sync).await.unwrap().timestamp;
        for name in ["a", "b"] {
            let request = CreateSnapshot { at: Some(at), ..CreateSnapshot::database(name) };
            database.snapshots.create(request).await.unwrap();
        }
        clock.advance(1_000);
        database.write(put("k", "new"), Durability::Sync).await.unwrap();
        clock.advance(1_000);
        database.snapshots.drop_snapshot("a").await.unwrap();
        database.engine().compact().await.unwrap();
        assert_eq!(database.contents().await.unwrap().snapshots["b"], accounts(&[("k", "old")]).rows);
    });
}

/// Databend #20436.
#[test]
fn collection_after_a_restore_keeps_what_was_restored() {
    block_on(async {
        let (disk, clock, database) = fresh().await;
        for n in 0..60 {
            let batch = put(&format!("k{n:02}"), &n.to_string().repeat(30));
            database.write(batch, Durability::Sync).await.unwrap();
        }
        let before = database.contents().await.unwrap();
        let at = database.snapshots.create(CreateSnapshot::database("s")).await.unwrap().into_snapshot().at;
        for n in 0..60 {
            clock.advance(10);
            let mut batch = WriteBatch::new();
            batch.delete(ACCOUNTS, format!("k{n:02}"));
            database.write(batch, Durability::Sync).await.unwrap();
        }
        database.engine().compact().await.unwrap();
        let targets = vec![table("accounts", ACCOUNTS), table("orders", ORDERS)];
        let request = RestoreRequest {
            safety: SafetySnapshot::None,
            ..RestoreRequest::new(RestorePlan::of_kept(targets, at))
        };
        restore::run(&database.snapshots, request).await.unwrap();
        database.snapshots.drop_snapshot("s").await.unwrap();
        clock.advance(10_000);
        database.engine().compact().await.unwrap();
        database.engine().collect().await.unwrap();
        assert_eq!(database.contents().await.unwrap(), before);
        drop(database);
        let database = Database::on(&disk.crash(1), &clock).await.unwrap();
        assert_eq!(database.contents().await.unwrap(), before);
        database.engine().verify().await.unwrap();
    });
}

/// `ClickHouse`: after a publication with unknown outcome its files may be live.
#[test]
fn nothing_is_cleaned_up_after_a_publication_with_unknown_outcome() {
    block_on(async {
        let (disk, clock, database) = fresh().await;
        database.write(put("k", "1"), Durability::Sync).await.unwrap();
        // The manifest's directory is synced last.
        let mut unknown = 0;
        for n in 1..60 {
            let copy = disk.copy();
            let database = Database::on(&copy, &clock).await.unwrap();
            copy.fail_at(copy.operations() + n);
            if let Err(EngineError::CommitUnknown(_)) = database.engine().compact().await {
                unknown += 1;
                assert!(database.engine().collect().await.is_err(), "call {n}");
            }
            drop(database);
            copy.heal();
            let database = Database::on(&copy, &clock).await.unwrap();
            assert_eq!(database.contents().await.unwrap(), accounts(&[("k", "1")]), "call {n}");
        }
        assert!(unknown > 0, "some call leaves the outcome unknown");
    });
}

#[test]
fn scans_and_transactions_that_are_dropped_leave_no_pin() {
    block_on(async {
        let (_disk, _clock, database) = fresh().await;
        database.write(put("k", "1"), Durability::Sync).await.unwrap();
        let transaction = database.store.begin();
        let view = database.store.view_now();
        let scan = view
            .scan(ACCOUNTS, bygone_engine::KeyRange::all(), bygone_engine::ScanOptions::default())
            .unwrap();
        assert!(database.engine().oldest_pin().is_some());
        drop((transaction, view, scan));
        assert_eq!(database.engine().oldest_pin(), None);
    });
}

#[test]
fn a_clock_that_jumps_back_or_forward_keeps_commits_in_order() {
    block_on(async {
        let (disk, clock, database) = fresh().await;
        let first = database.write(put("k", "1"), Durability::Sync).await.unwrap().timestamp;
        clock.set(1 << 50);
        let far = database.write(put("k", "2"), Durability::Sync).await.unwrap().timestamp;
        clock.set(5);
        let back = database.write(put("k", "3"), Durability::Sync).await.unwrap().timestamp;
        assert!(first < far && far < back);
        drop(database);
        let database = Database::on(&disk.crash(2), &clock).await.unwrap();
        let after = database.write(put("k", "4"), Durability::Sync).await.unwrap().timestamp;
        assert!(back < after);
        let view = database.engine().view(far, Scope::Database).unwrap();
        assert_eq!(view.get(ACCOUNTS, b"k").await.unwrap().as_deref(), Some(&b"2"[..]));
        assert!(matches!(database.store.view_at(Timestamp::LAST).await, Err(StoreError::Future { .. })));
    });
}

/// The clock was lifted above what had been read in memory only.
#[test]
fn an_answer_at_an_explicit_moment_stands_when_the_clock_goes_back_over_a_crash() {
    block_on(async {
        let (disk, clock, database) = fresh().await;
        database.write(put("k", "1"), Durability::Sync).await.unwrap();
        clock.set(9_000);
        let asked = Timestamp::from_micros(8_000);
        let answer = database.rows_at(asked).await.unwrap();
        let compared = database.store.view_present().await.unwrap().timestamp();
        clock.set(2_000);
        let database = Database::on(&disk.crash(3), &clock).await.unwrap();
        let after = database.write(put("k", "2"), Durability::Sync).await.unwrap().timestamp;
        assert!(after > asked && after > compared, "{after} was read before");
        assert_eq!(database.rows_at(asked).await.unwrap(), answer);
    });
}

#[test]
fn a_moment_that_the_log_knows_of_is_read_without_writing() {
    block_on(async {
        let (disk, clock, database) = fresh().await;
        let at = database.write(put("k", "1"), Durability::Sync).await.unwrap().timestamp;
        clock.set(9_000);
        let before = disk.operations();
        database.rows_at(at).await.unwrap();
        assert_eq!(disk.operations(), before);
        database.rows_at(Timestamp::from_micros(8_000)).await.unwrap();
        assert!(disk.operations() > before);
        let written = disk.operations();
        database.rows_at(Timestamp::from_micros(8_500)).await.unwrap();
        assert_eq!(disk.operations(), written, "the watermark before covers it");
    });
}

#[test]
fn watermarks_alone_do_not_grow_the_log_without_bound() {
    block_on(async {
        let (disk, clock, database) = fresh().await;
        for at in 2_000..3_000 {
            clock.set(at);
            database.rows_at(Timestamp::from_micros(at)).await.unwrap();
        }
        database.engine().wait_for_room().await.unwrap();
        let files = disk.files();
        let log: Vec<_> = files.iter().filter(|(path, _)| path.starts_with("/db/wal")).collect();
        assert!(log.len() <= 2, "{log:?}");
        let bytes: u64 = log.iter().map(|(_, bytes)| bytes).sum();
        assert!(bytes <= 5 * options().memtable_bytes as u64, "{log:?}");
        drop(database);
        let database = Database::on(&disk, &clock).await.unwrap();
        assert!(database.engine().last_timestamp() >= Timestamp::from_micros(2_999));
    });
}
