//! Passes over the parser's tree, before it is planned.

pub(crate) mod output_names;
pub(crate) mod rows;
pub(crate) mod spellings;
pub(crate) mod time_zone_syntax;
pub(crate) mod using;
