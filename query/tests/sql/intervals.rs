//! Intervals as Postgres compares, counts and shows them.

use datafusion::common::ScalarValue;

use crate::{database::Db, times::check};

#[tokio::test]
async fn intervals_are_compared_by_their_length() {
    let db = Db::new().await;
    check(
        &db,
        &[
            ("TIMESTAMP '2024-01-05' - TIMESTAMP '2024-01-01' > INTERVAL '1 day'", "true"),
            ("TIMESTAMP '2024-01-02' - TIMESTAMP '2024-01-01' = INTERVAL '1 day'", "true"),
            ("TIMESTAMP '2024-03-01' - TIMESTAMP '2024-01-01' > INTERVAL '1 month'", "true"),
            ("INTERVAL '25 hours' > INTERVAL '1 day'", "true"),
            ("INTERVAL '24 hours' = INTERVAL '1 day'", "true"),
            ("INTERVAL '24 hours' <> INTERVAL '1 day'", "false"),
            ("INTERVAL '30 days' = INTERVAL '1 month'", "true"),
            ("INTERVAL '31 days' <= INTERVAL '1 month'", "false"),
            ("INTERVAL '360 days' >= INTERVAL '1 year'", "true"),
            ("INTERVAL '-25 hours' < INTERVAL '-1 day'", "true"),
            ("INTERVAL '1 day' IS NOT DISTINCT FROM INTERVAL '24 hours'", "true"),
            ("INTERVAL '1 day' IS DISTINCT FROM NULL", "true"),
            ("INTERVAL '36 hours' BETWEEN INTERVAL '1 day' AND INTERVAL '2 days'", "true"),
            ("INTERVAL '36 hours' NOT BETWEEN '1 day' AND '2 days'", "false"),
            ("INTERVAL '24 hours' IN (INTERVAL '2 days', INTERVAL '1 day')", "true"),
            ("INTERVAL '24 hours' NOT IN ('2 days', '1 day')", "false"),
            ("INTERVAL '24 hours' IN (SELECT INTERVAL '1 day')", "true"),
            ("INTERVAL '24 hours' NOT IN (SELECT INTERVAL '1 day')", "false"),
            ("INTERVAL '1 day' > ANY (SELECT INTERVAL '23 hours')", "true"),
            ("CASE INTERVAL '24 hours' WHEN INTERVAL '1 day' THEN 'day' ELSE 'other' END", "day"),
            ("nullif(INTERVAL '24 hours', INTERVAL '1 day')", "∅"),
            ("nullif(INTERVAL '25 hours', INTERVAL '1 day')", "25:00:00"),
            ("greatest(INTERVAL '1 day', INTERVAL '25 hours', NULL)", "25:00:00"),
            ("least(INTERVAL '1 day', INTERVAL '25 hours')", "1 day"),
            ("INTERVAL '1 day' > '2 hours'", "true"),
            ("'2 hours' < INTERVAL '1 day'", "true"),
            ("INTERVAL '1 day' = NULL", "∅"),
        ],
    )
    .await;
}

/// Intervals, some of which are equal.
const INTERVALS: &str = "(VALUES (1, INTERVAL '25 hours'), (2, INTERVAL '1 day'), (3, INTERVAL '24 hours'),
    (4, INTERVAL '30 days'), (5, INTERVAL '1 month'), (6, NULL)) AS t(id, i)";

