//! A value of `VALUES` between the planner and the pass that gives its column one type.

use arrow::datatypes::DataType;
use datafusion::{
    common::{Result, internal_err},
    logical_expr::{
        ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
    },
};

use crate::{names::internal::ROW_VALUE, postgres::exprs::is_text};

pub(super) fn row_value() -> ScalarUDF {
    ScalarUDF::new_from_impl(RowValue { signature: Signature::variadic_any(Volatility::Immutable) })
}

/// The value that a call holds, without the cast that the planner has put around; none for other expressions.
pub(crate) fn held_value(expr: &mut Expr) -> Option<Expr> {
    match expr {
        Expr::ScalarFunction(call) if call.func.name() == ROW_VALUE => {
            call.args.first_mut().map(std::mem::take)
        }
        Expr::Cast(cast) => held_value(&mut cast.expr),
        _ => None,
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct RowValue {
    signature: Signature,
}

impl ScalarUDFImpl for RowValue {
    fn name(&self) -> &'static str {
        ROW_VALUE
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    /// Text that may be read as what stands beside it has no type yet.
    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        match types {
            [data_type] => Ok(data_type.clone()),
            [data_type, _] if !is_text(data_type) => Ok(data_type.clone()),
            _ => Ok(DataType::Null),
        }
    }

    fn invoke_with_args(&self, _args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        internal_err!("a value was planned without its type")
    }
}
