//! Casts in what aggregates and windows are given. DataFusion names a column after its expression without the
//! casts, and refuses two of one name: `sum(a), sum(a::float8)`.

use datafusion::{
    common::{
        Result,
        tree_node::{TreeNode, TreeNodeRecursion},
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

/// The expression under a name that tells its casts. It stays whole beneath: a key of the groups may be equal
/// to it.
fn named(expr: Expr) -> Result<Expr> {
    let mut has_cast = false;
    expr.apply(|part| {
        has_cast |= matches!(part, Expr::Cast(_) | Expr::TryCast(_));
        Ok(match part {
            _ if has_cast => TreeNodeRecursion::Stop,
            // An aggregate in the arguments of a window has its casts named already.
            Expr::Alias(_) => TreeNodeRecursion::Jump,
            _ => TreeNodeRecursion::Continue,
        })
    })?;
    if !has_cast {
        return Ok(expr);
    }
    let name = expr.to_string();
    Ok(expr.alias(name))
}
