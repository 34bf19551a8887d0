//! Placement of aggregates, window functions and functions that return rows.
//!
//! | in | aggregates | window functions | functions that return rows |
//! |---|---|---|---|
//! | `WHERE`, `ON`, `VALUES`, `LIMIT`, `SET`, `DEFAULT`, `FILTER` | 42803 | 42P20 | 0A000 |
//! | `GROUP BY`, functions in `FROM` | 42803 | 42P20 | |
//! | `HAVING` | | 42P20 | 0A000 |
//! | arguments of an aggregate | 42803 | 42803 | 0A000 |
//! | arguments of a window function | | 42P20 | 0A000 |
//! | `PARTITION BY` and `ORDER BY` of a window | | 42P20 | |
//! | `CASE`, `COALESCE` | | | 0A000 |
//!
//! DataFusion notices some of them when it plans, and none before it runs a plan that cannot be run.

use std::{collections::HashMap, ops::ControlFlow};

use sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, GroupByExpr, Ident, JoinConstraint, JoinOperator,
    LimitClause, NamedWindowExpr, Query, Select, SelectItem, SetExpr, Statement, TableFactor, Value, Visit,
    Visitor, WindowFrameBound, WindowSpec, WindowType,
};

use super::calls::CallKind;
use crate::error::{Error, Result, SqlState, position};

/// A part of a statement that takes no call of some kind, by its name in messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Clause {
    Where,
    On,
    GroupBy,
    Having,
    Values,
    Limit,
    Offset,
    From,
    Filter,
    Set,
    Default,
}

impl Clause {
    fn name(self) -> &'static str {
        match self {
            Self::Where => "WHERE",
            Self::On => "JOIN conditions",
            Self::GroupBy => "GROUP BY",
            Self::Having => "HAVING",
            Self::Values => "VALUES",
            Self::Limit => "LIMIT",
            Self::Offset => "OFFSET",
            Self::From => "functions in FROM",
            Self::Filter => "FILTER",
            Self::Set => "UPDATE",
            Self::Default => "DEFAULT expressions",
        }
    }

    fn takes(self, kind: CallKind) -> bool {
        match kind {
            CallKind::Aggregate => self == Self::Having,
            CallKind::Window => false,
            CallKind::RowSet => matches!(self, Self::GroupBy | Self::From),
        }
    }
}

/// Fails for a call of a statement that stands where it may not.
pub(crate) fn check_statement(statement: &Statement) -> Result<()> {
    visited(statement.visit(&mut Placement::default()))
}

/// As [`check_statement`], for an expression outside a query.
pub(crate) fn check_expr(expr: &Expr, clause: Clause) -> Result<()> {
    let mut placement = Placement::default();
    placement.expect(expr, CallPlace::of(clause));
    visited(expr.visit(&mut placement))
}

fn visited(flow: ControlFlow<Error>) -> Result<()> {
    match flow {
        ControlFlow::Break(error) => Err(error),
        ControlFlow::Continue(()) => Ok(()),
    }
}

/// Surroundings of an expression, up to the query around it.
#[derive(Clone, Copy, Default)]
struct CallPlace {
    clause: Option<Clause>,
    in_aggregate: bool,
    in_window: bool,
    in_window_definition: bool,
    /// `CASE` or `COALESCE`.
    choice: Option<&'static str>,
}

impl CallPlace {
    fn of(clause: Clause) -> Self {
        Self { clause: Some(clause), ..Self::default() }
    }

    fn check(self, kind: CallKind) -> Result<()> {
        let wrong = |state, message: &str| Err(Error::new(state, message));
        match kind {
            CallKind::Aggregate if self.in_aggregate => {
                return wrong(SqlState::GroupingError, "aggregate function calls cannot be nested");
            }
            CallKind::Window if self.in_aggregate => {
                return wrong(
                    SqlState::GroupingError,
                    "aggregate function calls cannot contain window function calls",
                );
            }
            CallKind::Window if self.in_window => {
                return wrong(SqlState::WindowingError, "window function calls cannot be nested");
            }
            CallKind::Window if self.in_window_definition => {
                return wrong(
                    SqlState::WindowingError,
                    "window functions are not allowed in window definitions",
                );
            }
            CallKind::RowSet if self.in_aggregate || self.in_window => {
                let outer = if self.in_aggregate { "aggregate" } else { "window" };
                let message = format!("{outer} function calls cannot contain set-returning function calls");
                return Err(Error::new(SqlState::FeatureNotSupported, message).with_hint(ROWS_IN_FROM));
            }
            _ => {}
        }
        if let Some(clause) = self.clause.filter(|clause| !clause.takes(kind)) {
            return Err(refused(kind, clause.name()));
        }
        match self.choice {
            Some(choice) if kind == CallKind::RowSet => Err(refused(kind, choice)),
            _ => Ok(()),
        }
    }
}

