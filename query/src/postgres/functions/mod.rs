//! Functions that take the place of DataFusion's, or that it does not have.

mod arithmetic;
mod arrays;
mod coalesce;
mod domain;
mod float_key;
mod only_row;
mod scalars;
mod text_casts;
mod times;

pub(crate) use arithmetic::{ROUND_HALF_EVEN, checked_arithmetic, round_half_even};
pub(crate) use arrays::read_array;
pub(crate) use float_key::{FLOAT_KEY, float_key};
pub(crate) use only_row::only_row;
pub(crate) use scalars::scalar_functions;
pub(crate) use text_casts::{read_text, read_value, show_bytes};
pub(crate) use times::{
    Extract, IN_ZONE, TIMEZONE, cast_value, in_zone, is_time_cast, shift, time_cast, time_functions,
};
