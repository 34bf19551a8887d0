//! `greatest`, `least` and `nullif` of intervals.

use arrow::datatypes::{DataType, IntervalMonthDayNano};
use datafusion::{
    common::{Result, internal_err},
    logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility},
};

use super::{INTERVAL, answer};
use crate::{postgres::functions::times::intervals_of, types::interval::total_nanos};

/// The function of intervals that is called as one of DataFusion's, if it compares them.
pub(crate) fn interval_choice(name: &str) -> Option<ScalarUDF> {
    let (name, kind) = match name {
        "greatest" => ("interval_greatest", Kind::Greatest),
        "least" => ("interval_least", Kind::Least),
        "nullif" => ("interval_nullif", Kind::Nullif),
        _ => return None,
    };
    let signature = Signature::variadic_any(Volatility::Immutable);
    Some(ScalarUDF::new_from_impl(Choice { name, kind, signature }))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    Greatest,
    Least,
    Nullif,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Choice {
    name: &'static str,
    kind: Kind,
    signature: Signature,
}

impl ScalarUDFImpl for Choice {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _types: &[DataType]) -> Result<DataType> {
        Ok(INTERVAL)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let columns = arrays.iter().map(intervals_of).collect::<Result<Vec<_>>>()?;
        let Some(first) = columns.first() else { return internal_err!("{} has arguments", self.name) };
        let rows = 0..first.len();
        answer(&args.args, rows.map(|row| Ok(self.choose(columns.iter().map(|column| column[row])))))
    }
}

impl Choice {
    fn choose(
        &self,
        mut intervals: impl Iterator<Item = Option<IntervalMonthDayNano>>,
    ) -> Option<IntervalMonthDayNano> {
        match self.kind {
            Kind::Nullif => {
                let interval = intervals.next().flatten()?;
                let is_same = intervals
                    .next()
                    .flatten()
                    .is_some_and(|other| total_nanos(interval) == total_nanos(other));
                (!is_same).then_some(interval)
            }
            // The first of equal ones.
            Kind::Greatest => {
                intervals.flatten().reduce(|a, b| if total_nanos(b) > total_nanos(a) { b } else { a })
            }
            Kind::Least => intervals.flatten().min_by_key(|interval| total_nanos(*interval)),
        }
    }
}
