//! `JOIN … USING (k)` and `NATURAL JOIN`: the joined column stands first and once, and means the side that
//! has a value ([`super::scope::joined`]).
//!
//! DataFusion takes the column of the table whose name sorts first, which is NULL in the rows that an outer
//! join adds, and finds `k` in a WHERE ambiguous. Here the join becomes one with `ON`, and `k` and `*` are
//! written out before planning, also in subqueries that mean `k` of the query around them. A join with a
//! name of its own, `(a JOIN b USING (k)) AS j`, becomes a derived table.
//!
//! Where the columns of a table are not known, an inner join stays as it is: both sides are equal. An outer
//! join is refused.

mod meanings;

use std::ops::ControlFlow;

use sqlparser::ast::{
    Distinct, ExcludeSelectItem, Expr, JoinConstraint, ObjectName, OrderByKind, Query, Select, SelectItem,
    SelectItemQualifiedWildcardKind, SetExpr, Statement, TableFactor, TableWithJoins, Visit, VisitMut,
    Visitor, VisitorMut, WildcardAdditionalOptions,
};

use self::meanings::Meanings;
use super::{
    join_conditions::check_conditions,
    made_queries::all_of,
    scope::{
        NameScope, StoredColumns,
        joined::{JoinKind, JoinedPart, JoinedTable, JoinedTables, constraint_mut, merging, quoted},
    },
};
use crate::{
    error::{Error, Result},
    names::internal::marked,
    parse::folded_ident,
};

/// Writes out the columns of every `USING` in a statement.
pub(crate) fn write_out_using(statement: &mut Statement, stored: &dyn StoredColumns) -> Result<()> {
    let mut finder = JoinFinder { found: false };
    if let ControlFlow::Break(error) = Visit::visit(statement, &mut finder) {
        return Err(error);
    }
    if !finder.found {
        return Ok(());
    }
    match VisitMut::visit(statement, &mut JoinWriter { scope: NameScope::new(stored) }) {
        ControlFlow::Break(error) => Err(error),
        ControlFlow::Continue(()) => Ok(()),
    }
}

/// Looks for joins to write out, and checks that all have a condition.
struct JoinFinder {
    found: bool,
}

impl Visitor for JoinFinder {
    type Break = Error;

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<Error> {
        self.found |= select.from.iter().any(has_merging);
        match check_conditions(&select.from) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => ControlFlow::Break(error),
        }
    }
}

fn has_merging(item: &TableWithJoins) -> bool {
    let nested = |factor: &TableFactor| match factor {
        TableFactor::NestedJoin { table_with_joins, alias } => {
            alias.is_some() || has_merging(table_with_joins)
        }
        _ => false,
    };
    nested(&item.relation) || item.joins.iter().any(|join| merging(join).is_some() || nested(&join.relation))
}

struct JoinWriter<'s> {
    scope: NameScope<'s>,
}

impl VisitorMut for JoinWriter<'_> {
    type Break = Error;

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<Error> {
        self.scope.enter(query);
        if let SetExpr::Select(select) = query.body.as_ref()
            && let Some(order) = &mut query.order_by
            && let OrderByKind::Expressions(exprs) = &mut order.kind
            && select.from.iter().any(has_merging)
        {
            let sides: Vec<JoinedTables> = select.from.iter().map(|item| self.scope.joined(item)).collect();
            let meanings = Meanings::of(sides.iter());
            for ordered in exprs {
                meanings.put_into(&mut ordered.expr, &mut self.scope)?;
            }
        }
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _query: &mut Query) -> ControlFlow<Error> {
        self.scope.leave();
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<Error> {
        if !select.from.iter().any(has_merging) {
            return ControlFlow::Continue(());
        }
        let partial = select
            .projection
            .iter()
            .any(|item| matches!(item, SelectItem::Wildcard(options) if !options.to_string().is_empty()));
        let mut sides = Vec::with_capacity(select.from.len());
        for item in &mut select.from {
            let joined = self.write_joins(item, &sides, partial)?;
            sides.push(joined);
        }
        write_items(select, &sides);
        let meanings = Meanings::of(sides.iter());
        let scope = &mut self.scope;
        meanings.put_into(&mut select.projection, scope)?;
        meanings.put_into(&mut select.selection, scope)?;
        meanings.put_into(&mut select.group_by, scope)?;
        meanings.put_into(&mut select.having, scope)?;
        meanings.put_into(&mut select.qualify, scope)?;
        meanings.put_into(&mut select.named_window, scope)?;
        match &mut select.distinct {
            Some(Distinct::On(exprs)) => meanings.put_into(exprs, scope),
            _ => ControlFlow::Continue(()),
        }
    }
}

