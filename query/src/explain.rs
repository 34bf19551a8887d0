//! `EXPLAIN`.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use datafusion::{
    common::format::ExplainFormat,
    execution::SendableRecordBatchStream,
    logical_expr::{ExplainOption, Extension, LogicalPlan, LogicalPlanBuilder},
    physical_plan::stream::RecordBatchStreamAdapter,
};
use futures::{StreamExt, stream};

use crate::{
    change::{WriteTarget, lookup_of, plan_delete, plan_insert, plan_update},
    error::{Error, Result},
    execution::{self, WriteNode},
    lookup::LookupStatement,
    parse::{ChangeStatement, Explain, Explained, ReadStatement},
    read::{is_lookup, plan_query},
    statement::{Context, Outcome, Parameters, Rows},
};

/// `EXPLAIN [ANALYZE] statement`: shows the plan. A statement that writes is planned, never run.
pub(crate) async fn explain(context: &mut Context<'_>, explain: &Explain) -> Result<Outcome> {
    let (plan, is_lookup) = plan(context, &explain.statement, explain.analyze).await?;
    let format = match explain.format.as_deref() {
        None | Some("text" | "indent") => ExplainFormat::Indent,
        Some("tree") => ExplainFormat::Tree,
        Some(other) => return Err(Error::unsupported(format!("EXPLAIN (FORMAT {other})"))),
    };
    let option = ExplainOption::default()
        .with_analyze(explain.analyze)
        .with_verbose(explain.verbose)
        .with_format(format);
    let plan = LogicalPlanBuilder::from(plan).explain_option_format(option)?.build()?;
    let rows = execution::stream(&context.state, &plan).await?;
    let rows = if is_lookup { with_lookup(rows)? } else { rows };
    Ok(Outcome::with_rows("EXPLAIN", Rows::of_plan(rows)))
}

/// The rows of a plan, and one that says what is run instead.
fn with_lookup(rows: SendableRecordBatchStream) -> Result<SendableRecordBatchStream> {
    let schema = rows.schema();
    let columns = ["run_as", "lookup of one row by its key, with the expressions of this plan"]
        .map(|text| Arc::new(StringArray::from(vec![text])) as ArrayRef);
    let said = RecordBatch::try_new(Arc::clone(&schema), columns.to_vec())?;
    let rows = rows.chain(stream::iter([Ok(said)]));
    Ok(Box::pin(RecordBatchStreamAdapter::new(schema, rows)))
}

/// The plan, and whether the statement is run as a lookup.
async fn plan(
    context: &mut Context<'_>,
    statement: &Explained,
    analyze: bool,
) -> Result<(LogicalPlan, bool)> {
    let change = match statement {
        Explained::Read(ReadStatement::Query(query)) => {
            let is_lookup = !analyze && is_lookup(context, query).await?;
            let parameters = Parameters::bound(context.parameters);
            return Ok((plan_query(context, query, parameters).await?, is_lookup));
        }
        Explained::Read(ReadStatement::CopyTo(_)) => {
            return Err(Error::unsupported("EXPLAIN of this statement"));
        }
        Explained::Change(change) => change,
    };
    if analyze {
        return Err(Error::unsupported("EXPLAIN ANALYZE of a statement that writes")
            .with_hint("EXPLAIN shows its plan without running it"));
    }
    let parameters = Parameters::bound(context.parameters);
    // A transaction that is never committed: planning reads through it and writes nothing.
    let work = context.begin_work()?;
    let mut is_lookup = false;
    let (verb, name, input) = match change {
        ChangeStatement::Insert(insert) => {
            let target = WriteTarget::find(context, &work, &insert.table).await?;
            ("Insert", target.path.to_string(), plan_insert(context, &work, &target, insert).await?)
        }
        ChangeStatement::Update(update) => {
            let target = WriteTarget::find(context, &work, &update.table).await?;
            is_lookup = lookup_of(context, &work, &target, LookupStatement::Update(update)).await.is_some();
            (
                "Update",
                target.path.to_string(),
                plan_update(context, &work, &target, update, parameters).await?,
            )
        }
        ChangeStatement::Delete(delete) => {
            let target = WriteTarget::find(context, &work, &delete.table).await?;
            is_lookup = lookup_of(context, &work, &target, LookupStatement::Delete(delete)).await.is_some();
            (
                "Delete",
                target.path.to_string(),
                plan_delete(context, &work, &target, delete, parameters).await?,
            )
        }
        ChangeStatement::CreateTableAs(create) => {
            let path = context.path(&create.name)?;
            ("CreateTableAs", path.to_string(), plan_query(context, &create.query, parameters).await?)
        }
        ChangeStatement::CopyFrom(_) => return Err(Error::unsupported("EXPLAIN of this statement")),
    };
    if work.autocommit {
        work.transaction.rollback()?;
    }
    let node = WriteNode::new(verb, name, input);
    Ok((LogicalPlan::Extension(Extension { node: Arc::new(node) }), is_lookup))
}
