//! Subqueries wherever an expression may stand, and what they refer to.

use crate::database::Db;

async fn tables() -> Db {
    Db::with(
        "CREATE TABLE t (id INT PRIMARY KEY, a INT, b INT);
         INSERT INTO t VALUES (1, 10, 1), (2, 20, 1), (3, NULL, 2), (4, -5, 2);
         CREATE TABLE u (id INT PRIMARY KEY, t_id INT, w TEXT);
         INSERT INTO u VALUES (1, 1, 'one'), (2, 1, 'uno'), (3, 2, 'two'), (4, NULL, 'none')",
    )
    .await
}

/// One answer for each row of t, in its order.
async fn for_each(db: &Db, expr: &str) -> String {
    db.rows(&format!("SELECT {expr} FROM t ORDER BY id")).await.join(",")
}

#[tokio::test]
async fn a_subquery_without_rows_is_null_also_where_its_column_never_is() {
    let db = tables().await;
    for (expr, answer) in [
        ("(SELECT 1 WHERE false)", "∅"),
        ("(SELECT id FROM u WHERE id > 100)", "∅"),
        ("(SELECT 1 FROM u WHERE NULL)", "∅"),
        ("(SELECT id FROM u WHERE id > 100) IS NULL", "true"),
        ("(SELECT id FROM u WHERE id > 100) IS NOT NULL", "false"),
        ("((SELECT 1 FROM u WHERE id > 100) <= 1) IS NULL", "true"),
        ("coalesce((SELECT 1 FROM u WHERE id > 100), 7)", "7"),
        ("(SELECT 'x' FROM u WHERE id > 100) || 'y'", "∅"),
        ("(SELECT true FROM u WHERE id > 100) IS NOT TRUE", "true"),
        ("(SELECT id FROM u WHERE id > 100) IS DISTINCT FROM 1", "true"),
        ("CASE WHEN (SELECT 1 FROM u WHERE id > 100) IS NULL THEN 'none' ELSE 'some' END", "none"),
        ("(SELECT 1 FROM u GROUP BY w HAVING count(*) > 100)", "∅"),
        ("(SELECT count(*) FROM u HAVING false)", "∅"),
        ("(SELECT count(*) FROM u LIMIT 0) IS NULL", "true"),
        ("(SELECT count(*) FROM u WHERE id > 100)", "0"),
        ("(SELECT count(*) FROM u WHERE id > 100) IS NULL", "false"),
        ("(SELECT id FROM u WHERE id = 3)", "3"),
    ] {
        assert_eq!(db.one(&format!("SELECT {expr}")).await, answer, "{expr}");
        assert_eq!(for_each(&db, expr).await, [answer; 4].join(","), "{expr}");
    }
    assert_eq!(db.one("SELECT count(*) FROM t WHERE (SELECT 1 FROM u WHERE id > 100) IS NULL").await, "4");
    assert_eq!(db.one("SELECT count(*) FROM t WHERE id = (SELECT id FROM u WHERE id = 3)").await, "1");
    assert_eq!(db.one("SELECT count(*) FROM t HAVING (SELECT 1 WHERE false) IS NULL").await, "4");
}

#[tokio::test]
async fn exists_is_a_value_like_any_other() {
    let db = tables().await;
    for (expr, answers) in [
        ("EXISTS (SELECT 1 FROM u WHERE u.t_id = t.id)", "true,true,false,false"),
        ("NOT EXISTS (SELECT 1 FROM u WHERE u.t_id = t.id)", "false,false,true,true"),
        ("EXISTS (SELECT 1 FROM u WHERE u.id > t.id + 2)", "true,false,false,false"),
        ("EXISTS (SELECT 1 FROM u WHERE false)", "false,false,false,false"),
        ("EXISTS (SELECT 1 FROM t x WHERE x.id < t.id AND x.b = t.b)", "false,true,false,true"),
        ("EXISTS (SELECT 1 FROM t WHERE id = 1)", "true,true,true,true"),
        ("CASE WHEN EXISTS (SELECT 1 FROM u WHERE u.t_id = t.id) THEN 'y' ELSE 'n' END", "y,y,n,n"),
        (
            "EXISTS (SELECT 1 FROM u JOIN t x ON x.id = u.t_id WHERE x.b = t.b AND u.id = t.id)",
            "true,true,false,false",
        ),
        (
            "EXISTS (SELECT 1 FROM u WHERE u.t_id = t.id AND EXISTS (SELECT 1 FROM t x WHERE x.id = u.id))",
            "true,true,false,false",
        ),
    ] {
        assert_eq!(for_each(&db, expr).await, answers, "{expr}");
    }
    assert_eq!(
        db.one("SELECT EXISTS (SELECT 1 FROM t WHERE a > 100), EXISTS (SELECT 1 FROM t)").await,
        "false|true"
    );
    assert_eq!(
        db.one("SELECT count(*) FILTER (WHERE EXISTS (SELECT 1 FROM u WHERE u.t_id = t.id)) FROM t").await,
        "2"
    );
    assert_eq!(
        db.one("SELECT sum(CASE WHEN EXISTS (SELECT 1 FROM u WHERE u.t_id = t.id) THEN 1 ELSE 0 END) FROM t")
            .await,
        "2"
    );
    assert_eq!(
        db.rows("SELECT id FROM t WHERE EXISTS (SELECT 1 FROM u WHERE u.t_id = t.id) OR a < 0 ORDER BY id")
            .await,
        ["1", "2", "4"]
    );
}

