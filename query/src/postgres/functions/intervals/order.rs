//! The length by which intervals are compared.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, Decimal128Array},
    datatypes::{DataType, IntervalMonthDayNano},
};
use datafusion::{
    common::{Result, internal_err},
    logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility},
    scalar::ScalarValue,
};

use super::super::times::intervals_of;
use crate::types::interval::total_nanos;

/// The length of an interval in nanoseconds, as a number: months of 30 days, days of 24 hours.
pub(crate) fn interval_order() -> ScalarUDF {
    ScalarUDF::new_from_impl(IntervalOrder { signature: Signature::any(1, Volatility::Immutable) })
}

/// The number that [`interval_order`] gives for one interval.
pub(crate) fn interval_length(interval: IntervalMonthDayNano) -> ScalarValue {
    ScalarValue::Decimal128(Some(total_nanos(interval)), DIGITS, 0)
}

/// Digits of a length.
const DIGITS: u8 = 38;

#[derive(Debug, PartialEq, Eq, Hash)]
struct IntervalOrder {
    signature: Signature,
}

impl ScalarUDFImpl for IntervalOrder {
    fn name(&self) -> &'static str {
        "interval_order"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Decimal128(DIGITS, 0))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [arg] = args.args.as_slice() else { return internal_err!("{} has one argument", self.name()) };
        let intervals = intervals_of(&arg.to_array(1)?)?;
        let lengths: Decimal128Array =
            intervals.into_iter().map(|interval| interval.map(total_nanos)).collect();
        let lengths: ArrayRef = Arc::new(lengths.with_precision_and_scale(DIGITS, 0)?);
        Ok(match arg {
            ColumnarValue::Scalar(_) => ColumnarValue::Scalar(ScalarValue::try_from_array(&lengths, 0)?),
            ColumnarValue::Array(_) => ColumnarValue::Array(lengths),
        })
    }
}