impl JoinWriter<'_> {
    /// Writes out the joins of an item of a FROM, behind the items `before` it.
    fn write_joins(
        &mut self,
        item: &mut TableWithJoins,
        before: &[JoinedTables],
        partial: bool,
    ) -> ControlFlow<Error, JoinedTables> {
        let mut all = self.write_factor(&mut item.relation, before, None, partial)?;
        for join in &mut item.joins {
            let right = self.write_factor(&mut join.relation, before, Some(&all), partial)?;
            let Some((kind, names)) = merging(join) else {
                all = all.beside(right);
                if let Some(JoinConstraint::On(condition)) = constraint_mut(join) {
                    let meanings = Meanings::of(before.iter().chain([&all]));
                    meanings.put_into(condition, &mut self.scope)?;
                }
                continue;
            };
            let nowhere = |table: &JoinedTable| table.stored && table.columns.is_none();
            // The planner says that there is no such table.
            let left_alone = kind == JoinKind::Inner || all.tables().chain(right.tables()).any(nowhere);
            let chained = all.merged_columns().next().is_some() || right.merged_columns().next().is_some();
            let merged = match names.of(&all, &right) {
                Some(names) => all.merged(right, kind, &names),
                None => Ok((JoinedTables::unknown(), None)),
            };
            let condition = match merged {
                Ok((joined, condition)) => {
                    all = joined;
                    condition
                }
                Err(error) => return ControlFlow::Break(error),
            };
            match (condition, constraint_mut(join)) {
                (Some(_), _) if partial && left_alone && !chained => {}
                (Some(condition), Some(constraint)) if !partial => {
                    *constraint = JoinConstraint::On(condition);
                }
                (None, _) if left_alone => {}
                _ => return ControlFlow::Break(refused()),
            }
        }
        ControlFlow::Continue(all)
    }

    fn write_factor(
        &mut self,
        factor: &mut TableFactor,
        before: &[JoinedTables],
        left: Option<&JoinedTables>,
        partial: bool,
    ) -> ControlFlow<Error, JoinedTables> {
        match factor {
            TableFactor::NestedJoin { table_with_joins, alias: None } => {
                return self.write_joins(table_with_joins, before, partial);
            }
            TableFactor::NestedJoin { table_with_joins, alias: alias @ Some(_) } => {
                let nested =
                    TableFactor::NestedJoin { table_with_joins: table_with_joins.clone(), alias: None };
                let subquery = Box::new(all_of(nested));
                *factor =
                    TableFactor::Derived { lateral: false, subquery, alias: alias.take(), sample: None };
            }
            TableFactor::Derived { lateral: true, subquery, .. } => {
                let meanings = Meanings::of(before.iter().chain(left));
                meanings.put_into(subquery, &mut self.scope)?;
            }
            _ => {}
        }
        ControlFlow::Continue(self.scope.of_factor(factor))
    }
}

/// Writes out `*`, and names the columns that it or an item means.
fn write_items(select: &mut Select, sides: &[JoinedTables]) {
    let merges = |ident: &sqlparser::ast::Ident| {
        let name = folded_ident(ident);
        sides.iter().flat_map(JoinedTables::merged_columns).any(|column| column.name == name)
    };
    let known = |table: &JoinedTable| table.name.is_some() && table.columns.is_some();
    let all_known = sides.iter().flat_map(JoinedTables::tables).all(known);
    select.projection = std::mem::take(&mut select.projection)
        .into_iter()
        .flat_map(|item| match item {
            SelectItem::Wildcard(options) if all_known && options.to_string().is_empty() => {
                all_columns(sides)
            }
            SelectItem::UnnamedExpr(Expr::Identifier(ident)) if merges(&ident) => {
                let alias = quoted(&folded_ident(&ident));
                vec![SelectItem::ExprWithAlias { expr: Expr::Identifier(ident), alias }]
            }
            item => vec![item],
        })
        .collect();
}

/// Items that `*` means: of each join the columns that it merged, then the others.
fn all_columns(sides: &[JoinedTables]) -> Vec<SelectItem> {
    let parts: Vec<&JoinedPart> = sides.iter().flat_map(JoinedTables::parts).collect();
    let mut items = Vec::with_capacity(parts.len());
    for (index, part) in parts.iter().enumerate() {
        match part {
            JoinedPart::Merged(column) => {
                let elsewhere = parts.iter().enumerate().any(|(other, part)| match part {
                    JoinedPart::Merged(merged) => other != index && merged.name == column.name,
                    JoinedPart::Table(table) => table.shows(&column.name),
                });
                let name = if elsewhere { marked(&column.name, index) } else { column.name.clone() };
                items.push(SelectItem::ExprWithAlias { expr: column.meaning.clone(), alias: quoted(&name) });
            }
            JoinedPart::Table(table) => items.extend(other_columns(table)),
        }
    }
    items
}

/// `table.*` without the columns that are merged; none where all are.
fn other_columns(table: &JoinedTable) -> Option<SelectItem> {
    let (name, columns) = (table.name.as_ref()?, table.columns.as_ref()?);
    if columns.iter().all(|column| table.hidden.contains(column)) {
        return None;
    }
    let hidden = table.hidden.iter().map(|column| ObjectName::from(vec![quoted(column)]));
    let opt_exclude = (!table.hidden.is_empty()).then(|| ExcludeSelectItem::Multiple(hidden.collect()));
    Some(SelectItem::QualifiedWildcard(
        SelectItemQualifiedWildcardKind::ObjectName(ObjectName::from(vec![name.clone()])),
        WildcardAdditionalOptions { opt_exclude, ..Default::default() },
    ))
}

fn refused() -> Error {
    Error::unsupported("a join of this form with USING or NATURAL")
        .with_hint("write ON a.k = b.k, and a.k, b.k or coalesce(a.k, b.k) for the column")
}
