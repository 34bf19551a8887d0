//! The examples of FORMAT.md are what this version writes, byte by byte.

use std::fmt::Write as _;

use bygone_engine::{
    Durability, KeyspaceId, Kind, Root, StampedBatch, Timestamp, VersionRef, WriteBatch,
    manifest::{FileId, FileMeta, KeyspaceManifest, Manifest, Run, decode, encode},
    sst::{PageCache, Table, TableOptions, TableWriter},
    testing::SimDisk,
    wal::{Log, LogPosition},
};

const FORMAT: &str = include_str!("../../FORMAT.md");
const BYTES_OF_A_LINE: usize = 32;

/// The bytes as FORMAT.md shows them: offset and 32 bytes a line, lines of zeros left out, the length at the end.
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
    let mut log = Log::create(&root, 1).unwrap();
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
