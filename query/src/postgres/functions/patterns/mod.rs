//! Patterns: what LIKE, SIMILAR TO and `substring` match.

mod bytes;
mod escaped;
mod translate;

use datafusion::logical_expr::ScalarUDF;

pub(crate) use bytes::bytes_like;
pub(crate) use translate::{marked_part, regular_expression, with_backslashes};

/// The functions that the parser's tree calls by name.
pub(super) fn functions() -> Vec<ScalarUDF> {
    escaped::functions()
}
