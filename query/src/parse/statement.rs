//! What a text can say: one variant per kind of statement.
//!
//! Queries and data changes keep the parser's tree, checked so that nothing in it can be ignored by the planner
//! without a word. Everything else is plain data with names already folded to lower case.

use std::{fmt, sync::Arc};

use datafusion::sql::sqlparser::ast;

use super::clauses::PointExpr;
use crate::{error::Position, types::ColumnType};

/// A parsed statement with the points that its text names.
#[derive(Clone, Debug)]
pub struct Parsed {
    /// The statement's text, without the semicolon.
    pub text: Arc<str>,
    /// What it says.
    pub statement: Statement,
    /// The point clauses of the text. A table in the tree refers to them by [`super::PointId`].
    pub points: Vec<PointExpr>,
    /// `AS OF SYSTEM TIME e` at the end: the point of every table that names none.
    pub default_point: Option<super::PointId>,
}

/// A name of one to three parts, folded to lower case unless it was quoted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name {
    /// Database, schema, and table, as many as were written; the table is last.
    pub parts: Vec<String>,
    /// Where it stands in the text.
    pub position: Option<Position>,
}

impl Name {
    /// The last part: the object's own name.
    pub fn last(&self) -> &str {
        self.parts.last().map_or("", String::as_str)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.parts.join("."))
    }
}

/// A statement.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Statement {
    /// `SELECT`, `VALUES`, `WITH`, `TABLE t`.
    Query(Box<ast::Query>),
    /// `INSERT INTO t [(columns)] {VALUES | query | DEFAULT VALUES}`.
    Insert(Box<Insert>),
    /// `UPDATE t [alias] SET … [WHERE …]`.
    Update(Box<Update>),
    /// `DELETE FROM t [alias] [WHERE …]`.
    Delete(Box<Delete>),
    /// `EXPLAIN [ANALYZE] [VERBOSE] statement`.
    Explain(Explain),

    /// `CREATE TABLE t (…)`.
    CreateTable(CreateTable),
    /// `CREATE TABLE t [(columns)] AS query`.
    CreateTableAs(CreateTableAs),
    /// `DROP TABLE a, b`.
    DropTable(Drop),
    /// `CREATE VIEW v AS query`.
    CreateView(CreateView),
    /// `DROP VIEW a, b`.
    DropView(Drop),
    /// `CREATE SCHEMA s`.
    CreateSchema(CreateNamed),
    /// `DROP SCHEMA s`.
    DropSchema(Drop),
    /// `CREATE DATABASE d`.
    CreateDatabase(CreateNamed),
    /// `DROP DATABASE d`.
    DropDatabase(Drop),
    /// `ALTER {TABLE t | DATABASE [d]} {SET retention = 'interval' | RESET retention}`.
    AlterRetention(AlterRetention),

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
    /// `SHOW name`, `SHOW ALL` (`None`).
    Show(Option<String>),
    /// `SHOW STATS`.
    ShowStats,
    /// `SHOW TABLES`.
    ShowTables,
    /// `SHOW SCHEMAS`.
    ShowSchemas,
    /// `SHOW DATABASES`.
    ShowDatabases,
    /// `SHOW COLUMNS FROM t`, `DESCRIBE t`.
    ShowColumns(Name),
    /// `SHOW CREATE TABLE t`.
    ShowCreate(Name),
    /// `USE d`.
    Use(Name),

    /// `CREATE SNAPSHOT`.
    CreateSnapshot(CreateSnapshot),
    /// `ALTER SNAPSHOT`.
    AlterSnapshot(AlterSnapshot),
    /// `DROP SNAPSHOT a, b`.
    DropSnapshot(DropSnapshot),
    /// `SHOW SNAPSHOTS`, `SHOW SNAPSHOT n`.
    ShowSnapshots(Option<String>),
    /// `RESTORE`, `REVERT SNAPSHOT`.
    Restore(Restore),
    /// `SHOW HISTORY [FOR t]`.
    ShowHistory(Option<Name>),

    /// `COPY t FROM 'file'`.
    CopyFrom(CopyFrom),
    /// `COPY {t | (query)} TO 'file'`.
    CopyTo(CopyTo),
    /// `CALL compact()`, `CALL collect()`, `CALL flush()`.
    Call(Procedure),
}

