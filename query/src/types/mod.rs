//! SQL types and what they are in memory.
//!
//! | SQL | Arrow |
//! |---|---|
//! | `BOOLEAN` | `Boolean` |
//! | `SMALLINT`, `INTEGER`, `BIGINT` | `Int16`, `Int32`, `Int64` |
//! | `REAL`, `DOUBLE PRECISION` | `Float32`, `Float64` |
//! | `DECIMAL(p, s)` | `Decimal128(p, s)` |
//! | `TEXT`, `VARCHAR(n)`, `CHAR(n)` | `Utf8View`; n is a limit in characters, nothing is padded |
//! | `DATE` | `Date32` |
//! | `TIMESTAMP`, `TIMESTAMPTZ` | `Timestamp(µs)`, `Timestamp(µs, UTC)` |
//! | `BYTEA` | `Binary` |

pub(crate) mod arrays;
pub(crate) mod casts;
mod float_text;
pub(crate) mod interval;
mod names;
pub(crate) mod nan;
mod planner;

use std::fmt;

use arrow::datatypes::{DataType, TimeUnit};
use bygone_engine::rows::ColumnKind;
use serde::{Deserialize, Serialize};
use sqlparser::ast::{self, CharacterLength, ExactNumberInfo, TimezoneInfo};

use crate::error::{Error, Result};

pub(crate) use float_text::{double_text, real_text};
pub(crate) use interval::interval_text;
pub use names::sql_name;
pub use planner::Types;

/// Digits of a decimal that fits eight bytes.
pub const SHORT_DECIMAL_DIGITS: u8 = 18;

/// The time zone of `TIMESTAMPTZ` values in memory.
pub const UTC: &str = "UTC";

/// The times that there are, in microseconds: from the begin of the year 1 to the end of the year 9999.
pub const TIME_RANGE_MICROS: std::ops::RangeInclusive<i64> =
    -62_135_596_800_000_000..=253_402_300_799_999_999;

/// The type of a column, as the catalog stores it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ColumnType {
    /// `BOOLEAN`
    Boolean,
    /// `SMALLINT`, 16 bits.
    SmallInt,
    /// `INTEGER`, 32 bits.
    Integer,
    /// `BIGINT`, 64 bits.
    BigInt,
    /// `REAL`, 32 bits.
    Real,
    /// `DOUBLE PRECISION`, 64 bits.
    Double,
    /// `DECIMAL(precision, scale)`.
    Decimal {
        /// Digits in all, 1 to 38.
        precision: u8,
        /// Digits after the point, 0 to `precision`.
        scale: u8,
    },
    /// `TEXT`, or `VARCHAR(n)` with a limit.
    Text {
        /// The longest value in characters.
        chars_max: Option<u32>,
    },
    /// `DATE`
    Date,
    /// `TIMESTAMP` without a zone, in microseconds.
    Timestamp,
    /// `TIMESTAMP WITH TIME ZONE`: an instant, in microseconds.
    TimestampTz,
    /// `BYTEA`
    Bytes,
}

impl ColumnType {
    /// `TEXT` without a limit.
    pub const TEXT: Self = Self::Text { chars_max: None };

