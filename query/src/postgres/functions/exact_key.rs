//! Keys that tell values apart which are equal, and the values that they are keys of: `-0` and `0`, a month
//! and thirty days are two each. NULL has a key, too.

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, AsArray, BinaryArray},
    datatypes::{DataType, Field, FieldRef},
    row::{RowConverter, SortField},
};
use datafusion::{
    common::{Result, ScalarValue, internal_err},
    logical_expr::{
        ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
        Volatility,
    },
};

use super::{has_float, has_interval};

/// Whether values of a type can be equal and yet not the same.
pub(crate) fn needs_exact_key(data_type: &DataType) -> bool {
    has_float(data_type) || has_interval(data_type)
}

/// The key of a value.
pub(crate) fn exact_key(value: Expr) -> Expr {
    call(Direction::Key, value)
}

/// The value of that type that a key stands for.
pub(crate) fn exact_value(key: Expr, data_type: DataType) -> Expr {
    call(Direction::Value(data_type), key)
}

fn call(direction: Direction, arg: Expr) -> Expr {
    let signature = Signature::any(1, Volatility::Immutable);
    ScalarUDF::new_from_impl(ExactKey { direction, signature }).call(vec![arg])
}

#[derive(Debug, PartialEq, Eq, Hash)]
enum Direction {
    Key,
    Value(DataType),
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct ExactKey {
    direction: Direction,
    signature: Signature,
}

impl ScalarUDFImpl for ExactKey {
    fn name(&self) -> &str {
        match self.direction {
            Direction::Key => "exact_key",
            Direction::Value(_) => "exact_value",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _types: &[DataType]) -> Result<DataType> {
        Ok(match &self.direction {
            Direction::Key => DataType::Binary,
            Direction::Value(data_type) => data_type.clone(),
        })
    }

    fn return_field_from_args(&self, _args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let is_nullable = self.direction != Direction::Key;
        Ok(Arc::new(Field::new(self.name(), self.return_type(&[])?, is_nullable)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [arg] = args.args.as_slice() else { return internal_err!("{} has one argument", self.name()) };
        let array = arg.to_array(1)?;
        let answers = match &self.direction {
            Direction::Key => keys_of(&array)?,
            Direction::Value(data_type) => values_of(&array, data_type)?,
        };
        Ok(match arg {
            ColumnarValue::Scalar(_) => ColumnarValue::Scalar(ScalarValue::try_from_array(&answers, 0)?),
            ColumnarValue::Array(_) => ColumnarValue::Array(answers),
        })
    }
}

fn keys_of(values: &ArrayRef) -> Result<ArrayRef> {
    let converter = RowConverter::new(vec![SortField::new(values.data_type().clone())])?;
    let rows = converter.convert_columns(std::slice::from_ref(values))?;
    Ok(Arc::new(BinaryArray::from_iter_values(rows.iter())))
}

/// A key that is missing, as an outer join makes them up, stands for NULL.
fn values_of(keys: &ArrayRef, data_type: &DataType) -> Result<ArrayRef> {
    let converter = RowConverter::new(vec![SortField::new(data_type.clone())])?;
    let null = converter.convert_columns(&[arrow::array::new_null_array(data_type, 1)])?;
    let parser = converter.parser();
    let keys = keys.as_binary::<i32>();
    let rows = (0..keys.len())
        .map(|row| if keys.is_valid(row) { parser.parse(keys.value(row)) } else { null.row(0) });
    let Some(values) = converter.convert_rows(rows)?.pop() else {
        return internal_err!("a key is one of a value");
    };
    Ok(values)
}
