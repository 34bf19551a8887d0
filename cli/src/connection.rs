//! The one place where the command meets the library: opening, running a statement, asking for names.

use arrow::array::{Array, RecordBatch};
use arrow::util::display::array_value_to_string;
use bygone::{Database, Error, ErrorKind, Outcome, Session};
use futures::TryStreamExt;

use crate::args::Arguments;
use crate::failure::{Failure, Place, Report};

/// An open database with the one session of this run.
pub(crate) struct Connection {
    database: Database,
    session: Session,
}

impl Connection {
    /// Opens the database and pins the session when the run is `--as-of` a moment.
    pub(crate) async fn open(arguments: &Arguments) -> Result<Self, Failure> {
        // A pinned run cannot write, so it must not create a database either.
        let read_only = arguments.read_only || arguments.as_of.is_some();
        let mut builder = Database::builder(&arguments.database).read_only(read_only);
        if let Some(bytes) = arguments.query_memory {
            builder = builder.query_memory(bytes);
        }
        let database = builder.open().await.map_err(|error| open_failure(&error, &arguments.database))?;
        let session = database.session();
        let connection = Self { database, session };
        if let Some(point) = &arguments.as_of {
            connection.session.pin(point).await.map_err(|error| statement_failure(&error, None))?;
        }
        Ok(connection)
    }

    /// Runs one statement; its rows arrive as they are read from the outcome.
    pub(crate) async fn execute(&self, sql: &str) -> Result<Outcome, Error> {
        self.session.execute(sql).await
    }

    /// Runs one statement and returns its rows as text, for what the shell itself wants to know.
    pub(crate) async fn texts(&self, sql: &str) -> Result<Vec<Vec<String>>, Error> {
        let Some(rows) = self.execute(sql).await?.rows else { return Ok(Vec::new()) };
        let batches: Vec<RecordBatch> = rows.try_collect().await?;
        let mut texts = Vec::new();
        for batch in &batches {
            for row in 0..batch.num_rows() {
                let cell = |array: &dyn Array| array_value_to_string(array, row).unwrap_or_default();
                texts.push(batch.columns().iter().map(|array| cell(array.as_ref())).collect());
            }
        }
        Ok(texts)
    }

    /// Returns the session, for the shell.
    pub(crate) fn session(&self) -> &Session {
        &self.session
    }

    /// Makes everything durable and releases the lock.
    pub(crate) async fn close(self) -> Result<(), Failure> {
        let Self { database, session: _ } = self;
        database.close().await.map_err(|error| statement_failure(&error, None))
    }
}

/// A statement's error as the end of the run; `locate` turns its position into a place of the script.
pub(crate) fn statement_failure(error: &Error, locate: Option<&dyn Fn(u32, u32) -> Place>) -> Failure {
    let place = error.position().zip(locate).map(|(position, locate)| locate(position.line, position.column));
    Failure::Statement {
        report: Box::new(report(error, place)),
        is_corrupt: error.kind() == ErrorKind::Corrupt,
    }
}

/// A database that cannot be opened as the end of the run.
pub(crate) fn open_failure(error: &Error, database: &str) -> Failure {
    let mut report = report(error, None);
    report.message = format!("cannot open {database}: {}", report.message);
    Failure::Open { report: Box::new(report), is_corrupt: error.kind() == ErrorKind::Corrupt }
}

fn report(error: &Error, place: Option<Place>) -> Report {
    Report {
        message: error.message().to_owned(),
        sqlstate: error.sqlstate().to_owned(),
        hint: error.hint().map(str::to_owned),
        place,
    }
}
