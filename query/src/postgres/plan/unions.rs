//! `UNION`, `INTERSECT`, `EXCEPT` and `WITH RECURSIVE`: columns have the type that their branches have in
//! common, and the types of the whole follow those of branches that passes have changed.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::{
    common::{DFSchema, JoinType, NullEquality, Result, tree_node::Transformed},
    logical_expr::{Distinct, Expr, Join, LogicalPlan, LogicalPlanBuilder, RecursiveQuery, Union},
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
    if let Some(open) = open_column(branch, column) {
        return Some(Member::of(open, &DFSchema::empty()));
    }
    branch.schema().fields().get(column).map(|field| Member::typed(field.data_type().clone()))
}

/// The literal of text, or the parameter, that a column of a query is in all rows.
pub(crate) fn open_column(plan: &LogicalPlan, column: usize) -> Option<&Expr> {
    match plan {
        LogicalPlan::Projection(projection) => match projection.expr.get(column)? {
            Expr::Column(name) if matches!(projection.input.as_ref(), LogicalPlan::Sort(_)) => {
                open_column(&projection.input, projection.input.schema().maybe_index_of_column(name)?)
            }
            expr => Some(expr).filter(|expr| is_open_text(expr)),
        },
        LogicalPlan::Limit(limit) => open_column(&limit.input, column),
        LogicalPlan::Sort(sort) => open_column(&sort.input, column),
        _ => None,
    }
}

/// The rows of a plan, with columns of these types where one is given.
pub(super) fn with_types(plan: Arc<LogicalPlan>, types: &[Option<DataType>]) -> Result<Arc<LogicalPlan>> {
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

/// `INTERSECT` and `EXCEPT`, which are joins: columns have the type that both sides have in common.
pub(super) fn coerce_set(mut join: Join) -> Result<Transformed<Join>> {
    let is_set = matches!(join.join_type, JoinType::LeftSemi | JoinType::LeftAnti)
        && join.null_equality == NullEquality::NullEqualsNull;
    if !is_set {
        return Ok(Transformed::no(join));
    }
    let (left, right) = (branch_of(&join.left), branch_of(&join.right));
    let mut types =
        (vec![None; join.left.schema().fields().len()], vec![None; join.right.schema().fields().len()]);
    for key in &join.on {
        let (Expr::Column(one), Expr::Column(other)) = key else { return Ok(Transformed::no(join)) };
        let places = (join.left.schema().index_of_column(one)?, join.right.schema().index_of_column(other)?);
        if open_column(left, places.0).is_none() && open_column(right, places.1).is_none() {
            continue;
        }
        let members = [member(left, places.0), member(right, places.1)].into_iter().flatten();
        let common = common_type("set operation", &members.collect::<Vec<_>>())?;
        types.0[places.0].clone_from(&common);
        types.1[places.1] = common;
    }
    if types.0.iter().chain(&types.1).all(Option::is_none) {
        return Ok(Transformed::no(join));
    }
    join.left = with_types(join.left, &types.0)?;
    join.right = with_types(join.right, &types.1)?;
    Ok(Transformed::yes(join))
}

/// The query that a side of such a join is: the planner makes its rows distinct, and names them.
fn branch_of(mut side: &LogicalPlan) -> &LogicalPlan {
    loop {
        side = match side {
            LogicalPlan::Distinct(Distinct::All(input)) => input,
            LogicalPlan::SubqueryAlias(alias) => &alias.input,
            branch => return branch,
        };
    }
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
