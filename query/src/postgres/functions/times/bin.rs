//! `date_bin(stride, time [, origin])`.

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, TimestampMicrosecondArray},
    datatypes::{DataType, IntervalMonthDayNano, IntervalUnit, TimeUnit},
};
use datafusion::{
    common::{Result, internal_err, plan_err},
    logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility},
};

use super::{LOCAL, answer, in_range, instant, is_text, micros, out_of_range, shift::intervals_of};
use crate::{error::Error, types::interval::DAY_MICROS};

pub(super) fn date_bin() -> ScalarUDF {
    ScalarUDF::new_from_impl(DateBin {
        of_day: datafusion::functions::datetime::date_bin(),
        signature: Signature::user_defined(Volatility::Immutable),
    })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct DateBin {
    /// Function that bins times of day.
    of_day: Arc<ScalarUDF>,
    signature: Signature,
}

impl ScalarUDFImpl for DateBin {
    fn name(&self) -> &'static str {
        "date_bin"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        if !matches!(types.len(), 2 | 3) {
            return plan_err!("date_bin takes a stride, a time, and perhaps an origin");
        }
        if !is_text(&types[0]) && !matches!(types[0], DataType::Interval(_) | DataType::Duration(_)) {
            return plan_err!("the stride of date_bin is an interval, not {}", types[0]);
        }
        let time = match &types[1] {
            DataType::Timestamp(_, None) | DataType::Date32 | DataType::Date64 => LOCAL,
            DataType::Timestamp(..) | DataType::Null => instant(),
            text if is_text(text) => instant(),
            DataType::Time32(_) | DataType::Time64(_) => DataType::Time64(TimeUnit::Nanosecond),
            other => return plan_err!("date_bin takes a time, not {other}"),
        };
        let mut coerced = vec![DataType::Interval(IntervalUnit::MonthDayNano), time.clone()];
        coerced.extend(types.get(2).map(|_| time));
        Ok(coerced)
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        types.get(1).cloned().map_or_else(|| internal_err!("date_bin has two arguments"), Ok)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        if !matches!(args.args.get(1).map(ColumnarValue::data_type), Some(DataType::Timestamp(..))) {
            return self.of_day.invoke_with_args(args);
        }
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let [strides, times, origins @ ..] = arrays.as_slice() else {
            return internal_err!("date_bin has two or three arguments");
        };
        let strides = intervals_of(strides)?;
        let times = micros(times)?;
        let origins = origins.first().map(micros).transpose()?;
        let origin = |row: usize| match &origins {
            None => Some(0),
            Some(origins) => origins.is_valid(row).then(|| origins.value(row)),
        };
        let binned: TimestampMicrosecondArray = times
            .iter()
            .zip(strides)
            .enumerate()
            .map(|(row, (time, stride))| match (time, stride, origin(row)) {
                (Some(time), Some(stride), Some(origin)) => bin(time, stride, origin).map(Some),
                _ => Ok(None),
            })
            .collect::<Result<_>>()?;
        let binned: ArrayRef = Arc::new(binned.with_timezone_opt(times.timezone().map(Arc::<str>::from)));
        answer(&args.args, &binned)
    }
}

fn bin(time: i64, stride: IntervalMonthDayNano, origin: i64) -> Result<i64> {
    let IntervalMonthDayNano { months, days, nanoseconds } = stride;
    if months != 0 {
        return Err(Error::unsupported("date_bin by months or years, which have no length,")
            .with_hint("date_trunc('month', …) gives the start of a month")
            .into());
    }
    let stride = i64::from(days)
        .checked_mul(DAY_MICROS)
        .and_then(|micros| micros.checked_add(nanoseconds / 1_000))
        .ok_or_else(out_of_range)?;
    positive(stride)?;
    let distance = time.checked_sub(origin).ok_or_else(out_of_range)?;
    in_range(time.checked_sub(distance.rem_euclid(stride)).ok_or_else(out_of_range)?)
}

fn positive(stride: i64) -> Result<()> {
    if stride > 0 { Ok(()) } else { Err(Error::invalid_value("a stride must be longer than zero").into()) }
}
