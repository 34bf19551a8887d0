//! Values as Postgres compares them: intervals by their length, floats with one zero and one NaN, also inside
//! of arrays and rows.
//!
//! | of | the key is |
//! |---|---|
//! | a float | the same, with equal bits for equal values |
//! | an interval | its length in nanoseconds, as a number: months of 30 days, days of 24 hours |
//! | an array, a row | an array, a row of keys |
//! | anything else | the value |
//!
//! Arrow compares the bits of floats, and of intervals months first, then days, then time, so that 25 hours
//! are less than a day. Passes put a key around whatever is compared, sorted or grouped; the values stay as
//! they are.

use std::sync::Arc;

use arrow::{
    array::{
        Array, ArrayRef, AsArray, Decimal128Array, FixedSizeListArray, Float32Array, Float64Array, ListArray,
        StructArray,
    },
    datatypes::{DataType, Field, FieldRef, Fields, Float32Type, Float64Type, IntervalMonthDayNano},
};
use datafusion::{
    common::{Result, ScalarValue, internal_err},
    logical_expr::{
        ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
    },
};

use super::times::intervals_of;
use crate::{postgres::exprs::is_float, types::interval::total_nanos};

const NAME: &str = "comparison_key";

/// Digits of an interval's length.
const LENGTH_DIGITS: u8 = 38;

/// The key by which a value is compared.
pub(crate) fn comparison_key() -> ScalarUDF {
    ScalarUDF::new_from_impl(ComparisonKey { signature: Signature::any(1, Volatility::Immutable) })
}

/// A call of [`comparison_key`].
pub(crate) fn is_comparison_key(expr: &Expr) -> bool {
    matches!(expr, Expr::ScalarFunction(call) if call.func.name() == NAME)
}

/// The key of one interval.
pub(crate) fn interval_length(interval: IntervalMonthDayNano) -> ScalarValue {
    ScalarValue::Decimal128(Some(total_nanos(interval)), LENGTH_DIGITS, 0)
}

/// Whether values of a type are compared wrongly wherever they are compared: intervals, and arrays and rows
/// that have intervals or floats. Floats themselves are compared rightly in many places.
pub(crate) fn is_compared_by_key(data_type: &DataType) -> bool {
    match data_type {
        DataType::Interval(_) => true,
        nested => parts(nested).iter().any(|part| has_float(part) || has_interval(part)),
    }
}

/// Whether a type is, or has in it, a float.
pub(crate) fn has_float(data_type: &DataType) -> bool {
    is_float(data_type) || parts(data_type).iter().any(|part| has_float(part))
}

/// Whether a type is, or has in it, an interval: its keys are of another type.
pub(crate) fn has_interval(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Interval(_)) || parts(data_type).iter().any(|part| has_interval(part))
}

/// The types of elements or fields.
fn parts(data_type: &DataType) -> Vec<&DataType> {
    match data_type {
        DataType::List(element) | DataType::LargeList(element) | DataType::FixedSizeList(element, _) => {
            vec![element.data_type()]
        }
        DataType::Struct(fields) => fields.iter().map(|field| field.data_type()).collect(),
        _ => Vec::new(),
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct ComparisonKey {
    signature: Signature,
}

impl ScalarUDFImpl for ComparisonKey {
    fn name(&self) -> &'static str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        let [data_type] = types else { return internal_err!("{NAME} has one argument") };
        Ok(key_type(data_type))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [value] = args.args.as_slice() else { return internal_err!("{NAME} has one argument") };
        let keys = keys(&value.to_array(1)?)?;
        Ok(match value {
            ColumnarValue::Scalar(_) => ColumnarValue::Scalar(ScalarValue::try_from_array(&keys, 0)?),
            ColumnarValue::Array(_) => ColumnarValue::Array(keys),
        })
    }
}

/// The type of the keys of a type.
fn key_type(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Interval(_) => DataType::Decimal128(LENGTH_DIGITS, 0),
        DataType::List(element) => DataType::List(key_field(element)),
        DataType::LargeList(element) => DataType::LargeList(key_field(element)),
        DataType::FixedSizeList(element, size) => DataType::FixedSizeList(key_field(element), *size),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(key_field).collect()),
        other => other.clone(),
    }
}

fn key_field(field: &FieldRef) -> FieldRef {
    Arc::new(Field::clone(field).with_data_type(key_type(field.data_type())))
}

/// The keys of the values of an array.
pub(super) fn keys(values: &ArrayRef) -> Result<ArrayRef> {
    // Zero of either sign, added to zero, is zero.
    Ok(match values.data_type() {
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
        DataType::Interval(_) => {
            let intervals = intervals_of(values)?.into_iter();
            let lengths: Decimal128Array = intervals.map(|interval| interval.map(total_nanos)).collect();
            Arc::new(lengths.with_precision_and_scale(LENGTH_DIGITS, 0)?)
        }
        DataType::List(element) => {
            let list = values.as_list::<i32>();
            let elements = keys(list.values())?;
            let (offsets, nulls) = (list.offsets().clone(), list.nulls().cloned());
            Arc::new(ListArray::try_new(key_field(element), offsets, elements, nulls)?)
        }
        DataType::LargeList(element) => {
            let list = values.as_list::<i64>();
            let elements = keys(list.values())?;
            let (offsets, nulls) = (list.offsets().clone(), list.nulls().cloned());
            Arc::new(arrow::array::LargeListArray::try_new(key_field(element), offsets, elements, nulls)?)
        }
        DataType::FixedSizeList(element, size) => {
            let list = values.as_fixed_size_list();
            let elements = keys(list.values())?;
            Arc::new(FixedSizeListArray::try_new(key_field(element), *size, elements, list.nulls().cloned())?)
        }
        DataType::Struct(fields) => {
            let row = values.as_struct();
            let columns = row.columns().iter().map(keys).collect::<Result<Vec<_>>>()?;
            let fields: Fields = fields.iter().map(key_field).collect();
            Arc::new(StructArray::try_new_with_length(fields, columns, row.nulls().cloned(), row.len())?)
        }
        _ => Arc::clone(values),
    })
}
