//! Window functions over a `RANGE` of days and months, which are those of the session's zone: a day in which
//! clocks change has 23 or 25 hours.
//!
//! DataFusion adds the offset to the instant in UTC. This function finds the rows of each frame by itself,
//! and gives them to the function that the query names, which it holds.

use std::{ops::Range, sync::Arc};

use arrow::{
    array::{Array, ArrayRef, AsArray, TimestampMicrosecondArray},
    compute::filter,
    datatypes::{DataType, Field, FieldRef, IntervalMonthDayNano, Schema},
};
use datafusion::{
    common::{Result, ScalarValue, internal_err},
    logical_expr::{
        Accumulator, AggregateUDF, PartitionEvaluator, Signature, Volatility, WindowUDF, WindowUDFImpl,
        expr::WindowFunctionDefinition,
        function::{AccumulatorArgs, PartitionEvaluatorArgs, WindowUDFFieldArgs},
    },
    physical_expr::PhysicalExpr,
};

use super::times::{micros, shifted};
use crate::time::TimeZone;

/// An end of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum FrameEnd {
    Unbounded,
    CurrentRow,
    Preceding(IntervalMonthDayNano),
    Following(IntervalMonthDayNano),
}

/// A function over frames whose ends are found in a zone. Its arguments are those of the function, the
/// condition of `FILTER` if there is one, and the instant that the rows are ordered by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ZonedFrame {
    pub function: WindowFunctionDefinition,
    pub zone: TimeZone,
    pub start: FrameEnd,
    pub end: FrameEnd,
    pub descending: bool,
    pub distinct: bool,
    pub has_filter: bool,
}

impl ZonedFrame {
    /// The window function.
    pub(crate) fn into_udf(self) -> Arc<WindowUDF> {
        let signature = Signature::variadic_any(Volatility::Immutable);
        Arc::new(WindowUDF::new_from_impl(ZonedFrameFunction { frame: self, signature }))
    }

    /// Number of the arguments that are those of the function.
    fn own_args(&self, all: usize) -> usize {
        all.saturating_sub(1 + usize::from(self.has_filter))
    }

    /// The rows of the frame of each row.
    fn ranges(&self, keys: &TimestampMicrosecondArray) -> Vec<Range<usize>> {
        let rows = keys.len();
        let nulls = keys.null_count();
        let known = if nulls > 0 && keys.is_null(0) { nulls..rows } else { 0..rows - nulls };
        let block = if known.start == 0 { known.end..rows } else { 0..known.start };
        let range = |row: usize| {
            let place = |end: FrameEnd, is_start: bool| match end {
                FrameEnd::Unbounded => {
                    if is_start {
                        0
                    } else {
                        rows
                    }
                }
                _ if keys.is_null(row) => {
                    if is_start {
                        block.start
                    } else {
                        block.end
                    }
                }
                end => self.place(keys, &known, keys.value(row), end, is_start),
            };
            let start = place(self.start, true);
            start..place(self.end, false).max(start)
        };
        (0..rows).map(range).collect()
    }

