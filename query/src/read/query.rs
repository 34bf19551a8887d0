//! `SELECT`: from a tree to a plan, and to rows.

use datafusion::logical_expr::LogicalPlan;
use sqlparser::ast;

use super::lookup;
use crate::{
    error::{Error, Result},
    execution::stream,
    statement::{Context, Outcome, Parameters, Rows},
};

/// The plan of a query at the statement's moment.
pub(crate) async fn plan_query(
    context: &mut Context<'_>,
    query: &ast::Query,
    parameters: Parameters<'_>,
) -> Result<LogicalPlan> {
    let default = context.default_moment().await?;
    let resolution = context.resolve(default).await?;
    let plan = context.names(&resolution).plan_typed(
        ast::Statement::Query(Box::new(query.clone())),
        None,
        parameters.values,
    )?;
    parameters.bind(plan)
}

/// `SELECT` and all else that only reads.
pub(super) async fn select(context: &mut Context<'_>, query: &ast::Query) -> Result<Outcome> {
    if let Some(rows) = lookup::select(context, query).await? {
        return Ok(Outcome::with_rows("SELECT", rows));
    }
    let plan = plan_query(context, query, Parameters::bound(context.parameters)).await?;
    refuse_effects(&plan)?;
    let rows = stream(&context.state, &plan).await?;
    Ok(Outcome::with_rows("SELECT", Rows::of_stream(rows)))
}

/// A query that came out as anything but a query would act behind our back.
fn refuse_effects(plan: &LogicalPlan) -> Result<()> {
    match plan {
        LogicalPlan::Ddl(_) | LogicalPlan::Dml(_) | LogicalPlan::Copy(_) | LogicalPlan::Statement(_) => {
            Err(Error::unsupported("this statement inside a query"))
        }
        _ => Ok(()),
    }
}
