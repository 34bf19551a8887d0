//! Casts in what aggregates and windows are given. DataFusion names a column after its expression without the
//! casts, and refuses two of one name: `sum(a), sum(a::float8)`.

use datafusion::{
    common::{
        Result,
        tree_node::{Transformed, TreeNode, TreeNodeRecursion},
    },
    logical_expr::{
        Expr, SortExpr,
        planner::{RawAggregateExpr, RawWindowExpr},
    },
};

/// An aggregate whose name tells its casts.
pub(super) fn with_named_casts_of_aggregate(mut expr: RawAggregateExpr) -> Result<RawAggregateExpr> {
    expr.args = named_all(expr.args)?;
    expr.filter = match expr.filter {
        Some(filter) => Some(Box::new(named(*filter)?)),
        None => None,
    };
    expr.order_by = named_sorts(expr.order_by)?;
    Ok(expr)
}

/// A window whose name tells its casts.
pub(super) fn with_named_casts_of_window(mut expr: RawWindowExpr) -> Result<RawWindowExpr> {
    expr.args = named_all(expr.args)?;
    expr.filter = match expr.filter {
        Some(filter) => Some(Box::new(named(*filter)?)),
        None => None,
    };
    expr.partition_by = named_all(expr.partition_by)?;
    expr.order_by = named_sorts(expr.order_by)?;
    Ok(expr)
}

fn named_all(exprs: Vec<Expr>) -> Result<Vec<Expr>> {
    exprs.into_iter().map(named).collect()
}

fn named_sorts(sorts: Vec<SortExpr>) -> Result<Vec<SortExpr>> {
    let named = sorts.into_iter().map(|mut sort| {
        sort.expr = named(sort.expr)?;
        Ok(sort)
    });
    named.collect()
}

/// The expression with its casts, each under a name that tells the type.
fn named(expr: Expr) -> Result<Expr> {
    let named = expr.transform_down(|part| {
        Ok(match part {
            cast @ (Expr::Cast(_) | Expr::TryCast(_)) => {
                let name = cast.to_string();
                Transformed::new(cast.alias(name), true, TreeNodeRecursion::Jump)
            }
            // An aggregate in what a window is given has its casts named already.
            named @ Expr::Alias(_) => Transformed::new(named, false, TreeNodeRecursion::Jump),
            other => Transformed::no(other),
        })
    })?;
    Ok(named.data)
}
