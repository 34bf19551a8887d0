//! Expressions that must not be evaluated for rows that do not reach them.

use crate::database::Db;

async fn divisors() -> Db {
    Db::with(
        "CREATE TABLE t (id INT PRIMARY KEY, d INT, f DOUBLE PRECISION, s TEXT, b BOOLEAN);
         INSERT INTO t VALUES (1, 0, 0, 'x', NULL), (2, 1, 1, '12', true), (3, NULL, NULL, NULL, false),
             (4, 5, 4, '-3', NULL), (5, 0, -1, 'y', true);
         CREATE TABLE u (id INT PRIMARY KEY, x INT); INSERT INTO u VALUES (1, 0), (2, 2), (4, 1)",
    )
    .await
}

#[tokio::test]
async fn a_branch_of_truth_values_is_not_computed_for_other_rows() {
    let db = divisors().await;
    let of = |expr: &str| format!("SELECT id, {expr} FROM t ORDER BY id");
    for (expr, rows) in [
        ("CASE WHEN d = 0 THEN false ELSE 10 / d > 1 END", "1|false, 2|true, 3|∅, 4|true, 5|false"),
        ("CASE WHEN d <> 0 THEN 10 / d > 1 END", "1|∅, 2|true, 3|∅, 4|true, 5|∅"),
        ("CASE WHEN d = 0 THEN true WHEN 10 / d > 5 THEN false END", "1|true, 2|false, 3|∅, 4|∅, 5|true"),
        ("CASE d WHEN 0 THEN false ELSE 10 / d > 1 END", "1|false, 2|true, 3|∅, 4|true, 5|false"),
        (
            "CASE WHEN d = 0 THEN NULL ELSE 10 / d > 1 END IS TRUE",
            "1|false, 2|true, 3|false, 4|true, 5|false",
        ),
        ("CASE WHEN f < 0 THEN false ELSE sqrt(f) > 1 END", "1|false, 2|false, 3|∅, 4|true, 5|false"),
        ("CASE WHEN s ~ '^-?[0-9]+$' THEN s::int > 0 END", "1|∅, 2|true, 3|∅, 4|false, 5|∅"),
        ("coalesce(b, CASE WHEN d <> 0 THEN 10 / d > 1 END)", "1|∅, 2|true, 3|false, 4|true, 5|true"),
        ("coalesce(d = 0, 10 / (id - 1) > 1)", "1|true, 2|false, 3|true, 4|false, 5|true"),
        ("10 / nullif(d, 0) > 1", "1|∅, 2|true, 3|∅, 4|true, 5|∅"),
        (
            "CASE WHEN d = 0 THEN 'zero' WHEN 10 / d > 5 THEN 'big' ELSE 'small' END = 'big'",
            "1|false, 2|true, 3|false, 4|false, 5|false",
        ),
    ] {
        db.assert_answers(&[(&of(expr), rows)]).await;
    }
    db.assert_answers(&[
        ("SELECT id FROM t WHERE CASE WHEN d = 0 THEN false ELSE 10 / d > 1 END ORDER BY id", "2, 4"),
        ("SELECT count(*) FROM t WHERE NOT CASE WHEN d = 0 THEN true ELSE 10 / d > 1 END", "0"),
        ("SELECT id FROM t ORDER BY CASE WHEN d = 0 THEN false ELSE 10 / d > 1 END, id", "1, 5, 2, 4, 3"),
        (
            "SELECT b, CASE WHEN min(d) = 0 THEN false ELSE 10 / min(d) > 1 END FROM t GROUP BY b ORDER BY b",
            "false|∅, true|false, ∅|false",
        ),
    ])
    .await;
    db.assert_states(&[("SELECT CASE WHEN d = 1 THEN false ELSE 10 / d > 1 END FROM t", "22012")]).await;
}

#[tokio::test]
async fn a_guard_of_one_table_holds_for_what_is_computed_of_another() {
    let db = divisors().await;
    let guarded = "CASE WHEN u.x = 0 THEN false ELSE 10 / t.d >= 1 END";
    db.assert_answers(&[
        (&format!("SELECT t.id FROM t JOIN u ON t.id = u.id WHERE {guarded} ORDER BY 1"), "2, 4"),
        (&format!("SELECT t.id FROM t JOIN u ON t.id = u.id AND {guarded} ORDER BY 1"), "2, 4"),
        (
            "SELECT t.id, u.x FROM t LEFT JOIN u ON t.id = u.id AND
                 CASE WHEN t.d = 0 THEN false ELSE 10 / t.d >= 1 END ORDER BY 1",
            "1|∅, 2|2, 3|∅, 4|1, 5|∅",
        ),
        ("SELECT t.id FROM t JOIN u ON t.id = u.id WHERE t.d <> 0 AND u.x / t.d < 10 ORDER BY 1", "2, 4"),
        ("SELECT t.id FROM t JOIN u ON t.id < u.id AND (t.d = 0 OR u.x / t.d > 0) ORDER BY 1", "1, 1, 2"),
    ])
    .await;
}