#[tokio::test]
async fn intervals_are_sorted_and_grouped_by_their_length() {
    let db = Db::new().await;
    let rows = async |sql: &str| db.rows(&sql.replace("$t", INTERVALS)).await.join(" ");
    assert_eq!(rows("SELECT id FROM $t ORDER BY i, id").await, "2 3 1 4 5 6");
    assert_eq!(rows("SELECT id FROM $t ORDER BY i DESC NULLS LAST, id LIMIT 3").await, "4 5 1");
    assert_eq!(rows("SELECT min(i), max(i), count(DISTINCT i) FROM $t").await, "1 day|1 mon|3");
    assert_eq!(rows("SELECT count(*) FROM $t GROUP BY i ORDER BY i").await, "2 1 2 1");
    assert_eq!(rows("SELECT i FROM $t GROUP BY i ORDER BY i").await, "1 day 25:00:00 1 mon ∅");
    assert_eq!(rows("SELECT DISTINCT i FROM $t ORDER BY i").await, "1 day 25:00:00 1 mon ∅");
    assert_eq!(rows("SELECT DISTINCT ON (i) id FROM $t ORDER BY i, id").await, "2 1 4 6");
    assert_eq!(
        rows("SELECT i, count(*) FROM $t GROUP BY ROLLUP (i) ORDER BY count(*), i").await,
        "25:00:00|1 ∅|1 1 day|2 1 mon|2 ∅|6"
    );
    assert_eq!(rows("SELECT count(*) FROM (SELECT i FROM $t UNION SELECT i FROM $t) AS u").await, "4");
    assert_eq!(
        rows("SELECT count(*) FROM (SELECT INTERVAL '24 hours' INTERSECT SELECT i FROM $t) AS u").await,
        "1"
    );
    assert_eq!(
        rows("SELECT count(*) FROM (SELECT INTERVAL '24 hours' EXCEPT SELECT i FROM $t) AS u").await,
        "0"
    );
    assert_eq!(
        rows("SELECT t.id, b.id FROM $t JOIN (VALUES (1, INTERVAL '1 day')) AS b(id, i) ON t.i = b.i ORDER BY 1").await,
        "2|1 3|1"
    );
    assert_eq!(
        rows("SELECT count(*) FROM $t JOIN (VALUES (INTERVAL '720 hours')) AS b(i) USING (i)").await,
        "2"
    );
    assert_eq!(
        rows("SELECT id, count(*) OVER (PARTITION BY i), rank() OVER (ORDER BY i) FROM $t ORDER BY id").await,
        "1|1|3 2|2|1 3|2|1 4|2|4 5|2|4 6|1|6"
    );
    assert_eq!(rows("SELECT array_agg(id ORDER BY i, id) FROM $t WHERE id < 4").await, "[2, 3, 1]");
    assert_eq!(rows("SELECT count(*) FROM $t GROUP BY i HAVING max(i) = INTERVAL '24 hours'").await, "2");
}

#[tokio::test]
async fn windows_range_over_intervals_and_over_types_without_distance() {
    let db = Db::new().await;
    let rows = async |sql: &str| db.rows(&sql.replace("$t", INTERVALS)).await.join(" ");
    assert_eq!(db.one("SELECT sum(1) OVER (ORDER BY INTERVAL '1 day')").await, "1");
    assert_eq!(db.one("SELECT lag(1) OVER (ORDER BY d) FROM (SELECT now() - now() AS d) AS x").await, "∅");
    assert_eq!(rows("SELECT sum(1) OVER (ORDER BY i) FROM $t ORDER BY id").await, "3 2 2 5 5 6");
    assert_eq!(
        rows(
            "SELECT count(*) OVER (ORDER BY i RANGE BETWEEN INTERVAL '1 hour' PRECEDING AND CURRENT ROW)
             FROM $t ORDER BY id"
        )
        .await,
        "3 2 2 2 2 1"
    );
    assert_eq!(
        rows(
            "SELECT count(*) OVER (ORDER BY i DESC RANGE BETWEEN CURRENT ROW AND '1 hour' FOLLOWING)
             FROM $t ORDER BY id"
        )
        .await,
        "3 2 2 2 2 1"
    );
    assert_eq!(
        rows("SELECT max(i) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM $t").await,
        "25:00:00 25:00:00 1 day 30 days 1 mon 1 mon"
    );
    assert_eq!(
        rows("SELECT min(i) OVER (ORDER BY id ROWS BETWEEN CURRENT ROW AND 1 FOLLOWING) FROM $t").await,
        "1 day 1 day 24:00:00 1 mon 1 mon ∅"
    );
    // Only peers count where there is no distance.
    for values in [
        "(TIME '10:00'), (TIME '09:00'), (TIME '09:00')",
        "('\\x02'::BYTEA), ('\\x01'::BYTEA), ('\\x01'::BYTEA)",
    ] {
        assert_eq!(
            db.text(&format!("SELECT sum(1) OVER (ORDER BY x) FROM (VALUES {values}) AS t(x) ORDER BY 1"))
                .await,
            "2\n2\n3",
            "{values}"
        );
    }
    let negative = "SELECT count(*) OVER (ORDER BY i RANGE BETWEEN INTERVAL '-1 hour' PRECEDING AND CURRENT ROW) FROM $t";
    assert_eq!(db.state(&negative.replace("$t", INTERVALS)).await, "22013");
}

