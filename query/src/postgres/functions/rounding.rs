//! `round`, whose answer for a double that lies between two whole numbers is the even one.

use std::sync::Arc;

use arrow::datatypes::{DataType, FieldRef};
use datafusion::{
    common::{Result, ScalarValue},
    functions::math,
    logical_expr::{ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature},
};

use super::arithmetic::half_even;

/// The function that replaces DataFusion's of the same name.
pub(super) fn round() -> ScalarUDF {
    ScalarUDF::new_from_impl(Round { inner: math::round() })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Round {
    inner: Arc<ScalarUDF>,
}

impl ScalarUDFImpl for Round {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.inner.return_type(types)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        self.inner.return_field_from_args(args)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match args.args.as_slice() {
            [ColumnarValue::Scalar(number)] if number.data_type().is_floating() => {
                let rounded = half_even(&number.to_array()?)?;
                Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&rounded, 0)?))
            }
            [ColumnarValue::Array(numbers)] if numbers.data_type().is_floating() => {
                Ok(ColumnarValue::Array(half_even(numbers)?))
            }
            _ => self.inner.invoke_with_args(args),
        }
    }
}
