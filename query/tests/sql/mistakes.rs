//! Messages about mistakes: Postgres' codes, SQL's names, no words of the crates underneath.

use crate::database::Db;

const MISTAKES: &[(&str, &str)] = &[
    ("SELECT foo(1)", "42883"),
    ("SELECT setval(now())", "42883"),
    ("SELECT uper('a')", "42883"),
    ("SELECT row_number()", "42809"),
    ("SELECT sum('a'::text)", "42883"),
    ("SELECT avg(interval '1 day' IS NULL)", "42883"),
    ("SELECT substr(1, 'a')", "42883"),
    ("SELECT upper(1)", "42883"),
    ("SELECT upper('a', 'b')", "42883"),
    ("SELECT sum(1, 2)", "42883"),
    ("SELECT lpad('a', 'b')", "42883"),
    ("SELECT count() FROM t", "42809"),
    ("SELECT coalesce()", "42883"),
    ("SELECT trim(1)", "42883"),
    ("SELECT true + true", "42883"),
    ("SELECT x + 1 FROM t", "42883"),
    ("SELECT flag + 1 FROM t", "42883"),
    ("SELECT true = 1", "42883"),
    ("SELECT x LIKE 1 FROM t", "42883"),
    ("SELECT flag || i FROM t", "42883"),
    ("SELECT now() + now()", "42883"),
    ("SELECT array[1] = 1", "42883"),
    ("SELECT -'a'::text", "42883"),
    ("SELECT i, count(*) FROM t", "42803"),
    ("SELECT i FROM t GROUP BY s", "42803"),
    ("SELECT s FROM t GROUP BY s HAVING i > 1", "42803"),
    ("SELECT s FROM t GROUP BY s ORDER BY i", "42803"),
    ("SELECT i FROM t HAVING s > 1", "42803"),
    ("SELECT 1 FROM t WHERE sum(i) > 1", "42803"),
    ("SELECT sum(sum(i)) FROM t", "42803"),
    ("CREATE TABLE z (a INT DEFAULT count(1))", "42803"),
    ("SELECT 1 FROM t WHERE i", "42804"),
    ("SELECT NOT 1", "42804"),
    ("SELECT 1 AND 2", "42804"),
    ("SELECT 1 LIMIT 1.5", "42804"),
    ("VALUES (1), (true)", "42804"),
    ("SELECT array[1]::int", "42846"),
    ("SELECT true::date", "42846"),
    ("SELECT 'a' ~ '('", "2201B"),
    ("SELECT regexp_replace('a', 'b', 'c', 'q')", "22023"),
    ("SELECT substring(1, 'a')", "42883"),
    ("SELECT 'abc'::int", "22P02"),
    ("SELECT 3000000000::int", "22003"),
    ("SELECT 2147483647::int + 1::int", "22003"),
    ("SELECT 9223372036854775807 + 1", "22003"),
    ("SELECT 12345.6::decimal(4, 1)", "22003"),
    ("SELECT 1 LIMIT -1", "2201W"),
    ("SELECT 1 OFFSET -1", "2201X"),
    ("SELECT 1 ORDER BY 2", "42P10"),
    ("SELECT 1 ORDER BY 0", "42P10"),
    ("SELECT 1 GROUP BY 2", "42P10"),
    ("SELECT DISTINCT i FROM t ORDER BY s", "42P10"),
    ("SELECT DISTINCT ON (i) s FROM t ORDER BY s", "42P10"),
    ("WITH a AS (SELECT 1), a AS (SELECT 2) SELECT 1", "42712"),
    ("VALUES (1, 2), (3)", "42601"),
    ("UPDATE t SET i = 1, i = 2", "42601"),
    ("SELECT i FROM t ORDER BY 'a'", "42601"),
    ("SELECT i FROM t GROUP BY 'a'", "42601"),
    ("SELECT 1 ORDER BY 1.5", "42601"),
    ("SELECT 1 UNION SELECT 1, 2", "42601"),
    ("SELECT (SELECT i FROM t)", "21000"),
    ("SELECT (SELECT 1, 2)", "42601"),
    ("SELECT 1 IN (SELECT 1, 2)", "42601"),
    ("SELECT u.* FROM t", "42P01"),
    ("SELECT * FROM (SELECT 1, 2) AS t(a, b, c)", "42P10"),
    ("SELECT sqrt(-1)", "2201F"),
    ("SELECT ln(0)", "2201E"),
    ("SELECT ln(-1)", "2201E"),
    ("SELECT log(0)", "2201E"),
    ("SELECT log(2, 0)", "2201E"),
    ("SELECT log10(-1)", "2201E"),
    ("SELECT power(-1, 0.5)", "2201F"),
    ("SELECT (-12.34) ^ 1.2", "2201F"),
    ("SELECT power(0, -1)", "2201F"),
    ("SELECT 10.0 ^ 2147483647", "22003"),
    ("SELECT power(10, 400)", "22003"),
    ("SELECT exp(1000)", "22003"),
    ("SELECT asin(2)", "22003"),
    ("SELECT ntile(0) OVER () FROM t", "22014"),
    ("CREATE SCHEMA pg_catalog", "42939"),
    ("CREATE SCHEMA pg_mine", "42939"),
];

