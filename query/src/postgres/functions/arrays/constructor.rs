//! `ARRAY[…]` between the planner and the first pass, which gives its elements one type and makes
//! DataFusion's array of them.
//!
//! DataFusion's planner looks for the columns of an array literal in its own query alone; of a call, in outer
//! ones too.

use arrow::datatypes::{DataType, Field};
use datafusion::{
    common::{Result, internal_err},
    functions_nested::make_array::make_array_udf,
    logical_expr::{
        ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
        expr::ScalarFunction,
    },
};

use crate::names::internal::ARRAY_LITERAL;

pub(super) fn constructor() -> ScalarUDF {
    ScalarUDF::new_from_impl(ArrayLiteral { signature: Signature::variadic_any(Volatility::Immutable) })
}

/// Whether a call is that of `ARRAY[…]`.
pub(crate) fn is_constructor(call: &ScalarFunction) -> bool {
    call.func.name() == ARRAY_LITERAL
}

/// The array of elements of one type.
pub(crate) fn constructed(elements: Vec<Expr>) -> Expr {
    make_array_udf().call(elements)
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct ArrayLiteral {
    signature: Signature,
}

impl ScalarUDFImpl for ArrayLiteral {
    fn name(&self) -> &'static str {
        ARRAY_LITERAL
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        let element = types.iter().find(|data_type| !data_type.is_null()).cloned();
        Ok(DataType::List(Field::new_list_field(element.unwrap_or(DataType::Null), true).into()))
    }

    fn invoke_with_args(&self, _args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        internal_err!("an array literal was planned without its types")
    }
}
