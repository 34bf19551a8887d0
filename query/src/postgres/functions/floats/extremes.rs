//! `min` and `max` of floats in groups, where NaN is larger than every number.
//!
//! DataFusion's take whatever comes after NaN for the smaller and the larger value, and begin at the largest
//! finite number, which is less than infinity.

use arrow::datatypes::{ArrowPrimitiveType, DataType, Float32Type, Float64Type};
use datafusion::{
    common::Result,
    functions_aggregate::min_max,
    logical_expr::{AggregateUDF, GroupsAccumulator, function::AccumulatorArgs},
};
use datafusion_functions_aggregate_common::aggregate::groups_accumulator::prim_op::PrimitiveGroupsAccumulator;

use crate::postgres::functions::wrapped_aggregate::{Accumulators, wrapped};

/// The functions that replace DataFusion's of the same names.
pub(crate) fn extremes() -> [AggregateUDF; 2] {
    [min_max::min_udaf(), min_max::max_udaf()].map(|inner| wrapped(inner, ExtremeOfGroups))
}

/// `min` or `max`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct ExtremeOfGroups;

/// Accumulator of groups of one width: it begins at the end of the order that every value is before.
macro_rules! groups_of {
    ($width:ty, $native:ty, $is_max:expr) => {{
        let groups = |is_better: fn($native, $native) -> bool| {
            PrimitiveGroupsAccumulator::<$width, _>::new(&<$width>::DATA_TYPE, move |best, value| {
                if is_better(value, *best) {
                    *best = value;
                }
            })
        };
        let is_less = |a: $native, b: $native| a < b || (b.is_nan() && !a.is_nan());
        let is_greater = |a: $native, b: $native| a > b || (a.is_nan() && !b.is_nan());
        if $is_max {
            Box::new(groups(is_greater).with_starting_value(<$native>::NEG_INFINITY))
        } else {
            Box::new(groups(is_less).with_starting_value(<$native>::NAN))
        }
    }};
}

impl Accumulators for ExtremeOfGroups {
    fn of_groups(
        &self,
        inner: &AggregateUDF,
        args: AccumulatorArgs<'_>,
    ) -> Result<Box<dyn GroupsAccumulator>> {
        let is_max = inner.is_descending() == Some(true);
        Ok(match args.return_field.data_type() {
            DataType::Float32 => groups_of!(Float32Type, f32, is_max),
            DataType::Float64 => groups_of!(Float64Type, f64, is_max),
            _ => return inner.create_groups_accumulator(args),
        })
    }
}