/// `INSERT`, checked: a plain table, no conflict clause, no `RETURNING`.
#[derive(Clone, Debug)]
pub struct Insert {
    /// The table written to.
    pub table: Name,
    /// The columns named, in their order; empty when none are.
    pub columns: Vec<String>,
    /// The rows. A `VALUES` list may contain `DEFAULT`, see [`is_default`].
    pub source: InsertSource,
}

/// Where the rows of an `INSERT` come from.
#[derive(Clone, Debug)]
pub enum InsertSource {
    /// `DEFAULT VALUES`: one row of defaults.
    Defaults,
    /// `VALUES (…), (…)` alone: every row as expressions, with `DEFAULT` allowed as [`is_default`].
    Values(Vec<Vec<ast::Expr>>),
    /// Any other query.
    Query(Box<ast::Query>),
}

/// Whether an expression of an `INSERT` or `UPDATE` is the word `DEFAULT`.
pub fn is_default(expr: &ast::Expr) -> bool {
    matches!(expr, ast::Expr::Identifier(ident)
        if ident.quote_style.is_none() && ident.value.eq_ignore_ascii_case("default"))
}

/// `UPDATE`, checked: one plain table, no joins, no `RETURNING`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Update {
    /// The table written to.
    pub table: Name,
    /// The name that the expressions use for it.
    pub alias: Option<String>,
    /// Column and its new value (or [`is_default`]), in the order written; no column twice.
    pub assignments: Vec<(String, ast::Expr)>,
    /// `WHERE`.
    pub selection: Option<ast::Expr>,
}

/// `DELETE`, checked: one plain table, no `USING`, no `RETURNING`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Delete {
    /// The table written to.
    pub table: Name,
    /// The name that the expressions use for it.
    pub alias: Option<String>,
    /// `WHERE`.
    pub selection: Option<ast::Expr>,
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
    /// What is explained: a query or a data change, or `DROP SNAPSHOT`.
    pub statement: Box<Statement>,
}

/// `CREATE TABLE t (columns)`.
#[derive(Clone, Debug)]
pub struct CreateTable {
    /// The new table.
    pub name: Name,
    /// Whether an existing table is left as it is.
    pub if_not_exists: bool,
    /// The columns in order; no name twice.
    pub columns: Vec<ColumnSpec>,
    /// The columns of the primary key, in key order; empty when there is none.
    pub primary_key: Vec<String>,
}

/// A column of `CREATE TABLE`.
#[derive(Clone, Debug)]
pub struct ColumnSpec {
    /// Its name.
    pub name: String,
    /// Its type.
    pub column_type: ColumnType,
    /// `NOT NULL`, said or implied by the primary key.
    pub not_null: bool,
    /// `DEFAULT`: the expression and its text.
    pub default: Option<(ast::Expr, String)>,
}

/// `CREATE TABLE t AS query`.
#[derive(Clone, Debug)]
pub struct CreateTableAs {
    /// The new table.
    pub name: Name,
    /// Whether an existing table is left as it is.
    pub if_not_exists: bool,
    /// Names of the columns; empty to take those of the query.
    pub columns: Vec<String>,
    /// The primary key of `CREATE TABLE t (PRIMARY KEY (a, b)) AS query`; empty when there is none.
    pub primary_key: Vec<String>,
    /// The rows.
    pub query: Box<ast::Query>,
    /// `WITH NO DATA`: only the columns.
    pub without_data: bool,
}

/// `CREATE VIEW`.
#[derive(Clone, Debug)]
pub struct CreateView {
    /// The new view.
    pub name: Name,
    /// Whether it takes the place of an existing view.
    pub or_replace: bool,
    /// Whether an existing view is left as it is.
    pub if_not_exists: bool,
    /// Names of the columns; empty to take those of the query.
    pub columns: Vec<String>,
    /// What it shows.
    pub query: Box<ast::Query>,
    /// The text of the query, with its point clauses as written: parse it again to read the view.
    pub query_text: String,
}

