//! `array_remove`, which removes all elements that are equal to a value, NULL being equal to NULL.

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, AsArray, ListArray, UInt32Array, make_comparator},
    buffer::OffsetBuffer,
    compute::{SortOptions, cast, take},
    datatypes::DataType,
};
use datafusion::{
    common::{Result, ScalarValue},
    functions_nested::remove::array_remove_all_udf,
    logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF},
};

use super::super::comparison_key::keys;
use crate::postgres::functions::guarded::{Guard, guarded};

/// The function that replaces DataFusion's of the same name.
pub(super) fn array_remove_all() -> ScalarUDF {
    guarded(array_remove_all_udf(), Removal)
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Removal;

impl Guard for Removal {
    fn call(&self, inner: &ScalarUDF, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [array, value] = args.args.as_slice() else { return inner.invoke_with_args(args) };
        let DataType::List(_) = array.data_type() else { return inner.invoke_with_args(args) };
        let is_constant = [array, value].iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let rows = if is_constant { 1 } else { args.number_rows };
        let kept = without(&array.to_array(rows)?, &value.to_array(rows)?)?;
        if is_constant {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&kept, 0)?));
        }
        Ok(ColumnarValue::Array(kept))
    }
}

fn without(arrays: &ArrayRef, values: &ArrayRef) -> Result<ArrayRef> {
    let list = arrays.as_list::<i32>();
    let DataType::List(element) = list.data_type() else { return Ok(Arc::clone(arrays)) };
    let value_keys = keys(&cast(values, element.data_type())?)?;
    let order = make_comparator(&keys(list.values())?, &value_keys, SortOptions::default())?;
    let mut kept: Vec<u32> = Vec::with_capacity(list.values().len());
    let mut lengths = Vec::with_capacity(list.len());
    for row in 0..list.len() {
        let before = kept.len();
        if list.is_valid(row) {
            let (start, end) = (list.value_offsets()[row], list.value_offsets()[row + 1]);
            kept.extend((start..end).map(|at| at as u32).filter(|at| order(*at as usize, row).is_ne()));
        }
        lengths.push(kept.len() - before);
    }
    let elements = take(list.values(), &UInt32Array::from(kept), None)?;
    let offsets = OffsetBuffer::from_lengths(lengths);
    Ok(Arc::new(ListArray::try_new(Arc::clone(element), offsets, elements, list.nulls().cloned())?))
}
