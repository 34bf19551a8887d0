//! Values that DataFusion compares by their bits or fields, and Postgres by what they are worth: intervals,
//! and arrays and rows of intervals or floats. For floats themselves see `float_keys`.
//!
//! | in the plan | becomes |
//! |---|---|
//! | a comparison, `BETWEEN`, `IN`, the operand of `CASE`, keys of a join, of `ORDER BY`, of `PARTITION BY` | the same, of `comparison_key(…)` |
//! | `<`, `<=`, `>`, `>=`, `BETWEEN`, `greatest`, `least` of arrays and rows | ours, in which NULL is above all values |
//! | `greatest`, `least`, `nullif`, `min`, `max`, `sum(DISTINCT …)`, `avg(DISTINCT …)` of intervals | ours |
//! | `array_position` and others that look for an element | the same, of keys |
//! | `GROUP BY`, `DISTINCT` | groups by `comparison_key(…)`, with a value of each group |
//! | a `UNION` that is recursive, other aggregates of `DISTINCT` values, `min` of arrays and rows | an error, 0A000 |

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::{
    common::{DFSchema, Result, tree_node::Transformed},
    functions_aggregate::first_last::first_value_udaf,
    logical_expr::{
        Aggregate, AggregateUDF, Between, BinaryExpr, Case, Distinct, DistinctOn, Expr, GroupingSet,
        JoinConstraint, LogicalPlan, LogicalPlanBuilder, Operator, Subquery,
        expr::{
            AggregateFunction, AggregateFunctionParams, InList, InSubquery, ScalarFunction, SetComparison,
            WindowFunction, WindowFunctionDefinition,
        },
        utils::grouping_set_to_exprlist,
    },
};

use crate::{
    error::Error,
    postgres::{
        exprs::{is_comparison, type_of},
        functions::{
            comparison_key, has_float, has_interval, interval_choice, interval_distinct_sum,
            interval_extreme, is_compared_by_key, nested_choice, nested_comparison,
        },
        plan::intervals::compare_by_key,
    },
};

/// Functions that look for elements, and answer with what has the same meaning of their keys.
const FINDING: [&str; 6] =
    ["array_position", "array_positions", "array_has", "array_has_all", "array_has_any", "arrays_overlap"];

/// Functions that compare elements, and answer with some of them.
const CHOOSING: [&str; 12] = [
    "array_distinct",
    "array_except",
    "array_intersect",
    "array_max",
    "array_min",
    "array_remove",
    "array_remove_n",
    "array_replace",
    "array_replace_all",
    "array_replace_n",
    "array_sort",
    "array_union",
];

/// Puts keys in the place of values where a node compares them by itself.
pub(super) fn of_node(node: LogicalPlan) -> Result<LogicalPlan> {
    match node {
        LogicalPlan::Sort(mut sort) => {
            for key in &mut sort.expr {
                compare_by_key(&mut key.expr, sort.input.schema());
            }
            Ok(LogicalPlan::Sort(sort))
        }
        LogicalPlan::Join(mut join) => {
            let mut changed = false;
            for (left, right) in &mut join.on {
                changed |= compare_by_key(left, join.left.schema());
                changed |= compare_by_key(right, join.right.schema());
            }
            if changed {
                // USING names columns, which these are no more.
                join.join_constraint = JoinConstraint::On;
            }
            Ok(LogicalPlan::Join(join))
        }
        LogicalPlan::Aggregate(aggregate) => group_by_key(aggregate),
        LogicalPlan::Distinct(Distinct::All(input)) if has_keyed_column(input.schema()) => {
            let columns = input.schema().columns().into_iter().map(Expr::Column).collect();
            group_by_key(Aggregate::try_new(input, columns, Vec::new())?)
        }
        LogicalPlan::RecursiveQuery(query)
            if query.is_distinct && has_keyed_column(query.static_term.schema()) =>
        {
            Err(Error::unsupported("a recursive UNION of intervals, or of arrays or rows of floats")
                .with_hint("use UNION ALL, and end the recursion by a condition")
                .into())
        }
        LogicalPlan::Distinct(Distinct::On(distinct)) => distinct_on(distinct),
        node => Ok(node),
    }
}

