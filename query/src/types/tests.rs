use sqlparser::{dialect::GenericDialect, parser::Parser};

use super::ColumnType;
use crate::error::Result;

fn parse(text: &str) -> Result<ColumnType> {
    let sql = Parser::new(&GenericDialect {}).try_with_sql(text).unwrap().parse_data_type().unwrap();
    ColumnType::from_sql(&sql)
}

#[test]
fn every_spelling_of_a_type_means_the_same_column() {
    for (spellings, shown) in [
        (vec!["boolean", "bool"], "BOOLEAN"),
        (vec!["smallint", "int2"], "SMALLINT"),
        (vec!["int", "integer", "int4"], "INTEGER"),
        (vec!["bigint", "int8"], "BIGINT"),
        (vec!["real", "float4", "float(24)"], "REAL"),
        (vec!["double precision", "double", "float8", "float", "float(53)"], "DOUBLE PRECISION"),
        (vec!["decimal(12, 2)", "numeric(12,2)", "dec(12,2)"], "DECIMAL(12, 2)"),
        (vec!["numeric(5)"], "DECIMAL(5, 0)"),
        (vec!["text", "varchar", "character varying", "string"], "TEXT"),
        (vec!["varchar(3)", "char(3)", "character varying(3)", "character(3)"], "VARCHAR(3)"),
        (vec!["date"], "DATE"),
        (vec!["timestamp", "timestamp without time zone", "timestamp(6)", "datetime"], "TIMESTAMP"),
        (vec!["timestamptz", "timestamp with time zone"], "TIMESTAMPTZ"),
        (vec!["bytea", "blob"], "BYTEA"),
    ] {
        for spelling in spellings {
            assert_eq!(parse(spelling).unwrap().to_string(), shown, "{spelling}");
        }
    }
}

#[test]
fn what_a_column_cannot_be_is_refused_by_name() {
    for (text, code) in [
        ("uuid", "0A000"),
        ("json", "0A000"),
        ("time", "0A000"),
        ("interval", "0A000"),
        ("timestamp(3)", "0A000"),
        ("decimal", "0A000"),
        ("int[]", "0A000"),
        ("serial", "0A000"),
        ("geometry", "0A000"),
        ("decimal(39, 0)", "22023"),
        ("decimal(5, 6)", "22023"),
        ("varchar(0)", "22023"),
    ] {
        let error = parse(text).unwrap_err();
        assert_eq!(error.sqlstate(), code, "{text}: {error}");
    }
}

#[test]
fn the_arrow_type_leads_back_to_the_column_type() {
    for text in [
        "boolean",
        "smallint",
        "integer",
        "bigint",
        "real",
        "double",
        "decimal(20, 4)",
        "text",
        "date",
        "timestamp",
        "timestamptz",
        "bytea",
    ] {
        let column = parse(text).unwrap();
        assert_eq!(ColumnType::from_arrow(&column.arrow()).unwrap(), column, "{text}");
        let stored = serde_json::to_string(&column).unwrap();
        assert_eq!(serde_json::from_str::<ColumnType>(&stored).unwrap(), column, "{stored}");
    }
}
