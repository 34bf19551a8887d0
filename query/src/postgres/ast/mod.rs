//! Passes over the parser's tree, before it is planned.

mod balance;
mod interval_literals;
mod join_conditions;
pub(crate) mod output_names;
mod recursion;
pub(crate) mod rows;
mod series;
pub(crate) mod spellings;
pub(crate) mod time_zone_syntax;
pub(crate) mod using;
mod whole_rows;
mod windows;

pub(crate) use balance::{LONG, balanced};
