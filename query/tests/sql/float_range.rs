//! Floats end where their type does: nothing becomes infinite, or zero, that was neither.

use crate::{database::Db, times::check};

#[tokio::test]
async fn floats_that_leave_their_range_are_errors() {
    let db = Db::with("CREATE TABLE r (x REAL); CREATE TABLE d (x DOUBLE PRECISION)").await;
    for statement in [
        "INSERT INTO r VALUES (1e39)",
        "INSERT INTO r VALUES (1e39::float8)",
        "INSERT INTO r SELECT 1e39",
        "INSERT INTO r VALUES (1e-60::float8)",
        "INSERT INTO r VALUES ('1e-60')",
        "INSERT INTO r VALUES (1e38 * 10)",
        "INSERT INTO d VALUES (1e400)",
        "INSERT INTO d VALUES ('1e-400')",
        "SELECT 1e308::float8 * 10",
        "SELECT 1e308::float8 + 1e308::float8",
        "SELECT -1e308::float8 - 1e308::float8",
        "SELECT 1e308::float8 / 0.01::float8",
        "SELECT 1e-300::float8 * 1e-300::float8",
        "SELECT 1e-300::float8 / 1e300::float8",
        "SELECT 3e38::real * 10::real",
        "SELECT 1e-45::real / 2::real",
        "SELECT 1e308::float8 * x FROM (VALUES (10::float8), (1)) v(x)",
        "SELECT 1e39::float8::real",
        "SELECT 1e39::real",
        "SELECT '1e400'::float8",
        "SELECT '1e-400'::float8",
        "SELECT power(10::float8, 400)",
        "SELECT power(10, -400::float8)",
        "SELECT 10::float8 ^ 400",
        "SELECT exp(1000::float8)",
        "SELECT exp(-1000::float8)",
        "SELECT degrees(1e308::float8)",
        "SELECT sin('inf'::float8)",
        "SELECT acosh(0.5::float8)",
        "SELECT atanh(2::float8)",
        "SELECT sum(x) FROM (VALUES (1e308::float8), (1e308)) v(x)",
        "SELECT avg(x) FROM (VALUES (1e308::float8), (1e308)) v(x)",
        "SELECT var_pop(x) FROM (VALUES (1e200::float8), (-1e200)) v(x)",
        "SELECT sum(DISTINCT x) FROM (VALUES (1e308::float8), (1.1e308)) v(x)",
        "SELECT i % 2, sum(x) FROM (VALUES (1, 1e308::float8), (2, 1), (3, 1e308)) v(i, x) GROUP BY 1",
        "SELECT sum(x) OVER (ORDER BY i) FROM (VALUES (1, 1e308::float8), (2, 1e308)) v(i, x)",
    ] {
        assert_eq!(db.state(statement).await, "22003", "{statement}");
    }
    assert_eq!(db.error("SELECT 1e308::float8 * 10").await.message(), "value out of range: overflow");
    assert_eq!(db.error("SELECT 1e-60::float8::real").await.message(), "value out of range: underflow");
    assert_eq!(db.one("SELECT count(*) FROM r").await, "0");
    check(&db, &[("TRY_CAST(1e39::float8 AS REAL)", "∅"), ("TRY_CAST(0.5::float8 AS REAL)", "0.5")]).await;
}

#[tokio::test]
async fn what_is_infinite_already_stays_so() {
    let db = Db::new().await;
    check(
        &db,
        &[
            ("('Infinity'::float8)::real::text", "Infinity"),
            ("('Infinity'::float8 * 2)::text", "Infinity"),
            ("('Infinity'::float8 * 0)::text", "NaN"),
            ("('-inf'::float8 - 1e308)::text", "-Infinity"),
            ("(5::float8 / 'Infinity'::float8)::text", "0"),
            ("('nan'::float8 / 0)::text", "NaN"),
            ("(0::float8 * 5)::text", "0"),
            ("exp('-inf'::float8)::text", "0"),
            ("power(0::float8, 2)::text", "0"),
            ("acosh('inf'::float8)::text", "Infinity"),
        ],
    )
    .await;
}

#[tokio::test]
async fn functions_outside_of_their_domain_are_errors() {
    let db = Db::new().await;
    for (expression, code) in [
        ("ln(0)", "2201E"),
        ("ln(-1)", "2201E"),
        ("log(0)", "2201E"),
        ("(-12.34) ^ 1.2", "2201F"),
        ("power(0, -1)", "2201F"),
        ("sqrt(-1)", "2201F"),
        ("1::float8 / 0", "22012"),
        ("0::float8 / 0", "22012"),
    ] {
        assert_eq!(db.state(&format!("SELECT {expression}")).await, code, "{expression}");
    }
}

