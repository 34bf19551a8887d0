//! Rules over plans of operators.

mod columns;
mod conditions;
mod filter_pushdown;
mod limited_groups;
mod lost_orders;
mod outer_constants;
mod short_circuit;
mod soft_limits;

pub(crate) use conditions::{OrderConditions, from_left_to_right};
pub(crate) use filter_pushdown::push_filters_by_place;
pub(crate) use limited_groups::limit_exact_groups;
pub(crate) use lost_orders::restore_lost_orders;
pub(crate) use outer_constants::forget_constants_of_outer_joins;
pub(crate) use soft_limits::DropSoftLimits;
