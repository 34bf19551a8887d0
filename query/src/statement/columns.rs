//! Results that are computed here, column by column.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, BinaryArray, BooleanArray, Int64Array, StringViewArray, TimestampMicrosecondArray},
    datatypes::{Field, Schema},
    record_batch::{RecordBatch, RecordBatchOptions},
};
use bygone_engine::types::Timestamp;

use crate::{error::Result, types::UTC};

/// Columns of a computed result, added one by one.
#[derive(Debug, Default)]
pub(crate) struct Columns {
    fields: Vec<Field>,
    arrays: Vec<ArrayRef>,
}

impl Columns {
    fn add(mut self, name: &str, array: ArrayRef) -> Self {
        self.fields.push(Field::new(name, array.data_type().clone(), true));
        self.arrays.push(array);
        self
    }

    /// A text column.
    pub(crate) fn text<T: AsRef<str>>(self, name: &str, values: impl IntoIterator<Item = Option<T>>) -> Self {
        let array: StringViewArray = values.into_iter().collect();
        self.add(name, Arc::new(array))
    }

    /// A column of whole numbers.
    pub(crate) fn integer(self, name: &str, values: impl IntoIterator<Item = Option<i64>>) -> Self {
        let array: Int64Array = values.into_iter().collect();
        self.add(name, Arc::new(array))
    }

    /// A column of bytes.
    pub(crate) fn bytes<T: AsRef<[u8]>>(
        self,
        name: &str,
        values: impl IntoIterator<Item = Option<T>>,
    ) -> Self {
        let array: BinaryArray = values.into_iter().collect();
        self.add(name, Arc::new(array))
    }

    /// A column of truth values.
    pub(crate) fn boolean(self, name: &str, values: impl IntoIterator<Item = Option<bool>>) -> Self {
        let array: BooleanArray = values.into_iter().collect();
        self.add(name, Arc::new(array))
    }

    /// A column of instants.
    pub(crate) fn instant(self, name: &str, values: impl IntoIterator<Item = Option<Timestamp>>) -> Self {
        let micros = values.into_iter().map(|at| at.and_then(|at| i64::try_from(at.as_micros()).ok()));
        let array: TimestampMicrosecondArray = micros.collect();
        self.add(name, Arc::new(array.with_timezone(UTC)))
    }

    /// The columns as a batch of `rows` rows.
    pub(crate) fn build(self, rows: usize) -> Result<RecordBatch> {
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        Ok(RecordBatch::try_new_with_options(Arc::new(Schema::new(self.fields)), self.arrays, &options)?)
    }
}
