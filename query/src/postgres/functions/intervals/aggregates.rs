//! `min`, `max` and `avg` of intervals.

use std::{
    cmp::Ordering,
    collections::VecDeque,
    mem::{size_of, size_of_val},
    sync::Arc,
};

use arrow::{
    array::ArrayRef,
    datatypes::{DataType, Field, FieldRef, IntervalMonthDayNano},
};
use datafusion::{
    common::{DFSchema, Result, ScalarValue, internal_err},
    functions_aggregate::average::avg_udaf,
    logical_expr::{
        Accumulator, AggregateUDF, AggregateUDFImpl, Expr, Signature, Volatility,
        function::{AccumulatorArgs, StateFieldsArgs},
        type_coercion::functions::fields_with_udf,
    },
};

use super::{super::times::intervals_of, INTERVAL};
use crate::{
    postgres::exprs::type_of,
    types::interval::{divide_interval, interval_of, total_nanos},
};

/// `min` or `max` of intervals; of equal ones that with more months, then days.
pub(crate) fn interval_extreme(is_max: bool) -> Arc<AggregateUDF> {
    let signature = Signature::any(1, Volatility::Immutable);
    Arc::new(AggregateUDF::new_from_impl(Extreme { is_max, signature }))
}

/// `avg` between the planner and the first pass, which puts DataFusion's or that of intervals in its place:
/// the types of arguments are not known where functions are looked up.
pub(crate) fn planned_average() -> Arc<AggregateUDF> {
    let signature = Signature::user_defined(Volatility::Immutable);
    Arc::new(AggregateUDF::new_from_impl(PlannedAverage { signature }))
}

/// The function that a planned `avg` of these arguments is; none for any other function.
pub(crate) fn interval_average(
    function: &AggregateUDF,
    args: &[Expr],
    schema: &DFSchema,
) -> Option<Arc<AggregateUDF>> {
    function.inner().downcast_ref::<PlannedAverage>()?;
    Some(match args.first().map(|arg| type_of(arg, schema)) {
        Some(DataType::Interval(_) | DataType::Duration(_)) => {
            let signature = Signature::any(1, Volatility::Immutable);
            Arc::new(AggregateUDF::new_from_impl(Average { signature }))
        }
        _ => avg_udaf(),
    })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct PlannedAverage {
    signature: Signature,
}

impl AggregateUDFImpl for PlannedAverage {
    fn name(&self) -> &'static str {
        "avg"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        if let [DataType::Interval(_) | DataType::Duration(_)] = types {
            return Ok(vec![INTERVAL]);
        }
        let field = |data_type: &DataType| -> FieldRef { Arc::new(Field::new("", data_type.clone(), true)) };
        let fields: Vec<FieldRef> = types.iter().map(field).collect();
        let coerced = fields_with_udf(&fields, avg_udaf().as_ref())?;
        Ok(coerced.iter().map(|field| field.data_type().clone()).collect())
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        match types {
            [DataType::Interval(_)] => Ok(INTERVAL),
            _ => avg_udaf().return_type(types),
        }
    }

    fn accumulator(&self, _args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        internal_err!("avg was planned without its types")
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Extreme {
    is_max: bool,
    signature: Signature,
}

impl AggregateUDFImpl for Extreme {
    fn name(&self) -> &str {
        if self.is_max { "max" } else { "min" }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _types: &[DataType]) -> Result<DataType> {
        Ok(INTERVAL)
    }

    fn accumulator(&self, _args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(ExtremeAccumulator { is_max: self.is_max, ..ExtremeAccumulator::default() }))
    }
}

/// The values that are, or can become, the answer, from the one that is: when values leave a window, they
/// leave in front.
#[derive(Debug, Default)]
struct ExtremeAccumulator {
    is_max: bool,
    candidates: VecDeque<(u64, IntervalMonthDayNano)>,
    /// Number of values that have come, and of those that have left.
    came: u64,
    left: u64,
}

impl ExtremeAccumulator {
    fn push(&mut self, interval: IntervalMonthDayNano) {
        let better = if self.is_max { Ordering::Greater } else { Ordering::Less };
        while let Some((_, last)) = self.candidates.back()
            && order(interval, *last, self.is_max) == better
        {
            self.candidates.pop_back();
        }
        self.candidates.push_back((self.came, interval));
        self.came += 1;
    }
}

/// By length; of equal ones, that with more months and days is the better one.
fn order(a: IntervalMonthDayNano, b: IntervalMonthDayNano, is_max: bool) -> Ordering {
    let by_fields = if is_max { a.cmp(&b) } else { b.cmp(&a) };
    total_nanos(a).cmp(&total_nanos(b)).then(by_fields)
}

impl Accumulator for ExtremeAccumulator {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let [values] = values else { return internal_err!("min and max have one argument") };
        for interval in intervals_of(values)?.into_iter().flatten() {
            self.push(interval);
        }
        Ok(())
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let [values] = values else { return internal_err!("min and max have one argument") };
        self.left += intervals_of(values)?.into_iter().flatten().count() as u64;
        while self.candidates.front().is_some_and(|(came, _)| *came < self.left) {
            self.candidates.pop_front();
        }
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        Ok(ScalarValue::IntervalMonthDayNano(self.candidates.front().map(|(_, interval)| *interval)))
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![self.evaluate()?])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.update_batch(states)
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.candidates.capacity() * size_of::<(u64, IntervalMonthDayNano)>()
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Average {
    signature: Signature,
}

impl AggregateUDFImpl for Average {
    fn name(&self) -> &'static str {
        "avg"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _types: &[DataType]) -> Result<DataType> {
        Ok(INTERVAL)
    }

    fn accumulator(&self, _args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(AverageAccumulator::default()))
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        let field = |part: &str, data_type| {
            Arc::new(Field::new(format!("{}[{part}]", args.name), data_type, true)) as FieldRef
        };
        Ok(vec![field("sum", INTERVAL), field("count", DataType::Int64)])
    }
}

