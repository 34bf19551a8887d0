//! A time and an interval, added or subtracted.

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, AsArray},
    compute::cast as arrow_cast,
    datatypes::{
        DataType, IntervalDayTimeType, IntervalMonthDayNano, IntervalMonthDayNanoType, IntervalUnit,
        IntervalYearMonthType, TimeUnit,
    },
};
use chrono::{DateTime, Days, Months};
use datafusion::{
    common::{Result, internal_err},
    logical_expr::{
        ColumnarValue, Expr, Operator, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
    },
};

use super::{answer, in_range, micros, out_of_range};
use crate::time::TimeZone;

/// A time plus or minus an interval: days and months count on the clocks of the session's zone.
pub(crate) fn shift(op: Operator, zone: TimeZone) -> ScalarUDF {
    ScalarUDF::new_from_impl(Shift {
        back: op == Operator::Minus,
        zone,
        signature: Signature::any(2, Volatility::Immutable),
    })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Shift {
    back: bool,
    zone: TimeZone,
    signature: Signature,
}

impl ScalarUDFImpl for Shift {
    fn name(&self) -> &str {
        if self.back { "subtract_interval" } else { "add_interval" }
    }

    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        let [left, right] = args else { return internal_err!("{} has two operands", self.name()) };
        let sign = if self.back { '-' } else { '+' };
        Ok(format!("{} {sign} {}", left.schema_name(), right.schema_name()))
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        let [DataType::Timestamp(_, zone), _] = types else {
            return internal_err!("{} takes a time and an interval", self.name());
        };
        Ok(DataType::Timestamp(TimeUnit::Microsecond, zone.clone()))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let [times, intervals] = arrays.as_slice() else {
            return internal_err!("{} has two operands", self.name());
        };
        let times = micros(times)?;
        let zone = times.timezone().map(|_| self.zone);
        let intervals = intervals_of(intervals)?;
        let shifted: arrow::array::TimestampMicrosecondArray = times
            .iter()
            .zip(intervals)
            .map(|(time, interval)| match (time, interval) {
                (Some(time), Some(interval)) => shifted(time, interval, self.back, zone).map(Some),
                _ => Ok(None),
            })
            .collect::<Result<_>>()?;
        let shifted: ArrayRef = Arc::new(shifted.with_timezone_opt(times.timezone().map(Arc::<str>::from)));
        answer(&args.args, &shifted)
    }
}

/// Intervals of any unit, as months, days and nanoseconds.
pub(in crate::postgres::functions) fn intervals_of(
    array: &ArrayRef,
) -> Result<Vec<Option<IntervalMonthDayNano>>> {
    Ok(match array.data_type() {
        DataType::Interval(IntervalUnit::MonthDayNano) => {
            array.as_primitive::<IntervalMonthDayNanoType>().iter().collect()
        }
        DataType::Interval(IntervalUnit::YearMonth) => array
            .as_primitive::<IntervalYearMonthType>()
            .iter()
            .map(|months| months.map(|months| IntervalMonthDayNano::new(months, 0, 0)))
            .collect(),
        DataType::Interval(IntervalUnit::DayTime) => array
            .as_primitive::<IntervalDayTimeType>()
            .iter()
            .map(|time| {
                time.map(|t| IntervalMonthDayNano::new(0, t.days, i64::from(t.milliseconds) * 1_000_000))
            })
            .collect(),
        _ => {
            let array = arrow_cast(array, &DataType::Interval(IntervalUnit::MonthDayNano))?;
            array.as_primitive::<IntervalMonthDayNanoType>().iter().collect()
        }
    })
}

/// First the months, then the days, then the time.
pub(in crate::postgres::functions) fn shifted(
    time: i64,
    interval: IntervalMonthDayNano,
    back: bool,
    zone: Option<TimeZone>,
) -> Result<i64> {
    let IntervalMonthDayNano { months, days, nanoseconds } = interval;
    let mut time = time;
    if months != 0 || days != 0 {
        let local = zone.map_or(time, |zone| zone.local_micros(time));
        let local = on_calendar(local, i64::from(months), i64::from(days), back).ok_or_else(out_of_range)?;
        time = zone.map_or(local, |zone| zone.instant_of_micros(local));
    }
    let micros = nanoseconds / 1_000;
    let shifted = if back { time.checked_sub(micros) } else { time.checked_add(micros) };
    in_range(shifted.ok_or_else(out_of_range)?)
}

/// A local time so many months and days later, or earlier; the day of the month is one that the month has.
fn on_calendar(local: i64, months: i64, days: i64, back: bool) -> Option<i64> {
    let (months, days) = if back { (-months, -days) } else { (months, days) };
    let time = DateTime::from_timestamp_micros(local)?.naive_utc();
    let count = Months::new(u32::try_from(months.unsigned_abs()).ok()?);
    let time = if months < 0 { time.checked_sub_months(count)? } else { time.checked_add_months(count)? };
    let count = Days::new(days.unsigned_abs());
    let time = if days < 0 { time.checked_sub_days(count)? } else { time.checked_add_days(count)? };
    Some(time.and_utc().timestamp_micros())
}