fn has_keyed_column(schema: &DFSchema) -> bool {
    schema.fields().iter().any(|field| is_compared_by_key(field.data_type()))
}

fn distinct_on(distinct: DistinctOn) -> Result<LogicalPlan> {
    let DistinctOn { mut on_expr, select_expr, mut sort_expr, input, .. } = distinct;
    for expr in &mut on_expr {
        compare_by_key(expr, input.schema());
    }
    for sort in sort_expr.iter_mut().flatten() {
        compare_by_key(&mut sort.expr, input.schema());
    }
    Ok(LogicalPlan::Distinct(Distinct::On(DistinctOn::try_new(on_expr, select_expr, sort_expr, input)?)))
}

/// Groups by keys; of the values of a group one is given.
fn group_by_key(aggregate: Aggregate) -> Result<LogicalPlan> {
    let input_schema = Arc::clone(aggregate.input.schema());
    let is_keyed = |expr: &Expr| is_compared_by_key(&type_of(expr, &input_schema));
    let sets = aggregate.group_expr.iter().any(|expr| matches!(expr, Expr::GroupingSet(_)));
    let groups: Vec<Expr> = grouping_set_to_exprlist(&aggregate.group_expr)?.into_iter().cloned().collect();
    if !groups.iter().any(is_keyed) {
        return Ok(LogicalPlan::Aggregate(aggregate));
    }
    let Aggregate { input, group_expr, mut aggr_expr, schema, .. } = aggregate;
    let by_key = |expr: Expr| if is_keyed(&expr) { comparison_key().call(vec![expr]) } else { expr };
    let group_expr = group_expr.into_iter().map(|expr| match expr {
        Expr::GroupingSet(set) => Expr::GroupingSet(match set {
            GroupingSet::Rollup(exprs) => GroupingSet::Rollup(exprs.into_iter().map(by_key).collect()),
            GroupingSet::Cube(exprs) => GroupingSet::Cube(exprs.into_iter().map(by_key).collect()),
            GroupingSet::GroupingSets(sets) => GroupingSet::GroupingSets(
                sets.into_iter().map(|exprs| exprs.into_iter().map(by_key).collect()).collect(),
            ),
        }),
        expr => by_key(expr),
    });
    let group_expr: Vec<Expr> = group_expr.collect();
    let keyed: Vec<usize> =
        groups.iter().enumerate().filter(|(_, expr)| is_keyed(expr)).map(|(at, _)| at).collect();
    for &at in &keyed {
        let is_interval = matches!(type_of(&groups[at], &input_schema), DataType::Interval(_));
        let one = if is_interval { interval_extreme(true) } else { first_value_udaf() };
        aggr_expr.push(one.call(vec![groups[at].clone()]).alias(format!("value_of_group_{at}")));
    }
    let grouped = Aggregate::try_new(input, group_expr, aggr_expr)?;
    let columns = grouped.schema.columns();
    let first_added = schema.fields().len();
    let exprs = schema.iter().enumerate().map(|(at, (qualifier, field))| {
        let column = Expr::Column(columns[at].clone());
        let expr = match keyed.iter().position(|&keyed| keyed == at) {
            None => column,
            Some(added) => {
                let value = Expr::Column(columns[first_added + added].clone());
                if sets { where_grouped(column, value) } else { value }
            }
        };
        expr.alias_qualified(qualifier.cloned(), field.name())
    });
    let exprs: Vec<Expr> = exprs.collect();
    LogicalPlanBuilder::from(LogicalPlan::Aggregate(grouped)).project(exprs)?.build()
}

/// The value, but NULL in the rows of grouping sets that it is not of.
fn where_grouped(key: Expr, value: Expr) -> Expr {
    Expr::Case(Case {
        expr: None,
        when_then_expr: vec![(Box::new(key.is_not_null()), Box::new(value))],
        else_expr: None,
    })
}

