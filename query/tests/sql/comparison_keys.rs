//! Intervals, zeros and NaN are compared inside of arrays and rows as they are alone.

use crate::{database::Db, times::check};

const FLOATS: &str = "CREATE TABLE f (id INT PRIMARY KEY, d DOUBLE PRECISION);
    INSERT INTO f VALUES (1, 0.0), (2, '-0'), (3, 1), (4, 'NaN'), (5, 'NaN'), (6, NULL)";

const SPANS: &str =
    "(VALUES (1, INTERVAL '1 day'), (2, INTERVAL '24 hours'), (3, INTERVAL '2 days')) s(id, x)";

#[tokio::test]
async fn arrays_and_rows_are_compared_by_the_values_in_them() {
    let db = Db::new().await;
    check(
        &db,
        &[
            ("ARRAY[INTERVAL '1 day'] = ARRAY[INTERVAL '24 hours']", "true"),
            ("ROW(INTERVAL '1 day') = ROW(INTERVAL '24 hours')", "true"),
            ("ARRAY[INTERVAL '1 month'] < ARRAY[INTERVAL '29 days']", "false"),
            (
                "ARRAY[INTERVAL '1 month'] BETWEEN ARRAY[INTERVAL '29 days'] AND ARRAY[INTERVAL '31 days']",
                "true",
            ),
            ("ARRAY[0::float8] = ARRAY['-0'::float8]", "true"),
            ("ARRAY['nan'::float8] = ARRAY['nan'::float8]", "true"),
            ("ARRAY['nan'::float8] > ARRAY['inf'::float8]", "true"),
            ("ARRAY[ARRAY[0::float8]] = ARRAY[ARRAY['-0'::float8]]", "true"),
            ("ARRAY[0::float8] IS DISTINCT FROM ARRAY['-0'::float8]", "false"),
            ("nullif(ARRAY[0::float8], ARRAY['-0'::float8]) IS NULL", "true"),
            ("CASE ARRAY[INTERVAL '1 day'] WHEN ARRAY[INTERVAL '24 hours'] THEN 1 ELSE 2 END", "1"),
            ("INTERVAL '1 day' = ANY(ARRAY[INTERVAL '24 hours'])", "true"),
            ("INTERVAL '1 day' < ALL(ARRAY[INTERVAL '25 hours'])", "true"),
            ("0::float8 = ANY(ARRAY['-0'::float8])", "true"),
            ("array_position(ARRAY[INTERVAL '1 day'], INTERVAL '24 hours')", "1"),
            ("array_position(ARRAY[0::float8], '-0'::float8)", "1"),
            ("array_remove(ARRAY[0::float8, 1], '-0'::float8)::text", "{1}"),
        ],
    )
    .await;
}

#[tokio::test]
async fn queries_find_equal_values_inside_of_arrays_and_rows() {
    let db = Db::with(FLOATS).await;
    for (query, found) in [
        ("SELECT id FROM f WHERE ARRAY[d] = ARRAY[-d] ORDER BY id", "1 2 4 5 6"),
        ("SELECT count(*) FROM (SELECT DISTINCT ARRAY[d] FROM f) x", "4"),
        ("SELECT count(*) FROM (SELECT DISTINCT ROW(d) FROM f) x", "4"),
        ("SELECT count(*) FROM (SELECT DISTINCT ARRAY[ARRAY[d]] FROM f) x", "4"),
        ("SELECT count(*) FROM f GROUP BY ARRAY[d] ORDER BY 1", "1 1 2 2"),
        ("SELECT count(DISTINCT ARRAY[d]) FROM f", "4"),
        ("SELECT id FROM f ORDER BY ARRAY[d], id", "1 2 3 4 5 6"),
        ("SELECT id FROM f ORDER BY ROW(d), id LIMIT 4", "1 2 3 4"),
        ("SELECT id FROM f ORDER BY ARRAY[d] DESC, id", "6 4 5 3 1 2"),
        ("SELECT DISTINCT ON (ARRAY[d]) id FROM f ORDER BY ARRAY[d], id", "1 3 4 6"),
        (
            "SELECT a.id, b.id FROM f a JOIN f b ON ARRAY[a.d] = ARRAY[b.d] AND a.id < b.id ORDER BY 1",
            "1|2 4|5",
        ),
        (
            "SELECT id FROM f WHERE ARRAY[d] IN (ARRAY[0::float8], ARRAY['nan'::float8]) ORDER BY id",
            "1 2 4 5",
        ),
        ("SELECT id FROM f WHERE ARRAY[d] IN (SELECT ARRAY[d] FROM f WHERE id = 2) ORDER BY id", "1 2"),
        ("SELECT rank() OVER (ORDER BY ARRAY[d]) FROM f ORDER BY 1", "1 1 3 4 4 6"),
        ("SELECT count(*) OVER (PARTITION BY ARRAY[d]) FROM f ORDER BY id", "2 2 1 2 2 1"),
        ("SELECT count(*) FROM (SELECT ARRAY[0::float8] INTERSECT SELECT ARRAY['-0'::float8]) x", "1"),
        ("SELECT count(*) FROM (SELECT ARRAY[0::float8] EXCEPT SELECT ARRAY['-0'::float8]) x", "0"),
        ("SELECT count(*) FROM (SELECT ARRAY[0::float8] UNION SELECT ARRAY['-0'::float8]) x", "1"),
    ] {
        assert_eq!(db.rows(query).await.join(" "), found, "{query}");
    }
}

