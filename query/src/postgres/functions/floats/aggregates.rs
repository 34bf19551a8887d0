//! `sum`, `avg`, variances and deviations of doubles: 22003 where a number that finite ones have is too
//! large, and what infinite values and NaN come to.
//!
//! | of | a sum or an average | a variance or a deviation |
//! |---|---|---|
//! | finite numbers | 22003 if it is infinite | the same |
//! | infinite numbers of one sign | infinite | NaN |
//! | infinite numbers of both signs, or NaN | NaN | NaN |
//!
//! DataFusion's function computes with finite numbers alone, and so remains right when others have left a
//! window.

use std::{hash::Hash, sync::Arc};

use arrow::{
    array::{ArrayRef, AsArray},
    datatypes::{DataType, FieldRef, Float64Type},
};
use datafusion::{
    common::{Result, ScalarValue},
    logical_expr::{
        Accumulator, AggregateUDF, AggregateUDFImpl, GroupsAccumulator, ReversedUDAF, Signature,
        function::{AccumulatorArgs, StateFieldsArgs},
        utils::AggregateOrderSensitivity,
    },
};

use super::{
    grouped::CheckedGroups,
    non_finite::{NonFiniteCounts, finite_part, for_non_finite},
    range::overflow,
    sliding::SlidingSum,
};

/// The function that checks the answers of an aggregate of doubles; none for aggregates that cannot leave the
/// range.
pub(crate) fn checked_float_aggregate(inner: &Arc<AggregateUDF>) -> Option<Arc<AggregateUDF>> {
    if inner.inner().downcast_ref::<CheckedAggregate>().is_some() {
        return None;
    }
    let answer = match inner.name() {
        "sum" | "avg" => InfiniteAnswer::Sum,
        "var" | "var_pop" | "stddev" | "stddev_pop" => InfiniteAnswer::Nan,
        _ => return None,
    };
    let inner = Arc::clone(inner);
    Some(Arc::new(AggregateUDF::new_from_impl(CheckedAggregate { inner, answer })))
}

/// Answer of an aggregate when its inputs are not all finite.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum InfiniteAnswer {
    /// Their sum.
    Sum,
    Nan,
}

impl InfiniteAnswer {
    /// The answer for values that were counted; none if all were finite.
    pub(super) fn of(self, counts: NonFiniteCounts) -> Option<f64> {
        match self {
            Self::Sum => counts.sum(),
            Self::Nan => counts.sum().map(|_| f64::NAN),
        }
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct CheckedAggregate {
    inner: Arc<AggregateUDF>,
    answer: InfiniteAnswer,
}

impl AggregateUDFImpl for CheckedAggregate {
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
        let is_distinct = args.is_distinct;
        Ok(checked(self.inner.accumulator(args)?, self.answer, is_distinct))
    }

    fn create_sliding_accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        let is_distinct = args.is_distinct;
        let inner = if self.answer == InfiniteAnswer::Sum && !is_distinct {
            Box::new(SlidingSum::new(self.inner.name() == "avg"))
        } else {
            self.inner.create_sliding_accumulator(args)?
        };
        Ok(checked(inner, self.answer, is_distinct))
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs<'_>) -> bool {
        !args.is_distinct && self.inner.groups_accumulator_supported(args)
    }

    fn create_groups_accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn GroupsAccumulator>> {
        Ok(Box::new(CheckedGroups::new(self.inner.create_groups_accumulator(args)?, self.answer)))
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        self.inner.order_sensitivity()
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        match self.inner.reverse_udf() {
            ReversedUDAF::Identical => ReversedUDAF::Identical,
            _ => ReversedUDAF::NotSupported,
        }
    }
}

fn checked(inner: Box<dyn Accumulator>, answer: InfiniteAnswer, is_distinct: bool) -> Box<dyn Accumulator> {
    Box::new(CheckedAccumulator { inner, answer, is_distinct, counts: NonFiniteCounts::default() })
}

/// Of `DISTINCT` values, those that are not finite are among those of the function as well: its state is all
/// of them.
#[derive(Debug)]
struct CheckedAccumulator {
    inner: Box<dyn Accumulator>,
    answer: InfiniteAnswer,
    is_distinct: bool,
    counts: NonFiniteCounts,
}

impl CheckedAccumulator {
    /// The arrays with what is not finite counted and replaced.
    fn finite(&mut self, arrays: &[ArrayRef], sign: i64) -> Vec<ArrayRef> {
        let part = |array: &ArrayRef| {
            let Some(values) = array.as_primitive_opt::<Float64Type>() else { return Arc::clone(array) };
            let Some(finite) = finite_part(values) else { return Arc::clone(array) };
            for_non_finite(values, |_, value| self.counts.add(value, sign));
            if self.is_distinct { Arc::clone(array) } else { Arc::new(finite) as ArrayRef }
        };
        arrays.iter().map(part).collect()
    }

    fn checked(&self, value: ScalarValue) -> Result<ScalarValue> {
        match (value, self.answer.of(self.counts)) {
            (ScalarValue::Float64(Some(_)), Some(answer)) => Ok(ScalarValue::Float64(Some(answer))),
            (ScalarValue::Float64(Some(value)), None) if !value.is_finite() => Err(overflow()),
            (value, _) => Ok(value),
        }
    }
}

impl Accumulator for CheckedAccumulator {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let values = self.finite(values, 1);
        self.inner.update_batch(&values)
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let values = self.finite(values, -1);
        self.inner.retract_batch(&values)
    }

    fn supports_retract_batch(&self) -> bool {
        self.inner.supports_retract_batch()
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let value = self.inner.evaluate()?;
        self.checked(value)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let state = self.inner.state()?;
        if self.is_distinct {
            return Ok(state);
        }
        state.into_iter().map(|value| self.checked(value)).collect()
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        if self.is_distinct {
            let lists = states.iter().filter_map(|state| state.as_list_opt::<i32>());
            // A state is a part of lists for all groups: their values beneath are not its own.
            for values in lists.flat_map(|list| list.iter().flatten()) {
                if let Some(values) = values.as_primitive_opt::<Float64Type>() {
                    for_non_finite(values, |_, value| self.counts.add(value, 1));
                }
            }
            return self.inner.merge_batch(states);
        }
        let states = self.finite(states, 1);
        self.inner.merge_batch(&states)
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.inner.size()
    }
}
