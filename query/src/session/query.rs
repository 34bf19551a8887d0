//! Queries: from a tree to rows, and to the plan that EXPLAIN shows.

use std::sync::Arc;

use datafusion::{
    common::{ParamValues, ScalarValue, metadata::ScalarAndMetadata},
    execution::{SendableRecordBatchStream, session_state::SessionState},
    logical_expr::LogicalPlan,
    physical_plan::{EmptyRecordBatchStream, ExecutionPlan, execute_stream},
    sql::sqlparser::ast,
};

use super::{Context, Outcome, Rows};
use crate::error::{Error, Result};

/// Binds the parameters of a plan.
pub(crate) fn bind(plan: LogicalPlan, parameters: &[ScalarValue]) -> Result<LogicalPlan> {
    let wanted = plan.get_parameter_names()?;
    for name in &wanted {
        crate::plan::parameter(parameters, name)?;
    }
    if wanted.is_empty() {
        return Ok(plan);
    }
    let values = parameters.iter().cloned().map(ScalarAndMetadata::from).collect();
    Ok(plan.with_param_values(ParamValues::List(values))?)
}

/// The physical plan of a logical one.
pub(crate) async fn physical(
    state: &Arc<SessionState>,
    plan: &LogicalPlan,
) -> Result<Arc<dyn ExecutionPlan>> {
    Ok(state.create_physical_plan(plan).await?)
}

/// Starts a plan.
pub(crate) async fn stream(
    state: &Arc<SessionState>,
    plan: &LogicalPlan,
) -> Result<SendableRecordBatchStream> {
    let physical = physical(state, plan).await?;
    Ok(execute_stream(physical, state.task_ctx())?)
}

/// No rows, with the columns of a plan.
pub(crate) fn empty_stream(plan: &LogicalPlan) -> SendableRecordBatchStream {
    Box::pin(EmptyRecordBatchStream::new(Arc::clone(plan.schema().inner())))
}

/// The plan of a query at the statement's moment.
pub(crate) async fn plan_query(context: &mut Context<'_>, query: &ast::Query) -> Result<LogicalPlan> {
    let default = context.default_moment().await?;
    let resolution = context.resolve(default).await?;
    let plan = context.names(&resolution).plan_typed(
        ast::Statement::Query(Box::new(query.clone())),
        None,
        context.parameters,
    )?;
    bind(plan, context.parameters)
}

/// `SELECT` and all else that only reads.
pub(super) async fn select(context: &mut Context<'_>, query: &ast::Query) -> Result<Outcome> {
    let plan = plan_query(context, query).await?;
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
