//! The check finds nothing in a database that is as it should be, whatever happened to it, and names what is
//! not.

use std::sync::Arc;

use bytes::Bytes;
use rand::{RngExt, SeedableRng, rngs::StdRng};

use bygone_engine::{
    Durability, Engine, EngineOptions, Error, FileMeta, HistoryGroup, IngestOptions, KeyspaceId, Manifest,
    Root, Run, StampedBatch, Timestamp, WriteBatch,
    check::{CheckReport, check},
    inspect::inspect,
    internals::manifest::{self, load_newest},
    store::PutOutcome,
    testing::{ManualClock, SimDisk, env},
};

const KEYSPACE: KeyspaceId = KeyspaceId::new(1 << 20);
const DIRECTORY: &str = "/db";

fn root(disk: &SimDisk) -> Root {
    Root::local(Arc::new(disk.clone()), DIRECTORY)
}

/// A database with several runs, closed versions, deletions, a bulk load, and commits that are in the log
/// only.
async fn database(seed: u64) -> SimDisk {
    let mut rng = StdRng::seed_from_u64(seed);
    let disk = SimDisk::default();
    let clock = ManualClock::at(1_000_000);
    let engine = Engine::open(root(&disk), env(&clock, seed), EngineOptions::tiny()).await.unwrap();
    engine.start_maintenance();
    let mut at = 0;
    for step in 0..300 {
        at += 1;
        let mut batch = WriteBatch::new();
        for _ in 0..rng.random_range(1..6) {
            let key = format!("key{:03}", rng.random_range(0..80));
            if rng.random_bool(0.2) {
                batch.delete(KEYSPACE, key);
            } else {
                batch.put(KEYSPACE, key, vec![rng.random::<u8>(); rng.random_range(0..90)]);
            }
        }
        let group = [StampedBatch { at: Timestamp::from_micros(at), batch: &batch }];
        engine.wait_for_room().await.unwrap();
        engine.append(&group, Durability::Sync).await.unwrap();
        match step {
            100 | 150 | 200 | 280 | 290 => engine.flush().await.unwrap(),
            170 | 270 => engine.compact().await.unwrap(),
            180 => {
                let mut ingest = engine.ingest(KEYSPACE, IngestOptions::default());
                for number in 0..50 {
                    ingest.push(format!("key{number:03}").as_bytes(), Some(b"loaded")).await.unwrap();
                }
                at += 1;
                engine
                    .publish_ingest(Timestamp::from_micros(at), vec![ingest.finish().await.unwrap()])
                    .await
                    .unwrap();
            }
            _ => {}
        }
    }
    // As a killed process leaves it: with a log.
    drop(engine);
    disk
}

async fn report(disk: &SimDisk) -> CheckReport {
    check(&root(disk), &env(&ManualClock::at(0), 1), &|_, _| {}).await.unwrap()
}

async fn findings(disk: &SimDisk) -> Vec<String> {
    report(disk).await.findings.into_vec().iter().map(ToString::to_string).collect()
}

/// Publishes the newest state, changed, as a writer would that made a mistake.
async fn republish(disk: &SimDisk, change: impl FnOnce(&mut Manifest)) {
    let newest = load_newest(&root(disk)).await.unwrap().unwrap();
    let mut next = Manifest::clone(&newest.manifest);
    next.parent = Some((next.id, newest.hash));
    next.id += 1;
    next.nonce += 1;
    change(&mut next);
    manifest::publish(&root(disk), &next).await.unwrap();
}

fn path(name: &str) -> String {
    format!("{DIRECTORY}/{name}")
}

async fn files(disk: &SimDisk) -> Vec<FileMeta> {
    load_newest(&root(disk)).await.unwrap().unwrap().manifest.files().cloned().collect()
}

#[tokio::test]
async fn nothing_is_found_in_what_a_writer_left() {
    for seed in 0..6 {
        let disk = database(seed).await;
        let report = report(&disk).await;
        let counts = (report.files, report.log_commits, report.manifests);
        assert!(
            counts.0 > 2 && counts.1 > 2 && counts.2 > 2,
            "the check has something to look at: {counts:?}"
        );
        assert_eq!(report.findings.into_vec(), []);
        assert!(report.bytes > 0 && report.versions > 0);
    }
}