/// Puts keys in the place of values where an expression compares them.
pub(super) fn of_expr(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let is_keyed = |expr: &Expr| is_compared_by_key(&type_of(expr, schema));
    let key = |mut expr: Box<Expr>| {
        let inner = std::mem::take(expr.as_mut());
        *expr = comparison_key().call(vec![inner]);
        expr
    };
    let is_nested = |expr: &Expr| type_of(expr, schema).is_nested();
    Ok(match expr {
        Expr::BinaryExpr(BinaryExpr { left, op, right })
            if is_order(op) && is_nested(&left) && is_nested(&right) =>
        {
            Transformed::yes(nested_comparison(op).call(vec![*left, *right]))
        }
        Expr::Between(Between { expr, negated, low, high })
            if is_nested(&expr) && is_nested(&low) && is_nested(&high) =>
        {
            let above = nested_comparison(Operator::GtEq).call(vec![expr.as_ref().clone(), *low]);
            let within = above.and(nested_comparison(Operator::LtEq).call(vec![*expr, *high]));
            Transformed::yes(if negated { Expr::Not(Box::new(within)) } else { within })
        }
        Expr::BinaryExpr(BinaryExpr { left, op, right })
            if is_comparison(op) && (is_keyed(&left) || is_keyed(&right)) =>
        {
            Transformed::yes(Expr::BinaryExpr(BinaryExpr { left: key(left), op, right: key(right) }))
        }
        Expr::Between(Between { expr, negated, low, high }) if is_keyed(&expr) => {
            let (expr, low, high) = (key(expr), key(low), key(high));
            Transformed::yes(Expr::Between(Between { expr, negated, low, high }))
        }
        Expr::InList(InList { expr, list, negated }) if is_keyed(&expr) => {
            let list = list.into_iter().map(|item| comparison_key().call(vec![item])).collect();
            Transformed::yes(Expr::InList(InList { expr: key(expr), list, negated }))
        }
        Expr::InSubquery(InSubquery { expr, subquery, negated }) if is_keyed(&expr) => {
            let (expr, subquery) = (key(expr), keys_of(subquery)?);
            Transformed::yes(Expr::InSubquery(InSubquery { expr, subquery, negated }))
        }
        Expr::SetComparison(SetComparison { expr, subquery, op, quantifier }) if is_keyed(&expr) => {
            let (expr, subquery) = (key(expr), keys_of(subquery)?);
            Transformed::yes(Expr::SetComparison(SetComparison { expr, subquery, op, quantifier }))
        }
        Expr::Case(Case { expr: Some(operand), when_then_expr, else_expr }) if is_keyed(&operand) => {
            let when_then_expr = when_then_expr.into_iter().map(|(when, then)| (key(when), then)).collect();
            Transformed::yes(Expr::Case(Case { expr: Some(key(operand)), when_then_expr, else_expr }))
        }
        Expr::ScalarFunction(call) => function(call, schema)?,
        Expr::AggregateFunction(aggregate) => of_aggregate(aggregate, schema)?,
        Expr::WindowFunction(window) => of_window(*window, schema)?,
        expr => Transformed::no(expr),
    })
}

fn is_order(op: Operator) -> bool {
    matches!(op, Operator::Lt | Operator::LtEq | Operator::Gt | Operator::GtEq)
}

/// The function that compares its arguments by keys.
fn function(call: ScalarFunction, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let ScalarFunction { func, mut args } = call;
    let types: Vec<DataType> = args.iter().map(|arg| type_of(arg, schema)).collect();
    let name = func.name();
    if FINDING.contains(&name) || CHOOSING.contains(&name) {
        let with_interval = types.iter().any(has_interval);
        if with_interval && CHOOSING.contains(&name) {
            return Err(Error::unsupported(format!("{name} of intervals"))
                .with_hint("unnest the array, and query its rows")
                .into());
        }
        let mut changed = false;
        for (arg, _) in args.iter_mut().zip(&types).filter(|(_, of)| has_interval(of) || has_float(of)) {
            *arg = comparison_key().call(vec![std::mem::take(arg)]);
            changed = true;
        }
        return Ok(Transformed::new_transformed(
            Expr::ScalarFunction(ScalarFunction { func, args }),
            changed,
        ));
    }
    if types.iter().any(DataType::is_nested)
        && let Some(choice) = nested_choice(name)
    {
        return Ok(Transformed::yes(choice.call(args)));
    }
    if !types.iter().any(is_compared_by_key) {
        return Ok(Transformed::no(Expr::ScalarFunction(ScalarFunction { func, args })));
    }
    if types.iter().any(|data_type| matches!(data_type, DataType::Interval(_)))
        && let Some(choice) = interval_choice(name)
    {
        return Ok(Transformed::yes(choice.call(args)));
    }
    match (name, args.as_mut_slice()) {
        ("nullif", [left, right]) => {
            let [left_key, right_key] =
                [&*left, &*right].map(|value| comparison_key().call(vec![value.clone()]));
            Ok(Transformed::yes(Expr::Case(Case {
                expr: None,
                when_then_expr: vec![(
                    Box::new(left_key.not_eq(right_key).is_not_false()),
                    Box::new(std::mem::take(left)),
                )],
                else_expr: None,
            })))
        }
        _ => Ok(Transformed::no(Expr::ScalarFunction(ScalarFunction { func, args }))),
    }
}