    /// The Arrow type of values in memory.
    pub fn arrow(self) -> DataType {
        match self {
            Self::Boolean => DataType::Boolean,
            Self::SmallInt => DataType::Int16,
            Self::Integer => DataType::Int32,
            Self::BigInt => DataType::Int64,
            Self::Real => DataType::Float32,
            Self::Double => DataType::Float64,
            Self::Decimal { precision, scale } => DataType::Decimal128(precision, scale as i8),
            Self::Text { .. } => DataType::Utf8View,
            Self::Date => DataType::Date32,
            Self::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, None),
            Self::TimestampTz => DataType::Timestamp(TimeUnit::Microsecond, Some(UTC.into())),
            Self::Bytes => DataType::Binary,
        }
    }

    /// Kind of its values in the engine.
    pub fn kind(self) -> ColumnKind {
        match self {
            Self::Boolean => ColumnKind::Boolean,
            Self::SmallInt => ColumnKind::Int16,
            Self::Integer | Self::Date => ColumnKind::Int32,
            Self::BigInt | Self::Timestamp | Self::TimestampTz => ColumnKind::Int64,
            Self::Decimal { precision, .. } if precision <= SHORT_DECIMAL_DIGITS => ColumnKind::Int64,
            Self::Decimal { .. } => ColumnKind::Int128,
            Self::Real => ColumnKind::Float32,
            Self::Double => ColumnKind::Float64,
            Self::Text { .. } => ColumnKind::Text,
            Self::Bytes => ColumnKind::Bytes,
        }
    }

    /// Whether a constant of an Arrow type beside a column of this type is planned as a parameter of this
    /// type is: its value decides nothing.
    pub(crate) fn plans_like(self, data_type: &DataType) -> bool {
        let is_text = data_type.is_string();
        let is_integer = data_type.is_integer() && *data_type != DataType::UInt64;
        match self {
            Self::Boolean => *data_type == DataType::Boolean,
            Self::SmallInt | Self::Integer | Self::BigInt => is_text || is_integer,
            Self::Decimal { .. } => is_integer || matches!(data_type, DataType::Decimal128(..)),
            // Digits beside floats are read in a way of their own.
            Self::Real | Self::Double => data_type.is_floating(),
            Self::Text { .. } => is_text,
            Self::Date => is_text || *data_type == DataType::Date32,
            Self::Timestamp => is_text || matches!(data_type, DataType::Timestamp(_, None)),
            Self::TimestampTz => is_text || matches!(data_type, DataType::Timestamp(_, Some(_))),
            Self::Bytes => is_text || *data_type == DataType::Binary,
        }
    }

    /// The name of the type in Postgres' catalogs, which is that of a column `x::type` without an alias.
    pub(crate) fn internal_name(self) -> &'static str {
        match self {
            Self::Boolean => "bool",
            Self::SmallInt => "int2",
            Self::Integer => "int4",
            Self::BigInt => "int8",
            Self::Real => "float4",
            Self::Double => "float8",
            Self::Decimal { .. } => "numeric",
            Self::Text { chars_max: None } => "text",
            Self::Text { .. } => "varchar",
            Self::Date => "date",
            Self::Timestamp => "timestamp",
            Self::TimestampTz => "timestamptz",
            Self::Bytes => "bytea",
        }
    }

    /// The column type that stores values of an Arrow type: what `CREATE TABLE AS` makes of a query's column.
    ///
    /// # Errors
    ///
    /// 0A000 for types that no column can have (lists, structs, intervals): cast them in the query.
    pub fn from_arrow(data_type: &DataType) -> Result<Self> {
        Ok(match data_type {
            DataType::Boolean => Self::Boolean,
            DataType::Int8 | DataType::UInt8 | DataType::Int16 => Self::SmallInt,
            DataType::UInt16 | DataType::Int32 => Self::Integer,
            DataType::UInt32 | DataType::Int64 => Self::BigInt,
            DataType::UInt64 => Self::Decimal { precision: 20, scale: 0 },
            DataType::Float16 | DataType::Float32 => Self::Real,
            DataType::Float64 => Self::Double,
            DataType::Decimal32(p, s) | DataType::Decimal64(p, s) | DataType::Decimal128(p, s)
                if *s >= 0 && *s as u8 <= *p =>
            {
                Self::Decimal { precision: *p, scale: *s as u8 }
            }
            // Sums of wide decimals: what does not fit is refused when it is stored.
            DataType::Decimal256(p, s) if *s >= 0 && *s <= 38 => {
                Self::Decimal { precision: (*p).min(38), scale: *s as u8 }
            }
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Null => Self::TEXT,
            DataType::Date32 | DataType::Date64 => Self::Date,
            DataType::Timestamp(_, None) => Self::Timestamp,
            DataType::Timestamp(_, Some(_)) => Self::TimestampTz,
            DataType::Binary
            | DataType::LargeBinary
            | DataType::BinaryView
            | DataType::FixedSizeBinary(_) => Self::Bytes,
            DataType::Dictionary(_, values) => Self::from_arrow(values)?,
            other => {
                return Err(Error::unsupported(format!("a column of type {other}"))
                    .with_hint("cast it in the query, for instance to TEXT"));
            }
        })
    }

    /// The column type that an SQL type name stands for.
    ///
    /// # Errors
    ///
    /// 0A000 for types that do not exist here, 22023 for a precision or length out of range.
    pub fn from_sql(sql: &ast::DataType) -> Result<Self> {
        use ast::DataType as Sql;
        Ok(match sql {
            Sql::Boolean | Sql::Bool => Self::Boolean,
            Sql::SmallInt(None) | Sql::Int2(None) => Self::SmallInt,
            Sql::Int(None) | Sql::Integer(None) | Sql::Int4(None) => Self::Integer,
            Sql::BigInt(None) | Sql::Int8(None) => Self::BigInt,
            Sql::Real | Sql::Float4 => Self::Real,
            Sql::Double(ExactNumberInfo::None) | Sql::DoublePrecision | Sql::Float8 | Sql::Float64 => {
                Self::Double
            }
            Sql::Float(info) => match info {
                ExactNumberInfo::None | ExactNumberInfo::Precision(25..=53) => Self::Double,
                ExactNumberInfo::Precision(1..=24) => Self::Real,
                _ => return Err(Error::invalid_value("the precision of FLOAT must be between 1 and 53")),
            },
            Sql::Numeric(info) | Sql::Decimal(info) | Sql::Dec(info) => decimal(*info)?,
            Sql::Char(None) | Sql::Character(None) => Self::Text { chars_max: Some(1) },
            Sql::Char(length)
            | Sql::Character(length)
            | Sql::Varchar(length)
            | Sql::CharacterVarying(length)
            | Sql::CharVarying(length)
            | Sql::Nvarchar(length) => text(*length)?,
            Sql::Text | Sql::String(None) => Self::TEXT,
            Sql::Date => Self::Date,
            Sql::Timestamp(digits, zone) => {
                fraction_digits(*digits)?;
                match zone {
                    TimezoneInfo::None | TimezoneInfo::WithoutTimeZone => Self::Timestamp,
                    TimezoneInfo::WithTimeZone | TimezoneInfo::Tz => Self::TimestampTz,
                }
            }
            Sql::TimestampNtz(digits) => {
                fraction_digits(*digits)?;
                Self::Timestamp
            }
            Sql::Datetime(None) => Self::Timestamp,
            Sql::Bytea | Sql::Blob(None) => Self::Bytes,
            Sql::Custom(name, modifiers) => custom(name, modifiers, sql)?,
            other => return Err(unknown(other)),
        })
    }
}

