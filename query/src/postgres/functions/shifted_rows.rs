//! `lead` and `lag` by offsets, and with defaults, that differ from row to row.

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, AsArray, Int64Array, new_null_array},
    compute::interleave,
    datatypes::Int64Type,
};
use datafusion::{
    common::{Result, internal_err},
    logical_expr::PartitionEvaluator,
    physical_expr::{PhysicalExpr, expressions::Literal},
};

/// Positions of the arrays of the answer's parts: the values, the defaults, and nothing.
const VALUE: usize = 0;
const DEFAULT: usize = 1;
const NOTHING: usize = 2;

/// Whether all arguments but the value are constants, of which the offset is no NULL.
pub(super) fn is_constant(args: &[Arc<dyn PhysicalExpr>]) -> bool {
    let literal =
        |arg: &Arc<dyn PhysicalExpr>| arg.downcast_ref::<Literal>().map(|found| found.value().clone());
    args.get(1).is_none_or(|offset| literal(offset).is_some_and(|value| !value.is_null()))
        && args.get(2).is_none_or(|default| literal(default).is_some())
}

/// Looks up the row for each row of a partition.
#[derive(Debug)]
pub(super) struct ShiftedRows {
    /// Whether a positive offset is one to rows behind.
    pub is_forward: bool,
    pub ignores_nulls: bool,
}

impl PartitionEvaluator for ShiftedRows {
    fn evaluate_all(&mut self, values: &[ArrayRef], num_rows: usize) -> Result<ArrayRef> {
        let (Some(value), Some(offset)) = (values.first(), values.get(1)) else {
            return internal_err!("a shift of rows by a column has an offset");
        };
        let nothing = new_null_array(value.data_type(), 1);
        let default = values.get(2).unwrap_or(&nothing);
        let offsets: &Int64Array = offset.as_primitive::<Int64Type>();
        let places = self.ignores_nulls.then(|| ValidRows::of(value));
        let found = (0..num_rows).map(|row| {
            if offsets.is_null(row) {
                return (NOTHING, 0);
            }
            let offset = i128::from(offsets.value(row));
            let offset = if self.is_forward { offset } else { -offset };
            let target = match &places {
                Some(places) => places.shifted(row, offset),
                None => shifted(row, offset, num_rows),
            };
            match target {
                Some(target) => (VALUE, target),
                None if values.len() > 2 => (DEFAULT, row),
                None => (NOTHING, 0),
            }
        });
        let found: Vec<(usize, usize)> = found.collect();
        Ok(interleave(&[value.as_ref(), default.as_ref(), nothing.as_ref()], &found)?)
    }
}

fn shifted(row: usize, offset: i128, rows: usize) -> Option<usize> {
    let target = usize::try_from(i128::try_from(row).ok()? + offset).ok()?;
    (target < rows).then_some(target)
}

/// The rows whose value is not NULL.
struct ValidRows(Vec<usize>);

impl ValidRows {
    fn of(value: &ArrayRef) -> Self {
        let nulls = value.logical_nulls();
        let is_there = |row: &usize| nulls.as_ref().is_none_or(|nulls| nulls.is_valid(*row));
        Self((0..value.len()).filter(is_there).collect())
    }

    /// The row that is so many such rows away.
    fn shifted(&self, row: usize, offset: i128) -> Option<usize> {
        let place = match offset {
            0 => return Some(row),
            1.. => i128::try_from(self.0.partition_point(|place| *place <= row)).ok()? + offset - 1,
            _ => i128::try_from(self.0.partition_point(|place| *place < row)).ok()? + offset,
        };
        self.0.get(usize::try_from(place).ok()?).copied()
    }
}
