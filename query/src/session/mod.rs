//! Sessions: statements one after another, with their transaction, settings and points.
//!
//! ```text
//!   text ─▶ parse ─▶ which moment? ─▶ resolve points ─▶ plan ─▶ rows, or writes ─▶ commit
//! ```
//!
//! 1. One statement is one read view: that of the transaction, or one of its own.
//! 2. The point of a table is that of its own clause, else of the transaction, else of the session.
//! 3. A statement at a pinned point cannot write.
//! 4. A failed statement leaves nothing: without a transaction it is undone, inside one the transaction refuses everything
//!    until it ends (25P02).

mod context;
mod deep;
mod execute;
mod outcome;
mod prepared;
mod query;
mod ready;
mod settings;
mod shared;
mod show;
mod transaction;

use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use datafusion::common::ScalarValue;
use futures::TryStreamExt;
use parking_lot::Mutex;

pub use outcome::{Notice, Outcome, Progress, Rows};
#[cfg(feature = "testing")]
pub use shared::StateAdapter;
pub use shared::{Sql, SqlOptions};

pub(crate) use context::{Context, Work};
pub(crate) use deep::Depth;
pub(crate) use execute::Written;
pub(crate) use outcome::{batch_in_zone, schema_in_zone};
pub(crate) use query::{Parameters, bind, empty_stream, plan_query, stream};
pub(crate) use ready::Ready;
pub(crate) use settings::Settings;
pub(crate) use shared::Shared;

use crate::{error::Result, values::IntoParameters};
use deep::Deep;
use transaction::OpenTransaction;

/// A connection to a database: one statement at a time, with a transaction and settings of its own.
#[derive(Debug)]
pub struct Session {
    shared: Arc<Shared>,
    inner: tokio::sync::Mutex<Inner>,
    /// What can be asked while a statement runs.
    status: Arc<Mutex<Status>>,
    progress: Mutex<Option<Arc<dyn Progress>>>,
}

/// What a session is between statements.
#[derive(Debug, Default)]
pub(crate) struct Inner {
    pub settings: Settings,
    pub transaction: Option<OpenTransaction>,
    pub prepared: prepared::PreparedStatements,
    /// Texts that were run with parameters.
    texts: ready::Texts,
    /// How much stack the statement needs.
    depth: Depth,
    /// A statement was started and has not come to its end: its future was dropped.
    running: bool,
}

#[derive(Debug, Default)]
struct Status {
    as_of: Option<String>,
    in_transaction: bool,
}

impl Session {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        let settings = Settings::with_memory(shared.query_memory);
        let inner = Inner { settings, ..Inner::default() };
        Self {
            shared,
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
    /// Dropping the future cancels the statement: without a transaction nothing of it happened, or all of it; inside one the
    /// transaction fails.
    pub async fn execute(&self, sql: &str) -> Result<Outcome> {
        self.run(sql, Vec::new()).await
    }

    /// As [`Self::execute`], with values for the parameters `$1`, `$2`, …: `(7_i64, "seven")`, an array, a `Vec`.
    ///
    /// # Errors
    /// As [`Self::execute`].
    ///
    /// # Cancel safety
    /// As [`Self::execute`].
    pub async fn execute_with(&self, sql: &str, parameters: impl IntoParameters) -> Result<Outcome> {
        self.run(sql, parameters.into_parameters()).await
    }

    async fn run(&self, sql: &str, parameters: Vec<ScalarValue>) -> Result<Outcome> {
        let mut inner = self.inner.lock().await;
        inner.start();
        let progress = self.progress.lock().clone();
        inner.depth.begin(sql);
        let depth = inner.depth.clone();
        let running = execute::run_text(&self.shared, &mut inner, progress, sql, &parameters);
        let result = Deep { depth: depth.clone(), running: Box::pin(running) }.await;
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

    /// Reads every table at `point` (as `SET as_of` takes it) unless a statement, the transaction or `SET` says otherwise;
    /// `RESET as_of` comes back to it. Nothing can be written at a point.
    ///
    /// # Errors
    /// 22023 when it is not a point, 42704 for the name of a snapshot, 72000 when it is too old.
    pub async fn pin(&self, point: &str) -> Result<()> {
        let literal = point.replace('\'', "''");
        self.execute(&format!("SET as_of = '{literal}'")).await?;
        let mut inner = self.inner.lock().await;
        let settings = &mut inner.settings;
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

impl Inner {
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
        if let Some(transaction) = &mut self.transaction {
            transaction.failed = true;
        }
    }

    fn status(&self) -> Status {
        let point = self.transaction.as_ref().and_then(|transaction| transaction.point.clone());
        Status {
            as_of: point.or_else(|| self.settings.as_of.clone()),
            in_transaction: self.transaction.is_some(),
        }
    }
}
