//! Conditions that guard a division: in `d <> 0 AND n / d > 5` no row with `d = 0` may be divided. DataFusion computes
//! both sides of an `AND` for all rows of a batch, so the divisor is made NULL where a condition before it does not hold.
//! (A `CASE` around the whole condition would be simplified to an `AND` again.)

use datafusion::{
    common::{
        Result,
        tree_node::{Transformed, TreeNode},
    },
    logical_expr::{
        Case, Expr, Filter, LogicalPlan, Operator,
        utils::{conjunction, split_conjunction_owned},
    },
};

use crate::postgres::exprs::{has, has_subquery};

/// Puts the divisions of a WHERE behind the conditions before them.
pub(super) fn guard_divisions(node: LogicalPlan) -> Result<LogicalPlan> {
    let LogicalPlan::Filter(filter) = node else { return Ok(node) };
    let mut before: Vec<Expr> = Vec::new();
    let mut conditions = Vec::new();
    for condition in split_conjunction_owned(filter.predicate) {
        let guarded = if has(&condition, is_division) { conjunction(before.iter().cloned()) } else { None };
        if !has_subquery(&condition) && !condition.is_volatile() {
            before.push(condition.clone());
        }
        conditions.push(match guarded {
            Some(guard) => condition.transform_up(|expr| Ok(behind(expr, &guard)))?.data,
            None => condition,
        });
    }
    let Some(predicate) = conjunction(conditions) else {
        return Ok(filter.input.as_ref().clone());
    };
    Ok(LogicalPlan::Filter(Filter::try_new(predicate, filter.input)?))
}

/// A division whose divisor is NULL where the guard does not hold: whatever comes of it, such a row is left out.
fn behind(expr: Expr, guard: &Expr) -> Transformed<Expr> {
    if !is_division(&expr) {
        return Transformed::no(expr);
    }
    let Expr::BinaryExpr(mut division) = expr else { return Transformed::no(expr) };
    let divisor = std::mem::take(&mut *division.right);
    *division.right = Expr::Case(Case {
        expr: None,
        when_then_expr: vec![(Box::new(guard.clone()), Box::new(divisor))],
        else_expr: None,
    });
    Transformed::yes(Expr::BinaryExpr(division))
}

fn is_division(expr: &Expr) -> bool {
    matches!(expr, Expr::BinaryExpr(binary)
        if matches!(binary.op, Operator::Divide | Operator::Modulo)
            && !matches!(binary.right.as_ref(), Expr::Literal(..)))
}
