//! Plans that run.

use std::{collections::HashMap, sync::Arc};

use datafusion::{
    execution::{SendableRecordBatchStream, TaskContext, session_state::SessionState},
    logical_expr::LogicalPlan,
    physical_plan::{EmptyRecordBatchStream, ExecutionPlan, execute_stream},
};

use crate::error::Result;

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

/// Context that a plan runs in. The plan has its functions in itself: the hundreds that a session knows need
/// not be copied.
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
