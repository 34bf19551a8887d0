use std::sync::Arc;

use bygone_engine::Timestamp;
use datafusion::{
    common::{Column, SchemaError, TableReference},
    error::DataFusionError,
};
use sqlparser::parser::ParserError;

use super::{Error, ErrorKind, Position, convert::plain, did_you_mean};
use crate::time::display_timestamp;

#[test]
fn an_error_of_ours_survives_any_wrapping_by_the_planner() {
    let own = Error::null_not_allowed("flights", "day").at(Some(Position { line: 2, column: 5 }));
    let wrapped = DataFusionError::Shared(Arc::new(DataFusionError::from(own).context("while planning")));
    let back = Error::from(wrapped);
    assert_eq!(back.sqlstate(), "23502");
    assert_eq!(back.message(), "column day of table flights must not be NULL");
    assert_eq!(back.position(), Some(Position { line: 2, column: 5 }));
}

#[test]
fn a_misspelt_column_gets_its_code_and_a_suggestion() {
    let error = DataFusionError::SchemaError(
        Box::new(SchemaError::FieldNotFound {
            field: Box::new(Column::new_unqualified("dep_dealy")),
            valid_fields: vec![
                Column::new(Some(TableReference::full("db@p7", "public", "flights")), "dep_delay"),
                Column::new(Some(TableReference::full("db@p7", "public", "flights")), "origin"),
            ],
        }),
        Box::new(None),
    );
    let error = Error::from(error);
    assert_eq!((error.sqlstate(), error.kind()), ("42703", ErrorKind::NotFound));
    assert_eq!(error.hint(), Some("did you mean dep_delay?"));
}

#[test]
fn a_parser_error_carries_line_and_column() {
    let error = Error::from(ParserError::ParserError(
        "Expected: an expression, found: FROM at Line: 3, Column: 8".to_owned(),
    ));
    assert_eq!(error.sqlstate(), "42601");
    assert_eq!(error.message(), "syntax error: expected: an expression, found: FROM");
    assert_eq!(error.position(), Some(Position { line: 3, column: 8 }));
}

#[test]
fn catalog_names_with_points_never_leak() {
    assert_eq!(
        plain("Error during planning: table 'ledger\u{2}12.public.t' not found"),
        "table 'public.t' not found"
    );
    assert_eq!(plain("column \"ledger\u{2}12\".public.t.x"), "column public.t.x");
    assert_eq!(plain("mail me@home or a@b.c"), "mail me@home or a@b.c");
}

#[test]
fn a_full_disk_is_told_apart_from_other_failures() {
    let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
    let error = Error::from(bygone_engine::Error::unavailable("write of data/1", full));
    assert_eq!(error.sqlstate(), "53100");
}

#[test]
fn a_moment_that_is_gone_names_what_is_left() {
    let error = Error::too_old(
        &display_timestamp(Timestamp::from_micros(1_000_000)),
        &display_timestamp(Timestamp::from_micros(2_000_000)),
        Some("jan"),
        None,
    );
    assert_eq!(error.sqlstate(), "72000");
    assert!(error.message().contains("1970-01-01T00:00:01"), "{}", error.message());
    assert!(error.hint().unwrap().contains("jan"), "{:?}", error.hint());
}

#[test]
fn only_names_that_resemble_are_suggested() {
    assert_eq!(did_you_mean("jna", ["jan", "feb", "quarter"]), "did you mean jan?");
    assert_eq!(did_you_mean("xyz", ["jan", "feb"]), "");
}

#[test]
fn an_error_is_printable_whatever_it_quotes() {
    let error = Error::no_table("\u{1b}[31mx", ["\u{202e}y", "\u{1b}[31my"]);
    assert_eq!(error.message(), "table \\u{1b}[31mx does not exist");
    assert_eq!(error.hint(), Some("did you mean \\u{1b}[31my?"));
    let wrapped =
        Error::from(DataFusionError::Plan("Invalid function '\u{2066}f'.\nDid you mean 'g'?".into()));
    assert_eq!(wrapped.message(), "function \\u{2066}f does not exist");
    let listed = Error::from(DataFusionError::Plan("no\n\tCandidate functions:\n\tf(Any)".into()));
    assert_eq!(listed.message(), "no Candidate functions: f(Any)");
}

#[test]
fn types_literals_and_columns_have_their_names_of_sql() {
    for (theirs, ours) in [
        ("got Int64", "got BIGINT"),
        ("upper(Utf8View, Decimal128(5, 1))", "upper(TEXT, DECIMAL(5, 1))"),
        ("Timestamp(µs) and Timestamp(µs, \"UTC\")", "TIMESTAMP and TIMESTAMPTZ"),
        ("Timestamp(Nanosecond, None)", "TIMESTAMP"),
        ("List(Int64) or Struct(\"c0\": Int64)", "BIGINT[] or RECORD"),
        ("Interval(MonthDayNano), Duration(µs)", "INTERVAL, INTERVAL"),
        ("count(Int64(1)) > Float64(0.5)", "count(1) > 0.5"),
        ("x = Utf8(\"a)\")", "x = 'a)'"),
        ("Decimal128(Some(-5),3,2) * 2", "-0.05 * 2"),
        ("Column(Column { relation: Some(Bare { table: \"t\" }), name: \"i\" })", "i"),
        ("Field { name: \"i\", data_type: Utf8View, nullable: true }", "TEXT"),
        ("my_Int64 and Int64x", "my_Int64 and Int64x"),
        ("unclosed Int64(", "unclosed BIGINT("),
    ] {
        assert_eq!(plain(theirs), ours);
    }
}
