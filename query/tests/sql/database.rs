//! A database for a test.

use std::{
    collections::BTreeMap,
    io::{self, Cursor, Read, Write},
    sync::Arc,
};

use arrow::{array::RecordBatch, datatypes::DataType, util::display::array_value_to_string};
use bygone_engine::{
    Engine, EngineOptions, Root,
    env::{Env, TokioTasks},
    testing::{ManualClock, env},
};
use bygone_mvcc::{Store, StoreOptions};
use bygone_query::{
    Error, Outcome, Session, Sql, SqlOptions,
    copy::{Files, InputFile, OutputFile, SeekableFile},
};
use bygone_snapshots::Snapshots;
use datafusion::common::ScalarValue;
use futures::TryStreamExt;
use parking_lot::Mutex;

/// Bytes that changes have in memory in most tests.
const ROOMY: usize = 256 << 10;

/// A second of the clock.
pub(crate) const SECOND: u64 = 1_000_000;

/// A database in memory with one session. Every statement takes a second of its clock.
pub(crate) struct Db {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) engine: Engine,
    pub(crate) sql: Sql,
    pub(crate) session: Session,
    pub(crate) files: Arc<MemoryFiles>,
}

impl Db {
    pub(crate) async fn new() -> Self {
        let clock = ManualClock::at(1_700_000_000 * SECOND);
        let env = env(&clock, 1);
        Self::open(clock, env).await
    }

    /// A database whose background tasks run by themselves.
    pub(crate) async fn in_background() -> Self {
        let clock = ManualClock::at(1_700_000_000 * SECOND);
        let tasks = Arc::new(TokioTasks::new(tokio::runtime::Handle::current()));
        let env = Env { tasks, ..env(&clock, 1) };
        Self::open(clock, env).await
    }

    /// A database of so small files that ordinary tables cross every boundary.
    pub(crate) async fn tiny() -> Self {
        let clock = ManualClock::at(1_700_000_000 * SECOND);
        let env = env(&clock, 1);
        Self::sized(clock, env, EngineOptions::tiny(), ROOMY).await
    }

    /// As [`Self::tiny`], and a statement or transaction of more than a few rows writes them into files.
    pub(crate) async fn spilling() -> Self {
        let clock = ManualClock::at(1_700_000_000 * SECOND);
        let env = env(&clock, 1);
        Self::sized(clock, env, EngineOptions::tiny(), 1 << 10).await
    }

    async fn open(clock: Arc<ManualClock>, env: Env) -> Self {
        Self::sized(clock, env, EngineOptions::default(), ROOMY).await
    }

    async fn sized(clock: Arc<ManualClock>, env: Env, options: EngineOptions, bulk_bytes_min: usize) -> Self {
        let engine = Engine::open(Root::memory(), env, options).await.expect("it opens");
        let store = Store::open(engine.clone(), StoreOptions::default());
        let snapshots = Snapshots::open(store).await.expect("it opens");
        let files = Arc::new(MemoryFiles::default());
        let options = SqlOptions {
            files: Arc::clone(&files) as Arc<dyn Files>,
            bulk_bytes_min,
            ..SqlOptions::default()
        };
        let sql = Sql::new(snapshots, options).expect("the options are good");
        let session = sql.session();
        Self { clock, engine, sql, session, files }
    }

    /// A database in which `sql` was run.
    pub(crate) async fn with(sql: &str) -> Self {
        let db = Self::new().await;
        db.run(sql).await;
        db
    }

    /// Runs statements that must succeed, each a second after the other.
    pub(crate) async fn run(&self, sql: &str) -> Outcome {
        let mut last = None;
        for statement in bygone_query::split_statements(sql).expect("it splits") {
            self.clock.advance(SECOND);
            let outcome = self.session.execute(statement.text).await;
            last =
                Some(outcome.unwrap_or_else(|e| {
                    panic!("{}\n{}: {e} ({:?})", statement.text, e.sqlstate(), e.hint())
                }));
        }
        last.expect("there is a statement")
    }

    /// The tag of the last statement.
    pub(crate) async fn tag(&self, sql: &str) -> String {
        self.run(sql).await.tag
    }

    /// The rows of a query, one text for each, columns separated by bars.
    pub(crate) async fn rows(&self, sql: &str) -> Vec<String> {
        let outcome = self.run(sql).await;
        texts(outcome).await
    }

    /// The rows of a query with parameters.
    pub(crate) async fn rows_with(&self, sql: &str, parameters: Vec<ScalarValue>) -> Vec<String> {
        self.clock.advance(SECOND);
        let outcome = self.session.execute_with(sql, parameters).await;
        texts(outcome.unwrap_or_else(|e| panic!("{sql}\n{}: {e}", e.sqlstate()))).await
    }

    /// The names of a query's columns, separated by bars.
    pub(crate) async fn names(&self, sql: &str) -> String {
        let schema = self.run(sql).await.rows.expect("it has rows").schema();
        let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        names.join("|")
    }

