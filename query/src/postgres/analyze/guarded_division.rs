//! Conditions that guard a division: in `d <> 0 AND n / d > 5` no row with `d = 0` may be divided. DataFusion
//! computes both sides of an `AND` for all rows of a batch, so the divisor is made NULL where a condition
//! before it does not hold. (A `CASE` around the whole condition would be simplified to an `AND` again.)

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

use crate::postgres::{
    exprs::{has, has_subquery},
    functions::operators_of,
};

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

/// A division whose divisor is NULL where the guard does not hold: whatever comes of it, such a row is left
/// out.
fn behind(expr: Expr, guard: &Expr) -> Transformed<Expr> {
    if !is_division(&expr) {
        return Transformed::no(expr);
    }
    let guarded = |divisor: &mut Expr| {
        *divisor = Expr::Case(Case {
            expr: None,
            when_then_expr: vec![(Box::new(guard.clone()), Box::new(std::mem::take(divisor)))],
            else_expr: None,
        });
    };
    match expr {
        Expr::BinaryExpr(mut division) => {
            guarded(&mut division.right);
            Transformed::yes(Expr::BinaryExpr(division))
        }
        Expr::ScalarFunction(mut chain) => {
            let ops = operators_of(&chain).unwrap_or_default().to_vec();
            let operands = chain.args.iter_mut().skip(1);
            operands.zip(ops).filter(|(arg, op)| divides(*op, arg)).for_each(|(arg, _)| guarded(arg));
            Transformed::yes(Expr::ScalarFunction(chain))
        }
        expr => Transformed::no(expr),
    }
}

fn is_division(expr: &Expr) -> bool {
    match expr {
        Expr::BinaryExpr(binary) => divides(binary.op, &binary.right),
        Expr::ScalarFunction(call) => operators_of(call)
            .is_some_and(|ops| ops.iter().zip(call.args.iter().skip(1)).any(|(op, arg)| divides(*op, arg))),
        _ => false,
    }
}

/// Division by what may be zero.
fn divides(op: Operator, divisor: &Expr) -> bool {
    matches!(op, Operator::Divide | Operator::Modulo) && !matches!(divisor, Expr::Literal(..))
}