#[tokio::test]
async fn intervals_of_one_length_are_one_value() {
    let db = Db::new().await;
    for (query, found) in [
        ("SELECT sum(DISTINCT x) FROM SPANS", "3 days"),
        ("SELECT avg(DISTINCT x) FROM SPANS", "1 day 12:00:00"),
        ("SELECT count(DISTINCT x) FROM SPANS", "2"),
        ("SELECT id % 1, sum(DISTINCT x) FROM SPANS GROUP BY 1", "0|3 days"),
        ("SELECT count(*) FROM (SELECT DISTINCT ARRAY[x] FROM SPANS) d", "2"),
        ("SELECT count(*) FROM SPANS GROUP BY ROW(x) ORDER BY 1", "1 2"),
        ("SELECT id FROM SPANS ORDER BY ARRAY[x], id", "1 2 3"),
    ] {
        assert_eq!(db.rows(&query.replace("SPANS", SPANS)).await.join(" "), found, "{query}");
    }
}

#[tokio::test]
async fn what_cannot_be_compared_so_is_refused() {
    let db = Db::with(FLOATS).await;
    for query in [
        "WITH RECURSIVE r(x) AS (SELECT INTERVAL '1 day' UNION SELECT INTERVAL '24 hours' FROM r) SELECT * FROM r",
        "SELECT max(ARRAY[d]) FROM f",
        "SELECT array_agg(DISTINCT ARRAY[d]) FROM f",
        "SELECT array_replace(ARRAY[INTERVAL '1 day'], INTERVAL '24 hours', INTERVAL '1 day')",
    ] {
        let error = db.error(query).await;
        assert_eq!(error.sqlstate(), "0A000", "{query}");
        assert!(error.hint().is_some(), "{query}");
    }
}

#[tokio::test]
async fn null_in_an_array_or_a_row_is_above_every_value() {
    let db = Db::with(
        "CREATE TABLE a (id INT PRIMARY KEY, x INT, f DOUBLE PRECISION); INSERT INTO a VALUES (1, NULL, NULL), (2, 2, 2), (3, 5, 5)",
    )
    .await;
    check(
        &db,
        &[
            ("ARRAY[1, NULL] < ARRAY[1, 2]", "false"),
            ("ARRAY[1, NULL] > ARRAY[1, 2]", "true"),
            ("ARRAY[NULL, 1] >= ARRAY[5]", "true"),
            ("ARRAY[1] < ARRAY[1, NULL]", "true"),
            ("ARRAY[1, NULL] = ARRAY[1, NULL]", "true"),
            ("ARRAY[1, NULL] <= ARRAY[1, NULL]", "true"),
            ("ARRAY[1, NULL] BETWEEN ARRAY[1, 5] AND ARRAY[2]", "true"),
            ("ARRAY[1, NULL] NOT BETWEEN ARRAY[1, 5] AND ARRAY[2]", "false"),
            ("NULL::int[] < ARRAY[1]", "∅"),
            ("ARRAY[ARRAY[1, NULL]] > ARRAY[ARRAY[1, 2]]", "true"),
            ("ARRAY['a', NULL] > ARRAY['a', 'b']", "true"),
            ("ARRAY[1.5::float8, NULL] > ARRAY['NaN'::float8]", "false"),
            ("ARRAY[NULL::float8] > ARRAY['NaN'::float8]", "true"),
            ("ARRAY['-0'::float8] < ARRAY[0::float8]", "false"),
            ("ARRAY[INTERVAL '25 hours'] > ARRAY[INTERVAL '1 day']", "true"),
            ("greatest(ARRAY[1, NULL], ARRAY[1, 2])::text", "{1,NULL}"),
            ("least(ARRAY[1, NULL], NULL, ARRAY[1, 2])::text", "{1,2}"),
            ("greatest(ARRAY[0.5::float8], ARRAY['NaN'::float8], ARRAY[1])::text", "{NaN}"),
            ("count(*) FROM a JOIN a AS b ON ARRAY[a.x] > ARRAY[b.x]", "3"),
            ("count(*) FROM a JOIN a AS b ON ARRAY[a.f] > ARRAY[b.f]", "3"),
        ],
    )
    .await;
    assert_eq!(db.rows("SELECT id FROM a ORDER BY ARRAY[x], id").await, ["2", "3", "1"]);
    assert_eq!(db.rows("SELECT id FROM a WHERE ARRAY[x] > ARRAY[4] ORDER BY id").await, ["1", "3"]);
    let rows = "(SELECT (x, id) AS r, id FROM a) AS p, (SELECT (x, id) AS r, id FROM a) AS q";
    assert_eq!(
        db.rows(&format!("SELECT p.id, q.id FROM {rows} WHERE p.r > q.r ORDER BY 1, 2")).await,
        ["1|2", "1|3", "3|2"]
    );
}
