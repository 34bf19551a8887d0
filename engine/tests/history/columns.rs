//! What is read by columns, against the same rows as bytes.

use std::collections::{BTreeMap, BTreeSet};

use arrow_schema::{DataType, TimeUnit};
use bytes::Bytes;
use rand::RngExt;

use bygone_engine::{
    ChangeScan, ColumnRequest, ColumnScanOptions, Difference, KeyRange, Missing, ReadView, RowAssembler,
    rows::value::tag, testing::row_schema,
};

use super::{KEYSPACES, Run};

impl Run {
    /// Columns that are read from pages, and rows that are let go before their other columns are read, are
    /// those of the rows as bytes.
    pub(super) async fn check_columns(&mut self, view: &ReadView, expected: &BTreeMap<Bytes, Bytes>) {
        let keep = self.rng.random_range(1..4);
        let assembler = || RowAssembler::new(&row_schema(), requests()).unwrap();
        let (mut from_bytes, mut from_pages) = (assembler(), assembler());
        let mut rows = expected.iter().enumerate().filter(|(at, _)| at % keep == 0);
        let fits = rows.all(|(_, (key, value))| from_bytes.push(key, value).is_ok());
        let with_keys = self.rng.random_bool(0.5);
        let options = ColumnScanOptions { batch_rows: 12, ..ColumnScanOptions::default() };
        let mut scan = view.scan_columns(KEYSPACES[1], &KeyRange::all(), &options).unwrap();
        let (mut at, mut keys, mut is_read) = (0, Vec::new(), true);
        while let Some(mut set) = scan.next().await.unwrap() {
            assert!(set.len() <= 12);
            if with_keys {
                assert_eq!(set.keys().await.unwrap().len(), set.len(), "before rows are let go");
            }
            let bits = (at..at + set.len()).map(|row| row % keep == 0).collect();
            at += set.len();
            set.retain(&bits);
            if with_keys {
                keys.extend(set.keys().await.unwrap().iter().map(Bytes::copy_from_slice));
            }
            is_read &= from_pages.push_set(&set).await.is_ok();
        }
        assert_eq!((at, is_read), (expected.len(), fits));
        let kept = expected.keys().enumerate().filter(|(at, _)| at % keep == 0).map(|(_, key)| key);
        assert!(!with_keys || keys.iter().eq(kept), "keys of the rows that were kept");
        if fits {
            assert_eq!(from_pages.finish(), from_bytes.finish());
        }
    }

    /// Without an order the same rows come, each once.
    pub(super) async fn check_columns_in_any_order(
        &self,
        view: &ReadView,
        expected: &BTreeMap<Bytes, Bytes>,
    ) {
        let mut from_pages = RowAssembler::new(&row_schema(), requests()).unwrap();
        let options = ColumnScanOptions { ordered: false, batch_rows: 12, ..ColumnScanOptions::default() };
        let mut scan = view.scan_columns(KEYSPACES[1], &KeyRange::all(), &options).unwrap();
        let (mut keys, mut is_read) = (Vec::new(), true);
        while let Some(set) = scan.next().await.unwrap() {
            assert!(set.len() <= 12);
            keys.extend(set.keys().await.unwrap().iter().map(Bytes::copy_from_slice));
            is_read &= from_pages.push_set(&set).await.is_ok();
        }
        let mut from_bytes = RowAssembler::new(&row_schema(), requests()).unwrap();
        let fits = keys.iter().all(|key| from_bytes.push(key, &expected[key]).is_ok());
        assert_eq!(is_read, fits);
        if fits {
            assert_eq!(from_pages.finish(), from_bytes.finish());
        }
        let found = keys.len();
        assert_eq!(keys.into_iter().collect::<BTreeSet<_>>(), expected.keys().cloned().collect());
        assert_eq!(found, expected.len(), "each once");
    }
}

/// The rows of changes, read by columns, are those that both moments hold; what was written again as it was
/// is among them.
pub(super) async fn check_changed_columns(
    mut changes: ChangeScan,
    differ: &[Difference],
    old: &BTreeMap<Bytes, Bytes>,
    new: &BTreeMap<Bytes, Bytes>,
) {
    let assembler = || RowAssembler::new(&row_schema(), requests()).unwrap();
    let mut found = Vec::new();
    while let Some(set) = changes.next().await.unwrap() {
        let mut rows = vec![None; set.rows.len()];
        for (key, change) in set.keys.iter().zip(&set.changes) {
            let key = Bytes::copy_from_slice(key);
            for (number, side) in [(change.before, old), (change.after, new)] {
                let value = number.map(|number| {
                    let value = &side[&key];
                    rows[number] = Some((key.clone(), value.clone()));
                    value
                });
                assert_eq!(value, side.get(&key), "{key:?}");
            }
            found.push(key);
        }
        let (mut from_bytes, mut from_pages) = (assembler(), assembler());
        // Rows that no change names are there as well, where a value went by that was not the newest.
        let named = rows.iter().map(Option::is_some).collect::<arrow_buffer::BooleanBuffer>();
        let fits = rows.iter().flatten().all(|(key, value)| from_bytes.push(key, value).is_ok());
        let mut picked = set.rows;
        picked.retain(&named);
        let is_read = from_pages.push_set(&picked).await.is_ok();
        assert_eq!(is_read, fits);
        if fits {
            assert_eq!(from_pages.finish(), from_bytes.finish());
        }
    }
    assert!(found.is_sorted(), "in key order");
    assert!(differ.iter().all(|difference| found.contains(&difference.key)), "{found:?}");
}

/// Every column, wider than it is stored where that can be, and one that no row has.
fn requests() -> Vec<ColumnRequest> {
    let types = [
        (12, DataType::Utf8View),
        (0, DataType::Boolean),
        (1, DataType::Utf8View),
        (2, DataType::Int64),
        (4, DataType::Date32),
        (5, DataType::Timestamp(TimeUnit::Microsecond, None)),
        (6, DataType::Decimal128(38, 4)),
        (7, DataType::Int32),
        (9, DataType::Float64),
        (10, DataType::Float64),
        (11, DataType::Binary),
        (20, DataType::Int16),
    ];
    let missing = |id| match id {
        12 => Missing { tag: tag::LENGTH_1, payload: Bytes::from_static(b"\x0bnot written") },
        20 => Missing { tag: tag::ONE, payload: Bytes::new() },
        _ => Missing::default(),
    };
    types.map(|(id, data_type)| ColumnRequest { id, data_type, missing: missing(id) }).to_vec()
}
