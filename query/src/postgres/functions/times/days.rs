//! Days of the calendar: a date and a number of days, or a time of day, and a date of year, month and day.
//! DataFusion makes intervals and nanoseconds of the first two, which end after 292 years.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, AsArray, Date32Array, TimestampMicrosecondArray},
    compute::cast as arrow_cast,
    datatypes::{DataType, Date32Type, Int32Type, Int64Type, Time64MicrosecondType, TimeUnit},
};
use chrono::{Datelike, NaiveDate};
use datafusion::{
    common::{Result, internal_err},
    functions::datetime,
    logical_expr::{
        ColumnarValue, Expr, Operator, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
    },
};

use super::{DAY_MICROS, LOCAL, answer, day_in_range, in_range, no_such_time};

/// Days from the first of January of the year 1, which is day 1, to that of 1970.
const EPOCH_DAY: i64 = 719_163;

/// A date plus or minus days.
pub(crate) fn day_shift(op: Operator) -> ScalarUDF {
    of_days(Kind::Shift { back: op == Operator::Minus }, Signature::any(2, Volatility::Immutable))
}

/// The local time that a date and a time of day are.
pub(crate) fn date_at_time() -> ScalarUDF {
    of_days(Kind::AtTime, Signature::any(2, Volatility::Immutable))
}

/// `make_date(year, month, day)`, which fails with 22008 where there is no such day.
pub(super) fn make_date() -> ScalarUDF {
    of_days(Kind::Make, datetime::make_date().signature().clone())
}

fn of_days(kind: Kind, signature: Signature) -> ScalarUDF {
    ScalarUDF::new_from_impl(OfDays { kind, signature })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    Shift { back: bool },
    AtTime,
    Make,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct OfDays {
    kind: Kind,
    signature: Signature,
}

impl ScalarUDFImpl for OfDays {
    fn name(&self) -> &str {
        match self.kind {
            Kind::Shift { back: false } => "add_days",
            Kind::Shift { back: true } => "subtract_days",
            Kind::AtTime => "date_at_time",
            Kind::Make => "make_date",
        }
    }

    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        let names: Vec<String> = args.iter().map(|arg| arg.schema_name().to_string()).collect();
        Ok(match self.kind {
            Kind::Shift { back } => names.join(if back { " - " } else { " + " }),
            _ => format!("{}({})", self.name(), names.join(",")),
        })
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _types: &[DataType]) -> Result<DataType> {
        Ok(if self.kind == Kind::AtTime { LOCAL } else { DataType::Date32 })
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let answers = match (self.kind, arrays.as_slice()) {
            (Kind::Shift { back }, [dates, days]) => shifted(dates, days, back)?,
            (Kind::AtTime, [dates, times]) => at_time(dates, times)?,
            (Kind::Make, [years, months, days]) => made(years, months, days)?,
            _ => return internal_err!("{} has other operands", self.name()),
        };
        answer(&args.args, &answers)
    }
}

fn shifted(dates: &ArrayRef, days: &ArrayRef, back: bool) -> Result<ArrayRef> {
    let (dates, days) = (arrow_cast(dates, &DataType::Date32)?, arrow_cast(days, &DataType::Int64)?);
    let dates = dates.as_primitive::<Date32Type>().iter();
    let shifted = dates.zip(days.as_primitive::<Int64Type>()).map(|(date, days)| {
        let (Some(date), Some(days)) = (date, days) else { return Ok(None) };
        let date = i64::from(date);
        day_in_range(if back { date.checked_sub(days) } else { date.checked_add(days) }).map(Some)
    });
    Ok(Arc::new(shifted.collect::<Result<Date32Array>>()?))
}

fn at_time(dates: &ArrayRef, times: &ArrayRef) -> Result<ArrayRef> {
    let times = arrow_cast(times, &DataType::Time64(TimeUnit::Microsecond))?;
    let times = times.as_primitive::<Time64MicrosecondType>();
    let together = dates.as_primitive::<Date32Type>().iter().zip(times).map(|(date, time)| {
        let (Some(date), Some(time)) = (date, time) else { return Ok(None) };
        in_range(i64::from(date) * DAY_MICROS + time).map(Some)
    });
    Ok(Arc::new(together.collect::<Result<TimestampMicrosecondArray>>()?))
}

fn made(years: &ArrayRef, months: &ArrayRef, days: &ArrayRef) -> Result<ArrayRef> {
    let whole = |fields| arrow_cast(fields, &DataType::Int32);
    let (years, months, days) = (whole(years)?, whole(months)?, whole(days)?);
    let [years, months, days] = [&years, &months, &days].map(AsArray::as_primitive::<Int32Type>);
    let dates = years.iter().zip(months).zip(days).map(|fields| match fields {
        ((Some(year), Some(month)), Some(day)) => date(year, month, day).map(Some),
        _ => Ok(None),
    });
    Ok(Arc::new(dates.collect::<Result<Date32Array>>()?))
}

/// The day since 1970.
fn date(year: i32, month: i32, day: i32) -> Result<i32> {
    let unsigned = u32::try_from(month).ok().zip(u32::try_from(day).ok());
    let date = unsigned.and_then(|(month, day)| NaiveDate::from_ymd_opt(year, month, day));
    match date.filter(|_| year != 0) {
        Some(date) => day_in_range(Some(i64::from(date.num_days_from_ce()) - EPOCH_DAY)),
        None => Err(no_such_time(&format!("date field value out of range: {year}-{month:02}-{day:02}"))),
    }
}
