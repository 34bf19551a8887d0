//! Names that mean columns of the tables where DataFusion looks for them in the select list first.
//!
//! | in | a bare name means | a name in an expression means |
//! |---|---|---|
//! | `ORDER BY`, `DISTINCT ON` | the column of the select list, or else of the tables | a column of the tables |
//! | `GROUP BY` | a column of the tables, or else of the select list | a column of the tables |
//! | `HAVING` | a column of the tables | a column of the tables |
//! | `ORDER BY` of a set operation | its column | is refused |
//!
//! A column of the select list that could be taken for what is meant loses its name until the query is done:
//! it is marked, and where the name is needed outside, a query around this one takes the mark away.

use std::ops::ControlFlow;

use sqlparser::ast::{
    self, Distinct, Expr, GroupByExpr, Ident, OrderByExpr, OrderByKind, Query, Select, SelectItem, SetExpr,
    Statement, VisitMut, VisitorMut,
};

use super::{
    item_names::is_column,
    made_queries::{all_of, derived, nothing, plain_query},
    scope::{NameScope, StoredColumns},
};
use crate::{
    error::{Error, Result, SqlState, position},
    names::internal::{UNMARKED_QUERY, is_marked, marked},
    parse::folded_ident,
};

/// Keeps the columns of every select list from names that mean columns of its tables.
pub(crate) fn keep_input_names(statement: &mut Statement, stored: &dyn StoredColumns) -> Result<()> {
    match statement.visit(&mut InputNames { scope: NameScope::new(stored), depth: 0 }) {
        ControlFlow::Break(error) => Err(error),
        ControlFlow::Continue(()) => Ok(()),
    }
}

struct InputNames<'s> {
    scope: NameScope<'s>,
    /// Queries around the place.
    depth: usize,
}

