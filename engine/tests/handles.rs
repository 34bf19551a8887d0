//! Many files and few handles.

use bygone_engine::{
    Durability, Engine, EngineOptions, Error, IngestOptions, KeyRange, KeyspaceId, Root, ScanOptions, Scope,
    StampedBatch, Timestamp, WriteBatch,
    testing::{ManualClock, SimDisk, env},
};

const TABLES: u64 = 60;

fn table(number: u64) -> KeyspaceId {
    KeyspaceId::new((1 << 20) + number)
}

fn options(open_files_max: usize) -> EngineOptions {
    EngineOptions { open_files_max, memtable_bytes: 1 << 20, retention_us: 0, ..EngineOptions::tiny() }
}

async fn open(disk: &SimDisk, clock: &std::sync::Arc<ManualClock>, open_files_max: usize) -> Engine {
    let root = Root::local(disk.shared(), "/db");
    Engine::open(root, env(clock, disk.operations() + 1), options(open_files_max)).await.unwrap()
}

async fn put(engine: &Engine, clock: &ManualClock, fill: u64) {
    let mut batch = WriteBatch::new();
    for number in 0..TABLES {
        batch.put(table(number), "k", format!("{number}/{fill}"));
    }
    clock.advance(10);
    let at = Timestamp::from_micros(clock_now(engine) + 10);
    clock.set(at.as_micros());
    engine.append(&[StampedBatch { at, batch: &batch }], Durability::Sync).await.unwrap();
}

fn clock_now(engine: &Engine) -> u64 {
    engine.last_timestamp().as_micros()
}

fn files(disk: &SimDisk) -> usize {
    disk.files().iter().filter(|(path, _)| path.starts_with("/db/data")).count()
}

#[tokio::test]
async fn any_number_of_tables_is_written_and_read_with_few_handles() {
    let (disk, clock) = (SimDisk::new(), ManualClock::at(1_000));
    for limit in [1, 2, 7, 1_000] {
        let engine = open(&disk, &clock, limit).await;
        engine.start_maintenance();
        for round in 0..3 {
            put(&engine, &clock, round).await;
            engine.flush().await.unwrap();
            assert!(engine.stats().open_files <= limit as u64);
        }
        engine.compact().await.unwrap();
        for number in 0..TABLES {
            let view = engine.view_newest(Scope::Database);
            let value = view.get(table(number), b"k").await.unwrap();
            assert_eq!(value.as_deref(), Some(format!("{number}/2").as_bytes()));
            assert!(engine.stats().open_files <= limit as u64, "limit {limit}");
        }
        engine.verify().await.unwrap();
        engine.close().await.unwrap();
        assert_eq!(files(&disk), TABLES as usize, "one for each table");
    }
}

#[tokio::test]
async fn a_reader_of_an_old_state_opens_its_files_again_after_a_collection() {
    let (disk, clock) = (SimDisk::new(), ManualClock::at(1_000));
    let engine = open(&disk, &clock, 1).await;
    engine.start_maintenance();
    put(&engine, &clock, 1).await;
    engine.flush().await.unwrap();
    let view = engine.view_newest(Scope::Database);
    for round in 2..5 {
        put(&engine, &clock, round).await;
        engine.compact().await.unwrap();
        engine.collect().await.unwrap();
    }
    for number in 0..TABLES {
        let mut scan = view.scan(table(number), KeyRange::all(), ScanOptions::default()).unwrap();
        let rows = scan.next().await.unwrap().unwrap();
        assert_eq!(rows.values.iter().collect::<Vec<_>>(), [format!("{number}/1").as_bytes()]);
    }
    drop(view);
    assert!(engine.collect().await.unwrap().objects >= TABLES);
}

/// Every call that changes the disk fails once, with and without effect.
#[tokio::test]
async fn a_flush_compaction_or_load_that_fails_leaves_no_file() {
    for fault in [SimDisk::fail_at, SimDisk::fail_after] {
        for work in ["flush", "compact", "load"] {
            for call in 1.. {
                let (disk, clock) = (SimDisk::new(), ManualClock::at(1_000));
                let engine = open(&disk, &clock, 2).await;
                engine.start_maintenance();
                put(&engine, &clock, 1).await;
                engine.flush().await.unwrap();
                put(&engine, &clock, 2).await;
                if work == "compact" {
                    engine.flush().await.unwrap();
                }
                let before = files(&disk);
                fault(&disk, disk.operations() + call);
                let outcome = match work {
                    "flush" => engine.flush().await,
                    "compact" => engine.compact().await,
                    _ => load(&engine).await,
                };
                disk.heal();
                match outcome {
                    Ok(()) => break,
                    // Only a reopening tells.
                    Err(Error::CommitUnknown(_) | Error::Poisoned(_)) => {}
                    Err(error) => {
                        assert!(matches!(error, Error::Unavailable { .. }), "{work} call {call}: {error}");
                        let named = engine.manifest().files().count();
                        assert!(files(&disk) <= before.max(named), "{work} call {call} left files");
                    }
                }
            }
        }
    }
}

async fn load(engine: &Engine) -> Result<(), Error> {
    let mut ingest = engine.ingest(table(0), IngestOptions::default());
    for key in 0..400u32 {
        ingest.push(&(key * 7919 % 400).to_be_bytes(), Some(&[7; 40])).await?;
    }
    let run = ingest.finish().await?;
    let at = Timestamp::from_micros(engine.last_timestamp().as_micros() + 1);
    engine.publish_ingest(at, vec![run]).await
}
