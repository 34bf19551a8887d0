//! Statements that are cut off, or with words taken out or put in: they fail in SQL's words, or are answered.

use futures::TryStreamExt;

use crate::database::Db;

const STATEMENTS: &[&str] = &[
    "SELECT a, sum(b) OVER (PARTITION BY c ORDER BY a ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM t WHERE a > 1",
    "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 3) SELECT n FROM r ORDER BY n LIMIT 2",
    "SELECT a FROM t WHERE b IN (SELECT b FROM u WHERE u.a = t.a) AND EXISTS (SELECT 1 FROM u WHERE u.b = t.b)",
    "SELECT t.a, u.b FROM t LEFT JOIN u USING (a) GROUP BY t.a, u.b HAVING count(*) > 0 ORDER BY 1, 2",
    "SELECT CASE WHEN a = 1 THEN 'x' ELSE c END, coalesce(b, 0), a::text || 'y' FROM t UNION SELECT 'a', 1, 'b'",
    "SELECT a FROM t AS OF TIMESTAMP '2023-11-14 22:14:00' WHERE c LIKE 'x%' ESCAPE '!' FETCH FIRST 3 ROWS ONLY",
    "INSERT INTO t (a, b, c) VALUES (1, 2, 'x'), (3, 4, NULL)",
    "UPDATE t SET b = b + 1, c = DEFAULT WHERE a BETWEEN 1 AND 2",
    "DELETE FROM t WHERE (a, b) IN ((1, 2), (3, 4))",
    "CREATE TABLE n (a INT PRIMARY KEY, b DECIMAL(10, 2) DEFAULT 1.5 NOT NULL)",
    "SELECT date_trunc('day', TIMESTAMP '2024-01-01 10:00') + INTERVAL '1 day 2 hours', extract(year FROM now())",
    "PREPARE p (INT) AS SELECT a FROM t WHERE a = $1",
    "EXPLAIN SELECT count(DISTINCT a) FILTER (WHERE b > 1) FROM t GROUP BY ROLLUP (a, b)",
    "SELECT (ARRAY[1, 2])[1], unnest(ARRAY[1, 2]), nth_value(a, 2) OVER w FROM t WINDOW w AS (ORDER BY a)",
];

/// Texts that are put in the place of a word.
const WORDS: &[&str] =
    &["(", ")", ",", "NULL", "'", "SELECT", "1", "a.b", "NOT", "*", "sum(1) OVER ()", "\"", "$1", "-"];

fn mutants(statement: &str) -> Vec<String> {
    let words: Vec<&str> = statement.split(' ').collect();
    let mut mutants = Vec::new();
    for index in 0..words.len() {
        mutants.push(words[..index].join(" "));
        let mut changed = words.clone();
        match (index + statement.len()) % 4 {
            0 => {
                changed.remove(index);
            }
            1 => changed[index] = WORDS[(index * 5 + statement.len()) % WORDS.len()],
            2 => changed.insert(index, words[index]),
            _ => changed.swap(index, (index + 3) % words.len()),
        }
        mutants.push(changed.join(" "));
        if let Some(word) = changed.get_mut(index / 2) {
            *word = WORDS[index % WORDS.len()];
        }
        mutants.push(changed.join(" "));
    }
    let characters = (0..statement.len()).step_by(11).filter(|at| statement.is_char_boundary(*at));
    mutants.extend(characters.map(|at| statement[..at].to_owned()));
    mutants
}

#[tokio::test]
async fn a_broken_statement_is_never_an_internal_error() {
    let db = Db::with(
        "CREATE TABLE t (a INT, b INT, c TEXT); INSERT INTO t VALUES (1, 2, 'x'), (3, 4, 'y');
         CREATE TABLE u (a INT, b INT); INSERT INTO u VALUES (1, 2)",
    )
    .await;
    let mut wrong = Vec::new();
    for mutant in STATEMENTS.iter().flat_map(|statement| mutants(statement)) {
        let error = match db.session.execute(&mutant).await {
            Err(error) => Some(error),
            Ok(outcome) => match outcome.rows {
                Some(rows) => rows.try_collect::<Vec<_>>().await.err(),
                None => None,
            },
        };
        if let Some(error) = error.filter(|error| error.sqlstate() == "XX000") {
            wrong.push(format!("{mutant}: {error}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
