//! `sum(DISTINCT interval)` and `avg(DISTINCT interval)`: of intervals of one length one is added.

use std::{
    collections::HashMap,
    mem::{size_of, size_of_val},
    sync::Arc,
};

use arrow::{
    array::{ArrayRef, AsArray},
    datatypes::{DataType, Field, FieldRef, IntervalMonthDayNano},
};
use datafusion::{
    common::{Result, ScalarValue, internal_err},
    logical_expr::{
        Accumulator, AggregateUDF, AggregateUDFImpl, Signature, Volatility,
        function::{AccumulatorArgs, StateFieldsArgs},
    },
};

use super::{super::times::intervals_of, INTERVAL};
use crate::types::interval::{divide_interval, interval_of, total_nanos};

/// The sum of intervals that differ in their lengths, or their average.
pub(crate) fn interval_distinct_sum(is_average: bool) -> Arc<AggregateUDF> {
    let signature = Signature::any(1, Volatility::Immutable);
    Arc::new(AggregateUDF::new_from_impl(DistinctSum { is_average, signature }))
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct DistinctSum {
    is_average: bool,
    signature: Signature,
}

impl AggregateUDFImpl for DistinctSum {
    fn name(&self) -> &str {
        if self.is_average { "avg" } else { "sum" }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _types: &[DataType]) -> Result<DataType> {
        Ok(INTERVAL)
    }

    fn accumulator(&self, _args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(DistinctIntervals { is_average: self.is_average, by_length: HashMap::new() }))
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        let elements = Field::new_list_field(INTERVAL, true);
        Ok(vec![Arc::new(Field::new_list(format!("{}[distinct]", args.name), elements, false))])
    }
}

/// By length; of equal ones that with most months, then days.
#[derive(Debug)]
struct DistinctIntervals {
    is_average: bool,
    by_length: HashMap<i128, IntervalMonthDayNano>,
}

impl Accumulator for DistinctIntervals {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let [values] = values else { return internal_err!("sum has one argument") };
        for interval in intervals_of(values)?.into_iter().flatten() {
            let kept = self.by_length.entry(total_nanos(interval)).or_insert(interval);
            *kept = interval.max(*kept);
        }
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        if self.by_length.is_empty() {
            return Ok(ScalarValue::IntervalMonthDayNano(None));
        }
        let (mut months, mut days, mut nanos) = (0_i64, 0_i64, 0_i128);
        for interval in self.by_length.values() {
            months += i64::from(interval.months);
            days += i64::from(interval.days);
            nanos += i128::from(interval.nanoseconds);
        }
        let sum = interval_of(months, days, nanos / 1_000)?;
        let count = self.by_length.len() as f64;
        let answer = if self.is_average { divide_interval(sum, count)? } else { sum };
        Ok(ScalarValue::IntervalMonthDayNano(Some(answer)))
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let intervals = self.by_length.values();
        let intervals: Vec<_> =
            intervals.map(|interval| ScalarValue::IntervalMonthDayNano(Some(*interval))).collect();
        Ok(vec![ScalarValue::List(ScalarValue::new_list_nullable(&intervals, &INTERVAL))])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let [lists] = states else { return internal_err!("sum has one state") };
        for list in lists.as_list::<i32>().iter().flatten() {
            self.update_batch(&[list])?;
        }
        Ok(())
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.by_length.capacity() * size_of::<(i128, IntervalMonthDayNano)>()
    }
}
