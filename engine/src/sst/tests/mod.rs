use std::{collections::BTreeMap, future::Future};

use bytes::Bytes;
use futures::FutureExt;
use proptest::{collection::vec, prelude::*, sample::Index};
use rand::{SeedableRng, rngs::StdRng};

use super::*;
use crate::{
    error::{Error, Result},
    format::{Features, Footer},
    manifest::{FileId, FileMeta},
    store::{OsDisk, PutOutcome, Root},
    testing::{InlineTasks, random_row, row_key, row_schema},
    types::{KEY_BYTES_MAX, Kind, Timestamp, Version},
};

mod copy_page;
mod damage;
mod golden;

const ID: FileId = FileId { epoch: 3, number: 7 };

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

fn at(micros: u64) -> Timestamp {
    Timestamp::from_micros(micros)
}

fn cache() -> PageCache {
    PageCache::new(1 << 20)
}

async fn write(root: &Root, id: FileId, options: &TableOptions, rows: &[Version]) -> Result<FileMeta> {
    let mut writer = TableWriter::create(root, id, options).await?;
    for row in rows {
        writer.push(row.as_ref()).await?;
    }
    writer.finish().await
}

/// All rows of a file, page after page.
async fn read_all(table: &Table) -> Result<Vec<Version>> {
    let mut rows = Vec::new();
    for page in 0..table.index().len() {
        let page = table.page(page, CachePolicy::Keep).await?;
        for row in 0..page.rows() {
            let mut key = Vec::new();
            page.append_key(row, &mut key);
            rows.push(Version {
                key: key.into(),
                begin: page.begin(row),
                end: page.end(row),
                kind: page.kind(row),
                value: page.value_bytes(row),
            });
        }
    }
    Ok(rows)
}

/// Version that [`Table::get`] must find.
fn naive_get(rows: &[Version], key: &[u8], at: Timestamp) -> Option<Version> {
    rows.iter().find(|row| row.key == key && row.begin <= at).cloned()
}

#[derive(Clone, Debug)]
struct Shape {
    options: TableOptions,
    rows: Vec<Version>,
}

fn keys() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        vec(0..3_u8, 0..5),
        (0..200_u32).prop_map(|n| [b"table/1/".as_slice(), &n.to_be_bytes()].concat()),
        vec(any::<u8>(), 0..30),
    ]
}

fn values() -> impl Strategy<Value = Vec<u8>> + Clone {
    prop_oneof![
        4 => vec(any::<u8>(), 0..30),
        2 => Just(b"the same value every time".to_vec()),
        1 => vec(0..2_u8, 0..3000),
        1 => vec(any::<u8>(), 1000..2000),
    ]
}

fn rows_of_columns() -> impl Strategy<Value = Vec<u8>> {
    any::<u64>().prop_map(|seed| random_row(&mut StdRng::seed_from_u64(seed)).to_vec())
}

/// A step back in time: distance, whether the end is known, kind, value.
type Step = (u64, bool, u8, Vec<u8>);

/// Versions of one key, newest first.
fn history(values: BoxedStrategy<Vec<u8>>) -> impl Strategy<Value = Vec<Step>> {
    let step = (prop_oneof![1..3_u64, 1..100_000_u64, 1..(1_u64 << 40)], any::<bool>(), 0..5_u8, values);
    prop_oneof![3 => vec(step.clone(), 1..3), 1 => vec(step, 1..40)]
}

fn shapes() -> impl Strategy<Value = Shape> {
    let options = (1..60_usize, 1..6000_usize, 0..3_usize, any::<[bool; 2]>()).prop_map(
        |(page_rows_max, page_bytes_max, compression, [filter, has_schema])| TableOptions {
            page_rows_max,
            page_bytes_max,
            compression: [Compression::None, Compression::Fast, Compression::Dense][compression],
            filter,
            schema: has_schema.then(row_schema),
        },
    );
    let bytes = proptest::collection::btree_map(keys(), history(values().boxed()), 1..40).prop_map(rows_of);
    let rows = proptest::collection::btree_map(
        (0..300_u32).prop_map(|number| row_key(number).to_vec()),
        history(rows_of_columns().boxed()),
        1..40,
    );
    let rows = prop_oneof![bytes, rows.prop_map(rows_of)];
    (options, rows).prop_map(|(options, rows)| Shape { options, rows })
}

