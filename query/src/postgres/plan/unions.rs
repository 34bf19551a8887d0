//! `UNION` and `WITH RECURSIVE`: columns have the type that their branches have in common, and the types of
//! the whole follow those of branches that passes have changed.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::{
    common::{DFSchema, Result, tree_node::Transformed},
    logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, RecursiveQuery, Union},
};

use super::{
    common_types::{Member, common_type, converted, is_open_text},
    recursion,
};

pub(super) fn coerce_union(union: Union) -> Result<Transformed<LogicalPlan>> {
    let types = (0..union.schema.fields().len())
        .map(|column| {
            let members: Vec<Member> =
                union.inputs.iter().filter_map(|input| member(input, column)).collect();
            common_type("UNION", &members)
        })
        .collect::<Result<Vec<_>>>()?;
    let current = |plan_types: &[DataType]| {
        types
            .iter()
            .zip(plan_types)
            .all(|(common, known)| common.as_ref().is_none_or(|common| common == known))
    };
    if current(&column_types(&union.schema))
        && union.inputs.iter().all(|input| current(&column_types(input.schema())))
    {
        return Ok(Transformed::no(LogicalPlan::Union(union)));
    }
    let inputs =
        union.inputs.into_iter().map(|input| with_types(input, &types)).collect::<Result<Vec<_>>>()?;
    Ok(Transformed::yes(LogicalPlan::Union(Union::try_new_with_loose_types(inputs)?)))
}

fn column_types(schema: &DFSchema) -> Vec<DataType> {
    schema.fields().iter().map(|field| field.data_type().clone()).collect()
}

/// A column of a branch.
fn member(branch: &LogicalPlan, column: usize) -> Option<Member> {
    if let LogicalPlan::Projection(projection) = branch
        && let Some(expr) = projection.expr.get(column)
        && is_open_text(expr)
    {
        return Some(Member::of(expr, projection.input.schema()));
    }
    branch.schema().fields().get(column).map(|field| Member::typed(field.data_type().clone()))
}

/// The rows of a plan, with columns of these types where one is given.
fn with_types(plan: Arc<LogicalPlan>, types: &[Option<DataType>]) -> Result<Arc<LogicalPlan>> {
    let schema = Arc::clone(plan.schema());
    let mut changed = false;
    let exprs = schema
        .columns()
        .into_iter()
        .zip(schema.fields())
        .zip(types)
        .map(|((column, field), to)| {
            let expr = Expr::Column(column.clone());
            match to {
                Some(to) if field.data_type() != to => {
                    changed = true;
                    Ok(converted(expr, to, &schema)?.alias_qualified(column.relation, column.name))
                }
                _ => Ok(expr),
            }
        })
        .collect::<Result<Vec<Expr>>>()?;
    if !changed {
        return Ok(plan);
    }
    Ok(Arc::new(LogicalPlanBuilder::from(plan).project(exprs)?.build()?))
}

/// The columns of a recursive term are assigned to those of the first term: rows go round with its types.
pub(super) fn coerce_recursion(query: RecursiveQuery) -> Result<Transformed<LogicalPlan>> {
    recursion::check(&query)?;
    let types: Vec<_> = column_types(query.static_term.schema()).into_iter().map(Some).collect();
    let recursive_term = with_types(Arc::clone(&query.recursive_term), &types)?;
    if Arc::ptr_eq(&recursive_term, &query.recursive_term) {
        return Ok(Transformed::no(LogicalPlan::RecursiveQuery(query)));
    }
    let RecursiveQuery { name, static_term, is_distinct, .. } = query;
    let query = RecursiveQuery::try_new(name, static_term, recursive_term, is_distinct)?;
    Ok(Transformed::yes(LogicalPlan::RecursiveQuery(query)))
}
