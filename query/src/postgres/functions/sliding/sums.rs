//! The sum, or the average, of the doubles in a window.

use arrow::{
    array::{ArrayRef, AsArray},
    datatypes::Float64Type,
};
use datafusion::{
    common::{Result, ScalarValue, internal_err},
    logical_expr::Accumulator,
};

use super::{
    only_of_a_window,
    queue::{Summary, ValueQueue},
};

#[derive(Clone, Copy, Debug, Default)]
struct DoubleSum(f64);

impl Summary for DoubleSum {
    type Value = f64;

    fn add(&mut self, value: f64) {
        self.0 += value;
    }

    fn with(&self, other: &Self) -> Self {
        Self(self.0 + other.0)
    }
}

#[derive(Debug)]
pub(in crate::postgres::functions) struct SumOfWindow {
    is_average: bool,
    values: ValueQueue<DoubleSum>,
}

impl SumOfWindow {
    pub(in crate::postgres::functions) fn new(is_average: bool) -> Self {
        Self { is_average, values: ValueQueue::default() }
    }
}

impl Accumulator for SumOfWindow {
    only_of_a_window!();

    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let [values] = values else { return internal_err!("a sum has one argument") };
        values.as_primitive::<Float64Type>().iter().flatten().for_each(|value| self.values.push(value));
        Ok(())
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let [values] = values else { return internal_err!("a sum has one argument") };
        values.as_primitive::<Float64Type>().iter().flatten().for_each(|_| self.values.pop());
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let count = self.values.len();
        let divisor = if self.is_average { count as f64 } else { 1.0 };
        Ok(ScalarValue::Float64((count > 0).then(|| self.values.summary().0 / divisor)))
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.values.size()
    }
}
