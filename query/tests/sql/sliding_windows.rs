//! Aggregates over windows that rows leave.

use crate::database::Db;

async fn numbers() -> Db {
    Db::with(
        "CREATE TABLE t (id INT PRIMARY KEY, f DOUBLE PRECISION, i INT, s TEXT);
         INSERT INTO t VALUES (1, 1, 1, 'a'), (2, 1e16, 2, 'b'), (3, -1e16, 3, NULL), (4, 0.5, 4, 'd'),
             (5, 'Infinity', 5, 'e'), (6, 2, 7, ''), (7, 'NaN', 7, 'g'), (8, 3, 8, 'h'), (9, 1, 9, 'i'),
             (10, 1, 10, 'j'), (11, 0.5, NULL, 'k'), (12, 0.5, 12, NULL)",
    )
    .await
}

fn over(call: &str, frame: &str) -> String {
    format!("SELECT id, {call} OVER (ORDER BY id {frame}) FROM t ORDER BY id")
}

#[tokio::test]
async fn statistics_are_of_what_is_in_the_window() {
    let db = numbers().await;
    let frame = "ROWS 1 PRECEDING";
    for (call, from_id, rows) in [
        ("var_pop(f)", 8, "8|NaN, 9|1, 10|0, 11|0.0625, 12|0"),
        ("stddev(f)", 9, "9|1.4142135623730951, 10|0, 11|0.3535533905932738, 12|0"),
        ("stddev_pop(f)", 9, "9|1, 10|0, 11|0.25, 12|0"),
        ("covar_pop(f, i)", 9, "9|-0.5, 10|0, 11|0, 12|0"),
        ("regr_sxx(i, f)", 9, "9|2, 10|0, 11|0, 12|0"),
        ("regr_sxy(i, f)", 9, "9|-1, 10|0, 11|0, 12|0"),
        ("regr_slope(f, i)", 9, "9|-2, 10|0, 11|∅, 12|∅"),
        ("regr_intercept(f, i)", 9, "9|19, 10|1, 11|∅, 12|∅"),
        ("regr_count(f, i)", 9, "9|2, 10|2, 11|1, 12|1"),
        ("regr_avgx(f, i)", 9, "9|8.5, 10|9.5, 11|10, 12|12"),
        ("regr_r2(f, i)", 9, "9|1, 10|1, 11|∅, 12|∅"),
        ("corr(f, i)", 9, "9|-1, 10|∅, 11|∅, 12|∅"),
        ("sum(f)", 5, "5|inf, 6|inf, 7|NaN, 8|NaN, 9|4, 10|2, 11|1.5, 12|1"),
        ("avg(f)", 9, "9|2, 10|1, 11|0.75, 12|0.5"),
    ] {
        let all = over(call, frame);
        db.assert_answers(&[(&format!("SELECT * FROM ({all}) q WHERE id >= {from_id} ORDER BY id"), rows)])
            .await;
    }
    db.assert_states(&[
        ("SELECT var_pop(f * 1e150) OVER (ORDER BY id ROWS 1 PRECEDING) FROM t WHERE id < 4", "22003"),
        ("SELECT corr(f * 1e150, i) OVER (ORDER BY id ROWS 1 PRECEDING) FROM t WHERE id < 4", "22003"),
        ("SELECT string_agg(DISTINCT s, ',') OVER (ORDER BY id ROWS 1 PRECEDING) FROM t", "0A000"),
    ])
    .await;
}

#[tokio::test]
async fn statistics_of_long_windows_do_not_drift() {
    let db = Db::new().await;
    // The first values are so large that what is taken away from them later is lost.
    let rows = "SELECT i, CASE WHEN i <= 10 THEN 1e12 ELSE (i % 2)::float8 END AS f FROM generate_series(1, 6000) AS s (i)";
    let asked = format!(
        "SELECT v, s, c FROM (SELECT i, var_pop(f) OVER w AS v, sum(f) OVER w AS s, covar_pop(f, f) OVER w AS c
             FROM ({rows}) q WINDOW w AS (ORDER BY i ROWS 1999 PRECEDING)) r WHERE i = 6000"
    );
    assert_eq!(db.one(&asked).await, "0.25|1000.0|0.25");
}

