//! DuckDB: a snapshot is a copy of the table.

mod library;

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use bygone_benches::machine;
use tokio::runtime::Runtime;

use super::{Answer, Moment, Store, bygone::COLUMNS};
pub use library::{Connection, is_there, version};

struct Contestant {
    dir: PathBuf,
    connection: Connection,
    snapshots: usize,
}

pub fn open(dir: &Path, _: &'static Runtime) -> Box<dyn Store> {
    Box::new(Contestant { dir: dir.to_owned(), connection: connect(dir), snapshots: 0 })
}

fn connect(dir: &Path) -> Connection {
    Connection::open(&dir.join("duckdb"))
}

impl Contestant {
    fn run(&self, sql: &str) {
        self.connection.run(sql);
    }
}

impl Store for Contestant {
    fn name(&self) -> String {
        format!("DuckDB {}", version())
    }

    fn load(&mut self, file: &Path) {
        self.run(&format!("CREATE OR REPLACE TABLE orders {COLUMNS}"));
        self.run(&format!("INSERT INTO orders SELECT * FROM read_parquet('{}')", file.display()));
    }

    fn settle(&mut self) {
        self.run("CHECKPOINT");
    }

    fn snapshot(&mut self) {
        self.run(&format!("CREATE TABLE orders_s{} AS SELECT * FROM orders", self.snapshots));
        self.snapshots += 1;
    }

    fn apply(&mut self, changes: &Path) {
        let file = changes.display();
        self.run(&format!("CREATE TEMP TABLE changes AS SELECT * FROM read_parquet('{file}')"));
        self.run("BEGIN");
        self.run(
            "UPDATE orders SET status = c.status, amount = c.amount FROM changes c \
             WHERE orders.id = c.id AND c.op = 'u'",
        );
        self.run("DELETE FROM orders USING changes c WHERE orders.id = c.id AND c.op = 'd'");
        self.run("INSERT INTO orders SELECT * EXCLUDE (op) FROM changes WHERE op = 'i'");
        self.run("COMMIT");
        self.run("DROP TABLE changes");
    }

    fn drop_snapshots(&mut self) {
        for number in 0..self.snapshots {
            self.run(&format!("DROP TABLE orders_s{number}"));
        }
        self.run("CHECKPOINT");
    }

    fn table(&self, at: Moment) -> String {
        match at {
            Moment::Now => "orders".into(),
            Moment::Snapshot(number) => format!("orders_s{number}"),
        }
    }

    fn read(&self, sql: &str) -> usize {
        self.connection.prepare(sql).count(true)
    }

    fn answer(&self, sql: &str) -> Answer {
        self.connection.answer(sql)
    }

    fn lookups(&self, column: &str, values: &[i64]) -> Vec<u32> {
        let sql = format!("SELECT * FROM orders WHERE {column} = ?");
        let query = self.connection.prepare(&sql);
        let mut times = Vec::with_capacity(values.len());
        for &value in values {
            let start = Instant::now();
            query.bind(value);
            std::hint::black_box(query.count(false));
            times.push(start.elapsed().as_nanos() as u32);
        }
        times
    }

    fn diff(&self, from: usize) -> usize {
        self.read(&format!(
            "SELECT * FROM orders AS new FULL JOIN orders_s{from} AS old ON new.id = old.id \
             WHERE new.id IS NULL OR old.id IS NULL OR new.status <> old.status OR new.amount <> old.amount"
        ))
    }

    fn restore(&mut self, to: usize) -> bool {
        self.run(&format!("CREATE OR REPLACE TABLE orders {COLUMNS}"));
        self.run(&format!("INSERT INTO orders SELECT * FROM orders_s{to}"));
        true
    }

    fn reopen(&mut self) -> Duration {
        let elsewhere = Connection::open(Path::new(":memory:"));
        drop(std::mem::replace(&mut self.connection, elsewhere));
        let start = Instant::now();
        self.connection = connect(&self.dir);
        self.read(super::queries::FIRST);
        start.elapsed()
    }

    fn size(&self) -> u64 {
        machine::size_of_dir(&self.dir)
    }
}
