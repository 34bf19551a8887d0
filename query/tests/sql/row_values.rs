//! Comparisons of rows, field by field, with the three values of logic.

use crate::{database::Db, keyed_tables::KEYED_TABLES};

async fn pairs() -> Db {
    Db::with(
        "CREATE TABLE a (k INT, v INT); INSERT INTO a VALUES (1, 1), (1, NULL), (NULL, 2);
         CREATE TABLE p (a INT, b TEXT, v INT, PRIMARY KEY (a, b)); INSERT INTO p VALUES (1, 'x', 7), (1, 'y', 8), (2, 'x', 9)",
    )
    .await
}

#[tokio::test]
async fn rows_are_compared_field_by_field_and_null_is_unknown() {
    let db = Db::new().await;
    for (expression, shown) in [
        ("(1, 1) = (1, 1)", "true"),
        ("(1, 1) = (1, NULL)", "∅"),
        ("(1, 1) = (2, NULL)", "false"),
        ("(1, 1) <> (1, NULL)", "∅"),
        ("(1, 1) <> (2, NULL)", "true"),
        ("(1, 1) < (1, NULL)", "∅"),
        ("(1, 1) < (2, NULL)", "true"),
        ("(1, 1) > (1, NULL)", "∅"),
        ("(1, NULL) > (0, 1)", "true"),
        ("(NULL, 1) < (2, 2)", "∅"),
        ("(1, 2) <= (1, 2)", "true"),
        ("(1, 2) < (1, 2)", "false"),
        ("(1, 2, 3) >= (1, 2, 4)", "false"),
        ("(1, 3, 3) >= (1, 2, 4)", "true"),
        ("(1, 'b') > (1, 'a')", "true"),
        ("(1, 2.5) = (1.0, 2.50)", "true"),
        ("ROW(1, 2) = ROW(1, 2)", "true"),
        ("((1, 2), 3) = ((1, NULL), 3)", "∅"),
        ("((1, 2), 3) < ((1, 3), 0)", "true"),
        ("(1, 2) IN ((3, 4), (1, 2))", "true"),
        ("(1, 2) IN ((3, 4), (1, NULL))", "∅"),
        ("(1, 2) IN ((3, 4), (5, NULL))", "false"),
        ("(1, 2) NOT IN ((3, 4), (1, NULL))", "∅"),
        ("(1, 2) NOT IN ((3, 4), (5, NULL))", "true"),
        ("(1, 2) BETWEEN (1, 1) AND (1, 3)", "true"),
        ("(1, 2) BETWEEN (1, NULL) AND (2, 0)", "∅"),
        ("(1, 2) NOT BETWEEN (2, NULL) AND (3, 0)", "true"),
        ("(NULL, NULL) IS NULL", "true"),
        ("(1, NULL) IS NULL", "false"),
        ("(1, NULL) IS NOT NULL", "false"),
        ("(1, 2) IS NOT NULL", "true"),
        ("(1, NULL) IS DISTINCT FROM (1, NULL)", "false"),
        ("(1, NULL) IS DISTINCT FROM (1, 2)", "true"),
        ("(1, NULL) IS NOT DISTINCT FROM (1, NULL)", "true"),
        ("CASE (1, 2) WHEN (1, NULL) THEN 'no' WHEN (1, 2) THEN 'yes' END", "yes"),
        ("(1, 2) IN (SELECT 1, 2)", "true"),
        ("(1, 2) IN (SELECT 1, NULL)", "∅"),
        ("(1, 2) IN (SELECT 3, NULL)", "false"),
        ("(1, 2) NOT IN (SELECT 1, NULL)", "∅"),
        ("(1, 2) = ANY (SELECT 1, 2)", "true"),
        ("(1, 2) <> ALL (SELECT 1, 2)", "false"),
    ] {
        assert_eq!(db.one(&format!("SELECT {expression}")).await, shown, "{expression}");
    }
    for wrong in ["SELECT (1, 2) = (1, 2, 3)", "SELECT (1, 2) IN ((1, 2, 3))", "SELECT (1, 2) < 3"] {
        assert!(["42601", "42883"].contains(&db.state(wrong).await), "{wrong}");
    }
}

