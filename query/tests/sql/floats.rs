//! Negative zero is zero, and NaN is one value above all numbers.

use crate::database::Db;

const FLOATS: &str = "CREATE TABLE s (id INT PRIMARY KEY, d DOUBLE PRECISION, r REAL);
    INSERT INTO s VALUES (1, 0.0, 0.0), (2, '-0', '-0'), (3, 1, 1), (4, 'NaN', 'NaN');
    INSERT INTO s SELECT 5, 'inf'::float8 - 'inf'::float8, 'inf'::real - 'inf'::real;
    INSERT INTO s VALUES (6, NULL, NULL)";

const QUERIES: &[(&str, &str)] = &[
    ("SELECT id FROM s WHERE c = 0 ORDER BY id", "1 2"),
    ("SELECT id FROM s WHERE c = '-0' ORDER BY id", "1 2"),
    ("SELECT id FROM s WHERE c < 0 ORDER BY id", ""),
    ("SELECT id FROM s WHERE c >= 0 ORDER BY id", "1 2 3 4 5"),
    ("SELECT id FROM s WHERE c <= 0 ORDER BY id", "1 2"),
    ("SELECT id FROM s WHERE c > 5 ORDER BY id", "4 5"),
    ("SELECT id FROM s WHERE c = 'NaN' ORDER BY id", "4 5"),
    ("SELECT id FROM s WHERE c BETWEEN 0 AND 0 ORDER BY id", "1 2"),
    ("SELECT id FROM s WHERE c IN (0) ORDER BY id", "1 2"),
    ("SELECT id FROM s WHERE c IN (0, 1, 2, 3, 4, 5, 6) ORDER BY id", "1 2 3"),
    ("SELECT id FROM s WHERE c IN ('-0', 1, 2, 3, 4, 5) ORDER BY id", "1 2 3"),
    ("SELECT id FROM s WHERE c NOT IN (0, 2, 3, 4, 5, 6) ORDER BY id", "3 4 5"),
    ("SELECT id FROM s WHERE c IN ('NaN', 2, 3, 4, 5, 6) ORDER BY id", "4 5"),
    ("SELECT id FROM s WHERE c IN (SELECT c FROM s WHERE id = 1) ORDER BY id", "1 2"),
    ("SELECT id FROM s WHERE c IN (SELECT c FROM s WHERE id = 4) ORDER BY id", "4 5"),
    ("SELECT id FROM s WHERE c NOT IN (SELECT c FROM s WHERE id = 2) ORDER BY id", "3 4 5"),
    (
        "SELECT id FROM s WHERE EXISTS (SELECT 1 FROM s AS i WHERE i.c = s.c AND i.id <> s.id) ORDER BY id",
        "1 2 4 5",
    ),
    ("SELECT a.id, b.id FROM s a JOIN s b ON a.c = b.c AND a.id < b.id ORDER BY 1", "1|2 4|5"),
    ("SELECT count(*) FROM s a JOIN s b USING (c)", "9"),
    (
        "SELECT 1 FROM (SELECT 1 FROM s a JOIN s b USING (c) WHERE false UNION SELECT id FROM s WHERE id > 9) x",
        "",
    ),
    ("SELECT count(DISTINCT c) FROM s", "3"),
    ("SELECT sum(DISTINCT c) FROM s WHERE id < 4", "1.0"),
    ("SELECT count(*) FROM (SELECT DISTINCT c FROM s)", "4"),
    ("SELECT count(*) FROM s GROUP BY c ORDER BY 1", "1 1 2 2"),
    ("SELECT id, count(*) OVER (PARTITION BY c) FROM s ORDER BY id", "1|2 2|2 3|1 4|2 5|2 6|1"),
    ("SELECT id, rank() OVER (ORDER BY c) FROM s ORDER BY id", "1|1 2|1 3|3 4|4 5|4 6|6"),
    ("SELECT id, count(*) OVER (ORDER BY c) FROM s ORDER BY id", "1|2 2|2 3|3 4|5 5|5 6|6"),
    ("SELECT id, lag(id) OVER (ORDER BY c, id) FROM s ORDER BY id", "1|∅ 2|1 3|2 4|3 5|4 6|5"),
    ("SELECT id FROM s ORDER BY c, id", "1 2 3 4 5 6"),
    ("SELECT id FROM s ORDER BY c DESC, id", "6 4 5 3 1 2"),
    ("SELECT id FROM s ORDER BY c, id LIMIT 1", "1"),
    ("SELECT DISTINCT ON (c) id FROM s ORDER BY c, id", "1 3 4 6"),
    (
        "SELECT CASE c WHEN 0 THEN 'zero' WHEN 'NaN' THEN 'nan' ELSE 'other' END FROM s ORDER BY id",
        "zero zero other nan nan other",
    ),
    ("SELECT nullif(c, 0) IS NULL FROM s ORDER BY id", "true true false false false true"),
    ("SELECT c IS DISTINCT FROM 0 FROM s ORDER BY id", "false false true true true true"),
    ("SELECT count(*) FROM (SELECT c FROM s WHERE id = 1 INTERSECT SELECT c FROM s WHERE id = 2)", "1"),
    ("SELECT count(*) FROM (SELECT c FROM s WHERE id = 1 EXCEPT SELECT c FROM s WHERE id = 2)", "0"),
    ("SELECT count(*) FROM (SELECT c FROM s WHERE id = 4 INTERSECT SELECT c FROM s WHERE id = 5)", "1"),
    ("SELECT count(*) FROM (SELECT c FROM s WHERE id = 1 UNION SELECT c FROM s WHERE id = 2)", "1"),
    ("SELECT max(c) FROM s", "NaN"),
    ("SELECT id FROM s WHERE (c, id) > (0, 1) AND c < 1 ORDER BY id", "2"),
    ("SELECT c FROM s WHERE id = 2", "-0.0"),
];

