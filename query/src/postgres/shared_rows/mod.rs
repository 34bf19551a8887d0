//! Rows that are computed once and read in several places: those of a `WITH` query with a volatile function.
//!
//! DataFusion writes a `WITH` query out wherever it is named, and each copy would have random numbers of its
//! own. A copy below this node has the identity of its query; all of one identity in a plan share one store.
//!
//! 1. Conditions, limits and choices of columns above do not move below the node: all copies are the same.
//! 2. The rows are counted as memory of the query that they are in ([`store`]).

mod exec;
mod store;

use std::{
    cmp::Ordering,
    collections::HashMap,
    fmt,
    hash::{Hash, Hasher},
    sync::Arc,
};

use datafusion::{
    common::{DFSchemaRef, Result, tree_node::TreeNodeRecursion},
    logical_expr::{Expr, Extension, LogicalPlan, UserDefinedLogicalNode, UserDefinedLogicalNodeCore},
    physical_plan::ExecutionPlan,
};
use parking_lot::Mutex;

use self::{exec::SharedRowsExec, store::RowStore};
use crate::error::Error;

/// One of the copies of a query whose rows are shared.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd)]
pub(crate) struct SharedRows {
    identity: Identity,
    input: LogicalPlan,
}

impl SharedRows {
    /// A plan that shares its rows among its copies. One that refers to outer rows has others for each, and
    /// one without volatile functions the same anyway: they stay as they are.
    pub(crate) fn of(plan: LogicalPlan) -> Result<LogicalPlan> {
        if !has_volatile(&plan)? || !plan.all_out_ref_exprs().is_empty() {
            return Ok(plan);
        }
        let node = Self { identity: Identity(Arc::new(0)), input: plan };
        Ok(LogicalPlan::Extension(Extension { node: Arc::new(node) }))
    }

    /// Whether a node is such a copy.
    pub(crate) fn is_at(plan: &LogicalPlan) -> bool {
        matches!(plan, LogicalPlan::Extension(extension) if extension.node.as_any().is::<Self>())
    }
}

fn has_volatile(plan: &LogicalPlan) -> Result<bool> {
    let mut found = false;
    plan.apply_with_subqueries(|node| {
        found |= node.expressions().iter().any(Expr::is_volatile);
        Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    Ok(found)
}

/// Tells a query from all others by where it lies.
#[derive(Clone, Debug)]
struct Identity(Arc<u8>);

impl Identity {
    fn place(&self) -> usize {
        Arc::as_ptr(&self.0) as usize
    }
}

impl PartialEq for Identity {
    fn eq(&self, other: &Self) -> bool {
        self.place() == other.place()
    }
}

impl Eq for Identity {}

impl Hash for Identity {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.place().hash(state);
    }
}

impl PartialOrd for Identity {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.place().cmp(&other.place()))
    }
}

impl UserDefinedLogicalNodeCore for SharedRows {
    fn name(&self) -> &'static str {
        "SharedRows"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.input]
    }

    fn schema(&self) -> &DFSchemaRef {
        self.input.schema()
    }

    fn expressions(&self) -> Vec<Expr> {
        Vec::new()
    }

    fn necessary_children_exprs(&self, _output_columns: &[usize]) -> Option<Vec<Vec<usize>>> {
        Some(vec![(0..self.input.schema().fields().len()).collect()])
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedRows")
    }

    fn with_exprs_and_inputs(&self, _exprs: Vec<Expr>, mut inputs: Vec<LogicalPlan>) -> Result<Self> {
        let input = inputs.pop().ok_or_else(|| Error::internal("shared rows have one input"))?;
        Ok(Self { input, ..self.clone() })
    }
}

/// The stores of one plan of operators.
#[derive(Debug, Default)]
pub(crate) struct SharedStores(Mutex<HashMap<Identity, Arc<RowStore>>>);

impl SharedStores {
    /// The operator of a copy; none for other nodes.
    pub(crate) fn operator(
        &self,
        node: &dyn UserDefinedLogicalNode,
        inputs: &[Arc<dyn ExecutionPlan>],
    ) -> Option<Arc<dyn ExecutionPlan>> {
        let (Some(node), [input]) = (node.as_any().downcast_ref::<SharedRows>(), inputs) else {
            return None;
        };
        let store = Arc::clone(self.0.lock().entry(node.identity.clone()).or_default());
        Some(Arc::new(SharedRowsExec::new(store, Arc::clone(input))))
    }
}
