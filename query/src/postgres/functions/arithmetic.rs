//! Arithmetic that fails where it would go out of range, and rounding to whole numbers.

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, AsArray, Float32Array, Float64Array},
    compute::{cast, kernels::numeric},
    datatypes::{DataType, Decimal128Type, Decimal256Type, Float32Type, Float64Type},
};
use datafusion::{
    common::{Result, ScalarValue, internal_err},
    logical_expr::{
        ColumnarValue, Expr, Operator, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
        type_coercion::binary::BinaryTypeCoercer,
    },
    physical_expr_common::datum::apply,
};

use super::floats::checked_result;
use crate::{
    postgres::exprs::is_float,
    types::nan::{one_nan, one_nan_real},
};

/// The name of [`round_half_even`].
pub(crate) const ROUND_HALF_EVEN: &str = "round_half_even";

/// `+`, `-`, `*`, `/` or `%` of numbers: they fail with 22003 out of their range, and with
/// 22012 where the divisor is zero.
pub(crate) fn checked_arithmetic(op: Operator) -> ScalarUDF {
    let name = match op {
        Operator::Plus => "checked_add",
        Operator::Minus => "checked_subtract",
        Operator::Divide => "checked_divide",
        Operator::Modulo => "checked_modulo",
        _ => "checked_multiply",
    };
    ScalarUDF::new_from_impl(CheckedArithmetic {
        op,
        name,
        signature: Signature::any(2, Volatility::Immutable),
    })
}

/// The negative of a float. NaN has no sign.
pub(crate) fn negated_float() -> ScalarUDF {
    ScalarUDF::new_from_impl(NegatedFloat { signature: Signature::any(1, Volatility::Immutable) })
}

/// The whole number nearest to a double; of two, the even one.
pub(crate) fn round_half_even() -> ScalarUDF {
    ScalarUDF::new_from_impl(RoundHalfEven { signature: Signature::any(1, Volatility::Immutable) })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct CheckedArithmetic {
    op: Operator,
    name: &'static str,
    signature: Signature,
}

impl ScalarUDFImpl for CheckedArithmetic {
    fn name(&self) -> &str {
        self.name
    }

    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        let [left, right] = args else { return internal_err!("{} has two operands", self.name) };
        Ok(format!("{} {} {}", left.schema_name(), self.op, right.schema_name()))
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        let [left, right] = types else { return internal_err!("{} has two operands", self.name) };
        BinaryTypeCoercer::new(left, &self.op, right).get_result_type()
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [left, right] = args.args.as_slice() else {
            return internal_err!("{} has two operands", self.name);
        };
        let value = match self.op {
            Operator::Plus => apply(left, right, numeric::add)?,
            Operator::Minus => apply(left, right, numeric::sub)?,
            Operator::Divide | Operator::Modulo => {
                if is_float(&right.data_type()) {
                    refuse_zero(left, right)?;
                }
                let divide = if self.op == Operator::Divide { numeric::div } else { numeric::rem };
                apply(left, right, divide)?
            }
            _ => apply(left, right, numeric::mul)?,
        };
        // The digits of a decimal are not checked by the operation, only its bits.
        match &value {
            ColumnarValue::Array(array) => check_digits(array)?,
            ColumnarValue::Scalar(scalar) if scalar.data_type().is_decimal() => {
                check_digits(&scalar.to_array()?)?;
            }
            ColumnarValue::Scalar(_) => {}
        }
        if is_float(&value.data_type()) { checked_result(self.op, left, right, value) } else { Ok(value) }
    }
}

/// 22012 where a double is divided by zero: the operation itself answers infinity. NULL divided by zero is
/// NULL, and NaN divided by zero NaN.
fn refuse_zero(dividend: &ColumnarValue, divisor: &ColumnarValue) -> Result<()> {
    let arrays = ColumnarValue::values_to_arrays(&[dividend.clone(), divisor.clone()])?;
    let [dividend, divisor] = arrays.as_slice() else { return internal_err!("a division has two operands") };
    let (dividend, divisor) = (cast(dividend, &DataType::Float64)?, cast(divisor, &DataType::Float64)?);
    let dividend = dividend.as_primitive::<Float64Type>();
    let mut values = divisor.as_primitive::<Float64Type>().iter().enumerate();
    if values
        .any(|(row, value)| value == Some(0.0) && dividend.is_valid(row) && !dividend.value(row).is_nan())
    {
        return Err(arrow::error::ArrowError::DivideByZero.into());
    }
    Ok(())
}

fn check_digits(array: &ArrayRef) -> Result<()> {
    let checked = match array.data_type() {
        DataType::Decimal128(precision, _) => {
            array.as_primitive::<Decimal128Type>().validate_decimal_precision(*precision)
        }
        DataType::Decimal256(precision, _) => {
            array.as_primitive::<Decimal256Type>().validate_decimal_precision(*precision)
        }
        _ => return Ok(()),
    };
    checked.map_err(|error| {
        let message = format!("the value overflows {}: {error}", array.data_type());
        arrow::error::ArrowError::ArithmeticOverflow(message).into()
    })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct NegatedFloat {
    signature: Signature,
}

impl ScalarUDFImpl for NegatedFloat {
    fn name(&self) -> &'static str {
        "negated_float"
    }

    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        let [value] = args else { return internal_err!("a negation has one operand") };
        Ok(format!("(- {})", value.schema_name()))
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        let [data_type] = types else { return internal_err!("a negation has one operand") };
        Ok(data_type.clone())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [value] = args.args.as_slice() else { return internal_err!("a negation has one operand") };
        let values = value.to_array(1)?;
        let negatives: ArrayRef = if *values.data_type() == DataType::Float32 {
            let values = values.as_primitive::<Float32Type>();
            let negatives: Float32Array = values.unary(|value| one_nan_real(-value));
            Arc::new(negatives)
        } else {
            let values = cast(&values, &DataType::Float64)?;
            let negatives: Float64Array = values.as_primitive::<Float64Type>().unary(|value| one_nan(-value));
            Arc::new(negatives)
        };
        Ok(match value {
            ColumnarValue::Scalar(_) => ColumnarValue::Scalar(ScalarValue::try_from_array(&negatives, 0)?),
            ColumnarValue::Array(_) => ColumnarValue::Array(negatives),
        })
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct RoundHalfEven {
    signature: Signature,
}

impl ScalarUDFImpl for RoundHalfEven {
    fn name(&self) -> &str {
        ROUND_HALF_EVEN
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        Ok(match types {
            [DataType::Float32] => DataType::Float32,
            _ => DataType::Float64,
        })
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let [array] = arrays.as_slice() else { return internal_err!("{ROUND_HALF_EVEN} has one operand") };
        let rounded = half_even(array)?;
        if args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_))) {
            let value = ScalarValue::try_from_array(&rounded, 0)?;
            return Ok(ColumnarValue::Scalar(value));
        }
        Ok(ColumnarValue::Array(rounded))
    }
}

/// As [`round_half_even`].
pub(super) fn half_even(array: &ArrayRef) -> Result<ArrayRef> {
    if *array.data_type() == DataType::Float32 {
        let array: Float32Array = array.as_primitive::<Float32Type>().unary(f32::round_ties_even);
        return Ok(Arc::new(array));
    }
    let array = cast(array, &DataType::Float64)?;
    let array: Float64Array = array.as_primitive::<Float64Type>().unary(f64::round_ties_even);
    Ok(Arc::new(array))
}
