//! Pages that are passed on are the same pages.

use super::*;
use crate::testing::row_schema;

const OTHER: FileId = FileId { epoch: 3, number: 8 };

fn rows_of_columns(numbers: std::ops::Range<u32>) -> Vec<Version> {
    let mut rng = StdRng::seed_from_u64(11);
    let version = |number: u32| Version {
        key: row_key(number),
        begin: at(1_000 + u64::from(number % 7)),
        end: Timestamp::OPEN,
        kind: if number.is_multiple_of(31) { Kind::Delete } else { Kind::Put },
        value: if number.is_multiple_of(31) { Bytes::new() } else { random_row(&mut rng) },
    };
    numbers.map(version).collect()
}

fn options(compression: Compression) -> TableOptions {
    TableOptions { page_rows_max: 100, compression, schema: Some(row_schema()), ..TableOptions::default() }
}

/// Writes some rows, then the pages of `from` from the second on, then a row behind them.
async fn pass(from: &Table, rows: &[Version], options: &TableOptions) -> Result<(Table, Vec<Version>)> {
    let root = Root::memory();
    let mut writer = TableWriter::create(&root, OTHER, options).await?;
    for row in &rows[..100] {
        writer.push(row.as_ref()).await?;
    }
    for page in 1..from.index().len() {
        assert!(options.takes(from, page));
        writer.push_page(from, page).await?;
    }
    let last = Version { key: row_key(2_900), ..rows[1].clone() };
    writer.push(last.as_ref()).await?;
    let meta = writer.finish().await?;
    let table = Table::open(&root, &meta, &cache()).await?;
    table.verify(&*InlineTasks::new()).await?;
    Ok((table, rows.iter().cloned().chain([last]).collect()))
}

fn stored(table: &Table, bytes: &Bytes, page: usize) -> Vec<(u8, u8, u32, Bytes)> {
    let chunks = table.index().page_chunks(page).iter();
    let stored = |chunk: &crate::format::ChunkEntry| bytes.slice(chunk.offset as usize..chunk.end() as usize);
    chunks.map(|chunk| (chunk.encoding, chunk.codec, chunk.raw_len, stored(chunk))).collect()
}

#[test]
fn a_page_is_passed_on_with_its_bytes_and_what_is_known_of_it() {
    run(async {
        let root = Root::memory();
        let rows = rows_of_columns(0..650);
        for (from, to) in [
            (Compression::Fast, Compression::Fast),
            (Compression::Dense, Compression::Dense),
            (Compression::Fast, Compression::Dense),
        ] {
            let id = FileId { epoch: 3, number: 20 + from as u64 * 2 + to as u64 };
            let meta = write(&root, id, &options(from), &rows).await.unwrap();
            let source = Table::open(&root, &meta, &cache()).await.unwrap();
            let (passed, expected) = pass(&source, &rows, &options(to)).await.unwrap();
            assert_eq!(read_all(&passed).await.unwrap(), expected);
            check_gets(&passed, &expected, &[b"zz".to_vec()]).await;
            let before = source.inner.reader.read(0..meta.len).await.unwrap();
            let after = passed.inner.reader.read(0..passed.meta().len).await.unwrap();
            for page in 1..source.index().len() {
                assert_eq!(passed.index().summary(page), source.index().summary(page));
                let is_same = stored(&passed, &after, page) == stored(&source, &before, page);
                assert_eq!(is_same, from == to, "{from:?} to {to:?}, page {page}");
            }
            // Rows that are written one by one make a file of which the same is known.
            let whole = write(&root, FileId { number: id.number + 10, ..id }, &options(to), &expected).await;
            let known = |meta: FileMeta| FileMeta { id: ID, len: 0, tail_offset: 0, hash: 0, ..meta };
            assert_eq!(known(passed.meta().clone()), known(whole.unwrap()));
        }
    });
}

#[test]
fn pages_of_a_bulk_load_are_passed_on_with_its_timestamp() {
    run(async {
        let root = Root::memory();
        let rows = rows_of_columns(0..300);
        let written = write(&root, ID, &options(Compression::Dense), &rows).await.unwrap();
        let begin = at(77);
        let meta = FileMeta { begin_override: Some(begin), min_begin: begin, max_begin: begin, ..written };
        let source = Table::open(&root, &meta, &cache()).await.unwrap();
        let loaded: Vec<Version> = rows.iter().map(|row| Version { begin, ..row.clone() }).collect();
        let (passed, expected) = pass(&source, &loaded, &options(Compression::Dense)).await.unwrap();
        assert_eq!(read_all(&passed).await.unwrap(), expected);
        assert_eq!(passed.meta().begin_override, None);
    });
}

#[test]
fn what_does_not_fit_or_is_damaged_is_not_passed_on() {
    run(async {
        let root = Root::memory();
        let rows = rows_of_columns(0..300);
        let fast = options(Compression::Fast);
        let meta = write(&root, ID, &fast, &rows).await.unwrap();
        let table = Table::open(&root, &meta, &cache()).await.unwrap();
        assert!(fast.takes(&table, 1));
        assert!(!TableOptions { schema: None, ..fast.clone() }.takes(&table, 1), "no columns");
        assert!(!TableOptions { page_rows_max: 50, ..fast.clone() }.takes(&table, 1), "too large");
        assert!(!TableOptions { page_rows_max: 300, ..fast.clone() }.takes(&table, 1), "too small");

        let chunk = *table.index().page_chunks(1).last().unwrap();
        let mut bytes = root.get(&ID.object_name()).await.unwrap().unwrap().to_vec();
        bytes[chunk.offset as usize + 3] ^= 1;
        let damaged = Root::memory();
        let put = damaged.put_new(&ID.object_name(), bytes.into()).await.unwrap();
        assert_eq!(put, PutOutcome::Created);
        let damaged = Table::open(&damaged, &meta, &cache()).await.unwrap();
        let error = pass(&damaged, &rows, &fast).await.expect_err("the checksum does not match");
        assert!(matches!(&error, Error::Corrupt { offset, .. } if *offset == chunk.offset), "{error}");
    });
}