#[tokio::test]
async fn zeros_are_one_value_and_so_are_nans_wherever_they_are_compared() {
    let db = Db::with(FLOATS).await;
    for flushed in [false, true] {
        if flushed {
            db.run("CALL flush()").await;
        }
        for column in ["d", "r"] {
            for (query, found) in QUERIES {
                let query = query
                    .replace(" c ", &format!(" {column} "))
                    .replace("(c", &format!("({column}"))
                    .replace(".c ", &format!(".{column} "))
                    .replace(" c)", &format!(" {column})"))
                    .replace(" c,", &format!(" {column},"));
                assert_eq!(db.rows(&query).await.join(" "), *found, "{query}");
            }
        }
    }
}

#[tokio::test]
async fn a_zero_of_either_sign_is_the_same_primary_key() {
    let db = Db::with(
        "CREATE TABLE k (d DOUBLE PRECISION PRIMARY KEY, v INT); INSERT INTO k VALUES ('-0', 1), ('NaN', 2)",
    )
    .await;
    assert_eq!(db.state("INSERT INTO k VALUES (0, 3)").await, "23505");
    assert_eq!(db.state("INSERT INTO k VALUES ('NaN', 3)").await, "23505");
    for condition in ["d = 0", "d = '-0'", "d = 0e0", "d IN (0, 5)", "d >= 0 AND d < 1"] {
        assert_eq!(db.rows(&format!("SELECT v FROM k WHERE {condition}")).await, ["1"], "{condition}");
    }
    assert_eq!(db.rows("SELECT v FROM k WHERE d = 'NaN'").await, ["2"]);
    assert_eq!(db.tag("DELETE FROM k WHERE d = 0").await, "DELETE 1");
}

#[tokio::test]
async fn the_first_groups_are_found_beside_not_a_number() {
    let db = Db::with(
        "CREATE TABLE s (id INT PRIMARY KEY, g INT, f FLOAT8);
         INSERT INTO s SELECT i, i % 10, CASE WHEN i % 3 = 0 THEN 'nan'::float8 ELSE i END FROM generate_series(1, 100) AS n(i)",
    )
    .await;
    db.assert_answers(&[
        ("SELECT g, min(f), max(f), min(f::real), max(f::real) FROM s GROUP BY g ORDER BY g LIMIT 3", "0|10|NaN|10|NaN, 1|1|NaN|1|NaN, 2|2|NaN|2|NaN"),
        ("SELECT g, min(f) FILTER (WHERE f = 'nan'), max(f) FILTER (WHERE f < 0) FROM s GROUP BY g ORDER BY g LIMIT 1", "0|NaN|∅"),
        ("SELECT k, min(v), max(v) FROM (VALUES (1, 'inf'::float8), (2, '-inf')) q(k, v) GROUP BY k ORDER BY k", "1|inf|inf, 2|-inf|-inf"),
        ("SELECT g, min(f) m FROM s GROUP BY g ORDER BY m LIMIT 1", "1|1"),
        ("SELECT g, min(f) m FROM s GROUP BY g ORDER BY m, g LIMIT 3", "1|1, 2|2, 4|4"),
        ("SELECT g, max(f) m FROM s GROUP BY g ORDER BY m DESC, g LIMIT 2", "0|NaN, 1|NaN"),
        ("SELECT DISTINCT f FROM s ORDER BY f LIMIT 2", "1, 2"),
        ("SELECT DISTINCT f FROM s ORDER BY f DESC LIMIT 2", "NaN, 100"),
        ("SELECT f, max(id) FROM s GROUP BY f ORDER BY max(id) DESC LIMIT 3", "100|100, NaN|99, 98|98"),
        ("SELECT f::real, max(id) FROM s GROUP BY f::real ORDER BY max(id) DESC LIMIT 2", "100|100, NaN|99"),
    ])
    .await;
}

