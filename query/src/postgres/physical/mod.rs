//! Rules over plans of operators.

mod columns;
mod filter_pushdown;

pub(crate) use filter_pushdown::push_filters_by_place;
