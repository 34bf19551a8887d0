//! `min` and `max` of floats in groups, where NaN is larger than every number.
//!
//! DataFusion's take whatever comes after NaN for the smaller and the larger value, and begin at the largest
//! finite number, which is less than infinity.

use std::{hash::Hash, sync::Arc};

use arrow::datatypes::{ArrowPrimitiveType, DataType, FieldRef, Float32Type, Float64Type};
use datafusion::{
    common::{Result, ScalarValue},
    functions_aggregate::min_max,
    logical_expr::{
        Accumulator, AggregateUDF, AggregateUDFImpl, GroupsAccumulator, ReversedUDAF, SetMonotonicity,
        Signature, StatisticsArgs,
        function::{AccumulatorArgs, StateFieldsArgs},
        utils::AggregateOrderSensitivity,
    },
};
use datafusion_functions_aggregate_common::aggregate::groups_accumulator::prim_op::PrimitiveGroupsAccumulator;

/// The functions that replace DataFusion's of the same names.
pub(crate) fn extremes() -> [AggregateUDF; 2] {
    [min_max::min_udaf(), min_max::max_udaf()]
        .map(|inner| AggregateUDF::new_from_impl(FloatExtreme { inner }))
}

/// `min` or `max`. All but groups of floats are the function's own.
#[derive(Debug, PartialEq, Eq, Hash)]
struct FloatExtreme {
    inner: Arc<AggregateUDF>,
}

impl FloatExtreme {
    fn is_max(&self) -> bool {
        self.inner.is_descending() == Some(true)
    }
}

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

impl AggregateUDFImpl for FloatExtreme {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn aliases(&self) -> &[String] {
        self.inner.aliases()
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.inner.return_type(types)
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        self.inner.coerce_types(types)
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        self.inner.state_fields(args)
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        self.inner.accumulator(args)
    }

    fn create_sliding_accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        self.inner.create_sliding_accumulator(args)
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs<'_>) -> bool {
        self.inner.groups_accumulator_supported(args)
    }

    fn create_groups_accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn GroupsAccumulator>> {
        Ok(match args.return_field.data_type() {
            DataType::Float32 => groups_of!(Float32Type, f32, self.is_max()),
            DataType::Float64 => groups_of!(Float64Type, f64, self.is_max()),
            _ => return self.inner.create_groups_accumulator(args),
        })
    }

    fn is_descending(&self) -> Option<bool> {
        self.inner.is_descending()
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        self.inner.order_sensitivity()
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        ReversedUDAF::Identical
    }

    fn value_from_stats(&self, args: &StatisticsArgs<'_>) -> Option<ScalarValue> {
        self.inner.value_from_stats(args)
    }

    fn set_monotonicity(&self, data_type: &DataType) -> SetMonotonicity {
        self.inner.inner().set_monotonicity(data_type)
    }
}
