//! Puts [`ShortCircuit`] in the place of conditions whose right side may fail, wherever operators evaluate
//! them. Conditions that cannot fail stay as DataFusion has them, and so do those over whole windows.
//!
//! It runs when all other rules have seen the conditions, which look for the operators that they know.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::{
    common::{
        Result,
        config::ConfigOptions,
        tree_node::{Transformed, TreeNode},
    },
    logical_expr::Operator,
    physical_expr::{
        PhysicalExpr, ScalarFunctionExpr,
        expressions::{
            BinaryExpr, CaseExpr, CastExpr, Column, DynamicFilterPhysicalExpr, InListExpr, IsNotNullExpr,
            IsNullExpr, LikeExpr, Literal, NotExpr,
        },
        projection::ProjectionExpr,
        scalar_subquery::ScalarSubqueryExpr,
    },
    physical_optimizer::PhysicalOptimizerRule,
    physical_plan::{
        ExecutionPlan,
        aggregates::AggregateExec,
        filter::{FilterExec, FilterExecBuilder},
        joins::{
            HashJoinExec, HashJoinExecBuilder, NestedLoopJoinExec, NestedLoopJoinExecBuilder,
            SortMergeJoinExec, utils::JoinFilter,
        },
        projection::ProjectionExec,
    },
};

use super::short_circuit::ShortCircuit;
use crate::postgres::exprs::{is_comparison, never_fails};

type Expr = Arc<dyn PhysicalExpr>;

/// The rule, for filters, projections, aggregates and the conditions of joins. Scans ask
/// [`from_left_to_right`] themselves.
#[derive(Debug)]
pub(crate) struct OrderConditions;

impl PhysicalOptimizerRule for OrderConditions {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        let ordered = plan.transform_up(|plan| {
            let ordered = ordered_node(plan.as_ref())?;
            Ok(ordered.map_or_else(|| Transformed::no(plan), Transformed::yes))
        })?;
        Ok(ordered.data)
    }

    fn name(&self) -> &'static str {
        "OrderConditions"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

fn ordered_node(plan: &dyn ExecutionPlan) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    if let Some(filter) = plan.downcast_ref::<FilterExec>() {
        let Some(condition) = ordered(filter.predicate())? else { return Ok(None) };
        return Ok(Some(Arc::new(FilterExecBuilder::from(filter).with_predicate(condition).build()?)));
    }
    if let Some(projection) = plan.downcast_ref::<ProjectionExec>() {
        return ordered_projection(projection);
    }
    if let Some(aggregate) = plan.downcast_ref::<AggregateExec>() {
        return ordered_aggregate(aggregate);
    }
    let on = |filter: Option<&JoinFilter>| {
        let Some(filter) = filter else { return Ok(None) };
        let made = |condition| {
            JoinFilter::new(condition, filter.column_indices().to_vec(), Arc::clone(filter.schema()))
        };
        Ok::<_, datafusion::error::DataFusionError>(ordered(filter.expression())?.map(made))
    };
    if let Some(join) = plan.downcast_ref::<HashJoinExec>()
        && let Some(filter) = on(join.filter())?
    {
        return Ok(Some(Arc::new(HashJoinExecBuilder::from(join).with_filter(Some(filter)).build()?)));
    }
    if let Some(join) = plan.downcast_ref::<NestedLoopJoinExec>()
        && let Some(filter) = on(join.filter())?
    {
        return Ok(Some(Arc::new(NestedLoopJoinExecBuilder::from(join).with_filter(Some(filter)).build()?)));
    }
    if let Some(join) = plan.downcast_ref::<SortMergeJoinExec>()
        && let Some(filter) = on(join.filter().as_ref())?
    {
        let (left, right) = (Arc::clone(join.left()), Arc::clone(join.right()));
        let (on, options) = (join.on().to_vec(), join.sort_options().to_vec());
        let (join_type, nulls) = (join.join_type(), join.null_equality());
        let made = SortMergeJoinExec::try_new(left, right, on, Some(filter), join_type, options, nulls)?;
        return Ok(Some(Arc::new(made)));
    }
    Ok(None)
}

