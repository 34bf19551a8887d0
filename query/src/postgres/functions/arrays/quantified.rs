//! `x = ANY(array)`, `x < ALL(array)`: NULL where an element that is NULL could decide.
//!
//! | | `ANY` | `ALL` |
//! |---|---|---|
//! | no element | false | true |
//! | an element decides | true: the comparison is true of it | false: it is false of it |
//! | none does, and a comparison is NULL | NULL | NULL |
//! | else | false | true |

use std::{ops::Range, sync::Arc};

use arrow::{
    array::{Array, ArrayRef, AsArray, BooleanArray, UInt32Array, new_empty_array, new_null_array},
    compute::{cast, concat, kernels::cmp, take},
    datatypes::DataType,
};
use datafusion::{
    common::{Result, ScalarValue, internal_err},
    logical_expr::{
        ColumnarValue, Expr, Operator, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
        expr::{InList, ScalarFunction},
        simplify::{ExprSimplifyResult, SimplifyContext},
    },
};

use super::super::{
    comparison_key::{has_float, is_compared_by_key, keys},
    nested_order::compare_pairs,
};
use crate::names::internal::{QUANTIFIED_OPERATORS, Quantifier, quantified_name};

/// Values that are compared at a time with elements of arrays.
const PAIRS_MAX: usize = 1 << 16;

pub(super) fn functions() -> Vec<ScalarUDF> {
    let quantifiers = [Quantifier::Any, Quantifier::All].into_iter();
    quantifiers
        .flat_map(|quantifier| QUANTIFIED_OPERATORS.iter().map(move |(op, _)| (quantifier, *op)))
        .filter_map(|(quantifier, op)| {
            let name = quantified_name(op, quantifier)?;
            let signature = Signature::any(2, Volatility::Immutable);
            Some(ScalarUDF::new_from_impl(QuantifiedComparison { name, op, quantifier, signature }))
        })
        .collect()
}

/// The operator of a quantified comparison; none for other calls.
pub(crate) fn quantified_operator(call: &ScalarFunction) -> Option<Operator> {
    call.func.inner().downcast_ref::<QuantifiedComparison>().map(|comparison| comparison.op)
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct QuantifiedComparison {
    name: String,
    op: Operator,
    quantifier: Quantifier,
    signature: Signature,
}

impl ScalarUDFImpl for QuantifiedComparison {
    fn name(&self) -> &str {
        &self.name
    }

    fn display_name(&self, args: &[Expr]) -> Result<String> {
        let [value, array] = args else { return internal_err!("{} has two operands", self.name) };
        Ok(format!("{value} {} {}({array})", self.op, self.quantifier))
    }

    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        let [value, array] = args else { return internal_err!("{} has two operands", self.name) };
        Ok(format!("{} {} {}({})", value.schema_name(), self.op, self.quantifier, array.schema_name()))
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    /// Makes `x IN (…)` of `x = ANY(ARRAY[…])`, which leaves out pages and finds keys.
    fn simplify(&self, args: Vec<Expr>, info: &SimplifyContext) -> Result<ExprSimplifyResult> {
        let is_set = (self.op, self.quantifier) == (Operator::Eq, Quantifier::Any)
            || (self.op, self.quantifier) == (Operator::NotEq, Quantifier::All);
        let [value, array] = args.as_slice() else { return Ok(ExprSimplifyResult::Original(args)) };
        let data_type = info.get_data_type(value)?;
        if !is_set || data_type.is_nested() || has_float(&data_type) || is_compared_by_key(&data_type) {
            return Ok(ExprSimplifyResult::Original(args));
        }
        let list = match elements(array) {
            Some(list) if !list.is_empty() => list,
            _ => return Ok(ExprSimplifyResult::Original(args)),
        };
        let negated = self.quantifier == Quantifier::All;
        let expr = Box::new(value.clone());
        Ok(ExprSimplifyResult::Simplified(Expr::InList(InList { expr, list, negated })))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let is_constant = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let rows = if is_constant { 1 } else { args.number_rows };
        let [value, array] = args.args.as_slice() else {
            return internal_err!("{} has two operands", self.name);
        };
        let mut answers = Vec::new();
        for portion in portions(array, rows) {
            let [values, arrays] = [value, array].map(|operand| part(operand, &portion));
            answers.push(self.compare(&values?, &arrays?)?);
        }
        let answers: Vec<&dyn Array> = answers.iter().map(|answers| answers as &dyn Array).collect();
        let answers =
            if answers.is_empty() { new_empty_array(&DataType::Boolean) } else { concat(&answers)? };
        if is_constant {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&answers, 0)?));
        }
        Ok(ColumnarValue::Array(answers))
    }
}

