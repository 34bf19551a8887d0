//! The value of a subquery that may have one row at most.

use arrow::{
    array::{Array, AsArray},
    compute::cast,
    datatypes::{DataType, Int64Type},
};
use datafusion::{
    common::{Result, internal_err},
    logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility},
};

use crate::error::{Error, SqlState};

/// `only_row(value, rows)`: the value, or 21000 where there is more than one row.
pub(crate) fn only_row() -> ScalarUDF {
    ScalarUDF::new_from_impl(OnlyRow { signature: Signature::any(2, Volatility::Immutable) })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct OnlyRow {
    signature: Signature,
}

impl ScalarUDFImpl for OnlyRow {
    fn name(&self) -> &'static str {
        "only_row"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        let [value, _] = types else { return internal_err!("only_row has two arguments") };
        Ok(value.clone())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [value, rows] = args.args.as_slice() else {
            return internal_err!("only_row has two arguments");
        };
        let rows = cast(&rows.to_array(args.number_rows)?, &DataType::Int64)?;
        let rows = rows.as_primitive::<Int64Type>();
        if (0..rows.len()).any(|row| rows.is_valid(row) && rows.value(row) > 1) {
            return Err(Error::new(
                SqlState::CardinalityViolation,
                "more than one row returned by a subquery used as an expression",
            )
            .with_hint("aggregate its column, for instance with max(…), or add LIMIT 1")
            .into());
        }
        Ok(value.clone())
    }
}