/// `CREATE SCHEMA s`, `CREATE DATABASE d`.
#[derive(Clone, Debug)]
pub struct CreateNamed {
    /// The new object.
    pub name: Name,
    /// Whether an existing one is left as it is.
    pub if_not_exists: bool,
}

/// `DROP … a, b [CASCADE]`.
#[derive(Clone, Debug)]
pub struct Drop {
    /// What goes.
    pub names: Vec<Name>,
    /// Whether a missing object is fine.
    pub if_exists: bool,
    /// Whether what depends on it goes too.
    pub cascade: bool,
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

/// How a transaction isolates.
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
    pub point: Option<super::PointId>,
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

/// What a snapshot or a restore is about.
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
    /// What it holds; everything when not given.
    pub scope: Option<Scope>,
    /// The moment; now when not given.
    pub point: Option<super::PointId>,
    /// When it lets go.
    pub expiry: Option<Expiry>,
    /// `COMMENT`, or KaiwuDB's `description`.
    pub comment: Option<String>,
}

/// `ALTER SNAPSHOT`.
#[derive(Clone, Debug)]
pub struct AlterSnapshot {
    /// Which one.
    pub name: String,
    /// What changes.
    pub change: SnapshotChange,
}

/// What `ALTER SNAPSHOT` changes.
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
    /// Which ones; all go, or none.
    pub names: Vec<String>,
    /// Whether a missing one is fine.
    pub if_exists: bool,
}

/// `RESTORE`.
#[derive(Clone, Debug)]
pub struct Restore {
    /// What is put back.
    pub scope: Scope,
    /// The moment whose state comes back.
    pub point: super::PointId,
    /// `IF UNCHANGED SINCE VERSION n`: a constant expression.
    pub if_unchanged_since: Option<Box<ast::Expr>>,
    /// Only report.
    pub dry_run: bool,
}

/// The format of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileFormat {
    /// Comma-separated values.
    Csv,
    /// Apache Parquet.
    Parquet,
}

/// The line of names at the start of a CSV file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Header {
    /// There is none.
    Absent,
    /// The first line names the columns.
    Present,
    /// The first line must name the columns that the statement lists, in its order.
    Match,
}

impl Header {
    /// True when the first line of the file is no row.
    pub fn is_present(self) -> bool {
        self != Self::Absent
    }
}

/// Options of `COPY`, checked and with their defaults.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopyOptions {
    /// `FORMAT`, or what the file's name says, or CSV.
    pub format: FileFormat,
    /// `HEADER`: the first line names the columns.
    pub header: Header,
    /// `DELIMITER`.
    pub delimiter: u8,
    /// `QUOTE`.
    pub quote: u8,
    /// `ESCAPE`: the byte before a quote inside quotes; the quote itself unless said otherwise.
    pub escape: u8,
    /// `NULL`: the unquoted text that stands for NULL; empty by default.
    pub null: String,
}

impl Default for CopyOptions {
    fn default() -> Self {
        Self {
            format: FileFormat::Csv,
            header: Header::Absent,
            delimiter: b',',
            quote: b'"',
            escape: b'"',
            null: String::new(),
        }
    }
}

/// `COPY t FROM 'file'`.
#[derive(Clone, Debug)]
pub struct CopyFrom {
    /// The table written to.
    pub table: Name,
    /// The columns that the file holds, in its order; empty for all columns of the table.
    pub columns: Vec<String>,
    /// The file.
    pub path: String,
    /// How to read it.
    pub options: CopyOptions,
}

/// `COPY … TO 'file'`.
#[derive(Clone, Debug)]
pub struct CopyTo {
    /// What is written: a table becomes a query of it, its point included.
    pub query: Box<ast::Query>,
    /// The file.
    pub path: String,
    /// How to write it.
    pub options: CopyOptions,
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
