//! Statements: one enum per family, one variant per kind.
//!
//! Queries and data changes keep the parser's tree, checked so that nothing in it can be ignored by the
//! planner without a word. Everything else is plain data with names already folded to lower case.
//!
//! 1. A family is matched by its own room and by [`crate::plan`], each time without a catch-all: a new kind
//!    of statement is added here and read in [`crate::parse`], and the compiler says what is left to do.

mod change;
mod copy;
mod define;
mod past;
mod read;
mod session;

use std::sync::Arc;

use super::points::{PointExpr, PointId};

pub use change::{
    ChangeStatement, CopyFrom, CreateTableAs, Delete, Insert, InsertSource, Update, is_default,
};
pub use copy::{CopyOptions, FileFormat, Header};
pub use define::{ColumnSpec, CreateNamed, CreateTable, CreateView, DefineStatement, Drop};
pub use past::{
    AlterRetention, AlterSnapshot, CreateSnapshot, DropSnapshot, Expiry, PastStatement, Procedure, Restore,
    Scope, SnapshotChange,
};
pub use read::{CopyTo, ReadStatement};
pub use session::{Begin, Execute, Isolation, Prepare, SessionStatement, Set, ShowStatement};

/// A parsed statement with the points that its text names.
#[derive(Clone, Debug)]
pub struct Parsed {
    /// The statement's text, without the semicolon.
    pub text: Arc<str>,
    /// Parsed form of the text.
    pub statement: Statement,
    /// The point clauses of the text. A table in the tree refers to them by [`PointId`].
    pub points: Vec<PointExpr>,
    /// `AS OF SYSTEM TIME e` at the end: the point of every table that names none.
    pub default_point: Option<PointId>,
}

/// A statement, by its family.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Statement {
    /// It reads.
    Read(ReadStatement),
    /// It changes rows.
    Change(ChangeStatement),
    /// It defines what exists.
    Define(DefineStatement),
    /// It is about the past.
    Past(PastStatement),
    /// It is about the session.
    Session(SessionStatement),
    /// `EXPLAIN [ANALYZE] [VERBOSE] statement`.
    Explain(Explain),
}

impl From<ReadStatement> for Statement {
    fn from(statement: ReadStatement) -> Self {
        Self::Read(statement)
    }
}

impl From<ChangeStatement> for Statement {
    fn from(statement: ChangeStatement) -> Self {
        Self::Change(statement)
    }
}

impl From<DefineStatement> for Statement {
    fn from(statement: DefineStatement) -> Self {
        Self::Define(statement)
    }
}

impl From<PastStatement> for Statement {
    fn from(statement: PastStatement) -> Self {
        Self::Past(statement)
    }
}

impl From<SessionStatement> for Statement {
    fn from(statement: SessionStatement) -> Self {
        Self::Session(statement)
    }
}

/// `EXPLAIN`.
#[derive(Clone, Debug)]
pub struct Explain {
    /// Runs the statement and shows what it did. A statement that writes must not be run.
    pub analyze: bool,
    /// Shows more.
    pub verbose: bool,
    /// `FORMAT name`, in lower case.
    pub format: Option<String>,
    /// The statement whose plan is shown.
    pub statement: Explained,
}

/// A statement that has a plan.
#[derive(Clone, Debug)]
pub enum Explained {
    /// It reads.
    Read(ReadStatement),
    /// It changes rows; it is planned and never run.
    Change(ChangeStatement),
}