#[tokio::test]
async fn times_differ_by_days_and_time() {
    let db = Db::with("SET timezone = 'Europe/Berlin'").await;
    check(
        &db,
        &[
            ("TIMESTAMP '2024-01-05' - TIMESTAMP '2024-01-01'", "4 days"),
            ("TIMESTAMP '2024-01-05 01:02:03.5' - TIMESTAMP '2024-01-01'", "4 days 01:02:03.5"),
            ("TIMESTAMP '2024-01-01' - TIMESTAMP '2024-01-05 06:00'", "-4 days -06:00:00"),
            ("TIMESTAMP '2024-01-01 12:00' - DATE '2023-12-31'", "1 day 12:00:00"),
            ("DATE '2024-01-01' - TIMESTAMP '2024-01-01 00:00:01'", "-00:00:01"),
            ("DATE '2024-03-02' - DATE '2024-02-28'", "3"),
            ("TIME '12:00' - TIME '13:30'", "-01:30:00"),
            // A day of 23 hours.
            ("TIMESTAMPTZ '2024-04-01 00:00' - TIMESTAMPTZ '2024-03-31 00:00'", "23:00:00"),
            ("TIMESTAMPTZ '2024-07-01 12:00' - TIMESTAMP '2024-06-30 12:00'", "1 day"),
            ("TIMESTAMP '2024-01-02' - '2024-01-01'", "1 day"),
            ("TIMESTAMP '2024-01-02' + '1 day'", "2024-01-03T00:00:00"),
            ("INTERVAL '1 day' + '2 hours'", "1 day 02:00:00"),
            ("TIMESTAMP '9999-12-31' - TIMESTAMP '0001-01-01'", "3652058 days"),
            ("(TIMESTAMP '2024-01-05' - TIMESTAMP '2024-01-01')::text", "4 days"),
            ("'took ' || (TIMESTAMP '2024-01-05' - TIMESTAMP '2024-01-01')", "took 4 days"),
            ("extract(epoch FROM TIMESTAMP '2024-01-02 00:00:01.5' - TIMESTAMP '2024-01-01')", "86401.5"),
            ("NULL::timestamp - now()::timestamp", "∅"),
        ],
    )
    .await;
}

#[tokio::test]
async fn intervals_are_added_multiplied_divided_and_averaged() {
    let db = Db::new().await;
    check(
        &db,
        &[
            ("INTERVAL '1 day' * 2", "2 days"),
            ("2 * INTERVAL '1 day 01:00'", "2 days 02:00:00"),
            ("INTERVAL '1 month' * 1.5", "1 mon 15 days"),
            ("INTERVAL '1 hour' * 0.5::double precision", "00:30:00"),
            ("INTERVAL '1 year' / 5", "2 mons 12 days"),
            ("INTERVAL '1 day' / 3", "08:00:00"),
            ("- INTERVAL '1 day 02:00'", "-1 days -02:00:00"),
            ("INTERVAL '1 day' + INTERVAL '25 hours'", "1 day 25:00:00"),
            ("INTERVAL '1 month' - INTERVAL '1 day'", "1 mon -1 days"),
            ("INTERVAL '1 day' * NULL::int", "∅"),
            ("TIME '12:00' + INTERVAL '90 minutes'", "13:30:00"),
            ("INTERVAL '1 hour' + TIME '12:00'", "13:00:00"),
            ("DATE '2024-01-01' + TIME '12:00'", "2024-01-01T12:00:00"),
            ("DATE '2024-01-31' + INTERVAL '1 month'", "2024-02-29T00:00:00"),
            ("age(TIMESTAMP '2024-03-01', TIMESTAMP '2024-01-31')", "1 mon 1 day"),
            ("age(TIMESTAMP '2024-01-31', TIMESTAMP '2024-03-01 12:00')", "-1 mons -1 days -12:00:00"),
            ("age(DATE '2024-02-29', DATE '2001-04-10')", "22 years 10 mons 19 days"),
            ("age(current_date::timestamptz)", "00:00:00"),
            ("justify_hours(INTERVAL '27 hours')", "1 day 03:00:00"),
            ("justify_days(INTERVAL '35 days')", "1 mon 5 days"),
            ("justify_interval(INTERVAL '1 mon -1 hour')", "29 days 23:00:00"),
            ("make_interval(1, 2, 3, 4, 5, 6, 7.5)", "1 year 2 mons 25 days 05:06:07.5"),
            ("make_interval()", "00:00:00"),
            ("make_interval(days => 10, hours => 2)", "10 days 02:00:00"),
            ("date_trunc('hour', INTERVAL '3 days 02:47:33')", "3 days 02:00:00"),
            ("date_trunc('month', INTERVAL '1 year 5 mons 3 days')", "1 year 5 mons"),
            ("date_trunc('quarter', INTERVAL '1 year 5 mons 3 days')", "1 year 3 mons"),
            ("date_trunc('day', INTERVAL '-3 days -02:47:33')", "-3 days"),
            ("- INTERVAL '1 mon -1 day'", "-1 mons +1 day"),
            ("INTERVAL '1 day' || ''", "1 day"),
            ("INTERVAL '1-2' YEAR TO MONTH", "1 year 2 mons"),
            ("INTERVAL '1 day 2:03' DAY TO HOUR", "1 day 02:00:00"),
            ("INTERVAL '3' DAY", "3 days"),
            ("'P1Y2M'::interval", "1 year 2 mons"),
            ("CAST('1 day ago' AS INTERVAL)", "-1 days"),
            ("coalesce(NULL, INTERVAL '1 day')", "1 day"),
            ("sum(i) FROM (VALUES (INTERVAL '1 day'), (INTERVAL '25 hours')) AS t(i)", "1 day 25:00:00"),
            ("avg(i) FROM (VALUES (INTERVAL '1 day'), (INTERVAL '2 hours'), (NULL)) AS t(i)", "13:00:00"),
            ("avg(i) FROM (SELECT INTERVAL '1 day' AS i WHERE false) AS t", "∅"),
            ("avg(x) FROM (VALUES (1), (2)) AS t(x)", "1.5"),
            ("avg(x) FROM (VALUES (1.0), (2.0)) AS t(x)", "1.5000000000000000"),
            ("avg(i) FILTER (WHERE i > '1 hour') FROM (VALUES (INTERVAL '1 hour'), (INTERVAL '3 hours')) AS t(i)", "03:00:00"),
        ],
    )
    .await;
    assert_eq!(
        db.text(
            "SELECT avg(i) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)
             FROM (VALUES (1, INTERVAL '1 hour'), (2, INTERVAL '3 hours'), (3, INTERVAL '5 hours')) AS t(id, i)"
        )
        .await,
        "01:00:00\n02:00:00\n04:00:00"
    );
    for (query, state) in [
        ("INTERVAL '1 day' / 0", "22012"),
        ("INTERVAL '1 fortnight'", "22007"),
        ("'1 fortnight'::interval", "22007"),
        ("INTERVAL '1 day' > 'soon'", "22007"),
        ("INTERVAL '2000000000 days' * 2", "22008"),
        ("now() - '1 day'", "22007"),
        ("date_trunc('week', INTERVAL '1 day')", "0A000"),
    ] {
        assert_eq!(db.state(&format!("SELECT {query}")).await, state, "{query}");
    }
}