#[tokio::test]
async fn in_is_unknown_where_a_null_could_be_the_match() {
    let db = tables().await;
    for (expr, answers) in [
        ("id IN (SELECT t_id FROM u)", "true,true,∅,∅"),
        ("id NOT IN (SELECT t_id FROM u)", "false,false,∅,∅"),
        ("id IN (SELECT t_id FROM u WHERE t_id IS NOT NULL)", "true,true,false,false"),
        ("a IN (SELECT 10)", "true,false,∅,false"),
        ("a IN (SELECT 10 WHERE false)", "false,false,false,false"),
        ("a NOT IN (SELECT 10 WHERE false)", "true,true,true,true"),
        ("id IN (SELECT u.id FROM u WHERE u.t_id = t.b)", "true,true,true,false"),
        ("a > ALL (SELECT b FROM t)", "true,true,∅,false"),
        ("a = ANY (SELECT a FROM t)", "true,true,∅,true"),
        ("id < ANY (SELECT u.t_id FROM u)", "true,∅,∅,∅"),
    ] {
        assert_eq!(for_each(&db, expr).await, answers, "{expr}");
    }
    for (condition, ids) in [
        // Row 4 is not greater than 0, whatever the subquery says; row 3 is unknown in both.
        ("NOT (id IN (SELECT t_id FROM u) AND a > 0)", "4"),
        ("id NOT IN (SELECT t_id FROM u) OR id = 4", "4"),
        ("a = ANY (SELECT a FROM t WHERE a > 0)", "1,2"),
        ("a <> ALL (SELECT a FROM t WHERE a > 0)", "4"),
    ] {
        let rows = db.rows(&format!("SELECT id FROM t WHERE {condition} ORDER BY id")).await;
        assert_eq!(rows.join(","), ids, "{condition}");
    }
}

