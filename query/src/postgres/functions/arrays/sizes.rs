//! `array_length` and `array_ndims`, which are NULL of an array without elements: Postgres gives it no
//! dimensions.

use arrow::{
    array::{Array, ArrayRef, AsArray},
    compute::nullif,
    datatypes::DataType,
};
use datafusion::{
    common::{Result, ScalarValue},
    functions_nested::{dimension::array_ndims_udf, length::array_length_udf},
    logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF},
};

use crate::postgres::functions::guarded::{Guard, guarded};

/// The functions that replace DataFusion's of the same names.
pub(super) fn functions() -> [ScalarUDF; 2] {
    [array_length_udf(), array_ndims_udf()].map(|inner| guarded(inner, ArraySize))
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct ArraySize;

impl Guard for ArraySize {
    fn call(&self, inner: &ScalarUDF, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let (array, rows) = (args.args.first().cloned(), args.number_rows);
        let sizes = inner.invoke_with_args(args)?;
        let Some(array) = array else { return Ok(sizes) };
        let is_constant = matches!((&sizes, &array), (ColumnarValue::Scalar(_), ColumnarValue::Scalar(_)));
        let rows = if is_constant { 1 } else { rows };
        let (array, sizes) = (array.to_array(rows)?, sizes.to_array(rows)?);
        let empty = (0..rows).map(|row| Some(array.is_valid(row) && is_empty(&array, row)));
        let sizes = nullif(&sizes, &empty.collect())?;
        if is_constant {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&sizes, 0)?));
        }
        Ok(ColumnarValue::Array(sizes))
    }
}

/// Whether an array has no element, nor has any array in it.
fn is_empty(array: &ArrayRef, row: usize) -> bool {
    let elements = match array.data_type() {
        DataType::List(_) => array.as_list::<i32>().value(row),
        DataType::LargeList(_) => array.as_list::<i64>().value(row),
        DataType::FixedSizeList(..) => array.as_fixed_size_list().value(row),
        _ => return false,
    };
    let is_nested = matches!(
        elements.data_type(),
        DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..)
    );
    elements.is_empty() || (is_nested && (0..elements.len()).all(|at| is_empty(&elements, at)))
}
