use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float32Array, Float64Array,
    Int64Array, ListArray, RecordBatch, StringArray, StringViewArray, TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Field, Float64Type, Int64Type, Schema};

use super::*;

/// Every kind of value once, a row of NULLs, and the awkward texts.
fn sample() -> RecordBatch {
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("n", Arc::new(Int64Array::from(vec![Some(i64::MIN), None, Some(7)]))),
        ("f", Arc::new(Float64Array::from(vec![Some(0.1), None, Some(1e21)]))),
        (
            "d",
            Arc::new(
                Decimal128Array::from(vec![Some(12_345), None, Some(-5)])
                    .with_precision_and_scale(20, 2)
                    .unwrap(),
            ),
        ),
        ("s", Arc::new(StringViewArray::from(vec![Some("a,\"b\"\tc|d\ne"), None, Some("")]))),
        ("b", Arc::new(BinaryArray::from(vec![Some(&b"\x00\xff"[..]), None, Some(&b""[..])]))),
        ("t", Arc::new(BooleanArray::from(vec![Some(true), None, Some(false)]))),
        ("day", Arc::new(Date32Array::from(vec![Some(15_706), None, Some(0)]))),
        ("ts", Arc::new(TimestampMicrosecondArray::from(vec![Some(1_357_034_400_000_000), None, Some(1)]))),
        (
            "tz",
            Arc::new(
                TimestampMicrosecondArray::from(vec![Some(1_357_034_400_000_000), None, Some(1_500)])
                    .with_timezone("UTC"),
            ),
        ),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true)))
        .unwrap()
}

fn render(format: Format, batches: &[RecordBatch]) -> String {
    let mut out = Vec::new();
    let mut writer = format.writer();
    writer.begin(&batches[0].schema(), &mut out).unwrap();
    for batch in batches {
        writer.write(batch, &mut out).unwrap();
    }
    writer.finish(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn numbers(count: i64) -> RecordBatch {
    let column: ArrayRef = Arc::new(Int64Array::from_iter_values(0..count));
    RecordBatch::try_from_iter([("n", column)]).unwrap()
}

#[test]
fn csv_keeps_null_and_the_empty_string_apart_and_quotes_what_it_must() {
    let expected = "n,f,d,s,b,t,day,ts,tz\n\
        -9223372036854775808,0.1,123.45,\"a,\"\"b\"\"\tc|d\ne\",\\x00ff,true,2013-01-01,2013-01-01T10:00:00,2013-01-01T10:00:00Z\n\
        ,,,,,,,,\n\
        7,1e+21,-0.05,\"\",\\x,false,1970-01-01,1970-01-01T00:00:00.000001,1970-01-01T00:00:00.001500Z\n";
    assert_eq!(render(Format::Csv, &[sample()]), expected);
}

#[test]
fn tsv_escapes_tabs_and_newlines_and_marks_null() {
    let text = render(Format::Tsv, &[sample()]);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 4);
    assert!(lines[1].contains("a,\"b\"\\tc|d\\ne\t\\\\x00ff\t"), "{}", lines[1]);
    assert_eq!(lines[2], ["\\N"; 9].join("\t"));
}

#[test]
fn json_lines_are_objects_with_exact_numbers() {
    let text = render(Format::JsonLines, &[sample()]);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines[0],
        r#"{"n":-9223372036854775808,"f":0.1,"d":123.45,"s":"a,\"b\"\tc|d\ne","b":"\\x00ff","t":true,"day":"2013-01-01","ts":"2013-01-01T10:00:00","tz":"2013-01-01T10:00:00Z"}"#
    );
    for line in lines {
        serde_json::from_str::<serde_json::Value>(line).unwrap();
    }
}

#[test]
fn json_is_one_array_whatever_the_number_of_batches() {
    let text = render(Format::Json, &[numbers(2), numbers(0), numbers(1)]);
    assert_eq!(text, "[\n {\"n\":0},\n {\"n\":1},\n {\"n\":0}\n]\n");
    assert_eq!(render(Format::Json, &[numbers(0)]), "[]\n");
}

#[test]
fn json_numbers_repeated_column_names() {
    let column: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    let fields: Vec<Field> = (0..3).map(|_| Field::new("a", DataType::Int64, false)).collect();
    let batch =
        RecordBatch::try_new(Arc::new(Schema::new(fields)), vec![column.clone(), column.clone(), column]);
    assert_eq!(render(Format::JsonLines, &[batch.unwrap()]), "{\"a\":1,\"a:1\":1,\"a:2\":1}\n");
}

#[test]
fn a_table_aligns_numbers_right_and_shows_control_characters_as_escapes() {
    let names: ArrayRef = Arc::new(StringArray::from(vec![Some("Zürich"), None, Some("日本\u{1b}[2J")]));
    let counts: ArrayRef = Arc::new(Int64Array::from(vec![1, 20, 300]));
    let batch =
        RecordBatch::try_from_iter_with_nullable([("name", names, true), ("n", counts, true)]).unwrap();
    let expected = " name          |   n\n\
                    ---------------+-----\n \
                    Zürich        |   1\n \
                    NULL          |  20\n \
                    日本\\u{1b}[2J | 300\n\
                    (3 rows)\n";
    assert_eq!(render(Format::Table, &[batch]), expected);
}

