//! Passes over the parser's tree, before it is planned.

mod aggregate_orders;
mod arrays;
mod balance;
mod calls;
mod conditions;
mod distinct_on;
mod frames;
mod grouping;
pub(crate) mod input_names;
mod interval_literals;
mod item_names;
mod join_conditions;
mod long_cases;
mod made_queries;
pub(crate) mod output_names;
mod parentheses;
pub(crate) mod placement;
mod recursion;
pub(crate) mod rows;
pub(crate) mod scope;
mod self_references;
mod series;
pub(crate) mod shared_queries;
pub(crate) mod spellings;
pub(crate) mod time_zone_syntax;
pub(crate) mod using;
mod values;
mod whole_rows;
mod windows;

pub(crate) use balance::{LONG, balanced};

use sqlparser::ast::Function;

/// A call of the function of that name, written without a schema.
fn is_called(function: &Function, name: &str) -> bool {
    matches!(function.name.0.as_slice(), [part]
        if part.as_ident().is_some_and(|ident| ident.value.eq_ignore_ascii_case(name)))
}
