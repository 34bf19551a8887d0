use std::{
    ops::{Bound, RangeBounds},
    sync::Arc,
};

use arrow::{
    array::{
        ArrayRef, BooleanArray, Float64Array, Int16Array, Int32Array, Int64Array, RecordBatch,
        StringViewArray,
    },
    compute::{SortColumn, lexsort_to_indices},
};
use datafusion::common::ScalarValue;
use proptest::prelude::*;

use super::{RowColumn, RowDecoder, RowEncoder, RowLayout};
use crate::types::{ColumnType, UTC};

const TYPES: [ColumnType; 14] = [
    ColumnType::Boolean,
    ColumnType::SmallInt,
    ColumnType::Integer,
    ColumnType::BigInt,
    ColumnType::Real,
    ColumnType::Double,
    ColumnType::Decimal { precision: 9, scale: 2 },
    ColumnType::Decimal { precision: 30, scale: 4 },
    ColumnType::TEXT,
    ColumnType::Text { chars_max: Some(40) },
    ColumnType::Date,
    ColumnType::Timestamp,
    ColumnType::TimestampTz,
    ColumnType::Bytes,
];

fn layout(types: &[ColumnType], key: Vec<usize>) -> Arc<RowLayout> {
    let columns = types
        .iter()
        .enumerate()
        .map(|(i, column_type)| RowColumn {
            id: i as u32,
            name: format!("c{i}"),
            column_type: *column_type,
            nullable: !key.contains(&i),
            missing: None,
        })
        .collect();
    Arc::new(RowLayout::new("t", columns, key).unwrap())
}

fn value_of(column_type: ColumnType) -> BoxedStrategy<ScalarValue> {
    let ints = prop_oneof![
        Just(0i64),
        Just(1),
        Just(-1),
        Just(i64::MIN),
        Just(i64::MAX),
        -300i64..300,
        any::<i64>()
    ];
    match column_type {
        ColumnType::Boolean => any::<bool>().prop_map(|v| ScalarValue::Boolean(Some(v))).boxed(),
        ColumnType::SmallInt => ints.prop_map(|v| ScalarValue::Int16(Some(v as i16))).boxed(),
        ColumnType::Integer => ints.prop_map(|v| ScalarValue::Int32(Some(v as i32))).boxed(),
        ColumnType::BigInt => ints.prop_map(|v| ScalarValue::Int64(Some(v))).boxed(),
        ColumnType::Date => ints.prop_map(|v| ScalarValue::Date32(Some(v as i32))).boxed(),
        ColumnType::Timestamp => ints.prop_map(|v| ScalarValue::TimestampMicrosecond(Some(v), None)).boxed(),
        ColumnType::TimestampTz => {
            ints.prop_map(|v| ScalarValue::TimestampMicrosecond(Some(v), Some(UTC.into()))).boxed()
        }
        ColumnType::Real => prop_oneof![Just(0.0f32), Just(1.5), any::<f32>(), Just(f32::INFINITY)]
            .prop_filter("NaN and -0 lose their bits in keys", |v| {
                !v.is_nan() && v.to_bits() != (-0.0f32).to_bits()
            })
            .prop_map(|v| ScalarValue::Float32(Some(v)))
            .boxed(),
        ColumnType::Double => prop_oneof![Just(0.0f64), Just(0.5), any::<f64>(), Just(f64::NEG_INFINITY)]
            .prop_filter("NaN and -0 lose their bits in keys", |v| {
                !v.is_nan() && v.to_bits() != (-0.0f64).to_bits()
            })
            .prop_map(|v| ScalarValue::Float64(Some(v)))
            .boxed(),
        ColumnType::Decimal { precision, scale } => {
            let limit = 10i128.pow(u32::from(precision)) - 1;
            prop_oneof![Just(0), Just(limit), Just(-limit), -limit..=limit]
                .prop_map(move |v| ScalarValue::Decimal128(Some(v), precision, scale as i8))
                .boxed()
        }
        ColumnType::Text { .. } => {
            prop_oneof![Just(String::new()), "[ab\u{0}\u{1}]{0,4}", "\\PC{0,20}", Just("x\u{0}".to_owned())]
                .prop_map(|v| ScalarValue::Utf8View(Some(v)))
                .boxed()
        }
        ColumnType::Bytes => {
            prop::collection::vec(prop_oneof![Just(0u8), Just(1), Just(255), any::<u8>()], 0..12)
                .prop_flat_map(|short| prop_oneof![3 => Just(short.clone()), 1 => Just(short.repeat(60))])
                .prop_map(|v| ScalarValue::Binary(Some(v)))
                .boxed()
        }
    }
}

