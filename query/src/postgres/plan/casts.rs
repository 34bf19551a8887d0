//! Casts: those that Postgres has not fail; one to an integer type rounds instead of cutting the fraction
//! off, decimals half away from zero and doubles half to even; and one of a text is read as files are.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::{
    common::{DFSchema, Result, tree_node::Transformed},
    logical_expr::{Cast, Expr, TryCast},
};

use super::{decimals::literal_as_float, text_literals::read_or_shown};
use crate::{
    postgres::{
        exprs::{is_float, type_of},
        functions::{ROUND_HALF_EVEN, round_half_even},
    },
    types::casts::check_cast,
};

/// Rounds in casts to integers, and reads texts and decimal literals exactly.
pub(super) fn coerce_cast(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    Ok(match expr {
        Expr::Cast(Cast { expr, field }) => {
            let data_type = field.data_type();
            check_cast(&type_of(&expr, schema), data_type)?;
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
            rounded(expr, data_type, schema).map(|expr| Expr::Cast(Cast { expr, field }))
        }
        Expr::TryCast(TryCast { expr, field }) => {
            check_cast(&type_of(&expr, schema), field.data_type())?;
            rounded(expr, field.data_type(), schema)
                .map(|expr| Expr::TryCast(TryCast { expr, field: Arc::clone(&field) }))
        }
        expr => Transformed::no(expr),
    })
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
