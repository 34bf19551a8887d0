//! From text to statements.
//!
//! ```text
//!   text ─▶ tokens ─▶ point clauses set aside ─▶ tree ─▶ checked ─▶ Statement + points
//!           (spans)   (clauses)                          (check: nothing can be ignored)
//! ```

mod clauses;
mod split;
mod statement;

pub use clauses::{PointExpr, PointId, PointSyntax};
pub use split::{StatementText, is_complete, split_statements};
pub use statement::*;
