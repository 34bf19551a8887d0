//! `sum`, `avg`, variances and deviations of doubles: 22003 where a number that finite ones have is too
//! large, and what infinite values and NaN come to.
//!
//! | of | a sum or an average | a variance or a deviation |
//! |---|---|---|
//! | finite numbers | 22003 if it is infinite | the same |
//! | infinite numbers of one sign | infinite | NaN |
//! | infinite numbers of both signs, or NaN | NaN | NaN |
//!
//! DataFusion's function computes with finite numbers alone, and so does the one of a window, which remains
//! right when others have left it.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, AsArray},
    datatypes::Float64Type,
};
use datafusion::{
    common::{Result, ScalarValue},
    logical_expr::{Accumulator, AggregateUDF, GroupsAccumulator, function::AccumulatorArgs},
};

use super::{
    grouped::CheckedGroups,
    non_finite::{NonFiniteCounts, finite_part, for_non_finite},
    range::overflow,
};
use crate::postgres::functions::{
    sliding::{Statistic, StatisticOfWindow, SumOfWindow},
    wrapped_aggregate::{Accumulators, is_wrapped, wrapped},
};

/// The function with accumulators for doubles; none for aggregates that need no others.
pub(crate) fn checked_float_aggregate(inner: &Arc<AggregateUDF>) -> Option<Arc<AggregateUDF>> {
    if is_wrapped::<FloatAccumulators>(inner) {
        return None;
    }
    let statistic = Statistic::named(inner.name());
    let answer = match statistic {
        Some(statistic) => statistic.is_of_one().then_some(InfiniteAnswer::Nan),
        None if matches!(inner.name(), "sum" | "avg") => Some(InfiniteAnswer::Sum),
        None => return None,
    };
    Some(Arc::new(wrapped(Arc::clone(inner), FloatAccumulators { answer, statistic })))
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

/// The accumulators of doubles.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct FloatAccumulators {
    /// None of functions whose answers are not checked.
    answer: Option<InfiniteAnswer>,
    /// None of sums and averages.
    statistic: Option<Statistic>,
}

impl Accumulators for FloatAccumulators {
    fn of_all(&self, inner: &AggregateUDF, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        let is_distinct = args.is_distinct;
        let all = inner.accumulator(args)?;
        Ok(match self.answer {
            Some(answer) => checked(all, answer, is_distinct),
            None => all,
        })
    }

    fn of_window(&self, inner: &AggregateUDF, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        if args.is_distinct {
            let values = inner.create_sliding_accumulator(args)?;
            return Ok(match self.answer {
                Some(answer) => checked(values, answer, true),
                None => values,
            });
        }
        if let Some(statistic) = self.statistic {
            return Ok(Box::new(StatisticOfWindow::new(statistic)));
        }
        Ok(checked(Box::new(SumOfWindow::new(inner.name() == "avg")), InfiniteAnswer::Sum, false))
    }

    fn has_groups(&self, inner: &AggregateUDF, args: AccumulatorArgs<'_>) -> bool {
        (self.answer.is_none() || !args.is_distinct) && inner.groups_accumulator_supported(args)
    }

    fn of_groups(
        &self,
        inner: &AggregateUDF,
        args: AccumulatorArgs<'_>,
    ) -> Result<Box<dyn GroupsAccumulator>> {
        let groups = inner.create_groups_accumulator(args)?;
        Ok(match self.answer {
            Some(answer) => Box::new(CheckedGroups::new(groups, answer)),
            None => groups,
        })
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