/// Ranges of rows whose arrays have about [`PAIRS_MAX`] elements together: a value is repeated for each of
/// them.
fn portions(arrays: &ColumnarValue, rows: usize) -> Vec<Range<usize>> {
    let length = |row: usize| match arrays {
        ColumnarValue::Array(arrays) => match arrays.data_type() {
            DataType::List(_) => arrays.as_list::<i32>().value_length(row) as usize,
            DataType::LargeList(_) => arrays.as_list::<i64>().value_length(row) as usize,
            DataType::FixedSizeList(_, length) => *length as usize,
            _ => 1,
        },
        ColumnarValue::Scalar(ScalarValue::List(list)) => list.values().len(),
        ColumnarValue::Scalar(ScalarValue::LargeList(list)) => list.values().len(),
        ColumnarValue::Scalar(ScalarValue::FixedSizeList(list)) => list.values().len(),
        ColumnarValue::Scalar(_) => 1,
    };
    let (mut portions, mut start, mut pairs) = (Vec::new(), 0, 0);
    for row in 0..rows {
        pairs += length(row);
        if pairs >= PAIRS_MAX {
            portions.push(start..row + 1);
            (start, pairs) = (row + 1, 0);
        }
    }
    if start < rows {
        portions.push(start..rows);
    }
    portions
}

/// Some rows of an operand.
fn part(operand: &ColumnarValue, rows: &Range<usize>) -> Result<ArrayRef> {
    match operand {
        ColumnarValue::Array(array) => Ok(array.slice(rows.start, rows.len())),
        ColumnarValue::Scalar(scalar) => scalar.to_array_of_size(rows.len()),
    }
}

/// The elements of a constant array, or of one that is made of expressions.
fn elements(array: &Expr) -> Option<Vec<Expr>> {
    match array {
        Expr::ScalarFunction(call) if call.func.name() == "make_array" => Some(call.args.clone()),
        Expr::Literal(ScalarValue::List(list), _) if list.len() == 1 && list.is_valid(0) => {
            let values = list.value(0);
            let values = (0..values.len()).map(|at| ScalarValue::try_from_array(&values, at));
            values.map(|value| Some(Expr::Literal(value.ok()?, None))).collect()
        }
        _ => None,
    }
}

impl QuantifiedComparison {
    fn compare(&self, values: &ArrayRef, arrays: &ArrayRef) -> Result<BooleanArray> {
        let Some(flat) = Flat::beside(arrays, values.data_type())? else {
            return Ok(new_null_array(&DataType::Boolean, values.len()).as_boolean().clone());
        };
        let element_keys = keys(&flat.elements)?;
        let value_keys = keys(&cast(values, flat.elements.data_type())?)?;
        let repeated = take(&value_keys, &UInt32Array::from(flat.rows()), None)?;
        let compared = self.compare_keys(&repeated, &element_keys)?;
        let decisive = self.quantifier == Quantifier::Any;
        let answers = flat.lengths.iter().scan(0, |start, length| {
            let range = *start..*start + length.unwrap_or_default();
            *start = range.end;
            Some(length.and_then(|_| {
                let is_decided =
                    range.clone().any(|at| compared.is_valid(at) && compared.value(at) == decisive);
                if is_decided {
                    return Some(decisive);
                }
                range.clone().all(|at| compared.is_valid(at)).then_some(!decisive)
            }))
        });
        Ok(answers.collect())
    }

