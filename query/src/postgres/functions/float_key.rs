//! Floats as Postgres compares them.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, AsArray, Float32Array, Float64Array},
    datatypes::{DataType, Float32Type, Float64Type},
};
use datafusion::{
    common::{Result, ScalarValue, internal_err},
    logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility},
};

/// The name of [`float_key`].
pub(crate) const FLOAT_KEY: &str = "float_key";

/// A float with equal bits for equal values: one zero, one NaN.
pub(crate) fn float_key() -> ScalarUDF {
    ScalarUDF::new_from_impl(FloatKey { signature: Signature::any(1, Volatility::Immutable) })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct FloatKey {
    signature: Signature,
}

impl ScalarUDFImpl for FloatKey {
    fn name(&self) -> &'static str {
        FLOAT_KEY
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        let [data_type] = types else { return internal_err!("{FLOAT_KEY} has one argument") };
        Ok(data_type.clone())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [value] = args.args.as_slice() else { return internal_err!("{FLOAT_KEY} has one argument") };
        let keys = keys(&value.to_array(1)?);
        Ok(match value {
            ColumnarValue::Scalar(_) => ColumnarValue::Scalar(ScalarValue::try_from_array(&keys, 0)?),
            ColumnarValue::Array(_) => ColumnarValue::Array(keys),
        })
    }
}

fn keys(values: &ArrayRef) -> ArrayRef {
    // Zero of either sign, added to zero, is zero.
    match values.data_type() {
        DataType::Float32 => {
            let key = |value: f32| if value.is_nan() { f32::NAN } else { value + 0.0 };
            let keys: Float32Array = values.as_primitive::<Float32Type>().unary(key);
            Arc::new(keys)
        }
        DataType::Float64 => {
            let key = |value: f64| if value.is_nan() { f64::NAN } else { value + 0.0 };
            let keys: Float64Array = values.as_primitive::<Float64Type>().unary(key);
            Arc::new(keys)
        }
        _ => Arc::clone(values),
    }
}
