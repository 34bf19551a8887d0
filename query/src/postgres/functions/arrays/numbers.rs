//! Functions that compute with the numbers of arrays: what is no number is the one NaN.

use datafusion::{
    common::Result,
    functions_nested as nested,
    logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF},
};

use crate::{
    postgres::functions::guarded::{Guard, guarded},
    types::nan::{value_with_one_nan, with_one_nan},
};

/// The functions that replace DataFusion's of the same names.
pub(super) fn functions() -> [ScalarUDF; 10] {
    [
        nested::array_add::array_add_udf(),
        nested::array_avg::array_avg_udf(),
        nested::array_normalize::array_normalize_udf(),
        nested::array_product::array_product_udf(),
        nested::array_scale::array_scale_udf(),
        nested::array_subtract::array_subtract_udf(),
        nested::array_sum::array_sum_udf(),
        nested::cosine_distance::cosine_distance_udf(),
        nested::distance::array_distance_udf(),
        nested::inner_product::inner_product_udf(),
    ]
    .map(|inner| guarded(inner, OneNan))
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct OneNan;

impl Guard for OneNan {
    fn call(&self, inner: &ScalarUDF, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        Ok(match inner.invoke_with_args(args)? {
            ColumnarValue::Scalar(value) => ColumnarValue::Scalar(value_with_one_nan(value)?),
            ColumnarValue::Array(values) => ColumnarValue::Array(with_one_nan(&values)?),
        })
    }
}
