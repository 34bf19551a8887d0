//! `make_date(year, month, day)`, which fails with 22008 where there is no such day.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, AsArray, Date32Array},
    compute::cast as arrow_cast,
    datatypes::{DataType, Int32Type},
};
use chrono::{Datelike, NaiveDate};
use datafusion::{
    common::{Result, internal_err},
    functions::datetime,
    logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature},
};

use super::{answer, day_in_range, no_such_time};

/// Days from the first of January of the year 1, which is day 1, to that of 1970.
const EPOCH_DAY: i64 = 719_163;

pub(super) fn make_date() -> ScalarUDF {
    ScalarUDF::new_from_impl(MakeDate { signature: datetime::make_date().signature().clone() })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct MakeDate {
    signature: Signature,
}

impl ScalarUDFImpl for MakeDate {
    fn name(&self) -> &'static str {
        "make_date"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Date32)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let fields = arrays.iter().map(|array| arrow_cast(array, &DataType::Int32));
        let fields = fields.collect::<Result<Vec<_>, _>>()?;
        let [years, months, days] = fields.as_slice() else {
            return internal_err!("make_date has three arguments");
        };
        let [years, months, days] = [years, months, days].map(AsArray::as_primitive::<Int32Type>);
        let dates = years.iter().zip(months).zip(days).map(|fields| match fields {
            ((Some(year), Some(month)), Some(day)) => date(year, month, day).map(Some),
            _ => Ok(None),
        });
        let dates: ArrayRef = Arc::new(dates.collect::<Result<Date32Array>>()?);
        answer(&args.args, &dates)
    }
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
