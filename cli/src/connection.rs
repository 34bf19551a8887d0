//! The one place where the command meets the library: opening, running a statement, asking for names.

use std::io::{self, IsTerminal};

use arrow::array::{Array, RecordBatch};
use arrow::util::display::array_value_to_string;
use bygone::{Database, Error, ErrorKind, Outcome, Position, Session};
use futures::TryStreamExt;

use crate::args::Arguments;
use crate::failure::{Failure, Place, Report};
use crate::progress::TerminalProgress;

/// The database of a run. The first statement that could be one opens it: a mistyped command makes no
/// directory.
pub(crate) struct Opener<'a> {
    arguments: &'a Arguments,
    connection: Option<Connection>,
}

impl<'a> Opener<'a> {
    pub(crate) fn new(arguments: &'a Arguments) -> Self {
        Self { arguments, connection: None }
    }

    /// Returns the connection, which is made when there is none yet.
    pub(crate) async fn open(&mut self) -> Result<&Connection, Failure> {
        if let Some(ref connection) = self.connection {
            return Ok(connection);
        }
        let connection = Box::pin(Connection::open(self.arguments)).await?;
        if self.arguments.progress && io::stderr().is_terminal() {
            connection.session().set_progress(TerminalProgress::shared());
        }
        Ok(self.connection.insert(connection))
    }

    /// Returns the connection, if it has been made.
    pub(crate) fn opened(&self) -> Option<&Connection> {
        self.connection.as_ref()
    }

    /// True when the database was opened and its session is inside a transaction.
    pub(crate) fn in_transaction(&self) -> bool {
        self.opened().is_some_and(|connection| connection.session().in_transaction())
    }

    /// Makes everything durable and releases the lock.
    pub(crate) async fn close(self) -> Result<(), Failure> {
        match self.connection {
            Some(connection) => connection.close().await,
            None => Ok(()),
        }
    }
}

/// An open database with the one session of this run.
pub(crate) struct Connection {
    database: Database,
    session: Session,
}

impl Connection {
    /// Opens the database and pins the session when the run is `--as-of` a moment.
    pub(crate) async fn open(arguments: &Arguments) -> Result<Self, Failure> {
        let mut builder = Database::builder(&arguments.database).read_only(arguments.opens_for_reading());
        if let Some(bytes) = arguments.query_memory {
            builder = builder.query_memory(bytes);
        }
        let database = builder.open().await.map_err(|error| open_failure(&error, &arguments.database))?;
        let session = database.session();
        let connection = Self { database, session };
        if let Some(point) = &arguments.as_of {
            connection.session.pin(point).await.map_err(|error| failure(&error))?;
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
        database.close().await.map_err(|error| failure(&error))
    }
}

/// A statement's error as the end of the run; `locate` turns its position, if it has one, into a place of the
/// script.
pub(crate) fn statement_failure(
    error: &Error,
    locate: impl FnOnce(Option<Position>) -> Option<Place>,
) -> Failure {
    Failure::Statement {
        report: Box::new(report(error, locate(error.position()))),
        is_corrupt: error.kind() == ErrorKind::Corrupt,
    }
}

/// An error of what the user did not write as a statement.
pub(crate) fn failure(error: &Error) -> Failure {
    statement_failure(error, |_| None)
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