fn batch(layout: &RowLayout, rows: &[Vec<ScalarValue>]) -> RecordBatch {
    let columns: Vec<ArrayRef> = (0..layout.columns().len())
        .map(|column| ScalarValue::iter_to_array(rows.iter().map(|row| row[column].clone())).unwrap())
        .collect();
    RecordBatch::try_new(layout.schema(), columns).unwrap()
}

fn decode_all(layout: &Arc<RowLayout>, rows: &super::EncodedRows) -> RecordBatch {
    let all: Vec<usize> = (0..layout.columns().len()).collect();
    let mut decoder = RowDecoder::new(Arc::clone(layout), &all).unwrap();
    for row in 0..rows.len() {
        decoder.push(rows.keys.get(row), rows.values.get(row)).unwrap();
    }
    decoder.finish(&layout.schema()).unwrap()
}

/// Rows of one type in the key and every type in the value, some of them NULL.
fn table_rows(key: usize) -> impl Strategy<Value = Vec<Vec<ScalarValue>>> {
    let columns: Vec<BoxedStrategy<ScalarValue>> = TYPES
        .iter()
        .enumerate()
        .map(|(i, column_type)| {
            let null = ScalarValue::try_from(&column_type.arrow()).unwrap();
            if i == key {
                value_of(*column_type)
            } else {
                prop_oneof![1 => Just(null), 4 => value_of(*column_type)].boxed()
            }
        })
        .collect();
    prop::collection::vec(columns, 1..12)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn rows_come_back_as_they_were(rows in (0..TYPES.len()).prop_flat_map(|key| (Just(key), table_rows(key)))) {
        let (key, rows) = rows;
        let layout = layout(&TYPES, vec![key]);
        let batch = batch(&layout, &rows);
        let encoded = RowEncoder::new(Arc::clone(&layout)).encode(&batch, &mut 0).unwrap();
        prop_assert_eq!(decode_all(&layout, &encoded), batch);
    }

    #[test]
    fn keys_sort_as_sql_sorts_their_columns(
        (types, rows) in prop::collection::vec(prop::sample::select(TYPES.to_vec()), 1..4).prop_flat_map(|types| {
            let row: Vec<_> = types.iter().map(|t| value_of(*t)).collect();
            (Just(types), prop::collection::vec(row, 2..20))
        })
    ) {
        let layout = layout(&types, (0..types.len()).collect());
        let batch = batch(&layout, &rows);
        let encoder = RowEncoder::new(Arc::clone(&layout));
        let keys = encoder.encode_keys(batch.columns()).unwrap();
        let columns: Vec<SortColumn> =
            batch.columns().iter().map(|c| SortColumn { values: Arc::clone(c), options: None }).collect();
        let order = lexsort_to_indices(&columns, None).unwrap();
        for pair in order.values().windows(2) {
            let (a, b) = (pair[0] as usize, pair[1] as usize);
            let same = (0..types.len()).all(|column| rows[a][column] == rows[b][column]);
            prop_assert_eq!(keys.get(a) == keys.get(b), same);
            prop_assert!(keys.get(a) <= keys.get(b), "{:?} {:?}", rows[a], rows[b]);
        }
    }

    #[test]
    fn a_key_range_holds_exactly_the_rows_between_its_bounds(
        first in prop::collection::vec(-2i64..3, 1..30),
        low in -3i64..4,
        high in -3i64..4,
        lower_kind in 0..3,
        upper_kind in 0..3,
        prefixed in any::<bool>(),
    ) {
        let layout = layout(&[ColumnType::TEXT, ColumnType::BigInt, ColumnType::TEXT], vec![0, 1, 2]);
        let bound = |kind: i32, value: i64| match kind {
            0 => Bound::Unbounded,
            1 => Bound::Included(value),
            _ => Bound::Excluded(value),
        };
        let (lower, upper) = (bound(lower_kind, low), bound(upper_kind, high));
        let scalar = |value: i64| ScalarValue::Int64(Some(value));
        let text = |text: &str| ScalarValue::Utf8View(Some(text.to_owned()));
        let (low, high) = (scalar(low), scalar(high));
        let as_scalar = |b: Bound<i64>, s| match b {
            Bound::Unbounded => Bound::Unbounded,
            Bound::Included(_) => Bound::Included(s),
            Bound::Excluded(_) => Bound::Excluded(s),
        };
        prop_assume!(prefixed);
        let range = layout.key_range(&[text("b")], as_scalar(lower, &low), as_scalar(upper, &high)).unwrap();
        for value in first {
            for head in ["a", "b", "b\0", "c"] {
                for tail in ["", "z"] {
                    let key = layout.key_prefix(&[text(head), scalar(value), text(tail)]).unwrap();
                    let expected = head == "b" && (lower, upper).contains(&value);
                    prop_assert_eq!(range.contains(&key), expected, "{} {}", head, value);
                }
            }
        }
    }

    #[test]
    fn damaged_bytes_are_an_error_and_never_a_panic(
        rows in table_rows(2),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        cut in any::<bool>(),
    ) {
        let layout = layout(&TYPES, vec![2]);
        let encoded = RowEncoder::new(Arc::clone(&layout)).encode(&batch(&layout, &rows), &mut 0).unwrap();
        let all: Vec<usize> = (0..TYPES.len()).collect();
        let mut decoder = RowDecoder::new(Arc::clone(&layout), &all).unwrap();
        let mut value = encoded.values.get(0).to_vec();
        let index = at.index(value.len());
        if cut { value.truncate(index) } else { value[index] = byte }
        if let Err(error) = decoder.push(encoded.keys.get(0), &value) {
            prop_assert_eq!(error.sqlstate(), "XX001");
        }
    }
}

