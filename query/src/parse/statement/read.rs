//! Statements that read.

use sqlparser::ast;

use super::CopyOptions;

/// A statement that reads.
#[derive(Clone, Debug)]
pub enum ReadStatement {
    /// `SELECT`, `VALUES`, `WITH`, `TABLE t`.
    Query(Box<ast::Query>),
    /// `COPY {t | (query)} TO 'file'`.
    CopyTo(CopyTo),
}

/// `COPY … TO 'file'`.
#[derive(Clone, Debug)]
pub struct CopyTo {
    /// Query that is written: a table becomes a query of it, its point included.
    pub query: Box<ast::Query>,
    /// The file.
    pub path: String,
    /// Options for writing it.
    pub options: CopyOptions,
}
