//! Expressions that are evaluated for some rows only: the branches of a `CASE`, the arguments of `coalesce`
//! behind the first, what an aggregate with a `FILTER` takes.
//!
//! | | DataFusion | here |
//! |---|---|---|
//! | `CASE WHEN a THEN b ELSE c END` of truth values | `a AND b OR NOT a AND c`, parts of which it moves elsewhere | `CASE TRUE WHEN a …`, which it leaves |
//! | `CASE WHEN a THEN 'x' … END = 'x'` | the same | the same |
//! | `sum(b) FILTER (WHERE a)` | computes `b` for all rows | `sum(CASE WHEN a THEN b END)` of these rows |
//!
//! What cannot fail stays as it is. `AND` and `OR` are evaluated from left to right by
//! `physical::short_circuit`, but in a `FILTER`, whose condition becomes a `CASE` as well.

use arrow::datatypes::DataType;
use datafusion::{
    common::{DFSchema, tree_node::Transformed},
    logical_expr::{BinaryExpr, Case, Expr, Operator, expr::Sort, lit},
};

use crate::postgres::exprs::{has_subquery, may_fail, type_of};

/// The expression with its guards.
pub(super) fn held(expr: Expr, schema: &DFSchema) -> Transformed<Expr> {
    match expr {
        Expr::Case(case) if loses_guards(&case, schema) => {
            Transformed::yes(Expr::Case(Case { expr: Some(Box::new(lit(true))), ..case }))
        }
        Expr::AggregateFunction(mut call) => {
            let params = &mut call.params;
            let is_changed = filtered(&mut params.args, &mut params.order_by, &mut params.filter);
            Transformed::new_transformed(Expr::AggregateFunction(call), is_changed)
        }
        Expr::WindowFunction(mut call) => {
            // The order is that of the window, which rows that are left out are part of.
            let is_changed = filtered(&mut call.params.args, &mut [], &mut call.params.filter);
            Transformed::new_transformed(Expr::WindowFunction(call), is_changed)
        }
        expr => Transformed::no(expr),
    }
}

/// Whether DataFusion may make an `AND` of a `CASE` with parts that may fail where they are not reached. Of
/// other values than truth values it does where all are constants, which it compares with another one.
fn loses_guards(case: &Case, schema: &DFSchema) -> bool {
    if case.expr.is_some() {
        return false;
    }
    let later_conditions = case.when_then_expr.iter().skip(1).map(|(when, _)| when);
    let answers = case.when_then_expr.iter().map(|(_, then)| then).chain(&case.else_expr);
    later_conditions.into_iter().any(|condition| may_fail(condition))
        || answers.clone().any(|answer| may_fail(answer))
            && answers.into_iter().any(|answer| type_of(answer, schema) == DataType::Boolean)
}

/// Guards what an aggregate takes by its filter; whether that changed something.
fn filtered(args: &mut [Expr], order_by: &mut [Sort], filter: &mut Option<Box<Expr>>) -> bool {
    let Some(condition) = filter else { return false };
    let mut is_changed = ordered(condition);
    if condition.is_volatile() || has_subquery(condition) {
        return is_changed;
    }
    let keys = order_by.iter_mut().map(|key| &mut key.expr);
    for taken in args.iter_mut().chain(keys).filter(|taken| may_fail(taken)) {
        *taken = Expr::Case(case(condition, std::mem::take(taken), None));
        is_changed = true;
    }
    is_changed
}

/// Makes a condition, of which NULL is as good as false, one that is evaluated from left to right.
fn ordered(condition: &mut Expr) -> bool {
    let Expr::BinaryExpr(BinaryExpr { left, op: op @ (Operator::And | Operator::Or), right }) = condition
    else {
        return false;
    };
    let is_changed = ordered(left) | ordered(right);
    if !may_fail(right) {
        return is_changed;
    }
    let (left, right) = (std::mem::take(left.as_mut()), std::mem::take(right.as_mut()));
    *condition = Expr::Case(match op {
        Operator::And => case(&left, right, Some(lit(false))),
        _ => case(&left, lit(true), Some(right)),
    });
    true
}

/// A `CASE` that stays one.
fn case(condition: &Expr, then: Expr, otherwise: Option<Expr>) -> Case {
    Case {
        expr: Some(Box::new(lit(true))),
        when_then_expr: vec![(Box::new(condition.clone()), Box::new(then))],
        else_expr: otherwise.map(Box::new),
    }
}
