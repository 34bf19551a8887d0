//! `SELECT DISTINCT ON`: positions in it, and its expressions in the order that `ORDER BY` has them in.
//! DataFusion wants both lists to begin alike, where Postgres wants the first keys of `ORDER BY` to be among
//! the expressions, and takes a number for a constant.

use sqlparser::ast::{Distinct, Expr, OrderByKind, Query, SelectItem, SetExpr, Value, ValueWithSpan};

use crate::error::{Error, Result, SqlState};

/// Arranges the `DISTINCT ON` of a query.
///
/// # Errors
///
/// 42P10 for a position that is not in the select list.
pub(super) fn arrange(query: &mut Query) -> Result<()> {
    let SetExpr::Select(select) = query.body.as_mut() else { return Ok(()) };
    let items = &select.projection;
    let Some(Distinct::On(exprs)) = &mut select.distinct else { return Ok(()) };
    for expr in exprs.iter_mut() {
        let Some(position) = position(expr) else { continue };
        match position.checked_sub(1).and_then(|index| items.get(index)) {
            Some(SelectItem::UnnamedExpr(item) | SelectItem::ExprWithAlias { expr: item, .. }) => {
                *expr = item.clone();
            }
            Some(_) => {}
            None => {
                let message = format!("DISTINCT ON position {position} is not in the select list");
                return Err(Error::new(SqlState::InvalidColumnReference, message));
            }
        }
    }
    let Some(OrderByKind::Expressions(keys)) = query.order_by.as_mut().map(|order| &mut order.kind) else {
        return Ok(());
    };
    for (at, key) in keys.iter_mut().enumerate().take(exprs.len()) {
        let meant = meant(&key.expr, items);
        let Some(found) = (at..exprs.len()).find(|other| self::meant(&exprs[*other], items) == meant) else {
            break;
        };
        exprs[at..=found].rotate_right(1);
        key.expr = exprs[at].clone();
    }
    Ok(())
}

/// The expression that a key stands for: one of the select list by its position, or by its name.
fn meant<'e>(key: &'e Expr, items: &'e [SelectItem]) -> &'e Expr {
    if let Some(position) = position(key)
        && let Some(SelectItem::UnnamedExpr(item) | SelectItem::ExprWithAlias { expr: item, .. }) =
            position.checked_sub(1).and_then(|index| items.get(index))
    {
        return item;
    }
    let Expr::Identifier(name) = key else { return key };
    let named = items.iter().find_map(|item| match item {
        SelectItem::ExprWithAlias { expr, alias } if alias == name => Some(expr),
        _ => None,
    });
    named.unwrap_or(key)
}

fn position(expr: &Expr) -> Option<usize> {
    match expr {
        Expr::Value(ValueWithSpan { value: Value::Number(digits, _), .. }) => digits.parse().ok(),
        _ => None,
    }
}
