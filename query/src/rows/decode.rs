//! From rows to batches.

use std::sync::Arc;

use arrow::{
    datatypes::SchemaRef,
    record_batch::{RecordBatch, RecordBatchOptions},
};
use bygone_engine::{
    ColumnRequest, Missing, RowAssembler, RowSet,
    rows::value::{self, tag},
};
use datafusion::common::ScalarValue;

use super::RowLayout;
use crate::error::{Error, Result};

/// Reads rows of a table into batches of some of its columns.
#[derive(Debug)]
pub struct RowDecoder {
    layout: Arc<RowLayout>,
    assembler: RowAssembler,
}

impl RowDecoder {
    /// A decoder of the columns at these places of the table, in this order; none is allowed.
    ///
    /// # Errors
    ///
    /// XX000 when there is no such place.
    pub fn new(layout: Arc<RowLayout>, projection: &[usize]) -> Result<Self> {
        let mut requests = Vec::with_capacity(projection.len());
        for place in projection {
            let column =
                layout.columns.get(*place).ok_or_else(|| Error::internal("projection of no column"))?;
            let data_type = column.column_type.arrow();
            let missing = column.missing.as_ref().map(missing).transpose()?.unwrap_or_default();
            requests.push(ColumnRequest { id: column.id, data_type, missing });
        }
        let assembler = RowAssembler::new(&layout.schema_of_rows(), requests)?;
        Ok(Self { layout, assembler })
    }

    /// Adds a row as bytes.
    ///
    /// # Errors
    ///
    /// XX001 when the bytes are not a row; the rows so far are lost.
    #[inline]
    pub fn push(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        self.assembler.push(key, value).map_err(|_| self.layout.corrupt("its bytes do not fit the table"))
    }

    /// Adds the rows of a set.
    ///
    /// # Errors
    ///
    /// The engine's, XX001 when the rows are not those of the table; the rows so far are lost.
    pub async fn push_set(&mut self, rows: &RowSet) -> Result<()> {
        Ok(self.assembler.push_set(rows).await?)
    }

    /// Rows added since the last batch.
    pub fn len(&self) -> usize {
        self.assembler.rows()
    }

    /// Whether no row was added since the last batch.
    pub fn is_empty(&self) -> bool {
        self.assembler.rows() == 0
    }

    /// The rows added so far as a batch of this schema, whose fields are the projected columns; starts anew.
    ///
    /// # Errors
    ///
    /// XX001 when a column that cannot be NULL is.
    pub fn finish(&mut self, schema: &SchemaRef) -> Result<RecordBatch> {
        let options = RecordBatchOptions::new().with_row_count(Some(self.assembler.rows()));
        RecordBatch::try_new_with_options(Arc::clone(schema), self.assembler.finish(), &options)
            .map_err(|error| self.layout.corrupt("its values do not fit the table").with_source(error))
    }
}

/// The value of a column in rows that are older than it, as rows have it.
fn missing(scalar: &ScalarValue) -> Result<Missing> {
    let mut payload = Vec::new();
    let tag = match scalar {
        scalar if scalar.is_null() => tag::NULL,
        ScalarValue::Boolean(Some(value)) => value::push_int(i64::from(*value), &mut payload),
        ScalarValue::Int16(Some(value)) => value::push_int(i64::from(*value), &mut payload),
        ScalarValue::Int32(Some(value)) | ScalarValue::Date32(Some(value)) => {
            value::push_int(i64::from(*value), &mut payload)
        }
        ScalarValue::Int64(Some(value)) | ScalarValue::TimestampMicrosecond(Some(value), _) => {
            value::push_int(*value, &mut payload)
        }
        ScalarValue::Decimal128(Some(value), _, _) => value::push_decimal(*value, &mut payload),
        ScalarValue::Float32(Some(value)) => value::push_f32(*value, &mut payload),
        ScalarValue::Float64(Some(value)) => value::push_f64(*value, &mut payload),
        ScalarValue::Utf8View(Some(text))
        | ScalarValue::Utf8(Some(text))
        | ScalarValue::LargeUtf8(Some(text)) => value::push_bytes(text.as_bytes(), &mut payload),
        ScalarValue::Binary(Some(bytes)) | ScalarValue::BinaryView(Some(bytes)) => {
            value::push_bytes(bytes, &mut payload)
        }
        other => return Err(Error::internal(format!("no column has a default like {other}"))),
    };
    Ok(Missing { tag, payload: payload.into() })
}
