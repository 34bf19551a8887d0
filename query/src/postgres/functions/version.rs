//! `version()`: this database, not the library that runs its queries.

use arrow::datatypes::DataType;
use datafusion::{
    common::Result,
    logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility},
    scalar::ScalarValue,
};

/// The function.
pub(super) fn version() -> ScalarUDF {
    ScalarUDF::new_from_impl(ProductVersion { signature: Signature::nullary(Volatility::Immutable) })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct ProductVersion {
    signature: Signature,
}

impl ScalarUDFImpl for ProductVersion {
    fn name(&self) -> &'static str {
        "version"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> Result<ColumnarValue> {
        Ok(ColumnarValue::Scalar(ScalarValue::from(concat!("Bygone ", env!("CARGO_PKG_VERSION")))))
    }
}
