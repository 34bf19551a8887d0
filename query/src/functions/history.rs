//! `row_history('t', key…)`: every readable version of one row.

use std::sync::Arc;

use arrow::{
    array::ArrayRef,
    datatypes::{Field, Schema, SchemaRef},
    record_batch::RecordBatch,
};
use bygone_engine::types::Timestamp;
use bygone_snapshots::{HistoryEntry, key_history};
use datafusion::{catalog::TableProvider, common::ScalarValue, datasource::MemTable};

use super::{table_path, wrong_call};
use crate::{
    error::{Error, Result},
    moment::OpenMoment,
    names::SearchPath,
    postgres::functions::cast_value,
    rows::{RowDecoder, RowLayout},
    statement::{Columns, OpenMoments},
};

const USAGE: &str = "row_history('table', key, …) with one value for each column of the primary key";

/// The rows of a call, newest version first.
pub(super) async fn row_history(
    moments: &mut OpenMoments<'_>,
    args: &[ScalarValue],
    default: &Arc<OpenMoment>,
    search: &SearchPath,
) -> Result<Arc<dyn TableProvider>> {
    let (table, key_values) = args.split_first().ok_or_else(|| wrong_call(USAGE))?;
    let path = table_path(table, search)?.ok_or_else(|| wrong_call(USAGE))?;
    default.find(&path)?;
    let Some(table) = default.catalog.table(&path) else {
        return Err(Error::unsupported("row_history of a view"));
    };
    if table.has_hidden_key() {
        return Err(Error::unsupported(format!("row_history of table {path}, which has no primary key,"))
            .with_hint("nothing names a row of it; table_diff shows what changed between two moments"));
    }
    if key_values.len() != table.primary_key.len() {
        return Err(wrong_call(USAGE));
    }
    let layout = table.layout()?;
    let key_values = key_values
        .iter()
        .zip(&table.primary_key)
        .map(|(value, &index)| {
            Ok(cast_value(value, &table.columns[index].column_type.arrow(), moments.zone)?)
        })
        .collect::<Result<Vec<_>>>()?;
    let key = layout.key_prefix(&key_values)?;
    default.reader_of(table)?;
    let through = default.timestamp();
    let entries =
        key_history(&moments.database.store, table.keyspace_id(), &key, Timestamp::default(), through)
            .await?;
    let batch = versions(&layout, &key, &entries)?;
    Ok(Arc::new(MemTable::try_new(batch.schema(), vec![vec![batch]])?))
}

fn versions(layout: &Arc<RowLayout>, key: &[u8], entries: &[HistoryEntry]) -> Result<RecordBatch> {
    let count = entries.len();
    let op = |index: usize| {
        let older = entries.get(index + 1).and_then(|entry| entry.value.as_ref());
        match (&entries[index].value, older) {
            (None, _) => "delete",
            (Some(_), Some(_)) => "update",
            (Some(_), None) => "insert",
        }
    };
    let commit = |index: usize| entries[index].commit.as_ref();
    let head = Columns::default()
        .text("_op", (0..count).map(|index| Some(op(index))))
        .integer("_version", entries.iter().map(|entry| Some(entry.begin.as_micros() as i64)))
        .instant("_row_start", entries.iter().map(|entry| Some(entry.begin)))
        .instant("_row_end", entries.iter().map(|entry| (entry.end != Timestamp::OPEN).then_some(entry.end)))
        .text("_author", (0..count).map(|index| commit(index)?.author.as_ref()))
        .text("_message", (0..count).map(|index| commit(index)?.message.as_ref()))
        .build(count)?;
    let all: Vec<usize> = (0..layout.columns().len()).collect();
    let mut decoder = RowDecoder::new(Arc::clone(layout), &all)?;
    // Deleted versions have no values: they are decoded from nowhere and come out as NULLs.
    let mut place: Vec<Option<u32>> = Vec::with_capacity(count);
    for entry in entries {
        place.push(match &entry.value {
            Some(value) => {
                decoder.push(key, value)?;
                Some(decoder.len() as u32 - 1)
            }
            None => None,
        });
    }
    let indices = arrow::array::UInt32Array::from(place);
    let mut columns: Vec<ArrayRef> = head.columns().to_vec();
    for column in decoder.finish(&layout.schema())?.columns() {
        columns.push(arrow::compute::take(column, &indices, None)?);
    }
    let mut all_fields: Vec<Field> =
        head.schema().fields().iter().map(|field| field.as_ref().clone()).collect();
    all_fields.extend(layout.columns().iter().map(|column| column.field().with_nullable(true)));
    let schema: SchemaRef = Arc::new(Schema::new(all_fields));
    Ok(RecordBatch::try_new(schema, columns)?)
}