#[tokio::test]
async fn a_mistake_has_the_code_of_postgres_and_is_told_in_sql() {
    let db = Db::with(
        "CREATE TABLE t (id INT PRIMARY KEY, i INT, s SMALLINT, x TEXT, flag BOOLEAN);
         INSERT INTO t VALUES (1, 2, 3, 'a', true), (2, 2, 3, 'b', false)",
    )
    .await;
    let mut wrong = Vec::new();
    for (sql, code) in MISTAKES {
        let error = db.error(sql).await;
        let text = format!("{} {}", error.message(), error.hint().unwrap_or_default());
        let leaks = [
            "Int64",
            "Int32",
            "Utf8",
            "Float64",
            "Decimal128",
            "Field {",
            "Column {",
            "Internal error",
            "Candidate",
        ];
        if error.sqlstate() != *code || leaks.iter().any(|word| text.contains(word)) {
            wrong.push(format!("{sql}: {} {text}", error.sqlstate()));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test]
async fn numbers_in_the_domain_of_a_function_have_answers() {
    let db = Db::new().await;
    for (expression, shown) in [
        ("ln(1)", "0.0"),
        ("log(100)", "2.0"),
        ("log(2, 8)", "3.0"),
        ("power(2, 10)", "1024.0"),
        ("power(-2.0, 3)", "-8.0"),
        ("exp(0)", "1.0"),
        ("power('inf'::float8, 2)", "inf"),
        ("ln('inf'::float8)", "inf"),
        ("ln('NaN'::float8)", "NaN"),
        ("ln(NULL)", "∅"),
        ("asin(0)", "0.0"),
    ] {
        let answer = db.one(&format!("SELECT {expression}")).await;
        assert_eq!(
            answer.parse::<f64>().ok().map(|n| n.to_string()),
            shown.parse::<f64>().ok().map(|n| n.to_string()),
            "{expression}"
        );
    }
}

#[tokio::test]
async fn only_alike_names_are_suggested() {
    let db = Db::new().await;
    assert_eq!(db.error("SELECT uper('a')").await.hint(), Some("did you mean upper?"));
    for name in ["foo", "setval", "nextval", "quote_literal", "json"] {
        let error = db.error(&format!("SELECT {name}('a')")).await;
        assert_eq!(
            (error.message(), error.hint()),
            (format!("function {name} does not exist").as_str(), None)
        );
    }
}

#[tokio::test]
async fn substrings_by_pattern_and_subscripts_are_those_of_postgres() {
    let db = Db::new().await;
    for (expression, shown) in [
        ("substring('foobar' from 'o(.)b')", "o"),
        ("substring('foobar' from 'o.b')", "oob"),
        ("substring('foobar' from 'x')", "∅"),
        ("substring('foobar' from '^f.')", "fo"),
        ("substring('foobar' from 3)", "obar"),
        ("substring('foobar' from 2 for 3)", "oob"),
        ("substring('foobar', 2)", "oobar"),
        ("substring('abc' from 'a#\"b#\"c' for '#')", "b"),
        ("substring('foobar' from '%#\"o_b#\"%' for '#')", "oob"),
        ("substring('foobar' from '#\"o_b#\"%' for '#')", "∅"),
        ("substring('a.c' from '_#\".#\"_' for '#')", "."),
        ("'ab' SIMILAR TO '(a|x)b'", "true"),
        ("(array[1, 2, 3])[-1]", "∅"),
        ("(array[1, 2, 3])[0]", "∅"),
        ("(array[1, 2, 3])[1 - 3]", "∅"),
        ("(array[1, 2, 3])[3]", "3"),
        ("(array[1, 2, 3])[4]", "∅"),
        ("encode('\\x0102'::bytea, 'base64')", "AQI="),
        ("encode('\\x010203'::bytea, 'base64')", "AQID"),
    ] {
        assert_eq!(db.one(&format!("SELECT {expression}")).await, shown, "{expression}");
    }
}

#[tokio::test]
async fn text_is_read_as_an_array() {
    let db = Db::new().await;
    for (expression, shown) in [
        ("cardinality('{a,b}'::text[])", "2"),
        ("('{a,b}'::text[])[2]", "b"),
        ("('{ a , \"b, c\" }'::text[])[2]", "b, c"),
        ("('{\"a\\\"b\",c}'::text[])[1]", "a\"b"),
        ("('{a,NULL,\"NULL\"}'::text[])[2]", "∅"),
        ("('{a,NULL,\"NULL\"}'::text[])[3]", "NULL"),
        ("cardinality('{}'::text[])", "0"),
        ("('{1,2}'::int[])[2] + 1", "3"),
        ("('{1.5,2}'::float8[])[1]", "1.5"),
        ("('{t,f}'::boolean[])[2]", "false"),
        ("array_length('{x}'::text[] || 'y'::text)", "2"),
        ("array_length('{x}'::text[] || '{y,z}')", "3"),
    ] {
        assert_eq!(db.one(&format!("SELECT {expression}")).await, shown, "{expression}");
    }
    for wrong in [
        "'{a,b'::text[]",
        "'a'::text[]",
        "'{a,}'::text[]",
        "'{\"a}'::text[]",
        "'{x}'::int[]",
        "'{x}'::text[] || 'y'",
    ] {
        assert_eq!(db.state(&format!("SELECT {wrong}")).await, "22P02", "{wrong}");
    }
}
