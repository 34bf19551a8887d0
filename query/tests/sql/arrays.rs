//! Arrays: `ANY` and `ALL`, subscripts, slices, sizes.

use crate::{database::Db, times::check};

#[tokio::test]
async fn any_and_all_know_null_and_arrays_without_elements() {
    let db = Db::new().await;
    check(
        &db,
        &[
            ("1 = ANY(ARRAY[1, 2])", "true"),
            ("3 = ANY(ARRAY[1, 2])", "false"),
            ("3 = ANY(ARRAY[1, NULL])", "∅"),
            ("1 = ANY(ARRAY[1, NULL])", "true"),
            ("NULL = ANY(ARRAY[1, 2])", "∅"),
            ("1 = ANY(NULL::int[])", "∅"),
            ("1 = ANY(ARRAY[]::int[])", "false"),
            ("NULL = ANY(ARRAY[]::int[])", "false"),
            ("1 = ALL(ARRAY[]::int[])", "true"),
            ("1 < ALL(ARRAY[2, 3])", "true"),
            ("1 < ALL(ARRAY[2, NULL])", "∅"),
            ("3 < ALL(ARRAY[2, NULL])", "false"),
            ("NULL < ALL(ARRAY[1])", "∅"),
            ("1 <> ANY(ARRAY[1, 1])", "false"),
            ("1 <> ANY(ARRAY[1, 2])", "true"),
            ("1 <> ALL(ARRAY[2, 3])", "true"),
            ("1 <> ALL(ARRAY[2, NULL])", "∅"),
            ("1 >= ANY(ARRAY[1, 5])", "true"),
            ("1 > ANY(ARRAY[1, NULL])", "∅"),
            ("5 <= ALL(ARRAY[5, 6])", "true"),
            ("5 >= SOME(ARRAY[7])", "false"),
        ],
    )
    .await;
}

#[tokio::test]
async fn both_sides_of_any_and_all_get_one_type() {
    let db = Db::new().await;
    check(
        &db,
        &[
            ("1 = ANY('{1,2}')", "true"),
            ("'a' = ANY('{a,b}')", "true"),
            ("'c' < ANY(ARRAY['d'])", "true"),
            ("DATE '2024-01-01' = ANY('{2024-01-01}')", "true"),
            ("1.5 = ANY(ARRAY[1, 2])", "false"),
            ("1 = ANY(ARRAY[1.0, 2.5])", "true"),
            ("1::bigint = ANY(ARRAY[1::smallint])", "true"),
            ("2147483648 = ANY(ARRAY[1, 2])", "false"),
            ("4 = ANY(ARRAY[[1, 2], [3, 4]])", "true"),
            ("ROW(1, 2) = ANY(ARRAY[ROW(1, 2)])", "true"),
            ("'\\x01'::bytea = ANY(ARRAY['\\x01'::bytea])", "true"),
        ],
    )
    .await;
    assert_eq!(db.state("SELECT 1 = ANY(ARRAY['a'])").await, "42883");
    assert_eq!(db.state("SELECT 1 = ANY(5)").await, "42809");
    assert_eq!(db.names("SELECT 1 = ANY(ARRAY[1]), ARRAY[1]").await, "?column?|array");
}

async fn tables() -> Db {
    Db::with(
        "CREATE TABLE t1 (a INT, b INT); INSERT INTO t1 VALUES (1, 10), (2, 20), (NULL, 30);
         CREATE TABLE t2 (a INT, c TEXT); INSERT INTO t2 VALUES (1, 'x'), (3, 'y'), (NULL, 'z');
         CREATE TABLE k (id INT PRIMARY KEY); INSERT INTO k VALUES (1), (2), (3)",
    )
    .await
}

#[tokio::test]
async fn arrays_are_made_of_columns_of_outer_queries_too() {
    let db = tables().await;
    for (query, found) in [
        ("SELECT a FROM t1 WHERE a = ANY(ARRAY[1, 2]) ORDER BY a", "1 2"),
        ("SELECT a FROM t1 WHERE NOT (a = ANY(ARRAY[1, NULL]))", ""),
        ("SELECT a FROM t1 WHERE a <> ALL(ARRAY[1])", "2"),
        ("SELECT id FROM k WHERE id = ANY(ARRAY[1, 3, 7]) ORDER BY id", "1 3"),
        (
            "SELECT b FROM t1 WHERE EXISTS (SELECT 1 FROM t2 WHERE t2.a = ANY(ARRAY[t1.a, 3])) ORDER BY 1",
            "10 20 30",
        ),
        ("SELECT b FROM t1 WHERE EXISTS (SELECT 1 FROM t2 WHERE t2.a = ANY(ARRAY[t1.a])) ORDER BY 1", "10"),
        (
            "SELECT b, (SELECT count(*) FROM t2 WHERE t2.a = ANY(ARRAY[t1.a, 1])) FROM t1 ORDER BY 1",
            "10|1 20|1 30|1",
        ),
        ("SELECT b, (SELECT (ARRAY[t1.a, 5])[2]) FROM t1 ORDER BY 1", "10|5 20|5 30|5"),
        ("SELECT b, (SELECT (ARRAY[5, 6])[t1.a]) FROM t1 ORDER BY 1", "10|5 20|6 30|∅"),
        (
            "SELECT b FROM t1 WHERE a IN (SELECT t2.a FROM t2 WHERE t2.a < ALL(ARRAY[t1.b, 5])) ORDER BY 1",
            "10",
        ),
        ("SELECT count(*) FROM t1 JOIN t2 ON t2.a = ANY(ARRAY[t1.a])", "1"),
    ] {
        assert_eq!(db.rows(query).await.join(" "), found, "{query}");
    }
}

