//! Types of arrays and rows: casts of their elements, and the types that they have in common.

use crate::{
    database::Db,
    times::{berlin, check},
};

#[tokio::test]
async fn elements_are_cast_as_values_alone_are() {
    let db = Db::with(
        "CREATE TABLE t (id INT PRIMARY KEY, f DOUBLE PRECISION, d DECIMAL(6, 2), x TEXT);
         INSERT INTO t VALUES (1, 2.5, 2.5, '7'), (2, 3.5, -0.5, '8')",
    )
    .await;
    check(
        &db,
        &[
            ("(ARRAY[1.5, 2.7]::int[])::text", "{2,3}"),
            ("(ARRAY[2.5::float8, 3.5]::int[])::text", "{2,4}"),
            ("(ARRAY[2.5::float8, 3.5::float8]::bigint[])::text", "{2,4}"),
            ("(array_agg(f ORDER BY id)::int[])::text FROM t", "{2,4}"),
            ("(array_agg(d ORDER BY id)::int[])::text FROM t", "{3,-1}"),
            ("(array_agg(x ORDER BY id)::int[])::text FROM t", "{7,8}"),
            ("(array_agg(x ORDER BY id)::text[]::float8[])::text FROM t", "{7,8}"),
            ("(ARRAY[ARRAY[1.5, 2.5], ARRAY[3.5, 4]]::int[])::text", "{{2,3},{4,4}}"),
            ("(ARRAY[1, 2]::int[][])::text", "{1,2}"),
            ("('{1,2}'::int[][])::text", "{1,2}"),
            ("(ARRAY[ARRAY[1, 2]]::text[])::text", "{{1,2}}"),
            ("(ARRAY[true, NULL]::int[])::text", "{1,NULL}"),
            ("(ARRAY['t', 'off']::boolean[])::text", "{true,false}"),
            ("(ARRAY[INTERVAL '1 day 2 hours']::text[])::text", "{\"1 day 02:00:00\"}"),
            ("(ARRAY[1e15::float8]::text[])::text", "{1e+15}"),
            ("(ARRAY['\\x01'::bytea]::text[])[1]", "\\x01"),
            ("(ARRAY[1.005]::decimal(10, 2)[])::text", "{1.01}"),
            ("(ARRAY[NULL, '1']::int[])::text", "{NULL,1}"),
            ("('{1,NULL}'::int[])::text", "{1,NULL}"),
            ("(NULL::int[])::text", "∅"),
            ("(ARRAY[(1, 'a b')]::text[])[1]", "(1,\"a b\")"),
            ("(TRY_CAST(array_agg(x || 'y') AS int[]))::text FROM t", "∅"),
        ],
    )
    .await;
    for (wrong, state) in [
        ("ARRAY['1', 'x']::int[]", "22P02"),
        ("array_agg(x || 'y')::int[] FROM t", "22P02"),
        ("'{1.5}'::int[]", "22P02"),
        ("ARRAY['2020-01-01', 'x']::date[]", "22007"),
        ("ARRAY['2020-13-01']::date[]", "22008"),
        ("'{2020-13-01}'::date[]", "22008"),
        ("array_agg(x)::interval[] FROM (VALUES ('y'), ('z')) v(x)", "22007"),
        ("array_agg(f * 1e300)::real[] FROM t", "22003"),
        ("ARRAY[3000000000]::int[]", "22003"),
        ("ARRAY[1]::date[]", "42846"),
        ("array_agg(id)::date[] FROM t", "42846"),
        ("ARRAY[DATE '2020-01-01']::int[]", "42846"),
        ("ARRAY[1]::int", "42846"),
        ("1::int[]", "42846"),
        ("(1, 2)::int", "42846"),
    ] {
        assert_eq!(db.state(&format!("SELECT {wrong}")).await, state, "{wrong}");
    }
}

#[tokio::test]
async fn times_in_arrays_and_rows_are_of_the_session_zone() {
    let db = berlin().await;
    check(
        &db,
        &[
            ("ARRAY[TIMESTAMPTZ '2024-07-01 12:00Z']::text", "{2024-07-01T14:00:00+02:00}"),
            ("(ARRAY[TIMESTAMPTZ '2024-07-01 12:00Z']::text[])[1]", "2024-07-01T14:00:00+02:00"),
            (
                "(t, 1)::text FROM (SELECT TIMESTAMPTZ '2024-07-01 12:00Z' AS t) AS s",
                "(2024-07-01T14:00:00+02:00,1)",
            ),
            ("(ARRAY[TIMESTAMPTZ '2024-07-01 23:00Z']::date[])[1]", "2024-07-02"),
            ("(ARRAY[TIMESTAMPTZ '2024-07-01 12:00Z']::timestamp[])[1]", "2024-07-01T14:00:00"),
            ("(ARRAY[TIMESTAMP '2024-07-01 12:00']::timestamptz[])[1]", "2024-07-01T12:00:00+02:00"),
            ("(ARRAY[DATE '2024-07-01']::timestamptz[])[1]", "2024-07-01T00:00:00+02:00"),
            ("('{2024-07-01 12:00,NULL}'::timestamptz[])[1]", "2024-07-01T12:00:00+02:00"),
            ("(ARRAY['2024-07-01 12:00']::timestamptz[])[1]", "2024-07-01T12:00:00+02:00"),
            ("TIMESTAMPTZ '2024-07-01 10:00Z' = ANY('{2024-07-01 12:00}')", "true"),
        ],
    )
    .await;
}