/// The one column of a subquery, as keys.
fn keys_of(subquery: Subquery) -> Result<Subquery> {
    let plan = Arc::unwrap_or_clone(subquery.subquery);
    let exprs = plan.schema().columns().into_iter().map(|column| {
        comparison_key()
            .call(vec![Expr::Column(column.clone())])
            .alias_qualified(column.relation, column.name)
    });
    let exprs: Vec<Expr> = exprs.collect();
    let plan = LogicalPlanBuilder::from(plan).project(exprs)?.build()?;
    Ok(Subquery { subquery: Arc::new(plan), ..subquery })
}

/// The aggregate that compares values of its first argument by keys, in the place of one that does not.
fn compared(
    func: &Arc<AggregateUDF>,
    args: &mut [Expr],
    distinct: bool,
    schema: &DFSchema,
) -> Result<Option<Arc<AggregateUDF>>> {
    let Some(data_type) = args.first().map(|arg| type_of(arg, schema)).filter(is_compared_by_key) else {
        return Ok(None);
    };
    let is_interval = matches!(data_type, DataType::Interval(_));
    match func.name() {
        "min" | "max" if is_interval => Ok(Some(interval_extreme(func.name() == "max"))),
        "min" | "max" => {
            Err(Error::unsupported(format!("{} of arrays or rows of floats or intervals", func.name()))
                .with_hint("take the first row in their order: ORDER BY … LIMIT 1")
                .into())
        }
        "sum" | "avg" if distinct && is_interval => Ok(Some(interval_distinct_sum(func.name() == "avg"))),
        "count" if distinct => {
            for arg in args {
                compare_by_key(arg, schema);
            }
            Ok(Some(Arc::clone(func)))
        }
        name if distinct => Err(Error::unsupported(format!("{name} of DISTINCT intervals, arrays or rows"))
            .with_hint("take the aggregate of a subquery with DISTINCT")
            .into()),
        _ => Ok(None),
    }
}

fn of_aggregate(aggregate: AggregateFunction, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let AggregateFunction { mut func, params } = aggregate;
    let AggregateFunctionParams { mut args, mut distinct, filter, mut order_by, null_treatment } = params;
    let mut changed = false;
    if let Some(other) = compared(&func, &mut args, distinct, schema)? {
        // The sum of distinct intervals finds them by itself.
        distinct &= !matches!(func.name(), "sum" | "avg");
        func = other;
        changed = true;
    }
    for sort in &mut order_by {
        changed |= compare_by_key(&mut sort.expr, schema);
    }
    let params = AggregateFunctionParams { args, distinct, filter, order_by, null_treatment };
    let aggregate = AggregateFunction { func, params };
    Ok(Transformed::new_transformed(Expr::AggregateFunction(aggregate), changed))
}

fn of_window(mut window: WindowFunction, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let mut changed = false;
    let params = &mut window.params;
    if let WindowFunctionDefinition::AggregateUDF(func) = &window.fun
        && let Some(func) = compared(func, &mut params.args, params.distinct, schema)?
    {
        params.distinct &= !matches!(func.name(), "sum" | "avg");
        window.fun = WindowFunctionDefinition::AggregateUDF(func);
        changed = true;
    }
    for expr in &mut params.partition_by {
        changed |= compare_by_key(expr, schema);
    }
    Ok(Transformed::new_transformed(Expr::WindowFunction(Box::new(window)), changed))
}
