//! Rules over plans of operators.

mod columns;
mod filter_pushdown;
mod soft_limits;

pub(crate) use filter_pushdown::push_filters_by_place;
pub(crate) use soft_limits::DropSoftLimits;
