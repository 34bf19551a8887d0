//! Changes that do not fit into memory: the same statements on a database that writes a handful of rows into
//! files and on one that holds all of them in memory must answer the same.

use std::collections::BTreeMap;

use bygone_engine::testing::SeededRandom;
use bygone_query::Session;
use futures::TryStreamExt;

use crate::database::{Db, SECOND, lines};

/// Two databases with two sessions each, which see the same statements.
struct Twins {
    spilling: (Db, Vec<Session>),
    roomy: (Db, Vec<Session>),
}

impl Twins {
    async fn new() -> Self {
        let sessions = |db: &Db| (0..2).map(|_| db.sql.session()).collect::<Vec<_>>();
        let (spilling, roomy) = (Db::spilling().await, Db::tiny().await);
        let (few, many) = (sessions(&spilling), sessions(&roomy));
        let twins = Self { spilling: (spilling, few), roomy: (roomy, many) };
        for sql in [
            "CREATE TABLE t (id INT PRIMARY KEY, v INT, s TEXT)",
            "CREATE TABLE u (v INT, s TEXT)",
            "INSERT INTO t SELECT value, value, 'first' FROM generate_series(1, 60) AS s(value)",
        ] {
            twins.run(0, sql).await;
        }
        twins
    }

    /// Runs a statement in session n of both; returns what both answered.
    async fn run(&self, n: usize, sql: &str) -> String {
        let spilling = answer(&self.spilling.0, &self.spilling.1[n], sql).await;
        let roomy = answer(&self.roomy.0, &self.roomy.1[n], sql).await;
        assert_eq!(spilling, roomy, "session {n}: {sql}");
        roomy
    }

    /// As lines `n: statement` or `n: statement => answer`.
    async fn play(&self, script: &str) {
        for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let (number, rest) = line.split_once(": ").expect("a session");
            let (sql, expected) =
                rest.split_once(" => ").map_or((rest, None), |(sql, answer)| (sql, Some(answer)));
            let found = self.run(number.parse().expect("a number"), sql).await;
            if let Some(expected) = expected {
                assert_eq!(found, expected, "{line}");
            }
        }
    }
}

/// The rows, or else the tag; the code of an error.
async fn answer(db: &Db, session: &Session, sql: &str) -> String {
    db.clock.advance(SECOND);
    let outcome = match session.execute(sql).await {
        Ok(outcome) => outcome,
        Err(error) => return error.sqlstate().to_owned(),
    };
    match outcome.rows {
        None => outcome.tag,
        Some(rows) => match rows.try_collect::<Vec<_>>().await {
            Ok(batches) => lines(&batches).join(" "),
            Err(error) => error.sqlstate().to_owned(),
        },
    }
}

