//! The error of the SQL layer: what happened, its SQLSTATE, where in the text, and what to do next.
//!
//! Messages and hints are [`printable`], whatever they quote: they are made so here, where every error is
//! made. Every failure that a user can cause has a constructor here, so that one mistake has one code and one
//! wording. Errors of the layers below and of DataFusion are converted in the module `convert`.

mod convert;
mod layers;
mod printable;
mod sql_types;
mod sqlstate;
mod suggest;
mod wording;

use std::{fmt, sync::Arc};

pub use printable::printable;
pub use sqlstate::SqlState;
pub use suggest::{did_you_mean, similar};

/// The result of an SQL call.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Class of an [`Error`], by what the caller can do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Another transaction was first. Run the transaction again.
    Conflict,
    /// Storage failed. Repair or free space, then retry.
    Unavailable,
    /// The named object does not exist. Correct the name.
    NotFound,
    /// The object or the key is there already. Choose another.
    AlreadyExists,
    /// The moment is no longer readable. Ask for a newer or a pinned one.
    TooOld,
    /// The request is wrong as it stands. Correct it.
    Invalid,
    /// The feature does not exist. Do it another way.
    Unsupported,
    /// A newer writer took over. Open the database again.
    Fenced,
    /// The database is closed, or what it stored is not known. Open it again, and look.
    Closed,
    /// Stored bytes are damaged. Restore the file from a copy.
    Corrupt,
    /// The session or the database cannot write. Drop the pin, or open it for writing.
    ReadOnly,
    /// Somebody else holds the object. Wait, then retry.
    Locked,
    /// The call was cancelled. Nothing of it happened.
    Cancelled,
    /// A mistake in this program. Report it.
    Internal,
}

/// Line and column of a place in an SQL text, both counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The line, counted from 1.
    pub line: u32,
    /// The column in characters, counted from 1.
    pub column: u32,
}

/// The place that the tokenizer counts as this line and column; it writes zero for "unknown".
pub(crate) fn position(line: u64, column: u64) -> Option<Position> {
    (line > 0).then_some(Position { line: line as u32, column: column.max(1) as u32 })
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// Reason for which an SQL call failed.
#[derive(Clone, Debug)]
pub struct Error {
    kind: ErrorKind,
    state: SqlState,
    message: String,
    hint: Option<String>,
    position: Option<Position>,
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|source| source.as_ref() as _)
    }
}

impl Error {
    /// An error of this state and its kind. The message is made [`printable`].
    pub fn new(state: SqlState, message: impl Into<String>) -> Self {
        let message = printable::into_printable(message.into());
        Self { kind: state.kind(), state, message, hint: None, position: None, source: None }
    }

    /// This error for a caller who can do something else about it than about others of its state.
    pub fn of_kind(mut self, kind: ErrorKind) -> Self {
        self.kind = kind;
        self
    }

