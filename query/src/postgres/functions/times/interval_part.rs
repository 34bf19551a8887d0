//! Fields of intervals: those of each count, with its sign.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, Decimal128Array, Float64Array, Int32Array},
    datatypes::{DataType, IntervalMonthDayNano},
};
use datafusion::common::{Result, internal_err};

use super::{
    part::{MILLISECONDS, Part, SECONDS},
    shift::intervals_of,
};
use crate::types::interval::{MONTH_DAYS, YEAR_MONTHS};

pub(super) fn interval_parts(intervals: &ArrayRef, part: Part) -> Result<ArrayRef> {
    let intervals = intervals_of(intervals)?;
    let micros = |interval: IntervalMonthDayNano| interval.nanoseconds / 1_000;
    match part {
        Part::Second | Part::Millisecond => {
            let DataType::Decimal128(precision, scale) =
                (if part == Part::Second { SECONDS } else { MILLISECONDS })
            else {
                return internal_err!("seconds are decimals");
            };
            let of_minute = |interval| i128::from(micros(interval) % 60_000_000);
            let digits: Decimal128Array =
                intervals.into_iter().map(|interval| interval.map(of_minute)).collect();
            Ok(Arc::new(digits.with_precision_and_scale(precision, scale)?))
        }
        Part::Epoch => {
            let epochs: Float64Array = intervals.into_iter().map(|interval| interval.map(epoch)).collect();
            Ok(Arc::new(epochs))
        }
        _ => {
            let count = |interval: IntervalMonthDayNano| {
                let (years, months) = (interval.months / YEAR_MONTHS, interval.months % YEAR_MONTHS);
                Ok(match part {
                    Part::Microsecond => (micros(interval) % 60_000_000) as i32,
                    Part::Minute => (micros(interval) / 60_000_000 % 60) as i32,
                    // 292 years have fewer hours than fit.
                    Part::Hour => (micros(interval) / 3_600_000_000) as i32,
                    Part::Day => interval.days,
                    Part::Month => months,
                    Part::Quarter => months / 3 + 1,
                    Part::Year => years,
                    Part::Decade => years / 10,
                    Part::Century => years / 100,
                    Part::Millennium => years / 1_000,
                    _ => return internal_err!("an interval has no such field"),
                })
            };
            let counts: Int32Array = intervals
                .into_iter()
                .map(|interval| interval.map(count).transpose())
                .collect::<Result<_>>()?;
            Ok(Arc::new(counts))
        }
    }
}

/// Seconds, of years of 365.25 days and months of 30.
fn epoch(interval: IntervalMonthDayNano) -> f64 {
    const DAY: i128 = 86_400_000_000;
    let (years, months) = (interval.months / YEAR_MONTHS, interval.months % YEAR_MONTHS);
    let year = DAY * 1_461 / 4;
    let days = i128::from(months) * i128::from(MONTH_DAYS) + i128::from(interval.days);
    let micros = i128::from(years) * year + days * DAY + i128::from(interval.nanoseconds / 1_000);
    micros as f64 / 1e6
}