#[tokio::test]
async fn columns_and_parameters_differ_by_intervals() {
    let db = Db::with(
        "CREATE TABLE o (id INT PRIMARY KEY, ordered TIMESTAMP, shipped TIMESTAMP, due DATE);
         INSERT INTO o VALUES (1, '2024-01-01', '2024-01-05', '2024-01-03'),
             (2, '2024-01-01', '2024-01-01 12:00', '2024-01-03'), (3, '2024-01-01', NULL, NULL),
             (4, '2024-01-01', '2024-01-02', '2024-01-02')",
    )
    .await;
    for (condition, ids) in [
        ("shipped - ordered > INTERVAL '1 day'", "1"),
        ("shipped - ordered >= '1 day'", "1\n4"),
        ("shipped - ordered = INTERVAL '24 hours'", "4"),
        ("shipped - ordered < INTERVAL '1 month'", "1\n2\n4"),
        ("shipped - due > INTERVAL '0'", "1"),
        ("shipped > ordered + INTERVAL '1 day' * 2", "1"),
        ("shipped - ordered BETWEEN '13 hours' AND '30 hours'", "4"),
    ] {
        let query = format!("SELECT id FROM o WHERE {condition} ORDER BY id");
        assert_eq!(db.text(&query).await, ids, "{condition}");
    }
    assert_eq!(db.text("SELECT id FROM o ORDER BY shipped - ordered DESC NULLS LAST").await, "1\n4\n2\n3");
    assert_eq!(
        db.one("SELECT max(shipped - ordered), sum(shipped - ordered) FROM o").await,
        "4 days|5 days 12:00:00"
    );
    let day = ScalarValue::Utf8(Some("1 day".to_owned()));
    assert_eq!(db.rows_with("SELECT id FROM o WHERE shipped - ordered > $1", vec![day]).await, ["1"]);
    db.run("PREPARE late (interval) AS SELECT id FROM o WHERE shipped - ordered >= $1 ORDER BY id").await;
    assert_eq!(db.text("EXECUTE late ('1 day')").await, "1\n4");
    db.run(
        "UPDATE o SET shipped = ordered + (shipped - ordered) * 2 WHERE shipped - ordered > INTERVAL '1 day'",
    )
    .await;
    assert_eq!(db.one("SELECT shipped FROM o WHERE id = 1").await, "2024-01-09T00:00:00");
    assert_eq!(db.tag("DELETE FROM o WHERE shipped - ordered > '23 hours'").await, "DELETE 2");
    db.run("COPY (SELECT id, shipped - ordered FROM o ORDER BY id) TO 'd.csv' WITH (FORMAT csv)").await;
    assert_eq!(db.files.contents.lock()["d.csv"], b"2,12:00:00\n3,\n");
}