    /// This error with advice on what to do next. An empty hint changes nothing.
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        let hint = printable::into_printable(hint.into());
        if !hint.is_empty() {
            self.hint = Some(hint);
        }
        self
    }

    /// This error at a place in the text, unless it has one already.
    pub fn at(mut self, position: Option<Position>) -> Self {
        self.position = self.position.or(position);
        self
    }

    /// This error with the name of what it belongs to in front: `prefix: message`.
    pub fn prefixed(self, prefix: &str) -> Self {
        self.reworded(|message| format!("{prefix}: {message}"))
    }

    /// This error in other words; kind, code, hint, position and source stay.
    pub fn reworded(mut self, reword: impl FnOnce(&str) -> String) -> Self {
        self.message = reword(&self.message);
        self
    }

    /// This error with what caused it.
    pub fn with_source(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.source = Some(Arc::new(source));
        self
    }

    /// Class of the error, by what the caller can do about it.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The five-character SQLSTATE.
    pub fn sqlstate(&self) -> &'static str {
        self.state.code()
    }

    /// The condition that the SQLSTATE stands for.
    pub fn state(&self) -> SqlState {
        self.state
    }

    /// Description of what happened, in one line.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Advice on what to do next, if there is any.
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// Position in the statement's text, if that is known.
    pub fn position(&self) -> Option<Position> {
        self.position
    }

    /// Whether the same call can succeed when it is made again.
    pub fn is_retryable(&self) -> bool {
        matches!(self.kind, ErrorKind::Conflict | ErrorKind::Locked)
    }

    // ---- the text ----

    /// 42601: the text is not SQL.
    pub fn syntax(message: impl Into<String>) -> Self {
        Self::new(SqlState::SyntaxError, message)
    }

    /// 0A000: SQL, but not in this database. `feature` is named as the user wrote it.
    pub fn unsupported(feature: impl fmt::Display) -> Self {
        Self::new(SqlState::FeatureNotSupported, format!("{feature} is not supported"))
    }

    /// 42P01: no such table or view.
    pub fn no_table<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        Self::new(SqlState::UndefinedTable, format!("table {name} does not exist"))
            .with_hint(did_you_mean(name, known))
    }

    /// 42703: no such column.
    pub fn no_column<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        Self::new(SqlState::UndefinedColumn, format!("column {name} does not exist"))
            .with_hint(did_you_mean(name, known))
    }

    /// 3F000: no such schema.
    pub fn no_schema<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        Self::new(SqlState::InvalidSchemaName, format!("schema {name} does not exist"))
            .with_hint(did_you_mean(name, known))
    }

    /// 3D000: no such database.
    pub fn no_database<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        Self::new(SqlState::InvalidCatalogName, format!("database {name} does not exist"))
            .with_hint(did_you_mean(name, known))
    }

    /// 42883: no such function.
    pub fn no_function(message: impl Into<String>) -> Self {
        Self::new(SqlState::UndefinedFunction, message)
    }

    /// 42P07: a table or view of this name exists.
    pub fn table_exists(name: &str) -> Self {
        Self::new(SqlState::DuplicateTable, format!("table {name} already exists"))
    }

    /// 42P06: a schema of this name exists.
    pub fn schema_exists(name: &str) -> Self {
        Self::new(SqlState::DuplicateSchema, format!("schema {name} already exists"))
    }

    /// 42P04: a database of this name exists.
    pub fn database_exists(name: &str) -> Self {
        Self::new(SqlState::DuplicateDatabase, format!("database {name} already exists"))
    }

    /// 42701: a column is named twice.
    pub fn duplicate_column(name: &str) -> Self {
        Self::new(SqlState::DuplicateColumn, format!("column {name} is named more than once"))
    }

    /// 42804: a value of the wrong type.
    pub fn type_mismatch(message: impl Into<String>) -> Self {
        Self::new(SqlState::DatatypeMismatch, message)
    }

    /// 42P16: a table definition that makes no sense.
    pub fn invalid_definition(message: impl Into<String>) -> Self {
        Self::new(SqlState::InvalidTableDefinition, message)
    }

    // ---- moments and snapshots ----

    /// 72000: the moment is below the horizon and not pinned. All are written as the user would; `before` and
    /// `after` are the nearest snapshots.
    pub fn too_old(requested: &str, horizon: &str, before: Option<&str>, after: Option<&str>) -> Self {
        let near = match (before, after) {
            (None, None) => "no snapshot holds an older moment".to_owned(),
            (Some(one), None) | (None, Some(one)) => format!("the nearest snapshot is {one}"),
            (Some(before), Some(after)) => format!("the nearest snapshots are {before} and {after}"),
        };
        Self::new(
            SqlState::SnapshotTooOld,
            format!("{requested} is too old: the oldest readable moment is {horizon}"),
        )
        .with_hint(format!(
            "{near}; to keep a moment, pin it with CREATE SNAPSHOT, or raise the retention with ALTER TABLE … SET \
             retention"
        ))
    }

    /// 42704: no such snapshot.
    pub fn no_snapshot<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        let hint = did_you_mean(name, known);
        let hint = if hint.is_empty() { "SHOW SNAPSHOTS lists them".to_owned() } else { hint };
        Self::new(SqlState::UndefinedObject, format!("snapshot {name} does not exist")).with_hint(hint)
    }

    /// 42710: a snapshot of this name exists.
    pub fn snapshot_exists(name: &str) -> Self {
        Self::new(SqlState::DuplicateObject, format!("snapshot {name} already exists"))
            .with_hint("snapshots never move: choose another name, or drop the old one first")
    }

    /// 55006: the snapshot is held or in use.
    pub fn snapshot_in_use(name: &str, why: impl fmt::Display) -> Self {
        Self::new(SqlState::ObjectInUse, format!("snapshot {name} cannot be dropped: {why}"))
    }

    /// 25006: a write where only reading is possible.
    pub fn read_only(why: impl fmt::Display) -> Self {
        Self::new(SqlState::ReadOnlyTransaction, format!("cannot write: {why}"))
    }

    /// 22023: a moment that has not happened yet.
    pub fn future(requested: &str, now: &str) -> Self {
        Self::new(SqlState::InvalidParameterValue, format!("{requested} is in the future: it is now {now}"))
            .with_hint(
                "a literal without zone is read in the session's time zone; write the zone to be exact",
            )
    }

    /// 22023: a parameter or a moment that is not valid.
    pub fn invalid_value(message: impl Into<String>) -> Self {
        Self::new(SqlState::InvalidParameterValue, message)
    }

    // ---- data ----

    /// 23505: the key is there already. `key` reads like `(id)=(7)`.
    pub fn duplicate_key(table: &str, key: impl fmt::Display) -> Self {
        Self::new(SqlState::UniqueViolation, format!("duplicate key in table {table}: {key} exists already"))
    }

    /// 23502: NULL where none may be.
    pub fn null_not_allowed(table: &str, column: &str) -> Self {
        Self::new(SqlState::NotNullViolation, format!("column {column} of table {table} must not be NULL"))
    }

    /// 22P02: text that is not a value of the type.
    pub fn bad_text(text: &str, type_name: impl fmt::Display) -> Self {
        Self::new(SqlState::InvalidTextRepresentation, format!("{} is not a valid {type_name}", quoted(text)))
    }

    /// 22007: text that does not read like a time.
    pub fn bad_time(text: &str, type_name: impl fmt::Display) -> Self {
        Self::new(SqlState::InvalidDatetimeFormat, format!("{} is not a valid {type_name}", quoted(text)))
            .with_hint("write for instance '2024-01-31', '2024-01-31 12:00:00' or '2024-01-31 12:00:00+01'")
    }

    /// 22008: there is no such time.
    pub fn time_out_of_range(what: impl fmt::Display) -> Self {
        Self::new(SqlState::DatetimeFieldOverflow, format!("{what} is out of range for a time"))
            .with_hint("times are in the years 1 to 9999")
    }

    /// 22021: a text with the character of number zero.
    pub fn null_character() -> Self {
        Self::new(SqlState::CharacterNotInRepertoire, "a text cannot have the character of number zero")
            .with_hint("keep it as BYTEA")
    }

    /// 22003: a number that does not fit.
    pub fn out_of_range(value: impl fmt::Display, type_name: impl fmt::Display) -> Self {
        Self::new(SqlState::NumericValueOutOfRange, format!("{value} is out of range for {type_name}"))
    }

    /// 22001: text longer than the column allows.
    pub fn too_long(column: &str, type_name: impl fmt::Display, chars: usize) -> Self {
        Self::new(
            SqlState::StringDataRightTruncation,
            format!("value of {chars} characters is too long for column {column} of type {type_name}"),
        )
    }

    // ---- transactions ----

    /// 40001: somebody else committed first.
    pub fn conflict(what: impl fmt::Display) -> Self {
        Self::new(SqlState::SerializationFailure, format!("conflict with a concurrent commit: {what}"))
            .with_hint("run the transaction again")
    }

    /// 25P02: the transaction failed earlier.
    pub fn transaction_aborted() -> Self {
        Self::new(
            SqlState::FailedTransaction,
            "the transaction failed earlier: statements are ignored until it ends",
        )
        .with_hint("ROLLBACK, or ROLLBACK TO a savepoint")
    }

    /// 25P01: a statement that needs a transaction.
    pub fn no_transaction(statement: &str) -> Self {
        Self::new(SqlState::NoActiveTransaction, format!("{statement} outside a transaction"))
            .with_hint("BEGIN first")
    }

    /// 25001: a statement that must not run inside a transaction.
    pub fn in_transaction(statement: &str) -> Self {
        Self::new(SqlState::ActiveTransaction, format!("{statement} inside a transaction"))
            .with_hint("COMMIT or ROLLBACK first")
    }

    /// 3B001: no such savepoint.
    pub fn no_savepoint(name: &str) -> Self {
        Self::new(SqlState::InvalidSavepoint, format!("savepoint {name} does not exist"))
    }

    /// 26000: no such prepared statement.
    pub fn no_prepared(name: &str) -> Self {
        Self::new(SqlState::InvalidStatementName, format!("prepared statement {name} does not exist"))
    }

    /// 42P05: a prepared statement of this name exists.
    pub fn prepared_exists(name: &str) -> Self {
        Self::new(SqlState::DuplicatePreparedStatement, format!("prepared statement {name} already exists"))
    }

    // ---- the system ----

    /// 53100: the disk is full.
    pub fn disk_full() -> Self {
        Self::new(SqlState::DiskFull, "the disk is full: nothing of this statement was kept")
            .with_hint("free space, then run it again; the database stays readable")
    }

    /// 53200: more memory than allowed.
    pub fn out_of_memory(message: impl Into<String>) -> Self {
        Self::new(SqlState::OutOfMemory, message)
            .with_hint("raise query_memory, in the session or of the database, or ask for less at once")
    }

    /// 54000: a limit of the program.
    pub fn limit(message: impl Into<String>) -> Self {
        Self::new(SqlState::ProgramLimitExceeded, message)
    }

    /// 55P03: locked by somebody else.
    pub fn locked(message: impl Into<String>) -> Self {
        Self::new(SqlState::LockNotAvailable, message)
    }

    /// 57014: cancelled.
    pub fn cancelled() -> Self {
        Self::new(SqlState::QueryCanceled, "cancelled: nothing of this statement was kept")
    }

    /// XX001: stored bytes are damaged.
    pub fn corrupt(message: impl Into<String>) -> Self {
        Self::new(SqlState::DataCorrupted, message).with_hint("restore the file from a copy")
    }

    /// 58030: a file outside the database could not be read or written.
    pub fn file(path: &str, error: &std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::NotFound => {
                Self::new(SqlState::UndefinedFile, format!("file {path} does not exist"))
            }
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
                Self::new(SqlState::DiskFull, format!("the disk is full: {path} was not written"))
            }
            _ => Self::new(SqlState::IoError, format!("file {path}: {error}")),
        }
    }

    /// XX000: a mistake in this program.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(SqlState::InternalError, message)
    }
}

/// `text` in quotes, cut short when it is long, for messages.
pub fn quoted(text: &str) -> String {
    const CHARS_MAX: usize = 60;
    if text.chars().count() <= CHARS_MAX {
        format!("{text:?}")
    } else {
        let start: String = text.chars().take(CHARS_MAX).collect();
        format!("{start:?}…")
    }
}

#[cfg(test)]
mod tests;