#[tokio::test]
async fn a_changed_byte_of_any_file_is_a_finding_that_names_it() {
    let disk = database(7).await;
    for file in files(&disk).await {
        let name = file.object_name();
        for offset in [0, file.len / 3, file.tail_offset, file.len - 80, file.len - 1] {
            let damaged = disk.copy();
            damaged.flip(path(&name), offset, 0x10);
            let found = findings(&damaged).await;
            assert!(
                !found.is_empty() && found.iter().all(|line| line.starts_with(&name)),
                "{name}@{offset}: {found:?}"
            );
        }
    }
}

#[tokio::test]
async fn one_run_names_every_damaged_file() {
    let disk = database(8).await;
    let all: Vec<String> = files(&disk).await.iter().map(FileMeta::object_name).collect();
    disk.flip(path(&all[0]), 1, 1);
    disk.cut(path(&all[1]), 100);
    disk.delete_file(path(&all[2]));
    let log = load_newest(&root(&disk)).await.unwrap().unwrap().manifest.log.object_name();
    disk.flip(path(&log), 520, 1);
    let found = findings(&disk).await;
    for name in all[..3].iter().chain([&log]) {
        assert!(found.iter().any(|line| line.starts_with(name.as_str())), "{name}: {found:?}");
    }
    assert!(found.iter().any(|line| line.contains("the file is missing")), "{found:?}");
}

#[tokio::test]
async fn a_damaged_manifest_is_a_finding_and_so_is_a_chain_that_does_not_hold() {
    let disk = database(9).await;
    let newest = manifest::newest_id(&root(&disk)).await.unwrap().unwrap();
    let name = |id: u64| format!("manifest/{id:020}");
    let damaged = disk.copy();
    damaged.flip(path(&name(newest)), 80, 1);
    assert!(findings(&damaged).await.iter().any(|line| line.starts_with(&name(newest))));
    let damaged = disk.copy();
    damaged.flip(path(&name(newest - 1)), 80, 1);
    assert!(findings(&damaged).await.iter().any(|line| line.starts_with(&name(newest - 1))));
    republish(&disk, |next| next.parent = next.parent.map(|(id, hash)| (id, hash ^ 1))).await;
    let found = findings(&disk).await;
    assert!(found.iter().any(|line| line.contains("is not the one that it names")), "{found:?}");
}

#[tokio::test]
async fn runs_in_the_wrong_order_are_found() {
    let disk = database(10).await;
    republish(&disk, |next| {
        let keyspace = next.keyspaces.get_mut(&KEYSPACE).unwrap();
        assert!(keyspace.level0.len() > 1, "the history leaves several runs");
        keyspace.level0.reverse();
    })
    .await;
    let found = findings(&disk).await;
    assert!(found.iter().any(|line| line.contains("where one in a newer run begins")), "{found:?}");
}

#[tokio::test]
async fn statistics_that_do_not_fit_the_rows_are_found() {
    let disk = database(11).await;
    for (change, said) in [
        ((|file| file.max_end = Timestamp::from_micros(9_999)) as fn(&mut FileMeta), "ends"),
        (|file| file.raw_bytes += 1, "bytes before encoding"),
        (|file| file.deletes += 1, "deletes"),
    ] {
        let disk = disk.copy();
        republish(&disk, |next| {
            let keyspace = next.keyspaces.get_mut(&KEYSPACE).unwrap();
            let file = keyspace.level0.iter_mut().chain(&mut keyspace.levels).flat_map(|run| &mut run.files);
            change(file.into_iter().find(|file| file.closed > 0).unwrap());
        })
        .await;
        let found = findings(&disk).await;
        assert!(found.iter().any(|line| line.contains(said)), "{said}: {found:?}");
    }
}

#[tokio::test]
async fn what_nothing_references_is_listed_and_no_finding() {
    let disk = database(12).await;
    let name = "data/0000000001-0000009999.sst";
    let body = Bytes::from_static(b"left by a killed writer");
    assert_eq!(root(&disk).put_new(name, body).await.unwrap(), PutOutcome::Created);
    let report = report(&disk).await;
    assert!(report.findings.is_empty());
    assert!(report.unreferenced.iter().any(|entry| entry.name == name && entry.len == 23));
}

