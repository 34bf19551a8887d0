use std::sync::Arc;

use arrow::{
    array::{
        Array, ArrayRef, BinaryArray, BooleanArray, Date32Array, Date64Array, Decimal128Array,
        Decimal256Array, DictionaryArray, DurationSecondArray, FixedSizeBinaryArray, Float32Array,
        Float64Array, Int8Array, Int16Array, Int32Array, Int64Array, ListArray, NullArray, StringArray,
        StringViewArray, Time64MicrosecondArray, TimestampMicrosecondArray, TimestampMillisecondArray,
        TimestampNanosecondArray, TimestampSecondArray, UInt8Array, UInt32Array, UInt64Array,
    },
    datatypes::{Int32Type, i256},
    util::display::array_value_to_string,
};

use super::convert;
use crate::{time::TimeZone, types::ColumnType};

const BOOLEAN: ColumnType = ColumnType::Boolean;
const SMALLINT: ColumnType = ColumnType::SmallInt;
const INTEGER: ColumnType = ColumnType::Integer;
const BIGINT: ColumnType = ColumnType::BigInt;
const REAL: ColumnType = ColumnType::Real;
const DOUBLE: ColumnType = ColumnType::Double;
const TEXT: ColumnType = ColumnType::TEXT;
const DATE: ColumnType = ColumnType::Date;
const TIMESTAMP: ColumnType = ColumnType::Timestamp;
const TIMESTAMPTZ: ColumnType = ColumnType::TimestampTz;
const BYTEA: ColumnType = ColumnType::Bytes;
const DECIMAL_9_2: ColumnType = ColumnType::Decimal { precision: 9, scale: 2 };
const DECIMAL_38_0: ColumnType = ColumnType::Decimal { precision: 38, scale: 0 };

/// Result of a conversion: the value's text, or the code and message it is refused with.
fn converted(array: ArrayRef, target: ColumnType) -> Result<String, String> {
    in_zone(array, target, TimeZone::UTC)
}

fn in_zone(array: ArrayRef, target: ColumnType, zone: TimeZone) -> Result<String, String> {
    match convert(&array, target, zone) {
        Ok(values) => {
            assert_eq!(values.data_type(), &target.arrow());
            assert_eq!(values.len(), array.len());
            let value = |row| {
                if values.is_null(row) { "NULL".into() } else { array_value_to_string(&values, row).unwrap() }
            };
            Ok((0..values.len()).map(value).collect::<Vec<String>>().join(" "))
        }
        Err(refused) => Err(format!("{} {}: {}", refused.row, refused.error.sqlstate(), refused.error)),
    }
}

fn decimal(values: Vec<Option<i128>>, precision: u8, scale: i8) -> ArrayRef {
    Arc::new(Decimal128Array::from(values).with_precision_and_scale(precision, scale).unwrap())
}

fn floats(values: &[f64]) -> ArrayRef {
    Arc::new(Float64Array::from(values.to_vec()))
}

fn bigints(values: &[i64]) -> ArrayRef {
    Arc::new(Int64Array::from(values.to_vec()))
}

fn micros(values: &[i64]) -> ArrayRef {
    Arc::new(TimestampMicrosecondArray::from(values.to_vec()))
}

fn instants(values: &[i64]) -> ArrayRef {
    Arc::new(TimestampMicrosecondArray::from(values.to_vec()).with_timezone("UTC"))
}

