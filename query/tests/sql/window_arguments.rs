//! Arguments of window functions that are columns, or NULL, or of other types.

use crate::{database::Db, mixed_table::MIXED_TABLE};

#[tokio::test]
async fn offsets_numbers_and_defaults_may_differ_from_row_to_row() {
    let db = Db::with(MIXED_TABLE).await;
    db.assert_answers(&[
        ("SELECT c, d, lag(d) OVER (PARTITION BY c ORDER BY d) FROM (SELECT 1 AS c, id AS d FROM t) u ORDER BY c, d", "1|1|∅, 1|2|1, 1|3|2, 1|4|3"),
        ("SELECT t.id, lag(a, n) OVER (ORDER BY t.id), lead(a, n) OVER (ORDER BY t.id) FROM t JOIN off USING (id) ORDER BY t.id", "1|∅|20, 2|∅|40, 3|∅|∅, 4|10|∅"),
        ("SELECT t.id, lag(a, n, -1) OVER (ORDER BY t.id), lead(s, n, z) OVER (ORDER BY t.id) FROM t JOIN off ON t.id = off.id ORDER BY t.id", "1|-1|b, 2|-1|∅, 3|∅|c, 4|10|∅"),
        ("SELECT t.id, lag(a, 1, n) OVER (ORDER BY t.id), lead(a, 1, n) OVER (ORDER BY t.id) FROM t JOIN off ON t.id = off.id ORDER BY t.id", "1|1|20, 2|10|∅, 3|20|40, 4|∅|3"),
        ("SELECT t.id, lag(a, NULL) OVER (ORDER BY t.id) FROM t ORDER BY id", "1|∅, 2|∅, 3|∅, 4|∅"),
        ("SELECT t.id, lag(a, NULL, 7) OVER (ORDER BY t.id) FROM t ORDER BY id", "1|∅, 2|∅, 3|∅, 4|∅"),
        ("SELECT t.id, lag(a, CASE WHEN n = 0 THEN NULL ELSE n END, 9) OVER (ORDER BY t.id) FROM t JOIN off ON t.id = off.id ORDER BY t.id", "1|9, 2|9, 3|∅, 4|10"),
        ("SELECT t.id, lag(a, -n) OVER (ORDER BY t.id) FROM t JOIN off ON t.id = off.id ORDER BY t.id", "1|20, 2|40, 3|∅, 4|∅"),
        ("SELECT t.id, lag(a, n, 0.5) OVER (ORDER BY t.id) FROM t JOIN off ON t.id = off.id ORDER BY t.id", "1|0.5, 2|0.5, 3|∅, 4|10"),
        ("SELECT t.id, lag(a, 1, b) OVER (ORDER BY t.id) FROM t ORDER BY id", "1|100, 2|10, 3|20, 4|∅"),
        ("SELECT t.id, lag(a, 1, f) OVER (ORDER BY t.id) FROM t ORDER BY id", "1|1.5, 2|10, 3|20, 4|∅"),
        ("SELECT t.id, ntile(n) OVER (ORDER BY t.id) FROM t JOIN off ON t.id = off.id ORDER BY t.id", "1|1, 2|1, 3|1, 4|1"),
        ("SELECT t.id, ntile(max(n)::int) OVER (ORDER BY t.id) FROM t JOIN off ON t.id = off.id GROUP BY t.id ORDER BY t.id", "1|1, 2|1, 3|1, 4|1"),
        ("SELECT id, ntile(NULL) OVER (ORDER BY id) FROM t ORDER BY id", "1|∅, 2|∅, 3|∅, 4|∅"),
        ("SELECT id, ntile(3) OVER (ORDER BY id) FROM t ORDER BY id", "1|1, 2|1, 3|2, 4|3"),
        ("SELECT id, ntile('2') OVER (ORDER BY id) FROM t ORDER BY id", "1|1, 2|1, 3|2, 4|2"),
        ("SELECT t.id, nth_value(a, n) OVER (ORDER BY t.id ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) FROM t JOIN off ON t.id = off.id WHERE n > 0 ORDER BY t.id", "1|10, 2|20, 4|40"),
        ("SELECT id, nth_value(a, NULL) OVER (ORDER BY id) FROM t ORDER BY id", "1|∅, 2|∅, 3|∅, 4|∅"),
        ("SELECT id, nth_value(a, 1+1) OVER (ORDER BY id) FROM t ORDER BY id", "1|∅, 2|20, 3|20, 4|20"),
        ("SELECT id, nth_value(a, '2') OVER (ORDER BY id) FROM t ORDER BY id", "1|∅, 2|20, 3|20, 4|20"),
        ("SELECT id, lag(a, '1') OVER (ORDER BY id) FROM t ORDER BY id", "1|∅, 2|10, 3|20, 4|∅"),
        ("SELECT id, lag(s, 1, '5') OVER (ORDER BY id) FROM t ORDER BY id", "1|5, 2|a, 3|b, 4|c"),
        ("SELECT id, lag(d, 1, '2000-01-01') OVER (ORDER BY id) FROM t ORDER BY id", "1|2000-01-01, 2|2024-01-01, 3|2024-01-02, 4|∅"),
        ("SELECT id, lag(d, 1, now()) OVER (ORDER BY id) FROM t WHERE false", ""),
        ("SELECT id, lag(a, (SELECT 1)) OVER (ORDER BY id) FROM t ORDER BY id", "1|∅, 2|10, 3|20, 4|∅"),
        ("SELECT id, lag(a, (SELECT max(n) FROM off)) OVER (ORDER BY id) FROM t ORDER BY id", "1|∅, 2|∅, 3|∅, 4|10"),
    ])
    .await;
}

#[tokio::test]
async fn nulls_are_ignored_at_offsets_that_are_columns() {
    let db = Db::with(MIXED_TABLE).await;
    for (call, shown) in [
        ("lag(a, o.n)", "∅, ∅, ∅, ∅"),
        ("lead(a, o.n)", "20, ∅, ∅, ∅"),
        ("lag(a, -o.n, 0)", "20, 0, ∅, 0"),
        ("lead(a, o.n, o.id)", "20, 2, ∅, 4"),
    ] {
        let query = format!(
            "SELECT {call} IGNORE NULLS OVER (ORDER BY t.id) FROM t JOIN off AS o ON t.id = o.id ORDER BY t.id"
        );
        db.assert_answers(&[(query.as_str(), shown)]).await;
    }
}

#[tokio::test]
async fn a_window_refuses_the_arguments_that_postgres_refuses() {
    let db = Db::with(MIXED_TABLE).await;
    db.assert_states(&[
        ("SELECT id, ntile(0) OVER (ORDER BY id) FROM t ORDER BY id", "22014"),
        ("SELECT id, ntile(-1) OVER (ORDER BY id) FROM t ORDER BY id", "22014"),
        ("SELECT id, ntile(2.5) OVER (ORDER BY id) FROM t ORDER BY id", "42883"),
        ("SELECT t.id, nth_value(a, n) OVER (ORDER BY t.id) FROM t JOIN off ON t.id = off.id ORDER BY t.id", "22016"),
        ("SELECT id, nth_value(a, 1-1) OVER (ORDER BY id) FROM t ORDER BY id", "22016"),
        ("SELECT id, lag(a, 2.0) OVER (ORDER BY id) FROM t ORDER BY id", "42883"),
        ("SELECT id, lag(a, 1, 'x') OVER (ORDER BY id) FROM t ORDER BY id", "22P02"),
        ("SELECT id, lag(s, 1, 5) OVER (ORDER BY id) FROM t ORDER BY id", "42883"),
    ])
    .await;
}