#[tokio::test]
async fn arrays_and_rows_have_the_common_type_of_what_is_in_them() {
    let db = Db::with(
        "CREATE TABLE t (id INT PRIMARY KEY, f DOUBLE PRECISION, i INT); INSERT INTO t VALUES (1, 0.1, 2)",
    )
    .await;
    check(
        &db,
        &[
            ("(CASE WHEN true THEN ARRAY[f] ELSE ARRAY[2.0] END)::text FROM t", "{0.1}"),
            ("(CASE WHEN false THEN ARRAY[f] ELSE '{2}' END)::text FROM t", "{2}"),
            ("(CASE WHEN true THEN ARRAY[i] ELSE ARRAY[2.25] END)::text FROM t", "{2.00}"),
            ("coalesce(ARRAY[f], ARRAY[2.5])::text FROM t", "{0.1}"),
            ("coalesce(NULL, '{3}', ARRAY[i])::text FROM t", "{3}"),
            ("greatest(ARRAY[i], ARRAY[2.5])::text FROM t", "{2.5}"),
            ("(ARRAY[f] || ARRAY[2.25])::text FROM t", "{0.1,2.25}"),
            ("(ARRAY[i] || '{5}')::text FROM t", "{2,5}"),
            ("(ARRAY[f] || 2.25)::text FROM t", "{0.1,2.25}"),
            ("(2.5 || ARRAY[1, 2])::text", "{2.5,1.0,2.0}"),
            ("(CASE WHEN true THEN (i, f) ELSE (2, 2.5) END)::text FROM t", "(2,0.1)"),
            ("ARRAY[f] = ARRAY[0.1] FROM t", "true"),
            ("ARRAY[f] < ARRAY[0.10000000000000001] FROM t", "false"),
            ("ARRAY[i] = '{2}' FROM t", "true"),
            ("'{1,2.5}' = ARRAY[1, 2.5]", "true"),
            ("ARRAY[f] IN (ARRAY[0.1], ARRAY[2]) FROM t", "true"),
            ("ARRAY[f] BETWEEN ARRAY[0] AND ARRAY[0.1] FROM t", "true"),
            ("CASE ARRAY[f] WHEN ARRAY[0.1] THEN 'same' END FROM t", "same"),
            ("ARRAY[f] IN (SELECT ARRAY[0.1]) FROM t", "true"),
            ("count(*) FROM t JOIN (SELECT ARRAY[0.1] AS a) AS s ON ARRAY[t.f] = s.a", "1"),
            ("ARRAY[f, 2] @> ARRAY[0.1] FROM t", "true"),
        ],
    )
    .await;
    for query in [
        "SELECT ARRAY[f]::text FROM (SELECT f FROM t UNION ALL SELECT 2.25) AS u ORDER BY 1",
        "SELECT a::text FROM (SELECT ARRAY[f] AS a FROM t UNION ALL SELECT ARRAY[2.25]) AS u ORDER BY 1",
        "SELECT a::text FROM (VALUES (ARRAY[0.1::float8]), (ARRAY[2.25])) AS v(a) ORDER BY 1",
        "SELECT a::text FROM (VALUES (ARRAY[0.1::float8]), ('{2.25}')) AS v(a) ORDER BY 1",
        "SELECT a::text FROM (SELECT ARRAY[f] AS a FROM t UNION ALL SELECT '{2.25}') AS u ORDER BY 1",
    ] {
        assert_eq!(db.rows(query).await, ["{0.1}", "{2.25}"], "{query}");
    }
    for (wrong, state) in [
        ("SELECT coalesce(ARRAY[1], ARRAY['a'])", "42804"),
        ("SELECT CASE WHEN true THEN ARRAY[1] ELSE ARRAY[true] END", "42804"),
        ("SELECT ARRAY[1] UNION ALL SELECT ARRAY['a']", "42804"),
        ("VALUES (ARRAY[1]), (ARRAY['a'])", "42804"),
        ("VALUES (ARRAY[1]), ('x')", "22P02"),
        ("SELECT ARRAY[1] < ARRAY['a']", "42883"),
        ("SELECT ARRAY[1] = 1", "42883"),
        ("SELECT ARRAY[1] IN (ARRAY['a'])", "42883"),
    ] {
        assert_eq!(db.state(wrong).await, state, "{wrong}");
    }
}
