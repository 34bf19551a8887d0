//! Databases that earlier versions wrote: whatever changes in the writer, they open, are read and are written
//! on.

use bygone_engine::{
    Durability, Engine, EngineOptions, Error, KeyspaceId, Root, Scope, StampedBatch, Timestamp, WriteBatch,
    check,
    internals::manifest::{decode, load_newest},
    testing::{FaultStore, ManualClock, SimDisk, env},
    types::LogPosition,
};
use object_store::memory::InMemory;
use xxhash_rust::xxh3::xxh3_64_with_seed;

const FORMAT_1_0: &str = include_str!("golden/format-1.0.md");
/// Where the log of that manifest begins, in its unpacked body.
const LOG_SEQUENCE_AT: usize = 37;

/// The bytes of an example: the lines say their offset, the last one the length.
fn example(name: &str) -> Vec<u8> {
    let (_, rest) = FORMAT_1_0.split_once(&format!("```hex {name}\n")).unwrap();
    let number = |text: &str| usize::from_str_radix(text, 16).unwrap();
    let mut bytes = Vec::new();
    for line in rest.split_once("```").unwrap().0.lines() {
        let (offset, hex) = line.split_once(' ').unwrap_or((line, ""));
        bytes.resize(number(offset), 0);
        bytes.extend((0..hex.len()).step_by(2).map(|at| number(&hex[at..at + 2]) as u8));
    }
    bytes
}

/// The manifest of the page with the log from segment 1 of epoch 1 on: the page has it covered by the table.
fn manifest() -> Vec<u8> {
    let mut bytes = example("manifest");
    let mut body = zstd::bulk::decompress(&bytes[72..], 1 << 20).unwrap();
    assert_eq!(body[LOG_SEQUENCE_AT], 3);
    body[LOG_SEQUENCE_AT] = 1;
    let stored = zstd::bulk::compress(&body, 1).unwrap();
    bytes.truncate(72);
    bytes[52..56].copy_from_slice(&(stored.len() as u32).to_le_bytes());
    bytes[56..64].copy_from_slice(&xxh3_64_with_seed(&stored, 2).to_le_bytes());
    let header = xxh3_64_with_seed(&bytes[..64], 2);
    bytes[64..72].copy_from_slice(&header.to_le_bytes());
    bytes.extend(stored);
    bytes
}

/// A database of version 1.0: its manifest, its log with what is not in tables, its table.
async fn database() -> (SimDisk, Root) {
    let disk = SimDisk::new();
    let root = Root::local(disk.shared(), "/db");
    let log = LogPosition::first(1).object_name();
    for (name, bytes) in [
        (format!("manifest/{:020}", 2), manifest()),
        ("data/0000000001-0000000002.sst".into(), example("table")),
        (log.clone(), example("log")),
    ] {
        assert_eq!(
            root.put_new(&name, bytes.into()).await.unwrap(),
            bygone_engine::store::PutOutcome::Created
        );
    }
    // The room that a segment takes ahead is zero.
    let mut segment = disk.read_file(format!("/db/{log}"));
    segment.resize(4_096, 0);
    disk.write_file(format!("/db/{log}"), segment);
    (disk, root)
}

#[tokio::test]
async fn a_database_of_format_1_0_opens_is_read_and_is_written_on() {
    let at = Timestamp::from_micros;
    let clock = ManualClock::at(301);
    assert_eq!(decode("manifest", 2, &example("manifest")).unwrap().log_begun, 0);
    let (disk, root) = database().await;
    let report = check::check(&root, &env(&clock, 1), &|_, _| {}).await.unwrap();
    assert_eq!(report.findings.into_vec(), []);
    for seed in 1..3 {
        let root = Root::local(disk.shared(), "/db");
        let engine = Engine::open(root.clone(), env(&clock, seed), EngineOptions::tiny()).await.unwrap();
        let old = engine.view(at(29), Scope::keyspaces([KeyspaceId::FIRST_USER])).unwrap();
        assert_eq!(old.get(KeyspaceId::FIRST_USER, b"ant").await.unwrap().unwrap(), "legs");
        let now = engine.view_newest(Scope::Database);
        assert_eq!(now.get(KeyspaceId::FIRST_USER, b"ant").await.unwrap().unwrap(), "six");
        assert_eq!(now.get(KeyspaceId::FIRST_USER, b"bee").await.unwrap(), None);
        assert_eq!(now.get(KeyspaceId::new(3), b"ant").await.unwrap().unwrap(), "legs", "of the log");
        assert_eq!(now.get(KeyspaceId::new(300), b"long").await.unwrap().unwrap(), vec![b'x'; 440]);
        assert!(engine.last_timestamp() >= at(300), "its watermark counts");
        let mut batch = WriteBatch::new();
        batch.put(KeyspaceId::FIRST_USER, "cat", "new");
        let commit = [StampedBatch { at: at(300 + seed), batch: &batch }];
        engine.append(&commit, Durability::Sync).await.unwrap();
        engine.close().await.unwrap();
        assert!(load_newest(&root).await.unwrap().unwrap().manifest.log_begun > 0);
    }
}

#[tokio::test]
async fn an_object_store_is_refused_for_writing_before_anything_is_asked_of_it() {
    let store = FaultStore::new(std::sync::Arc::new(InMemory::new()));
    let root = Root::object_store(std::sync::Arc::new(store.clone()), "p".into());
    let refused = Engine::open(root, env(&ManualClock::at(1), 1), EngineOptions::tiny()).await;
    assert!(matches!(refused.map(drop), Err(Error::Invalid(what)) if what.contains("for reading only")));
    assert_eq!(store.requests(), 0, "nobody was fenced");
}
