//! A `CASE` of many branches whose answers are constants, as one inside the `ELSE` of another.
//!
//! DataFusion moves a comparison with a constant into the branches, `CASE WHEN c THEN 'a' … END = 'a'`, and
//! writes the truth values that it finds there out with every condition before them: the time grew with the
//! third power of the branches. Of a short one it does that alone, and the answers are the same: a branch is
//! reached where none before it was.

use datafusion::sql::sqlparser::ast::{CaseWhen, Expr};

/// Branches of one `CASE`.
const BRANCHES_MAX: usize = 32;

/// Parts a long `CASE`.
pub(super) fn part_long_case(expr: &mut Expr) {
    let Expr::Case { operand: None, conditions, else_result, .. } = expr else { return };
    if conditions.len() <= BRANCHES_MAX || !conditions.iter().all(|branch| is_constant(&branch.result)) {
        return;
    }
    let first = BRANCHES_MAX.min(conditions.len());
    let mut rest: Vec<CaseWhen> = conditions.split_off(first);
    let mut last = else_result.take();
    while !rest.is_empty() {
        let at = (rest.len() - 1) / BRANCHES_MAX * BRANCHES_MAX;
        let part = rest.split_off(at);
        let Expr::Case { case_token, end_token, .. } = &*expr else { return };
        last = Some(Box::new(Expr::Case {
            case_token: case_token.clone(),
            end_token: end_token.clone(),
            operand: None,
            conditions: part,
            else_result: last,
        }));
    }
    if let Expr::Case { else_result, .. } = expr {
        *else_result = last;
    }
}

/// A literal, whatever it is cast to.
pub(super) fn is_constant(expr: &Expr) -> bool {
    match expr {
        Expr::Value(_) | Expr::TypedString(_) => true,
        Expr::UnaryOp { expr, .. } | Expr::Cast { expr, .. } | Expr::Nested(expr) => is_constant(expr),
        _ => false,
    }
}