#[tokio::test]
async fn and_and_or_are_evaluated_from_left_to_right() {
    let db = divisors().await;
    db.assert_answers(&[
        ("SELECT id, d <> 0 AND 10 / d > 1 FROM t ORDER BY id", "1|false, 2|true, 3|∅, 4|true, 5|false"),
        ("SELECT id, d = 0 OR 10 / d > 1 FROM t ORDER BY id", "1|true, 2|true, 3|∅, 4|true, 5|true"),
        (
            "SELECT id, NOT (d = 0 OR 10 / d > 1) FROM t ORDER BY id",
            "1|false, 2|false, 3|∅, 4|false, 5|false",
        ),
        (
            "SELECT id, d IS NOT NULL AND d <> 0 AND (10 / d > 5 OR 10 / (d - 1) > 1) FROM t ORDER BY id",
            "1|false, 2|true, 3|false, 4|true, 5|false",
        ),
        ("SELECT id FROM t WHERE d = 0 OR 10 / d > 1 ORDER BY id", "1, 2, 4, 5"),
        ("SELECT id FROM t WHERE s ~ '^-?[0-9]+$' AND s::int > 0", "2"),
        ("SELECT id FROM t WHERE lower(s) <> 'x' AND 10 / (id - 1) > 3 ORDER BY id", "2"),
        ("SELECT id FROM t WHERE f > 0 AND ln(f) >= 0 ORDER BY id", "2, 4"),
        ("SELECT id FROM t WHERE (d <> 0 AND 10 / d > 1) OR (d <> 0 AND 10 / d < 1) ORDER BY id", "2, 4"),
        ("SELECT id FROM (SELECT * FROM t WHERE d <> 0) q WHERE 10 / d > 1 ORDER BY id", "2, 4"),
        ("SELECT id FROM (SELECT id, 10 / d AS q FROM t WHERE d <> 0) q WHERE q > 1 ORDER BY id", "2, 4"),
        ("SELECT bool_or(d <> 0 AND 10 / d > 1), bool_and(d = 0 OR 10 / d > 1) FROM t", "true|true"),
        ("SELECT count(*) FROM t GROUP BY b HAVING count(d) > 1 AND 10 / (count(d) - 1) > 1", "2, 2"),
    ])
    .await;
    db.assert_states(&[
        ("SELECT 10 / d > 1 AND d <> 0 FROM t", "22012"),
        ("SELECT id FROM t WHERE d = 0 AND 10 / d > 1", "22012"),
    ])
    .await;
}

#[tokio::test]
async fn a_long_condition_is_evaluated_from_left_to_right() {
    let db = divisors().await;
    let chain = |word: &str, term: &str| {
        (0..300).map(|n| term.replace('n', &n.to_string())).collect::<Vec<_>>().join(word)
    };
    let all = format!("SELECT id FROM t WHERE d <> 0 AND {} ORDER BY id", chain(" AND ", "10 / d > 1 - n"));
    let any = format!("SELECT id FROM t WHERE d = 0 OR {} ORDER BY id", chain(" OR ", "10 / d = n + 9"));
    db.assert_answers(&[(&all, "2, 4"), (&any, "1, 2, 5")]).await;
}

#[tokio::test]
async fn an_aggregate_takes_nothing_of_rows_that_its_filter_leaves_out() {
    let db = divisors().await;
    db.assert_answers(&[
        ("SELECT b, sum(10 / d) FILTER (WHERE d <> 0) FROM t GROUP BY b ORDER BY b", "false|∅, true|10, ∅|2"),
        ("SELECT sum(DISTINCT 10 / d) FILTER (WHERE d <> 0), count(*) FROM t", "12|5"),
        ("SELECT array_to_string(array_agg(id ORDER BY 10 / d) FILTER (WHERE d <> 0), '-') FROM t", "4-2"),
        ("SELECT max(id) FILTER (WHERE d <> 0 AND 10 / d > 1) FROM t", "4"),
        ("SELECT count(*) FILTER (WHERE d = 0 OR 10 / d > 1) FROM t", "4"),
        ("SELECT sum(s::int) FILTER (WHERE s ~ '^-?[0-9]+$') FROM t", "9"),
        (
            "SELECT id, sum(10 / d) FILTER (WHERE d <> 0) OVER (ORDER BY id) FROM t ORDER BY id",
            "1|∅, 2|10, 3|10, 4|12, 5|12",
        ),
    ])
    .await;
    db.assert_states(&[("SELECT sum(10 / d) FILTER (WHERE id <> 3) FROM t", "22012")]).await;
}
