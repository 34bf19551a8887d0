//! The decoders of stored bytes, each given any bytes: nothing may panic, hang or allocate more than it was
//! given.
//!
//! Checksums keep such bytes away from the decoders in a database; here they are made to fit, or left out, so
//! that a fuzzer reaches what is behind them. The first byte chooses a decoder where a file has several.

use bytes::Bytes;

use super::row_schema;
use crate::{
    format::{
        Codec, ColumnChunk, Encoding, FileSeed, Footer, KeyChunk, KeyFilter, KindChunk, NumberChunk,
        PageIndex, Properties, ValueChunk, ZoneMaps, decompress,
    },
    manifest,
    rows::{ColumnKind, RowSchema, key, value},
    wal,
};

/// Largest length that a chunk is said to unpack to, in bytes; the largest chunk of a page is of this order.
const UNPACKED_BYTES_MAX: usize = 1 << 20;

/// Values of a chunk that are taken apart as rows: all of them may be the whole chunk.
const ROWS_TAKEN_APART: usize = 16;

/// Decodes a section of a table file, and reads everything that the decoded section offers.
///
/// The shape is `decoder │ encoding │ column kind │ rows (2, little-endian) │ section`; shorter input is
/// ignored.
pub fn table_section(input: &[u8]) {
    let Some((&[decoder, encoding, kind, low, high], raw)) = input.split_first_chunk() else { return };
    let rows = usize::from(u16::from_le_bytes([low, high]));
    let raw = Bytes::copy_from_slice(raw);
    let light = Encoding::from_u8(encoding);
    match (decoder % 12, light) {
        (0, Some(encoding)) => keys(encoding, &raw, rows),
        (1, Some(encoding)) => numbers(encoding, &raw, rows),
        (2, Some(encoding)) => kinds(encoding, &raw, rows),
        (3, Some(encoding)) => values(encoding, &raw, rows),
        (4, _) => column(COLUMN_KINDS[usize::from(kind) % COLUMN_KINDS.len()], encoding, &raw, rows),
        (5, _) => index(&raw, rows),
        (6, _) => filter(&raw),
        (7, _) => drop(Properties::decode(&raw)),
        (8, _) => zones(&raw, rows),
        (9, _) => footer(&raw),
        (10, _) => drop(RowSchema::decode(&raw)),
        (11, _) => unpack(kind, &raw, rows),
        _ => {}
    }
}

const COLUMN_KINDS: [ColumnKind; 9] = [
    ColumnKind::Boolean,
    ColumnKind::Int16,
    ColumnKind::Int32,
    ColumnKind::Int64,
    ColumnKind::Int128,
    ColumnKind::Float32,
    ColumnKind::Float64,
    ColumnKind::Text,
    ColumnKind::Bytes,
];

fn keys(encoding: Encoding, raw: &Bytes, rows: usize) {
    let Ok(chunk) = KeyChunk::decode(encoding, raw, rows) else { return };
    for row in 0..chunk.rows() {
        let ordinal = chunk.ordinal(row);
        assert!(chunk.first_row(ordinal) <= row, "a row is not in front of its key's first");
        assert!(chunk.suffix(ordinal).len() <= raw.len(), "a key is part of the chunk");
    }
    let (Ok(found) | Err(found)) = chunk.search(raw);
    assert!(found <= chunk.count(), "a search ends within the keys");
}

fn numbers(encoding: Encoding, raw: &Bytes, rows: usize) {
    let Ok(chunk) = NumberChunk::decode(encoding, raw, rows) else { return };
    if rows == 0 {
        return;
    }
    let middle = chunk.get(rows / 2);
    let later = chunk.later_than(0..rows, middle);
    for row in 0..rows {
        assert_eq!(later.value(row), chunk.get(row) > middle, "masks and single rows agree");
    }
}

fn kinds(encoding: Encoding, raw: &Bytes, rows: usize) {
    let Ok(chunk) = KindChunk::decode(encoding, raw, rows) else { return };
    assert_eq!(chunk.puts(0..rows).len(), rows, "a mask has a bit for each row");
    for row in 0..rows {
        std::hint::black_box(chunk.get(row));
    }
}

