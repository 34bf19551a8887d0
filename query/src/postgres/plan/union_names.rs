//! `UNION`: branches call their columns as the first one does. The optimizer leaves out branches that cannot
//! have rows, and looks for the columns of the whole in the branch that is left, by name.

use std::sync::Arc;

use datafusion::{
    common::{Result, tree_node::Transformed},
    logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, Union},
};

/// Gives branches the names of the whole. Projections get them from the analyzer.
pub(super) fn name_branches(mut union: Union) -> Result<Transformed<LogicalPlan>> {
    let mut changed = false;
    for input in &mut union.inputs {
        let names = || union.schema.fields().iter().zip(input.schema().fields());
        let differs = names().any(|(whole, branch)| whole.name() != branch.name());
        if !differs || matches!(input.as_ref(), LogicalPlan::Projection(_)) {
            continue;
        }
        let columns = input.schema().columns().into_iter().map(Expr::Column);
        let named = columns.zip(union.schema.fields()).map(|(column, field)| column.alias(field.name()));
        let named = named.collect::<Vec<_>>();
        *input = Arc::new(LogicalPlanBuilder::from(Arc::clone(input)).project(named)?.build()?);
        changed = true;
    }
    Ok(Transformed::new_transformed(LogicalPlan::Union(union), changed))
}
