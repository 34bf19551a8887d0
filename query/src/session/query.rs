//! Queries: from a tree to rows, and to the plan that EXPLAIN shows.

use std::{collections::HashMap, sync::Arc};

use datafusion::{
    common::{ParamValues, ScalarValue, metadata::ScalarAndMetadata, tree_node::Transformed},
    execution::{SendableRecordBatchStream, TaskContext, session_state::SessionState},
    logical_expr::{Expr, LogicalPlan},
    physical_plan::{EmptyRecordBatchStream, ExecutionPlan, execute_stream},
    sql::sqlparser::ast,
};

use super::{Context, Outcome, Rows};
use crate::{
    error::{Error, Result},
    lookup,
    postgres::{plan::coerce, walk::rewrite_exprs},
};

/// The values that a statement is planned with.
#[derive(Clone, Copy)]
pub(crate) struct Parameters<'p> {
    pub values: &'p [ScalarValue],
    /// So many of them, the first ones, give the plan their types only.
    pub open: usize,
}

impl<'p> Parameters<'p> {
    /// All of them have their values.
    pub(crate) fn bound(values: &'p [ScalarValue]) -> Self {
        Self { values, open: 0 }
    }

    /// Binds the parameters of a plan, but for the open ones, and gives operands the types that follow.
    pub(crate) fn bind(self, plan: LogicalPlan) -> Result<LogicalPlan> {
        if self.open == 0 {
            return bind(plan, self.values);
        }
        if self.open == self.values.len() {
            return Ok(plan);
        }
        let plan = rewrite_exprs(plan, |expr, _| {
            let Expr::Placeholder(placeholder) = &expr else { return Ok(Transformed::no(expr)) };
            let number = placeholder.id.trim_start_matches('$').parse::<usize>().unwrap_or_default();
            if number <= self.open {
                return Ok(Transformed::no(expr));
            }
            let value = crate::plan::parameter(self.values, &placeholder.id)?;
            Ok(Transformed::yes(Expr::Literal(value, None)))
        })?;
        Ok(coerce(plan)?)
    }
}

/// Binds the parameters of a plan, and gives operands the types that follow.
pub(crate) fn bind(plan: LogicalPlan, parameters: &[ScalarValue]) -> Result<LogicalPlan> {
    let wanted = plan.get_parameter_names()?;
    for name in &wanted {
        crate::plan::parameter(parameters, name)?;
    }
    if wanted.is_empty() {
        return Ok(plan);
    }
    let values = parameters.iter().cloned().map(ScalarAndMetadata::from).collect();
    Ok(coerce(plan.with_param_values(ParamValues::List(values))?)?)
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
    Ok(execute_stream(physical, Arc::new(task_context(state)))?)
}

/// What a plan runs in. It has its functions in itself: the hundreds that a session knows need not be copied.
fn task_context(state: &SessionState) -> TaskContext {
    let (id, config) = (state.session_id().to_owned(), state.config().clone());
    let runtime = Arc::clone(state.runtime_env());
    let (scalar, higher_order, aggregate, window) =
        (HashMap::new(), HashMap::new(), HashMap::new(), HashMap::new());
    TaskContext::new(None, id, config, scalar, higher_order, aggregate, window, runtime)
}

/// No rows, with the columns of a plan.
pub(crate) fn empty_stream(plan: &LogicalPlan) -> SendableRecordBatchStream {
    Box::pin(EmptyRecordBatchStream::new(Arc::clone(plan.schema().inner())))
}

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