#[tokio::test]
async fn texts_bits_and_truth_values_leave_windows() {
    let db = numbers().await;
    for (call, frame, rows) in [
        ("string_agg(s, '-')", "ROWS 1 PRECEDING", "1|a, 2|a-b, 3|b, 4|d, 5|d-e, 6|e-, 7|-g, 8|g-h"),
        (
            "string_agg(s, '')",
            "ROWS BETWEEN 1 FOLLOWING AND 2 FOLLOWING",
            "1|b, 2|d, 3|de, 4|e, 5|g, 6|gh, 7|h, 8|∅",
        ),
        (
            "bool_and(i > 2)",
            "ROWS 1 PRECEDING",
            "1|false, 2|false, 3|false, 4|true, 5|true, 6|true, 7|true, 8|true",
        ),
        (
            "bool_or(i > 6)",
            "ROWS 1 PRECEDING",
            "1|false, 2|false, 3|false, 4|false, 5|false, 6|true, 7|true, 8|true",
        ),
        (
            "every(i <> 4)",
            "ROWS 1 PRECEDING",
            "1|true, 2|true, 3|true, 4|false, 5|false, 6|true, 7|true, 8|true",
        ),
        ("bit_and(i)", "ROWS 1 PRECEDING", "1|1, 2|0, 3|2, 4|0, 5|4, 6|5, 7|7, 8|0"),
        ("bit_or(-i)", "ROWS 1 PRECEDING", "1|-1, 2|-1, 3|-1, 4|-3, 5|-1, 6|-5, 7|-7, 8|-7"),
        ("bit_or(i)", "ROWS BETWEEN 2 PRECEDING AND 1 PRECEDING", "1|∅, 2|1, 3|3, 4|3, 5|7, 6|5, 7|7, 8|7"),
    ] {
        let asked = format!("SELECT id, {call} OVER (ORDER BY id {frame}) FROM t WHERE id < 9 ORDER BY id");
        db.assert_answers(&[(&asked, rows)]).await;
    }
}

#[tokio::test]
async fn a_frame_that_ends_before_it_begins_has_no_rows() {
    let db = Db::with(
        "CREATE TABLE t (id INT PRIMARY KEY, k INT); INSERT INTO t VALUES (1, 1), (2, 2), (3, NULL), (4, NULL)",
    )
    .await;
    for frame in ["ROWS BETWEEN 2 FOLLOWING AND 1 FOLLOWING", "ROWS BETWEEN 1 PRECEDING AND 1 + 1 PRECEDING"]
    {
        for (call, value) in [
            ("count(*)", "0"),
            ("sum(k)", "∅"),
            ("avg(k) FILTER (WHERE k > 0)", "∅"),
            ("array_agg(k)", "∅"),
            ("string_agg(k::text, ',')", "∅"),
            ("bool_and(k > 0)", "∅"),
            ("stddev(k)", "∅"),
            ("first_value(id)", "∅"),
            ("nth_value(id, 1)", "∅"),
        ] {
            let asked = format!("SELECT {call} OVER (ORDER BY id {frame}) FROM t");
            assert_eq!(db.rows(&asked).await, [value; 4], "{asked}");
        }
        let rank = format!("SELECT row_number() OVER (ORDER BY id {frame}) FROM t");
        assert_eq!(db.rows(&rank).await, ["1", "2", "3", "4"]);
    }
    let asked = |call: &str| {
        format!(
            "SELECT id, {call} OVER (ORDER BY k RANGE BETWEEN 2 FOLLOWING AND 1 FOLLOWING) FROM t ORDER BY id"
        )
    };
    db.assert_answers(&[
        (&asked("count(*)"), "1|0, 2|0, 3|2, 4|2"),
        (&asked("min(id)"), "1|∅, 2|∅, 3|3, 4|3"),
        (&asked("first_value(id)"), "1|∅, 2|∅, 3|3, 4|3"),
    ])
    .await;
}

#[tokio::test]
async fn mistakes_in_frames_have_their_codes() {
    let db = numbers().await;
    let states = [
        ("ROWS BETWEEN UNBOUNDED FOLLOWING AND CURRENT ROW", "42P20"),
        ("ROWS BETWEEN CURRENT ROW AND UNBOUNDED PRECEDING", "42P20"),
        ("ROWS BETWEEN CURRENT ROW AND 1 PRECEDING", "42P20"),
        ("ROWS BETWEEN 1 FOLLOWING AND 1 PRECEDING", "42P20"),
        ("ROWS BETWEEN 1 FOLLOWING AND CURRENT ROW", "42P20"),
        ("ROWS UNBOUNDED FOLLOWING", "42P20"),
        ("ROWS 1 FOLLOWING", "42P20"),
        ("ROWS -1 PRECEDING", "22013"),
        ("ROWS BETWEEN CURRENT ROW AND -1 FOLLOWING", "22013"),
        ("RANGE -1 PRECEDING", "22013"),
        ("GROUPS -1 PRECEDING", "22013"),
        ("ROWS NULL PRECEDING", "22004"),
        ("ROWS i PRECEDING", "42P10"),
    ];
    for (frame, state) in states {
        assert_eq!(db.state(&over("count(*)", frame)).await, state, "{frame}");
    }
    db.assert_states(&[
        ("SELECT sum(f) OVER (RANGE 1 PRECEDING) FROM t", "42P20"),
        ("SELECT sum(f) OVER (ORDER BY id, i RANGE 1 PRECEDING) FROM t", "42P20"),
        ("SELECT sum(f) OVER (GROUPS 1 PRECEDING) FROM t", "42P20"),
        ("SELECT sum(f) OVER (ORDER BY s RANGE 1 PRECEDING) FROM t", "0A000"),
        ("SELECT array_agg(id ORDER BY id) OVER (ORDER BY id) FROM t", "0A000"),
    ])
    .await;
    assert_eq!(
        db.rows("SELECT count(*) OVER (ORDER BY id ROWS 1 + 1 PRECEDING) FROM t WHERE id < 5").await,
        ["1", "2", "3", "3"]
    );
}
