//! Floats that are compared by their bits: DataFusion tells `-0` from `0` where it sorts, partitions, looks
//! into a set or joins by columns. There the keys are made such that equal values have equal bits; the values
//! stay as they are.
//!
//! For arrays and rows of floats see `comparison_keys`. Comparisons with constants and `GROUP BY` know that
//! the two are equal. So does the last key of an `ORDER BY`, as far as it matters: equal values may come in
//! any order. NaN has one form everywhere, see `types::nan`.

use std::sync::Arc;

use datafusion::{
    common::{DFSchema, Result, ScalarValue, tree_node::Transformed},
    logical_expr::{
        BinaryExpr, Case, Distinct, Expr, JoinConstraint, LogicalPlan, LogicalPlanBuilder, Operator, Sort,
        SortExpr, Subquery,
        expr::{InList, InSubquery, ScalarFunction},
    },
};

use crate::{
    names::internal::is_made_up,
    postgres::{
        exprs::{has, is_float, type_of},
        functions::{comparison_key, is_comparison_key},
    },
};

/// Gives a node keys that are compared by bits.
pub(super) fn of_node(mut node: LogicalPlan) -> LogicalPlan {
    match &mut node {
        LogicalPlan::Sort(Sort { expr, input, .. }) => {
            let last = expr.len().saturating_sub(1);
            sort_keys(&mut expr[..last], input.schema());
        }
        LogicalPlan::Distinct(Distinct::On(on)) => {
            let schema = Arc::clone(on.input.schema());
            on.on_expr.iter_mut().for_each(|expr| {
                key(expr, &schema);
            });
            sort_keys(on.sort_expr.as_deref_mut().unwrap_or_default(), &schema);
        }
        LogicalPlan::Join(join) => {
            let mut changed = false;
            for (left, right) in &mut join.on {
                changed |= key(left, join.left.schema());
                changed |= key(right, join.right.schema());
            }
            // Keys joined USING must be columns.
            if changed {
                join.join_constraint = JoinConstraint::On;
            }
        }
        _ => {}
    }
    node
}

fn sort_keys(sorts: &mut [SortExpr], schema: &DFSchema) {
    for sort in sorts {
        key(&mut sort.expr, schema);
    }
}

/// Makes a key of a float; says whether it was one.
fn key(expr: &mut Expr, schema: &DFSchema) -> bool {
    if is_comparison_key(expr) || !is_float(&type_of(expr, schema)) {
        return false;
    }
    *expr = comparison_key().call(vec![std::mem::take(expr)]);
    true
}

/// Gives an expression operands that are compared by bits.
pub(super) fn of_expr(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    Ok(match expr {
        Expr::AggregateFunction(mut aggregate) if aggregate.params.distinct => {
            let params = &mut aggregate.params;
            // The order is that of the arguments.
            let sorts = params.order_by.iter_mut().map(|sort| &mut sort.expr);
            let changed =
                params.args.iter_mut().chain(sorts).fold(false, |changed, expr| key(expr, schema) | changed);
            Transformed::new_transformed(Expr::AggregateFunction(aggregate), changed)
        }
        Expr::WindowFunction(mut window) => {
            let parts = window.params.partition_by.iter_mut();
            let sorts = window.params.order_by.iter_mut().map(|sort| &mut sort.expr);
            let changed = parts.chain(sorts).fold(false, |changed, expr| key(expr, schema) | changed);
            Transformed::new_transformed(Expr::WindowFunction(window), changed)
        }
        Expr::Case(Case { expr: Some(mut operand), mut when_then_expr, else_expr }) => {
            let changed = key(&mut operand, schema);
            if changed {
                for (when, _) in &mut when_then_expr {
                    key(when, schema);
                }
            }
            let case = Case { expr: Some(operand), when_then_expr, else_expr };
            Transformed::new_transformed(Expr::Case(case), changed)
        }
        Expr::ScalarFunction(ScalarFunction { func, mut args }) if func.name() == "nullif" => {
            let changed = args.iter_mut().fold(false, |changed, arg| key(arg, schema) | changed);
            Transformed::new_transformed(Expr::ScalarFunction(ScalarFunction { func, args }), changed)
        }
        Expr::BinaryExpr(BinaryExpr { mut left, op: Operator::Eq, mut right })
            if is_joinable(&left) && is_joinable(&right) =>
        {
            let changed = key(&mut left, schema) | key(&mut right, schema);
            let equality = BinaryExpr { left, op: Operator::Eq, right };
            Transformed::new_transformed(Expr::BinaryExpr(equality), changed)
        }
        Expr::InList(list) => in_list(list, schema),
        Expr::InSubquery(within) if is_float(&type_of(&within.expr, schema)) => {
            Transformed::yes(Expr::InSubquery(in_subquery(within, schema)?))
        }
        expr => Transformed::no(expr),
    })
}

/// A side of an equality that may become the key of a join: it has columns, and is no constant of a lookup.
fn is_joinable(side: &Expr) -> bool {
    has(side, |part| match part {
        Expr::Column(column) => !column.relation.as_ref().is_some_and(is_made_up),
        part => matches!(part, Expr::OuterReferenceColumn(..)),
    })
}

/// A list with a zero has both, so that its column stays a plain one, by which pages are left out.
fn in_list(list: InList, schema: &DFSchema) -> Transformed<Expr> {
    let InList { mut expr, mut list, negated } = list;
    if !is_float(&type_of(&expr, schema)) {
        return Transformed::no(Expr::InList(InList { expr, list, negated }));
    }
    if list.iter().all(|item| matches!(item, Expr::Literal(..) | Expr::Cast(_))) {
        let zeros = list.iter().find_map(zeros).into_iter().flatten().map(|zero| Expr::Literal(zero, None));
        let missing: Vec<Expr> = zeros.filter(|zero| !list.contains(zero)).collect();
        let changed = !missing.is_empty();
        list.extend(missing);
        return Transformed::new_transformed(Expr::InList(InList { expr, list, negated }), changed);
    }
    key(&mut expr, schema);
    for item in &mut list {
        key(item, schema);
    }
    Transformed::yes(Expr::InList(InList { expr, list, negated }))
}

/// Both zeros, if an expression is one.
fn zeros(item: &Expr) -> Option<[ScalarValue; 2]> {
    let value = match item {
        Expr::Literal(value, _) => value.clone(),
        Expr::Cast(cast) => match cast.expr.as_ref() {
            Expr::Literal(value, _) => value.cast_to(cast.field.data_type()).ok()?,
            _ => return None,
        },
        _ => return None,
    };
    match value {
        ScalarValue::Float64(Some(0.0)) => Some([0.0, -0.0].map(|zero| ScalarValue::Float64(Some(zero)))),
        ScalarValue::Float32(Some(0.0)) => Some([0.0, -0.0].map(|zero| ScalarValue::Float32(Some(zero)))),
        _ => None,
    }
}

fn in_subquery(within: InSubquery, schema: &DFSchema) -> Result<InSubquery> {
    let InSubquery { mut expr, subquery, negated } = within;
    key(&mut expr, schema);
    let plan = Arc::unwrap_or_clone(subquery.subquery);
    let inner = Arc::clone(plan.schema());
    let columns = inner.columns().into_iter().map(|column| {
        let name = column.name.clone();
        let mut column = Expr::Column(column);
        if key(&mut column, &inner) { column.alias(name) } else { column }
    });
    let plan = LogicalPlanBuilder::from(plan).project(columns.collect::<Vec<_>>())?.build()?;
    Ok(InSubquery { expr, subquery: Subquery { subquery: Arc::new(plan), ..subquery }, negated })
}
