//! Arguments of window functions that are whole numbers.

use arrow::datatypes::DataType;
use datafusion::error::DataFusionError;

use crate::{error::Error, types::sql_name};

/// The type of a number of rows: any integer will do.
pub(super) fn whole_number(
    function: &str,
    types: &[DataType],
    number: &DataType,
) -> Result<DataType, DataFusionError> {
    if number.is_integer() || number.is_null() {
        Ok(DataType::Int64)
    } else {
        Err(no_window_function(function, types))
    }
}

/// The error of a call with arguments that a function does not take.
pub(super) fn no_window_function(function: &str, types: &[DataType]) -> DataFusionError {
    let types: Vec<String> = types.iter().map(sql_name).collect();
    Error::no_function(format!("function {function}({}) does not exist", types.join(", ")))
        .with_hint("cast the arguments to types that it takes")
        .into()
}
