//! Casts of values: text is read as files are, times are of the session's zone, numbers are rounded to whole
//! ones, and elements of arrays and fields of rows become what they would alone.

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, AsArray, ListArray, StructArray, UInt32Array, new_null_array},
    buffer::OffsetBuffer,
    compute::{CastOptions, cast as arrow_cast, cast_with_options, concat, take},
    datatypes::{DataType, FieldRef, TimeUnit, TimestampMicrosecondType},
};
use datafusion::{
    common::{Result, ScalarValue, internal_err},
    logical_expr::{
        ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
    },
};

use super::{
    INTERVAL,
    arithmetic::half_even,
    arrays::read_arrays,
    floats::{is_float_cast, narrowed},
    text_casts::{read, read_intervals, show, show_intervals, show_values},
    times::{cast_times, is_time_cast},
};
use crate::{
    postgres::exprs::is_text,
    time::TimeZone,
    types::{ColumnType, arrays::element_of},
};

/// Whether a cast must be done by [`nested_cast`]: one of an array or a row, or of text to an array.
pub(crate) fn is_nested_cast(from: &DataType, to: &DataType) -> bool {
    (from.is_nested() && (to.is_nested() || is_text(to))) || (is_text(from) && element_of(to).is_some())
}

/// A cast in the session's zone; `safe` gives NULL for what has no such value.
pub(crate) fn nested_cast(to: DataType, safe: bool, zone: TimeZone) -> ScalarUDF {
    let signature = Signature::any(1, Volatility::Immutable);
    ScalarUDF::new_from_impl(NestedCast { to, safe, zone, signature })
}

/// The value as another type, as a cast in a statement gives it.
pub(crate) fn cast_value(value: &ScalarValue, to: &DataType, zone: TimeZone) -> Result<ScalarValue> {
    ScalarValue::try_from_array(&cast_values(&value.to_array()?, to, zone)?, 0)
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct NestedCast {
    to: DataType,
    safe: bool,
    zone: TimeZone,
    signature: Signature,
}

impl ScalarUDFImpl for NestedCast {
    fn name(&self) -> &str {
        if self.safe { "try_cast_nested" } else { "cast_nested" }
    }

    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        let [arg] = args else { return internal_err!("a cast has one operand") };
        Ok(format!("{}({} AS {})", self.name(), arg.schema_name(), self.to))
    }

    fn display_name(&self, args: &[Expr]) -> Result<String> {
        self.schema_name(args)
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _types: &[DataType]) -> Result<DataType> {
        Ok(self.to.clone())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [value] = args.args.as_slice() else { return internal_err!("a cast has one operand") };
        let values = value.to_array(1)?;
        let cast = match cast_values(&values, &self.to, self.zone) {
            Err(_) if self.safe => self.row_by_row(&values)?,
            cast => cast?,
        };
        Ok(match value {
            ColumnarValue::Scalar(_) => ColumnarValue::Scalar(ScalarValue::try_from_array(&cast, 0)?),
            ColumnarValue::Array(_) => ColumnarValue::Array(cast),
        })
    }
}

impl NestedCast {
    /// The values that there are, and NULL for the others.
    fn row_by_row(&self, values: &ArrayRef) -> Result<ArrayRef> {
        let cast = |row| {
            cast_values(&values.slice(row, 1), &self.to, self.zone)
                .unwrap_or_else(|_| new_null_array(&self.to, 1))
        };
        let rows: Vec<ArrayRef> = (0..values.len()).map(cast).collect();
        Ok(concat(&rows.iter().map(AsRef::as_ref).collect::<Vec<_>>())?)
    }
}

/// The values as another type, as a cast in a statement gives them.
pub(super) fn cast_values(values: &ArrayRef, to: &DataType, zone: TimeZone) -> Result<ArrayRef> {
    let from = values.data_type();
    let cast = match (from, to) {
        (from, to) if from == to => return Ok(Arc::clone(values)),
        (from, DataType::List(element)) if is_text(from) => read_arrays(values, element, zone)?,
        (from, DataType::List(element)) if element_of(from).is_some() => {
            Arc::new(with_elements(values, element, zone)?)
        }
        (DataType::Struct(_), DataType::Struct(fields)) => {
            let row = values.as_struct();
            let columns = row.columns().iter().zip(fields);
            let columns = columns.map(|(column, field)| cast_values(column, field.data_type(), zone));
            let columns = columns.collect::<Result<Vec<_>>>()?;
            let (nulls, length) = (row.nulls().cloned(), row.len());
            Arc::new(StructArray::try_new_with_length(fields.clone(), columns, nulls, length)?)
        }
        (from, to) if is_time_cast(from, to, zone) => cast_times(values, to, false, zone)?,
        (from, &INTERVAL) if is_text(from) => read_intervals(values)?,
        (DataType::Interval(_), to) if is_text(to) => show_intervals(values)?,
        (from, to) if is_text(from) && !is_text(to) => match ColumnType::from_arrow(to) {
            Ok(column_type) if column_type.arrow() == *to => read(values, column_type)?,
            _ => Arc::clone(values),
        },
        (from, to) if from.is_binary() && is_text(to) => show(values)?,
        (from, to) if from.is_nested() && is_text(to) => show_values(&in_zone(values, zone)?)?,
        (from, to) if from.is_floating() && is_text(to) => show_values(values)?,
        (DataType::Decimal128(precision, 1..), to) if to.is_integer() => {
            arrow_cast(values, &DataType::Decimal128(*precision, 0))?
        }
        (DataType::Decimal256(precision, 1..), to) if to.is_integer() => {
            arrow_cast(values, &DataType::Decimal256(*precision, 0))?
        }
        (from, to) if from.is_floating() && to.is_integer() => half_even(values)?,
        (from, to) if is_float_cast(from, to) => narrowed(values)?,
        _ => Arc::clone(values),
    };
    Ok(cast_with_options(&cast, to, &CastOptions { safe: false, ..CastOptions::default() })?)
}

