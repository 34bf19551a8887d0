//! Prohibitions for a recursive term: without them it would see rows that are not there yet, and often never
//! end.

use std::ops::ControlFlow;

use sqlparser::ast::{
    Cte, Expr, Ident, JoinOperator, Query, Select, SetExpr, SetOperator, TableFactor, TableWithJoins, Visit,
    Visitor,
};

use super::{calls::CallKind, self_references};
use crate::{
    error::{Error, Result, SqlState, position},
    parse::folded_ident,
};

/// Fails where a recursive term aggregates its own rows, or joins them on the side that may be missing.
pub(super) fn check_recursive_terms(query: &Query) -> Result<()> {
    let Some(with) = query.with.as_ref().filter(|with| with.recursive) else { return Ok(()) };
    for cte in &with.cte_tables {
        self_references::check(cte)?;
        if let SetExpr::SetOperation { op: SetOperator::Union, right, .. } = cte.query.body.as_ref() {
            check_term(cte, right)?;
        }
    }
    Ok(())
}

fn check_term(cte: &Cte, term: &SetExpr) -> Result<()> {
    let mut terms = Terms { name: folded_ident(&cte.alias.name) };
    match term.visit(&mut terms) {
        ControlFlow::Break(error) => Err(error),
        ControlFlow::Continue(()) => Ok(()),
    }
}

struct Terms {
    /// The query that refers to itself.
    name: String,
}

impl Visitor for Terms {
    type Break = Error;

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<Error> {
        if !select.from.iter().any(|tables| self.is_in(tables)) {
            return ControlFlow::Continue(());
        }
        for tables in &select.from {
            if self.is_optional_in(tables) {
                return ControlFlow::Break(wrong(format!(
                    "recursive reference to query {} must not appear within an outer join",
                    self.name
                )));
            }
        }
        let mut calls = OwnAggregates { depth: 0 };
        select.projection.visit(&mut calls)?;
        select.having.visit(&mut calls)
    }
}

impl Terms {
    fn is_in(&self, tables: &TableWithJoins) -> bool {
        self.is_factor(&tables.relation) || tables.joins.iter().any(|join| self.is_factor(&join.relation))
    }

    fn is_factor(&self, factor: &TableFactor) -> bool {
        match factor {
            TableFactor::Table { name, .. } => matches!(name.0.as_slice(), [part]
                if part.as_ident().is_some_and(|ident| folded_ident(ident) == self.name)),
            TableFactor::NestedJoin { table_with_joins, .. } => self.is_in(table_with_joins),
            _ => false,
        }
    }

    /// Whether the query is on a side of a join that may have no row.
    fn is_optional_in(&self, tables: &TableWithJoins) -> bool {
        let mut is_left = self.is_factor(&tables.relation);
        let mut is_optional = self.is_optional(&tables.relation);
        for join in &tables.joins {
            let is_right = self.is_factor(&join.relation);
            is_optional |= self.is_optional(&join.relation);
            is_optional |= match join.join_operator {
                JoinOperator::Left(_) | JoinOperator::LeftOuter(_) => is_right,
                JoinOperator::Right(_) | JoinOperator::RightOuter(_) => is_left,
                JoinOperator::FullOuter(_) => is_left || is_right,
                _ => false,
            };
            is_left |= is_right;
        }
        is_optional
    }

    fn is_optional(&self, factor: &TableFactor) -> bool {
        match factor {
            TableFactor::NestedJoin { table_with_joins, .. } => self.is_optional_in(table_with_joins),
            _ => false,
        }
    }
}

/// Looks for aggregates of a select, not of queries within it.
struct OwnAggregates {
    depth: usize,
}

impl Visitor for OwnAggregates {
    type Break = Error;

    fn pre_visit_query(&mut self, _: &Query) -> ControlFlow<Error> {
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &Query) -> ControlFlow<Error> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<Error> {
        let Expr::Function(function) = expr else { return ControlFlow::Continue(()) };
        let name = function.name.0.last().and_then(|part| part.as_ident());
        match name {
            Some(name) if self.depth == 0 && CallKind::of(function) == Some(CallKind::Aggregate) => {
                let message = "aggregate functions are not allowed in a recursive query's recursive term";
                ControlFlow::Break(at(wrong(message.to_owned()), name))
            }
            _ => ControlFlow::Continue(()),
        }
    }
}

/// The error of a recursive query that is not well formed.
pub(super) fn wrong(message: String) -> Error {
    Error::new(SqlState::InvalidRecursion, message)
        .with_hint("use the recursive query's rows in a query behind the WITH instead")
}

fn at(error: Error, name: &Ident) -> Error {
    error.at(position(name.span.start.line, name.span.start.column))
}
