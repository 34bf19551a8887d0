//! Point clauses: `AS OF …` in all its spellings, found in the token stream and kept aside.
//!
//! The parser underneath knows one spelling, `FOR SYSTEM_TIME AS OF expr`, after a table's name. Every clause of the
//! user's is replaced by that one with a number for an expression: the clause's place in [`super::Parsed::points`].
//!
//! ```text
//!   FROM flights AS OF SNAPSHOT jan f       ──▶   FROM flights FOR SYSTEM_TIME AS OF 0 f
//!   points[0] = SNAPSHOT jan
//! ```
//!
//! 1. A clause is either recorded and found again in the tree, on a table that can be read at a moment, or it is an
//!    error: `super::check` counts them.
//! 2. The tokens put in carry the place of the clause, so that errors point at the user's text.

use datafusion::sql::sqlparser::ast;

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
    /// What the clause says.
    pub syntax: PointSyntax,
    /// The clause as written, for messages and for `EXPLAIN`.
    pub text: String,
    /// Where it stands.
    pub position: Option<Position>,
}

/// The kinds of moment that a text can name.
#[derive(Clone, Debug, PartialEq)]
pub enum PointSyntax {
    /// `SNAPSHOT name`, `SNAPSHOT 'name'`.
    Snapshot(String),
    /// `SNAPSHOT $n`: the name is a parameter.
    SnapshotParameter(ast::Expr),
    /// `TIMESTAMP expr`: a string literal is read by [`crate::points::literal_time`].
    Timestamp(ast::Expr),
    /// `VERSION expr`: microseconds since 1970, as a number.
    Version(ast::Expr),
}
