//! `AT TIME ZONE`, and instants that show a zone.

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, AsArray, TimestampMicrosecondArray},
    compute::cast as arrow_cast,
    datatypes::{DataType, TimeUnit},
};
use datafusion::{
    common::{Result, internal_err, plan_err},
    logical_expr::{
        ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
    },
};

use super::{LOCAL, answer, in_range, instant, is_text, micros};
use crate::{time::TimeZone, types::UTC};

/// The function that `AT TIME ZONE` is.
pub(crate) const TIMEZONE: &str = "timezone";

/// The name of [`in_zone`].
pub(crate) const IN_ZONE: &str = "in_session_zone";

/// `timezone(zone, time)`: what clocks of the zone show at an instant, or the instant at which they show a
/// local time.
pub(super) fn timezone() -> ScalarUDF {
    ScalarUDF::new_from_impl(AtTimeZone { signature: Signature::user_defined(Volatility::Immutable) })
}

/// Instants as values that show the session's zone, for functions that take the zone of the type.
pub(crate) fn in_zone(zone: TimeZone) -> ScalarUDF {
    ScalarUDF::new_from_impl(InZone { zone, signature: Signature::any(1, Volatility::Immutable) })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct AtTimeZone {
    signature: Signature,
}

impl ScalarUDFImpl for AtTimeZone {
    fn name(&self) -> &'static str {
        TIMEZONE
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let [zone, time] = types else { return plan_err!("timezone takes a zone and a time") };
        if !is_text(zone) && !zone.is_null() {
            return plan_err!("a time zone is a text, not {zone}");
        }
        let time = match time {
            DataType::Timestamp(_, None) => LOCAL,
            DataType::Timestamp(..) | DataType::Date32 | DataType::Date64 | DataType::Null => instant(),
            text if is_text(text) => instant(),
            other => return plan_err!("AT TIME ZONE takes a time, not {other}"),
        };
        Ok(vec![DataType::Utf8, time])
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        match types {
            [_, DataType::Timestamp(_, None)] => Ok(instant()),
            [_, _] => Ok(LOCAL),
            _ => internal_err!("timezone has two arguments"),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let [zones, times] = arrays.as_slice() else { return internal_err!("timezone has two arguments") };
        let zones = arrow_cast(zones, &DataType::Utf8)?;
        let zones = zones.as_string::<i32>();
        let times = micros(times)?;
        let to_local = times.timezone().is_some();
        let mut last: Option<(&str, TimeZone)> = None;
        let mut moved = Vec::with_capacity(times.len());
        for (row, time) in times.iter().enumerate() {
            let Some(time) = time.filter(|_| zones.is_valid(row)) else {
                moved.push(None);
                continue;
            };
            let zone = match last {
                Some((text, zone)) if text == zones.value(row) => zone,
                _ => last.insert((zones.value(row), TimeZone::parse_beside_time(zones.value(row))?)).1,
            };
            let at = if to_local { zone.local_micros(time) } else { zone.instant_of_micros(time) };
            moved.push(Some(in_range(at)?));
        }
        let moved = TimestampMicrosecondArray::from(moved);
        let moved: ArrayRef = Arc::new(if to_local { moved } else { moved.with_timezone(UTC) });
        answer(&args.args, &moved)
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct InZone {
    zone: TimeZone,
    signature: Signature,
}

impl ScalarUDFImpl for InZone {
    fn name(&self) -> &'static str {
        IN_ZONE
    }

    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        let [arg] = args else { return internal_err!("{} has one argument", self.name()) };
        Ok(arg.schema_name().to_string())
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Timestamp(TimeUnit::Microsecond, Some(self.zone.to_string().into())))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let [times] = arrays.as_slice() else { return internal_err!("{} has one argument", self.name()) };
        let shown: ArrayRef = Arc::new(micros(times)?.with_timezone(self.zone.to_string()));
        answer(&args.args, &shown)
    }
}