#[tokio::test]
async fn a_subquery_for_one_value_may_compare_in_any_way() {
    let db = tables().await;
    for (expr, answers) in [
        ("(SELECT count(*) FROM u WHERE u.id > t.id)", "3,2,1,0"),
        ("(SELECT sum(u.id) FROM u WHERE u.id > t.id)", "9,7,4,∅"),
        ("(SELECT count(*) + 1 FROM u WHERE u.id > t.id)", "4,3,2,1"),
        ("(SELECT max(u.id) - t.id FROM u WHERE u.id >= t.id)", "3,2,1,0"),
        ("(SELECT w FROM u WHERE u.id = t.id)", "one,uno,two,none"),
        ("(SELECT w FROM u WHERE u.t_id = t.id ORDER BY u.id DESC LIMIT 1)", "uno,two,∅,∅"),
        ("(SELECT count(*) FROM u WHERE u.t_id = t.id)", "2,1,0,0"),
        ("(SELECT count(*) FROM t x WHERE x.a < t.a)", "1,2,0,0"),
        ("(SELECT string_agg(w, '+' ORDER BY w) FROM u WHERE u.t_id = t.id)", "one+uno,two,∅,∅"),
    ] {
        assert_eq!(for_each(&db, expr).await, answers, "{expr}");
    }
    for (query, rows) in [
        ("SELECT id FROM t WHERE (SELECT count(*) FROM u WHERE u.id > t.id) > 1 ORDER BY id", "1,2"),
        (
            "SELECT id FROM t ORDER BY (SELECT max(w) FROM u WHERE u.t_id = t.id) DESC NULLS LAST, id",
            "1,2,3,4",
        ),
        ("SELECT b, (SELECT count(*) FROM u WHERE u.id > t.b) FROM t GROUP BY b ORDER BY b", "1|3,2|2"),
        ("SELECT sum((SELECT count(*) FROM u WHERE u.id > t.id)) FROM t", "6"),
    ] {
        assert_eq!(db.rows(query).await.join(","), rows, "{query}");
    }
    assert_eq!(db.state("SELECT (SELECT w FROM u WHERE u.t_id = t.id) FROM t").await, "21000");
    assert_eq!(
        db.rows("SELECT (SELECT (SELECT count(*) FROM u WHERE u.id > x.id) FROM t x WHERE x.id = t.id) FROM t ORDER BY id")
            .await,
        ["3", "2", "1", "0"]
    );
    assert_eq!(
        db.rows(
            "SELECT x.w FROM t, LATERAL (SELECT w FROM u WHERE u.t_id = t.id ORDER BY w LIMIT 1) x ORDER BY 1"
        )
        .await,
        ["one", "two"]
    );
    assert_eq!(db.state("SELECT (SELECT a FROM t)").await, "21000");
}

#[tokio::test]
async fn what_cannot_be_joined_says_so() {
    let db = tables().await;
    assert_eq!(db.rows("SELECT id FROM t WHERE (id, a) IN (SELECT id, a FROM t)").await, ["1", "2", "4"]);
    for query in [
        "SELECT (SELECT count(*) FROM (SELECT w FROM u WHERE u.id > x.r LIMIT 1) y) FROM (SELECT random() AS r FROM t) x",
    ] {
        let error = db.error(query).await;
        assert_eq!(error.sqlstate(), "0A000", "{query}");
        assert!(error.message().len() < 100 && error.hint().is_some(), "{error}");
    }
}

#[tokio::test]
async fn changes_take_values_from_subqueries() {
    let db = tables().await;
    db.run("UPDATE t SET a = (SELECT u.id * 100 FROM u WHERE u.id = t.id) WHERE id IN (SELECT t_id FROM u)")
        .await;
    assert_eq!(db.rows("SELECT a FROM t ORDER BY id").await, ["100", "200", "∅", "-5"]);
    db.run("INSERT INTO t (id, a) VALUES ((SELECT max(id) + 1 FROM t), 7), (99, (SELECT count(*) FROM u))")
        .await;
    assert_eq!(db.rows("SELECT id, a FROM t WHERE id > 4 ORDER BY id").await, ["5|7", "99|4"]);
    db.run("DELETE FROM t WHERE (SELECT count(*) FROM u WHERE u.id > t.id) = 0").await;
    assert_eq!(db.rows("SELECT id FROM t ORDER BY id").await, ["1", "2", "3"]);
}

#[tokio::test]
async fn subqueries_read_their_own_moment() {
    let db = tables().await;
    db.run("CREATE SNAPSHOT s; DELETE FROM u WHERE id = 1").await;
    let both = "SELECT (SELECT w FROM u WHERE u.id = t.id), (SELECT w FROM u AS OF SNAPSHOT s WHERE u.id = t.id) FROM t WHERE id = 1";
    assert_eq!(db.one(both).await, "∅|one");
}

#[tokio::test]
async fn null_is_a_row_of_its_own_among_distinct_ones() {
    let db = Db::with(
        "CREATE TABLE t (id INT PRIMARY KEY); INSERT INTO t VALUES (1), (2), (3);
         CREATE TABLE u (n INT PRIMARY KEY, id INT, v INT);
         INSERT INTO u VALUES (1, 1, NULL), (2, 1, 5), (3, 2, NULL), (4, 2, NULL), (5, 3, 7), (6, 3, 7)",
    )
    .await;
    let of =
        |id: u32| format!("SELECT (SELECT DISTINCT v FROM u WHERE u.id = t.id) FROM t WHERE t.id = {id}");
    assert_eq!(db.state(&of(1)).await, "21000");
    assert_eq!(db.one(&of(2)).await, "∅");
    assert_eq!(db.one(&of(3)).await, "7");
}
