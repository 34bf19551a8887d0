//! Aggregates of windows that rows leave. DataFusion's take away what leaves, and keep the digits that were
//! lost meanwhile; some cannot.
//!
//! | of | is computed of |
//! |---|---|
//! | sums, averages and moments of doubles | the values in the window ([`ValueQueue`]) |
//! | texts | the texts in the window |
//! | bits and truth values | the number of times that each bit is set |

mod bits;
mod moments;
mod queue;
mod statistics;
mod sums;
mod texts;

pub(super) use statistics::{Statistic, StatisticOfWindow};
pub(super) use sums::SumOfWindow;

use datafusion::{
    common::Result,
    functions_aggregate::{
        array_agg::array_agg_udaf, bit_and_or_xor, bool_and_or, string_agg::string_agg_udaf,
    },
    logical_expr::{Accumulator, AggregateUDF, function::AccumulatorArgs},
    physical_expr::PhysicalSortExpr,
};

use super::wrapped_aggregate::{Accumulators, wrapped};

/// Functions that replace DataFusion's of the same names.
pub(crate) fn sliding_aggregates() -> Vec<AggregateUDF> {
    [
        (array_agg_udaf(), SlidingKind::Values),
        (string_agg_udaf(), SlidingKind::Texts),
        (bool_and_or::bool_and_udaf(), SlidingKind::AllBits),
        (bool_and_or::bool_or_udaf(), SlidingKind::AnyBit),
        (bit_and_or_xor::bit_and_udaf(), SlidingKind::AllBits),
        (bit_and_or_xor::bit_or_udaf(), SlidingKind::AnyBit),
    ]
    .into_iter()
    .map(|(inner, kind)| wrapped(inner, kind))
    .collect()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum SlidingKind {
    /// `array_agg`, whose window is DataFusion's.
    Values,
    Texts,
    AllBits,
    AnyBit,
}

impl Accumulators for SlidingKind {
    /// The accumulator of all rows. One that reads its rows in reverse, and orders them itself because they
    /// are `DISTINCT`, has to know the order that was asked for.
    fn of_all(&self, inner: &AggregateUDF, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        if !(args.is_reversed && args.is_distinct) {
            return inner.accumulator(args);
        }
        let order_bys: Vec<PhysicalSortExpr> = args.order_bys.iter().map(PhysicalSortExpr::reverse).collect();
        inner.accumulator(AccumulatorArgs { order_bys: &order_bys, is_reversed: false, ..args })
    }

    /// Lists and texts of rows in reverse are others: DataFusion turns windows around, whose input is sorted
    /// the other way.
    fn may_be_reversed(&self) -> bool {
        matches!(self, Self::AllBits | Self::AnyBit)
    }

    fn of_window(&self, inner: &AggregateUDF, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        let data_type = args.return_field.data_type().clone();
        Ok(match self {
            Self::Values => return inner.create_sliding_accumulator(args),
            // There is no window of distinct texts, which Postgres has not either.
            Self::Texts if args.is_distinct => return inner.create_sliding_accumulator(args),
            Self::Texts => Box::new(texts::TextsOfWindow::new(data_type)),
            Self::AllBits => Box::new(bits::BitsOfWindow::new(data_type, true)),
            Self::AnyBit => Box::new(bits::BitsOfWindow::new(data_type, false)),
        })
    }
}

/// Rows that come and leave, of which nothing is kept but what [`Accumulator`] asks for in a window.
macro_rules! only_of_a_window {
    () => {
        fn supports_retract_batch(&self) -> bool {
            true
        }

        fn state(&mut self) -> Result<Vec<ScalarValue>> {
            internal_err!("the aggregate of a window has no parts")
        }

        fn merge_batch(&mut self, _states: &[ArrayRef]) -> Result<()> {
            internal_err!("the aggregate of a window has no parts")
        }
    };
}
use only_of_a_window;
