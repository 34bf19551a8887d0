//! `nth_value` with a number that differs from row to row, or that is too small.

use std::{ops::Range, sync::Arc};

use arrow::{
    array::{Array, ArrayRef, AsArray, Int64Array},
    datatypes::{DataType, FieldRef, Int64Type},
};
use datafusion::{
    common::{Result, ScalarValue, internal_err},
    functions_window::nth_value::nth_value_udwf,
    logical_expr::{
        PartitionEvaluator, ReversedUDWF, Signature, Volatility, WindowUDF, WindowUDFImpl,
        function::{ExpressionArgs, PartitionEvaluatorArgs, WindowUDFFieldArgs},
    },
    physical_expr::{PhysicalExpr, expressions::Literal},
};

use super::window_arguments::{no_window_function, whole_number};
use crate::error::{Error, SqlState};

/// The function.
pub(super) fn nth_row() -> WindowUDF {
    let signature = Signature::user_defined(Volatility::Immutable);
    WindowUDF::new_from_impl(NthRow { theirs: nth_value_udwf(), signature })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct NthRow {
    theirs: Arc<WindowUDF>,
    signature: Signature,
}

/// A number that is the same for all rows, if it is no NULL.
fn constant(args: &[Arc<dyn PhysicalExpr>]) -> Option<i64> {
    match args.get(1)?.downcast_ref::<Literal>()?.value() {
        ScalarValue::Int64(number) => *number,
        _ => None,
    }
}

fn too_small() -> Error {
    Error::new(SqlState::InvalidArgumentForNthValue, "argument of nth_value must be greater than zero")
}

impl WindowUDFImpl for NthRow {
    fn name(&self) -> &str {
        self.theirs.name()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        match types {
            [value, number] => Ok(vec![value.clone(), whole_number(self.name(), types, number)?]),
            _ => Err(no_window_function(self.name(), types)),
        }
    }

    fn expressions(&self, args: ExpressionArgs<'_>) -> Vec<Arc<dyn PhysicalExpr>> {
        match constant(args.input_exprs()) {
            Some(_) => self.theirs.expressions(args),
            None => args.input_exprs().to_vec(),
        }
    }

    fn partition_evaluator(&self, args: PartitionEvaluatorArgs<'_>) -> Result<Box<dyn PartitionEvaluator>> {
        match constant(args.input_exprs()) {
            Some(1..) => self.theirs.partition_evaluator_factory(args),
            Some(_) => Err(too_small().into()),
            None => {
                let (is_backward, ignores_nulls) = (args.is_reversed(), args.ignore_nulls());
                Ok(Box::new(NumberedRow { row: 0, is_backward, ignores_nulls }))
            }
        }
    }

    fn field(&self, args: WindowUDFFieldArgs<'_>) -> Result<FieldRef> {
        self.theirs.field(args)
    }

    fn reverse_expr(&self) -> ReversedUDWF {
        match self.theirs.reverse_expr() {
            ReversedUDWF::Reversed(theirs) => {
                let signature = self.signature.clone();
                ReversedUDWF::Reversed(Arc::new(WindowUDF::new_from_impl(Self { theirs, signature })))
            }
            other => other,
        }
    }
}

/// Looks for the row of each frame whose number its own row has.
#[derive(Debug)]
struct NumberedRow {
    /// The row whose frame is next.
    row: usize,
    is_backward: bool,
    ignores_nulls: bool,
}

impl PartitionEvaluator for NumberedRow {
    fn uses_window_frame(&self) -> bool {
        true
    }

    fn evaluate(&mut self, values: &[ArrayRef], range: &Range<usize>) -> Result<ScalarValue> {
        // Sort keys of the window come behind.
        let [value, numbers, ..] = values else { return internal_err!("nth_value has two arguments") };
        let numbers: &Int64Array = numbers.as_primitive::<Int64Type>();
        let row = self.row;
        self.row += 1;
        if numbers.is_null(row) {
            return ScalarValue::try_from(value.data_type());
        }
        let number = usize::try_from(numbers.value(row)).ok().filter(|number| *number > 0);
        let number = number.ok_or_else(too_small)?;
        let counts = |row: &usize| !self.ignores_nulls || value.is_valid(*row);
        let found = if self.is_backward {
            range.clone().rev().filter(counts).nth(number - 1)
        } else {
            range.clone().filter(counts).nth(number - 1)
        };
        match found {
            Some(found) => ScalarValue::try_from_array(value, found),
            None => ScalarValue::try_from(value.data_type()),
        }
    }
}
