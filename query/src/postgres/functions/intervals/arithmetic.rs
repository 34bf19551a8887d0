//! Differences of times, intervals times and by numbers, intervals made of numbers.

use arrow::{
    array::{Array, ArrayRef, AsArray},
    compute::cast,
    datatypes::{DataType, Float64Type},
};
use datafusion::{
    common::{Result, internal_err, plan_err},
    logical_expr::{
        ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
    },
};

use super::{INTERVAL, answer};
use crate::{
    postgres::functions::times::{intervals_of, micros},
    types::interval::{
        DAY_MICROS, divide_interval, interval_between, interval_of, interval_out_of_range, scale_interval,
    },
};

/// `a - b` of two times of one type: days and time.
pub(crate) fn time_difference() -> ScalarUDF {
    operation("time_difference", Kind::Difference)
}

/// An interval times a number.
pub(crate) fn interval_product() -> ScalarUDF {
    operation("interval_product", Kind::Product)
}

/// An interval divided by a number.
pub(crate) fn interval_quotient() -> ScalarUDF {
    operation("interval_quotient", Kind::Quotient)
}

fn operation(name: &'static str, kind: Kind) -> ScalarUDF {
    let signature = Signature::any(2, Volatility::Immutable);
    ScalarUDF::new_from_impl(Operation { name, kind, signature })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    Difference,
    Product,
    Quotient,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Operation {
    name: &'static str,
    kind: Kind,
    signature: Signature,
}

impl ScalarUDFImpl for Operation {
    fn name(&self) -> &str {
        self.name
    }

    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        let [left, right] = args else { return internal_err!("{} has two operands", self.name) };
        let sign = match self.kind {
            Kind::Difference => '-',
            Kind::Product => '*',
            Kind::Quotient => '/',
        };
        Ok(format!("{} {sign} {}", left.schema_name(), right.schema_name()))
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _types: &[DataType]) -> Result<DataType> {
        Ok(INTERVAL)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let [left, right] = arrays.as_slice() else {
            return internal_err!("{} has two operands", self.name);
        };
        if self.kind == Kind::Difference {
            let (left, right) = (micros(left)?, micros(right)?);
            return answer(
                &args.args,
                left.iter().zip(right.iter()).map(|times| match times {
                    (Some(to), Some(from)) => Ok(Some(interval_between(from, to)?)),
                    _ => Ok(None),
                }),
            );
        }
        let scale = if self.kind == Kind::Product { scale_interval } else { divide_interval };
        let numbers = cast(right, &DataType::Float64)?;
        let numbers = numbers.as_primitive::<Float64Type>();
        answer(
            &args.args,
            intervals_of(left)?.into_iter().zip(numbers).map(|operands| match operands {
                (Some(interval), Some(number)) => Ok(Some(scale(interval, number)?)),
                _ => Ok(None),
            }),
        )
    }
}

/// `make_interval([years [, months [, weeks [, days [, hours [, mins [, secs]]]]]]])`.
pub(super) fn make_interval() -> ScalarUDF {
    let signature = Signature::user_defined(Volatility::Immutable);
    ScalarUDF::new_from_impl(MakeInterval { signature })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct MakeInterval {
    signature: Signature,
}

impl ScalarUDFImpl for MakeInterval {
    fn name(&self) -> &'static str {
        "make_interval"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        if types.len() > 7 || types.iter().any(|data_type| !(data_type.is_numeric() || data_type.is_null())) {
            return plan_err!("make_interval takes years, months, weeks, days, hours, mins and secs");
        }
        Ok((0..types.len()).map(|at| if at == 6 { DataType::Float64 } else { DataType::Int32 }).collect())
    }

    fn return_type(&self, _types: &[DataType]) -> Result<DataType> {
        Ok(INTERVAL)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        if args.args.is_empty() {
            let zero = arrow::datatypes::IntervalMonthDayNano::ZERO;
            return Ok(ColumnarValue::Scalar(datafusion::scalar::ScalarValue::IntervalMonthDayNano(Some(
                zero,
            ))));
        }
        let arrays: Vec<ArrayRef> = ColumnarValue::values_to_arrays(&args.args)?
            .iter()
            .map(|array| cast(array, &DataType::Float64))
            .collect::<std::result::Result<_, _>>()?;
        let rows = arrays.first().map_or(0, Array::len);
        answer(
            &args.args,
            (0..rows).map(|row| {
                if arrays.iter().any(|array| array.is_null(row)) {
                    return Ok(None);
                }
                let part = |at: usize| {
                    arrays
                        .get(at)
                        .map_or(0.0, |array: &ArrayRef| array.as_primitive::<Float64Type>().value(row))
                };
                let micros = (part(6) * 1e6).round_ties_even();
                if micros.is_nan() || micros.abs() > 9.2e18 {
                    return Err(interval_out_of_range().into());
                }
                let clock = part(4) as i128 * i128::from(DAY_MICROS / 24) + part(5) as i128 * 60_000_000;
                let months = part(0) as i64 * 12 + part(1) as i64;
                let days = part(2) as i64 * 7 + part(3) as i64;
                Ok(Some(interval_of(months, days, clock + micros as i128)?))
            }),
        )
    }
}