impl VisitorMut for InputNames<'_> {
    type Break = Error;

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<Error> {
        self.scope.enter(query);
        self.depth += 1;
        let sorts: &mut [OrderByExpr] = match &mut query.order_by {
            Some(ast::OrderBy { kind: OrderByKind::Expressions(sorts), .. }) => sorts,
            _ => &mut [],
        };
        match query.body.as_mut() {
            SetExpr::Select(select) => {
                write_out_positions(select);
                // Names of the outermost query are shown without marks.
                if self.hide_items(select, sorts) && self.depth > 1 {
                    let marked = std::mem::replace(query, plain_query(nothing()));
                    *query = unmarked(marked);
                }
            }
            SetExpr::SetOperation { .. } => {
                if let Err(error) = self.check_sorts(&query.body, sorts) {
                    return ControlFlow::Break(error);
                }
                self.hide_in_operands(&mut query.body);
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _query: &mut Query) -> ControlFlow<Error> {
        self.depth -= 1;
        self.scope.leave();
        ControlFlow::Continue(())
    }
}

impl InputNames<'_> {
    fn hide_in_operands(&mut self, body: &mut SetExpr) {
        let hidden = match body {
            SetExpr::SetOperation { left, right, .. } => {
                self.hide_in_operands(left);
                self.hide_in_operands(right);
                false
            }
            SetExpr::Select(select) => self.hide_items(select, &mut []),
            _ => false,
        };
        if hidden {
            let marked = plain_query(std::mem::replace(body, nothing()));
            *body = SetExpr::Query(Box::new(unmarked(marked)));
        }
    }

    /// Puts numbers of the select list in the place of their names in `GROUP BY`, where DataFusion takes them
    /// for positions.
    fn write_out_numbers(&mut self, select: &mut Select) {
        let numbers: Vec<(String, Expr)> = select
            .projection
            .iter()
            .filter_map(|item| match item {
                SelectItem::ExprWithAlias { expr, alias } if is_number(expr) => {
                    Some((folded_ident(alias), expr.clone()))
                }
                _ => None,
            })
            .collect();
        if numbers.is_empty() {
            return;
        }
        let tables = self.scope.columns_of_from(select);
        for group in groups_mut(&mut select.group_by) {
            let Expr::Identifier(ident) = group else { continue };
            let name = folded_ident(ident);
            if let Some((_, item)) = numbers.iter().find(|(number, _)| *number == name)
                && tables.as_ref().is_some_and(|tables| !tables.contains(&name))
            {
                *group = no_position(item.clone());
            }
        }
    }

    /// Marks the items whose names stand for columns of the tables, and says whether there are any.
    fn hide_items(&mut self, select: &mut Select, sorts: &mut [OrderByExpr]) -> bool {
        self.write_out_numbers(select);
        let mut names = Vec::new();
        let sorted_by = sorts.iter().map(|ordered| &ordered.expr);
        for expr in sorted_by.chain(distinct_on(select)).chain(groups(&select.group_by)) {
            if !matches!(expr, Expr::Identifier(_) | Expr::Value(_)) {
                names_in(expr, &mut names);
            }
        }
        if let Some(condition) = &select.having {
            names_in(condition, &mut names);
        }
        if names.is_empty() {
            return false;
        }
        let mut hidden = Vec::new();
        for (index, item) in select.projection.iter_mut().enumerate() {
            let SelectItem::ExprWithAlias { expr, alias } = item else { continue };
            let name = folded_ident(alias);
            if is_marked(&name) || !names.contains(&name) || is_column_named(expr, &name) {
                continue;
            }
            let mark = Ident::with_quote('"', marked(&name, index));
            hidden.push((name, mark.clone(), expr.clone()));
            *alias = mark;
        }
        if hidden.is_empty() {
            return false;
        }
        let hidden_as = |expr: &Expr| match expr {
            Expr::Identifier(ident) => {
                let name = folded_ident(ident);
                hidden.iter().find(|(hidden, ..)| *hidden == name)
            }
            _ => None,
        };
        let tables = self.scope.columns_of_from(select);
        let mut sorted_by: Vec<&mut Expr> = sorts.iter_mut().map(|ordered| &mut ordered.expr).collect();
        if let Some(Distinct::On(exprs)) = &mut select.distinct {
            sorted_by.extend(exprs);
        }
        for expr in sorted_by {
            if let Some((_, mark, _)) = hidden_as(expr) {
                *expr = Expr::Identifier(mark.clone());
            }
        }
        for group in groups_mut(&mut select.group_by) {
            if let Some((name, _, item)) = hidden_as(group)
                && tables.as_ref().is_some_and(|tables| !tables.contains(name))
            {
                *group = no_position(item.clone());
            }
        }
        true
    }

    fn check_sorts(&mut self, body: &SetExpr, sorts: &[OrderByExpr]) -> Result<()> {
        if sorts.is_empty() {
            return Ok(());
        }
        let columns = self.scope.columns_of_body(body);
        for ordered in sorts {
            match &ordered.expr {
                Expr::Value(_) => {}
                Expr::Identifier(ident) => {
                    let name = folded_ident(ident);
                    if columns.as_ref().is_some_and(|columns| !columns.contains(&name)) {
                        let known = columns.iter().flatten().map(String::as_str);
                        return Err(Error::no_column(&name, known)
                            .at(position(ident.span.start.line, ident.span.start.column)));
                    }
                }
                Expr::CompoundIdentifier(parts) => {
                    let table = parts.iter().rev().nth(1).map(folded_ident).unwrap_or_default();
                    return Err(Error::new(
                        SqlState::UndefinedTable,
                        format!("a set operation is not sorted by columns of {table}"),
                    )
                    .with_hint("name a column of its first query"));
                }
                _ => {
                    return Err(Error::unsupported("a set operation that is sorted by an expression")
                        .with_hint("SELECT * FROM (…) AS x ORDER BY …"));
                }
            }
        }
        Ok(())
    }
}

