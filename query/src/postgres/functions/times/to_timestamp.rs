//! `to_timestamp(seconds)`, and of a text.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, AsArray, TimestampMicrosecondArray},
    datatypes::{DataType, Float64Type},
};
use datafusion::{
    common::{Result, internal_err, plan_err},
    logical_expr::{
        ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
    },
};

use super::{answer, in_range, instant, is_text, out_of_range};
use crate::{error::Error, points::TimeZone, types::UTC};

pub(super) fn to_timestamp(zone: TimeZone) -> ScalarUDF {
    ScalarUDF::new_from_impl(ToTimestamp {
        zone,
        with_formats: datafusion::functions::datetime::to_timestamp_micros(
            &datafusion::common::config::ConfigOptions::default(),
        ),
        signature: Signature::user_defined(Volatility::Immutable),
    })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct ToTimestamp {
    zone: TimeZone,
    /// What reads texts in given formats.
    with_formats: Arc<ScalarUDF>,
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
            [_, _, ..] if !self.zone.is_utc() => Err(Error::unsupported("to_timestamp with a format")
                .with_hint("SET timezone = 'UTC' first, or cast a text such as '2024-01-31 12:00:00'")
                .into()),
            [text, formats @ ..] if is_text(text) && formats.iter().all(is_text) => Ok(types.to_vec()),
            _ => plan_err!("to_timestamp takes seconds, or a text and formats"),
        }
    }

    fn return_type(&self, _types: &[DataType]) -> Result<DataType> {
        Ok(instant())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        if args.args.len() > 1 {
            return self.read_formats(args);
        }
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let [array] = arrays.as_slice() else { return internal_err!("to_timestamp has one argument") };
        if *array.data_type() != DataType::Float64 {
            return answer(&args.args, array);
        }
        let times: TimestampMicrosecondArray = array.as_primitive::<Float64Type>().try_unary(|seconds| {
            let micros = (seconds * 1e6).round_ties_even();
            if micros.is_finite() { in_range(micros as i64) } else { Err(out_of_range()) }
        })?;
        let times: ArrayRef = Arc::new(times.with_timezone(UTC));
        answer(&args.args, &times)
    }
}

impl ToTimestamp {
    fn read_formats(&self, mut args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        args.return_field = self.with_formats.return_field_from_args(ReturnFieldArgs {
            arg_fields: &args.arg_fields,
            scalar_arguments: &vec![None; args.arg_fields.len()],
        })?;
        self.with_formats.invoke_with_args(args)?.cast_to(&instant(), None)
    }
}
