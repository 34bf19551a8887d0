//! `array[a:b]`: the elements from one position to another that there are.

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, AsArray, ListArray, UInt32Array},
    buffer::{NullBuffer, OffsetBuffer},
    compute::{cast, take},
    datatypes::{DataType, Int64Type},
};
use datafusion::{
    common::{Result, ScalarValue, internal_err, plan_err},
    logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility},
};

use crate::names::internal::ARRAY_SLICE;

pub(super) fn slice() -> ScalarUDF {
    ScalarUDF::new_from_impl(Slice { signature: Signature::any(3, Volatility::Immutable) })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Slice {
    signature: Signature,
}

impl ScalarUDFImpl for Slice {
    fn name(&self) -> &'static str {
        ARRAY_SLICE
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        match types {
            [
                DataType::List(element) | DataType::LargeList(element) | DataType::FixedSizeList(element, _),
                ..,
            ] => Ok(DataType::List(Arc::clone(element))),
            [DataType::Null, ..] => Ok(DataType::Null),
            _ => plan_err!("No function matches a subscript of what is no array"),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let is_constant = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let [list, from, to] = arrays.as_slice() else { return internal_err!("a slice has three arguments") };
        let sliced = match args.return_type() {
            DataType::Null => Arc::clone(list),
            list_type => sliced(&cast(list, list_type)?, from, to)?,
        };
        if is_constant {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&sliced, 0)?));
        }
        Ok(ColumnarValue::Array(sliced))
    }
}

fn sliced(list: &ArrayRef, from: &ArrayRef, to: &ArrayRef) -> Result<ArrayRef> {
    let DataType::List(element) = list.data_type() else {
        return internal_err!("a slice is one of an array");
    };
    let list = list.as_list::<i32>();
    let (from, to) = (cast(from, &DataType::Int64)?, cast(to, &DataType::Int64)?);
    let (from, to) = (from.as_primitive::<Int64Type>(), to.as_primitive::<Int64Type>());
    let (mut kept, mut lengths, mut valid) = (Vec::new(), Vec::new(), Vec::new());
    for row in 0..list.len() {
        let is_valid = list.is_valid(row) && from.is_valid(row) && to.is_valid(row);
        let mut length = 0;
        if is_valid {
            let (start, count) = (i64::from(list.value_offsets()[row]), i64::from(list.value_length(row)));
            let (first, last) = (from.value(row).max(1), to.value(row).min(count));
            let positions = (first..=last).map(|position| (start + position - 1) as u32);
            let before = kept.len();
            kept.extend(positions);
            length = kept.len() - before;
        }
        lengths.push(length);
        valid.push(is_valid);
    }
    let elements = take(list.values(), &UInt32Array::from(kept), None)?;
    let offsets = OffsetBuffer::from_lengths(lengths);
    Ok(Arc::new(ListArray::try_new(Arc::clone(element), offsets, elements, Some(NullBuffer::from(valid)))?))
}
