//! Intervals compared, sorted and grouped by their length: DataFusion compares months, then days, then time.
//!
//! | in the plan | becomes |
//! |---|---|
//! | a comparison, `BETWEEN`, `IN`, the operand of `CASE`, keys of a join, of `ORDER BY`, of `PARTITION BY` | the same, of `interval_order(…)` |
//! | `greatest`, `least`, `nullif`, `min`, `max` | ours |
//! | `GROUP BY`, `DISTINCT` | groups by `interval_order(…)`, with an interval of each group |

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::{
    common::{DFSchema, Result, tree_node::Transformed},
    logical_expr::{
        Aggregate, Between, BinaryExpr, Case, Distinct, DistinctOn, Expr, GroupingSet, JoinConstraint,
        LogicalPlan, LogicalPlanBuilder, Subquery,
        expr::{
            AggregateFunction, AggregateFunctionParams, InList, InSubquery, ScalarFunction, SetComparison,
            WindowFunction, WindowFunctionDefinition,
        },
        utils::grouping_set_to_exprlist,
    },
};

use crate::postgres::{
    exprs::{is_comparison, type_of},
    functions::{interval_choice, interval_extreme, interval_order},
    plan::intervals::order_by_length,
};

/// Puts lengths in the place of intervals where a node compares them by itself.
pub(super) fn order_node(node: LogicalPlan) -> Result<LogicalPlan> {
    match node {
        LogicalPlan::Sort(mut sort) => {
            for key in &mut sort.expr {
                order_by_length(&mut key.expr, sort.input.schema());
            }
            Ok(LogicalPlan::Sort(sort))
        }
        LogicalPlan::Join(mut join) => {
            let mut changed = false;
            for (left, right) in &mut join.on {
                changed |= order_by_length(left, join.left.schema());
                changed |= order_by_length(right, join.right.schema());
            }
            if changed {
                // USING names columns, which these are no more.
                join.join_constraint = JoinConstraint::On;
            }
            Ok(LogicalPlan::Join(join))
        }
        LogicalPlan::Aggregate(aggregate) => group_by_length(aggregate),
        LogicalPlan::Distinct(Distinct::All(input)) if has_interval(input.schema()) => {
            let columns = input.schema().columns().into_iter().map(Expr::Column).collect();
            group_by_length(Aggregate::try_new(input, columns, Vec::new())?)
        }
        LogicalPlan::Distinct(Distinct::On(distinct)) => distinct_on(distinct),
        node => Ok(node),
    }
}

fn has_interval(schema: &DFSchema) -> bool {
    schema.fields().iter().any(|field| matches!(field.data_type(), DataType::Interval(_)))
}

fn distinct_on(distinct: DistinctOn) -> Result<LogicalPlan> {
    let DistinctOn { mut on_expr, select_expr, mut sort_expr, input, .. } = distinct;
    for expr in &mut on_expr {
        order_by_length(expr, input.schema());
    }
    for sort in sort_expr.iter_mut().flatten() {
        order_by_length(&mut sort.expr, input.schema());
    }
    Ok(LogicalPlan::Distinct(Distinct::On(DistinctOn::try_new(on_expr, select_expr, sort_expr, input)?)))
}

/// Groups by the lengths of intervals; of the intervals of a group one is given.
fn group_by_length(aggregate: Aggregate) -> Result<LogicalPlan> {
    let input_schema = Arc::clone(aggregate.input.schema());
    let is_interval = |expr: &Expr| matches!(type_of(expr, &input_schema), DataType::Interval(_));
    let sets = aggregate.group_expr.iter().any(|expr| matches!(expr, Expr::GroupingSet(_)));
    let groups: Vec<Expr> = grouping_set_to_exprlist(&aggregate.group_expr)?.into_iter().cloned().collect();
    if !groups.iter().any(is_interval) {
        return Ok(LogicalPlan::Aggregate(aggregate));
    }
    let Aggregate { input, group_expr, mut aggr_expr, schema, .. } = aggregate;
    let by_length = |expr: Expr| if is_interval(&expr) { interval_order().call(vec![expr]) } else { expr };
    let group_expr = group_expr.into_iter().map(|expr| match expr {
        Expr::GroupingSet(set) => Expr::GroupingSet(match set {
            GroupingSet::Rollup(exprs) => GroupingSet::Rollup(exprs.into_iter().map(by_length).collect()),
            GroupingSet::Cube(exprs) => GroupingSet::Cube(exprs.into_iter().map(by_length).collect()),
            GroupingSet::GroupingSets(sets) => GroupingSet::GroupingSets(
                sets.into_iter().map(|exprs| exprs.into_iter().map(by_length).collect()).collect(),
            ),
        }),
        expr => by_length(expr),
    });
    let group_expr: Vec<Expr> = group_expr.collect();
    let intervals: Vec<usize> =
        groups.iter().enumerate().filter(|(_, expr)| is_interval(expr)).map(|(at, _)| at).collect();
    for &at in &intervals {
        aggr_expr.push(
            interval_extreme(true).call(vec![groups[at].clone()]).alias(format!("interval_of_group_{at}")),
        );
    }
    let grouped = Aggregate::try_new(input, group_expr, aggr_expr)?;
    let columns = grouped.schema.columns();
    let first_added = schema.fields().len();
    let exprs = schema.iter().enumerate().map(|(at, (qualifier, field))| {
        let column = Expr::Column(columns[at].clone());
        let expr = match intervals.iter().position(|&interval| interval == at) {
            None => column,
            Some(added) => {
                let interval = Expr::Column(columns[first_added + added].clone());
                if sets { where_grouped(column, interval) } else { interval }
            }
        };
        expr.alias_qualified(qualifier.cloned(), field.name())
    });
    let exprs: Vec<Expr> = exprs.collect();
    LogicalPlanBuilder::from(LogicalPlan::Aggregate(grouped)).project(exprs)?.build()
}

