//! The walk that all passes over plans share.

use std::sync::Arc;

use datafusion::{
    common::{
        DFSchema, Result,
        tree_node::{Transformed, TreeNode},
    },
    logical_expr::{Expr, LogicalPlan, Union, expr_rewriter::NamePreserver, utils::merge_schema},
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
    .map_data(with_schema_anew)
}

/// The node with the schema that its inputs and expressions have now.
fn with_schema_anew(node: LogicalPlan) -> Result<LogicalPlan> {
    let LogicalPlan::Union(Union { inputs, schema }) = node else { return node.recompute_schema() };
    // DataFusion leaves that of a union as it was. A column may be NULL that is so in one of its branches.
    let fields = schema.iter().enumerate().map(|(index, (table, field))| {
        let is_nullable = inputs.iter().any(|input| input.schema().field(index).is_nullable());
        (table.cloned(), Arc::new(field.as_ref().clone().with_nullable(is_nullable)))
    });
    let schema = DFSchema::new_with_metadata(fields.collect(), schema.metadata().clone())?;
    Ok(LogicalPlan::Union(Union { inputs, schema: Arc::new(schema) }))
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
