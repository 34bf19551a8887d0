//! `date_trunc(field, time [, zone])`.

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, AsArray, IntervalMonthDayNanoArray, TimestampMicrosecondArray},
    compute::cast as arrow_cast,
    datatypes::{DataType, IntervalMonthDayNano, TimeUnit},
};
use chrono::{DateTime, Datelike, Days, NaiveDate};
use datafusion::{
    common::{Result, internal_err, plan_err},
    logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility},
};

use super::{LOCAL, answer, in_range, instant, is_text, micros, out_of_range, shift::intervals_of};
use crate::{
    error::{Error, quoted},
    postgres::functions::intervals::INTERVAL,
    time::TimeZone,
    types::interval::YEAR_MONTHS,
};

pub(super) fn date_trunc(zone: TimeZone) -> ScalarUDF {
    ScalarUDF::new_from_impl(DateTrunc {
        zone,
        of_day: datafusion::functions::datetime::date_trunc(),
        signature: Signature::user_defined(Volatility::Immutable),
        aliases: vec!["datetrunc".to_owned()],
    })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct DateTrunc {
    zone: TimeZone,
    /// Function that truncates times of day.
    of_day: Arc<ScalarUDF>,
    signature: Signature,
    aliases: Vec<String>,
}

impl ScalarUDFImpl for DateTrunc {
    fn name(&self) -> &'static str {
        "date_trunc"
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let (field, time, zone) = match types {
            [field, time] => (field, time, None),
            [field, time, zone] => (field, time, Some(zone)),
            _ => return plan_err!("date_trunc takes a field, a time, and perhaps a zone"),
        };
        let is_word = |data_type: &DataType| is_text(data_type) || data_type.is_null();
        if !is_word(field) || !zone.is_none_or(is_word) {
            return plan_err!("the field and the zone of date_trunc are texts, not {field}");
        }
        let time = match time {
            DataType::Timestamp(_, None) | DataType::Date32 | DataType::Date64 if zone.is_none() => LOCAL,
            DataType::Timestamp(..) | DataType::Date32 | DataType::Date64 | DataType::Null => instant(),
            text if is_text(text) => instant(),
            DataType::Time32(_) | DataType::Time64(_) if zone.is_none() => time.clone(),
            DataType::Interval(_) | DataType::Duration(_) if zone.is_none() => INTERVAL,
            other => return plan_err!("date_trunc takes a time, not {other}"),
        };
        let mut coerced = vec![DataType::Utf8, time];
        coerced.extend(zone.map(|_| DataType::Utf8));
        Ok(coerced)
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        match types.get(1) {
            Some(DataType::Timestamp(_, zone)) => {
                Ok(DataType::Timestamp(TimeUnit::Microsecond, zone.clone()))
            }
            Some(time) => Ok(time.clone()),
            None => internal_err!("date_trunc has two arguments"),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let of = args.args.get(1).map(ColumnarValue::data_type);
        if matches!(of, Some(DataType::Interval(_))) {
            return truncate_intervals(&args.args);
        }
        if !matches!(of, Some(DataType::Timestamp(..))) {
            return self.of_day.invoke_with_args(args);
        }
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let (fields, times, zones) = match arrays.as_slice() {
            [fields, times] => (fields, times, None),
            [fields, times, zones] => (fields, times, Some(arrow_cast(zones, &DataType::Utf8)?)),
            _ => return internal_err!("date_trunc has two or three arguments"),
        };
        let fields = arrow_cast(fields, &DataType::Utf8)?;
        let fields = fields.as_string::<i32>();
        let zones = zones.as_ref().map(AsArray::as_string::<i32>);
        let times = micros(times)?;
        let has_zone = times.timezone().is_some();
        let mut field = None;
        let mut zone = None;
        let mut truncated = Vec::with_capacity(times.len());
        for (row, time) in times.iter().enumerate() {
            let is_null = fields.is_null(row) || zones.is_some_and(|zones| zones.is_null(row));
            let Some(time) = time.filter(|_| !is_null) else {
                truncated.push(None);
                continue;
            };
            let field = match &field {
                Some((text, field)) if *text == fields.value(row) => *field,
                _ => field.insert((fields.value(row), Field::parse(fields.value(row))?)).1,
            };
            let zone = match (zones, &zone) {
                (None, _) => self.zone,
                (Some(zones), Some((text, zone))) if *text == zones.value(row) => *zone,
                (Some(zones), _) => {
                    zone.insert((zones.value(row), TimeZone::parse_beside_time(zones.value(row))?)).1
                }
            };
            truncated.push(Some(truncate(time, field, has_zone.then_some(zone))?));
        }
        let truncated = TimestampMicrosecondArray::from(truncated);
        let truncated: ArrayRef =
            Arc::new(truncated.with_timezone_opt(times.timezone().map(Arc::<str>::from)));
        answer(&args.args, &truncated)
    }
}

/// Field that a time is cut to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    /// So many microseconds, less than a day.
    Micros(i64),
    Day,
    Week,
    Months(i32),
    Years(i32),
}