    /// The first row that is not before the end of the frame, or the first behind it.
    fn place(
        &self,
        keys: &TimestampMicrosecondArray,
        known: &Range<usize>,
        at: i64,
        end: FrameEnd,
        is_start: bool,
    ) -> usize {
        let (interval, is_following) = match end {
            FrameEnd::Preceding(interval) => (interval, false),
            FrameEnd::Following(interval) => (interval, true),
            FrameEnd::Unbounded | FrameEnd::CurrentRow => (IntervalMonthDayNano::ZERO, true),
        };
        let back = is_following == self.descending;
        let Ok(target) = shifted(at, interval, back, Some(self.zone)) else {
            // Beyond all times there are no rows.
            return if is_following { known.end } else { known.start };
        };
        let values = &keys.values()[known.clone()];
        let is_before = |key: &i64| match (self.descending, is_start) {
            (false, true) => *key < target,
            (false, false) => *key <= target,
            (true, true) => *key > target,
            (true, false) => *key >= target,
        };
        known.start + values.partition_point(is_before)
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct ZonedFrameFunction {
    frame: ZonedFrame,
    signature: Signature,
}

impl WindowUDFImpl for ZonedFrameFunction {
    fn name(&self) -> &str {
        self.frame.function.name()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn field(&self, args: WindowUDFFieldArgs<'_>) -> Result<FieldRef> {
        let own = self.frame.own_args(args.input_fields().len());
        let fields = &args.input_fields()[..own];
        match &self.frame.function {
            WindowFunctionDefinition::AggregateUDF(function) => {
                let data_type = return_type(function, fields)?;
                Ok(Arc::new(Field::new(args.name(), data_type, true)))
            }
            WindowFunctionDefinition::WindowUDF(function) => {
                function.field(WindowUDFFieldArgs::new(fields, args.name()))
            }
        }
    }

    fn partition_evaluator(&self, args: PartitionEvaluatorArgs<'_>) -> Result<Box<dyn PartitionEvaluator>> {
        let own = self.frame.own_args(args.input_exprs().len());
        let (exprs, fields) = (&args.input_exprs()[..own], &args.input_fields()[..own]);
        let inner = match &self.frame.function {
            WindowFunctionDefinition::AggregateUDF(function) => Inner::Aggregate(Aggregate {
                function: Arc::clone(function),
                exprs: exprs.to_vec(),
                fields: fields.to_vec(),
                ignore_nulls: args.ignore_nulls(),
                distinct: self.frame.distinct,
            }),
            WindowFunctionDefinition::WindowUDF(function) => {
                let args = PartitionEvaluatorArgs::new(exprs, fields, false, args.ignore_nulls());
                Inner::Window(function.partition_evaluator_factory(args)?)
            }
        };
        Ok(Box::new(FrameEvaluator { frame: self.frame.clone(), inner }))
    }
}

fn return_type(function: &AggregateUDF, fields: &[FieldRef]) -> Result<DataType> {
    let types: Vec<DataType> = fields.iter().map(|field| field.data_type().clone()).collect();
    function.return_type(&types)
}

/// The function that is computed over the frames.
#[derive(Debug)]
enum Inner {
    Aggregate(Aggregate),
    Window(Box<dyn PartitionEvaluator>),
}

#[derive(Debug)]
struct Aggregate {
    function: Arc<AggregateUDF>,
    exprs: Vec<Arc<dyn PhysicalExpr>>,
    fields: Vec<FieldRef>,
    ignore_nulls: bool,
    distinct: bool,
}

impl Aggregate {
    fn accumulator(&self) -> Result<Box<dyn Accumulator>> {
        let data_type = return_type(&self.function, &self.fields)?;
        let args = AccumulatorArgs {
            return_field: Arc::new(Field::new(self.function.name(), data_type, true)),
            schema: &Schema::empty(),
            ignore_nulls: self.ignore_nulls,
            order_bys: &[],
            is_reversed: false,
            name: self.function.name(),
            is_distinct: self.distinct,
            exprs: &self.exprs,
            expr_fields: &self.fields,
        };
        self.function.create_sliding_accumulator(args)
    }

    /// The answer over each of the ranges, going on from the one before where it can.
    fn evaluate(
        &self,
        values: &[ArrayRef],
        condition: Option<&ArrayRef>,
        ranges: &[Range<usize>],
    ) -> Result<Vec<ScalarValue>> {
        let part = |rows: Range<usize>| -> Result<Vec<ArrayRef>> {
            let slice = |array: &ArrayRef| array.slice(rows.start, rows.len());
            let Some(condition) = condition else { return Ok(values.iter().map(slice).collect()) };
            let condition = slice(condition);
            let condition = condition.as_boolean();
            Ok(values
                .iter()
                .map(|array| filter(&slice(array), condition))
                .collect::<std::result::Result<_, _>>()?)
        };
        let mut accumulator = self.accumulator()?;
        let mut last = 0..0;
        let mut answers = Vec::with_capacity(ranges.len());
        for range in ranges {
            let goes_on = accumulator.supports_retract_batch()
                && range.start >= last.start
                && range.end >= last.end
                && range.start <= last.end;
            if goes_on {
                if range.start > last.start {
                    accumulator.retract_batch(&part(last.start..range.start)?)?;
                }
                if range.end > last.end {
                    accumulator.update_batch(&part(last.end..range.end)?)?;
                }
            } else {
                accumulator = self.accumulator()?;
                if !range.is_empty() {
                    accumulator.update_batch(&part(range.clone())?)?;
                }
            }
            answers.push(accumulator.evaluate()?);
            last = range.clone();
        }
        Ok(answers)
    }
}

#[derive(Debug)]
struct FrameEvaluator {
    frame: ZonedFrame,
    inner: Inner,
}

impl PartitionEvaluator for FrameEvaluator {
    fn evaluate_all(&mut self, values: &[ArrayRef], _num_rows: usize) -> Result<ArrayRef> {
        let Some((keys, rest)) = values.split_last() else {
            return internal_err!("a frame has an order");
        };
        let (own, condition) = rest.split_at(self.frame.own_args(values.len()));
        let ranges = self.frame.ranges(&micros(keys)?);
        let answers = match &mut self.inner {
            Inner::Aggregate(aggregate) => aggregate.evaluate(own, condition.first(), &ranges)?,
            Inner::Window(evaluator) => {
                ranges.iter().map(|range| evaluator.evaluate(own, range)).collect::<Result<_>>()?
            }
        };
        ScalarValue::iter_to_array(answers)
    }
}
