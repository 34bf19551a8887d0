//! Planning times of statements, by the number of what they repeat: each construct once, twice and four times
//! as long. Planning is linear where the time of a row is about twice that of the row above it.

use std::time::Instant;

use bygone::{Database, Session};

use crate::{
    Plan, Report,
    report::{Samples, Target},
};

/// Names of the workloads, in the order in which they run.
pub const WORKLOADS: [&str; 1] = ["planning"];
/// Terms of the longest statements.
const TERMS: usize = 1_000;
/// Tables of the widest joins, which may be a hundred.
const TABLES: usize = 80;
/// Plans of 1,000 terms are made in at most so many milliseconds.
const MILLIS_MAX: f64 = 500.0;

/// Runs the workloads with these names.
pub async fn run(plan: &Plan, names: &[String]) {
    if !names.is_empty() && !names.iter().any(|name| WORKLOADS.contains(&name.as_str())) {
        return;
    }
    let report = Report::start("Planning, statements that repeat one thing");
    let database = Database::open(":memory:").await.expect("it opens");
    let session = database.session();
    let table = "CREATE TABLE t (id INT PRIMARY KEY, v INT, w TEXT, d DOUBLE PRECISION)";
    session.execute(table).await.expect("the table is made");
    for (what, statement) in constructs() {
        let longest = if what.contains("join") { TABLES } else { TERMS };
        for count in [longest / 4, longest / 2, longest] {
            let target = if count == longest { Target::AtMost(MILLIS_MAX) } else { Target::None };
            let millis = planned(plan, &session, &statement(count)).await;
            report.row(&format!("{count} {what}"), &millis, "ms", target);
        }
    }
    drop(session);
    database.close().await.expect("it closes");
}

async fn planned(plan: &Plan, session: &Session, statement: &str) -> Samples {
    let mut millis = Samples::default();
    for _ in 0..plan.runs {
        let start = Instant::now();
        let explained = session.query(&format!("EXPLAIN {statement}")).await;
        explained.unwrap_or_else(|error| panic!("{statement}: {error}"));
        millis.push(start.elapsed().as_secs_f64() * 1e3);
    }
    millis
}

type Construct = (&'static str, Box<dyn Fn(usize) -> String + Send>);

/// A statement that repeats `term`, with `between` them, in the place of `…` in `frame`.
fn repeat(
    what: &'static str,
    frame: &'static str,
    between: &'static str,
    term: impl Fn(usize) -> String + Send + 'static,
) -> Construct {
    let statement = move |count| {
        let terms: Vec<String> = (0..count).map(&term).collect();
        frame.replace('…', &terms.join(between))
    };
    (what, Box::new(statement))
}

fn constructs() -> Vec<Construct> {
    let counted = "SELECT count(*) FROM t WHERE …";
    vec![
        repeat("ORs of constants", counted, " OR ", |i| format!("{} = 0", i + 1)),
        repeat("ORs of a column", counted, " OR ", |i| format!("v = {i}")),
        repeat("ORs of two columns", counted, " OR ", |i| format!("(v = {i} AND w = 'x{i}')")),
        repeat("ORs of sums", counted, " OR ", |i| format!("v + d > {i}")),
        repeat("ANDs", counted, " AND ", |i| format!("v + d <> {i}")),
        repeat("ANDs of ORs", counted, " AND ", |i| format!("(v = {i} OR w = 'x{i}')")),
        repeat("values of IN", "SELECT count(*) FROM t WHERE v IN (…)", ", ", |i| i.to_string()),
        repeat("terms of IN", "SELECT count(*) FROM t WHERE v IN (…)", ", ", |i| format!("id + {i}")),
        repeat("sums of constants", "SELECT …", " + ", |_| "1".to_owned()),
        repeat("sums of columns", "SELECT … FROM t", " + ", |_| "v".to_owned()),
        repeat("differences of doubles", "SELECT … FROM t", " - ", |_| "d".to_owned()),
        repeat("products of constants", "SELECT …", " * ", |_| "1".to_owned()),
        repeat("quotients", "SELECT … FROM t", " / ", |_| "d".to_owned()),
        repeat("texts together", "SELECT … FROM t", " || ", |_| "w".to_owned()),
        repeat("intervals added", "SELECT now() + …", " + ", |_| "INTERVAL '1 day'".to_owned()),
        repeat("branches of CASE", "SELECT CASE … END FROM t", " ", |i| format!("WHEN v = {i} THEN {i}")),
        repeat("FILTER columns", "SELECT … FROM t", ", ", |i| format!("count(*) FILTER (WHERE v = {i})")),
        repeat("sums of a group", "SELECT … FROM t", ", ", |i| format!("sum(v + {i})")),
        repeat("columns", "SELECT … FROM t", ", ", |i| format!("v + {i}")),
        repeat("columns to sort by", "SELECT v FROM t ORDER BY …", ", ", |i| format!("v + {i}")),
        repeat("arguments", "SELECT coalesce(…) FROM t", ", ", |i| format!("v + {i}")),
        repeat("windows of one order", "SELECT … FROM t", ", ", |i| {
            format!("sum(v + {i}) OVER (ORDER BY v)")
        }),
        repeat("branches of UNION ALL", "…", " UNION ALL ", |i| format!("SELECT v FROM t WHERE v = {i}")),
        repeat("branches of UNION", "…", " UNION ", |i| format!("SELECT {i} AS a")),
        repeat("branches of EXCEPT", "…", " EXCEPT ", |i| format!("SELECT {i} AS a")),
        repeat("rows of VALUES", "SELECT count(*) FROM (VALUES …) AS x (a, b)", ", ", |i| {
            format!("({i} + 1, 'a')")
        }),
        repeat("WITH queries", "WITH … SELECT 1", ", ", |i| {
            format!("c{i} AS (SELECT v + {i} AS v FROM t)")
        }),
        repeat("inner joins", "SELECT count(*) FROM t …", " ", |i| {
            format!("JOIN t AS t{i} ON t{i}.id = t.v")
        }),
        repeat("left joins", "SELECT count(*) FROM t …", " ", |i| {
            format!("LEFT JOIN t AS t{i} ON t{i}.id = t.v")
        }),
        repeat("joins by subqueries", "SELECT … FROM t AS a", ", ", |i| {
            format!("(SELECT max(v) FROM t AS b WHERE b.id = a.id AND v <> {i})")
        }),
    ]
}
