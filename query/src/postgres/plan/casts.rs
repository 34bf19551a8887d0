//! Casts: those that Postgres has not fail; one to an integer type rounds instead of cutting the fraction
//! off, decimals half away from zero and doubles half to even; and one of a text is read as files are.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::{
    common::{DFSchema, Result, tree_node::Transformed, utils::list_ndims},
    logical_expr::{Cast, Expr, TryCast},
};

use super::{decimals::literal_as_float, text_literals::read_or_shown};
use crate::{
    postgres::{
        exprs::{is_float, is_text, type_of},
        functions::{ROUND_HALF_EVEN, round_half_even},
    },
    types::{
        arrays::{element_of, innermost, list_of, with_innermost},
        casts::check_cast,
    },
};

/// Rounds in casts to integers, and reads texts and decimal literals exactly.
pub(super) fn coerce_cast(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    Ok(match expr {
        Expr::Cast(Cast { expr, mut field }) => {
            let from = type_of(&expr, schema);
            check_cast(&from, field.data_type())?;
            let reshaped = reshaped(&from, field.data_type());
            let is_reshaped = reshaped.is_some();
            if let Some(data_type) = reshaped {
                field = Arc::new(field.as_ref().clone().with_data_type(data_type));
            }
            let data_type = field.data_type();
            if let Some(read) = read_or_shown(&expr, data_type, schema) {
                return Ok(Transformed::yes(read));
            }
            if is_float(data_type)
                && let Expr::Literal(value, _) = expr.as_ref()
                && value.data_type().is_decimal()
                && let Some(value) = literal_as_float(value)
            {
                return Ok(Transformed::yes(Expr::Literal(value.cast_to(data_type)?, None)));
            }
            let mut rounded = rounded(expr, data_type, schema);
            rounded.changed |= is_reshaped;
            rounded.map(|expr| Expr::Cast(Cast { expr, field }))
        }
        Expr::TryCast(TryCast { expr, field }) => {
            check_cast(&type_of(&expr, schema), field.data_type())?;
            rounded(expr, field.data_type(), schema)
                .map(|expr| Expr::TryCast(TryCast { expr, field: Arc::clone(&field) }))
        }
        expr => Transformed::no(expr),
    })
}

/// The type of arrays that a cast to arrays gives, if it is another: a type of arrays stands for any number
/// of dimensions, and values keep theirs; text has one.
fn reshaped(from: &DataType, to: &DataType) -> Option<DataType> {
    let element = element_of(to)?;
    let reshaped = match element_of(from) {
        Some(_) => with_innermost(from, innermost(to)),
        None if is_text(from) => list_of(innermost(element).clone()),
        None => return None,
    };
    let dimensions = |data_type: &DataType| list_ndims(data_type);
    (dimensions(&reshaped) != dimensions(to)).then_some(reshaped)
}

/// Operand of a cast to an integer, rounded before.
struct Rounded {
    expr: Box<Expr>,
    changed: bool,
}

impl Rounded {
    fn map(self, cast: impl FnOnce(Box<Expr>) -> Expr) -> Transformed<Expr> {
        Transformed::new_transformed(cast(self.expr), self.changed)
    }
}

fn rounded(expr: Box<Expr>, to: &DataType, schema: &DFSchema) -> Rounded {
    if !to.is_integer() {
        return Rounded { expr, changed: false };
    }
    if matches!(expr.as_ref(), Expr::ScalarFunction(function) if function.func.name() == ROUND_HALF_EVEN) {
        return Rounded { expr, changed: false };
    }
    match type_of(&expr, schema) {
        DataType::Decimal128(precision, scale) if scale > 0 => {
            let whole = DataType::Decimal128(precision, 0);
            Rounded { expr: Box::new(Expr::Cast(Cast::new(expr, whole))), changed: true }
        }
        DataType::Decimal256(precision, scale) if scale > 0 => {
            let whole = DataType::Decimal256(precision, 0);
            Rounded { expr: Box::new(Expr::Cast(Cast::new(expr, whole))), changed: true }
        }
        data_type if is_float(&data_type) => {
            Rounded { expr: Box::new(round_half_even().call(vec![*expr])), changed: true }
        }
        _ => Rounded { expr, changed: false },
    }
}