    /// The one value of a query.
    pub(crate) async fn one(&self, sql: &str) -> String {
        let rows = self.rows(sql).await;
        assert_eq!(rows.len(), 1, "{sql} must have one row: {rows:?}");
        rows.into_iter().next().unwrap_or_default()
    }

    /// Everything a query shows, as lines.
    pub(crate) async fn text(&self, sql: &str) -> String {
        self.rows(sql).await.join("\n")
    }

    /// The error of a statement that must fail, also while its rows are read.
    pub(crate) async fn error(&self, sql: &str) -> Error {
        self.clock.advance(SECOND);
        match self.session.execute(sql).await {
            Err(error) => error,
            Ok(Outcome { rows: Some(rows), .. }) => match rows.try_collect::<Vec<_>>().await {
                Err(error) => error,
                Ok(batches) => panic!("{sql} must fail, it answered {:?}", lines(&batches)),
            },
            Ok(outcome) => panic!("{sql} must fail, it did {}", outcome.tag),
        }
    }

    /// The SQLSTATE of a statement that must fail.
    pub(crate) async fn state(&self, sql: &str) -> &'static str {
        self.error(sql).await.sqlstate()
    }

    /// Asserts the rows of queries, one text for each query: rows are separated by commas, and sorted where
    /// no order is asked for. A number is compared by its value.
    pub(crate) async fn assert_answers(&self, queries: &[(&str, &str)]) {
        for (query, rows) in queries {
            let answered = self.rows(query).await;
            let mut answered: Vec<String> = answered.iter().map(|row| without_zeros(row)).collect();
            let mut rows: Vec<String> =
                rows.split(", ").filter(|row| !row.is_empty()).map(without_zeros).collect();
            if !query.contains("ORDER BY") {
                answered.sort();
                rows.sort();
            }
            assert_eq!(answered, rows, "{query}");
        }
    }

    /// Asserts the SQLSTATEs of statements that must fail.
    pub(crate) async fn assert_states(&self, statements: &[(&str, &str)]) {
        for (statement, state) in statements {
            let error = self.error(statement).await;
            assert_eq!(error.sqlstate(), *state, "{statement}: {error}");
        }
    }

    /// The version of the newest commit.
    pub(crate) fn version(&self) -> u64 {
        self.engine.last_timestamp().as_micros()
    }
}

/// A row whose numbers have no zeros at their end: DECIMAL shows all its digits.
fn without_zeros(row: &str) -> String {
    let cells = row.split('|').map(|cell| {
        let is_fraction = cell.contains('.') && cell.parse::<f64>().is_ok();
        if is_fraction { cell.trim_end_matches('0').trim_end_matches('.') } else { cell }
    });
    cells.collect::<Vec<_>>().join("|")
}

async fn texts(outcome: Outcome) -> Vec<String> {
    let rows = outcome.rows.expect("it has rows");
    let batches: Vec<RecordBatch> =
        rows.try_collect().await.unwrap_or_else(|e| panic!("{}: {e}", e.sqlstate()));
    lines(&batches)
}

pub(crate) fn lines(batches: &[RecordBatch]) -> Vec<String> {
    let mut lines = Vec::new();
    for batch in batches {
        for row in 0..batch.num_rows() {
            let cells: Vec<String> = batch
                .columns()
                .iter()
                .map(|column| {
                    if column.is_null(row) {
                        "∅".to_owned()
                    } else if matches!(column.data_type(), DataType::Interval(_)) {
                        let texts = bygone_query::text_formatter(column).expect("it has a text");
                        texts.value(row).to_string()
                    } else {
                        array_value_to_string(column, row).expect("it shows")
                    }
                })
                .collect();
            lines.push(cells.join("|"));
        }
    }
    lines
}

/// Files in memory.
#[derive(Debug, Default)]
pub(crate) struct MemoryFiles {
    pub(crate) contents: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
}

impl Files for MemoryFiles {
    fn open(&self, path: &str) -> io::Result<InputFile> {
        match self.contents.lock().get(path) {
            Some(bytes) => Ok(InputFile::Seekable(Box::new(Cursor::new(bytes.clone())))),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn spool(&self, _pipe: Box<dyn Read + Send>) -> io::Result<Box<dyn SeekableFile>> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn create(&self, path: &str) -> io::Result<Box<dyn OutputFile>> {
        Ok(Box::new(MemoryFile { path: path.to_owned(), bytes: Vec::new(), all: Arc::clone(&self.contents) }))
    }
}

struct MemoryFile {
    path: String,
    bytes: Vec<u8>,
    all: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
}

impl Write for MemoryFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl OutputFile for MemoryFile {
    fn finish(self: Box<Self>) -> io::Result<()> {
        self.all.lock().insert(self.path, self.bytes);
        Ok(())
    }
}