impl Field {
    fn parse(text: &str) -> Result<Self, Error> {
        let lower = text.trim().to_ascii_lowercase();
        Ok(match lower.as_str() {
            "microsecond" | "microseconds" | "us" | "usec" => Self::Micros(1),
            "millisecond" | "milliseconds" | "ms" | "msec" => Self::Micros(1_000),
            "second" | "seconds" | "sec" | "secs" | "s" => Self::Micros(1_000_000),
            "minute" | "minutes" | "min" | "mins" | "m" => Self::Micros(60_000_000),
            "hour" | "hours" | "hr" | "hrs" | "h" => Self::Micros(3_600_000_000),
            "day" | "days" | "d" => Self::Day,
            "week" | "weeks" | "w" => Self::Week,
            "month" | "months" | "mon" | "mons" => Self::Months(1),
            "quarter" | "quarters" | "qtr" => Self::Months(3),
            "year" | "years" | "yr" | "yrs" | "y" => Self::Years(1),
            "decade" | "decades" => Self::Years(10),
            "century" | "centuries" => Self::Years(100),
            "millennium" | "millennia" => Self::Years(1_000),
            _ => {
                return Err(Error::invalid_value(format!("{} is no field of a time", quoted(text)))
                    .with_hint("the fields are microsecond to millennium, such as hour, day, week, month"));
            }
        })
    }
}

/// The start of the field that `time` is in, on the clocks of the zone.
fn truncate(time: i64, field: Field, zone: Option<TimeZone>) -> Result<i64> {
    let local = zone.map_or(time, |zone| zone.local_micros(time));
    if let Field::Micros(unit) = field {
        // The distance from UTC is that of the time itself, also where clocks change within the hour.
        return in_range(time - local.rem_euclid(unit));
    }
    let date = DateTime::from_timestamp_micros(local).ok_or_else(out_of_range)?.date_naive();
    let start = match field {
        Field::Micros(_) | Field::Day => Some(date),
        Field::Week => date.checked_sub_days(Days::new(u64::from(date.weekday().num_days_from_monday()))),
        Field::Months(count) => {
            let month = date.month0() as i32 / count * count;
            NaiveDate::from_ymd_opt(date.year(), month as u32 + 1, 1)
        }
        // The first century has the years 1 to 100, the first decade 1 to 9.
        Field::Years(count @ (1 | 10)) => NaiveDate::from_ymd_opt((date.year() / count * count).max(1), 1, 1),
        Field::Years(count) => NaiveDate::from_ymd_opt((date.year() - 1) / count * count + 1, 1, 1),
    };
    let start = start.ok_or_else(out_of_range)?.and_time(chrono::NaiveTime::MIN).and_utc().timestamp_micros();
    in_range(zone.map_or(start, |zone| zone.instant_of_micros(start)))
}

fn truncate_intervals(args: &[ColumnarValue]) -> Result<ColumnarValue> {
    let arrays = ColumnarValue::values_to_arrays(args)?;
    let [fields, intervals] = arrays.as_slice() else {
        return internal_err!("date_trunc of an interval has two arguments");
    };
    let fields = arrow_cast(fields, &DataType::Utf8)?;
    let truncated: IntervalMonthDayNanoArray = fields
        .as_string::<i32>()
        .iter()
        .zip(intervals_of(intervals)?)
        .map(|(field, interval)| match (field, interval) {
            (Some(field), Some(interval)) => truncate_interval(interval, Field::parse(field)?).map(Some),
            _ => Ok(None),
        })
        .collect::<Result<_>>()?;
    let truncated: ArrayRef = Arc::new(truncated);
    answer(args, &truncated)
}

/// The interval without the counts that are smaller than the field; months and years are cut towards zero.
fn truncate_interval(interval: IntervalMonthDayNano, field: Field) -> Result<IntervalMonthDayNano> {
    let IntervalMonthDayNano { months, days, nanoseconds } = interval;
    let whole_months = |size: i32| IntervalMonthDayNano::new(months / size * size, 0, 0);
    Ok(match field {
        Field::Micros(micros) => {
            let nanos = micros * 1_000;
            IntervalMonthDayNano::new(months, days, nanoseconds / nanos * nanos)
        }
        Field::Day => IntervalMonthDayNano::new(months, days, 0),
        Field::Week => {
            return Err(Error::unsupported("weeks of an INTERVAL, whose months have no whole weeks,").into());
        }
        Field::Months(count) => whole_months(count),
        Field::Years(count) => whole_months(count * YEAR_MONTHS),
    })
}