#[tokio::test]
async fn conditions_on_rows_find_those_of_which_they_are_true() {
    let db = pairs().await;
    for (condition, found) in [
        ("(k, v) <> (1, 2)", &["1|1"][..]),
        ("(k, v) = (1, 1)", &["1|1"]),
        ("(k, v) IN ((NULL, 2))", &[]),
        ("(k, v) IN ((1, 1), (NULL, 2))", &["1|1"]),
        ("(k, v) NOT IN ((1, 1), (5, NULL))", &[]),
        ("(k, v) NOT IN ((5, 1), (6, 3))", &["1|1", "1|∅", "∅|2"]),
        ("(k, v) < (2, 0)", &["1|1", "1|∅"]),
        ("(k, v) IN (SELECT k, v FROM a)", &["1|1"]),
        ("(k, v) NOT IN (SELECT 5, 1)", &["1|1", "1|∅", "∅|2"]),
        ("(k, v) NOT IN (SELECT 5, 2)", &["1|1", "1|∅"]),
        ("(k, v) NOT IN (SELECT 5, 7 UNION SELECT 1, NULL)", &[]),
        ("NOT ((k, v) IN (SELECT 5, 7))", &["1|1", "1|∅", "∅|2"]),
        ("(k, v) IS NULL", &[]),
        ("(k, v) IS NOT NULL", &["1|1"]),
        ("(k, v) IS NOT DISTINCT FROM (1, NULL)", &["1|∅"]),
    ] {
        let query = format!("SELECT k, v FROM a WHERE {condition} ORDER BY k, v");
        assert_eq!(db.rows(&query).await, found, "{condition}");
    }
    assert_eq!(db.one("SELECT count(*) FROM a x JOIN a y ON (x.k, x.v) = (y.k, y.v)").await, "1");
    assert_eq!(db.one("SELECT count(*) FROM a x LEFT JOIN a y ON (x.k, x.v) = (y.k, y.v)").await, "3");
    assert_eq!(db.tag("DELETE FROM a WHERE (k, v) = (1, 1)").await, "DELETE 1");
    assert_eq!(db.tag("UPDATE a SET v = 0 WHERE (k, v) IN ((1, NULL), (NULL, 2))").await, "UPDATE 0");
}

#[tokio::test]
async fn a_row_of_the_primary_key_is_looked_up() {
    let db = pairs().await;
    for (query, found) in [
        ("SELECT v FROM p WHERE (a, b) = (1, 'y')", "8"),
        ("SELECT v FROM p WHERE (1, 'y') = (a, b)", "8"),
        ("SELECT v FROM p WHERE (b, a) = ('x', 2)", "9"),
    ] {
        assert_eq!(db.rows(query).await, [found], "{query}");
        assert!(db.text(&format!("EXPLAIN {query}")).await.contains("run_as"), "{query}");
    }
    assert_eq!(
        db.rows("SELECT v FROM p WHERE (a, b) IN ((1, 'x'), (2, 'x'), (3, 'z')) ORDER BY v").await,
        ["7", "9"]
    );
    assert_eq!(db.rows("SELECT v FROM p WHERE (a, b) > (1, 'x') ORDER BY v").await, ["8", "9"]);
    db.run("UPDATE p SET v = 10 WHERE (a, b) = (1, 'x')").await;
    db.run("DELETE FROM p WHERE (a, b) = (2, 'x')").await;
    assert_eq!(db.rows("SELECT v FROM p ORDER BY a, b").await, ["10", "8"]);
}

#[tokio::test]
async fn a_row_is_compared_with_the_row_of_a_subquery() {
    let db = Db::with(KEYED_TABLES).await;
    db.assert_answers(&[
        ("SELECT (1,2) = (SELECT 1,2)", "true"),
        ("SELECT (1,2) = (SELECT 1,3)", "false"),
        ("SELECT (1,2) < (SELECT 1,3)", "true"),
        ("SELECT (1,2) = (SELECT 1,2 WHERE false)", "∅"),
        ("SELECT (1,NULL) = (SELECT 1,2)", "∅"),
        ("SELECT (1,2) <> (SELECT 1,2)", "false"),
        ("SELECT ROW(1,2) = (SELECT 1,2)", "true"),
        ("SELECT k FROM a WHERE (k, v) = (SELECT k, v FROM a WHERE k = 1)", "1"),
        ("SELECT k FROM a WHERE (k, v) >= (SELECT k, v FROM a WHERE k = 1) ORDER BY 1", "1, 2, 3"),
        ("SELECT k FROM a WHERE (k, v) = (SELECT x.k, x.v FROM a x WHERE x.k = a.k) ORDER BY 1", "1, 3"),
        ("SELECT k FROM a WHERE (k, 200) = (SELECT b.k, b.w FROM b WHERE b.k = a.k) ORDER BY 1", "2"),
        ("SELECT (1,2) = ANY (SELECT 1,2)", "true"),
        ("SELECT (1,3) > ALL (SELECT 1,2)", "true"),
        ("SELECT (1,3) < ANY (SELECT k, v FROM a)", "true"),
        ("SELECT (9,3) < ANY (SELECT k, v FROM a)", "∅"),
        ("SELECT (9,3) < ANY (SELECT k, v FROM e)", "false"),
        ("SELECT (9,3) > ALL (SELECT k, v FROM e)", "true"),
        ("SELECT (0,3) > ALL (SELECT k, v FROM a)", "false"),
    ])
    .await;
    db.assert_states(&[
        ("SELECT (1,2) = (SELECT k, v FROM a)", "21000"),
        ("SELECT (SELECT 1,2) = (1,2)", "42601"),
        ("SELECT (count(*), 2) = (SELECT 1,2) FROM a", "0A000"),
    ])
    .await;
}
