//! Functions of DataFusion that make times of numbers, failing with 22008 outside the years that there are.

use arrow::{
    array::{Array, ArrayRef, AsArray},
    datatypes::{
        DataType, TimeUnit, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
        TimestampSecondType,
    },
};
use datafusion::{
    common::{Result, config::ConfigOptions},
    functions::datetime,
    logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF},
};

use super::{in_range, out_of_range};
use crate::postgres::functions::guarded::{Guard, guarded};

/// The functions of this module, which replace those of the same names.
pub(super) fn functions() -> Vec<ScalarUDF> {
    let config = ConfigOptions::default();
    [
        datetime::from_unixtime(),
        datetime::to_timestamp_seconds(&config),
        datetime::to_timestamp_millis(&config),
        datetime::to_timestamp_micros(&config),
        datetime::to_timestamp_nanos(&config),
    ]
    .into_iter()
    .map(|inner| guarded(inner, RangedTime))
    .collect()
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct RangedTime;

impl Guard for RangedTime {
    fn call(&self, inner: &ScalarUDF, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let value = inner.invoke_with_args(args)?;
        check(&value.to_array(1)?)?;
        Ok(value)
    }
}

/// Fails where a time is outside the years that there are.
fn check(times: &ArrayRef) -> Result<()> {
    let DataType::Timestamp(unit, _) = times.data_type() else { return Ok(()) };
    let micros = |row: usize| match unit {
        TimeUnit::Second => times.as_primitive::<TimestampSecondType>().value(row).checked_mul(1_000_000),
        TimeUnit::Millisecond => {
            times.as_primitive::<TimestampMillisecondType>().value(row).checked_mul(1_000)
        }
        TimeUnit::Microsecond => Some(times.as_primitive::<TimestampMicrosecondType>().value(row)),
        TimeUnit::Nanosecond => Some(times.as_primitive::<TimestampNanosecondType>().value(row) / 1_000),
    };
    (0..times.len())
        .filter(|row| times.is_valid(*row))
        .try_for_each(|row| in_range(micros(row).ok_or_else(out_of_range)?).map(drop))
}