#[test]
fn minus_zero_and_zero_are_one_key_and_nan_comes_last() {
    let layout = layout(&[ColumnType::Double], vec![0]);
    let values = [
        f64::NEG_INFINITY,
        -1.0,
        -f64::MIN_POSITIVE,
        -0.0,
        0.0,
        f64::MIN_POSITIVE,
        1.0,
        f64::INFINITY,
        f64::NAN,
        -f64::NAN,
    ];
    let array: ArrayRef = Arc::new(Float64Array::from(values.to_vec()));
    let keys = RowEncoder::new(layout).encode_keys(&[array]).unwrap();
    for (i, value) in values.iter().enumerate().skip(1) {
        let equal = matches!(i, 4 | 9);
        assert_eq!(keys.get(i - 1) == keys.get(i), equal, "{value}");
        assert!(keys.get(i - 1) <= keys.get(i), "{value}");
    }
}

#[test]
fn a_column_that_is_younger_than_the_row_reads_as_its_default() {
    let old = layout(&[ColumnType::Integer, ColumnType::TEXT], vec![0]);
    let rows = vec![vec![ScalarValue::Int32(Some(7)), ScalarValue::Utf8View(Some("x".to_owned()))]];
    let encoded = RowEncoder::new(Arc::clone(&old)).encode(&batch(&old, &rows), &mut 0).unwrap();
    let mut columns = old.columns().to_vec();
    for (id, missing) in [(2, Some(ScalarValue::Int64(Some(5)))), (3, None)] {
        columns.push(RowColumn {
            id,
            name: format!("new{id}"),
            column_type: ColumnType::BigInt,
            nullable: true,
            missing,
        });
    }
    let new = Arc::new(RowLayout::new("t", columns, vec![0]).unwrap());
    let batch = decode_all(&new, &encoded);
    assert_eq!(batch.column(2).as_ref(), &Int64Array::from(vec![5]) as &dyn arrow::array::Array);
    assert!(batch.column(3).is_null(0));
}

#[test]
fn a_widened_column_reads_older_rows() {
    let old = layout(&[ColumnType::SmallInt, ColumnType::Integer, ColumnType::Real], vec![]);
    let rows = vec![vec![
        ScalarValue::Int16(Some(-300)),
        ScalarValue::Int32(Some(i32::MIN)),
        ScalarValue::Float32(Some(0.1)),
    ]];
    let encoded = RowEncoder::new(Arc::clone(&old)).encode(&batch(&old, &rows), &mut 0).unwrap();
    let new = layout(&[ColumnType::Integer, ColumnType::BigInt, ColumnType::Double], vec![]);
    let batch = decode_all(&new, &encoded);
    assert_eq!(batch.column(0).as_ref(), &Int32Array::from(vec![-300]) as &dyn arrow::array::Array);
    assert_eq!(
        batch.column(1).as_ref(),
        &Int64Array::from(vec![i64::from(i32::MIN)]) as &dyn arrow::array::Array
    );
    let back =
        decode_all(&layout(&[ColumnType::SmallInt, ColumnType::BigInt, ColumnType::Real], vec![]), &encoded);
    assert_eq!(back.column(0).as_ref(), &Int16Array::from(vec![-300]) as &dyn arrow::array::Array);
}

