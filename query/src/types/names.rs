//! SQL names of the types of queries.

use arrow::datatypes::DataType;

use super::ColumnType;

/// The SQL name of a type in memory, for messages; types that only queries have included.
pub fn sql_name(data_type: &DataType) -> String {
    use DataType::{
        Decimal256, Dictionary, Duration, FixedSizeList, Interval, LargeList, LargeListView, List, ListView,
        Map, Null, Struct, Time32, Time64, UInt64,
    };
    match data_type {
        Null => "NULL".to_owned(),
        UInt64 => ColumnType::BigInt.to_string(),
        Decimal256(precision, scale) => format!("DECIMAL({precision}, {scale})"),
        Interval(_) | Duration(_) => "INTERVAL".to_owned(),
        Time32(_) | Time64(_) => "TIME".to_owned(),
        List(field) | LargeList(field) | FixedSizeList(field, _) | ListView(field) | LargeListView(field) => {
            format!("{}[]", sql_name(field.data_type()))
        }
        Struct(_) => "RECORD".to_owned(),
        Map(..) => "MAP".to_owned(),
        Dictionary(_, values) => sql_name(values),
        other => ColumnType::from_arrow(other).map_or_else(|_| other.to_string(), |known| known.to_string()),
    }
}