#[test]
fn a_number_becomes_another_kind_of_number_where_nothing_is_lost() {
    for (array, target, expected) in [
        (floats(&[2.0, -0.0, -3.0]), INTEGER, "2 0 -3"),
        (floats(&[-9_223_372_036_854_775_808.0]), BIGINT, "-9223372036854775808"),
        (Arc::new(Float32Array::from(vec![Some(7.0), None])), SMALLINT, "7 NULL"),
        (Arc::new(Int8Array::from(vec![-128, 127])), SMALLINT, "-128 127"),
        (Arc::new(UInt8Array::from(vec![255])), SMALLINT, "255"),
        (Arc::new(UInt32Array::from(vec![u32::MAX])), BIGINT, "4294967295"),
        (Arc::new(UInt64Array::from(vec![u64::MAX])), DECIMAL_38_0, "18446744073709551615"),
        (bigints(&[1, -1]), INTEGER, "1 -1"),
        (bigints(&[7]), DECIMAL_9_2, "7.00"),
        (bigints(&[7]), REAL, "7.0"),
        (decimal(vec![Some(200), None, Some(-300)], 5, 2), INTEGER, "2 NULL -3"),
        (decimal(vec![Some(1_500)], 10, 3), DECIMAL_9_2, "1.50"),
        (decimal(vec![Some(12_345)], 20, 4), DOUBLE, "1.2345"),
        (decimal(vec![Some(1)], 38, 1), DOUBLE, "0.1"),
        (
            Arc::new(
                Decimal256Array::from(vec![i256::from_i128(150)]).with_precision_and_scale(50, 2).unwrap(),
            ),
            DECIMAL_9_2,
            "1.50",
        ),
        (floats(&[0.1, 1e6, -2.25]), DECIMAL_9_2, "0.10 1000000.00 -2.25"),
        (floats(&[1e30]), DECIMAL_38_0, "1000000000000000000000000000000"),
        (floats(&[0.1, f64::NAN, f64::INFINITY]), REAL, "0.1 NaN inf"),
        (Arc::new(Float32Array::from(vec![0.5])), DOUBLE, "0.5"),
    ] {
        assert_eq!(converted(array, target).unwrap(), expected, "{target}");
    }
}

#[test]
fn a_number_that_would_lose_something_is_refused_with_its_row() {
    for (array, target, expected) in [
        (floats(&[1.0, 1.99]), INTEGER, "1 22P02: \"1.99\" is not a valid INTEGER"),
        (floats(&[0.9999]), BIGINT, "0 22P02: \"0.9999\" is not a valid BIGINT"),
        (floats(&[f64::NAN]), BIGINT, "0 22P02: \"NaN\" is not a valid BIGINT"),
        (floats(&[40_000.0]), SMALLINT, "0 22003: 40000 is out of range for SMALLINT"),
        (bigints(&[0, 1 << 40]), INTEGER, "1 22003: 1099511627776 is out of range for INTEGER"),
        (bigints(&[-32_769]), SMALLINT, "0 22003: -32769 is out of range for SMALLINT"),
        (
            Arc::new(UInt64Array::from(vec![u64::MAX])),
            BIGINT,
            "0 22003: 18446744073709551615 is out of range for BIGINT",
        ),
        (bigints(&[10_000_000]), DECIMAL_9_2, "0 22003: 10000000 is out of range for DECIMAL(9, 2)"),
        (
            decimal(vec![None, Some(1_005)], 10, 3),
            DECIMAL_9_2,
            "1 22P02: \"1.005\" is not a valid DECIMAL(9, 2)",
        ),
        (
            decimal(vec![Some(1_000_000_000)], 20, 2),
            DECIMAL_9_2,
            "0 22003: 10000000.00 is out of range for DECIMAL(9, 2)",
        ),
        (decimal(vec![Some(199)], 5, 2), INTEGER, "0 22P02: \"1.99\" is not a valid INTEGER"),
        (floats(&[1.005]), DECIMAL_9_2, "0 22P02: \"1.005\" is not a valid DECIMAL(9, 2)"),
        (floats(&[1e300]), REAL, "0 22003: 1e+300 is out of range for REAL"),
        (floats(&[1e8]), DECIMAL_9_2, "0 22003: 100000000 is out of range for DECIMAL(9, 2)"),
    ] {
        assert_eq!(converted(array, target).unwrap_err(), expected);
    }
}

