//! Functions of arrays that DataFusion does not have, or answers otherwise than Postgres.

mod constructor;
mod quantified;
mod read;
mod sizes;
mod slice;

use datafusion::logical_expr::ScalarUDF;

pub(crate) use constructor::{constructed, is_constructor};
pub(crate) use quantified::quantified_operator;
pub(crate) use read::read_array;

/// The functions that the parser's tree and users call by name.
pub(super) fn functions() -> Vec<ScalarUDF> {
    let mut all = quantified::functions();
    all.extend(sizes::functions());
    all.extend([constructor::constructor(), slice::slice()]);
    all
}
