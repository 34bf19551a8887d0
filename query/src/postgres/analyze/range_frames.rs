//! `RANGE` frames with offsets, which only values have that a distance can be added to. DataFusion subtracts
//! from others what it can.

use arrow::datatypes::DataType;
use datafusion::{
    common::{DFSchema, Result},
    logical_expr::{Expr, WindowFrameBound, WindowFrameUnits},
};

use crate::{error::Error, postgres::exprs::type_of, types::sql_name};

/// Fails with 0A000 for a frame with offsets over other values.
pub(super) fn check(expr: &Expr, schema: &DFSchema) -> Result<()> {
    let Expr::WindowFunction(window) = expr else { return Ok(()) };
    let frame = &window.params.window_frame;
    let has_offset = |bound: &WindowFrameBound| match bound {
        WindowFrameBound::Preceding(offset) | WindowFrameBound::Following(offset) => !offset.is_null(),
        WindowFrameBound::CurrentRow => false,
    };
    let is_ranged = frame.units == WindowFrameUnits::Range
        && (has_offset(&frame.start_bound) || has_offset(&frame.end_bound));
    let Some(key) = window.params.order_by.first().filter(|_| is_ranged) else { return Ok(()) };
    let data_type = type_of(&key.expr, schema);
    if data_type.is_numeric() || data_type.is_temporal() || data_type == DataType::Null {
        return Ok(());
    }
    let of = format!("RANGE with offset PRECEDING or FOLLOWING over {}", sql_name(&data_type));
    Err(Error::unsupported(of).with_hint("count rows instead: ROWS BETWEEN …").into())
}
