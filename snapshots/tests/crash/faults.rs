//! Stores that fail and lie, and second writers.

use std::sync::Arc;

use bygone_engine::{
    Durability, Engine, Error as EngineError, Manifest, Root, WriteBatch,
    internals::manifest,
    testing::{FaultStore, ManualClock, SimDisk, StoreFault, env},
};
use bygone_mvcc::{Store, StoreOptions};
use bygone_snapshots::{Result, Snapshots};
use object_store::{ObjectStoreExt, PutPayload, memory::InMemory, path::Path};

use crate::{
    database::{ACCOUNTS, Contents, Database, block_on, engine_error, options, root_on},
    workload::{Run, SMALL},
};

const FAULTS: [StoreFault; 7] = [
    StoreFault::Before,
    StoreFault::After,
    StoreFault::Late(2),
    StoreFault::FalseConflict,
    StoreFault::FalseNotFound,
    StoreFault::Short,
    StoreFault::Flipped,
];

/// Manifests and tables of a closed database, in an object store.
async fn stored() -> (Arc<InMemory>, Contents) {
    let mut run = Run::new(SimDisk::new());
    run.all(SMALL).await;
    run.check().await;
    let store = Arc::new(InMemory::new());
    for (path, _) in run.disk.files() {
        let name = path.strip_prefix("/db").unwrap().to_str().unwrap().to_owned();
        if name.starts_with("manifest/") || name.starts_with("data/") {
            let bytes = PutPayload::from(run.disk.read_file(&path));
            store.put(&Path::from(name), bytes).await.unwrap();
        }
    }
    (store, run.oracle.newest().clone())
}

async fn read(store: &FaultStore) -> Result<Contents> {
    let root = Root::object_store(Arc::new(store.clone()), Path::default());
    let engine = Engine::open_read_only(root, env(&ManualClock::at(1_000), 1), options()).await?;
    let store = Store::open(engine, StoreOptions { read_only: true, ..StoreOptions::default() });
    let snapshots = Snapshots::open(store.clone()).await?;
    let database = Database { store, snapshots };
    let contents = database.contents().await?;
    database.engine().verify().await?;
    Ok(contents)
}

#[test]
fn reads_from_a_faulty_store_fail_or_are_right() {
    block_on(async {
        let (inner, expected) = stored().await;
        let store = FaultStore::new(inner.clone());
        assert_eq!(read(&store).await.unwrap(), expected);
        let requests = store.requests();
        assert!(requests > 10, "{requests} requests");
        let (mut right, mut failed) = (0, 0);
        for n in 1..=requests {
            for fault in FAULTS {
                let store = FaultStore::new(inner.clone());
                store.shuffle_lists(n);
                store.fail(n, fault);
                match read(&store).await {
                    Ok(found) => {
                        assert_eq!(found, expected, "request {n} {fault:?}");
                        right += 1;
                    }
                    Err(error) => {
                        let error = engine_error(&error).expect("an error of the engine");
                        let is_known =
                            matches!(error, EngineError::Unavailable { .. } | EngineError::Corrupt { .. });
                        assert!(is_known, "request {n} {fault:?}: {error}");
                        failed += 1;
                    }
                }
            }
        }
        assert!(right > 0 && failed > 0, "{right} right, {failed} failed");
    });
}

/// `SlateDB` #766: a retry that meets its own object is no fence.
#[test]
fn a_manifest_is_published_once_whatever_the_store_answers() {
    block_on(async {
        for n in 1..=4 {
            for fault in FAULTS {
                let store = FaultStore::new(Arc::new(InMemory::new()));
                let root = Root::object_store(Arc::new(store.clone()), Path::default());
                let ours = Manifest { id: 1, epoch: 1, nonce: 7, ..Manifest::default() };
                store.fail(n, fault);
                let outcome = manifest::publish(&root, &ours).await;
                store.heal();
                // What was to take effect late has done so by now.
                for _ in 0..4 {
                    root.list("").await.unwrap();
                }
                let found = manifest::load_newest(&root).await.unwrap();
                match outcome {
                    Ok(hash) => {
                        assert_eq!(found.map(|found| found.hash), Some(hash), "request {n} {fault:?}");
                    }
                    Err(EngineError::CommitUnknown(_)) => {}
                    Err(error) => panic!("request {n} {fault:?}: {error}"),
                }
            }
        }
    });
}

