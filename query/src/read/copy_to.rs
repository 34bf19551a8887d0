//! `COPY … TO`.

use std::sync::Arc;

use futures::TryStreamExt;

use super::query::plan_query;
use crate::{
    copy::FileWriter,
    error::Result,
    execution::stream,
    parse::{CopyTo, FileFormat},
    postgres::ast::output_names::shown_schema,
    statement::{Context, Outcome, Parameters, batch_in_zone, schema_in_zone},
    time::TimeZone,
};

/// `COPY … TO 'file'`.
pub(super) async fn copy_to(context: &mut Context<'_>, copy: &CopyTo) -> Result<Outcome> {
    let plan = plan_query(context, &copy.query, Parameters::bound(context.parameters)).await?;
    let mut rows = stream(&context.state, &plan).await?;
    let files = Arc::clone(&context.database.files);
    // A text shows instants in the session's zone, as a query does; other formats keep instants as such.
    let zone = if copy.options.format == FileFormat::Csv { context.zone() } else { TimeZone::UTC };
    let schema = schema_in_zone(&shown_schema(&rows.schema()), zone);
    let mut writer = FileWriter::create(files.as_ref(), &copy.path, &schema, &copy.options)?;
    let mut count = 0;
    while let Some(batch) = rows.try_next().await? {
        writer.write(&batch_in_zone(&batch, &schema)?)?;
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