fn ordered_projection(projection: &ProjectionExec) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    let exprs = projection.expr().iter().map(|item| Arc::clone(&item.expr)).collect();
    let Some(exprs) = all_ordered(exprs)? else { return Ok(None) };
    let items = projection.expr().iter().zip(exprs);
    let items = items.map(|(item, expr)| ProjectionExpr { expr, alias: item.alias.clone() });
    let (input, schema) = (Arc::clone(projection.input()), projection.schema());
    let made = ProjectionExec::try_new_with_schema_metadata(items.collect::<Vec<_>>(), input, &schema)?;
    Ok(Some(Arc::new(made)))
}

fn ordered_aggregate(aggregate: &AggregateExec) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    let (mut calls, mut is_changed) = (aggregate.aggr_expr().to_vec(), false);
    for call in &mut calls {
        let found = call.all_expressions();
        let Some(args) = all_ordered(found.args)? else { continue };
        if let Some(made) = call.with_new_expressions(args, found.order_by_exprs) {
            *call = Arc::new(made);
            is_changed = true;
        }
    }
    Ok(is_changed.then(|| Arc::new(aggregate.with_new_aggr_exprs(calls)) as Arc<dyn ExecutionPlan>))
}

fn all_ordered(exprs: Vec<Expr>) -> Result<Option<Vec<Expr>>> {
    let made = exprs.iter().map(ordered).collect::<Result<Vec<_>>>()?;
    if made.iter().all(Option::is_none) {
        return Ok(None);
    }
    Ok(Some(made.into_iter().zip(exprs).map(|(made, expr)| made.unwrap_or(expr)).collect()))
}

/// An expression whose conditions are evaluated from left to right where it matters.
pub(crate) fn from_left_to_right(expr: &Expr) -> Result<Expr> {
    Ok(ordered(expr)?.unwrap_or_else(|| Arc::clone(expr)))
}

fn ordered(expr: &Expr) -> Result<Option<Expr>> {
    Ok(Ordered::of(expr)?.made)
}

/// An expression, seen once from the inside out.
struct Ordered {
    /// None where it stays as it is.
    made: Option<Expr>,
    may_fail: bool,
}

impl Ordered {
    fn of(expr: &Expr) -> Result<Self> {
        let children = expr.children();
        if children.is_empty() || expr.is::<DynamicFilterPhysicalExpr>() {
            return Ok(Self { made: None, may_fail: may_fail(expr) });
        }
        let seen = children.iter().map(|child| Self::of(child)).collect::<Result<Vec<_>>>()?;
        let last_may_fail = seen.last().is_some_and(|last| last.may_fail);
        let any_may_fail = seen.iter().any(|child| child.may_fail);
        let mut made = None;
        if seen.iter().any(|child| child.made.is_some()) {
            let children = seen.into_iter().zip(children);
            let children = children.map(|(seen, child)| seen.made.unwrap_or_else(|| Arc::clone(child)));
            made = Some(Arc::clone(expr).with_new_children(children.collect())?);
        }
        let whole = made.as_ref().unwrap_or(expr);
        if last_may_fail
            && let Some(written) = whole.downcast_ref::<BinaryExpr>()
            && let Some(condition) = ShortCircuit::of(written)?
        {
            made = Some(Arc::new(condition));
        }
        Ok(Self { made, may_fail: any_may_fail || may_fail(expr) })
    }
}

/// Whether an expression may fail by itself, whatever its operands do. Of what is not known here it is
/// assumed.
fn may_fail(expr: &Expr) -> bool {
    if let Some(binary) = expr.downcast_ref::<BinaryExpr>() {
        return !is_comparison(*binary.op()) && !matches!(binary.op(), Operator::And | Operator::Or);
    }
    if let Some(call) = expr.downcast_ref::<ScalarFunctionExpr>() {
        return !never_fails(call.fun());
    }
    if let Some(cast) = expr.downcast_ref::<CastExpr>() {
        return !matches!(cast.cast_type(), DataType::Utf8 | DataType::Utf8View | DataType::Float64);
    }
    !(expr.is::<Column>()
        || expr.is::<Literal>()
        || expr.is::<NotExpr>()
        || expr.is::<IsNullExpr>()
        || expr.is::<IsNotNullExpr>()
        || expr.is::<InListExpr>()
        || expr.is::<LikeExpr>()
        || expr.is::<CaseExpr>()
        || expr.is::<DynamicFilterPhysicalExpr>()
        || expr.is::<ScalarSubqueryExpr>())
}
