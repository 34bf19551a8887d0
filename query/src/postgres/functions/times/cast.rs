//! Casts between text, local times and instants.

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, AsArray, Date32Array, StringViewArray, TimestampMicrosecondArray},
    compute::{CastOptions, cast as arrow_cast, cast_with_options},
    datatypes::{DataType, Date32Type, TimestampMicrosecondType},
};
use datafusion::{
    common::{Result, internal_err},
    logical_expr::{
        ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
    },
};

use super::{DAY_MICROS, LOCAL, answer, is_text, micros, out_of_range};
use crate::{
    error::Error,
    time::{TimeZone, read_date, read_time},
    types::{TIME_RANGE_MICROS, UTC},
};

/// Whether a cast must be done by [`time_cast`] in a session of this zone.
pub(crate) fn is_time_cast(from: &DataType, to: &DataType, zone: TimeZone) -> bool {
    use DataType::{Date32, Time32, Time64, Timestamp};
    match (from, to) {
        (from, Timestamp(..) | Date32) if is_text(from) => true,
        (Timestamp(_, Some(_)), Timestamp(_, None) | Date32 | Time32(_) | Time64(_))
        | (Timestamp(_, None) | Date32, Timestamp(_, Some(_))) => !zone.is_utc(),
        (Timestamp(_, Some(_)), to) if is_text(to) => !zone.is_utc(),
        _ => false,
    }
}

/// A cast in the session's zone; `safe` gives NULL for what has no such value.
pub(crate) fn time_cast(to: DataType, safe: bool, zone: TimeZone) -> ScalarUDF {
    ScalarUDF::new_from_impl(TimeCast { to, safe, zone, signature: Signature::any(1, Volatility::Immutable) })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct TimeCast {
    to: DataType,
    safe: bool,
    zone: TimeZone,
    signature: Signature,
}

impl ScalarUDFImpl for TimeCast {
    fn name(&self) -> &str {
        if self.safe { "try_cast_time" } else { "cast_time" }
    }

    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        let [arg] = args else { return internal_err!("a cast has one operand") };
        Ok(format!("{}({} AS {})", self.name(), arg.schema_name(), self.to))
    }

    fn display_name(&self, args: &[Expr]) -> Result<String> {
        self.schema_name(args)
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _types: &[DataType]) -> Result<DataType> {
        Ok(self.to.clone())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let [array] = arrays.as_slice() else { return internal_err!("a cast has one operand") };
        answer(&args.args, &cast_times(array, &self.to, self.safe, self.zone)?)
    }
}

/// As [`time_cast`].
pub(in crate::postgres::functions) fn cast_times(
    array: &ArrayRef,
    to: &DataType,
    safe: bool,
    zone: TimeZone,
) -> Result<ArrayRef> {
    use DataType::{Date32, Timestamp};
    let from = array.data_type();
    let cast: ArrayRef = match (from, to) {
        (from, Timestamp(_, kind)) if is_text(from) => {
            let zone = kind.as_ref().map(|_| zone);
            let times = from_text(array, safe, |text| read_time(text, zone))?;
            Arc::new(TimestampMicrosecondArray::from(times).with_timezone_opt(kind.clone()))
        }
        (from, Date32) if is_text(from) => Arc::new(Date32Array::from(from_text(array, safe, read_date)?)),
        (Timestamp(..), Timestamp(_, None)) => Arc::new(local(array, safe, zone)?),
        (Timestamp(..), Date32) => {
            let days = local(array, safe, zone)?
                .unary::<_, Date32Type>(|micros| micros.div_euclid(DAY_MICROS) as i32);
            Arc::new(days)
        }
        // The formatter takes the zone of the type.
        (Timestamp(..), to) if is_text(to) => Arc::new(micros(array)?.with_timezone(zone.to_string())),
        (Timestamp(..), _) => Arc::new(local(array, safe, zone)?),
        (Date32, _) => {
            let array = arrow_cast(array, &LOCAL)?;
            Arc::new(instants(array.as_primitive::<TimestampMicrosecondType>(), safe, zone)?)
        }
        _ => internal_err!("a cast from {from} to {to} needs no time zone")?,
    };
    // Nothing is left but another unit, or text.
    let cast = match (cast.data_type(), to) {
        (Timestamp(..), Timestamp(..)) if matches!(from, Timestamp(_, None)) => {
            Arc::new(instants(&micros(&cast)?, safe, zone)?) as ArrayRef
        }
        _ => cast,
    };
    Ok(cast_with_options(&cast, to, &CastOptions { safe, ..CastOptions::default() })?)
}

/// Local times of the zone at instants; local times stay.
fn local(array: &ArrayRef, safe: bool, zone: TimeZone) -> Result<TimestampMicrosecondArray> {
    let micros = micros(array)?;
    if micros.timezone().is_none() {
        return Ok(micros);
    }
    Ok(moved(&micros, safe, |at| zone.local_micros(at))?.with_timezone_opt(None::<&str>))
}

/// The instants at which clocks of the zone show local times.
fn instants(
    array: &TimestampMicrosecondArray,
    safe: bool,
    zone: TimeZone,
) -> Result<TimestampMicrosecondArray> {
    Ok(moved(array, safe, |local| zone.instant_of_micros(local))?.with_timezone(UTC))
}

/// The times after `to`; out of range they fail, or are NULL if `safe`.
fn moved(
    array: &TimestampMicrosecondArray,
    safe: bool,
    to: impl Fn(i64) -> i64,
) -> Result<TimestampMicrosecondArray> {
    let to = |at| Some(to(at)).filter(|micros| TIME_RANGE_MICROS.contains(micros));
    if safe {
        return Ok(array.unary_opt(to));
    }
    array.try_unary(|at| to(at).ok_or_else(out_of_range))
}

fn from_text<T>(
    array: &ArrayRef,
    safe: bool,
    parse: impl Fn(&str) -> Result<T, Error>,
) -> Result<Vec<Option<T>>> {
    let array = arrow_cast(array, &DataType::Utf8View)?;
    let texts: &StringViewArray = array.as_string_view();
    texts
        .iter()
        .map(|text| match text.map(&parse).transpose() {
            Err(_) if safe => Ok(None),
            parsed => Ok(parsed?),
        })
        .collect()
}
