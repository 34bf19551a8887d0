//! Joins of tables whose columns have the same names, and what their filters do to scans.

use crate::database::Db;

const TABLES: &str = "CREATE TABLE dept (id INT PRIMARY KEY, name TEXT);
    INSERT INTO dept VALUES (1, 'it'), (2, 'hr'), (3, 'ops');
    CREATE TABLE emp (id INT PRIMARY KEY, dept_id INT);
    INSERT INTO emp VALUES (10, 1), (11, 2), (12, NULL), (2, 3);
    CREATE TABLE chain (id INT PRIMARY KEY, next INT, amount INT);
    INSERT INTO chain VALUES (1, 5, 100), (2, 4, 200), (3, 3, 300), (4, 2, 400), (5, 1, 500)";

/// Queries with a filter that belongs to the second of two columns of one name, and their rows.
const QUERIES: &[(&str, &str)] = &[
    (
        "SELECT d2.name, e.id, d.id FROM dept d2 JOIN (emp e LEFT JOIN dept d ON e.dept_id = d.id) \
         ON d2.id = d.id ORDER BY 2",
        "ops|2|3, it|10|1, hr|11|2",
    ),
    (
        "SELECT count(*), count(e.id) FROM dept d2 JOIN (emp e LEFT JOIN dept d ON e.dept_id = d.id) \
         ON d2.id = d.id",
        "3|3",
    ),
    (
        "SELECT d.id, e.id, d2.id FROM dept d JOIN (emp e FULL JOIN dept d2 ON e.dept_id = d2.id) \
         ON d.id = d2.id ORDER BY 1",
        "1|10|1, 2|11|2, 3|2|3",
    ),
    (
        "SELECT a.id, b.id, c.id FROM chain a JOIN chain b ON a.next = b.id JOIN chain c ON c.id = b.id \
         WHERE c.amount = 500",
        "1|5|5",
    ),
    (
        "SELECT a.id, b.id FROM chain a JOIN chain b ON a.next = b.id WHERE EXISTS \
         (SELECT 1 FROM chain c WHERE c.id = b.id AND c.amount = 500)",
        "1|5",
    ),
    (
        "SELECT b.id FROM chain a JOIN chain b ON a.next = b.id WHERE b.id IN \
         (SELECT id FROM chain WHERE amount < 250) ORDER BY 1",
        "1, 2",
    ),
    (
        "SELECT name FROM dept WHERE id IN (SELECT d.id FROM emp e LEFT JOIN dept d ON e.dept_id = d.id) \
         ORDER BY 1",
        "hr, it, ops",
    ),
    (
        "SELECT name FROM dept WHERE id NOT IN (SELECT d.id FROM emp e JOIN dept d ON e.dept_id = d.id \
         WHERE e.id > 2)",
        "ops",
    ),
    (
        "SELECT s.id, x.* FROM dept s JOIN (SELECT a.id, b.id AS bid, count(*) FROM emp a \
         LEFT JOIN dept b ON a.dept_id = b.id GROUP BY a.id, b.id) x ON s.id = x.bid ORDER BY 1",
        "1|10|1|1, 2|11|2|1, 3|2|3|1",
    ),
    (
        "SELECT s.id, x.* FROM dept s JOIN (SELECT DISTINCT a.id, b.id AS bid FROM emp a \
         LEFT JOIN dept b ON a.dept_id = b.id) x ON s.id = x.bid ORDER BY 1",
        "1|10|1, 2|11|2, 3|2|3",
    ),
    (
        "SELECT s.id, x.* FROM dept s JOIN (SELECT id, next FROM chain UNION ALL SELECT next, id FROM chain) x \
         ON s.id = x.id WHERE s.name = 'it'",
        "1|1|5, 1|1|5",
    ),
    (
        "SELECT a.amount, b.amount FROM chain a JOIN chain b ON a.id = b.next JOIN dept c ON b.id = c.id \
         ORDER BY b.amount LIMIT 1",
        "500|100",
    ),
    (
        "SELECT a.amount, b.amount FROM chain a JOIN chain b ON a.next = b.id ORDER BY b.amount DESC LIMIT 2",
        "100|500, 200|400",
    ),
    (
        "SELECT d.name, x.* FROM dept d JOIN (SELECT a.id, b.id AS bid FROM chain a JOIN chain b \
         ON a.next = b.id ORDER BY a.id LIMIT 3) x ON d.id = x.bid",
        "ops|3|3",
    ),
    (
        "SELECT d.name, x.* FROM dept d JOIN (SELECT a.id, b.id AS bid FROM chain a JOIN chain b \
         ON a.next = b.id ORDER BY b.id LIMIT 3) x ON d.id = x.id",
        "ops|3|3",
    ),
    (
        "SELECT s.id, x.tag FROM dept s JOIN (SELECT a.id, b.id, a.next || '!' AS tag FROM chain a \
         JOIN chain b ON a.next = b.id) x(one, two, tag) ON s.id = x.two AND s.name <> 'ops' ORDER BY 1",
        "1|1!, 2|2!",
    ),
    (
        "SELECT max(b.id), min(a.id) FROM chain a JOIN chain b ON a.next = b.id JOIN dept c ON c.id = b.id",
        "3|3",
    ),
];

