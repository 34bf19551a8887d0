//! A value that may be NULL, whatever is known of where it comes from.

use arrow::datatypes::DataType;
use datafusion::{
    common::{Result, internal_err},
    logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility},
};

/// `or_null(value)`: the value. Functions may answer NULL unless they say otherwise, and this one does not.
pub(crate) fn or_null() -> ScalarUDF {
    ScalarUDF::new_from_impl(OrNull { signature: Signature::any(1, Volatility::Immutable) })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct OrNull {
    signature: Signature,
}

impl ScalarUDFImpl for OrNull {
    fn name(&self) -> &'static str {
        "or_null"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        let [value] = types else { return internal_err!("or_null has one argument") };
        Ok(value.clone())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [value] = args.args.as_slice() else { return internal_err!("or_null has one argument") };
        Ok(value.clone())
    }
}