fn rows_of(histories: BTreeMap<Vec<u8>, Vec<Step>>) -> Vec<Version> {
    let mut rows = Vec::new();
    for (key, history) in histories {
        let key = Bytes::from(key);
        let mut begin = 1 << 50;
        let mut newer = None;
        for (distance, closed, kind, value) in history {
            begin -= distance;
            // The writer of a file closes a version whose successor is in it.
            let open = || if closed { begin + 3 } else { Timestamp::OPEN.as_micros() };
            let end = newer.unwrap_or_else(open);
            let kind = Kind::from_u8(kind.saturating_sub(3)).unwrap();
            let value = if kind == Kind::Put { value.into() } else { Bytes::new() };
            rows.push(Version { key: key.clone(), begin: at(begin), end: at(end), kind, value });
            newer = Some(begin);
        }
    }
    rows
}

fn check_index(table: &Table, rows: &[Version]) {
    let index = table.index();
    let page_of: Vec<usize> = (0..index.len()).flat_map(|page| vec![page; index.rows(page)]).collect();
    assert_eq!(page_of.len(), rows.len());
    for page in 0..index.len() {
        let start = index.row_start(page) as usize;
        let here = &rows[start..start + index.rows(page)];
        let closed: Vec<Timestamp> =
            here.iter().map(|row| row.end).filter(|end| *end != Timestamp::OPEN).collect();
        let puts = here.iter().filter(|row| row.kind == Kind::Put).count();
        let neighbours = &rows[start.saturating_sub(1)..(start + here.len() + 1).min(rows.len())];
        let unique = neighbours.windows(2).all(|pair| pair[0].key != pair[1].key);
        let summary = PageSummary {
            rows: here.len() as u32,
            puts: puts as u32,
            closed: closed.len() as u32,
            min_begin: here.iter().map(|row| row.begin).min().unwrap(),
            max_begin: here.iter().map(|row| row.begin).max().unwrap(),
            min_end: closed.iter().min().copied().unwrap_or(Timestamp::OPEN),
            max_end: closed.iter().max().copied().unwrap_or(Timestamp::ZERO),
            flags: PageFlags {
                all_open: closed.is_empty(),
                all_put: puts == here.len(),
                unique_keys: unique,
            },
        };
        assert_eq!(*index.summary(page), summary);
        assert_eq!(index.first_key(page), &here[0].key[..]);
        assert_eq!(index.last_key(page), &here[here.len() - 1].key[..]);
        for row in here {
            let key = &row.key[..];
            let first = rows.iter().position(|row| row.key == key).unwrap();
            assert_eq!(index.first_page_reaching(key), page_of[first]);
            let last = rows.iter().rposition(|row| row.key == key).unwrap();
            assert_eq!(index.pages_starting_at_or_before(key), page_of[last] + 1);
        }
    }
}

fn check_meta(meta: &FileMeta, rows: &[Version]) {
    let count = |test: &dyn Fn(&Version) -> bool| rows.iter().filter(|row| test(row)).count() as u64;
    let mut keys: Vec<_> = rows.iter().map(|row| row.key.clone()).collect();
    keys.dedup();
    assert_eq!(meta.rows, rows.len() as u64);
    assert_eq!(meta.puts, count(&|row| row.kind == Kind::Put));
    assert_eq!(meta.deletes, count(&|row| row.kind == Kind::Delete));
    assert_eq!(meta.closed, count(&|row| row.end != Timestamp::OPEN));
    assert_eq!(meta.distinct_keys, keys.len() as u64);
    assert_eq!((&meta.min_key, &meta.max_key), (&keys[0], &keys[keys.len() - 1]));
    assert_eq!(Some(meta.min_begin), rows.iter().map(|row| row.begin).min());
    assert_eq!(Some(meta.max_begin), rows.iter().map(|row| row.begin).max());
    assert_eq!(meta.raw_bytes, rows.iter().map(|row| (row.key.len() + row.value.len()) as u64).sum::<u64>());
}

