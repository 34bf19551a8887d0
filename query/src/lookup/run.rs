//! A lookup is run: constants in, a row or none out.

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, AsArray, BinaryArray},
    compute::cast,
    record_batch::{RecordBatch, RecordBatchOptions},
};
use datafusion::common::{Result as Computed, ScalarValue};

use super::compile::{Lookup, LookupStep};
use crate::{
    error::Result,
    moment::Reader,
    rows::{KeyBatch, RowDecoder},
};

/// Outcome of a lookup.
pub(crate) enum LookupOutcome {
    /// The row, if there is one and the filters let it through; or why it could not be computed.
    Rows(Result<Option<RecordBatch>>),
    /// The constants do not name a key: the plan knows what that means.
    Planned,
}

impl Lookup {
    /// Reads the row that `constants` name, and computes what the plan would.
    pub(crate) async fn run(&self, reader: &Reader, constants: &[ScalarValue]) -> LookupOutcome {
        let Ok(constants) = self.constants(constants) else { return LookupOutcome::Planned };
        let Some(keys) = self.key(&constants) else { return LookupOutcome::Planned };
        let key = keys.get(0);
        let value = match reader.get(self.table.keyspace_id(), key).await {
            Ok(Some(value)) => value,
            Ok(None) => return LookupOutcome::Rows(Ok(None)),
            Err(error) => return LookupOutcome::Rows(Err(error)),
        };
        let row = self.row(constants, key, &value);
        LookupOutcome::Rows(row.and_then(|row| Ok(self.compute(row)?)))
    }

    fn constants(&self, values: &[ScalarValue]) -> Computed<RecordBatch> {
        let columns = values.iter().map(ScalarValue::to_array).collect::<Computed<Vec<_>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(1));
        Ok(RecordBatch::try_new_with_options(Arc::clone(&self.constants), columns, &options)?)
    }

    /// The key's bytes; none when a constant is no value of its column.
    fn key(&self, constants: &RecordBatch) -> Option<KeyBatch> {
        let mut columns = Vec::with_capacity(self.key.len());
        for (&index, expr) in self.layout.key().iter().zip(&self.key) {
            let value = expr.evaluate(constants).ok()?.into_array(1).ok()?;
            let data_type = self.layout.columns()[index].column_type.arrow();
            let value =
                if *value.data_type() == data_type { value } else { cast(&value, &data_type).ok()? };
            // A number out of its column's range was made NULL.
            if value.is_null(0) {
                return None;
            }
            columns.push(value);
        }
        self.encoder.encode_keys(&columns).ok()
    }

    /// The constants, then the columns that the plan reads.
    fn row(&self, constants: RecordBatch, key: &[u8], value: &[u8]) -> Result<RecordBatch> {
        let mut columns = constants.columns().to_vec();
        let mut decoder = RowDecoder::new(Arc::clone(&self.layout), &self.columns)?;
        decoder.push(key, value)?;
        let mut read = decoder.finish(&self.decoded)?.columns().to_vec();
        if let Some(position) = self.row_key {
            read.insert(position, Arc::new(BinaryArray::from_iter_values([key])));
        }
        columns.extend(read);
        Ok(RecordBatch::try_new(Arc::clone(&self.input), columns)?)
    }

    /// Takes a row through the filters and projections; none when one of them does not let it through.
    fn compute(&self, mut row: RecordBatch) -> Computed<Option<RecordBatch>> {
        let options = RecordBatchOptions::new().with_row_count(Some(1));
        for step in &self.steps {
            match step {
                LookupStep::Filter(predicate) => {
                    let keep = predicate.evaluate(&row)?.into_array(1)?;
                    let keep = keep.as_boolean();
                    if keep.is_null(0) || !keep.value(0) {
                        return Ok(None);
                    }
                }
                LookupStep::Project(exprs, schema) => {
                    let columns = exprs.iter().map(|expr| expr.evaluate(&row)?.into_array(1));
                    let columns = columns.collect::<Computed<Vec<ArrayRef>>>()?;
                    row = RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)?;
                }
            }
        }
        let columns = row.columns()[self.constants.fields().len()..].to_vec();
        Ok(Some(RecordBatch::try_new_with_options(Arc::clone(self.shown_schema()), columns, &options)?))
    }
}
