//! `date_part(field, time)`, which is `extract(field FROM time)`.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, AsArray, Decimal128Array, Int32Array, PrimitiveArray, TimestampMicrosecondArray},
    compute::cast as arrow_cast,
    datatypes::{
        ArrowPrimitiveType, DataType, Date32Type, Field, FieldRef, Int32Type, Time64MicrosecondType, TimeUnit,
    },
};
use chrono::{DateTime, Datelike};
use datafusion::{
    common::{Result, ScalarValue, internal_err, plan_err},
    logical_expr::{
        ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
        Volatility,
        expr::ScalarFunction,
        planner::{ExprPlanner, PlannerResult},
        preimage::PreimageResult,
        simplify::SimplifyContext,
    },
};

use super::{answer, instant, interval_part::interval_parts, is_text, micros, out_of_range};
use crate::{
    error::Error, postgres::functions::intervals::INTERVAL, time::TimeZone, types::interval::DAY_MICROS,
};

pub(super) fn date_part() -> ScalarUDF {
    ScalarUDF::new_from_impl(DatePart {
        others: datafusion::functions::datetime::date_part(),
        signature: Signature::user_defined(Volatility::Immutable),
        aliases: vec!["datepart".to_owned()],
    })
}

/// Plans `extract` with our [`date_part`]: DataFusion's planner takes its own.
#[derive(Debug)]
pub(crate) struct Extract;

impl ExprPlanner for Extract {
    fn plan_extract(&self, args: Vec<Expr>) -> Result<PlannerResult<Vec<Expr>>> {
        let call = ScalarFunction::new_udf(Arc::new(date_part()), args);
        Ok(PlannerResult::Planned(Expr::ScalarFunction(call)))
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct DatePart {
    /// The function that knows all other fields of times and dates.
    others: Arc<ScalarUDF>,
    signature: Signature,
    aliases: Vec<String>,
}

/// A field of a time or an interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Microsecond,
    Millisecond,
    Second,
    Minute,
    Hour,
    Day,
    Month,
    Quarter,
    Year,
    Decade,
    Century,
    Millennium,
    Epoch,
    /// Days since 24 November 4714 BC, with the fraction of the day that a time has.
    Julian,
    /// Any other field of a date.
    OfDate,
    /// Seconds east of UTC, all of them, or in hours, or the minutes that are left.
    Timezone,
    TimezoneHour,
    TimezoneMinute,
}

impl Part {
    fn parse(text: &str) -> Option<Self> {
        Some(match text.trim_matches(['\'', '"', ' ']).to_ascii_lowercase().as_str() {
            "microsecond" | "microseconds" | "us" | "usec" | "usecs" => Self::Microsecond,
            "second" | "seconds" | "sec" | "secs" | "s" => Self::Second,
            "minute" | "minutes" | "min" | "mins" | "m" => Self::Minute,
            "hour" | "hours" | "hr" | "hrs" | "h" => Self::Hour,
            "day" | "days" | "d" => Self::Day,
            "month" | "months" | "mon" | "mons" => Self::Month,
            "quarter" | "quarters" | "qtr" => Self::Quarter,
            "year" | "years" | "yr" | "yrs" | "y" => Self::Year,
            "epoch" => Self::Epoch,
            "julian" => Self::Julian,
            "dow" | "isodow" | "doy" | "week" | "weeks" | "isoyear" => Self::OfDate,
            "millisecond" | "milliseconds" | "ms" | "msec" | "msecs" => Self::Millisecond,
            "decade" | "decades" => Self::Decade,
            "century" | "centuries" => Self::Century,
            "millennium" | "millennia" => Self::Millennium,
            "timezone" => Self::Timezone,
            "timezone_hour" => Self::TimezoneHour,
            "timezone_minute" => Self::TimezoneMinute,
            _ => return None,
        })
    }

    /// The type of the field of a value of this type.
    fn data_type(self, of: &DataType) -> DataType {
        match self {
            Self::Second => SECONDS,
            Self::Millisecond => MILLISECONDS,
            Self::Julian if matches!(of, DataType::Timestamp(..)) => DataType::Decimal128(38, JULIAN_DIGITS),
            Self::Epoch => DataType::Float64,
            _ => DataType::Int32,
        }
    }