async fn check_gets(table: &Table, rows: &[Version], absent_keys: &[Vec<u8>]) {
    for row in rows {
        for moment in [row.begin.previous(), row.begin, row.begin.next(), Timestamp::LAST] {
            let found = table.get(&row.key, moment).await.unwrap();
            assert_eq!(
                found.map(|found| found.into_version(row.key.clone())),
                naive_get(rows, &row.key, moment)
            );
        }
    }
    for key in absent_keys {
        let found = table.get(key, Timestamp::LAST).await.unwrap();
        assert_eq!(
            found.map(|found| found.begin),
            naive_get(rows, key, Timestamp::LAST).map(|row| row.begin)
        );
    }
}

async fn check_bounds(table: &Table, absent_keys: &[Vec<u8>]) {
    for number in 0..table.index().len() {
        let page = table.page_without_values(number, CachePolicy::PassBy).await.unwrap();
        assert!(!page.has_values());
        let keys: Vec<Vec<u8>> =
            (0..page.rows()).map(|row| [page.prefix(), page.suffix(row)].concat()).collect();
        for key in keys.iter().chain(absent_keys) {
            assert_eq!(page.lower_bound(key), keys.partition_point(|other| other < key));
            assert_eq!(page.upper_bound(key), keys.partition_point(|other| other <= key));
            for (row, other) in keys.iter().enumerate() {
                assert_eq!(page.cmp_key(row, key), other.cmp(key));
            }
        }
        for row in 0..page.rows() {
            assert_eq!(page.key_end(row), page.upper_bound(&keys[row]));
            assert_eq!(
                row > 0 && page.key_ordinal(row) == page.key_ordinal(row - 1),
                row > 0 && keys[row] == keys[row - 1]
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_file_gives_back_what_was_written(shape in shapes(), absent_keys in vec(keys(), 10)) {
        run(async {
            let Shape { options, rows } = &shape;
            let root = Root::memory();
            let meta = write(&root, ID, options, rows).await.unwrap();
            check_meta(&meta, rows);
            let table = Table::open(&root, &meta, &cache()).await.unwrap();
            table.verify(&*InlineTasks::new()).await.unwrap();
            assert_eq!(&read_all(&table).await.unwrap(), rows);
            check_index(&table, rows);
            check_gets(&table, rows, &absent_keys).await;
            check_bounds(&table, &absent_keys).await;
        });
    }

    #[test]
    fn an_overriding_begin_holds_for_every_row(shape in shapes(), begin in (1_u64 << 50)..(1 << 51)) {
        run(async {
            // A bulk-loaded file has one version per key, all open.
            let mut rows = shape.rows.clone();
            rows.dedup_by_key(|row| row.key.clone());
            for row in &mut rows {
                row.end = Timestamp::OPEN;
            }
            let root = Root::memory();
            let mut meta = write(&root, ID, &shape.options, &rows).await.unwrap();
            meta.begin_override = Some(at(begin));
            let table = Table::open(&root, &meta, &cache()).await.unwrap();
            for row in &mut rows {
                row.begin = at(begin);
            }
            assert_eq!(read_all(&table).await.unwrap(), rows);
            check_index(&table, &rows);
            check_gets(&table, &rows, &[]).await;
        });
    }

    #[test]
    fn damage_is_found_or_harmless(shape in shapes(), hits in vec((any::<Index>(), 1..=255_u8), 30)) {
        run(async {
            let rows = &shape.rows[..shape.rows.len().min(12)];
            let root = Root::memory();
            let meta = write(&root, ID, &shape.options, rows).await.unwrap();
            let bytes = root.get(&ID.object_name()).await.unwrap().unwrap();
            for (offset, mask) in hits {
                let offset = offset.index(bytes.len());
                let mut bytes = bytes.to_vec();
                bytes[offset] ^= mask;
                damage::check_damaged(bytes, &meta, rows).await;
            }
        });
    }
}

/// A file with every chunk: several versions, deletions, closed rows, values of different length.
fn small_file() -> (TableOptions, Vec<Version>) {
    let rows = [
        ("a", 30, u64::MAX, Kind::Put, "newest"),
        ("a", 20, 30, Kind::Delete, ""),
        ("a", 10, 20, Kind::Put, "oldest and longer"),
        ("b", 25, 40, Kind::Put, "x"),
        (
            "bb",
            25,
            u64::MAX,
            Kind::Put,
            "the value the value the value the value the value the value the value",
        ),
        ("c", 12, u64::MAX, Kind::Delete, ""),
        ("d", 12, u64::MAX, Kind::Put, "same"),
        ("e", 12, u64::MAX, Kind::Put, "same"),
    ];
    let rows = rows.map(|(key, begin, end, kind, value)| Version {
        key: key.into(),
        begin: at(begin),
        end: at(end),
        kind,
        value: value.into(),
    });
    (TableOptions { page_rows_max: 2, ..TableOptions::default() }, rows.into())
}

#[test]
fn reads_of_a_local_file_never_suspend() {
    run(async {
        let directory = tempfile::tempdir().unwrap();
        let root = Root::local(OsDisk::shared(), directory.path());
        let rows = many_rows(3000);
        let meta = write(&root, ID, &TableOptions::default(), &rows).await.unwrap();
        let cache = cache();
        let table =
            Table::open(&root, &meta, &cache).now_or_never().expect("opening does not suspend").unwrap();
        for row in rows.iter().step_by(17) {
            let found = table.get(&row.key, Timestamp::LAST).now_or_never().expect("a get does not suspend");
            assert_eq!(found.unwrap().unwrap().value, row.value);
        }
        table.page(0, CachePolicy::IfRoom).now_or_never().expect("a scan does not suspend").unwrap();
    });
}

fn version(key: &[u8], begin: u64, value: &[u8]) -> Version {
    Version {
        key: Bytes::copy_from_slice(key),
        begin: at(begin),
        end: Timestamp::OPEN,
        kind: Kind::Put,
        value: Bytes::copy_from_slice(value),
    }
}

#[test]
fn long_keys_and_values_get_pages_of_their_own() {
    run(async {
        let root = Root::memory();
        let long = vec![7; KEY_BYTES_MAX];
        let large: Vec<u8> =
            (0..3_000_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        let rows = [
            version(b"", 1, b""),
            version(&long[..9], 4, &vec![0; 200_000]),
            version(&long, 5, b""),
            version(b"a", 9, &large),
            version(b"b", 3, b"after"),
        ];
        let meta = write(&root, ID, &TableOptions::default(), &rows).await.unwrap();
        let table = Table::open(&root, &meta, &cache()).await.unwrap();
        assert_eq!(read_all(&table).await.unwrap(), rows);
        assert_eq!(table.index().len(), 5);
        check_gets(&table, &rows, &[long[..10].to_vec(), vec![8], b"aa".to_vec()]).await;
    });
}

#[test]
fn the_writer_refuses_what_is_out_of_order_and_goes_on() {
    run(async {
        let root = Root::memory();
        let mut writer = TableWriter::create(&root, ID, &TableOptions::default()).await.unwrap();
        writer.push(version(b"m", 10, b"1").as_ref()).await.unwrap();
        let too_long = vec![0; KEY_BYTES_MAX + 1];
        let wrong = [
            version(b"a", 5, b""),
            version(b"m", 10, b""),
            version(b"m", 11, b""),
            version(&too_long, 1, b""),
            Version { end: at(3), ..version(b"n", 3, b"") },
            Version { kind: Kind::Delete, ..version(b"n", 3, b"a deletion has no value") },
        ];
        for version in wrong {
            assert!(matches!(writer.push(version.as_ref()).await, Err(Error::Invalid(_))));
        }
        writer.push(version(b"m", 9, b"2").as_ref()).await.unwrap();
        assert_eq!((writer.rows(), writer.last_key()), (2, &b"m"[..]));
        assert_eq!(writer.finish().await.unwrap().rows, 2);

        let options = TableOptions::default();
        let empty = TableWriter::create(&root, FileId { epoch: 3, number: 8 }, &options);
        assert!(matches!(empty.await.unwrap().finish().await, Err(Error::Invalid(_))));
    });
}

#[test]
fn an_aborted_or_dropped_file_leaves_nothing() {
    run(async {
        let root = Root::memory();
        for abort in [true, false] {
            let mut writer = TableWriter::create(&root, ID, &TableOptions::default()).await.unwrap();
            writer.push(version(b"k", 1, b"v").as_ref()).await.unwrap();
            if abort {
                writer.abort().await.unwrap();
            } else {
                drop(writer);
            }
            assert_eq!(root.get(&ID.object_name()).await.unwrap(), None);
        }
    });
}

fn many_rows(count: u32) -> Vec<Version> {
    let value = |n: u32| n.wrapping_mul(2_654_435_761).to_le_bytes().repeat(25);
    (0..count).map(|n| version(&u128::from(n).to_be_bytes(), 1 + u64::from(n % 7), &value(n))).collect()
}

#[test]
fn passing_by_leaves_the_cache_alone_and_keeping_stays_within_bounds() {
    run(async {
        let root = Root::memory();
        let options = TableOptions { page_bytes_max: 4096, ..TableOptions::default() };
        let meta = write(&root, ID, &options, &many_rows(5000)).await.unwrap();
        let cache = PageCache::new(64 << 10);
        let table = Table::open(&root, &meta, &cache).await.unwrap();
        for page in 0..table.index().len() {
            table.page(page, CachePolicy::PassBy).await.unwrap();
        }
        assert!(cache.is_empty());
        for page in 0..table.index().len() {
            table.page(page, CachePolicy::Keep).await.unwrap();
        }
        assert!(!cache.is_empty() && cache.bytes() <= cache.capacity(), "{} bytes", cache.bytes());
        drop(table);
        assert!(cache.is_empty(), "a closed file gives its room back");
        let table = Table::open(&root, &meta, &cache).await.unwrap();
        for page in 0..table.index().len() {
            table.page(page, CachePolicy::IfRoom).await.unwrap();
        }
        assert!(!cache.is_empty() && cache.bytes() < cache.capacity(), "{} bytes", cache.bytes());
    });
}

#[test]
fn the_estimate_of_the_length_is_near() {
    run(async {
        let root = Root::memory();
        let mut writer = TableWriter::create(&root, ID, &TableOptions::default()).await.unwrap();
        for row in many_rows(20_000) {
            writer.push(row.as_ref()).await.unwrap();
        }
        let estimate = writer.len_estimate();
        let len = writer.finish().await.unwrap().len;
        assert!(estimate.abs_diff(len) < len / 10 + 65_536, "{estimate} estimated, {len} written");
    });
}

#[test]
fn a_page_says_when_it_is_clean() {
    run(async {
        let (options, rows) = small_file();
        let root = Root::memory();
        let meta = write(&root, ID, &options, &rows).await.unwrap();
        let table = Table::open(&root, &meta, &cache()).await.unwrap();
        // Pages: a a | a b | bb c | d e.
        let clean: Vec<bool> = (0..4).map(|page| table.index().is_clean(page, at(12))).collect();
        assert_eq!(clean, [false, false, false, true]);
        assert!(!table.index().is_clean(3, at(11)));
    });
}

#[test]
fn a_file_of_a_newer_format_is_refused_and_optional_features_are_not() {
    run(async {
        let (options, rows) = small_file();
        let root = Root::memory();
        let meta = write(&root, ID, &options, &rows).await.unwrap();
        let bytes = root.get(&ID.object_name()).await.unwrap().unwrap();
        let tail = &bytes[meta.tail_offset as usize..];
        let footer = Footer::decode(tail, meta.tail_offset, ID.epoch, ID.number).unwrap();
        let footer_at = footer.sections.last().map(|section| section.offset + section.stored_len).unwrap();
        let with = |features: Features, version: (u16, u16)| {
            let mut changed = bytes[..footer_at as usize].to_vec();
            Footer { features, version, ..footer.clone() }.encode(footer_at, &mut changed);
            assert_eq!(changed.len(), bytes.len());
            let meta = &meta;
            async move {
                let root = Root::memory();
                let put = root.put_new(&ID.object_name(), changed.into()).await.unwrap();
                assert_eq!(put, PutOutcome::Created);
                Table::open(&root, meta, &cache()).await
            }
        };
        let features =
            |required, required_to_write, optional| Features { required, required_to_write, optional };
        assert!(matches!(with(features(4, 0, 0), (1, 0)).await, Err(Error::Invalid(_))));
        assert!(matches!(with(features(0, 0, 0), (2, 0)).await, Err(Error::Invalid(_))));
        let newer = with(features(0, 1, 9), (1, 7)).await.unwrap();
        assert!(newer.forbids_writing());
        assert_eq!(read_all(&newer).await.unwrap(), rows);
        assert!(!with(features(0, 0, 9), (1, 0)).await.unwrap().forbids_writing());
    });
}
