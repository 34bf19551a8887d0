//! Damage is found, or changes no answer.

use super::*;

/// Opens and reads a file whose bytes were changed: `Corrupt` with its name, or the same answers.
pub(super) async fn check_damaged(bytes: Vec<u8>, meta: &FileMeta, rows: &[Version]) {
    let root = Root::memory();
    assert_eq!(root.put_new(&ID.object_name(), bytes.into()).await.unwrap(), PutOutcome::Created);
    let corrupt = |error: Error| {
        assert!(
            matches!(&error, Error::Corrupt { file, offset, .. } if *file == ID.object_name() && *offset <= meta.len),
            "{error}"
        );
    };
    let table = match Table::open(&root, meta, &cache()).await {
        Ok(table) => table,
        Err(error) => return corrupt(error),
    };
    match read_all(&table).await {
        Ok(read) => assert_eq!(read, rows),
        Err(error) => corrupt(error),
    }
    for row in rows {
        match table.get(&row.key, row.begin).await {
            Ok(found) => {
                assert_eq!(found.map(|found| found.into_version(row.key.clone())).as_ref(), Some(row));
            }
            Err(error) => corrupt(error),
        }
    }
    corrupt(table.verify(&*InlineTasks::new()).await.expect_err("the hash covers every byte"));
}

/// Rows of columns: a page of rows taken apart, one with bytes that are no row, and deletions.
fn small_columnar_file() -> (TableOptions, Vec<Version>) {
    let mut rng = StdRng::seed_from_u64(5);
    let rows = (0..7_u32).map(|number| {
        let value = match number {
            3 => Bytes::from_static(b"no row"),
            5 => Bytes::new(),
            _ => random_row(&mut rng),
        };
        let kind = if number == 5 { Kind::Delete } else { Kind::Put };
        let begin = at(10 + u64::from(number % 3));
        Version { key: row_key(number), begin, end: Timestamp::OPEN, kind, value }
    });
    let options = TableOptions { page_rows_max: 3, schema: Some(row_schema()), ..TableOptions::default() };
    (options, rows.collect())
}

#[test]
fn every_flipped_byte_of_a_columnar_file_is_found_or_harmless() {
    run(async {
        let (options, rows) = small_columnar_file();
        let root = Root::memory();
        let meta = write(&root, ID, &options, &rows).await.unwrap();
        let table = Table::open(&root, &meta, &cache()).await.unwrap();
        let columnar: Vec<bool> = (0..table.index().len()).map(|page| table.is_columnar(page)).collect();
        assert_eq!(columnar, [true, false, true]);
        let bytes = root.get(&ID.object_name()).await.unwrap().unwrap();
        for offset in 0..bytes.len() {
            for mask in [0x01, 0x80, 0xFF] {
                let mut bytes = bytes.to_vec();
                bytes[offset] ^= mask;
                check_damaged(bytes, &meta, &rows).await;
            }
        }
    });
}

#[test]
fn every_flipped_byte_is_found_or_harmless() {
    run(async {
        let (options, rows) = small_file();
        let root = Root::memory();
        let meta = write(&root, ID, &options, &rows).await.unwrap();
        let bytes = root.get(&ID.object_name()).await.unwrap().unwrap();
        for offset in 0..bytes.len() {
            for mask in [0x01, 0x80, 0xFF] {
                let mut bytes = bytes.to_vec();
                bytes[offset] ^= mask;
                check_damaged(bytes, &meta, &rows).await;
            }
        }
    });
}

#[test]
fn every_cut_is_found() {
    run(async {
        let (options, rows) = small_file();
        let directory = tempfile::tempdir().unwrap();
        let root = Root::local(OsDisk::shared(), directory.path());
        let meta = write(&root, ID, &options, &rows).await.unwrap();
        let bytes = root.get(&ID.object_name()).await.unwrap().unwrap();
        for len in 0..bytes.len() {
            root.delete(&ID.object_name()).await.unwrap();
            let put = root.put_new(&ID.object_name(), bytes.slice(..len)).await.unwrap();
            assert_eq!(put, PutOutcome::Created);
            // The manifest as it was, and one that believes the cut.
            for meta in [meta.clone(), FileMeta { len: len as u64, ..meta.clone() }] {
                let error = Table::open(&root, &meta, &cache()).await.expect_err("a cut file");
                assert!(matches!(error, Error::Corrupt { .. }), "{error}");
            }
        }
    });
}

#[test]
fn swapped_pages_and_files_are_found() {
    run(async {
        let root = Root::memory();
        let options =
            TableOptions { page_rows_max: 4, compression: Compression::None, ..TableOptions::default() };
        let rows: Vec<Version> = (0..32_u8).map(|n| version(&[n], 5 + u64::from(n % 2), b"value")).collect();
        let meta = write(&root, ID, &options, &rows).await.unwrap();
        let bytes = root.get(&ID.object_name()).await.unwrap().unwrap();
        let page = meta.tail_offset as usize / 8;
        let mut swapped = bytes.to_vec();
        let (first, second) = swapped.split_at_mut(page);
        first.swap_with_slice(&mut second[..page]);
        check_damaged(swapped, &meta, &rows).await;

        let other = FileId { epoch: 3, number: 8 };
        let meta = FileMeta { id: other, ..meta };
        assert_eq!(root.put_new(&other.object_name(), bytes).await.unwrap(), PutOutcome::Created);
        let error = Table::open(&root, &meta, &cache()).await.expect_err("another file under this name");
        assert!(matches!(&error, Error::Corrupt { file, .. } if *file == other.object_name()), "{error}");
    });
}