/// A statement that a session may run at any time.
fn statement(random: &mut SeededRandom) -> String {
    let (a, b) = (random.below(90), 1 + random.below(40));
    let modulus = 2 + random.below(4);
    let table = if random.one_in(12) { "x" } else { "t" };
    // Seldom there already.
    let from = 200 + 50 * random.below(400);
    match random.below(28) {
        0 | 1 => format!("SAVEPOINT s{}", a % 2),
        2 | 3 => format!("ROLLBACK TO SAVEPOINT s{}", a % 2),
        4 => format!("RELEASE SAVEPOINT s{}", a % 2),
        5 | 6 => {
            format!(
                "INSERT INTO {table} SELECT value, value % 7, 'many' FROM generate_series({from}, {}) AS s(value)",
                from + b
            )
        }
        7 => format!(
            "INSERT INTO {table} SELECT g.value, 0, 'absent' FROM generate_series({a}, {}) AS g(value) \
             WHERE g.value NOT IN (SELECT id FROM {table})",
            a + b
        ),
        8 | 9 => format!("INSERT INTO {table} VALUES ({}, 1, 'one')", from + 49),
        10 => format!("INSERT INTO u SELECT v, s FROM {table} WHERE id % {modulus} = 0"),
        11..=13 => format!("UPDATE {table} SET v = v + 1, s = s || '.' WHERE id % {modulus} <> 0"),
        14 => format!("UPDATE {table} SET v = (SELECT count(*) FROM u) WHERE id > {a}"),
        15 => format!("UPDATE {table} SET id = id + 1"),
        16 => format!("UPDATE {table} SET id = id + {b} WHERE id BETWEEN {a} AND {}", a + b),
        17..=19 => format!("UPDATE {table} SET v = -v WHERE id = {a}"),
        20 => format!("DELETE FROM {table} WHERE id % {modulus} = 1"),
        21 => format!("DELETE FROM {table} WHERE id = {a}"),
        22 => "DELETE FROM u WHERE v % 2 = 0".into(),
        23 => format!(
            "CREATE TABLE IF NOT EXISTS x (PRIMARY KEY (id)) AS SELECT id, v, s FROM t WHERE id > {a}"
        ),
        24 => "CREATE TABLE IF NOT EXISTS x (id INT PRIMARY KEY, v INT, s TEXT)".into(),
        25 => "DROP TABLE IF EXISTS x".into(),
        26 => format!("UPDATE u SET s = 'changed' WHERE v < {a}"),
        _ => format!("INSERT INTO t SELECT id + {from}, v, s FROM t WHERE id < 100"),
    }
}

/// Queries that are run after every statement.
const LOOKS: [&str; 7] = [
    "SELECT count(*), sum(id), sum(v), min(id), max(id), count(s) FROM t",
    "SELECT id, v FROM t ORDER BY id DESC LIMIT 7",
    "SELECT id, s FROM t WHERE id BETWEEN 20 AND 30 ORDER BY id",
    "SELECT v, s FROM t WHERE id = 42",
    "SELECT count(*), sum(v), min(s), max(s) FROM u",
    "SELECT t.v, count(*) FROM t JOIN u ON t.v = u.v GROUP BY t.v ORDER BY t.v LIMIT 5",
    "SELECT id FROM t WHERE v = 3 ORDER BY id",
];

/// Returns how many statements answered what, by its first word.
async fn play_at_random(seed: u64, statements: usize) -> BTreeMap<String, usize> {
    let mut answers = BTreeMap::new();
    let twins = Twins::new().await;
    let mut random = SeededRandom::new(seed);
    let mut failed = [false; 2];
    for number in 0..statements {
        let session = random.below(2) as usize;
        let sql = match (twins.roomy.1[session].in_transaction(), failed[session]) {
            (true, true) => "ROLLBACK TO SAVEPOINT s0".into(),
            (true, false) if random.one_in(8) => "COMMIT".into(),
            (false, _) if random.one_in(2) => "BEGIN".into(),
            _ => statement(&mut random),
        };
        let answer = twins.run(session, &sql).await;
        failed[session] = answer.starts_with(|first: char| first.is_ascii_digit());
        if failed[session] && sql.starts_with("ROLLBACK TO") {
            twins.run(session, "ROLLBACK").await;
            failed[session] = false;
        }
        *answers.entry(answer.split(' ').next().unwrap_or_default().to_owned()).or_default() += 1;
        twins.run(session, LOOKS[number % LOOKS.len()]).await;
        if random.one_in(9) {
            for db in [&twins.spilling.0, &twins.roomy.0] {
                db.engine.compact().await.expect("compacts");
                db.engine.collect().await.expect("collects");
            }
        }
    }
    for session in 0..2 {
        twins.run(session, "COMMIT").await;
    }
    for look in LOOKS {
        twins.run(0, look).await;
    }
    twins.spilling.0.engine.compact().await.expect("compacts");
    for look in LOOKS {
        twins.run(1, look).await;
    }
    assert_eq!(twins.roomy.0.engine.stats().ingests, 0, "all of it fits into memory");
    answers.insert("files".into(), twins.spilling.0.engine.stats().ingests as usize);
    answers
}

