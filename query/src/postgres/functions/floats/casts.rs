//! Casts to floats that have a smaller range than what is cast.

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, AsArray, Float32Array},
    compute::cast,
    datatypes::{DataType, Float32Type, Float64Type},
};
use datafusion::{
    common::{Result, ScalarValue, internal_err},
    logical_expr::{
        ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
    },
};

use super::range::{overflow, underflow};

/// Whether a cast must be done by [`float_cast`].
pub(crate) fn is_float_cast(from: &DataType, to: &DataType) -> bool {
    *to == DataType::Float32 && (*from == DataType::Float64 || from.is_decimal())
}

/// A cast to a `REAL` that fails with 22003 out of its range; `safe` gives NULL there.
pub(crate) fn float_cast(safe: bool) -> ScalarUDF {
    ScalarUDF::new_from_impl(FloatCast { safe, signature: Signature::any(1, Volatility::Immutable) })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct FloatCast {
    safe: bool,
    signature: Signature,
}

impl ScalarUDFImpl for FloatCast {
    fn name(&self) -> &str {
        if self.safe { "try_cast_real" } else { "cast_real" }
    }

    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        let [arg] = args else { return internal_err!("a cast has one operand") };
        Ok(arg.schema_name().to_string())
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Float32)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [value] = args.args.as_slice() else { return internal_err!("a cast has one operand") };
        let reals = narrow(&value.to_array(1)?, self.safe)?;
        Ok(match value {
            ColumnarValue::Scalar(_) => ColumnarValue::Scalar(ScalarValue::try_from_array(&reals, 0)?),
            ColumnarValue::Array(_) => ColumnarValue::Array(reals),
        })
    }
}

/// The numbers as `REAL`s.
///
/// # Errors
///
/// 22003 out of their range.
pub(in crate::postgres::functions) fn narrowed(numbers: &ArrayRef) -> Result<ArrayRef> {
    narrow(numbers, false)
}

fn narrow(numbers: &ArrayRef, safe: bool) -> Result<ArrayRef> {
    let doubles = cast(numbers, &DataType::Float64)?;
    let doubles = doubles.as_primitive::<Float64Type>();
    let reals: Float32Array = doubles.unary(|double| double as f32);
    let lost = |row: usize| doubles.is_valid(row) && misfit(doubles.value(row), reals.value(row)).is_some();
    let Some(first) = (0..reals.len()).find(|row| lost(*row)) else { return Ok(Arc::new(reals)) };
    if safe {
        let kept = (0..reals.len()).map(|row| (reals.is_valid(row) && !lost(row)).then(|| reals.value(row)));
        return Ok(Arc::new(kept.collect::<arrow::array::PrimitiveArray<Float32Type>>()));
    }
    Err(if reals.value(first) == 0.0 { underflow() } else { overflow() })
}

/// The `REAL` that a double does not fit, if it does not.
fn misfit(double: f64, real: f32) -> Option<f32> {
    let overflows = real.is_infinite() && !double.is_infinite();
    let underflows = real == 0.0 && double != 0.0;
    (overflows || underflows).then_some(real)
}
