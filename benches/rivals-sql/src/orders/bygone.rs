//! Bygone through its facade.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use bygone::{Database, Rows, ScalarValue, Session};
use futures_util::StreamExt;
use tokio::runtime::Runtime;

use super::{Answer, Moment, Store};

/// Columns of the table, in the SQL of most stores.
pub const COLUMNS: &str =
    "(id BIGINT PRIMARY KEY, customer INT, status TEXT, amount DECIMAL(12, 2), ts TIMESTAMP, note TEXT)";

struct Contestant {
    dir: PathBuf,
    runtime: &'static Runtime,
    database: Database,
    session: Session,
    snapshots: usize,
    change_sets: usize,
}

pub fn open(dir: &Path, runtime: &'static Runtime) -> Box<dyn Store> {
    let (database, session) = connect(dir, runtime);
    let dir = dir.to_owned();
    Box::new(Contestant { dir, runtime, database, session, snapshots: 0, change_sets: 0 })
}

fn connect(dir: &Path, runtime: &'static Runtime) -> (Database, Session) {
    let path = dir.to_str().expect("a path of text");
    let database = runtime.block_on(Database::open(path)).expect("Bygone opens");
    let session = database.session();
    (database, session)
}

/// Reads all rows and lets go of them.
pub async fn count(mut rows: Rows) -> usize {
    let mut count = 0;
    while let Some(batch) = rows.next().await {
        count += batch.expect("the rows are sound").num_rows();
    }
    count
}

/// Runs a statement with parameters; returns how many rows it gave.
pub async fn run(session: &Session, sql: &str, parameters: Vec<ScalarValue>) -> usize {
    let outcome = session.execute_with(sql, parameters).await;
    match outcome.unwrap_or_else(|error| panic!("{sql}: {error}")).rows {
        Some(rows) => count(rows).await,
        None => 0,
    }
}

impl Contestant {
    fn run(&self, sql: &str) -> usize {
        self.runtime.block_on(run(&self.session, sql, Vec::new()))
    }

    /// Files of snapshots and tables that were dropped are freed by this.
    fn compact(&self) {
        self.run("CALL compact()");
        self.run("CALL collect()");
    }
}

impl Store for Contestant {
    fn name(&self) -> String {
        "Bygone".into()
    }

    fn load(&mut self, file: &Path) {
        self.run("DROP TABLE IF EXISTS orders");
        self.run(&format!("CREATE TABLE orders {COLUMNS}"));
        self.run(&format!("COPY orders FROM '{}'", file.display()));
        // Only snapshots keep what was, as with the others.
        self.run("ALTER DATABASE SET retention = '0 seconds'");
    }

    fn settle(&mut self) {
        self.compact();
    }

    fn snapshot(&mut self) {
        self.run(&format!("CREATE SNAPSHOT s{}", self.snapshots));
        self.snapshots += 1;
    }

    fn apply(&mut self, changes: &Path) {
        let set = format!("changes{}", self.change_sets);
        self.change_sets += 1;
        let columns = COLUMNS.replace("note TEXT", "note TEXT, op TEXT");
        self.run(&format!("CREATE TABLE {set} {columns}"));
        self.run(&format!("COPY {set} FROM '{}'", changes.display()));
        self.run("BEGIN");
        self.run(&format!("DELETE FROM orders WHERE id IN (SELECT id FROM {set} WHERE op <> 'i')"));
        self.run(&format!(
            "INSERT INTO orders SELECT id, customer, status, amount, ts, note FROM {set} WHERE op <> 'd'"
        ));
        self.run("COMMIT");
        self.run(&format!("DROP TABLE {set}"));
    }

    fn drop_snapshots(&mut self) {
        for number in 0..self.snapshots {
            self.run(&format!("DROP SNAPSHOT s{number}"));
        }
        self.compact();
    }

    fn table(&self, at: Moment) -> String {
        match at {
            Moment::Now => "orders".into(),
            Moment::Snapshot(number) => format!("orders AS OF SNAPSHOT s{number}"),
        }
    }

    fn read(&self, sql: &str) -> usize {
        self.run(sql)
    }

    fn answer(&self, sql: &str) -> Answer {
        let batches = self.runtime.block_on(self.session.query(sql));
        super::parquet::text(&batches.unwrap_or_else(|error| panic!("{sql}: {error}")))
    }

    fn lookups(&self, column: &str, values: &[i64]) -> Vec<u32> {
        let name = format!("by_{column}");
        self.run(&format!("PREPARE {name} AS SELECT * FROM orders WHERE {column} = $1"));
        let times = self.runtime.block_on(async {
            let mut times = Vec::with_capacity(values.len());
            for value in values {
                let sql = format!("EXECUTE {name}({value})");
                let start = Instant::now();
                run(&self.session, &sql, Vec::new()).await;
                times.push(start.elapsed().as_nanos() as u32);
            }
            times
        });
        self.run(&format!("DEALLOCATE {name}"));
        times
    }

    fn diff(&self, from: usize) -> usize {
        self.run(&format!("SELECT * FROM table_diff('orders', 'snapshot:s{from}', 'latest')"))
    }

    fn restore(&mut self, to: usize) -> bool {
        self.run(&format!("RESTORE TABLE orders TO SNAPSHOT s{to}"));
        true
    }

    fn reopen(&mut self) -> Duration {
        // The session holds the database, which can be opened once at a time.
        let elsewhere = self.runtime.block_on(Database::memory()).expect("memory is a database");
        self.session = elsewhere.session();
        let old = std::mem::replace(&mut self.database, elsewhere);
        self.runtime.block_on(old.close()).expect("Bygone closes");
        drop(old);
        let start = Instant::now();
        (self.database, self.session) = connect(&self.dir, self.runtime);
        self.run(super::queries::FIRST);
        start.elapsed()
    }

    fn size(&self) -> u64 {
        bygone_benches::machine::size_of_dir(&self.dir)
    }
}
