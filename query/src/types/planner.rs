//! The types of casts and literals inside queries.

use arrow::datatypes::{DataType, FieldRef, TimeUnit};
use datafusion::{
    common::{Result, datatype::DataTypeExt},
    logical_expr::planner::TypePlanner,
};
use sqlparser::ast::{self, ExactNumberInfo, TimezoneInfo};

use super::{ColumnType, UTC};

/// Maps the SQL types of `CAST`, `::` and typed literals as tables map theirs.
///
/// Without it DataFusion reads `TIMESTAMP` as nanoseconds, and knows no `CHARACTER VARYING`. Where a query
/// can hold more than a column (`INTERVAL`, `TIME`, arrays), DataFusion's own answer stands.
#[derive(Debug, Default, Clone, Copy)]
pub struct Types;

impl TypePlanner for Types {
    fn plan_type_field(&self, sql: &ast::DataType) -> Result<Option<FieldRef>> {
        Ok(query_type(sql)?.map(DataTypeExt::into_nullable_field_ref))
    }
}

fn query_type(sql: &ast::DataType) -> Result<Option<DataType>> {
    use ast::DataType as Sql;
    Ok(match sql {
        Sql::Timestamp(None | Some(6), zone) => Some(DataType::Timestamp(
            TimeUnit::Microsecond,
            matches!(zone, TimezoneInfo::Tz | TimezoneInfo::WithTimeZone).then(|| UTC.into()),
        )),
        // Left to DataFusion: types that only queries have, and the digits of DECIMAL and TIMESTAMP, which
        // literals and casts may leave open or choose while columns may not.
        Sql::Interval { .. }
        | Sql::Time(..)
        | Sql::Array(_)
        | Sql::Struct(..)
        | Sql::Map(..)
        | Sql::TinyInt(_)
        | Sql::UnsignedInteger
        | Sql::BigIntUnsigned(_)
        | Sql::IntUnsigned(_)
        | Sql::SmallIntUnsigned(_)
        | Sql::TinyIntUnsigned(_)
        | Sql::Regclass
        | Sql::Timestamp(..)
        | Sql::Numeric(ExactNumberInfo::None)
        | Sql::Decimal(ExactNumberInfo::None) => None,
        // A cast to VARCHAR(n) would have to cut: only columns enforce a length.
        other => match ColumnType::from_sql(other)? {
            ColumnType::Text { chars_max: Some(_) } => {
                return Err(crate::error::Error::unsupported(format!("a cast to {other}"))
                    .with_hint("cast to TEXT, and cut with left(…, n)")
                    .into());
            }
            known => Some(known.arrow()),
        },
    })
}
