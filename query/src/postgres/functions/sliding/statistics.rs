//! Variances, deviations, correlations and regressions of the doubles in a window.

use arrow::{
    array::{Array, ArrayRef, AsArray},
    datatypes::Float64Type,
};
use datafusion::{
    common::{Result, ScalarValue, internal_err},
    logical_expr::Accumulator,
};

use super::{moments::Moments, only_of_a_window, queue::ValueQueue};
use crate::postgres::functions::floats::overflow;

/// A function of moments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::postgres::functions) enum Statistic {
    VarPop,
    VarSamp,
    StddevPop,
    StddevSamp,
    CovarPop,
    CovarSamp,
    Corr,
    RegrCount,
    RegrAvgx,
    RegrAvgy,
    RegrSxx,
    RegrSyy,
    RegrSxy,
    RegrSlope,
    RegrIntercept,
    RegrR2,
}

impl Statistic {
    /// The function of a name.
    pub(in crate::postgres::functions) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "var_pop" => Self::VarPop,
            "var" => Self::VarSamp,
            "stddev_pop" => Self::StddevPop,
            "stddev" => Self::StddevSamp,
            "covar_pop" => Self::CovarPop,
            "covar_samp" => Self::CovarSamp,
            "corr" => Self::Corr,
            "regr_count" => Self::RegrCount,
            "regr_avgx" => Self::RegrAvgx,
            "regr_avgy" => Self::RegrAvgy,
            "regr_sxx" => Self::RegrSxx,
            "regr_syy" => Self::RegrSyy,
            "regr_sxy" => Self::RegrSxy,
            "regr_slope" => Self::RegrSlope,
            "regr_intercept" => Self::RegrIntercept,
            "regr_r2" => Self::RegrR2,
            _ => return None,
        })
    }

    /// Whether it is a function of one argument.
    pub(in crate::postgres::functions) fn is_of_one(self) -> bool {
        matches!(self, Self::VarPop | Self::VarSamp | Self::StddevPop | Self::StddevSamp)
    }

    fn of(self, moments: &Moments) -> Option<f64> {
        let Moments { count, sum_x, sum_y, squares_x, squares_y, products, .. } = *moments;
        let is_sample = matches!(self, Self::VarSamp | Self::StddevSamp | Self::CovarSamp);
        if count < if is_sample { 2.0 } else { 1.0 } {
            return None;
        }
        Some(match self {
            Self::VarPop => squares_x / count,
            Self::VarSamp => squares_x / (count - 1.0),
            Self::StddevPop => (squares_x / count).sqrt(),
            Self::StddevSamp => (squares_x / (count - 1.0)).sqrt(),
            Self::CovarPop => products / count,
            Self::CovarSamp => products / (count - 1.0),
            Self::Corr if squares_x == 0.0 || squares_y == 0.0 => return None,
            Self::Corr => products / (squares_x * squares_y).sqrt(),
            Self::RegrCount => count,
            Self::RegrAvgx => sum_x / count,
            Self::RegrAvgy => sum_y / count,
            Self::RegrSxx => squares_x,
            Self::RegrSyy => squares_y,
            Self::RegrSxy => products,
            Self::RegrSlope | Self::RegrIntercept | Self::RegrR2 if squares_x == 0.0 => return None,
            Self::RegrSlope => products / squares_x,
            Self::RegrIntercept => (sum_y - sum_x * products / squares_x) / count,
            Self::RegrR2 if squares_y == 0.0 => 1.0,
            Self::RegrR2 => (products * products) / (squares_x * squares_y),
        })
    }
}

/// The accumulator. Of two arguments the first is `y`.
#[derive(Debug)]
pub(in crate::postgres::functions) struct StatisticOfWindow {
    statistic: Statistic,
    values: ValueQueue<Moments>,
}

impl StatisticOfWindow {
    pub(in crate::postgres::functions) fn new(statistic: Statistic) -> Self {
        Self { statistic, values: ValueQueue::default() }
    }
}

/// Calls `each` with the values of each row that has all of them, `x` first.
fn for_each(values: &[ArrayRef], mut each: impl FnMut((f64, f64))) -> Result<()> {
    match values {
        [values] => values.as_primitive::<Float64Type>().iter().flatten().for_each(|x| each((x, 0.0))),
        [y, x] => {
            let (x, y) = (x.as_primitive::<Float64Type>(), y.as_primitive::<Float64Type>());
            let rows = (0..x.len()).filter(|row| x.is_valid(*row) && y.is_valid(*row));
            rows.for_each(|row| each((x.value(row), y.value(row))));
        }
        _ => return internal_err!("a statistic has one or two arguments"),
    }
    Ok(())
}

impl Accumulator for StatisticOfWindow {
    only_of_a_window!();

    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        for_each(values, |pair| self.values.push(pair))
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        for_each(values, |_| self.values.pop())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        if self.statistic == Statistic::RegrCount {
            return Ok(ScalarValue::UInt64(Some(self.values.len() as u64)));
        }
        let moments = self.values.summary();
        let value = self.statistic.of(&moments);
        let is_finite = moments.is_finite() && value.is_none_or(f64::is_finite);
        if !is_finite && !moments.has_non_finite { Err(overflow()) } else { Ok(ScalarValue::Float64(value)) }
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.values.size()
    }
}