fn decimal(info: ExactNumberInfo) -> Result<ColumnType> {
    const PRECISION_MAX: u64 = 38;
    let (precision, scale) = match info {
        // Postgres keeps any number of digits here; a column of ours has a fixed width, so say which.
        ExactNumberInfo::None => {
            return Err(Error::unsupported("DECIMAL without precision")
                .with_hint("write DECIMAL(precision, scale), for instance DECIMAL(18, 2)"));
        }
        ExactNumberInfo::Precision(precision) => (precision, 0),
        ExactNumberInfo::PrecisionAndScale(precision, scale) => (precision, scale),
    };
    if !(1..=PRECISION_MAX).contains(&precision) {
        return Err(Error::invalid_value("the precision of DECIMAL must be between 1 and 38"));
    }
    if scale < 0 || scale as u64 > precision {
        return Err(Error::invalid_value("the scale of DECIMAL must be between 0 and its precision"));
    }
    Ok(ColumnType::Decimal { precision: precision as u8, scale: scale as u8 })
}

fn text(length: Option<CharacterLength>) -> Result<ColumnType> {
    match length {
        None | Some(CharacterLength::Max) => Ok(ColumnType::TEXT),
        Some(CharacterLength::IntegerLength { unit: Some(_), .. }) => {
            Err(Error::unsupported("a length in CHARACTERS or OCTETS")
                .with_hint("write the number alone: it counts characters"))
        }
        Some(CharacterLength::IntegerLength { length, unit: None }) => match u32::try_from(length) {
            Ok(length) if length > 0 => Ok(ColumnType::Text { chars_max: Some(length) }),
            _ => Err(Error::invalid_value(format!("{length} is not a valid length for VARCHAR"))),
        },
    }
}

