//! Parquet files with zstd, read by DataFusion: each round of changes writes a new file, each snapshot keeps
//! one.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use bygone_benches::machine;
use datafusion::{
    arrow::{array::RecordBatch, util::display::array_value_to_string},
    dataframe::DataFrameWriteOptions,
    prelude::{ParquetReadOptions, SessionContext},
};
use futures_util::StreamExt;
use tokio::runtime::Runtime;

use super::{Answer, Moment, Store};

struct Contestant {
    dir: PathBuf,
    runtime: &'static Runtime,
    context: SessionContext,
    /// The file of now, by number.
    file: usize,
    files: usize,
    snapshots: Vec<usize>,
}

pub fn open(dir: &Path, runtime: &'static Runtime) -> Box<dyn Store> {
    let context = SessionContext::new();
    Box::new(Contestant { dir: dir.to_owned(), runtime, context, file: 0, files: 0, snapshots: Vec::new() })
}

/// Reads all rows of a query and lets go of them.
pub async fn count(context: &SessionContext, sql: &str) -> usize {
    let frame = context.sql(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    let mut rows = frame.execute_stream().await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    let mut count = 0;
    while let Some(batch) = rows.next().await {
        count += batch.expect("the rows are sound").num_rows();
    }
    count
}

/// The rows of a query as text.
pub async fn answer(context: &SessionContext, sql: &str) -> Answer {
    let frame = context.sql(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    text(&frame.collect().await.unwrap_or_else(|error| panic!("{sql}: {error}")))
}

/// Batches as text.
pub fn text(batches: &[RecordBatch]) -> Answer {
    let value = |batch: &RecordBatch, row, column: usize| {
        array_value_to_string(batch.column(column), row).expect("every type has a text")
    };
    let rows = batches.iter().flat_map(|batch| (0..batch.num_rows()).map(move |row| (batch, row)));
    rows.map(|(batch, row)| (0..batch.num_columns()).map(|column| value(batch, row, column)).collect())
        .collect()
}

/// Makes a Parquet file a table.
pub async fn register(context: &SessionContext, table: &str, file: &Path) {
    context.deregister_table(table).expect("tables can go");
    let path = file.to_str().expect("a path of text");
    context.register_parquet(table, path, ParquetReadOptions::default()).await.expect("the file is there");
}

impl Contestant {
    fn path(&self, number: usize) -> PathBuf {
        self.dir.join(format!("orders-{number}.parquet"))
    }

    /// Writes the rows of a query, in the order of the key and durable, and makes them the table.
    fn replace(&mut self, sql: &str) {
        self.file = self.files;
        self.files += 1;
        let (path, before) = (self.path(self.file), self.file.checked_sub(1));
        self.runtime.block_on(async {
            let frame = self.context.sql(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
            let options = DataFrameWriteOptions::new().with_single_file_output(true);
            let target = path.to_str().expect("a path of text");
            frame.write_parquet(target, options, None).await.expect("the disk has room");
            fs::File::open(&path).and_then(|file| file.sync_all()).expect("the disk syncs");
            register(&self.context, "orders", &path).await;
        });
        if let Some(before) = before.filter(|before| !self.snapshots.contains(before)) {
            let _ = fs::remove_file(self.path(before));
        }
    }
}

impl Store for Contestant {
    fn name(&self) -> String {
        "Parquet, DataFusion 55".into()
    }

    fn load(&mut self, file: &Path) {
        self.runtime.block_on(register(&self.context, "source", file));
        self.replace("SELECT * FROM source ORDER BY id");
    }

    fn settle(&mut self) {}

    fn snapshot(&mut self) {
        let (file, name) = (self.path(self.file), format!("orders_s{}", self.snapshots.len()));
        self.runtime.block_on(register(&self.context, &name, &file));
        self.snapshots.push(self.file);
    }

    fn apply(&mut self, changes: &Path) {
        self.runtime.block_on(register(&self.context, "changes", changes));
        self.replace(
            "SELECT id, customer, status, amount, ts, note FROM orders \
             WHERE id NOT IN (SELECT id FROM changes WHERE op <> 'i') \
             UNION ALL SELECT id, customer, status, amount, ts, note FROM changes WHERE op <> 'd' ORDER BY id",
        );
    }

    fn drop_snapshots(&mut self) {
        for number in std::mem::take(&mut self.snapshots) {
            if number != self.file {
                let _ = fs::remove_file(self.path(number));
            }
        }
    }

    fn table(&self, at: Moment) -> String {
        match at {
            Moment::Now => "orders".into(),
            Moment::Snapshot(number) => format!("orders_s{number}"),
        }
    }

    fn read(&self, sql: &str) -> usize {
        self.runtime.block_on(count(&self.context, sql))
    }

    fn answer(&self, sql: &str) -> Answer {
        self.runtime.block_on(answer(&self.context, sql))
    }

    fn lookups(&self, column: &str, values: &[i64]) -> Vec<u32> {
        lookups(self.runtime, &self.context, column, values)
    }

    fn diff(&self, from: usize) -> usize {
        self.read(&format!(
            "SELECT * FROM orders AS new FULL JOIN orders_s{from} AS old ON new.id = old.id \
             WHERE new.id IS NULL OR old.id IS NULL OR new.status <> old.status OR new.amount <> old.amount"
        ))
    }

    fn restore(&mut self, _: usize) -> bool {
        false
    }

    fn reopen(&mut self) -> Duration {
        let start = Instant::now();
        self.context = SessionContext::new();
        self.runtime.block_on(register(&self.context, "orders", &self.path(self.file)));
        self.read(super::queries::FIRST);
        start.elapsed()
    }

    fn size(&self) -> u64 {
        machine::size_of_dir(&self.dir)
    }
}

/// Selects rows by a value of a column with DataFusion, from a text each: planning a prepared one costs the
/// same.
pub fn lookups(runtime: &Runtime, context: &SessionContext, column: &str, values: &[i64]) -> Vec<u32> {
    runtime.block_on(async {
        let mut times = Vec::with_capacity(values.len());
        for value in values {
            let sql = format!("SELECT * FROM orders WHERE {column} = {value}");
            let start = Instant::now();
            count(context, &sql).await;
            times.push(start.elapsed().as_nanos() as u32);
        }
        times
    })
}
