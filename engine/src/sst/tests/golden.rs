//! Files that earlier versions wrote: whatever changes in the writer, they stay readable.

use std::collections::BTreeSet;

use super::*;
use crate::rows::value::{self, tag};

/// A file that version 1.0 wrote, from [`small_file`].
#[test]
fn a_file_of_format_1_0_stays_readable() {
    run(async {
        let bytes = Bytes::from_static(include_bytes!("../golden/table-1.0.sst"));
        let (options, rows) = small_file();
        let root = Root::memory();
        let written = write(&root, ID, &options, &rows).await.unwrap();
        let meta = FileMeta {
            len: bytes.len() as u64,
            tail_offset: 241,
            hash: 0xfd3e_ce4d_b658_14c8_8016_a664_0496_86b1,
            ..written
        };
        let root = Root::memory();
        assert_eq!(root.put_new(&ID.object_name(), bytes).await.unwrap(), PutOutcome::Created);
        let table = Table::open(&root, &meta, &cache()).await.unwrap();
        table.verify(&*InlineTasks::new()).await.unwrap();
        assert_eq!(read_all(&table).await.unwrap(), rows);
        check_index(&table, &rows);
        check_gets(&table, &rows, &[b"zz".to_vec()]).await;
    });
}

/// Rows of columns of which every codec takes some, with one deletion.
fn dense_file() -> (TableOptions, Vec<Version>) {
    let rows = (0..300_u32).map(|number| {
        let mut value = vec![value::FORMAT, 13];
        let mut tags = [tag::ELSEWHERE; 13];
        let mut payloads = Vec::new();
        tags[5] = value::push_int(1_700_000_000_000_000 + i64::from(number) * 1_000_000, &mut payloads);
        let digest = u64::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        tags[12] = value::push_bytes(format!("note {digest:x} of {number}").as_bytes(), &mut payloads);
        value.extend(tags.chunks(2).map(|pair| pair[0] | pair.get(1).unwrap_or(&0) << 4));
        value.extend_from_slice(&payloads);
        let is_put = number != 77;
        Version {
            key: row_key(number),
            begin: at(u64::from(1_000 + number % 5)),
            end: Timestamp::OPEN,
            kind: if is_put { Kind::Put } else { Kind::Delete },
            value: if is_put { value.into() } else { Bytes::new() },
        }
    });
    let options = TableOptions {
        page_rows_max: 256,
        compression: Compression::Dense,
        schema: Some(row_schema()),
        ..TableOptions::default()
    };
    (options, rows.collect())
}

/// A file that version 1.1 wrote, from [`dense_file`].
#[test]
fn a_file_of_format_1_1_stays_readable() {
    run(async {
        let bytes = Bytes::from_static(include_bytes!("../golden/table-1.1.sst"));
        let (options, rows) = dense_file();
        let root = Root::memory();
        let written = write(&root, ID, &options, &rows).await.unwrap();
        let meta = FileMeta {
            len: bytes.len() as u64,
            tail_offset: 4_823,
            hash: 0x6577_09d9_5526_4749_aa2f_9da8_5a28_267c,
            ..written
        };
        let root = Root::memory();
        assert_eq!(root.put_new(&ID.object_name(), bytes).await.unwrap(), PutOutcome::Created);
        let table = Table::open(&root, &meta, &cache()).await.unwrap();
        table.verify(&*InlineTasks::new()).await.unwrap();
        assert_eq!(read_all(&table).await.unwrap(), rows);
        let codecs: BTreeSet<u8> = table.index().page_chunks(0).iter().map(|chunk| chunk.codec).collect();
        assert_eq!(codecs, (0..4).collect(), "every codec has a chunk");
    });
}
