//! The workloads of the SQL level on orders: a bulk load from Parquet, and single rows by their key.

use std::{path::Path, time::Instant};

use bygone::{Database, Rows, ScalarValue, Session, arrow::record_batch::RecordBatch};

use crate::{
    Plan, Report,
    data::Random,
    report::{Samples, Target},
};

/// Names of the workloads, in the order in which they run.
pub const WORKLOADS: [&str; 2] = ["orders", "lookups"];
/// The columns of the table.
pub(crate) const COLUMNS: &str =
    "(id BIGINT PRIMARY KEY, customer INT, status TEXT, amount DECIMAL(12, 2), ts TIMESTAMP, note TEXT)";
/// Rows as a query: what a shop could have sold, one second after the other.
pub(crate) const ROWS: &str = "SELECT value AS id, arrow_cast(value * 7919 % 100000, 'Int32') AS customer, \
     CASE value % 4 WHEN 0 THEN 'open' WHEN 1 THEN 'paid' WHEN 2 THEN 'shipped' ELSE 'returned' END AS status, \
     arrow_cast((value * 31 % 1000000) / 100.0, 'Decimal128(12, 2)') AS amount, \
     arrow_cast(1704067200000000 + value * 1000000, 'Timestamp(Microsecond, None)') AS ts, \
     'order note ' || md5(arrow_cast(value % 50000, 'Utf8')) AS note FROM generate_series(1, {rows}) AS s(value)";
/// Rows of the table in which single rows are looked up.
const LOOKUP_ROWS: usize = 100_000;
/// Single statements of one run.
const STATEMENTS: usize = 5_000;

/// Runs the workloads with these names.
pub async fn run(plan: &Plan, names: &[String]) {
    let wanted = |name: &str| names.is_empty() || names.iter().any(|n| n == name);
    if !WORKLOADS.into_iter().any(wanted) {
        return;
    }
    let report = Report::start("Bygone, SQL, orders");
    let dir = plan.fresh_dir();
    let db = Orders::open(&dir.path().join("db")).await;
    if wanted("orders") {
        load(plan, &report, &db, dir.path()).await;
    }
    if wanted("lookups") {
        lookups(plan, &report, &db).await;
    }
    db.close().await;
}

struct Orders {
    database: Database,
    session: Session,
}

impl Orders {
    async fn open(dir: &Path) -> Self {
        let database =
            Database::open(dir.to_str().expect("a path of text")).await.expect("the database opens");
        let session = database.session();
        Self { database, session }
    }

    /// Runs a statement with parameters; returns how many rows it gave or changed.
    async fn run(&self, sql: &str, parameters: Vec<ScalarValue>) -> usize {
        let outcome = self.session.execute_with(sql, parameters).await;
        let outcome = outcome.unwrap_or_else(|error| panic!("{sql}: {error}"));
        match outcome.rows {
            Some(rows) => all(rows).await.iter().map(RecordBatch::num_rows).sum(),
            None => outcome.affected.unwrap_or(0) as usize,
        }
    }

    /// Microseconds of each of many statements of a kind, all about one row.
    async fn times(&self, statement: impl Fn(usize) -> (String, Vec<ScalarValue>)) -> f64 {
        let (mut times, mut random) = (Samples::default(), Random::new(7));
        for _ in 0..STATEMENTS {
            let (sql, parameters) = statement(random.below(LOOKUP_ROWS) + 1);
            let start = Instant::now();
            assert_eq!(self.run(&sql, parameters).await, 1, "{sql}");
            times.push(start.elapsed().as_secs_f64() * 1e6);
        }
        times.median()
    }

    async fn close(self) {
        drop(self.session);
        self.database.close().await.expect("the database closes");
    }
}

async fn all(mut rows: Rows) -> Vec<RecordBatch> {
    let mut batches = Vec::new();
    while let Some(batch) =
        std::future::poll_fn(|cx| futures_core::Stream::poll_next(std::pin::Pin::new(&mut rows), cx)).await
    {
        batches.push(batch.expect("the rows are sound"));
    }
    batches
}

async fn load(plan: &Plan, report: &Report, db: &Orders, dir: &Path) {
    for (what, order) in [("key order", " ORDER BY id"), ("random order", " ORDER BY note, id")] {
        let file = dir.join("orders.parquet");
        let rows = ROWS.replace("{rows}", &plan.rows.to_string());
        db.run(&format!("COPY ({rows}{order}) TO '{}'", file.display()), Vec::new()).await;
        let mut rates = Samples::default();
        for _ in 0..plan.runs {
            db.run(&format!("CREATE TABLE loaded {COLUMNS}"), Vec::new()).await;
            let start = Instant::now();
            let count = db.run(&format!("COPY loaded FROM '{}'", file.display()), Vec::new()).await;
            assert_eq!(count, plan.rows);
            rates.push_rate(count, start.elapsed());
            db.run("DROP TABLE loaded", Vec::new()).await;
        }
        report.row(&format!("COPY orders from Parquet, {what}"), &rates, "rows/s", Target::AtLeast(1e6));
    }
}

async fn lookups(plan: &Plan, report: &Report, db: &Orders) {
    db.run(&format!("CREATE TABLE orders {COLUMNS}"), Vec::new()).await;
    let rows = ROWS.replace("{rows}", &LOOKUP_ROWS.to_string());
    db.run(&format!("INSERT INTO orders {rows}"), Vec::new()).await;
    db.run("CREATE SNAPSHOT before", Vec::new()).await;
    db.run("PREPARE one AS SELECT * FROM orders WHERE id = $1", Vec::new()).await;
    db.run("SET synchronous_commit = off", Vec::new()).await;
    let bound = |id: usize| vec![ScalarValue::from(id as i64)];
    let (mut text, mut executed, mut with) = (Samples::default(), Samples::default(), Samples::default());
    let (mut past, mut updates) = (Samples::default(), Samples::default());
    for _ in 0..plan.runs {
        text.push(db.times(|id| (format!("SELECT * FROM orders WHERE id = {id}"), Vec::new())).await);
        executed.push(db.times(|id| (format!("EXECUTE one({id})"), Vec::new())).await);
        with.push(db.times(|id| ("SELECT * FROM orders WHERE id = $1".to_owned(), bound(id))).await);
        let sql = "SELECT * FROM orders AS OF SNAPSHOT before WHERE id = $1";
        past.push(db.times(|id| (sql.to_owned(), bound(id))).await);
        let sql = "UPDATE orders SET customer = customer + 1 WHERE id = $1";
        updates.push(db.times(|id| (sql.to_owned(), bound(id))).await);
    }
    report.row("one row by key, a text each", &text, "µs", Target::AtMost(300.0));
    report.row("one row by key, EXECUTE", &executed, "µs", Target::AtMost(200.0));
    report.row("one row by key, a bound parameter", &with, "µs", Target::AtMost(200.0));
    report.row("the same as of a snapshot", &past, "µs", Target::AtMost(200.0));
    report.row("UPDATE of one row by key, not waiting for the disk", &updates, "µs", Target::None);
}
