//! `to_timestamp(seconds)`, and `to_timestamp` and `to_date` of a text and a pattern.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, AsArray, Date32Array, TimestampMicrosecondArray},
    compute::cast as arrow_cast,
    datatypes::{DataType, Float64Type},
};
use datafusion::{
    common::{Result, internal_err, plan_err},
    logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility},
};

use super::{
    answer, in_range, instant, is_text, out_of_range,
    pattern::{ParsedTime, Pattern, read},
};
use crate::{time::TimeZone, types::UTC};

pub(super) fn to_timestamp(zone: TimeZone) -> ScalarUDF {
    ScalarUDF::new_from_impl(ToTimestamp { zone, signature: Signature::user_defined(Volatility::Immutable) })
}

pub(super) fn to_date() -> ScalarUDF {
    ScalarUDF::new_from_impl(ToDate { signature: Signature::user_defined(Volatility::Immutable) })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct ToTimestamp {
    zone: TimeZone,
    signature: Signature,
}

impl ScalarUDFImpl for ToTimestamp {
    fn name(&self) -> &'static str {
        "to_timestamp"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        match types {
            [] => plan_err!("to_timestamp takes seconds, or a text"),
            [number] if number.is_numeric() => Ok(vec![DataType::Float64]),
            [DataType::Timestamp(..) | DataType::Date32 | DataType::Date64 | DataType::Null] => {
                Ok(vec![instant()])
            }
            [text] if is_text(text) => Ok(vec![instant()]),
            [text, pattern] if is_word(text) && is_word(pattern) => Ok(vec![DataType::Utf8View; 2]),
            _ => plan_err!("to_timestamp takes seconds, or a text and a pattern"),
        }
    }

    fn return_type(&self, _types: &[DataType]) -> Result<DataType> {
        Ok(instant())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let times: TimestampMicrosecondArray = match arrays.as_slice() {
            [texts, patterns] => {
                let times = by_pattern(texts, patterns)?
                    .into_iter()
                    .map(|parsed| parsed.map(|parsed| in_range(self.instant_of(parsed))).transpose());
                times.collect::<Result<_>>()?
            }
            [array] if *array.data_type() != DataType::Float64 => return answer(&args.args, array),
            [array] => array.as_primitive::<Float64Type>().try_unary(|seconds| {
                let micros = (seconds * 1e6).round_ties_even();
                if micros.is_finite() { in_range(micros as i64) } else { Err(out_of_range()) }
            })?,
            _ => return internal_err!("to_timestamp has one or two arguments"),
        };
        let times: ArrayRef = Arc::new(times.with_timezone(UTC));
        answer(&args.args, &times)
    }
}

impl ToTimestamp {
    /// A text without a distance from UTC is read in the session's zone.
    fn instant_of(&self, parsed: ParsedTime) -> i64 {
        let local = parsed.local.and_utc().timestamp_micros();
        match parsed.east {
            Some(east) => local - i64::from(east) * 1_000_000,
            None => self.zone.instant_of_micros(local),
        }
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct ToDate {
    signature: Signature,
}

impl ScalarUDFImpl for ToDate {
    fn name(&self) -> &'static str {
        "to_date"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        match types {
            [time] if is_word(time) || time.is_temporal() => Ok(vec![DataType::Date32]),
            [text, pattern] if is_word(text) && is_word(pattern) => Ok(vec![DataType::Utf8View; 2]),
            _ => plan_err!("to_date takes a text and a pattern"),
        }
    }

    fn return_type(&self, _types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Date32)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        match arrays.as_slice() {
            [dates] => answer(&args.args, dates),
            [texts, patterns] => {
                let day = |parsed: ParsedTime| {
                    let micros = in_range(parsed.local.and_utc().timestamp_micros())?;
                    Ok(micros.div_euclid(crate::types::interval::DAY_MICROS) as i32)
                };
                let days = by_pattern(texts, patterns)?.into_iter();
                let days: Date32Array =
                    days.map(|parsed| parsed.map(day).transpose()).collect::<Result<_>>()?;
                let days: ArrayRef = Arc::new(days);
                answer(&args.args, &days)
            }
            _ => internal_err!("to_date has one or two arguments"),
        }
    }
}

fn is_word(data_type: &DataType) -> bool {
    is_text(data_type) || data_type.is_null()
}

/// The texts, each read after its pattern.
fn by_pattern(texts: &ArrayRef, patterns: &ArrayRef) -> Result<Vec<Option<ParsedTime>>> {
    let texts = arrow_cast(texts, &DataType::Utf8View)?;
    let patterns = arrow_cast(patterns, &DataType::Utf8View)?;
    let mut last: Option<Pattern> = None;
    texts
        .as_string_view()
        .iter()
        .zip(patterns.as_string_view())
        .map(|(text, pattern)| {
            let (Some(text), Some(pattern)) = (text, pattern) else { return Ok(None) };
            let pattern = match last.take() {
                Some(last) if last.text() == pattern => last,
                _ => Pattern::parse(pattern)?,
            };
            let parsed = read(text, &pattern)?;
            last = Some(pattern);
            Ok(Some(parsed))
        })
        .collect()
}
