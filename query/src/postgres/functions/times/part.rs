//! `date_part(field, time)`, which is `extract(field FROM time)`.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, Decimal128Array, Int32Array, TimestampMicrosecondArray},
    datatypes::{DataType, Field, FieldRef},
};
use chrono::{DateTime, Datelike};
use datafusion::{
    common::{Result, internal_err, plan_err},
    logical_expr::{
        ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
        Volatility,
        expr::ScalarFunction,
        planner::{ExprPlanner, PlannerResult},
        preimage::PreimageResult,
        simplify::SimplifyContext,
    },
};

use super::{answer, instant, is_text, micros, out_of_range};
use crate::{error::Error, points::TimeZone};

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
    /// What knows all other fields, and those of dates and intervals.
    others: Arc<ScalarUDF>,
    signature: Signature,
    aliases: Vec<String>,
}

/// The fields of times that DataFusion does not know, or cuts to whole numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Second,
    Millisecond,
    Decade,
    Century,
    Millennium,
    /// Seconds east of UTC, all of them, or in hours, or the minutes that are left.
    Timezone,
    TimezoneHour,
    TimezoneMinute,
}

impl Part {
    fn parse(text: &str) -> Option<Self> {
        Some(match text.trim_matches(['\'', '"', ' ']).to_ascii_lowercase().as_str() {
            "second" | "seconds" | "sec" | "secs" | "s" => Self::Second,
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

    fn data_type(self) -> DataType {
        match self {
            Self::Second => DataType::Decimal128(8, 6),
            Self::Millisecond => DataType::Decimal128(8, 3),
            _ => DataType::Int32,
        }
    }
}

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
            Date32 | Date64 | Time32(_) | Time64(_) | Interval(_) | Duration(_) => time.clone(),
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
        match own_part(args.scalar_arguments.first().copied().flatten(), args.arg_fields.get(1)) {
            Some(part) => Ok(Arc::new(Field::new(self.name(), part.data_type(), true))),
            None => self.others.return_field_from_args(args),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let field = match args.args.first() {
            Some(ColumnarValue::Scalar(field)) => Some(field),
            _ => None,
        };
        let Some(part) = own_part(field, args.arg_fields.get(1)) else {
            return self.others.invoke_with_args(args);
        };
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let [_, times] = arrays.as_slice() else { return internal_err!("date_part has two arguments") };
        answer(&args.args, &parts(&micros(times)?, part)?)
    }

    fn preimage(&self, args: &[Expr], lit_expr: &Expr, info: &SimplifyContext) -> Result<PreimageResult> {
        self.others.preimage(args, lit_expr, info)
    }
}

/// The field, if it is one of ours.
fn own_part(field: Option<&datafusion::common::ScalarValue>, time: Option<&FieldRef>) -> Option<Part> {
    let is_timestamp = matches!(time?.data_type(), DataType::Timestamp(..));
    Part::parse(field?.try_as_str()??).filter(|_| is_timestamp)
}

fn parts(times: &TimestampMicrosecondArray, part: Part) -> Result<ArrayRef> {
    let zone = times.timezone().map(TimeZone::parse).transpose()?;
    let local = |at: i64| zone.map_or(at, |zone| zone.local_micros(at));
    let of_minute = |at: i64| i128::from(local(at).rem_euclid(60_000_000));
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
        Part::Second | Part::Millisecond => {
            let DataType::Decimal128(precision, scale) = part.data_type() else {
                return internal_err!("seconds are decimals");
            };
            let digits: Decimal128Array = times.iter().map(|at| at.map(of_minute)).collect();
            Ok(Arc::new(digits.with_precision_and_scale(precision, scale)?))
        }
        Part::Decade => whole(&|at| Ok(year(at)? / 10)),
        Part::Century => whole(&|at| Ok((year(at)? + 99) / 100)),
        Part::Millennium => whole(&|at| Ok((year(at)? + 999) / 1_000)),
        Part::Timezone => whole(&offset),
        Part::TimezoneHour => whole(&|at| Ok(offset(at)? / 3_600)),
        Part::TimezoneMinute => whole(&|at| Ok(offset(at)? / 60 % 60)),
    }
}