async fn assert_answers(db: &Db, at: &str) {
    for (query, rows) in QUERIES {
        assert_eq!(db.rows(query).await.join(", "), *rows, "{at}: {query}");
    }
}

#[tokio::test]
async fn a_filter_reaches_the_column_it_was_made_for_among_those_of_one_name() {
    assert_answers(&Db::with(TABLES).await, "in memory").await;
}

#[tokio::test]
async fn a_filter_reaches_its_column_in_files_and_in_the_past() {
    let db = Db::tiny().await;
    db.run(TABLES).await;
    db.run("CALL flush()").await;
    assert_answers(&db, "in files").await;
    db.run("CREATE SNAPSHOT s; CALL compact()").await;
    assert_answers(&db, "compacted").await;
    db.run("DELETE FROM dept; UPDATE emp SET dept_id = 9; DELETE FROM chain WHERE id > 1").await;
    db.run("CALL flush(); CALL compact()").await;
    db.run("SET as_of = 'snapshot:s'").await;
    assert_answers(&db, "in the past").await;
}

#[tokio::test]
async fn a_filter_of_a_join_still_reaches_scans_below_columns_of_one_name() {
    let db = Db::with(TABLES).await;
    let plan = db.text(&format!("EXPLAIN ANALYZE {}", QUERIES[0].0)).await;
    let scans: Vec<&str> = plan.lines().filter(|line| line.contains("table=")).collect();
    let filtered = |table: &str| {
        let of_table = scans.iter().filter(|line| line.contains(&format!("table={table},")));
        of_table.filter(|line| line.contains("id@0 >=")).count()
    };
    assert_eq!(filtered("dept"), 1, "{plan}");
    assert!(!scans.iter().any(|line| line.contains("table=emp,") && line.contains("[ id@0")), "{plan}");
}

#[tokio::test]
async fn no_filter_passes_a_limit() {
    let db = Db::with(TABLES).await;
    // The five rows come in the order of the key, and the join keeps it: no sort is left to stop a filter.
    let limited = "SELECT d.id, x.* FROM (SELECT c.id, c.next FROM chain c JOIN dept e ON c.id >= e.id AND e.id = 1 \
                   ORDER BY c.id LIMIT 2) x JOIN dept d ON d.id = x.id ORDER BY 1";
    assert_eq!(db.rows(limited).await, ["1|1|5", "2|2|4"]);
    let grouped =
        "SELECT count(*) FROM (SELECT DISTINCT next FROM chain LIMIT 5) x JOIN dept d ON d.id = x.next";
    assert_eq!(db.one(grouped).await, "3");
}

#[tokio::test]
async fn not_in_of_a_constant_knows_about_nulls() {
    let setup = "CREATE TABLE o (id INT); CREATE TABLE n (x INT); CREATE TABLE none (x INT);
        INSERT INTO o VALUES (1), (2); INSERT INTO n VALUES (1), (NULL)";
    let db = Db::with(setup).await;
    for left in ["3", "1 + 2", "NULL", "3::bigint", "coalesce(3, id)", "(SELECT 9)", "5.5", "id * 0 + 3"] {
        for query in [
            format!("SELECT id FROM o WHERE {left} NOT IN (SELECT x FROM n)"),
            format!("SELECT id FROM o WHERE NOT ({left} IN (SELECT x FROM n)) AND id > 0"),
            format!(
                "SELECT count(*) FROM o GROUP BY id HAVING {} NOT IN (SELECT x FROM n)",
                left.replace("id", "max(id)")
            ),
        ] {
            assert_eq!(db.rows(&query).await, [""; 0], "{query}");
        }
        let all = format!("SELECT id FROM o WHERE {left} NOT IN (SELECT x FROM none) ORDER BY id");
        assert_eq!(db.rows(&all).await, ["1", "2"], "{all}");
        assert_eq!(db.tag(&format!("DELETE FROM o WHERE {left} NOT IN (SELECT x FROM n)")).await, "DELETE 0");
    }
    assert_eq!(db.rows("SELECT id FROM o WHERE 3 NOT IN (SELECT x FROM n WHERE x > 0)").await.len(), 2);
}