    /// True where DataFusion knows the field of a type, and gives all of it; 0A000 for a field that the type
    /// has not.
    fn is_known(self, of: &DataType, name: &str) -> Result<bool> {
        use DataType::{Date32, Date64, Interval, Time32, Time64};
        let has = match of {
            Time32(_) | Time64(_) => matches!(
                self,
                Self::Microsecond
                    | Self::Millisecond
                    | Self::Second
                    | Self::Minute
                    | Self::Hour
                    | Self::Epoch
            ),
            Interval(_) => !matches!(
                self,
                Self::Julian | Self::OfDate | Self::Timezone | Self::TimezoneHour | Self::TimezoneMinute
            ),
            Date32 | Date64 => !matches!(self, Self::Timezone | Self::TimezoneHour | Self::TimezoneMinute),
            _ => true,
        };
        if !has {
            let type_name = match of {
                Time32(_) | Time64(_) => "TIME",
                Interval(_) => "INTERVAL",
                _ => "DATE",
            };
            return Err(Error::unsupported(format!("{name} of a {type_name}")).into());
        }
        Ok(match of {
            Interval(_) => false,
            Date32 | Date64 => {
                !matches!(self, Self::Decade | Self::Century | Self::Millennium | Self::Julian)
            }
            Time32(_) | Time64(_) => !matches!(self, Self::Second | Self::Millisecond),
            _ => matches!(
                self,
                Self::Microsecond
                    | Self::Minute
                    | Self::Hour
                    | Self::Day
                    | Self::Month
                    | Self::Quarter
                    | Self::Year
                    | Self::Epoch
                    | Self::OfDate
            ),
        })
    }
}

/// The types of seconds and milliseconds: those of a minute, to the microsecond.
pub(super) const SECONDS: DataType = DataType::Decimal128(8, 6);
pub(super) const MILLISECONDS: DataType = DataType::Decimal128(8, 3);

/// Digits behind the point of a Julian day.
const JULIAN_DIGITS: i8 = 20;

impl ScalarUDFImpl for DatePart {
    fn name(&self) -> &'static str {
        "date_part"
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        use DataType::{Date32, Date64, Duration, Interval, Null, Time32, Time64, Timestamp};
        let [field, time] = types else { return plan_err!("date_part takes a field and a time") };
        if !is_text(field) {
            return plan_err!("the field of date_part is a text, not {field}");
        }
        let time = match time {
            Timestamp(_, zone) => Timestamp(arrow::datatypes::TimeUnit::Microsecond, zone.clone()),
            Date32 | Date64 | Time32(_) | Time64(_) => time.clone(),
            Interval(_) | Duration(_) => INTERVAL,
            Null => instant(),
            text if is_text(text) => instant(),
            other => return plan_err!("date_part takes a time, not {other}"),
        };
        Ok(vec![DataType::Utf8, time])
    }

