//! `coalesce` beside literals of text: `coalesce(day, '2024-01-01')` is planned here, and the literal read as
//! a date by the pass that gives the arguments one type. DataFusion's own finds no type for the two.

use std::sync::Arc;

use arrow::datatypes::{DataType, FieldRef};
use datafusion::{
    common::Result,
    functions::core,
    logical_expr::{
        Case, ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
        Volatility, lit,
        simplify::{ExprSimplifyResult, SimplifyContext},
    },
};

use crate::postgres::exprs::{is_text, may_fail};

/// `coalesce`.
pub(super) fn coalesce() -> ScalarUDF {
    let signature = Signature::user_defined(Volatility::Immutable);
    ScalarUDF::new_from_impl(Coalesce { inner: core::coalesce(), signature })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Coalesce {
    inner: Arc<ScalarUDF>,
    signature: Signature,
}

impl ScalarUDFImpl for Coalesce {
    fn name(&self) -> &'static str {
        "coalesce"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let other = types.iter().find(|data_type| !data_type.is_null() && !is_text(data_type));
        let is_mixed = types.iter().any(is_text);
        let Some(other) = other.filter(|_| is_mixed) else { return self.inner.coerce_types(types) };
        let read = |data_type: &DataType| if is_text(data_type) { other.clone() } else { data_type.clone() };
        self.inner.coerce_types(&types.iter().map(read).collect::<Vec<_>>())
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.inner.return_type(types)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        self.inner.return_field_from_args(args)
    }

    fn simplify(&self, args: Vec<Expr>, info: &SimplifyContext) -> Result<ExprSimplifyResult> {
        let is_truth =
            args.first().map(|arg| info.get_data_type(arg)).transpose()? == Some(DataType::Boolean);
        let loses_guards = is_truth && args.iter().skip(1).any(may_fail);
        let simplified = self.inner.simplify(args, info)?;
        Ok(match simplified {
            // A `CASE` of truth values would become an `AND`, both sides of which are evaluated.
            ExprSimplifyResult::Simplified(Expr::Case(case)) if loses_guards && case.expr.is_none() => {
                ExprSimplifyResult::Simplified(Expr::Case(Case { expr: Some(Box::new(lit(true))), ..case }))
            }
            simplified => simplified,
        })
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        self.inner.invoke_with_args(args)
    }

    fn conditional_arguments<'a>(&self, args: &'a [Expr]) -> Option<(Vec<&'a Expr>, Vec<&'a Expr>)> {
        self.inner.conditional_arguments(args)
    }

    fn short_circuits(&self) -> bool {
        true
    }
}
