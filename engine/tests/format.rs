//! The examples of FORMAT.md are what this version writes, byte by byte; what it does not know it treats as
//! the page says.

use std::fmt::Write as _;

use bygone_engine::{
    Durability, Engine, EngineOptions, Error, FileId, FileMeta, KeyspaceId, KeyspaceManifest, Kind, Manifest,
    Root, Run, Scope, StampedBatch, Timestamp, VersionRef, WriteBatch,
    internals::{
        format::{Features, Footer},
        manifest::{decode, encode, load_newest, newest_id},
        sst::{PageCache, Table, TableOptions, TableWriter},
        wal::LocalLog,
    },
    testing::{ManualClock, SimDisk, env},
    types::LogPosition,
};

const FORMAT: &str = include_str!("../../FORMAT.md");
const BYTES_OF_A_LINE: usize = 32;

/// The bytes as FORMAT.md shows them: offset and 32 bytes a line, lines of zeros left out, the length at the
/// end.
fn dump(bytes: &[u8]) -> String {
    let mut text = String::new();
    for (index, line) in bytes.chunks(BYTES_OF_A_LINE).enumerate() {
        if line.iter().any(|byte| *byte != 0) {
            write!(text, "{:04x} ", index * BYTES_OF_A_LINE).unwrap();
            for byte in line {
                write!(text, "{byte:02x}").unwrap();
            }
            text.push('\n');
        }
    }
    writeln!(text, "{:04x}", bytes.len()).unwrap();
    text
}

/// The block of FORMAT.md that begins with this line.
fn example(name: &str) -> &'static str {
    let start = format!("```hex {name}\n");
    let (_, rest) = FORMAT.split_once(&start).unwrap_or_else(|| panic!("FORMAT.md has no example {name}"));
    rest.split_once("```").unwrap().0
}

fn check(name: &str, bytes: &[u8]) {
    let (shown, written) = (example(name), dump(bytes));
    assert_eq!(shown, written, "the example {name} of FORMAT.md is not what is written:\n{written}");
}

fn at(micros: u64) -> Timestamp {
    Timestamp::from_micros(micros)
}

async fn table(root: &Root) -> FileMeta {
    let id = FileId { epoch: 1, number: 2 };
    let mut writer = TableWriter::create(root, id, &TableOptions::default()).await.unwrap();
    let row = |key, begin, end, kind, value| VersionRef { key, begin: at(begin), end, kind, value };
    let rows: [VersionRef<'_>; 3] = [
        row(b"ant", 30, Timestamp::OPEN, Kind::Put, b"six"),
        row(b"ant", 10, at(30), Kind::Put, b"legs"),
        row(b"bee", 20, Timestamp::OPEN, Kind::Delete, b""),
    ];
    for row in rows {
        writer.push(row).await.unwrap();
    }
    writer.finish().await.unwrap()
}

#[tokio::test]
async fn the_table_file_of_the_format_page_is_what_is_written() {
    let root = Root::memory();
    let meta = table(&root).await;
    check("table", &root.get(&meta.object_name()).await.unwrap().unwrap());
    let read = Table::open(&root, &meta, &PageCache::new(0)).await.unwrap();
    assert_eq!(read.get(b"ant", at(29)).await.unwrap().unwrap().value.as_ref(), b"legs");
}

#[tokio::test]
async fn the_manifest_of_the_format_page_is_what_is_written() {
    let file = table(&Root::memory()).await;
    let keyspace =
        KeyspaceManifest { levels: vec![Run { files: vec![file] }], ..KeyspaceManifest::default() };
    let manifest = Manifest {
        id: 2,
        epoch: 1,
        nonce: 0x0123_4567_89ab_cdef,
        parent: Some((1, 0xfe)),
        last_timestamp: at(30),
        log: LogPosition { epoch: 1, sequence: 3 },
        next_file: 4,
        horizon: at(5),
        retention_us: 300,
        keyspaces: [(KeyspaceId::FIRST_USER, keyspace)].into(),
        settings: [("name".to_owned(), vec![7])].into(),
        log_begun: 1,
    };
    let bytes = encode(&manifest).unwrap();
    check("manifest", &bytes);
    assert_eq!(decode("manifest", 2, &bytes).unwrap(), manifest);
    // The body starts with a zstd frame of its own length; FORMAT.md shows it unpacked as well.
    check("manifest body", &zstd::bulk::decompress(&bytes[72..], 1 << 20).unwrap());
}

#[tokio::test]
async fn the_log_segment_of_the_format_page_is_what_is_written() {
    let disk = SimDisk::new();
    let root = Root::local(disk.shared(), "/db");
    let mut log = LocalLog::create(&root, 1).unwrap();
    let mut batch = WriteBatch::new();
    batch.put(KeyspaceId::new(3), "ant", "legs");
    batch.delete(KeyspaceId::new(3), "bee");
    batch.put(KeyspaceId::new(300), "long", vec![b'x'; 440]);
    let group =
        [StampedBatch { at: at(10), batch: &batch }, StampedBatch { at: at(300), batch: &WriteBatch::new() }];
    log.append(&group, Durability::Sync).unwrap();
    let bytes = disk.read_file(format!("/db/{}", log.position().object_name()));
    check("log", &bytes[..log.bytes() as usize]);
}

#[tokio::test]
async fn a_database_with_a_feature_that_forbids_writing_is_read_only() {
    let (disk, clock) = (SimDisk::new(), ManualClock::at(10));
    let root = Root::local(disk.shared(), "/db");
    let engine = Engine::open(root.clone(), env(&clock, 1), EngineOptions::tiny()).await.unwrap();
    let mut batch = WriteBatch::new();
    batch.put(KeyspaceId::FIRST_USER, "k", "v");
    engine.append(&[StampedBatch { at: at(10), batch: &batch }], Durability::Sync).await.unwrap();
    engine.close().await.unwrap();

    let newest = load_newest(&root).await.unwrap().unwrap().manifest;
    let file = newest.files().next().unwrap();
    let path = format!("/db/{}", file.object_name());
    let bytes = disk.read_file(&path);
    let tail = &bytes[file.tail_offset as usize..];
    let footer = Footer::decode(tail, file.tail_offset, file.id.epoch, file.id.number).unwrap();
    let last = footer.sections.last().unwrap();
    let mut changed = bytes[..(last.offset + last.stored_len) as usize].to_vec();
    let features = Features { required_to_write: 1, ..footer.features };
    Footer { features, ..footer }.encode(changed.len() as u64, &mut changed);
    disk.write_file(&path, changed);

    let opened = Engine::open(root.clone(), env(&clock, 2), EngineOptions::tiny()).await;
    assert!(matches!(opened.map(drop), Err(Error::Invalid(what)) if what.contains("for reading only")));
    assert_eq!(newest_id(&root).await.unwrap(), Some(newest.id), "nothing was written");
    let reader = Engine::open_read_only(root, env(&clock, 3), EngineOptions::tiny()).await.unwrap();
    let value = reader.view_newest(Scope::Database).get(KeyspaceId::FIRST_USER, b"k").await.unwrap();
    assert_eq!(value.as_deref(), Some(&b"v"[..]));
}