#[test]
fn hidden_row_ids_count_on_and_sort_in_order() {
    let layout = layout(&[ColumnType::Boolean], vec![]);
    let batch =
        RecordBatch::try_new(layout.schema(), vec![Arc::new(BooleanArray::from(vec![true; 300]))]).unwrap();
    let mut next = 1;
    let encoder = RowEncoder::new(layout);
    let first = encoder.encode(&batch, &mut next).unwrap();
    let second = encoder.encode(&batch, &mut next).unwrap();
    assert_eq!(next, 601);
    assert!((1..300).all(|row| first.keys.get(row - 1) < first.keys.get(row)));
    assert!(first.keys.get(299) < second.keys.get(0));
}

#[test]
fn constraints_of_columns_are_checked_where_rows_are_written() {
    let mut columns =
        layout(&[ColumnType::Integer, ColumnType::Text { chars_max: Some(2) }], vec![0]).columns().to_vec();
    columns[1].nullable = false;
    let layout = Arc::new(RowLayout::new("t", columns, vec![0]).unwrap());
    let encoder = RowEncoder::new(Arc::clone(&layout));
    let nullable = Arc::new(arrow::datatypes::Schema::new(
        layout.schema().fields().iter().map(|f| f.as_ref().clone().with_nullable(true)).collect::<Vec<_>>(),
    ));
    let run = |id: Option<i32>, text: Option<&str>| {
        let columns: Vec<ArrayRef> =
            vec![Arc::new(Int32Array::from(vec![id])), Arc::new(StringViewArray::from(vec![text]))];
        encoder.encode(&RecordBatch::try_new(Arc::clone(&nullable), columns).unwrap(), &mut 0)
    };
    assert!(run(Some(1), Some("äß")).is_ok());
    let error = run(None, Some("a")).unwrap_err();
    assert_eq!((error.sqlstate(), error.message()), ("23502", "column c0 of table t must not be NULL"));
    assert_eq!(run(Some(1), None).unwrap_err().sqlstate(), "23502");
    let error = run(Some(1), Some("abc")).unwrap_err();
    assert_eq!(
        (error.sqlstate(), error.message()),
        ("22001", "value of 3 characters is too long for column c1 of type VARCHAR(2)")
    );
}

#[test]
fn a_key_is_shown_with_its_columns() {
    let layout = layout(
        &[ColumnType::Date, ColumnType::TEXT, ColumnType::Decimal { precision: 9, scale: 2 }],
        vec![0, 1, 2],
    );
    let key = layout
        .key_prefix(&[
            ScalarValue::Date32(Some(19_000)),
            ScalarValue::Utf8View(Some("a b".to_owned())),
            ScalarValue::Decimal128(Some(-150), 9, 2),
        ])
        .unwrap();
    assert_eq!(layout.describe_key(&key), "(c0, c1, c2)=(2022-01-08, a b, -1.50)");
}

#[test]
fn only_the_wanted_columns_are_built() {
    let layout = layout(&TYPES, vec![3, 8]);
    let rows: Vec<Vec<ScalarValue>> = (0..3)
        .map(|i| {
            TYPES
                .iter()
                .enumerate()
                .map(|(column, t)| match column {
                    3 => ScalarValue::Int64(Some(i)),
                    8 => ScalarValue::Utf8View(Some(format!("k{i}"))),
                    10 => ScalarValue::Date32(Some(i as i32)),
                    _ => ScalarValue::try_from(&t.arrow()).unwrap(),
                })
                .collect()
        })
        .collect();
    let full = batch(&layout, &rows);
    let encoded = RowEncoder::new(Arc::clone(&layout)).encode(&full, &mut 0).unwrap();
    for projection in [vec![], vec![10], vec![8, 3], vec![10, 3, 0]] {
        let schema = Arc::new(layout.schema().project(&projection).unwrap());
        let mut decoder = RowDecoder::new(Arc::clone(&layout), &projection).unwrap();
        for row in 0..encoded.len() {
            decoder.push(encoded.keys.get(row), encoded.values.get(row)).unwrap();
        }
        assert_eq!(decoder.len(), 3);
        let batch = decoder.finish(&schema).unwrap();
        assert_eq!(batch, full.project(&projection).unwrap(), "{projection:?}");
        assert!(decoder.is_empty());
    }
}
