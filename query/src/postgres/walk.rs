//! The walk that all passes over plans share.

use datafusion::{
    common::{
        DFSchema, Result,
        tree_node::{Transformed, TreeNode},
    },
    logical_expr::{Expr, LogicalPlan, expr_rewriter::NamePreserver, utils::merge_schema},
};

/// Rewrites every expression of a plan and of its subqueries, from the inside out.
///
/// `rewrite` sees an expression whose parts are rewritten, with the schema of the node's inputs. Output
/// columns keep their names, and the schemas of nodes are computed anew where something below changed.
pub(crate) fn rewrite_exprs(
    plan: LogicalPlan,
    mut rewrite: impl FnMut(Expr, &DFSchema) -> Result<Transformed<Expr>>,
) -> Result<LogicalPlan> {
    rewrite_nodes(plan, |node| rewrite_exprs_of(node, &mut rewrite))
}

/// Rewrites every node of a plan and of its subqueries, from the inside out.
pub(crate) fn rewrite_nodes(
    plan: LogicalPlan,
    rewrite: impl FnMut(LogicalPlan) -> Result<Transformed<LogicalPlan>>,
) -> Result<LogicalPlan> {
    Ok(plan.transform_up_with_subqueries(rewrite)?.data)
}

/// Rewrites the expressions of one node.
pub(crate) fn rewrite_exprs_of(
    node: LogicalPlan,
    rewrite: &mut impl FnMut(Expr, &DFSchema) -> Result<Transformed<Expr>>,
) -> Result<Transformed<LogicalPlan>> {
    let schema = input_schema(&node)?;
    let names = NamePreserver::new(&node);
    node.map_expressions(|expr| {
        let name = names.save(&expr);
        let expr = expr.transform_up(|expr| rewrite(expr, &schema))?;
        Ok(expr.update_data(|expr| name.restore(expr)))
    })?
    .map_data(LogicalPlan::recompute_schema)
}

/// The columns that the expressions of a node can name.
pub(crate) fn input_schema(node: &LogicalPlan) -> Result<DFSchema> {
    let mut schema = merge_schema(&node.inputs());
    if let LogicalPlan::TableScan(scan) = node {
        let source = DFSchema::try_from_qualified_schema(scan.table_name.clone(), &scan.source.schema())?;
        schema.merge(&source);
    }
    Ok(schema)
}