#[tokio::test]
async fn random_statements_answer_the_same_whether_rows_go_to_files_or_not() {
    let cases = std::env::var("BYGONE_SPILL_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(12);
    let mut answers = BTreeMap::<String, usize>::new();
    for seed in 0..cases {
        for (answer, count) in play_at_random(seed, 80).await {
            *answers.entry(answer).or_default() += count;
        }
    }
    for (answer, least) in [("files", 20), ("COMMIT", 12), ("40001", 3), ("23505", 1), ("UPDATE", 40)] {
        let found = answers.get(answer).copied().unwrap_or_default() as u64;
        assert!(found >= least * cases / 4, "{answer}: {answers:?}");
    }
}

/// Sessions 0 and 1; a statement of more than five rows goes to files.
async fn play(script: &str) {
    Twins::new().await.play(script).await;
}

#[tokio::test]
async fn a_spilled_change_conflicts_with_a_commit_into_one_of_its_rows_and_with_no_other() {
    play(
        "0: BEGIN
         0: UPDATE t SET v = v + 100 WHERE id <= 40 => UPDATE 40
         1: UPDATE t SET v = 0 WHERE id = 50 => UPDATE 1
         1: INSERT INTO t VALUES (61, 0, 'new') => INSERT 0 1
         0: COMMIT => COMMIT
         1: SELECT sum(v), count(*) FROM t => 5780|61

         0: BEGIN
         0: UPDATE t SET v = v + 100 WHERE id <= 40 => UPDATE 40
         1: UPDATE t SET v = 0 WHERE id = 40 => UPDATE 1
         0: COMMIT => 40001
         1: SELECT sum(v), count(*) FROM t => 5640|61

         0: BEGIN
         0: DELETE FROM t WHERE id <= 40 => DELETE 40
         1: DELETE FROM t WHERE id = 1 => DELETE 1
         0: COMMIT => 40001

         0: BEGIN
         0: INSERT INTO t SELECT value, 0, 'a' FROM generate_series(100, 120) AS s(value) => INSERT 0 21
         1: INSERT INTO t VALUES (110, 1, 'b') => INSERT 0 1
         0: COMMIT => 40001
         1: SELECT v FROM t WHERE id >= 100 => 1",
    )
    .await;
}

#[tokio::test]
async fn a_commit_into_rows_of_a_spilled_change_conflicts_afterwards() {
    play(
        "1: BEGIN
         1: UPDATE t SET v = 0 WHERE id = 40 => UPDATE 1
         0: UPDATE t SET v = v + 100 WHERE id <= 40 => UPDATE 40
         1: COMMIT => 40001

         1: BEGIN
         1: UPDATE t SET v = 0 WHERE id = 50 => UPDATE 1
         0: UPDATE t SET v = v + 100 WHERE id <= 40 => UPDATE 40
         1: COMMIT => COMMIT

         1: BEGIN
         1: UPDATE t SET v = 1 WHERE id > 20 => UPDATE 40
         0: UPDATE t SET v = v + 100 WHERE id <= 20 => UPDATE 20
         0: DELETE FROM t WHERE id = 60 => DELETE 1
         1: COMMIT => 40001",
    )
    .await;
}

#[tokio::test]
async fn nobody_sees_a_spilled_change_before_its_commit_and_all_of_it_afterwards() {
    play(
        "0: BEGIN
         0: UPDATE t SET v = 0 => UPDATE 60
         0: INSERT INTO u SELECT v, s FROM t => INSERT 0 60
         0: UPDATE u SET v = 5 => UPDATE 60
         0: SELECT sum(v) FROM t => 0
         0: SELECT sum(v) FROM u => 300
         0: SELECT v FROM t WHERE id = 7 => 0
         1: SELECT sum(v) FROM t => 1830
         1: SELECT count(*) FROM u => 0
         1: SELECT v FROM t WHERE id = 7 => 7
         1: BEGIN
         1: SELECT count(*) FROM u => 0
         0: COMMIT => COMMIT
         1: SELECT sum(v) FROM t => 1830
         1: SELECT count(*) FROM u => 0
         1: COMMIT
         1: SELECT sum(v) FROM t => 0
         1: SELECT sum(v) FROM u => 300",
    )
    .await;
}

#[tokio::test]
async fn savepoints_hold_among_spilled_changes() {
    play(
        "0: BEGIN
         0: UPDATE t SET v = v + 1 WHERE id = 1
         0: SAVEPOINT a
         0: UPDATE t SET v = v + 10 WHERE id <= 3
         0: SAVEPOINT b
         0: UPDATE t SET v = v + 100 => UPDATE 60
         0: UPDATE t SET v = v + 1000 WHERE id = 2
         0: SAVEPOINT c
         0: DELETE FROM t WHERE id > 2 => DELETE 58
         0: SELECT id, v FROM t ORDER BY id => 1|112 2|1112
         0: ROLLBACK TO SAVEPOINT c
         0: SELECT sum(v), count(*) FROM t => 8861|60
         0: ROLLBACK TO SAVEPOINT b
         0: SELECT id, v FROM t ORDER BY id LIMIT 4 => 1|12 2|12 3|13 4|4
         0: INSERT INTO t SELECT value, 0, 'x' FROM generate_series(100, 150) AS s(value) => INSERT 0 51
         0: ROLLBACK TO SAVEPOINT c => 3B001
         0: ROLLBACK TO SAVEPOINT a
         0: SELECT sum(v), count(*) FROM t => 1831|60
         0: UPDATE t SET v = v + 1 => UPDATE 60
         0: RELEASE SAVEPOINT a
         0: COMMIT => COMMIT
         1: SELECT sum(v), count(*), max(v) FROM t => 1891|60|61",
    )
    .await;
}

#[tokio::test]
async fn a_failed_or_rolled_back_spilled_change_leaves_nothing() {
    play(
        "0: UPDATE t SET v = 1 / (60 - id) => 22012
         0: INSERT INTO t SELECT value, 1, 'x' FROM generate_series(50, 200) AS s(value) => 23505
         0: INSERT INTO t SELECT value % 90 + 100, 1, 'x' FROM generate_series(1, 100) AS s(value) => 23505
         0: UPDATE t SET id = id + 1 WHERE id < 60 => 23505
         0: UPDATE t SET id = id % 30 => 23505
         0: BEGIN
         0: UPDATE t SET v = 0
         0: INSERT INTO t SELECT value, 1, 'x' FROM generate_series(50, 200) AS s(value) => 23505
         0: COMMIT => ROLLBACK
         0: BEGIN
         0: UPDATE t SET v = 0
         0: DELETE FROM t WHERE id < 30
         0: ROLLBACK => ROLLBACK
         1: SELECT sum(v), count(*), min(id), max(id) FROM t => 1830|60|1|60",
    )
    .await;
}

#[tokio::test]
async fn keys_move_through_files_as_through_memory() {
    play(
        "0: UPDATE t SET id = id + 1 => UPDATE 60
         0: SELECT min(id), max(id), count(*), sum(v) FROM t => 2|61|60|1830
         0: UPDATE t SET id = 100 - id => UPDATE 60
         0: SELECT min(id), max(id), count(*), sum(v) FROM t => 39|98|60|1830
         0: BEGIN
         0: INSERT INTO t VALUES (1, 0, 'new')
         0: UPDATE t SET id = id - 1
         0: SELECT min(id), max(id), count(*), sum(v) FROM t => 0|97|61|1830
         0: UPDATE t SET id = id + 10 WHERE id > 50
         0: SELECT count(*) FROM t WHERE id BETWEEN 51 AND 60 => 0
         0: INSERT INTO t VALUES (55, 0, 'again') => INSERT 0 1
         0: COMMIT => COMMIT
         1: SELECT min(id), max(id), count(*), sum(v) FROM t => 0|107|62|1830",
    )
    .await;
}

#[tokio::test]
async fn a_table_of_a_transaction_is_filled_changed_and_dropped_through_files() {
    play(
        "0: BEGIN
         0: CREATE TABLE x (id INT PRIMARY KEY, v INT)
         0: INSERT INTO x SELECT value, value FROM generate_series(1, 50) AS s(value) => INSERT 0 50
         0: UPDATE x SET v = v * 2 => UPDATE 50
         0: INSERT INTO x SELECT value, value FROM generate_series(40, 60) AS s(value) => 23505
         0: ROLLBACK
         0: BEGIN
         0: CREATE TABLE x (id INT PRIMARY KEY, v INT)
         0: INSERT INTO x SELECT value, value FROM generate_series(1, 50) AS s(value) => INSERT 0 50
         0: DROP TABLE x
         0: CREATE TABLE x AS SELECT id, v + 1 AS v FROM t => SELECT 60
         0: SELECT count(*), sum(v) FROM x => 60|1890
         1: SELECT count(*) FROM x => 42P01
         0: COMMIT => COMMIT
         1: SELECT count(*), sum(v) FROM x => 60|1890",
    )
    .await;
}

#[tokio::test]
async fn the_past_and_open_readers_do_not_see_a_spilled_change() {
    let db = Db::spilling().await;
    db.run("CREATE TABLE t (id INT PRIMARY KEY, v INT); INSERT INTO t SELECT value, 1 FROM generate_series(1, 3000) AS s(value)")
        .await;
    db.run("CREATE SNAPSHOT before").await;
    db.run("BEGIN; UPDATE t SET v = 2").await;
    let open = db.run("SELECT v FROM t").await.rows.expect("it has rows");
    db.run("UPDATE t SET v = 3; DELETE FROM t WHERE id > 2000").await;
    assert_eq!(db.one("SELECT sum(v), count(*) FROM t AS OF SNAPSHOT before").await, "3000|3000");
    assert_eq!(db.one("SELECT sum(v), count(*) FROM t").await, "6000|2000");
    // A query that began before the later changes goes on with what it saw.
    let seen = lines(&open.try_collect::<Vec<_>>().await.expect("reads"));
    assert_eq!((seen.len(), seen.iter().all(|v| v == "2")), (3000, true));
    db.run("COMMIT").await;
    assert_eq!(db.one("SELECT sum(v), count(*) FROM t AS OF SNAPSHOT before").await, "3000|3000");
    assert_eq!(db.one("SELECT sum(v), count(*) FROM t").await, "6000|2000");
}

#[tokio::test]
async fn many_small_statements_of_a_transaction_go_to_files_as_well() {
    let db = Db::spilling().await;
    db.run("CREATE TABLE t (id INT PRIMARY KEY, v INT); BEGIN").await;
    for id in 0..300 {
        db.run(&format!("INSERT INTO t VALUES ({id}, 0)")).await;
        if id % 3 == 0 {
            db.run(&format!("SAVEPOINT a; UPDATE t SET v = v + 1 WHERE id = {id}; RELEASE SAVEPOINT a"))
                .await;
        }
    }
    assert_eq!(db.one("SELECT count(*), sum(v) FROM t").await, "300|100");
    let files = |db: &Db| db.engine.stats().ingests;
    assert_eq!(files(&db), 0);
    db.run("COMMIT").await;
    assert_eq!(files(&db), 1, "one commit");
    assert_eq!(db.one("SELECT count(*), sum(v) FROM t").await, "300|100");
    // A transaction that was rolled back leaves files that are collected.
    db.run("BEGIN; UPDATE t SET v = 9; ROLLBACK").await;
    db.engine.compact().await.expect("compacts");
    db.engine.collect().await.expect("collects");
    assert_eq!(db.engine.collect().await.expect("collects").objects, 0);
    assert_eq!(db.one("SELECT count(*), sum(v) FROM t").await, "300|100");
}
