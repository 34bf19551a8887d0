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

pub use from::{FromRow, FromValue};
pub use into::{IntoParameters, IntoValue};

use crate::error::{Error, Result, SqlState};

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
        Err(Error::new(SqlState::UndefinedColumn, message).with_hint("positions are counted from 0"))
    }
}

impl ColumnIndex for &str {
    fn position(&self, schema: &SchemaRef) -> Result<usize> {
        schema.fields().iter().position(|field| field.name() == self).ok_or_else(|| {
            let known = schema.fields().iter().map(|field| field.name().as_str());
            Error::new(SqlState::UndefinedColumn, format!("the row has no column {self}"))
                .with_hint(crate::error::did_you_mean(self, known))
        })
    }
}

impl Row {
    /// The rows of a batch, in their order.
    pub(crate) fn all_of(batch: RecordBatch) -> impl Iterator<Item = Self> {
        let batch = Arc::new(batch);
        (0..batch.num_rows()).map(move |index| Self { batch: Arc::clone(&batch), index })
    }

    /// The value of a column.
    ///
    /// # Errors
    /// 42703 when there is no such column; 22002 for a NULL that is not read as an `Option`; 42804 when the
    /// type does not fit; 22003 when the number does not.
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
