//! Functions of intervals: their arithmetic, their aggregates, and those that users call. Their order is that
//! of their [`comparison_key`](super::comparison_key()).

mod age;
mod aggregates;
mod arithmetic;
mod choice;
mod distinct_sum;

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, IntervalMonthDayNanoArray},
    datatypes::{DataType, IntervalMonthDayNano},
};
use datafusion::{
    common::{Result, ScalarValue, internal_err},
    logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility},
};

pub(crate) use super::INTERVAL;
pub(crate) use aggregates::{interval_average, interval_extreme, planned_average};
pub(crate) use arithmetic::{interval_product, interval_quotient, time_difference};
pub(crate) use choice::interval_choice;
pub(crate) use distinct_sum::interval_distinct_sum;

use super::times::intervals_of;
use crate::{time::TimeZone, types::interval};

/// The functions of intervals that users call, in a session of this zone.
pub(crate) fn interval_functions(zone: TimeZone) -> Vec<ScalarUDF> {
    let justify = |sizes| {
        let signature = Signature::exact(vec![INTERVAL], Volatility::Immutable);
        ScalarUDF::new_from_impl(Justify { sizes, signature })
    };
    vec![
        justify(Sizes::Hours),
        justify(Sizes::Days),
        justify(Sizes::All),
        arithmetic::make_interval(),
        age::age(zone),
    ]
}

/// The counts that become larger units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Sizes {
    Hours,
    Days,
    All,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Justify {
    sizes: Sizes,
    signature: Signature,
}

impl ScalarUDFImpl for Justify {
    fn name(&self) -> &str {
        match self.sizes {
            Sizes::Hours => "justify_hours",
            Sizes::Days => "justify_days",
            Sizes::All => "justify_interval",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _types: &[DataType]) -> Result<DataType> {
        Ok(INTERVAL)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [arg] = args.args.as_slice() else { return internal_err!("{} has one argument", self.name()) };
        let justify = match self.sizes {
            Sizes::Hours => interval::justify_hours,
            Sizes::Days => interval::justify_days,
            Sizes::All => interval::justify_interval,
        };
        let intervals = intervals_of(&arg.to_array(1)?)?;
        let justified = intervals.into_iter().map(|interval| Ok(interval.map(justify).transpose()?));
        answer(&args.args, justified)
    }
}

/// The intervals as an answer: one value when all arguments are.
fn answer(
    args: &[ColumnarValue],
    intervals: impl Iterator<Item = Result<Option<IntervalMonthDayNano>>>,
) -> Result<ColumnarValue> {
    let intervals: IntervalMonthDayNanoArray = intervals.collect::<Result<_>>()?;
    let intervals: ArrayRef = Arc::new(intervals);
    if args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_))) {
        return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&intervals, 0)?));
    }
    Ok(ColumnarValue::Array(intervals))
}