#[tokio::test]
async fn equality_beside_is_not_distinct_from_still_takes_null_for_unknown() {
    let setup = "CREATE TABLE a (id INT, f INT, d DOUBLE PRECISION, t TEXT);
        CREATE TABLE c (id INT, f INT, d DOUBLE PRECISION, t TEXT);
        INSERT INTO a VALUES (1, 1, 0, 'x'), (2, NULL, NULL, NULL), (NULL, 3, '-0', '');
        INSERT INTO c VALUES (1, 1, '-0', 'x'), (2, NULL, NULL, NULL), (NULL, 3, 0, '')";
    let db = Db::with(setup).await;
    for (query, rows) in [
        ("SELECT a.id FROM a JOIN c ON c.id IS NOT DISTINCT FROM a.id WHERE c.f = a.f ORDER BY 1", "1 ∅"),
        ("SELECT a.id FROM a JOIN c ON NOT (c.id IS DISTINCT FROM a.id) WHERE c.f = a.f ORDER BY 1", "1 ∅"),
        (
            "SELECT a.id FROM a LEFT JOIN c ON c.id IS NOT DISTINCT FROM a.id WHERE c.f = a.f ORDER BY 1",
            "1 ∅",
        ),
        ("SELECT a.id FROM a JOIN c ON c.t IS NOT DISTINCT FROM a.t WHERE c.f = a.f ORDER BY 1", "1 ∅"),
        ("SELECT a.id FROM a JOIN c ON c.d IS NOT DISTINCT FROM a.d WHERE c.f = a.f ORDER BY 1", "1 ∅"),
        ("SELECT a.id FROM a JOIN c ON c.id IS NOT DISTINCT FROM a.id ORDER BY 1", "1 2 ∅"),
        ("SELECT count(*) FROM a, c WHERE a.id IS DISTINCT FROM c.id", "6"),
        (
            "SELECT q.i FROM (SELECT a.id AS i, a.f, c.f AS g FROM a, c WHERE a.id IS NOT DISTINCT FROM c.id) q WHERE f = g ORDER BY 1",
            "1 ∅",
        ),
    ] {
        assert_eq!(db.rows(query).await.join(" "), rows, "{query}");
    }
}

#[tokio::test]
async fn doubles_are_joined_by_value_whichever_side_has_which_zero() {
    let setup = "CREATE TABLE p (id INT, d DOUBLE PRECISION, r REAL, k INT);
        CREATE TABLE m (id INT, d DOUBLE PRECISION, r REAL, k INT);
        INSERT INTO p VALUES (1, 0, 0, 1); INSERT INTO m VALUES (1, '-0', '-0', 1)";
    let db = Db::with(setup).await;
    for rest in ["", "INSERT INTO m VALUES (2, 0, 0, 2)"] {
        if !rest.is_empty() {
            db.run(rest).await;
        }
        for (query, answer) in [
            ("SELECT min(m.id) FROM p JOIN m ON p.d = m.d", "1"),
            ("SELECT min(m.id) FROM p LEFT JOIN m ON p.d = m.d", "1"),
            ("SELECT min(m.id) FROM p, m WHERE p.d = m.d", "1"),
            ("SELECT min(m.id) FROM p JOIN m ON p.d = m.r", "1"),
            ("SELECT min(m.id) FROM p JOIN m ON p.d = m.d AND p.k = m.k", "1"),
            ("SELECT count(*) FROM p WHERE EXISTS (SELECT 1 FROM m WHERE m.d = p.d AND m.id = 1)", "1"),
            ("SELECT count(*) FROM p WHERE NOT EXISTS (SELECT 1 FROM m WHERE m.d = p.d)", "0"),
            ("SELECT d IN (SELECT d FROM m WHERE id = 1) FROM p", "true"),
            ("SELECT count(*) FROM p WHERE (d, k) IN (SELECT d, k FROM m)", "1"),
            ("SELECT (SELECT min(id) FROM m WHERE m.d = p.d) FROM p", "1"),
            ("SELECT min(q.id) FROM p, LATERAL (SELECT m.id FROM m WHERE m.d = p.d) q", "1"),
        ] {
            assert_eq!(db.one(query).await, answer, "{query}");
        }
    }
}
