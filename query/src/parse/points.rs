//! Points: the moments that a text names.

use sqlparser::ast;

use crate::error::Position;

/// A point clause of a statement: its place in [`super::Parsed::points`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PointId(pub usize);

impl PointId {
    /// The clause that a table in the tree refers to, if it is one of ours.
    pub fn of(version: &ast::TableVersion) -> Option<Self> {
        let ast::TableVersion::ForSystemTimeAsOf(ast::Expr::Value(value)) = version else { return None };
        let ast::Value::Number(number, _) = &value.value else { return None };
        number.parse().ok().map(Self)
    }
}

/// A moment as the text names it; expressions are constant and evaluated anew at every execution.
#[derive(Clone, Debug, PartialEq)]
pub struct PointExpr {
    /// Syntax of the clause.
    pub syntax: PointSyntax,
    /// The clause as written, for messages and for `EXPLAIN`.
    pub text: String,
    /// Position in the text.
    pub position: Option<Position>,
}

/// The kinds of moment that a text can name.
#[derive(Clone, Debug, PartialEq)]
pub enum PointSyntax {
    /// `SNAPSHOT name`, `SNAPSHOT 'name'`.
    Snapshot(String),
    /// `SNAPSHOT $n`: the name is a parameter.
    SnapshotParameter(ast::Expr),
    /// `TIMESTAMP expr`: a string literal is read by [`crate::time::literal_time`].
    Timestamp(ast::Expr),
    /// `VERSION expr`: microseconds since 1970, as a number.
    Version(ast::Expr),
}
