//! Floats that fail with 22003 where an answer leaves their range, as in Postgres: DataFusion's become
//! infinite, or zero.
//!
//! An answer may be infinite where an operand is, and zero where an operand is.

mod aggregates;
mod casts;
mod extremes;
mod grouped;
mod non_finite;
mod range;

pub(crate) use aggregates::checked_float_aggregate;
pub(super) use casts::narrowed;
pub(crate) use casts::{float_cast, is_float_cast};
pub(crate) use extremes::extremes;
pub(super) use range::{checked_result, overflow, underflow};
