//! `age(to, from)` and `age(from)`: years, months, days and time on the calendar.

use chrono::{DateTime, Datelike, NaiveDateTime, Timelike};
use datafusion::{
    arrow::datatypes::{DataType, IntervalMonthDayNano},
    common::{Result, internal_err, plan_err},
    logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility},
};

use super::{INTERVAL, answer};
use crate::{
    postgres::exprs::is_text,
    postgres::functions::times::{LOCAL, instant, micros, out_of_range},
    time::TimeZone,
    types::interval::interval_of,
};

pub(super) fn age(zone: TimeZone) -> ScalarUDF {
    ScalarUDF::new_from_impl(Age { zone, signature: Signature::user_defined(Volatility::Immutable) })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Age {
    zone: TimeZone,
    signature: Signature,
}

impl ScalarUDFImpl for Age {
    fn name(&self) -> &'static str {
        "age"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        if types.len() != 2 {
            return plan_err!("age takes one or two times");
        }
        let is_local = |time: &DataType| matches!(time, DataType::Timestamp(_, None));
        let is_time = |time: &DataType| {
            is_text(time)
                || matches!(
                    time,
                    DataType::Timestamp(..) | DataType::Date32 | DataType::Date64 | DataType::Null
                )
        };
        if let Some(other) = types.iter().find(|time| !is_time(time)) {
            return plan_err!("age takes times, not {other}");
        }
        let has_zone = types.iter().any(|time| matches!(time, DataType::Timestamp(_, Some(_))));
        let is_local = !has_zone && types.iter().any(is_local);
        Ok(vec![if is_local { LOCAL } else { instant() }; 2])
    }

    fn return_type(&self, _types: &[DataType]) -> Result<DataType> {
        Ok(INTERVAL)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let [to, from] = arrays.as_slice() else { return internal_err!("age has two arguments") };
        let (to, from) = (micros(to)?, micros(from)?);
        let has_zone = to.timezone().is_some();
        let local = |at: i64| {
            let at = if has_zone { self.zone.local_micros(at) } else { at };
            DateTime::from_timestamp_micros(at).map(|time| time.naive_utc()).ok_or_else(out_of_range)
        };
        answer(
            &args.args,
            to.iter().zip(from.iter()).map(|times| match times {
                (Some(to), Some(from)) => between(local(to)?, local(from)?).map(Some),
                _ => Ok(None),
            }),
        )
    }
}

/// The fields of the later time less those of the earlier; days are borrowed from the month of the earlier.
fn between(to: NaiveDateTime, from: NaiveDateTime) -> Result<IntervalMonthDayNano> {
    let is_back = to < from;
    let (late, early) = if is_back { (from, to) } else { (to, from) };
    let day_micros = |time: NaiveDateTime| {
        i64::from(time.num_seconds_from_midnight()) * 1_000_000 + i64::from(time.nanosecond() / 1_000)
    };
    let mut micros = day_micros(late) - day_micros(early);
    let mut days = i64::from(late.day()) - i64::from(early.day());
    let month = |time: NaiveDateTime| i64::from(time.year()) * 12 + i64::from(time.month0());
    let mut months = month(late) - month(early);
    if micros < 0 {
        micros += crate::types::interval::DAY_MICROS;
        days -= 1;
    }
    if days < 0 {
        days += i64::from(early.date().num_days_in_month());
        months -= 1;
    }
    let sign = if is_back { -1 } else { 1 };
    Ok(interval_of(sign * months, sign * days, i128::from(sign * micros))?)
}