const ROWS_IN_FROM: &str = "put the function into FROM, or a LATERAL query there";

fn refused(kind: CallKind, place: &str) -> Error {
    match kind {
        CallKind::Aggregate => {
            Error::new(SqlState::GroupingError, format!("aggregate functions are not allowed in {place}"))
        }
        CallKind::Window => {
            Error::new(SqlState::WindowingError, format!("window functions are not allowed in {place}"))
                .with_hint("compute it in a subquery in FROM")
        }
        CallKind::RowSet => Error::new(
            SqlState::FeatureNotSupported,
            format!("set-returning functions are not allowed in {place}"),
        )
        .with_hint(ROWS_IN_FROM),
    }
}

/// Walks a statement with the place of each expression.
#[derive(Default)]
struct Placement {
    /// Places of expressions that were not visited yet.
    expected: HashMap<*const Expr, CallPlace>,
    /// The places of the expressions, and of the queries, on the way.
    way: Vec<CallPlace>,
}

impl Placement {
    fn expect(&mut self, expr: &Expr, place: CallPlace) {
        self.expected.insert(std::ptr::from_ref(expr), place);
    }

    fn expect_all<'e>(&mut self, exprs: impl IntoIterator<Item = &'e Expr>, place: CallPlace) {
        for expr in exprs {
            self.expect(expr, place);
        }
    }

    fn expect_window(&mut self, spec: &WindowSpec, place: CallPlace) {
        self.expect_all(&spec.partition_by, place);
        self.expect_all(spec.order_by.iter().map(|ordered| &ordered.expr), place);
        let frame = spec.window_frame.iter();
        for bound in frame.flat_map(|frame| std::iter::once(&frame.start_bound).chain(&frame.end_bound)) {
            if let WindowFrameBound::Preceding(Some(expr)) | WindowFrameBound::Following(Some(expr)) = bound {
                self.expect(expr, place);
            }
        }
    }

    /// The place of what a call is given.
    fn enter(&mut self, function: &Function, kind: CallKind, place: CallPlace) -> CallPlace {
        if let Some(filter) = &function.filter {
            self.expect(filter, CallPlace::of(Clause::Filter));
        }
        if let Some(WindowType::WindowSpec(spec)) = &function.over {
            self.expect_window(spec, CallPlace { in_window_definition: true, ..CallPlace::default() });
        }
        match kind {
            CallKind::Aggregate => CallPlace { in_aggregate: true, ..CallPlace::default() },
            CallKind::Window => CallPlace { in_window: true, ..CallPlace::default() },
            CallKind::RowSet => place,
        }
    }
}

