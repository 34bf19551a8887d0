//! Random text: never a panic, never a lost point, always a place.

use proptest::prelude::*;

use crate::{
    error::Position,
    parse::{is_complete, parse, parse_script, split_statements},
};

const WORDS: &[&str] = &[
    "SELECT",
    "*",
    "FROM",
    "t",
    "AS",
    "OF",
    "SNAPSHOT",
    "jan",
    "TIMESTAMP",
    "'2024-01-01'",
    "VERSION",
    "12",
    "$1",
    "FOR",
    "SYSTEM_TIME",
    "SYSTEM",
    "TIME",
    "AT",
    "(",
    ")",
    "=>",
    ",",
    "JOIN",
    "ON",
    "WHERE",
    "WITH",
    "x",
    "INSERT",
    "INTO",
    "VALUES",
    "UPDATE",
    "SET",
    "=",
    "DELETE",
    "CREATE",
    "TABLE",
    "VIEW",
    "DROP",
    "ALTER",
    "RESTORE",
    "TO",
    "DATABASE",
    "DRY",
    "RUN",
    "COPY",
    "'f.csv'",
    "BEGIN",
    "READ",
    "ONLY",
    "EXPIRE",
    "AFTER",
    "'7 days'",
    "COMMENT",
    "PREPARE",
    "EXECUTE",
    "EXPLAIN",
    "ANALYZE",
    "SHOW",
    "HISTORY",
    "CALL",
    "compact",
    "-",
    ".",
    ";",
    "INT",
    "PRIMARY",
    "KEY",
    "DEFAULT",
    "NOT",
    "NULL",
    "\"q\"",
    "interval",
    "HEADER",
    "FORMAT",
    "csv",
];

fn is_inside(sql: &str, at: Position) -> bool {
    let line = sql.split('\n').nth(at.line as usize - 1);
    line.is_some_and(|line| at.column as usize <= line.chars().count() + 1)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn words_in_any_order_parse_or_fail_at_a_place(words in prop::collection::vec(prop::sample::select(WORDS), 1..14)) {
        for separator in [" ", "\n"] {
            let sql = words.join(separator);
            let count = sql.matches("AS OF SNAPSHOT jan").count();
            match parse(&sql) {
                Ok(parsed) => {
                    let is_prepare = sql.starts_with("PREPARE");
                    prop_assert!(is_prepare || parsed.points.len() >= count, "{}", sql);
                }
                Err(error) => {
                    prop_assert_eq!(error.sqlstate().len(), 5);
                    prop_assert!(!error.message().is_empty());
                    if let Some(at) = error.position() {
                        prop_assert!(is_inside(&sql, at), "{} {:?}", sql, at);
                    }
                    let is_empty = words.iter().all(|word| *word == ";");
                    if error.sqlstate() == "42601" && !is_empty {
                        prop_assert!(error.position().is_some(), "{}: {}", sql, error);
                    }
                }
            }
        }
    }

    #[test]
    fn characters_in_any_order_do_not_panic(sql in "[a-z0-9'\"$;/*\\\\ \n\u{e4}\u{1F600}=(),.-]{0,40}") {
        let _ = parse(&sql);
        let _ = parse_script(&sql);
        let _ = is_complete(&sql);
        if let Ok(statements) = split_statements(&sql) {
            for statement in statements {
                prop_assert!(sql[statement.offset..].starts_with(statement.text));
            }
        }
    }
}