#[tokio::test]
async fn an_infinite_value_is_one_of_its_own_group_only() {
    let db = Db::with(
        "CREATE TABLE s (g INT PRIMARY KEY, v FLOAT8); INSERT INTO s VALUES (1, 1), (2, 2), (3, 'inf'), (4, 'nan')",
    )
    .await;
    db.assert_answers(&[
        (
            "SELECT g, sum(DISTINCT v), avg(DISTINCT v) FROM s GROUP BY g ORDER BY g",
            "1|1|1, 2|2|2, 3|inf|inf, 4|NaN|NaN",
        ),
        (
            "SELECT g % 3, sum(DISTINCT v) FROM s WHERE v < 'inf' OR g = 3 GROUP BY g % 3 ORDER BY 1",
            "0|inf, 1|1, 2|2",
        ),
    ])
    .await;
}

#[tokio::test]
async fn there_is_one_nan_however_it_is_made() {
    let db = Db::with(
        "CREATE TABLE s (id INT PRIMARY KEY, d DOUBLE PRECISION, i DOUBLE PRECISION, r REAL);
         INSERT INTO s VALUES (1, 'NaN', 'inf', 'NaN'), (2, 5, 'inf', 5)",
    )
    .await;
    for nan in [
        "-d",
        "-(-d)",
        "i - i",
        "-i + i",
        "i * 0",
        "i / i",
        "i % 2",
        "-r",
        "'-nan'::float8",
        "-d * 2",
        "sqrt(-d)",
        "log(i, i)",
        "-d + 1",
        "abs(-d)",
        "sin(-d)",
        "round(-d)",
        "round(1e300::float8, 400)",
        "trunc(-d, 2)",
        "('{-nan}'::float8[])[1]",
        "(ARRAY['-nan']::float8[])[1]",
        "array_sum(ARRAY[i, -i])",
        "(-r)::float8",
        "(-d)::real",
        "power(-d, 2)",
        "coalesce(-d, 1)",
        "sum(-d) OVER ()",
        "avg(i - i) OVER ()",
    ] {
        for (condition, expected) in [
            ("x = 'NaN'", "true"),
            ("x > 1e308", "true"),
            ("x > 'inf'", "true"),
            ("x IN ('NaN', 7)", "true"),
            ("x BETWEEN 'inf' AND 'nan'", "true"),
            ("greatest(x, 1)::text", "NaN"),
            ("least(x, 1)::text", "1"),
            ("x IS DISTINCT FROM 'NaN'", "false"),
            ("ARRAY[x] = ARRAY['NaN'::float8]", "true"),
        ] {
            let query = format!("SELECT {condition} FROM (SELECT {nan} AS x FROM s WHERE id = 1) AS q");
            assert_eq!(db.one(&query).await, expected, "{query}");
        }
        let rows = format!("(SELECT id, CASE id WHEN 1 THEN {nan} ELSE d END AS x FROM s) AS q");
        if !nan.contains("OVER") {
            assert_eq!(db.one(&format!("SELECT max(x)::text || min(x) FROM {rows}")).await, "NaN5", "{nan}");
            assert_eq!(db.rows(&format!("SELECT id FROM {rows} ORDER BY x")).await, ["2", "1"], "{nan}");
        }
    }
    let signed = f64::from_bits(f64::NAN.to_bits() | 1 << 63);
    let found =
        db.session.query_one::<bool>("SELECT $1 = 'NaN'::float8 AND $1 > 1e300::float8", (signed,)).await;
    assert!(found.expect("it compares"));
}