fn values(encoding: Encoding, raw: &Bytes, rows: usize) {
    let Ok(chunk) = ValueChunk::decode(encoding, raw, rows) else { return };
    for row in 0..rows {
        assert_eq!(chunk.get(row), chunk.get_bytes(row), "both forms of a value are one");
    }
    (0..rows.min(ROWS_TAKEN_APART)).for_each(|row| row_value(chunk.get(row)));
}

fn column(kind: ColumnKind, encoding: u8, raw: &Bytes, rows: usize) {
    let Ok(chunk) = ColumnChunk::decode(kind, encoding, raw, rows) else { return };
    let mut out = Vec::new();
    for row in (0..rows).filter(|row| !chunk.is_missing(*row)) {
        out.clear();
        chunk.append_payload(row, &mut out);
    }
}

fn index(raw: &Bytes, pages_end: usize) {
    let Ok(mut index) = PageIndex::decode(raw, pages_end as u64) else { return };
    for page in 0..index.len() {
        assert!(index.first_key(page).len() <= raw.len() && index.last_key(page).len() <= raw.len());
        for column in index.columns() {
            std::hint::black_box(index.chunk(page, *column));
        }
    }
    assert!(index.first_page_reaching(raw) <= index.len(), "a search ends within the pages");
    index.override_begin(crate::Timestamp::from_micros(1));
}

fn filter(raw: &Bytes) {
    let Ok(Some(filter)) = KeyFilter::decode(raw) else { return };
    for end in 0..raw.len().min(64) {
        std::hint::black_box(filter.may_contain(KeyFilter::hash(&raw[..end])));
    }
}

fn zones(raw: &Bytes, pages: usize) {
    let schema = row_schema();
    let Ok(zones) = ZoneMaps::decode(raw, &schema, pages) else { return };
    for place in 0..schema.columns().len() {
        std::hint::black_box(zones.summary(place, std::iter::repeat_n(10, pages)));
    }
}

fn footer(raw: &Bytes) {
    let _ = Footer::read(raw);
    let _ = Footer::decode(raw, 0, 1, 2);
    std::hint::black_box(FileSeed::new(1, 2).checksum(0, raw));
}

fn unpack(codec: u8, raw: &Bytes, length: usize) {
    let Some(codec) = Codec::from_u8(codec % 8) else { return };
    if let Ok(unpacked) = decompress(codec, raw, (length * 16).min(UNPACKED_BYTES_MAX)) {
        assert_eq!(unpacked.len(), (length * 16).min(UNPACKED_BYTES_MAX), "a chunk unpacks to its length");
    }
}

/// Takes a value apart as a row, and a key as the columns of [`row_schema`].
fn row_value(bytes: &[u8]) {
    if let Some(mut tags) = value::split(bytes) {
        for id in 0..tags.count {
            let tag = tags.tag(id);
            if tags.take(tag).is_none() {
                break;
            }
        }
    }
    for kind in COLUMN_KINDS {
        let mut rest = bytes;
        while let Some(read) = key::take(kind, &mut rest) {
            std::hint::black_box(read);
            if rest.is_empty() {
                break;
            }
        }
    }
}

/// Decodes `body` as that of a manifest, whose checksums fit; a manifest that is read is written as it was
/// read.
pub fn manifest_body(body: &[u8]) {
    let Ok(object) = manifest::seal(7, body) else { return };
    let Ok(read) = manifest::decode("fuzzed", 7, &object) else { return };
    let written = manifest::encode(&read).expect("a manifest of this size fits");
    let again = manifest::decode("written", 7, &written).expect("a manifest that was written is read");
    assert_eq!(read, again, "a manifest is written as it was read");
}

/// Decodes `object` as a manifest as it lies in storage, and as a damaged one.
pub fn manifest_object(object: &[u8]) {
    let _ = manifest::decode("fuzzed", 7, object);
    let _ = (manifest::header_of(object), manifest::decode_damaged(7, object));
}

/// Decodes `bytes` as the payload of a record, as the slot and body of a record, and as the header of a
/// segment.
pub fn log_record(bytes: &[u8]) {
    wal::decode_any_bytes(bytes);
}
