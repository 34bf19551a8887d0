//! Sessions: statements one after another, with their transaction, settings and points.
//!
//! ```text
//!   text ─▶ parse ─▶ which moment? ─▶ resolve points ─▶ plan ─▶ rows, or writes ─▶ commit
//! ```
//!
//! 1. One statement is one read view: that of the transaction, or one of its own.
//! 2. The point of a table is that of its own clause, else of the transaction, else of the session.
//! 3. A statement at a pinned point cannot write.
//! 4. A failed statement leaves nothing: without a transaction it is undone, inside one the transaction
//!    refuses everything until it ends (25P02).

mod execute;
mod prepared;
mod settings;
mod sql;
mod texts;
mod transaction;
mod typed;

use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use datafusion::common::ScalarValue;
use futures::TryStreamExt;
use parking_lot::Mutex;

pub use sql::Sql;

use crate::{
    error::Result,
    statement::{Database, Outcome, Progress, SessionData, Settings},
    types::nan::value_with_one_nan,
    values::IntoParameters,
};

/// A connection to a database: one statement at a time, with a transaction and settings of its own.
#[derive(Debug)]
pub struct Session {
    database: Arc<Database>,
    inner: tokio::sync::Mutex<SessionInner>,
    /// Status that can be asked for while a statement runs.
    status: Arc<Mutex<Status>>,
    progress: Mutex<Option<Arc<dyn Progress>>>,
}

/// A session between statements.
#[derive(Debug, Default)]
struct SessionInner {
    data: SessionData,
    prepared: prepared::PreparedStatements,
    /// Texts that were run with parameters.
    texts: texts::Texts,
    /// A statement was started and has not come to its end: its future was dropped.
    running: bool,
}

#[derive(Debug, Default)]
struct Status {
    as_of: Option<String>,
    in_transaction: bool,
}

impl Session {
    fn new(database: Arc<Database>) -> Self {
        let settings = Settings::with_memory(database.query_memory);
        let data = SessionData { settings, ..SessionData::default() };
        let inner = SessionInner { data, ..SessionInner::default() };
        Self {
            database,
            inner: tokio::sync::Mutex::new(inner),
            status: Arc::default(),
            progress: Mutex::new(None),
        }
    }

    /// Runs the statements of `sql` and returns what the last one answered.
    ///
    /// Rows arrive as they are read from the outcome; they hold the moment they are read at.
    ///
    /// # Errors
    /// The first error; the statements before it stay done.
    ///
    /// # Cancel safety
    /// Dropping the future cancels the statement: without a transaction nothing of it happened, or all of it;
    /// inside one the transaction fails.
    pub async fn execute(&self, sql: &str) -> Result<Outcome> {
        self.run(sql, Vec::new()).await
    }

    /// As [`Self::execute`], with values for the parameters `$1`, `$2`, …: `(7_i64, "seven")`, an array, a
    /// `Vec`.
    ///
    /// # Errors
    /// As [`Self::execute`].
    ///
    /// # Cancel safety
    /// As [`Self::execute`].
    pub async fn execute_with(&self, sql: &str, parameters: impl IntoParameters) -> Result<Outcome> {
        let parameters = parameters.into_parameters().into_iter().map(value_with_one_nan);
        self.run(sql, parameters.collect::<Result<_, _>>()?).await
    }

    async fn run(&self, sql: &str, parameters: Vec<ScalarValue>) -> Result<Outcome> {
        let mut inner = self.inner.lock().await;
        inner.start();
        let progress = self.progress.lock().clone();
        inner.data.depth.begin(sql);
        let depth = inner.data.depth.clone();
        let running = execute::run_text(&self.database, &mut inner, progress, sql, &parameters);
        let result = depth.on_stack(Box::pin(running)).await;
        let result = result.map(|outcome| outcome.at_depth(&depth));
        inner.finish(result.is_err());
        *self.status.lock() = inner.status();
        result
    }

    /// Runs the statements of `sql` and returns all rows of the last one.
    ///
    /// # Errors
    /// As [`Self::execute`], and what happens while the rows are read.
    pub async fn query(&self, sql: &str) -> Result<Vec<RecordBatch>> {
        match self.execute(sql).await?.rows {
            Some(rows) => rows.try_collect().await,
            None => Ok(Vec::new()),
        }
    }

    /// The point that tables without one are read at, as `SET as_of` would name it.
    pub fn as_of(&self) -> Option<String> {
        self.status.lock().as_of.clone()
    }

    /// Reads every table at `point` (as `SET as_of` takes it) unless a statement, the transaction or `SET`
    /// says otherwise; `RESET as_of` comes back to it. Nothing can be written at a point.
    ///
    /// # Errors
    /// 22023 when it is not a point, 42704 for the name of a snapshot, 72000 when it is too old.
    pub async fn pin(&self, point: &str) -> Result<()> {
        let literal = point.replace('\'', "''");
        self.execute(&format!("SET as_of = '{literal}'")).await?;
        let mut inner = self.inner.lock().await;
        let settings = &mut inner.data.settings;
        settings.connection_as_of.clone_from(&settings.as_of);
        Ok(())
    }

    /// Whether a transaction is open.
    pub fn in_transaction(&self) -> bool {
        self.status.lock().in_transaction
    }

    /// Has long statements report how far they are.
    pub fn set_progress(&self, progress: Arc<dyn Progress>) {
        *self.progress.lock() = Some(progress);
    }
}

impl SessionInner {
    fn start(&mut self) {
        if self.running {
            self.fail();
        }
        self.running = true;
    }

    fn finish(&mut self, failed: bool) {
        self.running = false;
        if failed {
            self.fail();
        }
    }

    /// A statement failed or was given up: its transaction refuses everything from now on.
    fn fail(&mut self) {
        if let Some(transaction) = &mut self.data.transaction {
            transaction.failed = true;
        }
    }

    fn status(&self) -> Status {
        let point = self.data.transaction.as_ref().and_then(|transaction| transaction.point.clone());
        Status {
            as_of: point.or_else(|| self.data.settings.as_of.clone()),
            in_transaction: self.data.transaction.is_some(),
        }
    }
}