#[tokio::test]
async fn aggregates_know_infinite_values_and_nan() {
    let db = Db::with(
        "CREATE TABLE v (i INT PRIMARY KEY, g INT, x DOUBLE PRECISION);
         INSERT INTO v VALUES (1, 1, 'inf'), (2, 1, 5), (3, 2, 'inf'), (4, 2, '-inf'), (5, 3, 'nan'), (6, 3, 1),
             (7, 4, 1), (8, 4, 2), (9, 5, NULL)",
    )
    .await;
    let grouped = "SELECT g, sum(x)::text, avg(x)::text, var_pop(x)::text, stddev(x)::text FROM v GROUP BY g ORDER BY g";
    assert_eq!(
        db.rows(grouped).await,
        [
            "1|Infinity|Infinity|NaN|NaN",
            "2|NaN|NaN|NaN|NaN",
            "3|NaN|NaN|NaN|NaN",
            "4|3|1.5|0.25|0.7071067811865476",
            "5|∅|∅|∅|∅"
        ]
    );
    assert_eq!(db.one("SELECT sum(x)::text || avg(x)::text FROM v WHERE g = 1").await, "InfinityInfinity");
    assert_eq!(db.one("SELECT sum(DISTINCT x)::text FROM v WHERE g = 1").await, "Infinity");
    assert_eq!(db.one("SELECT sum(x) FILTER (WHERE i > 1)::text FROM v WHERE g = 1").await, "5");
    assert_eq!(
        db.rows("SELECT (sum(x) OVER (ORDER BY i ROWS 1 PRECEDING))::text FROM v WHERE g < 5 ORDER BY i")
            .await,
        ["Infinity", "Infinity", "Infinity", "NaN", "NaN", "NaN", "2", "3"]
    );
    check(
        &db,
        &[
            ("var_pop('inf'::float8)::text", "NaN"),
            ("stddev_pop('nan'::float8)::text", "NaN"),
            ("var_samp('inf'::float8)", "∅"),
            ("var_pop(1::float8)::text", "0"),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_sum_over_a_window_is_that_of_the_values_in_it() {
    let db = Db::new().await;
    let sums = "SELECT (sum(x) OVER (ORDER BY i ROWS 1 PRECEDING))::text FROM (VALUES (1, 0.1::float8), (2, 0.2), (3, 0.3)) v(i, x)";
    assert_eq!(db.rows(sums).await, ["0.1", "0.30000000000000004", "0.5"]);
    let rows = "(VALUES (1, 1e20::float8), (2, 1), (3, 'inf'), (4, 2), (5, NULL), (6, 4)) v(i, x)";
    let windows = format!(
        "SELECT (sum(x) OVER (ORDER BY i ROWS BETWEEN CURRENT ROW AND CURRENT ROW))::text,
            (avg(x) OVER (ORDER BY i ROWS 1 PRECEDING))::text FROM {rows} ORDER BY i"
    );
    assert_eq!(
        db.rows(&windows).await,
        ["1e+20|1e+20", "1|5e+19", "Infinity|Infinity", "2|Infinity", "∅|2", "4|4"]
    );
}

#[tokio::test]
async fn floats_are_rounded_half_to_even_and_decimals_half_away_from_zero() {
    let db = Db::new().await;
    check(
        &db,
        &[
            ("round(2.5::float8)::text", "2"),
            ("round(3.5::float8)::text", "4"),
            ("round(-0.5::float8)::text", "-0"),
            ("round(0.5::real)::text", "0"),
            ("round(2.5)", "3"),
            ("round(-2.5)", "-3"),
        ],
    )
    .await;
    let rows = db.rows("SELECT round(x)::text FROM (VALUES (0.5::float8), (1.5), (2.5)) v(x)").await;
    assert_eq!(rows, ["0", "2", "2"]);
}

#[tokio::test]
async fn floats_arrays_and_rows_have_the_text_of_postgres() {
    let db = Db::new().await;
    check(
        &db,
        &[
            ("'Infinity'::float8::text", "Infinity"),
            ("'-inf'::real::text", "-Infinity"),
            ("1.0::float8::text", "1"),
            ("1e15::float8::text", "1e+15"),
            ("1e6::real::text", "1e+06"),
            ("1e-5::float8::text", "1e-05"),
            ("'a' || 1.0::float8", "a1"),
            ("concat(1.0::float8, 'x')", "1x"),
            ("ARRAY[1, NULL]::text", "{1,NULL}"),
            ("ARRAY['a b', '', NULL]::text", r#"{"a b","",NULL}"#),
            ("ARRAY['inf'::float8]::text", "{Infinity}"),
            ("ROW(1, NULL, 'a b')::text", r#"(1,,"a b")"#),
        ],
    )
    .await;
    let csv = "COPY (SELECT 1::float8 AS a, '-inf'::real AS b) TO 'f.csv' WITH (FORMAT csv)";
    db.run(csv).await;
    assert_eq!(db.files.contents.lock()["f.csv"], b"1,-Infinity\n");
}