#[derive(Debug, Default)]
struct AverageAccumulator {
    months: i64,
    days: i64,
    nanos: i128,
    count: i64,
}

impl AverageAccumulator {
    fn add(&mut self, values: &ArrayRef, sign: i64) -> Result<()> {
        for interval in intervals_of(values)?.into_iter().flatten() {
            self.months += sign * i64::from(interval.months);
            self.days += sign * i64::from(interval.days);
            self.nanos += i128::from(sign) * i128::from(interval.nanoseconds);
            self.count += sign;
        }
        Ok(())
    }

    fn sum(&self) -> Result<IntervalMonthDayNano> {
        Ok(interval_of(self.months, self.days, self.nanos / 1_000)?)
    }
}

impl Accumulator for AverageAccumulator {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let [values] = values else { return internal_err!("avg has one argument") };
        self.add(values, 1)
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let [values] = values else { return internal_err!("avg has one argument") };
        self.add(values, -1)
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let average = match self.count {
            0 => None,
            count => Some(divide_interval(self.sum()?, count as f64)?),
        };
        Ok(ScalarValue::IntervalMonthDayNano(average))
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![ScalarValue::IntervalMonthDayNano(Some(self.sum()?)), ScalarValue::Int64(Some(self.count))])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let [sums, counts] = states else { return internal_err!("avg has two states") };
        let before = self.count;
        self.add(sums, 1)?;
        let counts = arrow::compute::cast(counts, &DataType::Int64)?;
        let counts = arrow::array::AsArray::as_primitive::<arrow::datatypes::Int64Type>(&counts);
        self.count = before + counts.iter().flatten().sum::<i64>();
        Ok(())
    }

    fn size(&self) -> usize {
        size_of_val(self)
    }
}