#[tokio::test]
async fn subscripts_and_slices_may_lie_outside() {
    let db = Db::new().await;
    check(
        &db,
        &[
            ("(ARRAY[1, 2, 3])[1]", "1"),
            ("(ARRAY[1, 2, 3])[0]", "∅"),
            ("(ARRAY[1, 2, 3])[-1]", "∅"),
            ("(ARRAY[1, 2, 3])[4]", "∅"),
            ("(ARRAY[1, 2, 3])[NULL]", "∅"),
            ("(ARRAY[1, 2, 3])[2:3]::text", "{2,3}"),
            ("(ARRAY[1, 2, 3])[0:2]::text", "{1,2}"),
            ("(ARRAY[1, 2, 3])[-1:2]::text", "{1,2}"),
            ("(ARRAY[1, 2, 3])[2:10]::text", "{2,3}"),
            ("(ARRAY[1, 2, 3])[5:6]::text", "{}"),
            ("(ARRAY[1, 2, 3])[3:2]::text", "{}"),
            ("(ARRAY[1, 2, 3])[:2]::text", "{1,2}"),
            ("(ARRAY[1, 2, 3])[2:]::text", "{2,3}"),
            ("(ARRAY[1, 2, 3])[NULL:2]", "∅"),
            ("array_length(ARRAY[]::int[], 1)", "∅"),
            ("array_length(ARRAY[1, 2], 1)", "2"),
            ("array_length(ARRAY[1, 2], 2)", "∅"),
            ("array_ndims(ARRAY[]::int[])", "∅"),
            ("array_ndims(ARRAY[[1], [2]])", "2"),
            ("cardinality(ARRAY[]::int[])", "0"),
            ("array_remove(ARRAY[1, 2, 1], 1)::text", "{2}"),
            ("array_replace(ARRAY[1, 2, 1], 1, 5)::text", "{5,2,5}"),
        ],
    )
    .await;
    assert_eq!(db.state("SELECT (ARRAY[[1, 2]])[1:1][1]").await, "0A000");
}

#[tokio::test]
async fn elements_that_are_null_are_removed_and_never_found_in_another_array() {
    let db = Db::new().await;
    check(
        &db,
        &[
            ("array_remove(ARRAY[1, NULL, 2], NULL)::text", "{1,2}"),
            ("array_remove(ARRAY[1, NULL, 2], 1)::text", "{NULL,2}"),
            ("array_remove(ARRAY[1, 2, 1], 1)::text", "{2}"),
            ("array_remove(ARRAY['-0'::float8, 1], 1::float8)::text", "{-0}"),
            ("array_remove(ARRAY['NaN'::float8, 1], -'NaN'::float8)::text", "{1}"),
            (
                "array_remove(ARRAY[INTERVAL '1 day', INTERVAL '2 days'], INTERVAL '24 hours')::text",
                "{\"2 days\"}",
            ),
            ("array_remove(NULL::int[], 1)", "∅"),
            ("array_position(ARRAY[1, NULL, 2], NULL)", "2"),
            ("array_position(ARRAY[1, 2], NULL)", "∅"),
            ("array_position(ARRAY[1, NULL, 2], 2)", "3"),
            ("ARRAY[1, NULL] @> ARRAY[1]", "true"),
            ("ARRAY[1, NULL] @> ARRAY[NULL]::int[]", "false"),
            ("ARRAY[1, NULL] <@ ARRAY[1, NULL]", "false"),
            ("ARRAY[1] <@ ARRAY[1, NULL]", "true"),
            ("ARRAY[1, 2] @> ARRAY[]::int[]", "true"),
            ("ARRAY[]::int[] <@ ARRAY[1]", "true"),
            ("ARRAY[1, 2] @> NULL", "∅"),
            ("ARRAY[1, 2] @> '{2}'", "true"),
            ("ARRAY[1, 2, 2] @> ARRAY[2, 1, 1]", "true"),
            ("ARRAY[1, NULL] && ARRAY[NULL]::int[]", "false"),
            ("ARRAY[1, NULL] && ARRAY[1]", "true"),
            ("ARRAY[1, 2] && ARRAY[3]", "false"),
            ("ARRAY[1, 2] && ARRAY[]::int[]", "false"),
            ("ARRAY[1, 2] && NULL", "∅"),
            ("ARRAY[ARRAY[1, 2], ARRAY[3, 4]] @> ARRAY[3]", "true"),
            ("ARRAY[0.1::float8] @> ARRAY[0.1]", "true"),
            ("ARRAY['-0'::float8] && ARRAY[0::float8]", "true"),
        ],
    )
    .await;
    let db = tables().await;
    assert_eq!(db.rows("SELECT b FROM t1 WHERE ARRAY[a, 7] @> ARRAY[2] ORDER BY b").await, ["20"]);
    assert_eq!(db.rows("SELECT b FROM t1 WHERE ARRAY[a] && ARRAY[1, 2] ORDER BY b").await, ["10", "20"]);
    assert_eq!(db.state("SELECT ARRAY[1] @> ARRAY['a']").await, "42883");
    assert_eq!(db.state("SELECT ARRAY[1] @> 1").await, "42883");
}
