//! Statistics of a table that the planner is told before it is read.
//!
//! Exact figures answer `count`, `min` and `max` without a scan, so they are given only where the engine
//! vouches for them at the very moment that the scan reads; see [`bygone_engine::RowSummary`]. A plan holds
//! its [`Reader`], and is made for one execution: what is said here stays true of the rows that it would
//! read.

use bygone_engine::{Bound, ColumnSummary, Extreme};
use datafusion::common::{ColumnStatistics, Result, ScalarValue, Statistics, stats::Precision};

use super::prune::bounds_array;
use crate::{
    error::Error,
    moment::Reader,
    rows::{RowColumn, RowLayout},
};

/// Statistics of the projected columns of a table as a reader sees it; the table's width stands for the
/// hidden key.
pub(super) fn table_statistics(
    reader: &Reader,
    keyspace: bygone_engine::KeyspaceId,
    layout: &RowLayout,
    projection: &[usize],
) -> Result<Statistics> {
    let columns: Vec<Option<&RowColumn>> =
        projection.iter().map(|&index| layout.columns().get(index)).collect();
    let ids: Vec<u32> = columns.iter().flatten().map(|column| column.id).collect();
    let summary = reader.stored().summary(keyspace, &ids).map_err(Error::from)?;
    let is_exact = summary.is_exact && reader.committed(keyspace).is_some();
    // Of exactly no rows DataFusion takes a constant's sum for 0, which is NULL.
    let rows = precision(summary.rows, is_exact && summary.rows > 0);
    let mut summaries = summary.columns.iter();
    let column_statistics = columns.into_iter().map(|column| match column {
        Some(column) => {
            let known = summaries.next().expect("there is one for each column");
            let is_key = matches!(layout.key(), [only] if layout.columns()[*only].id == column.id);
            column_statistics(column, known, rows, is_exact, is_key)
        }
        None => ColumnStatistics::new_unknown(),
    });
    let column_statistics: Vec<_> = column_statistics.collect();
    // In bytes the planner takes only the smallest tables for small: without them it goes by rows.
    let total_byte_size = Precision::Absent;
    Ok(Statistics { num_rows: rows, total_byte_size, column_statistics })
}

fn column_statistics(
    column: &RowColumn,
    known: &ColumnSummary,
    rows: Precision<usize>,
    is_exact: bool,
    is_key: bool,
) -> ColumnStatistics {
    let is_exact = is_exact && !known.has_missing;
    let data_type = column.column_type.arrow();
    let end = |extreme: &Extreme, zero: f64| {
        let Extreme::Known { bound, is_value } = extreme else { return Precision::Absent };
        match scalar(bound, &data_type, zero) {
            Some(value) if is_exact && *is_value => Precision::Exact(value),
            Some(value) => Precision::Inexact(value),
            None => Precision::Absent,
        }
    };
    ColumnStatistics {
        null_count: if column.nullable { precision(known.nulls, is_exact) } else { Precision::Exact(0) },
        min_value: end(&known.min, -0.0),
        max_value: end(&known.max, 0.0),
        distinct_count: if is_key { rows } else { Precision::Absent },
        ..ColumnStatistics::new_unknown()
    }
}

fn precision(count: u64, is_exact: bool) -> Precision<usize> {
    match usize::try_from(count) {
        Ok(count) if is_exact => Precision::Exact(count),
        Ok(count) => Precision::Inexact(count),
        Err(_) => Precision::Absent,
    }
}

fn scalar(bound: &Bound, data_type: &arrow::datatypes::DataType, zero: f64) -> Option<ScalarValue> {
    let array = bounds_array(std::iter::once(Some(bound)), data_type, zero)?;
    ScalarValue::try_from_array(&array, 0).ok().filter(|value| !value.is_null())
}
