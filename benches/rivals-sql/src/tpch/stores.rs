//! Who answers the queries of TPC-H.

use std::path::Path;

use bygone::{Database, Session};
use datafusion::prelude::SessionContext;
use tokio::runtime::Runtime;

use super::{Store, data::Table};
use crate::orders::{
    Answer, bygone as orders_bygone,
    duckdb::{self, Connection},
    parquet,
};

/// Function that opens a store.
type Open = fn(&Path, &'static Runtime) -> Box<dyn Store>;
/// The stores, in the order in which they run.
pub const STORES: &[(&str, Open)] = &[
    ("bygone", |dir, runtime| {
        let path = dir.to_str().expect("a path of text");
        let database = runtime.block_on(Database::open(path)).expect("Bygone opens");
        let session = database.session();
        Box::new(Bygone { runtime, database, session, is_back: false })
    }),
    ("parquet", |_, runtime| Box::new(Parquet { runtime, context: SessionContext::new() })),
    ("duckdb", |dir, _| Box::new(DuckDb(Connection::open(&dir.join("duckdb"))))),
];

struct Bygone {
    runtime: &'static Runtime,
    database: Database,
    session: Session,
    is_back: bool,
}

impl Bygone {
    fn run(&self, sql: &str) {
        self.runtime.block_on(orders_bygone::run(&self.session, sql, Vec::new()));
    }

    fn settle(&self) {
        self.runtime.block_on(self.database.compact()).expect("compaction succeeds");
    }
}

impl Store for Bygone {
    fn name(&self) -> String {
        if self.is_back { "Bygone as of a snapshot".into() } else { "Bygone".into() }
    }

    fn load(&mut self, tables: &[Table]) {
        for table in tables {
            let (name, columns, key) = (table.name, table.columns(), table.key);
            self.run(&format!("CREATE TABLE {name} ({columns}, PRIMARY KEY ({key}))"));
            self.run(&format!("COPY {name} FROM '{}'", table.file.display()));
        }
        self.settle();
    }

    fn read(&self, sql: &str) -> Result<usize, String> {
        self.runtime.block_on(async {
            let outcome = self.session.execute(sql).await.map_err(|error| error.to_string())?;
            Ok(orders_bygone::count(outcome.rows.ok_or("no rows")?).await)
        })
    }

    fn answer(&self, sql: &str) -> Result<Answer, String> {
        let batches = self.runtime.block_on(self.session.query(sql)).map_err(|error| error.to_string())?;
        Ok(parquet::text(&batches))
    }

    fn go_back(&mut self) -> bool {
        self.run("CREATE SNAPSHOT loaded");
        // One order in a hundred is gone or other than it was.
        for (table, key, column) in
            [("orders", "o_orderkey", "o_totalprice"), ("lineitem", "l_orderkey", "l_extendedprice")]
        {
            self.run(&format!("UPDATE {table} SET {column} = {column} + 1 WHERE {key} % 125 < 2"));
            self.run(&format!("DELETE FROM {table} WHERE {key} % 500 = 2"));
        }
        self.settle();
        self.run("SET as_of = 'snapshot:loaded'");
        self.is_back = true;
        true
    }
}

struct Parquet {
    runtime: &'static Runtime,
    context: SessionContext,
}

impl Store for Parquet {
    fn name(&self) -> String {
        "Parquet, DataFusion 55".into()
    }

    fn load(&mut self, tables: &[Table]) {
        for table in tables {
            self.runtime.block_on(parquet::register(&self.context, table.name, &table.file));
        }
    }

    fn read(&self, sql: &str) -> Result<usize, String> {
        Ok(self.runtime.block_on(parquet::count(&self.context, sql)))
    }

    fn answer(&self, sql: &str) -> Result<Answer, String> {
        Ok(self.runtime.block_on(parquet::answer(&self.context, sql)))
    }

    fn go_back(&mut self) -> bool {
        false
    }
}

struct DuckDb(Connection);

impl Store for DuckDb {
    fn name(&self) -> String {
        format!("DuckDB {}", duckdb::version())
    }

    fn load(&mut self, tables: &[Table]) {
        for table in tables {
            let (name, file) = (table.name, table.file.display());
            let sql = format!("CREATE TABLE {name} AS SELECT * FROM read_parquet('{file}')");
            self.0.run(&sql);
        }
        self.0.run("CHECKPOINT");
    }

    fn read(&self, sql: &str) -> Result<usize, String> {
        Ok(self.0.prepare(sql).count(true))
    }

    fn answer(&self, sql: &str) -> Result<Answer, String> {
        Ok(self.0.answer(sql))
    }

    fn go_back(&mut self) -> bool {
        false
    }
}
