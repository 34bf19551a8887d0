//! Patterns of `substring`, `LIKE`, `SIMILAR TO` and regular expressions, and the characters that a text may
//! have.

use datafusion::common::ScalarValue;

use crate::{database::Db, times::check};

async fn texts() -> Db {
    Db::with(
        "CREATE TABLE m (id INT PRIMARY KEY, t TEXT, p TEXT, y BYTEA, n INT);
         INSERT INTO m VALUES (1, 'foobar', 'o(.)b', '\\x666f6f', 4), (2, 'baz', 'x', '\\x62617a', 2)",
    )
    .await
}

#[tokio::test]
async fn substring_takes_patterns_and_positions() {
    let db = texts().await;
    for (expression, found) in [
        ("substring(t, 'o.b')", "oob|∅"),
        ("substring(t FROM 'o(.)b')", "o|∅"),
        ("substring(t FROM p)", "o|∅"),
        ("substring(t, p)", "o|∅"),
        ("substring(t, t)", "foobar|baz"),
        ("substring(t FROM n)", "bar|az"),
        ("substring(t, 2, 2)", "oo|az"),
        ("substring(t FROM 2 FOR 2)", "oo|az"),
        ("substring(t FROM '%#\"o_b#\"%' FOR '#')", "oob|∅"),
    ] {
        let rows = db.rows(&format!("SELECT {expression} FROM m ORDER BY id")).await;
        assert_eq!(rows.join("|"), found, "{expression}");
    }
    assert_eq!(db.names("SELECT substring(t, p) FROM m").await, "substring");
}

#[tokio::test]
async fn patterns_may_be_bytes_and_columns() {
    let db = texts().await;
    for (expression, found) in [
        ("y LIKE 'f%'::bytea", "true|false"),
        ("y LIKE 'f%'", "true|false"),
        ("y NOT LIKE 'f_o'::bytea", "false|true"),
        ("t LIKE '%' || 'o' || '%' ESCAPE '!'", "true|false"),
        ("t SIMILAR TO '(foo|ba)%'", "true|true"),
        ("t SIMILAR TO left(t, 2) || '_'", "false|true"),
        ("t NOT SIMILAR TO left(t, 2) || '_'", "true|false"),
    ] {
        let rows = db.rows(&format!("SELECT {expression} FROM m ORDER BY id")).await;
        assert_eq!(rows.join("|"), found, "{expression}");
    }
    check(
        &db,
        &[
            ("'abc' SIMILAR TO NULL", "∅"),
            ("'aaa' SIMILAR TO 'a{3}'", "true"),
            ("'abc' SIMILAR TO 'a'", "false"),
            ("'abc' SIMILAR TO 'a.c'", "false"),
            ("'a|b' SIMILAR TO 'a#|b' ESCAPE '#'", "true"),
        ],
    )
    .await;
}

#[tokio::test]
async fn wrong_regular_expressions_are_told_in_words() {
    let db = Db::new().await;
    for (expression, code, message) in [
        ("regexp_match('foobar', 'o', 'z')", "22023", "invalid regular expression option"),
        ("regexp_replace('foobar', 'o', 'x', 'q')", "22023", "invalid regular expression option"),
        ("'aa' ~ '(a)\\1'", "0A000", "a back reference in a regular expression is not supported"),
    ] {
        let error = db.error(&format!("SELECT {expression}")).await;
        assert_eq!((error.sqlstate(), error.message()), (code, message), "{expression}");
    }
    let error = db.error("SELECT 'foo' ~ '('").await;
    assert_eq!(error.sqlstate(), "2201B");
    assert!(!error.message().contains('~'), "{error}");
}

#[tokio::test]
async fn no_text_has_the_character_of_number_zero() {
    let db = texts().await;
    for (statement, code) in [
        ("SELECT chr(0)", "54000"),
        ("SELECT chr(-1)", "54000"),
        ("SELECT chr(1114112)", "54000"),
        ("SELECT chr(55296)", "54000"),
        ("SELECT E'a\\000b'", "22021"),
        ("SELECT E'\\x00'", "22021"),
        ("SELECT 'x', E'\\u0000'", "22021"),
        ("SELECT 'a\0b'", "22021"),
        ("SELECT E'open", "42601"),
    ] {
        assert_eq!(db.state(statement).await, code, "{statement}");
    }
    let zero = vec![ScalarValue::from("a\0b")];
    let refused = db.session.execute_with("INSERT INTO m (id, t) VALUES (9, $1)", zero).await;
    assert_eq!(refused.expect_err("no text has it").sqlstate(), "22021");
    check(&db, &[("chr(8364)", "€"), ("E'\\x41\\101\\u0041'", "AAA"), ("U&'d\\0061t\\+000061'", "data")])
        .await;
}

#[tokio::test]
async fn fields_are_those_of_rows() {
    let db = texts().await;
    let error = db.error("SELECT (n).x FROM m").await;
    assert_eq!(error.sqlstate(), "42809");
    assert_eq!(error.message(), "column notation .x applied to type INTEGER, which is not a composite type");
    check(&db, &[("(ROW(1, 'a')).f2", "a")]).await;
    assert_eq!(db.state("SELECT (ROW(1, 2)).f3").await, "42703");
}

#[tokio::test]
async fn conditions_are_truth_values_and_defaults_values_of_their_column() {
    let db = texts().await;
    for (statement, code) in [
        ("SELECT CASE WHEN 1 THEN 2 END", "42804"),
        ("SELECT CASE WHEN n THEN 2 END FROM m", "42804"),
        ("CREATE TABLE x (i INT DEFAULT 'foo')", "22P02"),
        ("CREATE TABLE x (b BOOLEAN DEFAULT 'maybe')", "22P02"),
        ("CREATE TABLE x (d DATE DEFAULT 'nodate')", "22007"),
    ] {
        assert_eq!(db.state(statement).await, code, "{statement}");
    }
    db.run("CREATE TABLE x (i INT DEFAULT '5', d DATE DEFAULT '2024-01-01', k INT); INSERT INTO x (k) VALUES (1)").await;
    assert_eq!(db.rows("SELECT i, d FROM x").await, ["5|2024-01-01"]);
    check(&db, &[("CASE WHEN 'true' THEN 2 END", "2"), ("CASE WHEN NULL THEN 2 ELSE 3 END", "3")]).await;
}
