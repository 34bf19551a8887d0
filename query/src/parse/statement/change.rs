//! Statements that change rows.

use sqlparser::ast;

use super::CopyOptions;
use crate::parse::names::Name;

/// A statement that changes rows.
#[derive(Clone, Debug)]
pub enum ChangeStatement {
    /// `INSERT INTO t [(columns)] {VALUES | query | DEFAULT VALUES}`.
    Insert(Box<Insert>),
    /// `UPDATE t [alias] SET … [WHERE …]`.
    Update(Box<Update>),
    /// `DELETE FROM t [alias] [WHERE …]`.
    Delete(Box<Delete>),
    /// `COPY t FROM 'file'`.
    CopyFrom(CopyFrom),
    /// `CREATE TABLE t [(columns)] AS query`.
    CreateTableAs(CreateTableAs),
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

/// Source of the rows of an `INSERT`.
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

/// `COPY t FROM 'file'`.
#[derive(Clone, Debug)]
pub struct CopyFrom {
    /// The table written to.
    pub table: Name,
    /// The columns that the file holds, in its order; empty for all columns of the table.
    pub columns: Vec<String>,
    /// The file.
    pub path: String,
    /// Options for reading it.
    pub options: CopyOptions,
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
