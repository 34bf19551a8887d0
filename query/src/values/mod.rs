//! Rows and parameters as Rust types, for programs that work with values and not with Arrow's columns.
//!
//! ```text
//!   (7, "x") ──IntoParameters──▶ $1, $2      batches ──Row──▶ FromValue: i64, String, Option<f64>, …
//! ```
//!
//! 1. A conversion is exact or fails: nothing is cut off, and NULL is read as an `Option` only.
//! 2. A [`Row`] shares the batch it came in; reading a value copies that value.

mod from;
mod into;

use std::sync::Arc;

use arrow::{datatypes::SchemaRef, record_batch::RecordBatch};
use datafusion::common::ScalarValue;
use futures::TryStreamExt;

pub use from::{FromRow, FromValue};
pub use into::{IntoParameters, IntoValue};

use crate::{
    error::{Error, ErrorKind, Result},
    session::{Rows, Session},
};

/// One row of a query's answer.
#[derive(Clone, Debug)]
pub struct Row {
    batch: Arc<RecordBatch>,
    index: usize,
}

/// The place of a column in a row: its position, counted from 0, or its name.
pub trait ColumnIndex {
    /// The position in `schema`.
    ///
    /// # Errors
    /// 42703 when there is no such column.
    fn position(&self, schema: &SchemaRef) -> Result<usize>;
}

impl ColumnIndex for usize {
    fn position(&self, schema: &SchemaRef) -> Result<usize> {
        let columns = schema.fields().len();
        if *self < columns {
            return Ok(*self);
        }
        let message = format!("there is no column at position {self}, the row has {columns}");
        Err(Error::new(ErrorKind::Invalid, "42703", message).with_hint("positions are counted from 0"))
    }
}

impl ColumnIndex for &str {
    fn position(&self, schema: &SchemaRef) -> Result<usize> {
        schema.fields().iter().position(|field| field.name() == self).ok_or_else(|| {
            let known = schema.fields().iter().map(|field| field.name().as_str());
            Error::new(ErrorKind::NotFound, "42703", format!("the row has no column {self}"))
                .with_hint(crate::error::did_you_mean(self, known))
        })
    }
}

impl Row {
    /// The value of a column.
    ///
    /// # Errors
    /// 42703 when there is no such column; 22002 for a NULL that is not read as an `Option`; 42804 when the type does not fit; 22003 when
    /// the number does not.
    pub fn get<T: FromValue>(&self, column: impl ColumnIndex) -> Result<T> {
        let position = column.position(&self.batch.schema())?;
        let value = ScalarValue::try_from_array(self.batch.column(position), self.index)?;
        T::from_value(value).map_err(|error| {
            let schema = self.batch.schema();
            error.prefixed(&format!("column {}", schema.field(position).name()))
        })
    }

    /// The names of the columns, in their order.
    pub fn columns(&self) -> Vec<String> {
        self.batch.schema().fields().iter().map(|field| field.name().clone()).collect()
    }

    /// The number of columns.
    pub fn len(&self) -> usize {
        self.batch.num_columns()
    }

    /// A row without columns.
    pub fn is_empty(&self) -> bool {
        self.batch.num_columns() == 0
    }
}

impl Session {
    /// Runs a query and returns its rows, all of them in memory; `parameters` are the values of `$1`, `$2`, …
    ///
    /// For more rows than should be held at one time, read [`Session::execute_with`]'s outcome as a stream.
    ///
    /// # Errors
    /// As [`Session::execute`], and what happens while the rows are read.
    ///
    /// # Cancel safety
    /// As [`Session::execute`].
    pub async fn query_rows(&self, sql: &str, parameters: impl IntoParameters) -> Result<Vec<Row>> {
        match self.execute_with(sql, parameters).await?.rows {
            Some(rows) => rows_of(rows).await,
            None => Ok(Vec::new()),
        }
    }

    /// Runs a query for one row and returns it: as one value (`i64`, `String`, `Option<f64>`, …) or as a tuple of values.
    ///
    /// # Errors
    /// 02000 when there is no row, 21000 when there are several; those of [`Row::get`] and of [`Self::query_rows`].
    ///
    /// # Cancel safety
    /// As [`Session::execute`].
    pub async fn query_one<T: FromRow>(&self, sql: &str, parameters: impl IntoParameters) -> Result<T> {
        self.query_optional(sql, parameters).await?.ok_or_else(|| {
            Error::new(ErrorKind::NotFound, "02000", "the query has no row")
                .with_hint("use query_optional where that may be")
        })
    }

    /// As [`Self::query_one`]; `None` when there is no row.
    ///
    /// # Errors
    /// As [`Self::query_one`], but for 02000.
    ///
    /// # Cancel safety
    /// As [`Session::execute`].
    pub async fn query_optional<T: FromRow>(
        &self,
        sql: &str,
        parameters: impl IntoParameters,
    ) -> Result<Option<T>> {
        let Some(mut rows) = self.execute_with(sql, parameters).await?.rows else { return Ok(None) };
        let mut first = None;
        while let Some(batch) = rows.try_next().await? {
            let has_several = batch.num_rows() > 1 || (first.is_some() && batch.num_rows() > 0);
            if has_several {
                return Err(Error::new(ErrorKind::Invalid, "21000", "the query has more than one row")
                    .with_hint("add LIMIT 1, or use query_rows"));
            }
            if batch.num_rows() == 1 {
                first = Some(Row { batch: Arc::new(batch), index: 0 });
            }
        }
        first.as_ref().map(T::from_row).transpose()
    }
}

async fn rows_of(mut batches: Rows) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    while let Some(batch) = batches.try_next().await? {
        let batch = Arc::new(batch);
        rows.extend((0..batch.num_rows()).map(|index| Row { batch: Arc::clone(&batch), index }));
    }
    Ok(rows)
}
