//! `generate_series(start, end, step)` of times: days and months are those of the session's zone, each step
//! goes on from the one before.

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, ListBuilder, TimestampMicrosecondBuilder},
    datatypes::{DataType, Field, IntervalMonthDayNano, TimeUnit},
};
use datafusion::{
    common::{Result, ScalarValue, internal_err, plan_err},
    functions_nested::range::gen_series_udf,
    logical_expr::{
        ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
        type_coercion::functions::fields_with_udf,
    },
};

use super::{
    LOCAL, answer, instant, is_text, micros,
    shift::{intervals_of, shifted},
};
use crate::{
    error::{Error, SqlState},
    postgres::functions::{casts::cast_value, intervals::INTERVAL},
    time::TimeZone,
    types::interval::total_nanos,
};

/// Times in one list; as rows of a table there may be any number.
const LIST_MAX: usize = 10_000_000;

/// `generate_series` of times, and DataFusion's of numbers.
pub(super) fn generate_series(zone: TimeZone) -> ScalarUDF {
    ScalarUDF::new_from_impl(GenerateSeries {
        zone,
        of_numbers: gen_series_udf(),
        signature: Signature::user_defined(Volatility::Immutable),
    })
}

/// True for the types of arguments that make a series of times.
pub(crate) fn is_time_series(types: &[DataType]) -> bool {
    let is_time = |data_type: &DataType| {
        matches!(data_type, DataType::Timestamp(..) | DataType::Date32 | DataType::Date64)
    };
    let step = types.get(2);
    types.iter().take(2).any(is_time) || step.is_some_and(|step| matches!(step, DataType::Interval(_)))
}

/// The times of a series, one after the other; none where an argument is NULL.
#[derive(Clone, Debug)]
pub(crate) struct TimeSeries {
    next: Option<i64>,
    end: i64,
    step: IntervalMonthDayNano,
    /// The series goes to earlier times.
    is_back: bool,
    zone: Option<TimeZone>,
}

/// The series between two times, in the zone that a function of [`generate_series`] has.
///
/// # Errors
///
/// 22023 for a step of no length.
pub(crate) fn time_series(
    function: &ScalarUDF,
    args: &[ScalarValue],
) -> Result<(DataType, Option<TimeSeries>)> {
    let Some(function) = function.inner().downcast_ref::<GenerateSeries>() else {
        return internal_err!("{} gives no series", function.name());
    };
    let types: Vec<DataType> = args.iter().map(ScalarValue::data_type).collect();
    let types = function.coerce_types(&types)?;
    let [start, end, step] = args else { return internal_err!("a series of times has three arguments") };
    let arrays = [start, end, step]
        .into_iter()
        .zip(&types)
        .map(|(value, data_type)| cast_value(value, data_type, function.zone)?.to_array());
    let arrays = arrays.collect::<Result<Vec<_>>>()?;
    let series = function.series(&arrays)?.into_iter().next().flatten();
    let Some(time) = types.into_iter().next() else { return internal_err!("a series has a start") };
    Ok((time, series))
}

impl TimeSeries {
    fn new(start: i64, end: i64, step: IntervalMonthDayNano, zone: Option<TimeZone>) -> Result<Self> {
        let length = total_nanos(step);
        if length == 0 {
            return Err(Error::invalid_value("the step of a series cannot be zero").into());
        }
        Ok(Self { next: Some(start), end, step, is_back: length < 0, zone })
    }
}

impl Iterator for TimeSeries {
    type Item = Result<i64>;

