//! Logarithms, powers, roots, angles and arcs that fail outside of their domain or range, where DataFusion's
//! answer NaN, infinity or zero.

use arrow::{
    array::{Array, ArrayRef, AsArray},
    compute::cast,
    datatypes::{DataType, Float64Type},
};
use datafusion::{
    common::{Result, ScalarValue},
    functions::math,
    logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF},
};

use super::{
    floats::{overflow, underflow},
    guarded::{Guard, guarded},
};
use crate::{
    error::{Error, SqlState},
    types::nan::with_one_nan,
};

/// The functions of this module, which replace those of the same names.
pub(super) fn functions() -> Vec<ScalarUDF> {
    [
        (math::ln(), Domain::Logarithm),
        (math::log(), Domain::Logarithm),
        (math::log2(), Domain::Logarithm),
        (math::log10(), Domain::Logarithm),
        (math::power(), Domain::Power),
        (math::exp(), Domain::Power),
        (math::sqrt(), Domain::Root),
        (math::sin(), Domain::Angle),
        (math::cos(), Domain::Angle),
        (math::tan(), Domain::Angle),
        (math::cot(), Domain::Angle),
        (math::degrees(), Domain::Angle),
        (math::asin(), Domain::Arc),
        (math::acos(), Domain::Arc),
        (math::acosh(), Domain::Arc),
        (math::atanh(), Domain::Arc),
        (math::trunc(), Domain::Digits),
    ]
    .into_iter()
    .map(|(inner, domain)| guarded(inner, domain))
    .collect()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Domain {
    /// `ln(x)`, `log(base, x)`.
    Logarithm,
    /// `power(x, y)`, `exp(x)`.
    Power,
    /// `sqrt(x)`.
    Root,
    /// `sin(x)`, `degrees(x)`.
    Angle,
    /// `asin(x)`.
    Arc,
    /// `trunc(x, digits)`.
    Digits,
}

impl Guard for Domain {
    fn call(&self, inner: &ScalarUDF, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let (operands, rows) = (args.args.clone(), args.number_rows);
        let answer = inner.invoke_with_args(args)?;
        let is_single = matches!(answer, ColumnarValue::Scalar(_));
        let answers = answer.to_array(if is_single { 1 } else { rows })?;
        if self.check_rows(&operands, &answers)? {
            return Ok(answer);
        }
        let answers = with_one_nan(&answers)?;
        Ok(if is_single {
            ColumnarValue::Scalar(ScalarValue::try_from_array(&answers, 0)?)
        } else {
            ColumnarValue::Array(answers)
        })
    }
}

impl Domain {
    /// Fails where numbers that are no NaN have an answer that is no number, or a power that is zero. Says
    /// whether all answers are finite.
    fn check_rows(self, operands: &[ColumnarValue], answers: &ArrayRef) -> Result<bool> {
        if !answers.data_type().is_floating() {
            return Ok(true);
        }
        let answers = cast(answers, &DataType::Float64)?;
        let answers = answers.as_primitive::<Float64Type>();
        let is_suspect = |answer: f64| !answer.is_finite() || (self == Self::Power && answer == 0.0);
        if !answers.values().iter().any(|answer| is_suspect(*answer)) {
            return Ok(true);
        }
        let operands = operands
            .iter()
            .map(|operand| cast(&operand.to_array(answers.len())?, &DataType::Float64).map_err(Into::into));
        let operands = operands.collect::<Result<Vec<_>>>()?;
        for row in (0..answers.len()).filter(|row| answers.is_valid(*row) && is_suspect(answers.value(*row)))
        {
            let numbers = operands.iter().map(|operand| operand.as_primitive::<Float64Type>().value(row));
            let numbers: Vec<f64> = numbers.collect();
            if !numbers.iter().any(|number| number.is_nan()) {
                self.check(&numbers, answers.value(row))?;
            }
        }
        Ok(false)
    }

    fn check(self, numbers: &[f64], answer: f64) -> Result<()> {
        let wrong = |state, message: &str| Err(Error::new(state, message).into());
        match self {
            Self::Logarithm if numbers.contains(&0.0) => {
                wrong(SqlState::InvalidArgumentForLogarithm, "cannot take logarithm of zero")
            }
            Self::Logarithm if numbers.iter().any(|number| *number < 0.0) => {
                wrong(SqlState::InvalidArgumentForLogarithm, "cannot take logarithm of a negative number")
            }
            // Nothing but the base 1, whose logarithm is zero.
            Self::Logarithm if numbers.iter().all(|number| number.is_finite()) => {
                wrong(SqlState::DivisionByZero, "division by zero")
            }
            Self::Power if answer.is_nan() => wrong(
                SqlState::InvalidArgumentForPowerFunction,
                "a negative number raised to a non-integer power yields a complex result",
            ),
            Self::Power if numbers.len() == 2 && numbers[0] == 0.0 && numbers[1] < 0.0 => wrong(
                SqlState::InvalidArgumentForPowerFunction,
                "zero raised to a negative power is undefined",
            ),
            Self::Power if numbers.iter().all(|number| number.is_finite()) => match answer {
                // A power of zero.
                0.0 if numbers.len() == 2 && numbers[0] == 0.0 => Ok(()),
                0.0 => Err(underflow()),
                _ => Err(overflow()),
            },
            Self::Root if answer.is_nan() => wrong(
                SqlState::InvalidArgumentForPowerFunction,
                "cannot take square root of a negative number",
            ),
            Self::Arc | Self::Angle if answer.is_nan() => {
                wrong(SqlState::NumericValueOutOfRange, "input is out of range")
            }
            Self::Angle if numbers.iter().all(|number| number.is_finite()) => Err(overflow()),
            _ => Ok(()),
        }
    }
}
