//! Statements about the session: transactions, prepared statements, settings, and what `SHOW` lists.

use std::sync::Arc;

use sqlparser::ast;

use super::Parsed;
use crate::parse::{names::Name, points::PointId};

/// A statement about the session.
#[derive(Clone, Debug)]
pub enum SessionStatement {
    /// `BEGIN`, `START TRANSACTION`.
    Begin(Begin),
    /// `COMMIT`, `END`.
    Commit,
    /// `ROLLBACK`, `ABORT`.
    Rollback,
    /// `SAVEPOINT name`.
    Savepoint(String),
    /// `RELEASE [SAVEPOINT] name`.
    ReleaseSavepoint(String),
    /// `ROLLBACK TO [SAVEPOINT] name`.
    RollbackTo(String),
    /// `PREPARE name [(types)] AS statement`.
    Prepare(Prepare),
    /// `EXECUTE name [(arguments)]`.
    Execute(Execute),
    /// `DEALLOCATE name`, or all of them (`None`).
    Deallocate(Option<String>),
    /// `SET name {= | TO} value`.
    Set(Set),
    /// `RESET name`, or all of them (`None`).
    Reset(Option<String>),
    /// `USE d`.
    Use(Name),
    /// `SHOW`, `DESCRIBE`.
    Show(ShowStatement),
}

/// A listing of settings, or of what exists.
#[derive(Clone, Debug)]
pub enum ShowStatement {
    /// `SHOW name`, `SHOW ALL` (`None`).
    Setting(Option<String>),
    /// `SHOW STATS`.
    Stats,
    /// `SHOW TABLES`.
    Tables,
    /// `SHOW SCHEMAS`.
    Schemas,
    /// `SHOW DATABASES`.
    Databases,
    /// `SHOW COLUMNS FROM t`, `DESCRIBE t`.
    Columns(Name),
    /// `SHOW CREATE TABLE t`.
    Create(Name),
}

/// Isolation level of a transaction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Isolation {
    /// Snapshot isolation.
    #[default]
    Snapshot,
}

/// `BEGIN`.
#[derive(Clone, Debug)]
pub struct Begin {
    /// `READ ONLY`; always so with a point.
    pub read_only: bool,
    /// The isolation asked for.
    pub isolation: Isolation,
    /// `AS OF point`.
    pub point: Option<PointId>,
}

/// `PREPARE`.
#[derive(Clone, Debug)]
pub struct Prepare {
    /// Its name.
    pub name: String,
    /// The types of the parameters, as far as they are given.
    pub types: Vec<ast::DataType>,
    /// The statement, with points of its own. Plan it at `EXECUTE`.
    pub body: Arc<Parsed>,
}

/// `EXECUTE`.
#[derive(Clone, Debug)]
pub struct Execute {
    /// The prepared statement.
    pub name: String,
    /// Constant expressions.
    pub arguments: Vec<ast::Expr>,
}

/// `SET`.
#[derive(Clone, Debug)]
pub struct Set {
    /// The setting, in lower case, parts joined with dots.
    pub name: String,
    /// The value as text; `None` for `DEFAULT`.
    pub value: Option<String>,
    /// `SET LOCAL`: until the transaction ends.
    pub local: bool,
}