/// A writer that no lock holds off.
async fn writer(disk: &SimDisk, clock: &Arc<ManualClock>, seed: u64) -> Database {
    disk.release_locks();
    Database::open(root_on(disk), env(clock, seed)).await.unwrap()
}

fn put(key: &str) -> WriteBatch {
    let mut batch = WriteBatch::new();
    batch.put(ACCOUNTS, key.to_owned(), "value");
    batch
}

#[test]
fn a_writer_that_was_taken_over_publishes_and_collects_nothing_more() {
    block_on(async {
        let (disk, clock) = (SimDisk::new(), ManualClock::at(1_000));
        let older = writer(&disk, &clock, 1).await;
        older.write(put("a"), Durability::Sync).await.unwrap();
        let newer = writer(&disk, &clock, 2).await;
        newer.write(put("b"), Durability::Sync).await.unwrap();
        newer.engine().flush().await.unwrap();
        let files = disk.files();
        let is_fenced = |error: &EngineError| matches!(error, EngineError::Fenced { .. });
        assert!(is_fenced(&older.engine().collect().await.unwrap_err()), "it deletes nothing");
        assert!(is_fenced(&older.engine().flush().await.unwrap_err()), "it publishes nothing");
        assert!(older.write(put("c"), Durability::Sync).await.is_err(), "it acknowledges nothing more");
        assert!(
            files.iter().all(|file| disk.files().contains(file)),
            "the newer writer's files are untouched"
        );
        drop(older);
        newer.write(put("d"), Durability::Sync).await.unwrap();
        let mut expected = Contents::default();
        for key in ["a", "b", "d"] {
            expected.apply(&put(key));
        }
        assert_eq!(newer.contents().await.unwrap(), expected);
    });
}

/// What the older writer appends behind the end that the newer one replayed would be lost.
#[test]
fn a_writer_whose_lock_did_not_hold_acknowledges_nothing_after_another_opened() {
    block_on(async {
        for rounds in [0, 12] {
            let (disk, clock) = (SimDisk::new(), ManualClock::at(1_000));
            let older = writer(&disk, &clock, 1).await;
            older.write(put("a"), Durability::Sync).await.unwrap();
            older.write(put("buffered"), Durability::Buffered).await.unwrap();
            let newer = writer(&disk, &clock, 2).await;
            for n in 0..rounds {
                newer.write(put(&format!("b{n}")), Durability::Sync).await.unwrap();
                newer.engine().flush().await.unwrap();
            }
            // The manifests that would tell are gone by now.
            newer.engine().collect().await.unwrap();
            let refused = older.write(put("c"), Durability::Sync).await.unwrap_err();
            assert!(matches!(engine_error(&refused), Some(EngineError::Fenced { .. })), "{refused}");
            assert!(older.engine().sync().await.is_err());
            drop((older, newer));
            let newest = Database::on(&disk.crash(rounds), &clock).await.unwrap();
            assert_eq!(newest.contents().await.unwrap().rows.len() as u64, 2 + rounds);
        }
    });
}

/// `SlateDB` #352, #1622: the name of a manifest that was collected is free again.
#[test]
fn a_stalled_writer_that_creates_a_collected_manifest_again_is_fenced() {
    block_on(async {
        let (disk, clock) = (SimDisk::new(), ManualClock::at(1_000));
        let older = writer(&disk, &clock, 1).await;
        older.write(put("a"), Durability::Sync).await.unwrap();
        let newer = writer(&disk, &clock, 2).await;
        for n in 0..12 {
            newer.write(put(&format!("b{n}")), Durability::Sync).await.unwrap();
            newer.engine().flush().await.unwrap();
        }
        newer.engine().compact().await.unwrap();
        newer.engine().collect().await.unwrap();
        // Creating the manifest succeeds; the listing afterwards tells.
        let outcome = older.engine().set_retention(None, Some(5)).await;
        assert!(matches!(outcome, Err(EngineError::Fenced { .. })), "{outcome:?}");
        assert!(older.write(put("c"), Durability::Sync).await.is_err());
        drop((older, newer));
        let newest = Database::on(&disk.crash(3), &clock).await.unwrap();
        assert_eq!(newest.contents().await.unwrap().rows.len(), 13);
    });
}
