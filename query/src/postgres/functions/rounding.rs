//! `round`, whose answer for a double that lies between two whole numbers is the even one.

use arrow::array::ArrayRef;
use datafusion::{
    common::{Result, ScalarValue},
    functions::math,
    logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF},
};

use super::{
    arithmetic::half_even,
    guarded::{Guard, guarded},
};
use crate::types::nan::with_one_nan;

/// The function that replaces DataFusion's of the same name.
pub(super) fn round() -> ScalarUDF {
    guarded(math::round(), HalfEven)
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct HalfEven;

impl Guard for HalfEven {
    fn call(&self, inner: &ScalarUDF, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let (answer, finished): (_, fn(&ArrayRef) -> Result<ArrayRef>) = match args.args.as_slice() {
            [number] if number.data_type().is_floating() => (number.clone(), half_even),
            // Digits that a float cannot have make no number.
            _ => (inner.invoke_with_args(args)?, with_one_nan),
        };
        if !answer.data_type().is_floating() {
            return Ok(answer);
        }
        Ok(match answer {
            ColumnarValue::Scalar(number) => {
                ColumnarValue::Scalar(ScalarValue::try_from_array(&finished(&number.to_array()?)?, 0)?)
            }
            ColumnarValue::Array(numbers) => ColumnarValue::Array(finished(&numbers)?),
        })
    }
}
