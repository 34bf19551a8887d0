//! Functions of arrays that DataFusion does not have, or answers otherwise than Postgres.

mod constructor;
mod containment;
mod numbers;
mod quantified;
mod read;
mod removal;
mod sizes;
mod slice;

use datafusion::logical_expr::ScalarUDF;

pub(crate) use constructor::{constructed, is_constructor};
pub(crate) use containment::{contains_elements, is_containment, overlaps};
pub(crate) use quantified::quantified_operator;
pub(super) use read::read_arrays;

/// The functions that the parser's tree and users call by name.
pub(super) fn functions() -> Vec<ScalarUDF> {
    let mut all = quantified::functions();
    all.extend(sizes::functions());
    all.extend(numbers::functions());
    all.extend([constructor::constructor(), slice::slice(), removal::array_remove_all()]);
    all
}
