//! Statements about the past: snapshots, restores, history, and how long it is kept.

use sqlparser::ast;

use crate::parse::{names::Name, points::PointId};

/// A statement about the past.
#[derive(Clone, Debug)]
pub enum PastStatement {
    /// `CREATE SNAPSHOT`.
    CreateSnapshot(CreateSnapshot),
    /// `ALTER SNAPSHOT`.
    AlterSnapshot(AlterSnapshot),
    /// `DROP SNAPSHOT a, b`.
    DropSnapshot(DropSnapshot),
    /// `EXPLAIN DROP SNAPSHOT a, b`: what would become free.
    ExplainDropSnapshot(DropSnapshot),
    /// `SHOW SNAPSHOTS`, `SHOW SNAPSHOT n`.
    ShowSnapshots(Option<String>),
    /// `RESTORE`, `REVERT SNAPSHOT`.
    Restore(Restore),
    /// `SHOW HISTORY [FOR t]`.
    ShowHistory(Option<Name>),
    /// `ALTER {TABLE t | DATABASE [d]} {SET retention = 'interval' | RESET retention}`.
    AlterRetention(AlterRetention),
    /// `CALL compact()`, `CALL collect()`, `CALL flush()`.
    Call(Procedure),
}

/// Objects that a snapshot or a restore is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// A whole database: the session's own when no name was written.
    Database(Option<Name>),
    /// Tables.
    Tables(Vec<Name>),
}

/// When a snapshot stops holding its moment.
#[derive(Clone, Debug)]
pub enum Expiry {
    /// So many microseconds after now.
    After(u64),
    /// At an instant: a constant expression.
    At(Box<ast::Expr>),
    /// Never.
    Never,
}

/// `CREATE SNAPSHOT`.
#[derive(Clone, Debug)]
pub struct CreateSnapshot {
    /// Its name.
    pub name: String,
    /// Whether an existing one is left as it is.
    pub if_not_exists: bool,
    /// Scope that it holds; everything when not given.
    pub scope: Option<Scope>,
    /// The moment; now when not given.
    pub point: Option<PointId>,
    /// When it lets go.
    pub expiry: Option<Expiry>,
    /// `COMMENT`, or KaiwuDB's `description`.
    pub comment: Option<String>,
}

/// `ALTER SNAPSHOT`.
#[derive(Clone, Debug)]
pub struct AlterSnapshot {
    /// Name of the snapshot.
    pub name: String,
    /// Change that is made.
    pub change: SnapshotChange,
}

/// Change that `ALTER SNAPSHOT` makes.
#[derive(Clone, Debug)]
pub enum SnapshotChange {
    /// `RENAME TO m`.
    Rename(String),
    /// `SET EXPIRE {AFTER i | AT e}`, `SET EXPIRE NEVER`, `RESET EXPIRE`.
    Expire(Expiry),
    /// `SET HOLD 'reason'`.
    Hold(String),
    /// `RELEASE HOLD`.
    ReleaseHold,
    /// `SET COMMENT '…'`; `None` takes it away.
    Comment(Option<String>),
}

/// `DROP SNAPSHOT`.
#[derive(Clone, Debug)]
pub struct DropSnapshot {
    /// Names of the snapshots; all go, or none.
    pub names: Vec<String>,
    /// Whether a missing one is fine.
    pub if_exists: bool,
}

/// `RESTORE`.
#[derive(Clone, Debug)]
pub struct Restore {
    /// Objects that are put back.
    pub scope: Scope,
    /// The moment whose state comes back.
    pub point: PointId,
    /// `IF UNCHANGED SINCE VERSION n`: a constant expression.
    pub if_unchanged_since: Option<Box<ast::Expr>>,
    /// Only report.
    pub dry_run: bool,
}

/// `ALTER {TABLE t | DATABASE [d]} SET retention = 'interval'`.
#[derive(Clone, Debug)]
pub struct AlterRetention {
    /// The table; `None` for the database.
    pub table: Option<Name>,
    /// The database named, if one was.
    pub database: Option<Name>,
    /// Microseconds; `None` goes back to the default.
    pub retention_us: Option<u64>,
}

/// A procedure of `CALL`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Procedure {
    /// Compacts and drops what no readable moment needs.
    Compact,
    /// Deletes files that nothing refers to.
    Collect,
    /// Writes what is in memory to files.
    Flush,
}
