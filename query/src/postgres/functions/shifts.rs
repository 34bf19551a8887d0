//! `lead` and `lag`: the value of a row behind or before.
//!
//! DataFusion's, but for four things: the default decides with the value what type comes out, NULLs are
//! ignored at any offset, offset and default may differ from row to row, and a limit above does not cut off
//! the rows that are looked at.

use std::sync::Arc;

use arrow::{array::ArrayRef, datatypes::DataType};
use datafusion::{
    common::Result,
    functions_window::lead_lag::{lag_udwf, lead_udwf},
    logical_expr::{
        LimitEffect, PartitionEvaluator, ReversedUDWF, Signature, Volatility, WindowUDF, WindowUDFImpl,
        function::{ExpressionArgs, PartitionEvaluatorArgs, WindowUDFFieldArgs},
        type_coercion::binary::type_union_resolution,
    },
    physical_expr::PhysicalExpr,
};

use super::{
    shifted_rows::{ShiftedRows, is_constant},
    window_arguments::{no_window_function, whole_number},
};
use crate::postgres::exprs::{is_float, is_text};

/// Both functions.
pub(super) fn shifts() -> [WindowUDF; 2] {
    [WindowUDF::new_from_impl(RowShift::of(lead_udwf())), WindowUDF::new_from_impl(RowShift::of(lag_udwf()))]
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct RowShift {
    theirs: Arc<WindowUDF>,
    signature: Signature,
}

impl RowShift {
    fn of(theirs: Arc<WindowUDF>) -> Self {
        Self { theirs, signature: Signature::user_defined(Volatility::Immutable) }
    }
}

impl WindowUDFImpl for RowShift {
    fn name(&self) -> &str {
        self.theirs.name()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let mut coerced = types.to_vec();
        match coerced.as_mut_slice() {
            [_] => {}
            [_, offset] => *offset = whole_number(self.name(), types, offset)?,
            [value, offset, default] => {
                *offset = whole_number(self.name(), types, offset)?;
                let common = common_type(value, default);
                (*value, *default) = (common.clone(), common);
            }
            _ => return Err(no_window_function(self.name(), types)),
        }
        Ok(coerced)
    }

    fn expressions(&self, args: ExpressionArgs<'_>) -> Vec<Arc<dyn PhysicalExpr>> {
        if is_constant(args.input_exprs()) {
            self.theirs.expressions(args)
        } else {
            args.input_exprs().to_vec()
        }
    }

    fn partition_evaluator(&self, args: PartitionEvaluatorArgs<'_>) -> Result<Box<dyn PartitionEvaluator>> {
        let ignores_nulls = args.ignore_nulls();
        if !is_constant(args.input_exprs()) {
            let is_forward = (self.name() == "lead") != args.is_reversed();
            return Ok(Box::new(ShiftedRows { is_forward, ignores_nulls }));
        }
        let theirs = self.theirs.partition_evaluator_factory(args)?;
        Ok(if ignores_nulls { Box::new(WholePartition(theirs)) } else { theirs })
    }

    fn field(&self, args: WindowUDFFieldArgs<'_>) -> Result<arrow::datatypes::FieldRef> {
        self.theirs.field(args)
    }

    fn reverse_expr(&self) -> ReversedUDWF {
        match self.theirs.reverse_expr() {
            ReversedUDWF::Reversed(theirs) => {
                ReversedUDWF::Reversed(Arc::new(WindowUDF::new_from_impl(Self::of(theirs))))
            }
            other => other,
        }
    }

    fn limit_effect(&self, args: &[Arc<dyn PhysicalExpr>]) -> LimitEffect {
        // An offset may be negative, and how far the next value is that is not NULL cannot be known.
        match self.theirs.inner().limit_effect(args) {
            LimitEffect::None if args.len() == 1 => LimitEffect::None,
            _ => LimitEffect::Unknown,
        }
    }
}

/// Values of a whole partition at once. Counting one row after the other, DataFusion loses its place between
/// NULLs.
#[derive(Debug)]
struct WholePartition(Box<dyn PartitionEvaluator>);

impl PartitionEvaluator for WholePartition {
    fn evaluate_all(&mut self, values: &[ArrayRef], num_rows: usize) -> Result<ArrayRef> {
        self.0.evaluate_all(values, num_rows)
    }
}

/// The type of a value or a default. A text is a default that is yet to be read as the value's type.
fn common_type(value: &DataType, default: &DataType) -> DataType {
    if value.is_null() {
        return default.clone();
    }
    if default.is_null() || is_text(default) || (is_float(value) && !is_float(default)) {
        return value.clone();
    }
    if is_float(default) && !is_float(value) {
        return default.clone();
    }
    type_union_resolution(&[value.clone(), default.clone()]).unwrap_or_else(|| value.clone())
}
