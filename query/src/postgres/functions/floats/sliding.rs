//! The sum of the doubles in a window, made of those that are in it: DataFusion's takes away what leaves, and
//! keeps the digits that were lost meanwhile.

use std::{
    collections::VecDeque,
    mem::{size_of, size_of_val},
};

use arrow::{
    array::{ArrayRef, AsArray},
    datatypes::Float64Type,
};
use datafusion::{
    common::{Result, ScalarValue, internal_err},
    logical_expr::Accumulator,
};

/// Values that are added one after the other, as Postgres does, for every row. Of more, sums of parts are
/// kept.
const ADDED_MAX: usize = 1_024;

/// A queue of values as two stacks: each value is moved once from the newer ones to the older ones.
#[derive(Debug, Default)]
pub(super) struct SlidingSum {
    is_average: bool,
    values: VecDeque<f64>,
    /// The sums of the oldest values, each of one more; the last one is of all of them.
    older: Vec<f64>,
    /// The sum of the values behind them.
    newer: f64,
}

impl SlidingSum {
    pub(super) fn new(is_average: bool) -> Self {
        Self { is_average, ..Self::default() }
    }

    fn push(&mut self, value: f64) {
        self.values.push_back(value);
        self.newer += value;
    }

    fn pop(&mut self) {
        if self.older.is_empty() {
            let sums = self.values.iter().rev().scan(0.0, |sum, value| {
                *sum += value;
                Some(*sum)
            });
            self.older.extend(sums);
            self.newer = 0.0;
        }
        self.older.pop();
        self.values.pop_front();
    }

    fn sum(&self) -> f64 {
        if self.values.len() <= ADDED_MAX {
            return self.values.iter().fold(0.0, |sum, value| sum + value);
        }
        self.older.last().copied().unwrap_or_default() + self.newer
    }
}

impl Accumulator for SlidingSum {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let [values] = values else { return internal_err!("a sum has one argument") };
        values.as_primitive::<Float64Type>().iter().flatten().for_each(|value| self.push(value));
        Ok(())
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let [values] = values else { return internal_err!("a sum has one argument") };
        values.as_primitive::<Float64Type>().iter().flatten().for_each(|_| self.pop());
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let count = self.values.len();
        let divisor = if self.is_average { count as f64 } else { 1.0 };
        Ok(ScalarValue::Float64((count > 0).then(|| self.sum() / divisor)))
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        internal_err!("the sum of a window has no parts")
    }

    fn merge_batch(&mut self, _states: &[ArrayRef]) -> Result<()> {
        internal_err!("the sum of a window has no parts")
    }

    fn size(&self) -> usize {
        size_of_val(self) + (self.values.capacity() + self.older.capacity()) * size_of::<f64>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_is_of_what_is_in_the_window_however_long_it_is() {
        for window in [1, 3, ADDED_MAX + 5] {
            let mut sum = SlidingSum::default();
            for at in 0..3 * window {
                sum.push(at as f64);
                if at >= window {
                    sum.pop();
                }
                let first = (at + 1).saturating_sub(window);
                let expected: usize = (first..=at).sum();
                assert!((sum.sum() - expected as f64).abs() < 0.5, "{window} {at}");
            }
        }
    }
}
