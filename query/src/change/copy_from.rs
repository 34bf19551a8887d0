//! `COPY … FROM`.

use std::sync::Arc;

use arrow::{
    array::ArrayRef,
    datatypes::Schema,
    record_batch::{RecordBatch, RecordBatchOptions},
};
use bygone_engine::env::TaskSet;
use datafusion::{
    common::{DFSchema, DataFusionError},
    execution::SendableRecordBatchStream,
    logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, Projection},
    physical_expr::PhysicalExpr,
    physical_plan::stream::RecordBatchStreamAdapter,
};
use futures::stream;

use super::{RowWriter, WriteTarget, insert::target_columns};
use crate::{
    copy::{FileReader, Naming, TargetColumn},
    define::planned_defaults,
    error::{Error, ErrorKind, Result},
    parse::{CopyFrom, Header},
    statement::{Context, Outcome, Progress, Work, WriteOutcome},
};

/// Batches that are read from a file before they are taken.
const BATCHES_AHEAD: usize = 4;

/// `COPY t FROM 'file'`: all rows of the file, or none.
pub(super) async fn copy_from(
    context: &mut Context<'_>,
    work: &Work,
    copy: &CopyFrom,
) -> Result<WriteOutcome> {
    let target = WriteTarget::find(context, work, &copy.table).await?;
    let given = target_columns(&target, &copy.columns)?;
    let columns: Vec<TargetColumn> = given
        .iter()
        .map(|&index| &target.table.columns[index])
        .map(|column| TargetColumn {
            name: column.name.clone(),
            column_type: column.column_type,
            nullable: column.nullable,
        })
        .collect();
    let table_columns: Vec<String> = target.table.columns.iter().map(|column| column.name.clone()).collect();
    let files = Arc::clone(&context.database.files);
    let naming = if copy.columns.is_empty() {
        Naming::ByName
    } else {
        Naming::Listed { table: &table_columns, exactly: copy.options.header == Header::Match }
    };
    let reader =
        FileReader::open(files.as_ref(), &copy.path, &columns, naming, &copy.options, context.zone())?;
    let input = Input {
        reader,
        shape: Shape::new(context, &target, &given)?,
        progress: context.progress.clone(),
        title: format!("bytes of {}", copy.path),
    };
    let mut writer = RowWriter::new(context, work, &target)?.without_progress();
    let rows = input.into_stream(context.database.store.engine().env().tasks.as_ref());
    let result = writer.insert_all(rows, &[]).await;
    if let Some(progress) = &context.progress {
        progress.finish();
    }
    let count = result.map_err(|error| duplicate_in_file(error, &copy.path))?;
    Ok(WriteOutcome::new(Outcome::wrote("COPY", count), vec![target.path.to_string()]))
}

/// A duplicate key with the file that has it: rows are sorted by their keys before it is found, so its line
/// is not known.
fn duplicate_in_file(error: Error, path: &str) -> Error {
    if error.kind() != ErrorKind::AlreadyExists {
        return error;
    }
    error.prefixed(path)
}

/// A file on its way into a table.
struct Input {
    reader: FileReader,
    shape: Shape,
    progress: Option<Arc<dyn Progress>>,
    title: String,
}

impl Input {
    /// The rows, read ahead by a task of their own where tasks run by themselves: reading a file costs about
    /// as much as storing its rows.
    fn into_stream(mut self, tasks: &dyn TaskSet) -> SendableRecordBatchStream {
        let schema = Arc::clone(&self.shape.schema);
        if !tasks.is_background() {
            let batches =
                stream::try_unfold(
                    self,
                    |mut input| async move { Ok(input.next()?.map(|batch| (batch, input))) },
                );
            return Box::pin(RecordBatchStreamAdapter::new(schema, batches));
        }
        let (sender, receiver) = tokio::sync::mpsc::channel(BATCHES_AHEAD);
        let read = async move {
            // Ends with the file, or when nobody takes its rows any more.
            while let Some(batch) = self.next().transpose() {
                let failed = batch.is_err();
                if sender.send(batch.map_err(DataFusionError::from)).await.is_err() || failed {
                    break;
                }
                tokio::task::yield_now().await;
            }
        };
        tasks.spawn("read a file", Box::pin(read));
        let batches = stream::unfold(receiver, |mut receiver| async move {
            receiver.recv().await.map(|batch| (batch, receiver))
        });
        Box::pin(RecordBatchStreamAdapter::new(schema, batches))
    }

    /// The next rows of the file, with all columns of the table.
    fn next(&mut self) -> Result<Option<RecordBatch>> {
        let Some(batch) = self.reader.next_batch()? else { return Ok(None) };
        if let Some(progress) = &self.progress {
            progress.report(&self.title, self.reader.bytes_read(), self.reader.bytes_total());
        }
        self.shape.complete(&batch).map(Some)
    }
}

/// Mapping of the columns of a file to those of the table.
struct Shape {
    schema: Arc<Schema>,
    sources: Vec<ColumnSource>,
}

enum ColumnSource {
    /// A column of the file.
    Given(usize),
    /// The column's default.
    Default(Arc<dyn PhysicalExpr>),
}

impl Shape {
    fn new(context: &Context<'_>, target: &WriteTarget, given: &[usize]) -> Result<Self> {
        let defaults = planned_defaults(context, &target.table)?;
        let mut sources = Vec::with_capacity(target.table.columns.len());
        for (index, column) in target.table.columns.iter().enumerate() {
            sources.push(if let Some(position) = given.iter().position(|&position| position == index) {
                ColumnSource::Given(position)
            } else {
                let default = super::insert::default_or_null(&defaults, column)?;
                ColumnSource::Default(planned(context, default)?)
            });
        }
        Ok(Self { schema: Arc::new(target.table.nullable_schema()), sources })
    }

    fn complete(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let rows = batch.num_rows();
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let empty = RecordBatch::try_new_with_options(Arc::new(Schema::empty()), Vec::new(), &options)?;
        let columns = self
            .sources
            .iter()
            .map(|source| -> Result<ArrayRef> {
                match source {
                    ColumnSource::Given(index) => Ok(Arc::clone(batch.column(*index))),
                    ColumnSource::Default(expr) => Ok(expr.evaluate(&empty)?.into_array(rows)?),
                }
            })
            .collect::<Result<Vec<_>>>()?;
        Ok(RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)?)
    }
}

/// An expression without columns, as it is where a query has it.
fn planned(context: &Context<'_>, expr: Expr) -> Result<Arc<dyn PhysicalExpr>> {
    let query = LogicalPlanBuilder::empty(true).project([expr])?.build()?;
    match context.state.optimize(&query)? {
        LogicalPlan::Projection(Projection { expr, input, .. })
            if matches!(input.as_ref(), LogicalPlan::EmptyRelation(_)) && expr.len() == 1 =>
        {
            Ok(context.state.create_physical_expr(expr[0].clone(), &DFSchema::empty())?)
        }
        _ => Err(Error::internal("a default is no expression of its own")),
    }
}
