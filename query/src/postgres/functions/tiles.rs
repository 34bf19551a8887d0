//! `ntile` by a number that is no constant, or NULL: that of the partition's first row counts.

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, AsArray, Int64Array, new_null_array},
    datatypes::{DataType, Field, FieldRef, Int64Type},
};
use datafusion::{
    common::{Result, internal_err},
    logical_expr::{
        LimitEffect, PartitionEvaluator, Signature, Volatility, WindowUDF, WindowUDFImpl,
        function::{PartitionEvaluatorArgs, WindowUDFFieldArgs},
    },
    physical_expr::PhysicalExpr,
};

use super::window_arguments::{no_window_function, whole_number};
use crate::error::{Error, SqlState};

/// The function.
pub(super) fn tiles() -> WindowUDF {
    WindowUDF::new_from_impl(Tiles { signature: Signature::user_defined(Volatility::Immutable) })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Tiles {
    signature: Signature,
}

impl WindowUDFImpl for Tiles {
    fn name(&self) -> &'static str {
        "ntile"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        match types {
            [count] => Ok(vec![whole_number(self.name(), types, count)?]),
            _ => Err(no_window_function(self.name(), types)),
        }
    }

    fn partition_evaluator(&self, _: PartitionEvaluatorArgs<'_>) -> Result<Box<dyn PartitionEvaluator>> {
        Ok(Box::new(TileNumbers))
    }

    fn field(&self, args: WindowUDFFieldArgs<'_>) -> Result<FieldRef> {
        Ok(Arc::new(Field::new(args.name(), DataType::Int64, true)))
    }

    fn limit_effect(&self, _: &[Arc<dyn PhysicalExpr>]) -> LimitEffect {
        LimitEffect::Unknown
    }
}

#[derive(Debug)]
struct TileNumbers;

impl PartitionEvaluator for TileNumbers {
    fn evaluate_all(&mut self, values: &[ArrayRef], num_rows: usize) -> Result<ArrayRef> {
        let Some(counts) = values.first() else { return internal_err!("ntile has an argument") };
        let counts: &Int64Array = counts.as_primitive::<Int64Type>();
        if num_rows == 0 || counts.is_null(0) {
            return Ok(new_null_array(&DataType::Int64, num_rows));
        }
        let (count, rows) = (i128::from(counts.value(0)), num_rows as i128);
        if count <= 0 {
            let message = "argument of ntile must be greater than zero";
            return Err(Error::new(SqlState::InvalidArgumentForNtile, message).into());
        }
        // The first tiles have a row more where the rows do not come out even.
        let (size, larger) = (rows / count, rows % count);
        let in_larger = larger * (size + 1);
        let numbers = (0..rows).map(|row| {
            let before = if row < in_larger { row / (size + 1) } else { larger + (row - in_larger) / size };
            i64::try_from(before + 1).ok()
        });
        Ok(Arc::new(numbers.collect::<Int64Array>()))
    }
}
