//! The type that holds the values of two: the widest of numbers, the most exact of times; of arrays and rows,
//! one whose elements and fields hold those of both.

use std::sync::Arc;

use arrow::datatypes::{DataType, Fields, TimeUnit};
use datafusion::logical_expr::type_coercion::binary::type_union_coercion;

use crate::{
    error::Error,
    postgres::exprs::{is_float, is_text},
    types::{
        UTC,
        arrays::{element_of, list_of},
        sql_name,
    },
};

/// Values of one kind have a common type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Number,
    Text,
    Boolean,
    Time,
    TimeOfDay,
    Interval,
    Bytes,
}

impl Kind {
    /// The kind of a type; none for arrays, rows, and what DataFusion alone converts.
    pub(super) fn of(data_type: &DataType) -> Option<Self> {
        match data_type {
            data_type if data_type.is_numeric() => Some(Self::Number),
            data_type if is_text(data_type) => Some(Self::Text),
            DataType::Boolean => Some(Self::Boolean),
            DataType::Date32 | DataType::Timestamp(..) => Some(Self::Time),
            DataType::Time32(_) | DataType::Time64(_) => Some(Self::TimeOfDay),
            DataType::Interval(_) => Some(Self::Interval),
            DataType::Binary | DataType::LargeBinary | DataType::BinaryView => Some(Self::Bytes),
            _ => None,
        }
    }
}

/// The type that holds the values of both; none where that is left to DataFusion.
///
/// # Errors
///
/// 42804 where there is none.
pub(super) fn wider(what: &str, one: &DataType, other: &DataType) -> Result<Option<DataType>, Error> {
    if one == other || other.is_null() {
        return Ok(Some(one.clone()));
    }
    if one.is_null() {
        return Ok(Some(other.clone()));
    }
    match (element_of(one), element_of(other)) {
        (Some(left), Some(right)) => {
            let unlike_arrays = |_| unlike(what, one, other);
            return Ok(wider(what, left, right).map_err(unlike_arrays)?.map(list_of));
        }
        (None, None) => {}
        _ => return Err(unlike(what, one, other)),
    }
    match (one, other) {
        (DataType::Struct(left), DataType::Struct(right)) if left.len() == right.len() => {
            return wider_row(what, left, right);
        }
        _ => {}
    }
    match (Kind::of(one), Kind::of(other)) {
        (Some(kind), Some(same)) if kind == same => {
            Ok(Some(wider_of(kind, one, other).ok_or_else(|| unlike(what, one, other))?))
        }
        (Some(_), Some(_)) => Err(unlike(what, one, other)),
        _ => Ok(None),
    }
}

fn wider_row(what: &str, left: &Fields, right: &Fields) -> Result<Option<DataType>, Error> {
    let mut fields = Vec::with_capacity(left.len());
    for (left, right) in left.iter().zip(right) {
        let Some(wider) = wider(what, left.data_type(), right.data_type())? else { return Ok(None) };
        fields.push(Arc::new(left.as_ref().clone().with_data_type(wider).with_nullable(true)));
    }
    Ok(Some(DataType::Struct(fields.into())))
}

fn unlike(what: &str, one: &DataType, other: &DataType) -> Error {
    Error::type_mismatch(format!("{what} types {} and {} cannot be matched", sql_name(one), sql_name(other)))
        .with_hint("cast one of them to the type of the other")
}

fn wider_of(kind: Kind, one: &DataType, other: &DataType) -> Option<DataType> {
    match kind {
        Kind::Number => wider_number(one, other),
        Kind::Text => Some(DataType::Utf8View),
        Kind::Boolean => Some(DataType::Boolean),
        Kind::Bytes => Some(DataType::Binary),
        Kind::Interval | Kind::TimeOfDay => type_union_coercion(one, other),
        Kind::Time => {
            let has_zone = |data_type: &DataType| matches!(data_type, DataType::Timestamp(_, Some(_)));
            let zone = (has_zone(one) || has_zone(other)).then(|| UTC.into());
            Some(DataType::Timestamp(TimeUnit::Microsecond, zone))
        }
    }
}

/// Integers meet in the longer, exact numbers in one with the digits of both, and all others in a float.
pub(super) fn wider_number(one: &DataType, other: &DataType) -> Option<DataType> {
    if is_float(one) || is_float(other) {
        let is_double = [one, other].contains(&&DataType::Float64);
        return Some(if is_double { DataType::Float64 } else { DataType::Float32 });
    }
    type_union_coercion(one, other)
}
