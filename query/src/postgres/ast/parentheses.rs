//! Parentheses around queries and around what they sort and group by, which mean nothing:
//! `(SELECT a FROM t LIMIT 2) ORDER BY b` is one query with both clauses.

use sqlparser::ast::{Distinct, Expr, GroupByExpr, LimitClause, OrderByKind, Query, SetExpr};

use super::made_queries::nothing;
use crate::error::{Error, Result};

/// Takes away the parentheses around the body of a query and around whole expressions that it is sorted and
/// grouped by.
///
/// # Errors
/// 42601 where a clause stands inside and outside.
pub(super) fn open_parentheses(query: &mut Query) -> Result<()> {
    while let SetExpr::Query(inner) = query.body.as_mut() {
        if query.order_by.is_some() && inner.order_by.is_some() {
            return Err(Error::syntax("multiple ORDER BY clauses not allowed"));
        }
        if query.with.is_some() && inner.with.is_some() {
            return Err(Error::syntax("multiple WITH clauses not allowed"));
        }
        query.limit_clause = limits(query.limit_clause.take(), inner.limit_clause.take())?;
        let limited = matches!(&query.limit_clause, Some(LimitClause::LimitOffset { limit: Some(_), .. }));
        if inner.fetch.is_some() && (query.fetch.is_some() || limited) || query.fetch.is_some() && limited {
            return Err(Error::syntax("multiple LIMIT clauses not allowed"));
        }
        query.order_by = query.order_by.take().or_else(|| inner.order_by.take());
        query.with = query.with.take().or_else(|| inner.with.take());
        query.fetch = query.fetch.take().or_else(|| inner.fetch.take());
        query.locks.append(&mut inner.locks);
        let body = std::mem::replace(&mut inner.body, Box::new(nothing()));
        query.body = body;
    }
    if let Some(order) = &mut query.order_by
        && let OrderByKind::Expressions(exprs) = &mut order.kind
    {
        for ordered in exprs {
            open(&mut ordered.expr);
        }
    }
    if let SetExpr::Select(select) = query.body.as_mut() {
        if let GroupByExpr::Expressions(groups, _) = &mut select.group_by {
            groups.iter_mut().for_each(open);
        }
        if let Some(Distinct::On(exprs)) = &mut select.distinct {
            exprs.iter_mut().for_each(open);
        }
    }
    Ok(())
}

fn limits(outer: Option<LimitClause>, inner: Option<LimitClause>) -> Result<Option<LimitClause>> {
    use LimitClause::LimitOffset;
    let twice = |clause| Error::syntax(format!("multiple {clause} clauses not allowed"));
    match (outer, inner) {
        (
            Some(LimitOffset { limit: outer_limit, offset: outer_offset, limit_by }),
            Some(LimitOffset { limit, offset, .. }),
        ) => {
            if outer_limit.is_some() && limit.is_some() {
                return Err(twice("LIMIT"));
            }
            if outer_offset.is_some() && offset.is_some() {
                return Err(twice("OFFSET"));
            }
            let (limit, offset) = (outer_limit.or(limit), outer_offset.or(offset));
            Ok(Some(LimitOffset { limit, offset, limit_by }))
        }
        (Some(_), Some(_)) => Err(twice("LIMIT")),
        (outer, inner) => Ok(outer.or(inner)),
    }
}

fn open(expr: &mut Expr) {
    while let Expr::Nested(inner) = expr {
        *expr = std::mem::replace(inner, Expr::Tuple(Vec::new()));
    }
}