#[test]
fn a_table_writes_before_the_result_ends() {
    let mut out = Vec::new();
    let mut writer = Format::Table.writer();
    writer.begin(&numbers(0).schema(), &mut out).unwrap();
    writer.write(&numbers(999), &mut out).unwrap();
    assert!(out.is_empty(), "the first rows choose the widths");
    writer.write(&numbers(2), &mut out).unwrap();
    let held_lines = String::from_utf8_lossy(&out).lines().count();
    assert_eq!(held_lines, 2 + 1_001, "header, rule and every row so far");
    writer.finish(&mut out).unwrap();
    assert!(String::from_utf8(out).unwrap().ends_with("(1001 rows)\n"));
}

#[test]
fn markdown_escapes_bars_and_marks_numbers() {
    let text = render(Format::Markdown, &[sample().project(&[0, 3]).unwrap()]);
    let expected =
        "| n | s |\n|---:|---|\n| -9223372036854775808 | a,\"b\"\\tc\\|d\\ne |\n| NULL | NULL |\n| 7 |  |\n";
    assert_eq!(text, expected);
}

#[test]
fn nested_values_are_shown_in_every_format() {
    let list: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>([
        Some(vec![Some(1), None, Some(3)]),
        None,
    ]));
    let batch = RecordBatch::try_from_iter_with_nullable([("l", list, true)]).unwrap();
    assert_eq!(render(Format::Csv, std::slice::from_ref(&batch)), "l\n\"{1,NULL,3}\"\n\n");
    assert_eq!(render(Format::JsonLines, &[batch]), "{\"l\":[1,null,3]}\n{\"l\":null}\n");
}

#[test]
fn json_has_texts_for_the_floats_that_it_has_no_numbers_for() {
    let doubles = Float64Array::from(vec![
        Some(f64::NAN),
        Some(f64::INFINITY),
        Some(f64::NEG_INFINITY),
        None,
        Some(-0.5),
    ]);
    let reals = Float32Array::from(vec![Some(1.5), Some(f32::NAN), None, Some(f32::INFINITY), Some(0.1)]);
    let lists = ListArray::from_iter_primitive::<Float64Type, _, _>([
        Some(vec![Some(f64::NAN), None, Some(1.0)]),
        None,
        Some(vec![]),
        Some(vec![None]),
        Some(vec![Some(f64::NEG_INFINITY)]),
    ]);
    let columns: [(&str, ArrayRef, bool); 3] =
        [("d", Arc::new(doubles), true), ("r", Arc::new(reals), true), ("l", Arc::new(lists), true)];
    let batch = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
    let expected = [
        r#"{"d":"NaN","r":1.5,"l":["NaN",null,1.0]}"#,
        r#"{"d":"Infinity","r":"NaN","l":null}"#,
        r#"{"d":"-Infinity","r":null,"l":[]}"#,
        r#"{"d":null,"r":"Infinity","l":[null]}"#,
        r#"{"d":-0.5,"r":0.1,"l":["-Infinity"]}"#,
    ];
    assert_eq!(render(Format::JsonLines, &[batch]).lines().collect::<Vec<_>>(), expected);
}

#[test]
fn a_table_shows_no_character_that_steers_a_terminal_and_data_formats_keep_it() {
    let texts: ArrayRef = Arc::new(StringArray::from(vec!["a\u{1b}[31m\u{202e}b\u{2028}"]));
    let batch = RecordBatch::try_from_iter([("\u{9b}n", texts)]).unwrap();
    for format in [Format::Table, Format::Markdown] {
        let text = render(format, std::slice::from_ref(&batch));
        assert!(text.contains("a\\u{1b}[31m\\u{202e}b\\u{2028}") && text.contains("\\u{9b}n"), "{text}");
    }
    for format in [Format::Csv, Format::Tsv] {
        assert!(render(format, std::slice::from_ref(&batch)).contains("a\u{1b}[31m\u{202e}b\u{2028}"));
    }
    let json: serde_json::Value = serde_json::from_str(&render(Format::JsonLines, &[batch])).unwrap();
    assert_eq!(json["\u{9b}n"], "a\u{1b}[31m\u{202e}b\u{2028}");
}

#[test]
fn formats_are_found_by_the_names_they_are_given() {
    for format in Format::ALL {
        assert_eq!(Format::from_name(format.name()), Some(format));
    }
    assert_eq!(Format::from_name("xml"), None);
}

#[test]
fn intervals_are_shown_as_postgres_shows_them_in_every_format() {
    use arrow::array::IntervalMonthDayNanoArray;
    use arrow::datatypes::IntervalMonthDayNano;

    let intervals = IntervalMonthDayNanoArray::from(vec![
        Some(IntervalMonthDayNano::new(14, 3, 0)),
        None,
        Some(IntervalMonthDayNano::new(0, -1, 7_380_000_000_000)),
        Some(IntervalMonthDayNano::new(0, 0, 500_000_000)),
    ]);
    let column: ArrayRef = Arc::new(intervals);
    let batch = RecordBatch::try_from_iter_with_nullable([("i", column, true)]).unwrap();
    let batches = std::slice::from_ref(&batch);
    assert_eq!(render(Format::Csv, batches), "i\n1 year 2 mons 3 days\n\n-1 days +02:03:00\n00:00:00.5\n");
    assert_eq!(
        render(Format::Json, batches),
        "[\n {\"i\":\"1 year 2 mons 3 days\"},\n {\"i\":null},\n {\"i\":\"-1 days +02:03:00\"},\n {\"i\":\"00:00:00.5\"}\n]\n"
    );
    for format in [Format::Table, Format::Markdown] {
        assert!(render(format, batches).contains("-1 days +02:03:00"));
    }
}