#[test]
fn a_value_of_another_kind_is_refused_as_its_text_would_be() {
    let boolean: ArrayRef = Arc::new(BooleanArray::from(vec![None, Some(true)]));
    let day: ArrayRef = Arc::new(Date32Array::from(vec![19_723]));
    let bytes: ArrayRef = Arc::new(BinaryArray::from(vec![&b"1"[..]]));
    let time: ArrayRef = Arc::new(Time64MicrosecondArray::from(vec![1]));
    let list: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>([Some([Some(1)])]));
    for target in [INTEGER, BIGINT, SMALLINT, REAL, DOUBLE, DECIMAL_9_2, DATE, TIMESTAMP, TIMESTAMPTZ, BYTEA]
    {
        let error = converted(Arc::clone(&boolean), target).unwrap_err();
        assert!(
            error.starts_with("1 22") && error.ends_with(&format!("\"true\" is not a valid {target}")),
            "{error}"
        );
    }
    for array in [&day, &bytes, &time, &list, &micros(&[0]), &instants(&[0])] {
        for target in [INTEGER, BIGINT, SMALLINT, REAL, DOUBLE, DECIMAL_9_2, BOOLEAN] {
            let error = converted(Arc::clone(array), target).unwrap_err();
            assert!(error.starts_with("0 22P02: "), "{array:?} {target}: {error}");
        }
    }
    for array in [bigints(&[1]), floats(&[1.0]), decimal(vec![Some(1)], 5, 0)] {
        for target in [BOOLEAN, DATE, TIMESTAMP, TIMESTAMPTZ, BYTEA] {
            let error = converted(Arc::clone(&array), target).unwrap_err();
            assert!(error.starts_with("0 22P02: "), "{array:?} {target}: {error}");
        }
    }
    let span: ArrayRef = Arc::new(DurationSecondArray::from(vec![1]));
    for target in [BIGINT, TIMESTAMP, DATE] {
        assert!(converted(Arc::clone(&span), target).unwrap_err().starts_with("0 22"));
    }
}

#[test]
fn a_column_without_values_is_a_column_of_any_type() {
    let nulls: ArrayRef = Arc::new(BooleanArray::from(vec![None, None]));
    let untyped: ArrayRef = Arc::new(NullArray::new(2));
    for target in [BOOLEAN, INTEGER, DOUBLE, DECIMAL_9_2, TEXT, DATE, TIMESTAMP, TIMESTAMPTZ, BYTEA] {
        for array in [&nulls, &untyped] {
            assert_eq!(converted(Arc::clone(array), target).unwrap(), "NULL NULL");
        }
    }
}

#[test]
fn a_time_becomes_another_kind_of_time_where_nothing_is_lost() {
    const DAY: i64 = 86_400_000_000;
    for (array, target, expected) in [
        (micros(&[DAY, -DAY]), DATE, "1970-01-02 1969-12-31"),
        (Arc::new(Date32Array::from(vec![Some(1), None])), TIMESTAMP, "1970-01-02T00:00:00 NULL"),
        (Arc::new(Date64Array::from(vec![86_400_000])), DATE, "1970-01-02"),
        (Arc::new(TimestampSecondArray::from(vec![1])), TIMESTAMP, "1970-01-01T00:00:01"),
        (Arc::new(TimestampMillisecondArray::from(vec![1])), TIMESTAMP, "1970-01-01T00:00:00.001"),
        (Arc::new(TimestampNanosecondArray::from(vec![1_000])), TIMESTAMP, "1970-01-01T00:00:00.000001"),
        (
            Arc::new(TimestampNanosecondArray::from(vec![-1_000]).with_timezone("+05:00")),
            TIMESTAMPTZ,
            "1969-12-31T23:59:59.999999Z",
        ),
        (micros(&[0]), TIMESTAMPTZ, "1970-01-01T00:00:00Z"),
        (instants(&[0]), TIMESTAMP, "1970-01-01T00:00:00"),
        (instants(&[DAY]), DATE, "1970-01-02"),
    ] {
        assert_eq!(converted(array, target).unwrap(), expected);
    }
    for (array, target, code) in [
        (micros(&[0, DAY / 2]), DATE, "1 22P02: \"1970-01-01T12:00:00\" is not a valid DATE"),
        (Arc::new(Date64Array::from(vec![1])) as ArrayRef, DATE, "0 22P02"),
        (Arc::new(TimestampNanosecondArray::from(vec![1_001])), TIMESTAMP, "0 22P02"),
        (Arc::new(TimestampSecondArray::from(vec![253_402_300_800])), TIMESTAMP, "0 22"),
        (Arc::new(TimestampSecondArray::from(vec![i64::MAX / 10])), TIMESTAMP, "0 22"),
        (Arc::new(Date32Array::from(vec![4_000_000])), DATE, "0 22"),
        (micros(&[-62_135_596_800_000_001]), TIMESTAMP, "0 22"),
    ] {
        let error = converted(array, target).unwrap_err();
        assert!(error.starts_with(code), "{error}");
    }
}