/// The interval, but NULL in the rows of grouping sets that it is not of.
fn where_grouped(length: Expr, interval: Expr) -> Expr {
    Expr::Case(Case {
        expr: None,
        when_then_expr: vec![(Box::new(length.is_not_null()), Box::new(interval))],
        else_expr: None,
    })
}

/// Puts lengths in the place of intervals where an expression compares them.
pub(super) fn order_expr(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let is_interval = |expr: &Expr| matches!(type_of(expr, schema), DataType::Interval(_));
    let length = |mut expr: Box<Expr>| {
        let inner = std::mem::take(expr.as_mut());
        *expr = interval_order().call(vec![inner]);
        expr
    };
    Ok(match expr {
        Expr::BinaryExpr(BinaryExpr { left, op, right })
            if is_comparison(op) && (is_interval(&left) || is_interval(&right)) =>
        {
            Transformed::yes(Expr::BinaryExpr(BinaryExpr { left: length(left), op, right: length(right) }))
        }
        Expr::Between(Between { expr, negated, low, high }) if is_interval(&expr) => {
            let (expr, low, high) = (length(expr), length(low), length(high));
            Transformed::yes(Expr::Between(Between { expr, negated, low, high }))
        }
        Expr::InList(InList { expr, list, negated }) if is_interval(&expr) => {
            let list = list.into_iter().map(|item| interval_order().call(vec![item])).collect();
            Transformed::yes(Expr::InList(InList { expr: length(expr), list, negated }))
        }
        Expr::InSubquery(InSubquery { expr, subquery, negated }) if is_interval(&expr) => {
            let (expr, subquery) = (length(expr), lengths(subquery)?);
            Transformed::yes(Expr::InSubquery(InSubquery { expr, subquery, negated }))
        }
        Expr::SetComparison(SetComparison { expr, subquery, op, quantifier }) if is_interval(&expr) => {
            let (expr, subquery) = (length(expr), lengths(subquery)?);
            Transformed::yes(Expr::SetComparison(SetComparison { expr, subquery, op, quantifier }))
        }
        Expr::Case(Case { expr: Some(operand), when_then_expr, else_expr }) if is_interval(&operand) => {
            let when_then_expr =
                when_then_expr.into_iter().map(|(when, then)| (length(when), then)).collect();
            Transformed::yes(Expr::Case(Case { expr: Some(length(operand)), when_then_expr, else_expr }))
        }
        Expr::ScalarFunction(ScalarFunction { func, args }) if args.iter().any(is_interval) => {
            match interval_choice(func.name()) {
                Some(choice) => Transformed::yes(choice.call(args)),
                None => Transformed::no(Expr::ScalarFunction(ScalarFunction { func, args })),
            }
        }
        Expr::AggregateFunction(aggregate) => order_aggregate(aggregate, schema),
        Expr::WindowFunction(window) => order_window(*window, schema),
        expr => Transformed::no(expr),
    })
}

/// The one column of a subquery, as lengths.
fn lengths(subquery: Subquery) -> Result<Subquery> {
    let plan = Arc::unwrap_or_clone(subquery.subquery);
    let exprs = plan.schema().columns().into_iter().map(|column| {
        interval_order()
            .call(vec![Expr::Column(column.clone())])
            .alias_qualified(column.relation, column.name)
    });
    let exprs: Vec<Expr> = exprs.collect();
    let plan = LogicalPlanBuilder::from(plan).project(exprs)?.build()?;
    Ok(Subquery { subquery: Arc::new(plan), ..subquery })
}

fn order_aggregate(aggregate: AggregateFunction, schema: &DFSchema) -> Transformed<Expr> {
    let AggregateFunction { mut func, params } = aggregate;
    let AggregateFunctionParams { mut args, distinct, filter, mut order_by, null_treatment } = params;
    let mut changed = false;
    if args.first().is_some_and(|arg| matches!(type_of(arg, schema), DataType::Interval(_))) {
        match func.name() {
            "min" | "max" => {
                func = interval_extreme(func.name() == "max");
                changed = true;
            }
            "count" if distinct => {
                for arg in &mut args {
                    changed |= order_by_length(arg, schema);
                }
            }
            _ => {}
        }
    }
    for sort in &mut order_by {
        changed |= order_by_length(&mut sort.expr, schema);
    }
    let params = AggregateFunctionParams { args, distinct, filter, order_by, null_treatment };
    Transformed::new_transformed(Expr::AggregateFunction(AggregateFunction { func, params }), changed)
}

fn order_window(mut window: WindowFunction, schema: &DFSchema) -> Transformed<Expr> {
    let mut changed = false;
    let params = &mut window.params;
    if let WindowFunctionDefinition::AggregateUDF(func) = &window.fun
        && params.args.first().is_some_and(|arg| matches!(type_of(arg, schema), DataType::Interval(_)))
    {
        match func.name() {
            "min" | "max" => {
                window.fun = WindowFunctionDefinition::AggregateUDF(interval_extreme(func.name() == "max"));
                changed = true;
            }
            "count" if params.distinct => {
                for arg in &mut params.args {
                    changed |= order_by_length(arg, schema);
                }
            }
            _ => {}
        }
    }
    for expr in &mut params.partition_by {
        changed |= order_by_length(expr, schema);
    }
    Transformed::new_transformed(Expr::WindowFunction(Box::new(window)), changed)
}
