//! A `REAL` beside another number is compared, and computed with, as a double.

use crate::{database::Db, times::check};

#[tokio::test]
async fn reals_meet_other_numbers_in_double_precision() {
    let db = Db::new().await;
    check(
        &db,
        &[
            ("16777217 = 16777216::real", "false"),
            ("16777217::bigint = 16777216::real", "false"),
            ("16777217::int > 16777216::real", "true"),
            ("16777217 BETWEEN 16777216::real AND 16777216::real", "false"),
            ("CASE 16777217 WHEN 16777216::real THEN 1 ELSE 2 END", "2"),
            ("16777217 = ANY(ARRAY[16777216::real])", "false"),
            ("9007199254740993 = 9007199254740992::float8", "true"),
            ("0.1::real = 0.1::float8", "false"),
            ("0.1::real = 0.1", "false"),
            ("0.1::real IN (0.1, 5)", "true"),
            ("0.1::real IN (0.1)", "false"),
            ("(16777217::int + 0::real)::text", "16777217"),
            ("(1::real / 3)::text", "0.3333333333333333"),
            ("(0.1::real * 3)::text", "0.30000000447034836"),
            ("(0.1::real + 0.2::real)::text", "0.3"),
            ("coalesce(NULL::real, 16777217)::text", "1.6777216e+07"),
        ],
    )
    .await;
}

#[tokio::test]
async fn joins_and_subqueries_compare_reals_as_doubles() {
    let db = Db::with(
        "CREATE TABLE m (i INT, b BIGINT, r REAL);
         INSERT INTO m VALUES (1, 1, 0.1), (16777217, 16777217, 16777216), (5, 5, 5)",
    )
    .await;
    for (query, found) in [
        ("SELECT i FROM m WHERE i = r", "5"),
        ("SELECT i FROM m WHERE b = r", "5"),
        ("SELECT x.i FROM m x JOIN m y ON x.i = y.r", "5"),
        ("SELECT i FROM m WHERE r IN (SELECT b FROM m)", "5"),
        ("SELECT i FROM m WHERE i IN (SELECT r FROM m)", "5"),
        ("SELECT i FROM m WHERE r = 0.1::real", "1"),
        ("SELECT i FROM m WHERE r > 16777215 ORDER BY i", "16777217"),
    ] {
        assert_eq!(db.rows(query).await.join(" "), found, "{query}");
    }
}