#[tokio::test]
async fn an_empty_directory_is_no_database_and_stays_empty() {
    let disk = SimDisk::default();
    let outcome = check(&root(&disk), &env(&ManualClock::at(0), 1), &|_, _| {}).await;
    assert!(matches!(outcome, Err(Error::NoDatabase { .. })));
    assert!(disk.files().is_empty());
}

/// The files of the database with their bytes, by their name inside the root.
fn objects(disk: &SimDisk) -> Vec<(String, Vec<u8>)> {
    let files = disk.files().into_iter().filter_map(|(path, _)| {
        let name = path.strip_prefix(DIRECTORY).ok()?.to_str()?.to_owned();
        let is_object = ["data/", "manifest/", "wal/"].iter().any(|directory| name.starts_with(directory));
        is_object.then(|| (name, disk.read_file(&path)))
    });
    files.collect()
}

#[tokio::test]
async fn every_file_is_described_and_its_damage_as_well() {
    let disk = database(13).await;
    let objects = objects(&disk);
    assert!(
        ["data/", "manifest/", "wal/"]
            .iter()
            .all(|sort| objects.iter().any(|(name, _)| name.starts_with(sort)))
    );
    for (name, bytes) in objects {
        let whole = inspect(&name, &Bytes::from(bytes.clone())).unwrap();
        assert_eq!(whole.damages, 0, "{name}: {}", whole.text);
        // Of a log the rest behind the last record is empty.
        let len = if name.starts_with("wal/") { 700 } else { bytes.len() };
        for offset in (0..len).step_by(len / 40 + 1) {
            let mut damaged = bytes.clone();
            damaged[offset] ^= 0x21;
            let described = inspect(&name, &Bytes::from(damaged)).unwrap();
            // Filler of the log that no checksum covers says nothing.
            if !name.starts_with("wal/") {
                assert!(described.damages > 0, "{name}@{offset}: {}", described.text);
            }
            let mut cut = bytes.clone();
            cut.truncate(offset);
            let _ = inspect(&name, &Bytes::from(cut));
        }
    }
}

#[tokio::test]
async fn a_table_file_with_a_damaged_chunk_is_described_behind_it() {
    let disk = database(14).await;
    let name = files(&disk).await[0].object_name();
    let bytes = disk.read_file(path(&name));
    let whole = inspect(&name, &Bytes::from(bytes.clone())).unwrap().text;
    let mut damaged = bytes;
    damaged[0] ^= 1;
    let described = inspect(&name, &Bytes::from(damaged)).unwrap();
    let lines: Vec<&str> = described.text.lines().filter(|line| !line.starts_with("DAMAGED")).collect();
    assert_eq!(lines, whole.lines().collect::<Vec<_>>());
    assert!(described.text.contains("DAMAGED page 0 keys: checksum does not match"), "{}", described.text);
}

#[tokio::test]
async fn history_that_overlaps_or_holds_more_than_values_that_ended_is_a_finding() {
    let disk = database(12).await;
    let newest = load_newest(&root(&disk)).await.unwrap().unwrap().manifest;
    let keyspace = &newest.keyspaces[&KEYSPACE];
    let history = keyspace.history_runs().next().expect("something has moved").clone();
    let levels = keyspace.runs().find(|run| !run.files.is_empty()).unwrap().clone();
    let with = async |run: Run| {
        let disk = disk.copy();
        let group = |runs| HistoryGroup { newest_pin: Timestamp::FIRST, runs };
        let add = |next: &mut Manifest| {
            next.keyspaces.get_mut(&KEYSPACE).unwrap().history.insert(0, group(vec![run]));
        };
        republish(&disk, add).await;
        findings(&disk).await
    };
    let found = with(history).await;
    assert!(found.iter().any(|line| line.contains("of history is not before")), "{found:?}");
    let found = with(levels).await;
    assert!(found.iter().any(|line| line.contains("more than values that ended")), "{found:?}");
}
