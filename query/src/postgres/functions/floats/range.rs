//! The range of floats: which answers of an operator are an overflow or an underflow, or no number.

use arrow::{
    array::{Array, ArrayRef, AsArray},
    compute::cast,
    datatypes::{DataType, Float32Type, Float64Type},
};
use datafusion::{
    common::Result,
    error::DataFusionError,
    logical_expr::{ColumnarValue, Operator},
};

use crate::{
    error::{Error, SqlState},
    types::nan::{value_with_one_nan, with_one_nan},
};

/// 22003: a number is too large for its type.
pub(in crate::postgres::functions) fn overflow() -> DataFusionError {
    Error::new(SqlState::NumericValueOutOfRange, "value out of range: overflow").into()
}

/// 22003: a number that is not zero is too near to zero for its type.
pub(in crate::postgres::functions) fn underflow() -> DataFusionError {
    Error::new(SqlState::NumericValueOutOfRange, "value out of range: underflow").into()
}

/// An operator's floats, with the one NaN for each that is none.
///
/// # Errors
///
/// 22003 where one is infinite, or zero, for no operand's sake.
pub(in crate::postgres::functions) fn checked_result(
    op: Operator,
    left: &ColumnarValue,
    right: &ColumnarValue,
    value: ColumnarValue,
) -> Result<ColumnarValue> {
    let answers = value.to_array(1)?;
    let shrinks = matches!(op, Operator::Multiply | Operator::Divide);
    if !is_suspect(&answers, shrinks) {
        return Ok(value);
    }
    check_range(op, left, right, &answers, shrinks)?;
    Ok(match value {
        ColumnarValue::Scalar(value) => ColumnarValue::Scalar(value_with_one_nan(value)?),
        ColumnarValue::Array(_) => ColumnarValue::Array(with_one_nan(&answers)?),
    })
}

fn check_range(
    op: Operator,
    left: &ColumnarValue,
    right: &ColumnarValue,
    answers: &ArrayRef,
    shrinks: bool,
) -> Result<()> {
    let [left, right, answers] = [&left.to_array(answers.len())?, &right.to_array(answers.len())?, answers]
        .map(|array| cast(array, &DataType::Float64));
    let (left, right, answers) = (left?, right?, answers?);
    let [left, right, answers] = [&left, &right, &answers].map(AsArray::as_primitive::<Float64Type>);
    for row in (0..answers.len()).filter(|row| answers.is_valid(*row)) {
        let (left, right, answer) = (left.value(row), right.value(row), answers.value(row));
        // Only zero is an infinite divisor's answer.
        let right_may_grow = op != Operator::Divide;
        if answer.is_infinite() && !left.is_infinite() && !(right_may_grow && right.is_infinite()) {
            return Err(overflow());
        }
        let right_may_vanish = if right_may_grow { right == 0.0 } else { right.is_infinite() };
        if shrinks && answer == 0.0 && left != 0.0 && !right_may_vanish {
            return Err(underflow());
        }
    }
    Ok(())
}

/// An array that has a float that is not finite, or one that is zero if those count.
fn is_suspect(answers: &ArrayRef, with_zeros: bool) -> bool {
    match answers.data_type() {
        DataType::Float32 => {
            let mut values = answers.as_primitive::<Float32Type>().values().iter();
            values.any(|value| !value.is_finite() || (with_zeros && *value == 0.0))
        }
        DataType::Float64 => {
            let mut values = answers.as_primitive::<Float64Type>().values().iter();
            values.any(|value| !value.is_finite() || (with_zeros && *value == 0.0))
        }
        _ => false,
    }
}
