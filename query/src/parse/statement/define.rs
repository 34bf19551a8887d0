//! Statements that define what exists.

use sqlparser::ast;

use crate::{parse::names::Name, types::ColumnType};

/// A statement that defines, or drops, a table, view, schema or database.
#[derive(Clone, Debug)]
pub enum DefineStatement {
    /// `CREATE TABLE t (…)`.
    CreateTable(CreateTable),
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
    /// Query that it shows.
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
    /// Names of the objects that go.
    pub names: Vec<Name>,
    /// Whether a missing object is fine.
    pub if_exists: bool,
    /// Whether what depends on it goes too.
    pub cascade: bool,
}
