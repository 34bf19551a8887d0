//! `COPY … FROM` and `COPY … TO`.

use std::sync::Arc;

use arrow::{
    array::ArrayRef,
    datatypes::Schema,
    record_batch::{RecordBatch, RecordBatchOptions},
};
use datafusion::{
    common::DFSchema, execution::SendableRecordBatchStream, physical_expr::PhysicalExpr,
    physical_plan::stream::RecordBatchStreamAdapter,
};
use futures::{TryStreamExt, stream};

use super::{RowWriter, Target, insert::target_columns};
use crate::{
    copy::{FileReader, FileWriter, TargetColumn},
    ddl::planned_defaults,
    error::Result,
    parse::{CopyFrom, CopyTo},
    session::{self, Context, Outcome, Progress, Work, Written},
};

/// `COPY t FROM 'file'`: all rows of the file, or none.
pub(crate) async fn copy_from(context: &mut Context<'_>, work: &Work, copy: &CopyFrom) -> Result<Written> {
    let target = Target::find(context, work, &copy.table).await?;
    let given = target_columns(&target, &copy.columns)?;
    let columns: Vec<TargetColumn> = given
        .iter()
        .map(|&index| &target.table.columns[index])
        .map(|column| TargetColumn { name: column.name.clone(), column_type: column.column_type })
        .collect();
    let files = Arc::clone(&context.shared.files);
    // A list of columns gives the order of the file's; without one its own names do.
    let by_name = copy.columns.is_empty();
    let reader =
        FileReader::open(files.as_ref(), &copy.path, &columns, by_name, &copy.options, context.zone())?;
    let input = Input {
        reader,
        shape: Shape::new(context, &target, &given)?,
        progress: context.progress.clone(),
        title: format!("bytes of {}", copy.path),
    };
    let mut writer = RowWriter::new(context, work, &target)?.without_progress();
    let result = writer.insert_all(input.into_stream(), &[]).await;
    if let Some(progress) = &context.progress {
        progress.finish();
    }
    let count = result?;
    Ok(Written::new(Outcome::wrote("COPY", count), vec![target.path.to_string()]))
}

/// A file on its way into a table.
struct Input {
    reader: FileReader,
    shape: Shape,
    progress: Option<Arc<dyn Progress>>,
    title: String,
}

impl Input {
    fn into_stream(self) -> SendableRecordBatchStream {
        let schema = Arc::clone(&self.shape.schema);
        let batches = stream::try_unfold(self, |mut input| async move {
            let Some(batch) = input.reader.next_batch()? else { return Ok(None) };
            if let Some(progress) = &input.progress {
                progress.report(&input.title, input.reader.bytes_read(), Some(input.reader.bytes_total()));
            }
            let batch = input.shape.complete(&batch)?;
            Ok(Some((batch, input)))
        });
        Box::pin(RecordBatchStreamAdapter::new(schema, batches))
    }
}

/// How the columns of a file become those of the table.
struct Shape {
    schema: Arc<Schema>,
    sources: Vec<Source>,
}

enum Source {
    /// A column of the file.
    Given(usize),
    /// The column's default.
    Default(Arc<dyn PhysicalExpr>),
}

impl Shape {
    fn new(context: &Context<'_>, target: &Target, given: &[usize]) -> Result<Self> {
        let defaults = planned_defaults(&context.state, &target.table)?;
        let mut sources = Vec::with_capacity(target.table.columns.len());
        for (index, column) in target.table.columns.iter().enumerate() {
            sources.push(if let Some(position) = given.iter().position(|&position| position == index) {
                Source::Given(position)
            } else {
                let default = super::insert::default_or_null(&defaults, column)?;
                Source::Default(context.state.create_physical_expr(default, &DFSchema::empty())?)
            });
        }
        let fields: Vec<_> =
            crate::scan::fields(&target.table).into_iter().map(|field| field.with_nullable(true)).collect();
        Ok(Self { schema: Arc::new(Schema::new(fields)), sources })
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
                    Source::Given(index) => Ok(Arc::clone(batch.column(*index))),
                    Source::Default(expr) => Ok(expr.evaluate(&empty)?.into_array(rows)?),
                }
            })
            .collect::<Result<Vec<_>>>()?;
        Ok(RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)?)
    }
}

/// `COPY … TO 'file'`.
pub(crate) async fn copy_to(context: &mut Context<'_>, copy: &CopyTo) -> Result<Outcome> {
    let plan = session::plan_query(context, &copy.query).await?;
    let mut rows = session::stream(&context.state, &plan).await?;
    let files = Arc::clone(&context.shared.files);
    let mut writer = FileWriter::create(files.as_ref(), &copy.path, &rows.schema(), &copy.options)?;
    let mut count = 0;
    while let Some(batch) = rows.try_next().await? {
        writer.write(&batch)?;
        count += batch.num_rows() as u64;
        if let Some(progress) = &context.progress {
            progress.report("rows", count, None);
        }
    }
    let count = writer.finish()?;
    if let Some(progress) = &context.progress {
        progress.finish();
    }
    Ok(Outcome::wrote("COPY", count))
}
