//! Answer of a statement.

use std::{
    borrow::Cow,
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use arrow::{
    array::{ArrayRef, AsArray, StringArray},
    compute::cast,
    datatypes::{DataType, FieldRef, Schema, SchemaRef},
    record_batch::{RecordBatch, RecordBatchOptions},
};
use bygone_engine::types::Timestamp;
use datafusion::execution::SendableRecordBatchStream;
use futures::{Stream, StreamExt, stream};

use super::stack::Depth;
use crate::{
    error::{Error, Result, printable},
    names::internal::{with_shown_moments, without_marks},
    postgres::ast::output_names::shown_schema,
    time::TimeZone,
    types::UTC,
};

/// Answer of a statement.
#[derive(Debug)]
pub struct Outcome {
    /// Tag of what was done: `SELECT`, `INSERT 0 5`, `CREATE TABLE`, ….
    pub tag: String,
    /// The rows, if the statement has any.
    pub rows: Option<Rows>,
    /// Number of rows written, if the statement writes rows.
    pub affected: Option<u64>,
    /// The commit that the statement made, if it made one.
    pub version: Option<Timestamp>,
    /// Notices for the user besides: which moments were read, what was taken along.
    pub notices: Vec<Notice>,
}

/// Something to tell the user besides the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// The text, in one line.
    pub message: String,
}

impl Notice {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: printable(&message.into()).into_owned() }
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// Is told how far a long statement is. Called often and from any thread: it must return at once.
pub trait Progress: fmt::Debug + Send + Sync + 'static {
    /// `done` of `total` (if known) bytes or rows of `what`.
    fn report(&self, what: &str, done: u64, total: Option<u64>);
    /// The work is over, finished or not.
    fn finish(&self);
}

/// Rows as they are read. Dropping them cancels the rest of the query.
pub struct Rows {
    schema: SchemaRef,
    batches: Pin<Box<dyn Stream<Item = Result<RecordBatch>> + Send>>,
    depth: Depth,
}

impl Rows {
    /// The columns.
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// The rows of a query, under the names that users see.
    pub(crate) fn of_stream(stream: SendableRecordBatchStream) -> Self {
        let schema = shown_schema(&stream.schema());
        let named = Arc::clone(&schema);
        let batches = stream.map(move |batch| {
            let batch = batch.map_err(Error::from)?;
            let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
            let columns = batch.columns().to_vec();
            Ok(RecordBatch::try_new_with_options(Arc::clone(&named), columns, &options)?)
        });
        Self { schema, batches: batches.boxed(), depth: Depth::default() }
    }

    /// The one row of a query, or none, or why it could not be computed.
    pub(crate) fn of_result(schema: SchemaRef, row: Result<Option<RecordBatch>>) -> Self {
        Self { schema, batches: stream::iter(row.transpose()).boxed(), depth: Depth::default() }
    }

    /// The rows of `EXPLAIN`: texts, in which names stand as users see them.
    pub(crate) fn of_plan(stream: SendableRecordBatchStream) -> Self {
        let schema = stream.schema();
        let batches = stream.map(|batch| {
            let batch = batch.map_err(Error::from)?;
            let text = |column: &ArrayRef| -> ArrayRef {
                match column.as_string_opt::<i32>() {
                    Some(texts) => Arc::new(
                        texts
                            .iter()
                            .map(|text| text.map(|text| with_shown_moments(&without_marks(text))))
                            .collect::<StringArray>(),
                    ),
                    None => Arc::clone(column),
                }
            };
            let columns = batch.columns().iter().map(text).collect();
            Ok(RecordBatch::try_new(batch.schema(), columns)?)
        });
        Self { schema, batches: batches.boxed(), depth: Depth::default() }
    }

    /// With instants that show this zone.
    fn in_zone(self, zone: TimeZone) -> Self {
        let name = zone_name(zone);
        let is_other = |field: &FieldRef| matches!(field.data_type(), DataType::Timestamp(_, Some(other)) if **other != *name);
        if !self.schema.fields().iter().any(is_other) {
            return self;
        }
        let schema = schema_in_zone(&self.schema, zone);
        let shown = Arc::clone(&schema);
        let batches = self.batches.map(move |batch| batch_in_zone(&batch?, &shown)).boxed();
        Self { schema, batches, depth: self.depth }
    }

    pub(crate) fn of_batch(batch: RecordBatch) -> Self {
        Self { schema: batch.schema(), batches: stream::iter([Ok(batch)]).boxed(), depth: Depth::default() }
    }
}

/// The zone as the type of a column names it.
fn zone_name(zone: TimeZone) -> Cow<'static, str> {
    if zone.is_utc() { Cow::Borrowed(UTC) } else { Cow::Owned(zone.to_string()) }
}

/// The columns, with the zone in the type of those that hold instants.
pub(crate) fn schema_in_zone(schema: &SchemaRef, zone: TimeZone) -> SchemaRef {
    let name: Arc<str> = zone_name(zone).into();
    let fields = schema.fields().iter().map(|field| match field.data_type() {
        DataType::Timestamp(unit, Some(other)) if *other != name => {
            field.as_ref().clone().with_data_type(DataType::Timestamp(*unit, Some(Arc::clone(&name))))
        }
        _ => field.as_ref().clone(),
    });
    Arc::new(Schema::new_with_metadata(fields.collect::<Vec<_>>(), schema.metadata().clone()))
}

/// The batch with the columns of [`schema_in_zone`]: the instants are the same.
pub(crate) fn batch_in_zone(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    let columns = batch.columns().iter().zip(schema.fields());
    let columns = columns.map(|(column, field)| cast(column, field.data_type()));
    let columns = columns.collect::<Result<Vec<_>, _>>()?;
    Ok(RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)?)
}

impl Stream for Rows {
    type Item = Result<RecordBatch>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Self { batches, depth, .. } = &mut *self;
        depth.run(|| batches.as_mut().poll_next(cx))
    }
}

impl fmt::Debug for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rows").field("schema", &self.schema).finish_non_exhaustive()
    }
}

impl Outcome {
    /// A statement that did `tag` and has nothing more to say.
    pub(crate) fn done(tag: impl Into<String>) -> Self {
        Self { tag: tag.into(), rows: None, affected: None, version: None, notices: Vec::new() }
    }

    /// A statement with rows.
    pub(crate) fn with_rows(tag: impl Into<String>, rows: Rows) -> Self {
        Self { rows: Some(rows), ..Self::done(tag) }
    }

    /// A statement that wrote rows: the count ends the tag.
    pub(crate) fn wrote(tag: &str, affected: u64) -> Self {
        Self { affected: Some(affected), ..Self::done(format!("{tag} {affected}")) }
    }

    /// With instants that show the session's zone.
    pub(crate) fn in_zone(mut self, zone: TimeZone) -> Self {
        self.rows = self.rows.map(|rows| rows.in_zone(zone));
        self
    }

    /// With rows that are read on the stack that the statement needed.
    pub(crate) fn at_depth(mut self, depth: &Depth) -> Self {
        if let Some(rows) = &mut self.rows {
            rows.depth = depth.kept();
        }
        self
    }

    pub(crate) fn with_notices(mut self, notices: Vec<Notice>) -> Self {
        self.notices.extend(notices);
        self
    }
}
