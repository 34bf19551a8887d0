//! A date and a number of days, or a time of day: DataFusion makes intervals and nanoseconds of them, which
//! end after 292 years.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, AsArray, Date32Array, TimestampMicrosecondArray},
    compute::cast as arrow_cast,
    datatypes::{DataType, Date32Type, Int64Type, Time64MicrosecondType, TimeUnit},
};
use datafusion::{
    common::{Result, internal_err},
    logical_expr::{
        ColumnarValue, Expr, Operator, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
    },
};

use super::{DAY_MICROS, LOCAL, answer, day_in_range, in_range};

/// A date plus or minus days.
pub(crate) fn day_shift(op: Operator) -> ScalarUDF {
    ScalarUDF::new_from_impl(DayShift {
        back: op == Operator::Minus,
        signature: Signature::any(2, Volatility::Immutable),
    })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct DayShift {
    back: bool,
    signature: Signature,
}

impl ScalarUDFImpl for DayShift {
    fn name(&self) -> &str {
        if self.back { "subtract_days" } else { "add_days" }
    }

    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        let [left, right] = args else { return internal_err!("{} has two operands", self.name()) };
        let sign = if self.back { '-' } else { '+' };
        Ok(format!("{} {sign} {}", left.schema_name(), right.schema_name()))
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Date32)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let [dates, days] = arrays.as_slice() else {
            return internal_err!("{} has two operands", self.name());
        };
        let (dates, days) = (arrow_cast(dates, &DataType::Date32)?, arrow_cast(days, &DataType::Int64)?);
        let dates = dates.as_primitive::<Date32Type>().iter();
        let shifted = dates.zip(days.as_primitive::<Int64Type>()).map(|(date, days)| {
            let (Some(date), Some(days)) = (date, days) else { return Ok(None) };
            let date = i64::from(date);
            day_in_range(if self.back { date.checked_sub(days) } else { date.checked_add(days) }).map(Some)
        });
        let shifted: ArrayRef = Arc::new(shifted.collect::<Result<Date32Array>>()?);
        answer(&args.args, &shifted)
    }
}

/// The local time that a date and a time of day are.
pub(crate) fn date_at_time() -> ScalarUDF {
    ScalarUDF::new_from_impl(DateAtTime { signature: Signature::any(2, Volatility::Immutable) })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct DateAtTime {
    signature: Signature,
}

impl ScalarUDFImpl for DateAtTime {
    fn name(&self) -> &'static str {
        "date_at_time"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _types: &[DataType]) -> Result<DataType> {
        Ok(LOCAL)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let [dates, times] = arrays.as_slice() else {
            return internal_err!("{} has two operands", self.name());
        };
        let times = arrow_cast(times, &DataType::Time64(TimeUnit::Microsecond))?;
        let times = times.as_primitive::<Time64MicrosecondType>();
        let together = dates.as_primitive::<Date32Type>().iter().zip(times).map(|(date, time)| {
            let (Some(date), Some(time)) = (date, time) else { return Ok(None) };
            in_range(i64::from(date) * DAY_MICROS + time).map(Some)
        });
        let together: ArrayRef = Arc::new(together.collect::<Result<TimestampMicrosecondArray>>()?);
        answer(&args.args, &together)
    }
}
