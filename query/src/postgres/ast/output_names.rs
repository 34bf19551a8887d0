//! Names of a query's columns, as Postgres gives them.
//!
//! DataFusion names a column after its whole expression, in its own words, and refuses two columns of one
//! name. Here every item of every select list gets its name before planning: the one that is written, the
//! column's, the function's, or `?column?`. Of columns that share a name, all but equal ones get a mark
//! behind it, which keeps them apart inside and is cut off where names are shown.
//!
//! 1. A name with a mark is never found by what the user writes: a reference to one of several columns is
//!    ambiguous.
//! 2. `ORDER BY` means a column of the select list where it names one or repeats its expression.

use std::ops::ControlFlow;

use arrow::datatypes::{Schema, SchemaRef};
use datafusion::{
    common::Column,
    logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder},
};
use sqlparser::ast::{
    self, Expr as SqlExpr, Ident, OrderByKind, Query, Select, SelectItem, SetExpr, VisitMut, VisitorMut,
};

use super::{
    grouping::write_out_groups,
    item_names::{is_column, name_of},
    parentheses::open_parentheses,
    scope::{NameScope, StoredColumns},
};
use crate::{
    error::{Error, Result, SqlState},
    names::internal::{is_marked, marked, shown_name},
    parse::folded_ident,
};

/// A schema with the names that users see.
pub(crate) fn shown_schema(schema: &Schema) -> SchemaRef {
    let fields = schema.fields().iter();
    let fields = fields.map(|field| field.as_ref().clone().with_name(shown_name(field.name())));
    Schema::new_with_metadata(fields.collect::<Vec<_>>(), schema.metadata().clone()).into()
}

/// The plan with its columns under the names that users see, where each has one of its own.
pub(crate) fn with_shown_names(plan: LogicalPlan) -> datafusion::common::Result<LogicalPlan> {
    let columns = plan.schema().columns();
    if columns.iter().all(|column| shown_name(&column.name) == column.name) {
        return Ok(plan);
    }
    let exprs = columns.into_iter().map(|column| {
        let name = shown_name(&column.name).to_owned();
        Expr::Column(column).alias(name)
    });
    let exprs: Vec<Expr> = exprs.collect();
    LogicalPlanBuilder::from(plan).project(exprs)?.build()
}

/// The rows of a derived table: names that several of its columns have are marked, all others are not.
pub(crate) fn with_distinct_names(plan: LogicalPlan) -> datafusion::common::Result<LogicalPlan> {
    let columns: Vec<Column> = plan.schema().columns();
    let name = |column: &Column| {
        let shown = shown_name(&column.name);
        let count = columns.iter().filter(|other| shown_name(&other.name) == shown).count();
        (count == 1).then(|| shown.to_owned())
    };
    let names: Vec<Option<String>> = columns.iter().map(name).collect();
    let as_it_is =
        |(column, name): (&Column, &Option<String>)| name.as_ref().is_some_and(|name| *name == column.name);
    if columns.iter().zip(&names).all(as_it_is) {
        return Ok(plan);
    }
    let exprs = columns.iter().zip(names).enumerate().map(|(index, (column, name))| {
        let expr = Expr::Column(column.clone());
        match name {
            Some(name) if name == column.name => expr,
            Some(name) => expr.alias(name),
            None => expr.alias(marked(shown_name(&column.name), index)),
        }
    });
    let exprs: Vec<Expr> = exprs.collect();
    LogicalPlanBuilder::from(plan).project(exprs)?.build()
}

/// Names every item of every select list of a statement.
pub(crate) fn name_columns(statement: &mut ast::Statement, stored: &dyn StoredColumns) -> Result<()> {
    match statement.visit(&mut Namer { scope: NameScope::new(stored) }) {
        ControlFlow::Break(error) => Err(error),
        ControlFlow::Continue(()) => Ok(()),
    }
}

struct Namer<'s> {
    scope: NameScope<'s>,
}

impl VisitorMut for Namer<'_> {
    type Break = Error;

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<Error> {
        if let Err(error) = open_parentheses(query) {
            return ControlFlow::Break(error);
        }
        self.scope.enter(query);
        if let SetExpr::Select(select) = query.body.as_mut()
            && let Some(order) = &mut query.order_by
            && let OrderByKind::Expressions(exprs) = &mut order.kind
        {
            let items = named_items(select, &mut self.scope);
            for ordered in exprs {
                match position_in(items.as_deref(), &ordered.expr) {
                    Ok(Some(position)) => {
                        let number = ast::Value::Number((position + 1).to_string(), false);
                        ordered.expr = SqlExpr::value(number);
                    }
                    Ok(None) => {}
                    Err(error) => return ControlFlow::Break(error),
                }
            }
        }
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _query: &mut Query) -> ControlFlow<Error> {
        self.scope.leave();
        ControlFlow::Continue(())
    }

    fn post_visit_select(&mut self, select: &mut Select) -> ControlFlow<Error> {
        if let Err(error) = write_out_groups(select) {
            return ControlFlow::Break(error);
        }
        name_items(select, &mut self.scope);
        ControlFlow::Continue(())
    }
}