impl Visitor for Placement {
    type Break = Error;

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<Error> {
        self.way.push(CallPlace::default());
        if let SetExpr::Values(values) = query.body.as_ref() {
            let rows = values.rows.iter().flat_map(|row| &row.content);
            self.expect_all(rows, CallPlace::of(Clause::Values));
        }
        match &query.limit_clause {
            Some(LimitClause::LimitOffset { limit, offset, .. }) => {
                self.expect_all(limit, CallPlace::of(Clause::Limit));
                self.expect_all(offset.iter().map(|offset| &offset.value), CallPlace::of(Clause::Offset));
            }
            Some(LimitClause::OffsetCommaLimit { offset, limit }) => {
                self.expect(limit, CallPlace::of(Clause::Limit));
                self.expect(offset, CallPlace::of(Clause::Offset));
            }
            None => {}
        }
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &Query) -> ControlFlow<Error> {
        self.way.pop();
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<Error> {
        self.expect_all(&select.selection, CallPlace::of(Clause::Where));
        self.expect_all(&select.having, CallPlace::of(Clause::Having));
        if let GroupByExpr::Expressions(groups, _) = &select.group_by {
            self.expect_all(groups, CallPlace::of(Clause::GroupBy));
            // An item that a number stands for is a group as well.
            let items = groups.iter().filter_map(|group| item_at(select, group));
            self.expect_all(items, CallPlace::of(Clause::GroupBy));
        }
        for tables in &select.from {
            for join in &tables.joins {
                self.expect_all(condition(&join.join_operator), CallPlace::of(Clause::On));
            }
        }
        for window in &select.named_window {
            if let NamedWindowExpr::WindowSpec(spec) = &window.1 {
                self.expect_window(spec, CallPlace { in_window_definition: true, ..CallPlace::default() });
            }
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<Error> {
        match factor {
            TableFactor::NestedJoin { table_with_joins, .. } => {
                for join in &table_with_joins.joins {
                    self.expect_all(condition(&join.join_operator), CallPlace::of(Clause::On));
                }
            }
            TableFactor::Table { args: Some(args), .. } => {
                self.expect_all(args.args.iter().filter_map(argument), CallPlace::of(Clause::From));
            }
            TableFactor::Function { args, .. } => {
                self.expect_all(args.iter().filter_map(argument), CallPlace::of(Clause::From));
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<Error> {
        let around = self.way.last().copied().unwrap_or_default();
        let place = self.expected.remove(&std::ptr::from_ref(expr)).unwrap_or(around);
        let within = match expr {
            Expr::Function(function) => match CallKind::of(function) {
                Some(kind) => {
                    if let Err(error) = place.check(kind) {
                        return ControlFlow::Break(at(error, function));
                    }
                    self.enter(function, kind, place)
                }
                None if super::is_called(function, "coalesce") => {
                    CallPlace { choice: Some("COALESCE"), ..place }
                }
                None => place,
            },
            Expr::Case { .. } => CallPlace { choice: Some("CASE"), ..place },
            Expr::GroupingSets(_) | Expr::Cube(_) | Expr::Rollup(_)
                if place.clause != Some(Clause::GroupBy) =>
            {
                return ControlFlow::Break(Error::syntax("syntax error: grouping sets outside of GROUP BY"));
            }
            _ => place,
        };
        self.way.push(within);
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, _: &Expr) -> ControlFlow<Error> {
        self.way.pop();
        ControlFlow::Continue(())
    }
}

fn at(error: Error, function: &Function) -> Error {
    let name: Option<&Ident> = function.name.0.first().and_then(|part| part.as_ident());
    error.at(name.and_then(|name| position(name.span.start.line, name.span.start.column)))
}

fn argument(argument: &FunctionArg) -> Option<&Expr> {
    match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr),
        _ => None,
    }
}

fn condition(operator: &JoinOperator) -> Option<&Expr> {
    match operator {
        JoinOperator::Join(JoinConstraint::On(condition))
        | JoinOperator::Inner(JoinConstraint::On(condition))
        | JoinOperator::Left(JoinConstraint::On(condition))
        | JoinOperator::LeftOuter(JoinConstraint::On(condition))
        | JoinOperator::Right(JoinConstraint::On(condition))
        | JoinOperator::RightOuter(JoinConstraint::On(condition))
        | JoinOperator::FullOuter(JoinConstraint::On(condition)) => Some(condition),
        _ => None,
    }
}

/// The item of the select list whose number an expression is.
pub(super) fn item_at<'s>(select: &'s Select, group: &Expr) -> Option<&'s Expr> {
    let Expr::Value(value) = group else { return None };
    let Value::Number(digits, _) = &value.value else { return None };
    let index = digits.parse::<usize>().ok()?.checked_sub(1)?;
    let before = select.projection.get(..=index)?;
    let is_one =
        |item: &SelectItem| matches!(item, SelectItem::UnnamedExpr(_) | SelectItem::ExprWithAlias { .. });
    if !before.iter().all(is_one) {
        return None;
    }
    match before.last()? {
        SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => Some(expr),
        _ => None,
    }
}