    fn compare_keys(&self, left: &ArrayRef, right: &ArrayRef) -> Result<BooleanArray> {
        if !left.data_type().is_nested() {
            return Ok(match self.op {
                Operator::Eq => cmp::eq(left, right),
                Operator::NotEq => cmp::neq(left, right),
                Operator::Lt => cmp::lt(left, right),
                Operator::LtEq => cmp::lt_eq(left, right),
                Operator::Gt => cmp::gt(left, right),
                _ => cmp::gt_eq(left, right),
            }?);
        }
        compare_pairs(self.op, left, right)
    }
}

/// The elements of arrays one behind the other, those of arrays inside arrays too.
pub(super) struct Flat {
    pub elements: ArrayRef,
    /// Of each row; none where the array is NULL.
    pub lengths: Vec<Option<usize>>,
}

impl Flat {
    /// None if no row has an array.
    pub(super) fn of(arrays: &ArrayRef) -> Result<Option<Self>> {
        Self::beside(arrays, &DataType::Null)
    }

    /// Whether an element is not NULL.
    pub(super) fn is_valid(&self, element: usize) -> bool {
        !self.elements.data_type().is_null() && self.elements.is_valid(element)
    }

    /// The elements that a value of that type is compared with: arrays, if it is one.
    fn beside(arrays: &ArrayRef, value_type: &DataType) -> Result<Option<Self>> {
        if arrays.data_type().is_null() {
            return Ok(None);
        }
        let arrays = match arrays.data_type() {
            DataType::FixedSizeList(element, _) | DataType::LargeList(element) => {
                cast(arrays, &DataType::List(Arc::clone(element)))?
            }
            DataType::List(_) => Arc::clone(arrays),
            other => return internal_err!("{other} is no array"),
        };
        let list = arrays.as_list::<i32>();
        let lengths = (0..list.len()).map(|row| list.is_valid(row).then(|| list.value_length(row) as usize));
        let lengths: Vec<Option<usize>> = lengths.collect();
        let kept = lengths.iter().enumerate().flat_map(|(row, length)| {
            let start = list.value_offsets()[row] as u32;
            start..start + length.unwrap_or_default() as u32
        });
        let elements = take(list.values(), &UInt32Array::from_iter_values(kept), None)?;
        if !matches!(elements.data_type(), DataType::List(_)) || matches!(value_type, DataType::List(_)) {
            return Ok(Some(Self { elements, lengths }));
        }
        let Some(inner) = Self::beside(&elements, value_type)? else { return Ok(None) };
        let mut inner_lengths = inner.lengths.iter().map(|length| length.unwrap_or_default());
        let lengths = lengths.into_iter().map(|length| Some(inner_lengths.by_ref().take(length?).sum()));
        let lengths = lengths.collect();
        Ok(Some(Self { elements: inner.elements, lengths }))
    }

    /// The row of each element.
    fn rows(&self) -> Vec<u32> {
        let rows = self.lengths.iter().enumerate();
        rows.flat_map(|(row, length)| std::iter::repeat_n(row as u32, length.unwrap_or_default())).collect()
    }
}

#[cfg(test)]
mod tests {
    use arrow::{array::ListArray, datatypes::Int64Type};

    use super::*;

    #[test]
    fn values_are_compared_with_so_many_elements_at_a_time() {
        let list =
            |length: usize| ListArray::from_iter_primitive::<Int64Type, _, _>([Some(vec![Some(1); length])]);
        let long = ColumnarValue::Scalar(ScalarValue::List(Arc::new(list(PAIRS_MAX / 4))));
        assert_eq!(portions(&long, 10), [0..4, 4..8, 8..10]);
        let longest = ColumnarValue::Scalar(ScalarValue::List(Arc::new(list(PAIRS_MAX * 2))));
        assert_eq!(portions(&longest, 2), [0..1, 1..2]);
        let lengths = [1, PAIRS_MAX, 0, 5].map(|length| Some(vec![Some(1); length]));
        let column = ListArray::from_iter_primitive::<Int64Type, _, _>(lengths);
        assert_eq!(portions(&ColumnarValue::Array(Arc::new(column)), 4), [0..2, 2..4]);
        assert!(portions(&long, 0).is_empty());
    }
}
