//! Conditions that are no truth values, and texts that are read as such.

use crate::database::Db;

const TABLES: &str = "CREATE TABLE t (id INT, a INT, b BIGINT, f FLOAT8, s TEXT, d DATE, k BOOLEAN);
    INSERT INTO t VALUES (1,10,100,1.5,'a','2024-01-01',true),(2,20,200,2.5,'b','2024-01-02',false);
    CREATE TABLE u (id INT, a INT);
    INSERT INTO u VALUES (1,1);";

#[tokio::test]
async fn a_condition_is_a_truth_value() {
    let db = Db::with(TABLES).await;
    db.assert_states(&[
        ("SELECT min(a) FROM t WHERE 1", "42804"),
        ("SELECT id FROM t WHERE a", "42804"),
        ("SELECT id FROM t WHERE NOT a", "42804"),
        ("SELECT id FROM t WHERE k AND 1", "42804"),
        ("SELECT id FROM t WHERE k OR a", "42804"),
        ("SELECT id FROM t WHERE 'x'", "22P02"),
        ("SELECT id FROM t WHERE s", "42804"),
        ("SELECT id FROM t WHERE 1.5", "42804"),
        ("SELECT CASE WHEN 1 THEN 2 END", "42804"),
        ("SELECT CASE WHEN a THEN 2 END FROM t", "42804"),
        ("SELECT CASE WHEN s THEN 2 END FROM t", "42804"),
        ("SELECT CASE WHEN 'maybe' THEN 2 END", "22P02"),
        ("SELECT t.id FROM t JOIN u ON 1", "42804"),
        ("SELECT t.id FROM t JOIN u ON t.id", "42804"),
        ("SELECT t.id FROM t LEFT JOIN u ON t.a", "42804"),
        ("SELECT id FROM t GROUP BY id HAVING 1", "42804"),
        ("SELECT id FROM t GROUP BY id HAVING id", "42804"),
        ("SELECT count(*) FILTER (WHERE 1) FROM t", "42804"),
        ("SELECT count(*) FILTER (WHERE a) FROM t", "42804"),
        ("SELECT a IS TRUE FROM t", "42804"),
        ("SELECT 1 IS TRUE", "42804"),
        ("SELECT s IS NOT FALSE FROM t", "42804"),
        ("SELECT 1 OR NULL", "42804"),
        ("SELECT 'a' AND true", "22P02"),
        ("SELECT bool_and(1)", "42883"),
        ("SELECT bool_or(a) FROM t", "42883"),
        ("SELECT every(a) FROM t", "42883"),
        ("DELETE FROM u WHERE 1", "42804"),
        ("UPDATE u SET a = 2 WHERE a", "42804"),
        ("SELECT id FROM t WHERE (SELECT 1)", "42804"),
    ])
    .await;
}

#[tokio::test]
async fn a_text_in_the_place_of_a_truth_value_is_read_as_one() {
    let db = Db::with(TABLES).await;
    db.assert_answers(&[
        ("SELECT id FROM t WHERE 'true'", "1, 2"),
        ("SELECT id FROM t WHERE 't' AND k", "1"),
        ("SELECT id FROM t WHERE NOT 'f' ORDER BY id", "1, 2"),
        ("SELECT id FROM t WHERE NULL", ""),
        ("SELECT CASE WHEN 'yes' THEN 2 END", "2"),
        ("SELECT CASE WHEN NULL THEN 2 ELSE 3 END", "3"),
        ("SELECT t.id FROM t JOIN u ON 'true' ORDER BY 1", "1, 2"),
        ("SELECT count(*) FILTER (WHERE 'true') FROM t", "2"),
        ("SELECT 'yes' IS TRUE", "true"),
        ("SELECT NOT 'yes'", "false"),
        ("SELECT NOT NULL", "∅"),
        ("SELECT id FROM t WHERE (SELECT true) ORDER BY id", "1, 2"),
    ])
    .await;
}
