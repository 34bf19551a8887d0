//! Answers of both databases in one form, so that they can be compared.

use std::fmt;

use arrow::{
    array::{Array, AsArray, RecordBatch},
    datatypes::{
        DataType, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, IntervalMonthDayNano,
        IntervalMonthDayNanoType, IntervalUnit, UInt64Type,
    },
    util::display::array_value_to_string,
};
use rusqlite::types::ValueRef;

/// One value. Numbers that are equal are the same cell, whatever their type: SQLite's truth values are
/// integers, and a sum of one type here is of another there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cell {
    Null,
    Int(i64),
    /// The bits of a double that is no integer.
    Real(u64),
    Text(String),
}

/// Result of a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Rows(Vec<Vec<Cell>>),
    Error { state: String, message: String },
}

impl Answer {
    /// Without the order of its rows, unless the query has given them one.
    pub(crate) fn normalized(mut self, is_ordered: bool) -> Self {
        if let (Self::Rows(rows), false) = (&mut self, is_ordered) {
            rows.sort();
        }
        self
    }

    /// We say that we cannot do it.
    pub(crate) fn is_unsupported(&self) -> bool {
        matches!(self, Self::Error { state, .. } if state == "0A000")
    }

    /// The rows of both, one behind the other; the first error if there is one.
    pub(crate) fn with(self, other: Self) -> Self {
        match (self, other) {
            (Self::Rows(mut rows), Self::Rows(others)) => {
                rows.extend(others);
                Self::Rows(rows)
            }
            (Self::Rows(_), error) | (error, _) => error,
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Error { state, message } => write!(f, "error {state}: {message}"),
            Self::Rows(rows) if rows.is_empty() => f.write_str("no rows"),
            Self::Rows(rows) => {
                const SHOWN: usize = 12;
                for (at, row) in rows.iter().take(SHOWN).enumerate() {
                    f.write_str(if at == 0 { "" } else { " / " })?;
                    let cells: Vec<String> = row.iter().map(ToString::to_string).collect();
                    f.write_str(&cells.join(","))?;
                }
                if rows.len() > SHOWN { write!(f, " / … ({} rows)", rows.len()) } else { Ok(()) }
            }
        }
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("NULL"),
            Self::Int(number) => write!(f, "{number}"),
            Self::Real(bits) => write!(f, "{}", f64::from_bits(*bits)),
            Self::Text(text) => write!(f, "'{text}'"),
        }
    }
}

/// A double; negative zero is zero, since which of two equal values stands for a group is nobody's to say.
fn real(number: f64) -> Cell {
    if number.fract() == 0.0 && number.abs() < 1e15 {
        Cell::Int(number as i64)
    } else if number.is_nan() {
        Cell::Real(f64::NAN.to_bits())
    } else {
        Cell::Real(number.to_bits())
    }
}

/// The rows of our batches.
pub(crate) fn rows_of(batches: &[RecordBatch]) -> Vec<Vec<Cell>> {
    let mut rows = Vec::new();
    for batch in batches {
        for row in 0..batch.num_rows() {
            rows.push(batch.columns().iter().map(|column| cell(column, row)).collect());
        }
    }
    rows
}

fn cell(column: &dyn Array, row: usize) -> Cell {
    if column.is_null(row) {
        return Cell::Null;
    }
    match column.data_type() {
        DataType::Null => Cell::Null,
        DataType::Boolean => Cell::Int(i64::from(column.as_boolean().value(row))),
        DataType::Int8 => Cell::Int(column.as_primitive::<Int8Type>().value(row).into()),
        DataType::Int16 => Cell::Int(column.as_primitive::<Int16Type>().value(row).into()),
        DataType::Int32 => Cell::Int(column.as_primitive::<Int32Type>().value(row).into()),
        DataType::Int64 => Cell::Int(column.as_primitive::<Int64Type>().value(row)),
        DataType::UInt64 => Cell::Int(column.as_primitive::<UInt64Type>().value(row) as i64),
        DataType::Float64 => real(column.as_primitive::<Float64Type>().value(row)),
        DataType::Interval(IntervalUnit::MonthDayNano) => {
            length(column.as_primitive::<IntervalMonthDayNanoType>().value(row))
        }
        DataType::Decimal128(..) | DataType::Decimal256(..) => {
            let text = array_value_to_string(column, row).unwrap_or_default();
            text.parse().map_or(Cell::Text(text), real)
        }
        _ => Cell::Text(array_value_to_string(column, row).unwrap_or_default()),
    }
}

/// An interval, in microseconds: of two that are equal either may stand for both.
fn length(interval: IntervalMonthDayNano) -> Cell {
    let days = i64::from(interval.months) * 30 + i64::from(interval.days);
    Cell::Text(format!("{} µs", days * 86_400_000_000 + interval.nanoseconds / 1_000))
}

/// A value of SQLite's.
pub(crate) fn cell_of(value: ValueRef<'_>) -> Cell {
    match value {
        ValueRef::Null => Cell::Null,
        ValueRef::Integer(number) => Cell::Int(number),
        ValueRef::Real(number) => real(number),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
            Cell::Text(String::from_utf8_lossy(bytes).into_owned())
        }
    }
}
