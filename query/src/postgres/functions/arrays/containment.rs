//! `a @> b`, `a <@ b` and `a && b` of arrays: which elements are in both. NULL is equal to no element, and
//! arrays inside of arrays are looked through.

use std::{collections::HashSet, sync::Arc};

use arrow::{
    array::{Array, ArrayRef, BooleanArray, new_null_array},
    datatypes::DataType,
    row::{Row, RowConverter, SortField},
};
use datafusion::{
    common::{Result, ScalarValue, internal_err},
    logical_expr::{
        ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
        expr::ScalarFunction,
    },
};

use super::{super::comparison_key::keys, quantified::Flat};

/// Whether every element of the second array is in the first one.
pub(crate) fn contains_elements() -> ScalarUDF {
    containment("contains_elements")
}

/// Whether arrays have an element in common.
pub(crate) fn overlaps() -> ScalarUDF {
    containment("overlaps")
}

fn containment(name: &'static str) -> ScalarUDF {
    ScalarUDF::new_from_impl(Containment { name, signature: Signature::any(2, Volatility::Immutable) })
}

/// A call of one of these functions.
pub(crate) fn is_containment(call: &ScalarFunction) -> bool {
    call.func.inner().is::<Containment>()
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Containment {
    name: &'static str,
    signature: Signature,
}

impl ScalarUDFImpl for Containment {
    fn name(&self) -> &str {
        self.name
    }

    fn display_name(&self, args: &[Expr]) -> Result<String> {
        let [left, right] = args else { return internal_err!("{} has two operands", self.name) };
        let op = if self.name == "overlaps" { "&&" } else { "@>" };
        Ok(format!("{left} {op} {right}"))
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let is_constant = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let rows = if is_constant { 1 } else { args.number_rows };
        let [left, right] = args.args.as_slice() else {
            return internal_err!("{} has two operands", self.name);
        };
        let (left, right) = (Flat::of(&left.to_array(rows)?)?, Flat::of(&right.to_array(rows)?)?);
        let answers: ArrayRef = match (left, right) {
            (Some(left), Some(right)) => Arc::new(self.compare(&left, &right)?),
            _ => new_null_array(&DataType::Boolean, rows),
        };
        if is_constant {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&answers, 0)?));
        }
        Ok(ColumnarValue::Array(answers))
    }
}

impl Containment {
    fn compare(&self, left: &Flat, right: &Flat) -> Result<BooleanArray> {
        let (left_keys, right_keys) = (keys(&left.elements)?, keys(&right.elements)?);
        let data_type =
            if left_keys.data_type().is_null() { right_keys.data_type() } else { left_keys.data_type() };
        let converter = RowConverter::new(vec![SortField::new(data_type.clone())])?;
        let rows_of = |keys: &ArrayRef| {
            let keys = arrow::compute::cast(keys, data_type)?;
            converter.convert_columns(&[keys])
        };
        let (left_rows, right_rows) = (rows_of(&left_keys)?, rows_of(&right_keys)?);
        let (mut left_start, mut right_start) = (0, 0);
        let answers = left.lengths.iter().zip(&right.lengths).map(|(left_length, right_length)| {
            let left_range = left_start..left_start + left_length.unwrap_or_default();
            let right_range = right_start..right_start + right_length.unwrap_or_default();
            (left_start, right_start) = (left_range.end, right_range.end);
            left_length.and(*right_length)?;
            let found: HashSet<Row<'_>> =
                left_range.filter(|at| left.is_valid(*at)).map(|at| left_rows.row(at)).collect();
            let mut wanted = right_range.map(|at| right.is_valid(at) && found.contains(&right_rows.row(at)));
            Some(if self.name == "overlaps" { wanted.any(|is_in| is_in) } else { wanted.all(|is_in| is_in) })
        });
        Ok(answers.collect())
    }
}
