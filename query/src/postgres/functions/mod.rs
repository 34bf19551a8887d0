//! Functions that take the place of DataFusion's, or that it does not have.

mod arithmetic;
mod arrays;
mod casts;
mod chains;
mod characters;
mod coalesce;
mod comparison_key;
mod domain;
mod exact_key;
mod floats;
mod guarded;
mod intervals;
mod nested_order;
mod nth_row;
mod only_row;
mod or_null;
mod patterns;
mod places;
mod rounding;
mod row_value;
mod scalars;
mod shifted_rows;
mod shifts;
mod sliding;
mod text_casts;
mod text_sizes;
mod tiles;
mod times;
mod version;
mod window_arguments;
mod wrapped_aggregate;
mod zoned_frame;

pub(crate) use arithmetic::{ROUND_HALF_EVEN, checked_arithmetic, negated_float, round_half_even};
pub(crate) use arrays::{
    constructed, contains_elements, is_constructor, is_containment, overlaps, quantified_operator,
};
pub(crate) use casts::{cast_value, is_nested_cast, nested_cast};
pub(crate) use chains::Chains;
pub(crate) use comparison_key::{
    comparison_key, has_float, has_interval, interval_length, is_compared_by_key, is_comparison_key,
};
pub(crate) use exact_key::{exact_key, exact_value, needs_exact_key};
pub(crate) use floats::{checked_float_aggregate, extremes, float_cast, is_float_cast};
pub(crate) use intervals::{
    interval_average, interval_choice, interval_distinct_sum, interval_extreme, interval_functions,
    interval_product, interval_quotient, planned_average, time_difference,
};
pub(crate) use nested_order::{nested_choice, nested_comparison};
pub(crate) use only_row::only_row;
pub(crate) use or_null::or_null;
pub(crate) use patterns::{bytes_like, marked_part, regular_expression, with_backslashes};
pub(crate) use row_value::held_value;
pub(crate) use scalars::scalar_functions;
pub(crate) use sliding::sliding_aggregates;
pub(crate) use text_casts::{
    operand_of_cast, read_interval_text, read_text, read_value, show_bytes, show_interval, show_value,
};
pub(crate) use times::{
    Extract, IN_ZONE, TIMEZONE, TimeSeries, date_at_time, day_shift, in_zone, is_time_cast, is_time_series,
    shift, time_cast, time_functions, time_series,
};
pub(crate) use zoned_frame::{FrameEnd, ZonedFrame};

use arrow::datatypes::{DataType, IntervalUnit};
use datafusion::logical_expr::WindowUDF;

/// Window functions.
pub(crate) fn window_functions() -> [WindowUDF; 7] {
    let [lead, lag] = shifts::shifts();
    let [row_number, rank, dense_rank] = places::places();
    [lead, lag, tiles::tiles(), nth_row::nth_row(), row_number, rank, dense_rank]
}

/// The type of an `INTERVAL`.
pub(crate) const INTERVAL: DataType = DataType::Interval(IntervalUnit::MonthDayNano);
