//! The anomalies of the literature, each tried by two or three sessions: snapshot isolation allows write skew
//! and no other. The names are those of Adya, "Weak Consistency", and Berenson et al., "A Critique of ANSI
//! SQL Isolation Levels".

use arrow::util::display::array_value_to_string;
use bygone_query::Session;

use crate::database::Db;

/// Runs lines `n: statement` or `n: statement => answer` in session n; the answer is the values of the rows'
/// last column, or an SQLSTATE.
async fn play(script: &str) {
    let db =
        Db::with("CREATE TABLE t (id INT PRIMARY KEY, v INT); INSERT INTO t VALUES (1, 10), (2, 20)").await;
    let sessions: Vec<Session> = (0..4).map(|_| db.sql.session()).collect();
    for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (number, rest) = line.split_once(": ").expect("a session");
        let (sql, expected) = rest.split_once(" => ").unwrap_or((rest, ""));
        let session = &sessions[number.parse::<usize>().expect("a number")];
        let answer = match session.query(sql).await {
            Ok(batches) => {
                let values = batches.iter().flat_map(|batch| {
                    let last = batch.columns().last().expect("there is a column");
                    (0..batch.num_rows()).map(|row| array_value_to_string(last, row).expect("it prints"))
                });
                values.collect::<Vec<_>>().join(" ")
            }
            Err(error) => error.sqlstate().to_owned(),
        };
        assert_eq!(answer, expected, "{line}");
    }
}

#[tokio::test]
async fn g0_dirty_writes_do_not_happen() {
    play(
        "1: BEGIN
         2: BEGIN
         1: UPDATE t SET v = 11 WHERE id = 1
         2: UPDATE t SET v = 12 WHERE id = 1
         1: UPDATE t SET v = 21 WHERE id = 2
         1: COMMIT
         2: UPDATE t SET v = 22 WHERE id = 2
         2: COMMIT => 40001
         3: SELECT v FROM t ORDER BY id => 11 21",
    )
    .await;
}

#[tokio::test]
async fn g1a_aborted_writes_are_never_read() {
    play(
        "1: BEGIN
         2: BEGIN
         1: UPDATE t SET v = 101 WHERE id = 1
         2: SELECT v FROM t ORDER BY id => 10 20
         1: ROLLBACK
         2: SELECT v FROM t ORDER BY id => 10 20
         2: COMMIT
         3: SELECT v FROM t ORDER BY id => 10 20",
    )
    .await;
}

#[tokio::test]
async fn g1b_intermediate_writes_are_never_read() {
    play(
        "1: BEGIN
         2: BEGIN
         1: UPDATE t SET v = 101 WHERE id = 1
         2: SELECT v FROM t ORDER BY id => 10 20
         1: UPDATE t SET v = 11 WHERE id = 1
         1: COMMIT
         2: SELECT v FROM t ORDER BY id => 10 20
         2: COMMIT
         2: SELECT v FROM t ORDER BY id => 11 20",
    )
    .await;
}

#[tokio::test]
async fn g1c_two_transactions_do_not_read_each_other() {
    play(
        "1: BEGIN
         2: BEGIN
         1: UPDATE t SET v = 11 WHERE id = 1
         2: UPDATE t SET v = 22 WHERE id = 2
         1: SELECT v FROM t WHERE id = 2 => 20
         2: SELECT v FROM t WHERE id = 1 => 10
         1: COMMIT
         2: COMMIT
         3: SELECT v FROM t ORDER BY id => 11 22",
    )
    .await;
}

#[tokio::test]
async fn observed_transactions_do_not_vanish() {
    play(
        "1: BEGIN
         2: BEGIN
         3: BEGIN
         1: UPDATE t SET v = 11 WHERE id = 1
         1: UPDATE t SET v = 19 WHERE id = 2
         2: UPDATE t SET v = 12 WHERE id = 1
         1: COMMIT
         3: SELECT v FROM t ORDER BY id => 10 20
         2: UPDATE t SET v = 18 WHERE id = 2
         2: COMMIT => 40001
         3: SELECT v FROM t ORDER BY id => 10 20
         3: COMMIT
         3: SELECT v FROM t ORDER BY id => 11 19",
    )
    .await;
}

#[tokio::test]
async fn pmp_phantoms_do_not_appear() {
    play(
        "1: BEGIN
         2: BEGIN
         1: SELECT id FROM t WHERE v = 30
         2: INSERT INTO t VALUES (3, 30)
         2: COMMIT
         1: SELECT id FROM t WHERE v % 3 = 0
         1: COMMIT
         1: SELECT id FROM t WHERE v % 3 = 0 => 3",
    )
    .await;
}

#[tokio::test]
async fn pmp_a_write_chosen_by_a_predicate_conflicts_with_what_moved_into_it() {
    play(
        "1: BEGIN
         2: BEGIN
         1: UPDATE t SET v = v + 10
         2: DELETE FROM t WHERE v = 20
         1: COMMIT
         2: COMMIT => 40001
         3: SELECT v FROM t ORDER BY id => 20 30",
    )
    .await;
}

#[tokio::test]
async fn p4_updates_are_not_lost() {
    play(
        "1: BEGIN
         2: BEGIN
         1: SELECT v FROM t WHERE id = 1 => 10
         2: SELECT v FROM t WHERE id = 1 => 10
         1: UPDATE t SET v = v + 1 WHERE id = 1
         2: UPDATE t SET v = v + 1 WHERE id = 1
         1: COMMIT
         2: COMMIT => 40001
         3: SELECT v FROM t WHERE id = 1 => 11",
    )
    .await;
}

#[tokio::test]
async fn g_single_reads_do_not_skew() {
    play(
        "1: BEGIN
         2: BEGIN
         1: SELECT v FROM t WHERE id = 1 => 10
         2: SELECT v FROM t ORDER BY id => 10 20
         2: UPDATE t SET v = 12 WHERE id = 1
         2: UPDATE t SET v = 18 WHERE id = 2
         2: COMMIT
         1: SELECT v FROM t WHERE id = 2 => 20
         1: DELETE FROM t WHERE v = 20
         1: COMMIT => 40001
         3: SELECT v FROM t ORDER BY id => 12 18",
    )
    .await;
}

#[tokio::test]
async fn two_inserts_of_one_key_do_not_both_commit() {
    play(
        "1: BEGIN
         2: BEGIN
         1: INSERT INTO t VALUES (3, 1)
         2: INSERT INTO t VALUES (3, 2)
         1: COMMIT
         2: COMMIT => 40001
         3: SELECT v FROM t WHERE id = 3 => 1",
    )
    .await;
}

/// Write skew, which snapshot isolation allows: each of two transactions reads what the other writes.
#[tokio::test]
async fn g2_write_skew_is_possible() {
    play(
        "1: BEGIN
         2: BEGIN
         1: SELECT v FROM t ORDER BY id => 10 20
         2: SELECT v FROM t ORDER BY id => 10 20
         1: UPDATE t SET v = 11 WHERE id = 1
         2: UPDATE t SET v = 21 WHERE id = 2
         1: COMMIT
         2: COMMIT
         3: SELECT v FROM t ORDER BY id => 11 21",
    )
    .await;
}