/// Timestamps always keep microseconds; a smaller precision would have to round every value.
fn fraction_digits(digits: Option<u64>) -> Result<()> {
    match digits {
        None | Some(6) => Ok(()),
        Some(digits) => Err(Error::unsupported(format!("TIMESTAMP({digits})"))
            .with_hint("timestamps keep six digits; date_trunc rounds them")),
    }
}

fn custom(name: &ast::ObjectName, modifiers: &[String], sql: &ast::DataType) -> Result<ColumnType> {
    if modifiers.is_empty() {
        match name.to_string().to_lowercase().as_str() {
            "bytes" => return Ok(ColumnType::Bytes),
            "serial" | "bigserial" | "smallserial" => {
                return Err(Error::unsupported(sql.to_string().to_uppercase())
                    .with_hint("give the numbers yourself, or leave the primary key out"));
            }
            _ => {}
        }
    }
    Err(unknown(sql))
}

fn unknown(sql: &ast::DataType) -> Error {
    use ast::DataType as Sql;
    let hint = match sql {
        Sql::Uuid => "keep it as TEXT or BYTEA",
        Sql::JSON | Sql::JSONB => "keep it as TEXT",
        Sql::Time(..) => "keep it as TEXT, or use TIMESTAMP",
        Sql::Interval { .. } => "keep a number of seconds, or two timestamps",
        Sql::TinyInt(_) | Sql::UnsignedInteger | Sql::TinyIntUnsigned(_) => "use SMALLINT, INTEGER or BIGINT",
        Sql::Array(_) => "keep the elements in a table of their own",
        _ => {
            "the types are BOOLEAN, SMALLINT, INTEGER, BIGINT, REAL, DOUBLE PRECISION, DECIMAL(p, s), VARCHAR(n), \
             TEXT, DATE, TIMESTAMP, TIMESTAMPTZ, BYTEA"
        }
    };
    Error::unsupported(format!("type {}", sql.to_string().to_uppercase())).with_hint(hint)
}

impl fmt::Display for ColumnType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boolean => f.write_str("BOOLEAN"),
            Self::SmallInt => f.write_str("SMALLINT"),
            Self::Integer => f.write_str("INTEGER"),
            Self::BigInt => f.write_str("BIGINT"),
            Self::Real => f.write_str("REAL"),
            Self::Double => f.write_str("DOUBLE PRECISION"),
            Self::Decimal { precision, scale } => write!(f, "DECIMAL({precision}, {scale})"),
            Self::Text { chars_max: None } => f.write_str("TEXT"),
            Self::Text { chars_max: Some(length) } => write!(f, "VARCHAR({length})"),
            Self::Date => f.write_str("DATE"),
            Self::Timestamp => f.write_str("TIMESTAMP"),
            Self::TimestampTz => f.write_str("TIMESTAMPTZ"),
            Self::Bytes => f.write_str("BYTEA"),
        }
    }
}

#[cfg(test)]
mod tests;