/// The elements of arrays, without those that no array has, and where the elements of each begin.
fn elements_of(arrays: &ArrayRef) -> Result<(ArrayRef, OffsetBuffer<i32>)> {
    let list = as_list(arrays)?;
    let (first, last) = (list.value_offsets()[0], list.value_offsets()[list.len()]);
    if list.null_count() == 0 {
        let lengths = list.offsets().lengths();
        let elements = list.values().slice(first as usize, (last - first) as usize);
        return Ok((elements, OffsetBuffer::from_lengths(lengths)));
    }
    // What lies under NULL may be anything.
    let length = |row| if list.is_valid(row) { list.value_length(row) as usize } else { 0 };
    let lengths: Vec<usize> = (0..list.len()).map(length).collect();
    let kept = lengths.iter().enumerate().flat_map(|(row, length)| {
        let start = list.value_offsets()[row] as u32;
        start..start + *length as u32
    });
    let kept = UInt32Array::from_iter_values(kept);
    Ok((take(list.values(), &kept, None)?, OffsetBuffer::from_lengths(lengths)))
}

fn as_list(arrays: &ArrayRef) -> Result<ListArray> {
    let arrays = match arrays.data_type() {
        DataType::FixedSizeList(element, _) | DataType::LargeList(element) => {
            arrow_cast(arrays, &DataType::List(Arc::clone(element)))?
        }
        _ => Arc::clone(arrays),
    };
    Ok(arrays.as_list::<i32>().clone())
}

/// Arrays with their elements cast.
fn with_elements(arrays: &ArrayRef, to: &FieldRef, zone: TimeZone) -> Result<ListArray> {
    let (elements, offsets) = elements_of(arrays)?;
    let elements = cast_values(&elements, to.data_type(), zone)?;
    Ok(ListArray::try_new(Arc::clone(to), offsets, elements, arrays.nulls().cloned())?)
}

/// Instants inside of arrays and rows with the zone in their type, which is what their text takes.
fn in_zone(values: &ArrayRef, zone: TimeZone) -> Result<ArrayRef> {
    if !has_instant(values.data_type()) {
        return Ok(Arc::clone(values));
    }
    Ok(match values.data_type() {
        DataType::Timestamp(..) => {
            let times = values.as_primitive::<TimestampMicrosecondType>().clone();
            Arc::new(times.with_timezone(zone.to_string()))
        }
        DataType::Struct(fields) => {
            let row = values.as_struct();
            let columns = row.columns().iter().map(|column| in_zone(column, zone));
            let columns = columns.collect::<Result<Vec<_>>>()?;
            let fields = fields.iter().zip(&columns).map(|(field, column)| shown_as(field, column));
            Arc::new(StructArray::try_new(fields.collect(), columns, row.nulls().cloned())?)
        }
        _ => {
            let list = as_list(values)?;
            let DataType::List(element) = list.data_type() else { return Ok(Arc::clone(values)) };
            let elements = in_zone(list.values(), zone)?;
            let element = shown_as(element, &elements);
            let (offsets, nulls) = (list.offsets().clone(), list.nulls().cloned());
            Arc::new(ListArray::try_new(element, offsets, elements, nulls)?)
        }
    })
}

fn shown_as(field: &FieldRef, values: &ArrayRef) -> FieldRef {
    Arc::new(field.as_ref().clone().with_data_type(values.data_type().clone()))
}

fn has_instant(data_type: &DataType) -> bool {
    match data_type {
        DataType::Timestamp(TimeUnit::Microsecond, Some(_)) => true,
        DataType::Struct(fields) => fields.iter().any(|field| has_instant(field.data_type())),
        other => element_of(other).is_some_and(has_instant),
    }
}
