//! Windows that are equal once their constants are folded: `lag(a, 1)` and `lag(a, 1 + 0)`.
//!
//! DataFusion computes what two expressions share in a projection below, and no projection computes a window.
//! Each of them is computed once here, and its column shown under both names.

use std::sync::Arc;

use datafusion::{
    common::{Column, Result, tree_node::Transformed},
    logical_expr::{Expr, LogicalPlan, Projection, Window},
    optimizer::{ApplyOrder, OptimizerConfig, OptimizerRule},
};

/// Computes equal windows once.
#[derive(Debug)]
pub(super) struct EqualWindows;

impl OptimizerRule for EqualWindows {
    fn name(&self) -> &'static str {
        "equal_windows"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        Some(ApplyOrder::BottomUp)
    }

    fn supports_rewrite(&self) -> bool {
        true
    }

    fn rewrite(&self, plan: LogicalPlan, _: &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>> {
        match plan {
            LogicalPlan::Window(window) => with_one_of_each(window),
            plan => Ok(Transformed::no(plan)),
        }
    }
}

/// The window without expressions that it, or one right below it, computes already.
fn with_one_of_each(window: Window) -> Result<Transformed<LogicalPlan>> {
    let mut known = Vec::new();
    let mut below = window.input.as_ref();
    while let LogicalPlan::Window(other) = below {
        known.extend(computed(other));
        below = &other.input;
    }
    let mut items: Vec<Expr> = window.input.schema().columns().into_iter().map(Expr::Column).collect();
    let mut kept = Vec::with_capacity(window.window_expr.len());
    for ((expr, column), written) in computed(&window).zip(&window.window_expr) {
        match known.iter().find(|(other, _)| *other == expr) {
            Some((_, first)) if !expr.is_volatile() => {
                items.push(Expr::Column(first.clone()).alias_qualified(column.relation, column.name));
            }
            _ => {
                items.push(Expr::Column(column.clone()));
                kept.push(written.clone());
                known.push((expr, column));
            }
        }
    }
    if kept.len() == window.window_expr.len() {
        return Ok(Transformed::no(LogicalPlan::Window(window)));
    }
    let computed = if kept.is_empty() {
        window.input
    } else {
        Arc::new(LogicalPlan::Window(Window::try_new(kept, window.input)?))
    };
    Ok(Transformed::yes(LogicalPlan::Projection(Projection::try_new(items, computed)?)))
}

/// The expressions of a window, each with the column that it makes.
fn computed(window: &Window) -> impl Iterator<Item = (Expr, Column)> {
    let before = window.input.schema().fields().len();
    let columns = window.schema.columns().into_iter().skip(before);
    window.window_expr.iter().map(|expr| expr.clone().unalias()).zip(columns).collect::<Vec<_>>().into_iter()
}
