//! `EXPLAIN`.

use std::sync::Arc;

use datafusion::{
    common::format::ExplainFormat,
    logical_expr::{ExplainOption, Extension, LogicalPlan, LogicalPlanBuilder},
};

use super::{
    Target, WriteNode,
    insert::plan_insert,
    update::{plan_delete, plan_update},
};
use crate::{
    error::{Error, Result},
    parse::{Explain, Statement},
    session::{self, Context, Outcome, Rows},
};

/// `EXPLAIN [ANALYZE] statement`: shows the plan. A statement that writes is planned, never run.
pub(crate) async fn explain(context: &mut Context<'_>, explain: &Explain) -> Result<Outcome> {
    let plan = plan(context, &explain.statement, explain.analyze).await?;
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
    let rows = session::stream(&context.state, &plan).await?;
    Ok(Outcome::with_rows("EXPLAIN", Rows::of_plan(rows)))
}

async fn plan(context: &mut Context<'_>, statement: &Statement, analyze: bool) -> Result<LogicalPlan> {
    if let Statement::Query(query) = statement {
        return session::plan_query(context, query).await;
    }
    if analyze {
        return Err(Error::unsupported("EXPLAIN ANALYZE of a statement that writes")
            .with_hint("EXPLAIN shows its plan without running it"));
    }
    // A transaction that is never committed: planning reads through it and writes nothing.
    let work = context.begin_work()?;
    let (verb, name, input) = match statement {
        Statement::Insert(insert) => {
            let target = Target::find(context, &work, &insert.table).await?;
            ("Insert", target.path.to_string(), plan_insert(context, &work, &target, insert).await?)
        }
        Statement::Update(update) => {
            let target = Target::find(context, &work, &update.table).await?;
            ("Update", target.path.to_string(), plan_update(context, &work, &target, update).await?)
        }
        Statement::Delete(delete) => {
            let target = Target::find(context, &work, &delete.table).await?;
            ("Delete", target.path.to_string(), plan_delete(context, &work, &target, delete).await?)
        }
        Statement::CreateTableAs(create) => {
            let path = context.path(&create.name)?;
            ("CreateTableAs", path.to_string(), session::plan_query(context, &create.query).await?)
        }
        _ => return Err(Error::unsupported("EXPLAIN of this statement")),
    };
    if work.autocommit {
        work.transaction.rollback()?;
    }
    let node = WriteNode::new(verb, name, input);
    Ok(LogicalPlan::Extension(Extension { node: Arc::new(node) }))
}