#[test]
fn instants_and_local_times_meet_in_the_zone_of_the_session() {
    let berlin = TimeZone::parse("Europe/Berlin").unwrap();
    let july = 1_751_364_000_000_000; // 2025-07-01 10:00 UTC
    assert_eq!(in_zone(instants(&[july]), TIMESTAMP, berlin).unwrap(), "2025-07-01T12:00:00");
    assert_eq!(in_zone(micros(&[july]), TIMESTAMPTZ, berlin).unwrap(), "2025-07-01T08:00:00Z");
    assert_eq!(in_zone(micros(&[july]), TIMESTAMP, berlin).unwrap(), "2025-07-01T10:00:00");
    assert_eq!(in_zone(instants(&[july]), TIMESTAMPTZ, berlin).unwrap(), "2025-07-01T10:00:00Z");
    let day: ArrayRef = Arc::new(Date32Array::from(vec![20_270]));
    assert_eq!(in_zone(day, TIMESTAMPTZ, berlin).unwrap(), "2025-06-30T22:00:00Z");
    let midnight = july - 12 * 3_600_000_000;
    assert_eq!(in_zone(instants(&[midnight]), DATE, berlin).unwrap(), "2025-07-01");
}

#[test]
fn text_is_read_as_a_field_of_a_csv_file() {
    let text = |values: &[&str]| Arc::new(StringArray::from(values.to_vec())) as ArrayRef;
    assert_eq!(converted(text(&["7", " -1 "]), INTEGER).unwrap(), "7 -1");
    assert_eq!(converted(text(&["yes"]), BOOLEAN).unwrap(), "true");
    assert_eq!(converted(text(&["2024-01-31"]), DATE).unwrap(), "2024-01-31");
    assert_eq!(converted(text(&["\\xdead"]), BYTEA).unwrap(), "dead");
    assert_eq!(converted(text(&["a"]), TEXT).unwrap(), "a");
    assert_eq!(converted(text(&["1", "x"]), INTEGER).unwrap_err(), "1 22P02: \"x\" is not a valid INTEGER");
    let view: ArrayRef = Arc::new(StringViewArray::from(vec![Some("1.5"), None]));
    assert_eq!(converted(view, DOUBLE).unwrap(), "1.5 NULL");
    let packed: DictionaryArray<Int32Type> = vec![Some("a"), None, Some("a")].into_iter().collect();
    assert_eq!(converted(Arc::new(packed), TEXT).unwrap(), "a NULL a");
    let numbers: ArrayRef = Arc::new(Int16Array::from(vec![3]));
    let keys = Int32Array::from(vec![0, 0]);
    let packed: ArrayRef = Arc::new(DictionaryArray::new(keys, numbers));
    assert_eq!(converted(packed, BIGINT).unwrap(), "3 3");
}

#[test]
fn values_become_the_text_that_they_are_written_as() {
    assert_eq!(converted(bigints(&[1]), TEXT).unwrap(), "1");
    assert_eq!(converted(floats(&[1.5]), TEXT).unwrap(), "1.5");
    assert_eq!(converted(decimal(vec![Some(150)], 5, 2), TEXT).unwrap(), "1.50");
    assert_eq!(converted(Arc::new(BooleanArray::from(vec![true])), TEXT).unwrap(), "true");
    assert_eq!(converted(Arc::new(Date32Array::from(vec![0])), TEXT).unwrap(), "1970-01-01");
    let bytes: ArrayRef = Arc::new(BinaryArray::from(vec![&b"caf\xc3\xa9"[..]]));
    assert_eq!(converted(bytes, TEXT).unwrap(), "café");
    let bytes: ArrayRef = Arc::new(BinaryArray::from(vec![&b"a"[..], b"\xff"]));
    assert_eq!(converted(bytes, TEXT).unwrap_err(), "1 22021: the text is not UTF-8");
    let fixed: ArrayRef = Arc::new(FixedSizeBinaryArray::try_from(vec![&b"ab"[..], b"cd"]).unwrap());
    assert_eq!(converted(Arc::clone(&fixed), TEXT).unwrap(), "ab cd");
    assert_eq!(converted(fixed, BYTEA).unwrap(), "6162 6364");
}
