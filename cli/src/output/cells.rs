//! One value to text, the same in every format but JSON: as `COPY` writes it.

use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use arrow::util::display::ArrayFormatter;
use bygone::text_formatter;

/// The cells of one batch.
pub(super) struct Cells<'a> {
    columns: Vec<(&'a ArrayRef, ArrayFormatter<'a>)>,
    rows: usize,
}

impl<'a> Cells<'a> {
    /// Prepares the columns of a batch.
    pub(super) fn new(batch: &'a RecordBatch) -> Result<Self, ArrowError> {
        let columns = batch
            .columns()
            .iter()
            .map(|array| Ok((array, text_formatter(array.as_ref())?)))
            .collect::<Result<_, ArrowError>>()?;
        Ok(Self { columns, rows: batch.num_rows() })
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    pub(super) fn columns(&self) -> usize {
        self.columns.len()
    }

    /// Puts the text of a cell into `text`; returns false for NULL.
    pub(super) fn text(&self, row: usize, column: usize, text: &mut String) -> Result<bool, ArrowError> {
        text.clear();
        let (array, formatter) = &self.columns[column];
        if array.is_null(row) || array.data_type() == &DataType::Null {
            return Ok(false);
        }
        formatter.value(row).write(text)?;
        Ok(true)
    }
}

/// True for types whose values are aligned to the right.
pub(super) fn is_number(data_type: &DataType) -> bool {
    data_type.is_numeric()
}
