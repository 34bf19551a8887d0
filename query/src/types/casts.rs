//! Casts that there are, as in Postgres: which types become which, and where.
//!
//! | from | to | where |
//! |---|---|---|
//! | a number | a number | everywhere |
//! | a date or time | a date or time that it has a part of, or is a part of | everywhere |
//! | anything | text | everywhere |
//! | text | anything | in a cast that is written; text in quotes, and a parameter, everywhere |
//! | an array | an array of elements that it becomes | as its elements |
//! | a whole number, a boolean | the other | in a cast that is written |
//! | anything else | | nowhere: a number is no time |

use arrow::datatypes::DataType;

use crate::error::{Error, Result, SqlState};

use super::{
    ColumnType,
    arrays::{element_of, innermost},
    sql_name,
};

/// Contexts in which a value of one type may become one of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CastContext {
    /// Also where a column is set.
    Assignment,
    /// In a cast that is written.
    Explicit,
    /// Nowhere.
    Never,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Family {
    Boolean,
    Whole,
    Number,
    Text,
    Date,
    Timestamp,
    Instant,
    Time,
    Interval,
    Bytes,
}

impl Family {
    /// None for types that are not judged: those that only queries have, and what has no type yet.
    fn of(data_type: &DataType) -> Option<Self> {
        Some(match data_type {
            DataType::Boolean => Self::Boolean,
            integer if integer.is_integer() => Self::Whole,
            number if number.is_numeric() => Self::Number,
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Self::Text,
            DataType::Date32 | DataType::Date64 => Self::Date,
            DataType::Timestamp(_, None) => Self::Timestamp,
            DataType::Timestamp(_, Some(_)) => Self::Instant,
            DataType::Time32(_) | DataType::Time64(_) => Self::Time,
            DataType::Interval(_) => Self::Interval,
            DataType::Binary | DataType::LargeBinary | DataType::BinaryView => Self::Bytes,
            _ => return None,
        })
    }
}

/// Contexts in which there is a cast between two types.
pub(crate) fn cast_context(from: &DataType, to: &DataType) -> CastContext {
    use Family::{Boolean, Date, Instant, Interval, Number, Text, Time, Timestamp, Whole};
    match (element_of(from), element_of(to)) {
        (Some(_), Some(_)) => return cast_context(innermost(from), innermost(to)),
        (None, None) if !matches!(from, DataType::Struct(_)) => {}
        // Nothing but text becomes an array, and arrays and rows become text.
        (None, Some(_)) => {
            return match Family::of(from) {
                None => CastContext::Assignment,
                Some(Text) => CastContext::Explicit,
                Some(_) => CastContext::Never,
            };
        }
        _ => {
            let is_taken = Family::of(to).is_none_or(|family| family == Text);
            return if is_taken { CastContext::Assignment } else { CastContext::Never };
        }
    }
    let (Some(from), Some(to)) = (Family::of(from), Family::of(to)) else { return CastContext::Assignment };
    match (from, to) {
        (from, to) if from == to => CastContext::Assignment,
        (_, Text)
        | (Whole, Number)
        | (Number, Whole)
        | (Date, Timestamp | Instant)
        | (Timestamp, Date | Time | Instant)
        | (Instant, Date | Time | Timestamp)
        | (Time, Interval)
        | (Interval, Time) => CastContext::Assignment,
        (Text, _) | (Boolean, Whole) | (Whole, Boolean) => CastContext::Explicit,
        _ => CastContext::Never,
    }
}

/// Fails with 42846 for a cast that there is not.
pub(crate) fn check_cast(from: &DataType, to: &DataType) -> Result<()> {
    if cast_context(from, to) != CastContext::Never {
        return Ok(());
    }
    let message = format!("cannot cast type {} to {}", sql_name(from), sql_name(to));
    let error = Error::new(SqlState::CannotCoerce, message);
    Err(error.with_hint(match (Family::of(from), Family::of(to)) {
        (Some(Family::Whole | Family::Number), Some(Family::Timestamp | Family::Instant | Family::Date)) => {
            "to_timestamp(seconds) makes a time of seconds since 1970"
        }
        (Some(Family::Timestamp | Family::Instant | Family::Date), Some(Family::Whole | Family::Number)) => {
            "extract(epoch FROM …) gives the seconds since 1970"
        }
        (Some(Family::Interval), Some(Family::Whole | Family::Number)) => {
            "extract(epoch FROM …) gives the seconds of an interval"
        }
        (Some(Family::Whole | Family::Number), Some(Family::Interval)) => {
            "multiply it by an interval: 5 * INTERVAL '1 second'"
        }
        _ => "",
    }))
}

/// Fails with 42804 where a value of type `from` cannot be put into a column.
pub(crate) fn check_assignment(from: &DataType, column: &str, column_type: ColumnType) -> Result<()> {
    if cast_context(from, &column_type.arrow()) == CastContext::Assignment {
        return Ok(());
    }
    Err(wrong_type(from, column, column_type))
}

/// 42804: a value of type `from` in a column of another.
fn wrong_type(from: &DataType, column: &str, column_type: ColumnType) -> Error {
    let message =
        format!("column {column} is of type {column_type}, but the value is of type {}", sql_name(from));
    let hint = match (
        cast_context(from, &column_type.arrow()),
        Family::of(from),
        Family::of(&column_type.arrow()),
    ) {
        (CastContext::Explicit, ..) => "write the cast",
        (
            _,
            Some(Family::Whole | Family::Number),
            Some(Family::Timestamp | Family::Instant | Family::Date),
        ) => "to_timestamp(seconds) makes a time of seconds since 1970",
        _ => "",
    };
    Error::type_mismatch(message).with_hint(hint)
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::{IntervalUnit, TimeUnit};

    use super::*;

    /// The matrix of Postgres 15 (`pg_cast`): what a written cast takes (`e`), what a column takes too (`a`).
    #[test]
    fn the_casts_are_those_of_postgres() {
        let time = DataType::Time64(TimeUnit::Nanosecond);
        let interval = DataType::Interval(IntervalUnit::MonthDayNano);
        let timestamp = DataType::Timestamp(TimeUnit::Microsecond, None);
        let instant = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        let types = [
            DataType::Boolean,
            DataType::Int32,
            DataType::Decimal128(10, 2),
            DataType::Float64,
            DataType::Utf8View,
            DataType::Date32,
            timestamp,
            instant,
            time,
            interval,
            DataType::Binary,
        ];
        let matrix = [
            "aeNNaNNNNNN", // BOOLEAN
            "eaaaaNNNNNN", // INTEGER
            "NaaaaNNNNNN", // DECIMAL
            "NaaaaNNNNNN", // DOUBLE PRECISION
            "eeeeaeeeeee", // TEXT
            "NNNNaaaaNNN", // DATE
            "NNNNaaaaaNN", // TIMESTAMP
            "NNNNaaaaaNN", // TIMESTAMPTZ
            "NNNNaNNNaaN", // TIME
            "NNNNaNNNaaN", // INTERVAL
            "NNNNaNNNNNa", // BYTEA
        ];
        for (from, row) in types.iter().zip(matrix) {
            for (to, wanted) in types.iter().zip(row.chars()) {
                let context = match cast_context(from, to) {
                    CastContext::Assignment => 'a',
                    CastContext::Explicit => 'e',
                    CastContext::Never => 'N',
                };
                assert_eq!(context, wanted, "{from} to {to}");
            }
        }
    }
}