/// A column of a select list: its name, and its expression unless a wildcard stands for it.
type NamedItem<'s> = (String, Option<&'s SqlExpr>);

/// The columns of a select list; none where they are not known.
fn named_items<'s>(select: &'s Select, scope: &mut NameScope<'_>) -> Option<Vec<NamedItem<'s>>> {
    let mut items = Vec::with_capacity(select.projection.len());
    let is_wildcard =
        |item: &SelectItem| matches!(item, SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..));
    if select.projection.iter().all(is_wildcard) {
        return None;
    }
    for item in &select.projection {
        match item {
            SelectItem::UnnamedExpr(expr) => items.push((name_of(expr), Some(expr))),
            SelectItem::ExprWithAlias { expr, alias } => items.push((folded_ident(alias), Some(expr))),
            wildcard => {
                let columns = scope.columns_of_wildcard(select, wildcard)?;
                items.extend(columns.into_iter().map(|name| (name, None)));
            }
        }
    }
    Some(items)
}

/// The column of the select list that an `ORDER BY` means: the one it names, or the one it repeats.
fn position_in(items: Option<&[NamedItem<'_>]>, ordered: &SqlExpr) -> Result<Option<usize>> {
    let Some(items) = items else { return Ok(None) };
    if let SqlExpr::Identifier(ident) = ordered {
        let name = folded_ident(ident);
        let named: Vec<usize> = (0..items.len()).filter(|&index| items[index].0 == name).collect();
        let Some(&first) = named.first() else { return Ok(None) };
        let same = |index: &usize| match (items[*index].1, items[first].1) {
            (Some(one), Some(other)) => one == other,
            (Some(expr), None) | (None, Some(expr)) => is_column(expr),
            (None, None) => *index == first,
        };
        if !named.iter().all(same) {
            return Err(Error::new(
                SqlState::AmbiguousColumn,
                format!("ORDER BY {name} is ambiguous: several columns have this name"),
            )
            .with_hint("write the column's number, or give the columns other names")
            .at(crate::error::position(ident.span.start.line, ident.span.start.column)));
        }
        return Ok(Some(first));
    }
    if matches!(ordered, SqlExpr::Value(_)) {
        return Ok(None);
    }
    Ok(items.iter().position(|(_, expr)| *expr == Some(ordered)))
}

/// Names the items of a select list.
fn name_items(select: &mut Select, scope: &mut NameScope<'_>) {
    let in_wildcard = wildcard_names(select, scope);
    let items: Vec<Option<(String, bool, SqlExpr)>> = select
        .projection
        .iter()
        .map(|item| match item {
            SelectItem::UnnamedExpr(expr) => Some((name_of(expr), false, expr.clone())),
            SelectItem::ExprWithAlias { expr, alias } => Some((folded_ident(alias), true, expr.clone())),
            _ => None,
        })
        .collect();
    for (index, item) in select.projection.iter_mut().enumerate() {
        let Some((name, written, expr)) = &items[index] else { continue };
        let others = || items.iter().enumerate().filter(|(other, _)| *other != index);
        let same_name =
            |other: &Option<(String, bool, SqlExpr)>| other.as_ref().is_some_and(|(other, ..)| other == name);
        let differs = others()
            .any(|(_, other)| same_name(other) && other.as_ref().is_some_and(|(.., other)| other != expr));
        let repeats = others().any(|(other, item)| other < index && same_name(item));
        let in_wildcard = match &in_wildcard {
            WildcardNames::None => false,
            WildcardNames::Known(names) => names.contains(name),
            WildcardNames::Unknown => !written && is_column(expr),
        };
        let name = if differs || repeats || in_wildcard { marked(name, index) } else { name.clone() };
        if !written && is_column(expr) && !is_marked(&name) {
            continue;
        }
        *item = SelectItem::ExprWithAlias { expr: expr.clone(), alias: Ident::with_quote('"', name) };
    }
}

/// Names of the columns that the wildcards of a select list stand for, beside other items.
enum WildcardNames {
    None,
    Known(Vec<String>),
    Unknown,
}

fn wildcard_names(select: &Select, scope: &mut NameScope<'_>) -> WildcardNames {
    let items = select.projection.iter();
    let wildcards: Vec<&SelectItem> = items
        .filter(|item| matches!(item, SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..)))
        .collect();
    if wildcards.is_empty() || wildcards.len() == select.projection.len() {
        return WildcardNames::None;
    }
    let mut names = Vec::new();
    for wildcard in wildcards {
        match scope.columns_of_wildcard(select, wildcard) {
            Some(columns) => names.extend(columns),
            None => return WildcardNames::Unknown,
        }
    }
    WildcardNames::Known(names)
}
