//! Cost of a difference and of a restore: of many rounds of changes to orders, and of few and more changes to
//! a large keyspace.

use std::time::Instant;

use bygone::{Database, Session};
use bygone_engine::{KeyRange, Timestamp};

use crate::{
    Bygone, Data, Plan, Report,
    orders::{COLUMNS, ROWS},
    report::{Samples, Target},
    targets::restore_to,
};

/// Names of the workloads, in the order in which they run.
pub const WORKLOADS: [&str; 2] = ["diff-orders", "diff-large"];
/// Rounds of changes.
const ROUNDS: usize = 10;

/// Runs the workloads with these names.
pub async fn run(plan: &Plan, names: &[String]) {
    let wanted = |name: &str| names.is_empty() || names.iter().any(|n| n == name);
    if !WORKLOADS.into_iter().any(wanted) {
        return;
    }
    let report = Report::start("Bygone, differences");
    if wanted("diff-orders") {
        orders(plan, &report).await;
    }
    if wanted("diff-large") {
        large(plan, &report).await;
    }
}

struct Orders {
    database: Database,
    session: Session,
}

impl Orders {
    async fn run(&self, sql: &str) -> usize {
        let outcome = self.session.execute(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
        outcome.affected.unwrap_or(0) as usize
    }

    async fn read(&self, sql: &str) -> usize {
        let batches = self.session.query(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
        batches.iter().map(|batch| batch.num_rows()).sum()
    }

    async fn load(&self, first: usize, last: usize) {
        let rows = ROWS.replace("(1, {rows})", &format!("({first}, {last})"));
        assert_eq!(self.run(&format!("INSERT INTO orders {rows}")).await, last + 1 - first);
    }

    /// Changes 1 % of the rows: eight in ten are updates, spread evenly, one a delete, one an insert behind
    /// the last.
    async fn change(&self, rows: usize, round: usize) {
        let picked = |share: usize| format!("(id * 7919 + {}) % 1000 < {share}", 101 * round);
        let update =
            format!("UPDATE orders SET amount = amount + 1, status = 'round{round}' WHERE {}", picked(8));
        self.run(&update).await;
        let delete = format!("DELETE FROM orders WHERE (id * 7907 + {}) % 1000 < 1", 103 * round);
        self.run(&delete).await;
        let new = rows / 1_000;
        self.load(rows + round * new + 1, rows + (round + 1) * new).await;
    }

    async fn times(&self, plan: &Plan, sql: &str, rows: usize) -> Samples {
        let mut times = Samples::default();
        for run in 0..=plan.runs {
            let start = Instant::now();
            let found = self.read(sql).await;
            assert!(rows == 0 || found > rows, "{found} rows of {sql}");
            if run > 0 {
                times.push(start.elapsed().as_secs_f64() * 1e3);
            }
        }
        times
    }

    /// Milliseconds of the difference of the keyspace itself, keys and values as bytes.
    async fn engine_times(&self, plan: &Plan) -> Samples {
        let store = self.database.store();
        let snapshot = self.database.snapshots().get("round0").await.expect("it was created");
        let stats = self.database.stats().keyspaces;
        let table = stats.iter().max_by_key(|stats| stats.versions).expect("there is a table").keyspace;
        let mut times = Samples::default();
        for run in 0..=plan.runs {
            let start = Instant::now();
            let now = store.engine().last_timestamp();
            let found =
                bygone_snapshots::diff_summary(store, table, &KeyRange::all(), snapshot.at, now).await;
            assert!(found.expect("both moments are readable").updated > 0);
            if run > 0 {
                times.push(start.elapsed().as_secs_f64() * 1e3);
            }
        }
        times
    }
}

async fn orders(plan: &Plan, report: &Report) {
    let dir = plan.fresh_dir();
    let database = Database::open(dir.path().to_str().expect("a path of text")).await.expect("it opens");
    let db = Orders { session: database.session(), database };
    db.run(&format!("CREATE TABLE orders {COLUMNS}")).await;
    db.load(1, plan.rows).await;
    db.database.compact().await.expect("compaction succeeds");
    for round in 0..ROUNDS {
        db.run(&format!("CREATE SNAPSHOT round{round}")).await;
        db.change(plan.rows, round).await;
    }
    let diff = "table_diff('orders', 'snapshot:round0', 'latest')";
    for state in ["in memory", "flushed", "compacted"] {
        match state {
            "flushed" => db.database.flush().await.expect("the flush succeeds"),
            "compacted" => db.database.compact().await.expect("compaction succeeds"),
            _ => {}
        }
        let title = |what: &str| {
            format!("{what} of 10 × 1 % of {} orders, {state}", crate::report::compact(plan.rows as f64))
        };
        let all = db.times(plan, &format!("SELECT * FROM {diff}"), plan.rows / 10).await;
        report.row(&title("table_diff"), &all, "ms", Target::AtMost(54.0));
        let counts =
            db.times(plan, &format!("SELECT _change_type, count(*) FROM {diff} GROUP BY 1"), 0).await;
        report.row(&title("table_diff, counted,"), &counts, "ms", Target::None);
        report.row(&title("Engine::diff"), &db.engine_times(plan).await, "ms", Target::None);
    }
    drop(db.session);
    db.database.close().await.expect("the database closes");
}

async fn large(plan: &Plan, report: &Report) {
    let data = Data::new(plan.large_rows);
    for (spread, is_clustered) in [("evenly", false), ("in one place", true)] {
        let dir = plan.fresh_dir();
        let db = Bygone::open(dir.path()).await;
        db.ingest(data, &data.in_order()).await;
        db.store.engine().compact().await.expect("compaction succeeds");
        let mut costs = Vec::new();
        for part in [1_000, 100] {
            let mut samples: [Samples; 5] = Default::default();
            for run in 0..plan.runs {
                let from = db.store.engine().last_timestamp();
                let hold = db.store.view_now();
                let seed = (part + run) as u64;
                let changed = if is_clustered {
                    let first = data.rows() / (run + 2);
                    (first..first + data.rows() / part).map(|row| row as u32).collect()
                } else {
                    data.sample(data.rows() / part, seed)
                };
                db.write(data, &changed, 200 + seed).await;
                samples[0].push(diff_ms(&db, from).await);
                db.store.engine().flush().await.expect("the flush succeeds");
                samples[1].push(diff_ms(&db, from).await);
                let start = Instant::now();
                restore_to(&db, from).await;
                samples[2].push(start.elapsed().as_secs_f64() * 1e3);
                drop(hold);
                let from = db.store.engine().last_timestamp();
                let hold = db.store.view_now();
                db.write(data, &changed, 300 + seed).await;
                db.store.engine().compact().await.expect("compaction succeeds");
                samples[3].push(diff_ms(&db, from).await);
                let start = Instant::now();
                restore_to(&db, from).await;
                samples[4].push(start.elapsed().as_secs_f64() * 1e3);
                drop(hold);
                db.store.engine().compact().await.expect("compaction succeeds");
            }
            costs.push(samples);
        }
        let titles =
            ["diff, in memory", "diff, flushed", "restore, flushed", "diff, compacted", "restore, compacted"];
        for (index, title) in titles.into_iter().enumerate() {
            let title = |share: &str| {
                format!(
                    "{title}, {share} of {} rows changed {spread}",
                    crate::report::compact(data.rows() as f64)
                )
            };
            let less = report.row(&title("0.1 %"), &costs[0][index], "ms", Target::None);
            let more = report.row(&title("1 %"), &costs[1][index], "ms", Target::AtMost(2e3));
            report.value("its ratio", more / less, "×", Target::AtLeast(5.0));
        }
        db.close().await;
    }
}

async fn diff_ms(db: &Bygone, from: Timestamp) -> f64 {
    let start = Instant::now();
    let now = db.store.engine().last_timestamp();
    let summary = bygone_snapshots::diff_summary(&db.store, db.keyspace, &KeyRange::all(), from, now).await;
    assert!(summary.expect("both moments are readable").updated > 0, "rows were changed");
    start.elapsed().as_secs_f64() * 1e3
}
