//! `IS TRUE`, `IS NOT FALSE` and the like, written as the comparisons that they are run as.
//!
//! The planner takes them for never NULL, the operators for NULL where their operand may be, and the plan
//! fails on the difference.

use datafusion::{
    common::tree_node::Transformed,
    logical_expr::{Expr, Operator, binary_expr, lit},
};

/// The comparison that a test of truth stands for.
pub(super) fn compared(expr: Expr) -> Transformed<Expr> {
    use Operator::{IsDistinctFrom, IsNotDistinctFrom};
    let compared = |operand: Box<Expr>, op, value| Transformed::yes(binary_expr(*operand, op, lit(value)));
    match expr {
        Expr::IsTrue(operand) => compared(operand, IsNotDistinctFrom, true),
        Expr::IsNotTrue(operand) => compared(operand, IsDistinctFrom, true),
        Expr::IsFalse(operand) => compared(operand, IsNotDistinctFrom, false),
        Expr::IsNotFalse(operand) => compared(operand, IsDistinctFrom, false),
        Expr::IsUnknown(operand) => Transformed::yes(Expr::IsNull(operand)),
        Expr::IsNotUnknown(operand) => Transformed::yes(Expr::IsNotNull(operand)),
        other => Transformed::no(other),
    }
}
