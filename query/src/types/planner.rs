//! The types of casts and literals inside queries.

use arrow::datatypes::{DataType, FieldRef, TimeUnit};
use datafusion::{
    common::{Result, datatype::DataTypeExt},
    logical_expr::planner::TypePlanner,
    sql::sqlparser::ast::{self, ExactNumberInfo, TimezoneInfo},
};

use super::{ColumnType, UTC};

/// Maps the SQL types of `CAST`, `::` and typed literals as tables map theirs.
///
/// Without it DataFusion reads `TIMESTAMP` as nanoseconds, and knows no `CHARACTER VARYING`. Where a query can hold
/// more than a column (`INTERVAL`, `TIME`, arrays), DataFusion's own answer stands.
#[derive(Debug, Default, Clone, Copy)]
pub struct Types;

impl TypePlanner for Types {
    fn plan_type_field(&self, sql: &ast::DataType) -> Result<Option<FieldRef>> {
        Ok(query_type(sql)?.map(|data_type| data_type.into_nullable_field_ref()))
    }
}

fn query_type(sql: &ast::DataType) -> Result<Option<DataType>> {
    use ast::DataType as Sql;
    Ok(match sql {
        // Types that only queries have: left to DataFusion.
        Sql::Interval { .. } | Sql::Time(..) | Sql::Array(_) | Sql::Struct(..) | Sql::Map(..) => None,
        Sql::TinyInt(_) | Sql::UnsignedInteger | Sql::BigIntUnsigned(_) | Sql::IntUnsigned(_) => None,
        Sql::SmallIntUnsigned(_) | Sql::TinyIntUnsigned(_) | Sql::Regclass => None,
        // Literals and casts may leave the digits of DECIMAL open; columns may not.
        Sql::Numeric(ExactNumberInfo::None) | Sql::Decimal(ExactNumberInfo::None) => None,
        // A cast to VARCHAR(n) would have to cut: only columns enforce a length.
        Sql::Timestamp(None | Some(6), zone) => Some(DataType::Timestamp(
            TimeUnit::Microsecond,
            matches!(zone, TimezoneInfo::Tz | TimezoneInfo::WithTimeZone).then(|| UTC.into()),
        )),
        Sql::Timestamp(..) => None,
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