    fn return_type(&self, _types: &[DataType]) -> Result<DataType> {
        internal_err!("the type of a field depends on the field")
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        match own_part(args.scalar_arguments.first().copied().flatten(), args.arg_fields.get(1))? {
            Some((part, of)) => Ok(Arc::new(Field::new(self.name(), part.data_type(of), true))),
            None => self.others.return_field_from_args(args),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let field = match args.args.first() {
            Some(ColumnarValue::Scalar(field)) => Some(field),
            _ => None,
        };
        let Some((part, _)) = own_part(field, args.arg_fields.get(1))? else {
            return self.others.invoke_with_args(args);
        };
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let [_, times] = arrays.as_slice() else { return internal_err!("date_part has two arguments") };
        let parts = match times.data_type() {
            DataType::Interval(_) => interval_parts(times, part)?,
            DataType::Time32(_) | DataType::Time64(_) => {
                let times = arrow_cast(times, &DataType::Time64(TimeUnit::Microsecond))?;
                seconds(times.as_primitive::<Time64MicrosecondType>(), part, |at| at)?
            }
            DataType::Date32 | DataType::Date64 if part == Part::Julian => {
                let days = arrow_cast(times, &DataType::Date32)?;
                let days = days.as_primitive::<Date32Type>();
                Arc::new(days.unary::<_, Int32Type>(|day| day.saturating_add(JULIAN_OF_1970)))
            }
            _ => parts(&micros(times)?, part)?,
        };
        answer(&args.args, &parts)
    }

    fn preimage(&self, args: &[Expr], lit_expr: &Expr, info: &SimplifyContext) -> Result<PreimageResult> {
        self.others.preimage(args, lit_expr, info)
    }
}

/// The day of 1970-01-01.
const JULIAN_OF_1970: i32 = 2_440_588;

/// The field, if it is one of ours, and the type that it is of.
fn own_part<'f>(
    field: Option<&ScalarValue>,
    time: Option<&'f FieldRef>,
) -> Result<Option<(Part, &'f DataType)>> {
    let (Some(Some(Some(name))), Some(time)) = (field.map(ScalarValue::try_as_str), time) else {
        return Ok(None);
    };
    let Some(part) = Part::parse(name) else { return Ok(None) };
    let of = time.data_type();
    Ok((!part.is_known(of, name)?).then_some((part, of)))
}

/// Seconds or milliseconds of the minute, of values in microseconds after `local`.
fn seconds<T: ArrowPrimitiveType<Native = i64>>(
    times: &PrimitiveArray<T>,
    part: Part,
    local: impl Fn(i64) -> i64,
) -> Result<ArrayRef> {
    let of = DataType::Null;
    let DataType::Decimal128(precision, scale) = part.data_type(&of) else {
        return internal_err!("seconds are decimals");
    };
    let of_minute = |at: i64| i128::from(local(at).rem_euclid(60_000_000));
    let digits: Decimal128Array = times.iter().map(|at| at.map(of_minute)).collect();
    Ok(Arc::new(digits.with_precision_and_scale(precision, scale)?))
}

fn parts(times: &TimestampMicrosecondArray, part: Part) -> Result<ArrayRef> {
    let zone = times.timezone().map(TimeZone::parse).transpose()?;
    let local = |at: i64| zone.map_or(at, |zone| zone.local_micros(at));
    let year = |at: i64| -> Result<i32> {
        Ok(DateTime::from_timestamp_micros(local(at)).ok_or_else(out_of_range)?.year())
    };
    let whole = |number: &dyn Fn(i64) -> Result<i32>| -> Result<ArrayRef> {
        let numbers: Int32Array = times.iter().map(|at| at.map(number).transpose()).collect::<Result<_>>()?;
        Ok(Arc::new(numbers))
    };
    let offset = |at: i64| -> Result<i32> {
        if zone.is_none() {
            return Err(Error::unsupported("the time zone of a TIMESTAMP, which has none,").into());
        }
        Ok(((local(at) - at) / 1_000_000) as i32)
    };
    match part {
        Part::Second | Part::Millisecond => seconds(times, part, local),
        Part::Julian => {
            let julian = |at: i64| {
                let since = i128::from(local(at)) + i128::from(JULIAN_OF_1970) * i128::from(DAY_MICROS);
                // Half a day up, so that the last digit is rounded.
                (since * 10_i128.pow(JULIAN_DIGITS as u32) + i128::from(DAY_MICROS / 2))
                    / i128::from(DAY_MICROS)
            };
            let days: Decimal128Array = times.iter().map(|at| at.map(julian)).collect();
            Ok(Arc::new(days.with_precision_and_scale(38, JULIAN_DIGITS)?))
        }
        Part::Decade => whole(&|at| Ok(year(at)? / 10)),
        Part::Century => whole(&|at| Ok((year(at)? + 99) / 100)),
        Part::Millennium => whole(&|at| Ok((year(at)? + 999) / 1_000)),
        Part::Timezone => whole(&offset),
        Part::TimezoneHour => whole(&|at| Ok(offset(at)? / 3_600)),
        Part::TimezoneMinute => whole(&|at| Ok(offset(at)? / 60 % 60)),
        _ => internal_err!("DataFusion knows the field"),
    }
}
