//! The order of arrays and rows: the first elements or fields that differ decide, NULL being equal to NULL
//! and above every value. Arrow has NULL below.

use std::{cmp::Ordering, sync::Arc};

use arrow::{
    array::{Array, ArrayRef, BooleanArray, make_comparator},
    compute::{SortOptions, cast, kernels::zip::zip},
    datatypes::DataType,
};
use datafusion::{
    common::{Result, ScalarValue, internal_err},
    logical_expr::{
        ColumnarValue, Expr, Operator, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
    },
};

use super::comparison_key::keys;

/// `<`, `<=`, `>` or `>=` of arrays or rows.
pub(crate) fn nested_comparison(op: Operator) -> ScalarUDF {
    nested_order(Kind::Compare(op))
}

/// `greatest` or `least` of arrays or rows; none for other names.
pub(crate) fn nested_choice(name: &str) -> Option<ScalarUDF> {
    match name {
        "greatest" => Some(nested_order(Kind::Choose { greatest: true })),
        "least" => Some(nested_order(Kind::Choose { greatest: false })),
        _ => None,
    }
}

fn nested_order(kind: Kind) -> ScalarUDF {
    ScalarUDF::new_from_impl(NestedOrder { kind, signature: Signature::variadic_any(Volatility::Immutable) })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    Compare(Operator),
    Choose { greatest: bool },
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct NestedOrder {
    kind: Kind,
    signature: Signature,
}

impl ScalarUDFImpl for NestedOrder {
    fn name(&self) -> &str {
        match self.kind {
            Kind::Compare(_) => "compare_nested",
            Kind::Choose { greatest: true } => "greatest_nested",
            Kind::Choose { greatest: false } => "least_nested",
        }
    }

    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        let names = args.iter().map(|arg| arg.schema_name().to_string()).collect::<Vec<_>>();
        Ok(match self.kind {
            Kind::Compare(op) => names.join(&format!(" {op} ")),
            Kind::Choose { .. } => format!("{}({})", self.name(), names.join(", ")),
        })
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        match self.kind {
            Kind::Compare(_) => Ok(DataType::Boolean),
            Kind::Choose { .. } => {
                let known = types.iter().find(|data_type| !data_type.is_null());
                Ok(known.cloned().unwrap_or(DataType::Null))
            }
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let is_constant = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let rows = if is_constant { 1 } else { args.number_rows };
        let values = args.args.iter().map(|arg| Ok(cast(&arg.to_array(rows)?, operand_type(&args))?));
        let values = values.collect::<Result<Vec<ArrayRef>>>()?;
        let answers: ArrayRef = match (self.kind, values.as_slice()) {
            (Kind::Compare(op), [left, right]) => Arc::new(compare_pairs(op, &keys(left)?, &keys(right)?)?),
            (Kind::Choose { greatest }, [first, rest @ ..]) => {
                rest.iter().try_fold(Arc::clone(first), |best, next| choose(&best, next, greatest))?
            }
            _ => return internal_err!("{} has other arguments", self.name()),
        };
        if is_constant {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&answers, 0)?));
        }
        Ok(ColumnarValue::Array(answers))
    }
}

/// The one type of the operands, which passes have given them; NULL may have none.
fn operand_type(args: &ScalarFunctionArgs) -> &DataType {
    let types = args.arg_fields.iter().map(|field| field.data_type());
    types.into_iter().find(|data_type| !data_type.is_null()).unwrap_or(&DataType::Null)
}

/// Of each row the greater, or the lesser, of two; the other one of a NULL.
fn choose(best: &ArrayRef, next: &ArrayRef, greatest: bool) -> Result<ArrayRef> {
    let order = order_of(&keys(best)?, &keys(next)?)?;
    let wanted = if greatest { Ordering::Less } else { Ordering::Greater };
    let is_better = |row| next.is_valid(row) && (best.is_null(row) || order(row, row) == wanted);
    let mask: BooleanArray = (0..best.len()).map(|row| Some(is_better(row))).collect();
    Ok(zip(&mask, next, best)?)
}

/// Compares keys of arrays or rows, those of a row with each other.
pub(super) fn compare_pairs(op: Operator, left: &ArrayRef, right: &ArrayRef) -> Result<BooleanArray> {
    let order = order_of(left, right)?;
    let holds = |order: Ordering| match op {
        Operator::Eq => order.is_eq(),
        Operator::NotEq => order.is_ne(),
        Operator::Lt => order.is_lt(),
        Operator::LtEq => order.is_le(),
        Operator::Gt => order.is_gt(),
        _ => order.is_ge(),
    };
    let pairs =
        (0..left.len()).map(|at| (left.is_valid(at) && right.is_valid(at)).then(|| holds(order(at, at))));
    Ok(pairs.collect())
}

fn order_of(left: &ArrayRef, right: &ArrayRef) -> Result<arrow::array::DynComparator> {
    Ok(make_comparator(left, right, SortOptions { descending: false, nulls_first: false })?)
}
