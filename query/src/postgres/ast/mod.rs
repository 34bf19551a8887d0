//! Passes over the parser's tree, before it is planned.

mod interval_literals;
pub(crate) mod output_names;
mod series;
pub(crate) mod spellings;
pub(crate) mod time_zone_syntax;
pub(crate) mod using;
