//! The one NaN. Floats have many, which Arrow compares by their bits; values of queries have the positive one
//! alone, so that comparisons, sorts and extremes find it equal to itself and above every number. What could
//! make another, arithmetic, negation, parameters, texts, ends here.

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, AsArray, Float32Array, Float64Array, ListArray},
    datatypes::{DataType, Float32Type, Float64Type},
};
use datafusion::common::{Result, ScalarValue};

/// The number, or the one NaN.
pub(crate) fn one_nan(value: f64) -> f64 {
    if value.is_nan() { f64::NAN } else { value }
}

/// As [`one_nan`].
pub(crate) fn one_nan_real(value: f32) -> f32 {
    if value.is_nan() { f32::NAN } else { value }
}

/// The values with the one NaN; others than floats, and arrays of them, as they are.
pub(crate) fn with_one_nan(values: &ArrayRef) -> Result<ArrayRef> {
    Ok(match values.data_type() {
        DataType::Float32 => {
            let values: Float32Array = values.as_primitive::<Float32Type>().unary(one_nan_real);
            Arc::new(values)
        }
        DataType::Float64 => {
            let values: Float64Array = values.as_primitive::<Float64Type>().unary(one_nan);
            Arc::new(values)
        }
        DataType::List(element) => {
            let list = values.as_list::<i32>();
            let elements = with_one_nan(list.values())?;
            let (offsets, nulls) = (list.offsets().clone(), list.nulls().cloned());
            Arc::new(ListArray::try_new(Arc::clone(element), offsets, elements, nulls)?)
        }
        _ => Arc::clone(values),
    })
}

/// As [`with_one_nan`], of one value.
pub(crate) fn value_with_one_nan(value: ScalarValue) -> Result<ScalarValue> {
    match value {
        ScalarValue::Float32(Some(value)) => Ok(ScalarValue::Float32(Some(one_nan_real(value)))),
        ScalarValue::Float64(Some(value)) => Ok(ScalarValue::Float64(Some(one_nan(value)))),
        ScalarValue::List(list) => {
            let list: ArrayRef = list;
            ScalarValue::try_from_array(&with_one_nan(&list)?, 0)
        }
        value => Ok(value),
    }
}