    fn next(&mut self) -> Option<Result<i64>> {
        let is_past = |at: i64, other: i64| if self.is_back { at < other } else { at > other };
        let current = self.next.filter(|current| !is_past(*current, self.end))?;
        if current == self.end {
            self.next = None;
            return Some(Ok(current));
        }
        match shifted(current, self.step, false, self.zone) {
            Ok(next) if is_past(next, current) => self.next = Some(next),
            // Months and days of different signs may lead nowhere.
            Ok(_) => {
                self.next = None;
                return Some(Err(Error::invalid_value("the step of a series does not lead on").into()));
            }
            // A value beyond all times is beyond the end.
            Err(_) => self.next = None,
        }
        Some(Ok(current))
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct GenerateSeries {
    zone: TimeZone,
    of_numbers: Arc<ScalarUDF>,
    signature: Signature,
}

impl GenerateSeries {
    fn series(&self, arrays: &[ArrayRef]) -> Result<Vec<Option<TimeSeries>>> {
        let [starts, ends, steps] = arrays else {
            return internal_err!("a series of times has three arguments");
        };
        let (starts, ends) = (micros(starts)?, micros(ends)?);
        let zone = starts.timezone().map(|_| self.zone);
        let times = starts.iter().zip(ends.iter()).zip(intervals_of(steps)?);
        times
            .map(|((start, end), step)| match (start, end, step) {
                (Some(start), Some(end), Some(step)) => TimeSeries::new(start, end, step, zone).map(Some),
                _ => Ok(None),
            })
            .collect()
    }
}

impl ScalarUDFImpl for GenerateSeries {
    fn name(&self) -> &'static str {
        "generate_series"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        if !is_time_series(types) {
            let field = |data_type: &DataType| Arc::new(Field::new("", data_type.clone(), true));
            let fields: Vec<_> = types.iter().map(field).collect();
            let fields = fields_with_udf(&fields, self.of_numbers.as_ref())?;
            return Ok(fields.iter().map(|field| field.data_type().clone()).collect());
        }
        let [start, end, step] = types else {
            return plan_err!("generate_series of times takes a start, an end and a step");
        };
        let is_end = |time: &DataType| {
            is_text(time)
                || matches!(
                    time,
                    DataType::Timestamp(..) | DataType::Date32 | DataType::Date64 | DataType::Null
                )
        };
        if !is_end(start) || !is_end(end) {
            return plan_err!("generate_series takes times, not {start} and {end}");
        }
        let is_step = is_text(step) || matches!(step, DataType::Interval(_) | DataType::Null);
        if !is_step {
            return plan_err!("the step between times is an interval, not {step}");
        }
        // Dates are instants here, as in Postgres.
        let is_local = |time: &DataType| matches!(time, DataType::Timestamp(_, None));
        let is_instant = |time: &DataType| matches!(time, DataType::Timestamp(_, Some(_)));
        let local = (is_local(start) || is_local(end)) && !is_instant(start) && !is_instant(end);
        let time = if local { LOCAL } else { instant() };
        Ok(vec![time.clone(), time, INTERVAL])
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        match types {
            [time @ DataType::Timestamp(..), ..] => {
                Ok(DataType::List(Arc::new(Field::new_list_field(time.clone(), true))))
            }
            _ => self
                .of_numbers
                .return_field_from_args(ReturnFieldArgs {
                    arg_fields: &types
                        .iter()
                        .map(|data_type| Arc::new(Field::new("", data_type.clone(), true)))
                        .collect::<Vec<_>>(),
                    scalar_arguments: &vec![None; types.len()],
                })
                .map(|field| field.data_type().clone()),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let Some(DataType::Timestamp(_, zone)) = args.args.first().map(ColumnarValue::data_type) else {
            return self.of_numbers.invoke_with_args(args);
        };
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let item = DataType::Timestamp(TimeUnit::Microsecond, zone);
        let values = TimestampMicrosecondBuilder::new().with_data_type(item.clone());
        let mut lists = ListBuilder::new(values).with_field(Field::new_list_field(item, true));
        for series in self.series(&arrays)? {
            let Some(series) = series else {
                lists.append_null();
                continue;
            };
            for (count, time) in series.enumerate() {
                if count >= LIST_MAX {
                    let message = format!("generate_series has more than {LIST_MAX} times");
                    return Err(Error::new(SqlState::ProgramLimitExceeded, message)
                        .with_hint("write it behind FROM, where its rows need no memory")
                        .into());
                }
                lists.values().append_value(time?);
            }
            lists.append(true);
        }
        let lists: ArrayRef = Arc::new(lists.finish());
        debug_assert!(lists.len() == arrays.first().map_or(0, Array::len), "a list for each row");
        answer(&args.args, &lists)
    }
}