/// A key of groups that is not taken for a position: a number is written as a sum.
fn no_position(item: Expr) -> Expr {
    if !is_number(&item) {
        return item;
    }
    let zero = Expr::value(ast::Value::Number("0".to_owned(), false));
    Expr::BinaryOp { left: Box::new(item), op: ast::BinaryOperator::Plus, right: Box::new(zero) }
}

/// Whether an expression is a number as it is written, maybe with a sign.
fn is_number(expr: &Expr) -> bool {
    match expr {
        Expr::Value(value) => matches!(value.value, ast::Value::Number(..)),
        Expr::UnaryOp { expr, .. } => is_number(expr),
        _ => false,
    }
}

/// A query whose columns have the names without marks.
fn unmarked(query: Query) -> Query {
    all_of(derived(query, Ident::with_quote('"', UNMARKED_QUERY)))
}

/// Puts columns of the select list in the place of their positions in `DISTINCT ON`, which DataFusion takes
/// for constants.
fn write_out_positions(select: &mut Select) {
    let Some(Distinct::On(exprs)) = &mut select.distinct else { return };
    for expr in exprs {
        let Some(index) = position_of(expr) else { continue };
        let Some(items) = select.projection.get(..=index) else { continue };
        if let Some(mut items) = items.iter().map(item_of).collect::<Option<Vec<_>>>() {
            *expr = items.swap_remove(index);
        }
    }
}

/// The name by which a column of the select list is found, or the column of a table that it is.
fn item_of(item: &SelectItem) -> Option<Expr> {
    match item {
        SelectItem::UnnamedExpr(expr) => Some(expr.clone()),
        SelectItem::ExprWithAlias { alias, .. } => Some(Expr::Identifier(alias.clone())),
        _ => None,
    }
}

/// The place of the column whose position is written.
fn position_of(expr: &Expr) -> Option<usize> {
    let Expr::Value(value) = expr else { return None };
    let ast::Value::Number(digits, _) = &value.value else { return None };
    digits.parse::<usize>().ok()?.checked_sub(1)
}

fn distinct_on(select: &Select) -> impl Iterator<Item = &Expr> {
    let exprs = match &select.distinct {
        Some(Distinct::On(exprs)) => exprs.as_slice(),
        _ => &[],
    };
    exprs.iter()
}

/// The expressions of a `GROUP BY`, also those in grouping sets.
fn groups(group_by: &GroupByExpr) -> Vec<&Expr> {
    let GroupByExpr::Expressions(exprs, _) = group_by else { return Vec::new() };
    exprs
        .iter()
        .flat_map(|expr| match expr {
            Expr::GroupingSets(sets) | Expr::Cube(sets) | Expr::Rollup(sets) => {
                sets.iter().flatten().collect::<Vec<_>>()
            }
            expr => vec![expr],
        })
        .collect()
}

fn groups_mut(group_by: &mut GroupByExpr) -> Vec<&mut Expr> {
    let GroupByExpr::Expressions(exprs, _) = group_by else { return Vec::new() };
    exprs
        .iter_mut()
        .flat_map(|expr| match expr {
            Expr::GroupingSets(sets) | Expr::Cube(sets) | Expr::Rollup(sets) => {
                sets.iter_mut().flatten().collect::<Vec<_>>()
            }
            expr => vec![expr],
        })
        .collect()
}

/// Adds the names of the columns in an expression.
fn names_in(expr: &Expr, names: &mut Vec<String>) {
    let _ = ast::visit_expressions(expr, |expr| {
        match expr {
            Expr::Identifier(ident) => names.push(folded_ident(ident)),
            Expr::CompoundIdentifier(parts) => names.extend(parts.last().map(folded_ident)),
            _ => {}
        }
        ControlFlow::<()>::Continue(())
    });
}

fn is_column_named(expr: &Expr, name: &str) -> bool {
    let last = match expr {
        Expr::Identifier(ident) => Some(ident),
        Expr::CompoundIdentifier(parts) => parts.last(),
        _ => None,
    };
    is_column(expr) && last.is_some_and(|ident| folded_ident(ident) == name)
}
