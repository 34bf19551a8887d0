//! Arrays and rows that are compared: both sides get elements and fields of one type, where DataFusion would
//! have doubles and decimals meet in a `DECIMAL(30, 15)`.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::{
    common::{DFSchema, Result, tree_node::Transformed},
    logical_expr::{
        Between, BinaryExpr, Case, Expr, Join, Subquery,
        expr::{InList, InSubquery},
    },
};

use super::{
    common_types::{converted, unify},
    unions::with_types,
    widening::wider,
};
use crate::postgres::exprs::{is_comparison, type_of};

/// What a comparison is called in an error.
const COMPARISON: &str = "comparison";

/// Gives arrays and rows that are compared one type.
pub(super) fn coerce_expr(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let is_nested = |expr: &Expr| type_of(expr, schema).is_nested();
    Ok(match expr {
        Expr::BinaryExpr(BinaryExpr { mut left, op, mut right }) if is_comparison(op) && is_nested(&left) => {
            let changed = unify(COMPARISON, [left.as_mut(), right.as_mut()], schema)?;
            Transformed::new_transformed(Expr::BinaryExpr(BinaryExpr { left, op, right }), changed)
        }
        Expr::Between(Between { mut expr, negated, mut low, mut high }) if is_nested(&expr) => {
            let changed = unify(COMPARISON, [expr.as_mut(), low.as_mut(), high.as_mut()], schema)?;
            Transformed::new_transformed(Expr::Between(Between { expr, negated, low, high }), changed)
        }
        Expr::InList(InList { mut expr, mut list, negated }) if is_nested(&expr) => {
            let changed = unify("IN", std::iter::once(expr.as_mut()).chain(&mut list), schema)?;
            Transformed::new_transformed(Expr::InList(InList { expr, list, negated }), changed)
        }
        Expr::Case(Case { expr: Some(mut operand), mut when_then_expr, else_expr })
            if is_nested(&operand) =>
        {
            let whens = when_then_expr.iter_mut().map(|(when, _)| when.as_mut());
            let changed = unify("CASE/WHEN", std::iter::once(operand.as_mut()).chain(whens), schema)?;
            let case = Case { expr: Some(operand), when_then_expr, else_expr };
            Transformed::new_transformed(Expr::Case(case), changed)
        }
        Expr::InSubquery(within) if is_nested(&within.expr) => in_subquery(within, schema)?,
        expr => Transformed::no(expr),
    })
}

fn in_subquery(within: InSubquery, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let InSubquery { mut expr, subquery, negated } = within;
    let inner = subquery.subquery.schema().fields().first();
    let inner = inner.map_or(DataType::Null, |field| field.data_type().clone());
    let outer = type_of(&expr, schema);
    let Some(common) = wider("IN", &outer, &inner)?.filter(|_| inner != outer) else {
        return Ok(Transformed::no(Expr::InSubquery(InSubquery { expr, subquery, negated })));
    };
    if outer != common {
        *expr = converted(std::mem::take(expr.as_mut()), &common, schema)?;
    }
    let plan = with_types(Arc::clone(&subquery.subquery), &[Some(common)])?;
    let subquery = Subquery { subquery: plan, ..subquery };
    Ok(Transformed::yes(Expr::InSubquery(InSubquery { expr, subquery, negated })))
}

/// As [`coerce_expr`], for the keys of a join.
pub(super) fn coerce_join(mut join: Join) -> Result<Transformed<Join>> {
    let (left, right) = (Arc::clone(join.left.schema()), Arc::clone(join.right.schema()));
    let mut changed = false;
    for (one, other) in &mut join.on {
        let types = (type_of(one, &left), type_of(other, &right));
        if !types.0.is_nested() || types.0 == types.1 {
            continue;
        }
        let Some(common) = wider("JOIN", &types.0, &types.1)? else { continue };
        for (key, known, schema) in [(one, &types.0, &left), (other, &types.1, &right)] {
            if *known != common {
                *key = converted(std::mem::take(key), &common, schema)?;
                changed = true;
            }
        }
    }
    Ok(Transformed::new_transformed(join, changed))
}
