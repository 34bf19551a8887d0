//! `to_char(value, pattern)`.

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, AsArray, StringViewBuilder},
    compute::cast as arrow_cast,
    datatypes::{DataType, IntervalMonthDayNano, Time64NanosecondType, TimeUnit},
};
use chrono::DateTime;
use datafusion::{
    common::{Result, internal_err, plan_err},
    logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility},
};

use super::{
    LOCAL, answer, is_text, micros, out_of_range,
    pattern::{Pattern, ShownTime, show},
    shift::intervals_of,
};
use crate::{postgres::functions::intervals::INTERVAL, time::TimeZone};

pub(super) fn to_char() -> ScalarUDF {
    ScalarUDF::new_from_impl(ToChar { signature: Signature::user_defined(Volatility::Immutable) })
}

/// The type of a `TIME` with all its digits.
const TIME: DataType = DataType::Time64(TimeUnit::Nanosecond);

#[derive(Debug, PartialEq, Eq, Hash)]
struct ToChar {
    signature: Signature,
}

impl ScalarUDFImpl for ToChar {
    fn name(&self) -> &'static str {
        "to_char"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let [value, pattern] = types else { return plan_err!("to_char takes a value and a pattern") };
        if !is_text(pattern) && !pattern.is_null() {
            return plan_err!("the pattern of to_char is a text, not {pattern}");
        }
        let value = match value {
            DataType::Timestamp(_, None) | DataType::Date32 | DataType::Date64 | DataType::Null => LOCAL,
            DataType::Timestamp(_, zone) => DataType::Timestamp(TimeUnit::Microsecond, zone.clone()),
            DataType::Time32(_) | DataType::Time64(_) => TIME,
            DataType::Interval(_) | DataType::Duration(_) => INTERVAL,
            other => return plan_err!("to_char takes a time, an interval or a number, not {other}"),
        };
        Ok(vec![value, DataType::Utf8View])
    }

    fn return_type(&self, _types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8View)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let [values, patterns] = arrays.as_slice() else {
            return internal_err!("to_char has two arguments");
        };
        let moments = moments(values)?;
        let patterns = arrow_cast(patterns, &DataType::Utf8View)?;
        let patterns = patterns.as_string_view();
        let mut texts = StringViewBuilder::with_capacity(moments.len());
        let mut last: Option<Pattern> = None;
        for (moment, pattern) in moments.into_iter().zip(patterns) {
            let (Some(moment), Some(text)) = (moment, pattern) else {
                texts.append_null();
                continue;
            };
            let pattern = match last.take() {
                Some(pattern) if pattern.text() == text => pattern,
                _ => Pattern::parse(text)?,
            };
            texts.append_value(show(moment, &pattern)?);
            last = Some(pattern);
        }
        let texts: ArrayRef = Arc::new(texts.finish());
        answer(&args.args, &texts)
    }
}

fn moments(values: &ArrayRef) -> Result<Vec<Option<ShownTime>>> {
    match values.data_type() {
        DataType::Timestamp(..) => {
            let times = micros(values)?;
            let zone = times.timezone().map(TimeZone::parse).transpose()?;
            let moment = |at: i64| {
                let local = zone.map_or(at, |zone| zone.local_micros(at));
                let east = ((local - at) / 1_000_000) as i32;
                let local = DateTime::from_timestamp_micros(local).ok_or_else(out_of_range)?.naive_utc();
                Ok(ShownTime::Time { local, zone: zone.map(|zone| (zone, east)) })
            };
            times.iter().map(|at| at.map(moment).transpose()).collect()
        }
        DataType::Time64(TimeUnit::Nanosecond) => {
            let times = values.as_primitive::<Time64NanosecondType>();
            let interval = |nanos| ShownTime::Interval(IntervalMonthDayNano::new(0, 0, nanos));
            Ok(times.iter().map(|nanos| nanos.map(interval)).collect())
        }
        _ => {
            Ok(intervals_of(values)?.into_iter().map(|interval| interval.map(ShownTime::Interval)).collect())
        }
    }
}
