//! Precedence of operators: as in Postgres.

use crate::database::Db;

/// An expression, and the same with the parentheses that it means.
const BINDING: &[(&str, &str)] = &[
    ("1 + 2 * 3", "1 + (2 * 3)"),
    ("'k' || 7 % 3", "'k' || (7 % 3)"),
    ("'1' || 2 * 3", "'1' || (2 * 3)"),
    ("'1' || 2 + 3", "'1' || (2 + 3)"),
    ("2 * 3 || 'x'", "(2 * 3) || 'x'"),
    ("'a' || -1", "'a' || (-1)"),
    ("'a' || 'b' = 'ab'", "('a' || 'b') = 'ab'"),
    ("'a' || 'b' LIKE 'a' || '%'", "('a' || 'b') LIKE ('a' || '%')"),
    ("'a' || 'b' IN ('ab', 'c')", "('a' || 'b') IN ('ab', 'c')"),
    ("'a' || NULL IS NULL", "('a' || NULL) IS NULL"),
    ("'a' || 'b' BETWEEN 'a' AND 'b'", "('a' || 'b') BETWEEN 'a' AND 'b'"),
    ("'ab' ~ 'a' || 'b'", "('ab' ~ 'a') || 'b'"),
    ("NOT 1 = 2", "NOT (1 = 2)"),
    ("NOT NULL IS NULL", "NOT (NULL IS NULL)"),
    ("NOT true AND false", "(NOT true) AND false"),
    ("true OR true AND false", "true OR (true AND false)"),
    ("1 = 1 IS NULL", "(1 = 1) IS NULL"),
    ("1 < 2 IS NOT NULL", "(1 < 2) IS NOT NULL"),
    ("1 IN (1) = true", "(1 IN (1)) = true"),
    ("'a' LIKE 'a' = true", "('a' LIKE 'a') = true"),
    ("1 BETWEEN 0 AND 2 = true", "(1 BETWEEN 0 AND 2) = true"),
    ("-2 ^ 2", "(-2) ^ 2"),
    ("2 ^ 3 ^ 2", "(2 ^ 3) ^ 2"),
    ("2 * 3 ^ 2", "2 * (3 ^ 2)"),
    ("2 ^ -1", "2 ^ (-1)"),
    ("-'5'::int", "-('5'::int)"),
    ("2 ^ '3'::int", "2 ^ ('3'::int)"),
    ("1 + array[2, 3][1]", "1 + (array[2, 3])[1]"),
    ("array['7', '8'][1]::int + 1", "((array['7', '8'])[1]::int) + 1"),
    ("1 & 2 + 1", "1 & (2 + 1)"),
    ("1 | 2 * 2", "1 | (2 * 2)"),
    ("1 << 2 + 1", "1 << (2 + 1)"),
    ("6 & 3 | 8", "(6 & 3) | 8"),
    ("1 | 2 = 3", "(1 | 2) = 3"),
    ("5 # 1 + 1", "5 # (1 + 1)"),
    ("5 - 2 - 1", "(5 - 2) - 1"),
    ("8 / 4 / 2", "(8 / 4) / 2"),
    ("1 IS DISTINCT FROM 1 AND false", "(1 IS DISTINCT FROM 1) AND false"),
    ("1 + 1 IS DISTINCT FROM 2", "(1 + 1) IS DISTINCT FROM 2"),
    (
        "TIMESTAMP '2024-01-01 12:00' AT TIME ZONE 'UTC' > TIMESTAMPTZ '2023-01-01Z'",
        "(TIMESTAMP '2024-01-01 12:00' AT TIME ZONE 'UTC') > TIMESTAMPTZ '2023-01-01Z'",
    ),
    (
        "DATE '2024-01-01' + INTERVAL '1 day' = TIMESTAMP '2024-01-02'",
        "(DATE '2024-01-01' + INTERVAL '1 day') = TIMESTAMP '2024-01-02'",
    ),
];

#[tokio::test]
async fn operators_bind_as_in_postgres() {
    let db = Db::new().await;
    for (plain, meant) in BINDING {
        let answer = db.session.execute(&format!("SELECT {plain}")).await.is_ok();
        assert_eq!(answer, db.session.execute(&format!("SELECT {meant}")).await.is_ok(), "{plain}");
        if answer {
            let (plain_answer, meant) =
                (db.one(&format!("SELECT {plain}")).await, db.one(&format!("SELECT {meant}")).await);
            assert_eq!(plain_answer, meant, "{plain}");
        }
    }
    assert_eq!(db.one("SELECT 'k' || 7 % 3").await, "k1");
    assert_eq!(db.one("SELECT '1' || 2 * 3").await, "16");
}

#[tokio::test]
async fn a_case_that_nests_too_deeply_says_so() {
    let db = Db::new().await;
    let nested = |levels: usize| {
        format!("SELECT {}1{}", "CASE WHEN false THEN 0 ELSE ".repeat(levels), " END".repeat(levels))
    };
    assert_eq!(db.one(&nested(20)).await, "1");
    assert_eq!(db.state(&nested(500)).await, "54000");
}
