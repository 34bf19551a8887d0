//! `GROUP BY` and `HAVING`, spelt as the planner knows them.
//!
//! | written | planned |
//! |---|---|
//! | `GROUP BY (a, b), ()` | `GROUP BY a, b` |
//! | `GROUP BY ()`; `HAVING c` without groups and aggregates | `HAVING c AND count(*) >= 0`: one row |
//! | `GROUPING SETS (a, CUBE (b, c))`, `ROLLUP ((a, b), c)` | all sets, each with its columns |
//! | `ROLLUP (1)` | `ROLLUP (a)`, of the first item |

use std::ops::ControlFlow;

use sqlparser::ast::{
    self, BinaryOperator, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, GroupByExpr,
    Ident, ObjectName, Query, Select, Value, Visit, Visitor,
};

use super::{calls::CallKind, is_called, placement::item_at};
use crate::{
    error::Result,
    parse::{GROUPING_SETS_MAX, check_grouping, too_many_sets},
};

/// Writes out what a select groups by, before its items are named.
pub(super) fn write_out_groups(select: &mut Select) -> Result<()> {
    let mut whole = false;
    if let GroupByExpr::Expressions(groups, _) = &mut select.group_by
        && !groups.is_empty()
    {
        let written = std::mem::take(groups);
        let mut plain = Vec::with_capacity(written.len());
        for group in written {
            match group {
                Expr::Tuple(fields) => plain.extend(fields),
                Expr::GroupingSets(_) | Expr::Cube(_) | Expr::Rollup(_) => plain.push(with_all_sets(group)?),
                group => plain.push(group),
            }
        }
        whole = plain.is_empty();
        *groups = plain;
        check_grouping(&select.group_by)?;
        write_out_positions(select);
    }
    let no_groups = matches!(&select.group_by, GroupByExpr::Expressions(groups, _) if groups.is_empty());
    if whole || no_groups && select.having.is_some() && !has_aggregate(select) {
        let one_row = binary(count_of_rows(), BinaryOperator::GtEq, Expr::value(number("0")));
        select.having = Some(match select.having.take() {
            Some(condition) => binary(Expr::Nested(Box::new(condition)), BinaryOperator::And, one_row),
            None => one_row,
        });
    }
    Ok(())
}

/// A set that the planner does not know as all of its sets.
fn with_all_sets(group: Expr) -> Result<Expr> {
    let single = |sets: &[Vec<Expr>]| sets.iter().all(|set| set.len() == 1 && !is_grouped(&set[0]));
    match &group {
        Expr::Cube(sets) | Expr::Rollup(sets) if single(sets) => Ok(group),
        Expr::GroupingSets(sets) if sets.iter().flatten().all(|expr| !is_grouped(expr)) => Ok(group),
        _ => Ok(Expr::GroupingSets(sets_of(&group)?)),
    }
}

/// Whether an expression of a set stands for several columns, or for sets.
fn is_grouped(expr: &Expr) -> bool {
    match expr {
        Expr::Tuple(_) | Expr::GroupingSets(_) | Expr::Cube(_) | Expr::Rollup(_) => true,
        Expr::Function(function) => is_called(function, "cube") || is_called(function, "rollup"),
        _ => false,
    }
}

fn sets_of(group: &Expr) -> Result<Vec<Vec<Expr>>> {
    let mut all: Vec<Vec<Expr>> = Vec::new();
    match group {
        Expr::GroupingSets(sets) => {
            for set in sets {
                match set.as_slice() {
                    [one] if is_grouped(one) => all.extend(sets_of(one)?),
                    set => all.push(set.to_vec()),
                }
                check_count(all.len())?;
            }
        }
        Expr::Rollup(parts) => {
            check_count(parts.len())?;
            all.extend((0..=parts.len()).rev().map(|count| columns_of(&parts[..count])));
        }
        Expr::Cube(parts) => {
            let count = u32::try_from(parts.len()).ok().and_then(|parts| 1_usize.checked_shl(parts));
            let count = count.unwrap_or(usize::MAX);
            check_count(count)?;
            all.extend((0..count).rev().map(|chosen| {
                let parts = parts.iter().enumerate().filter(|(part, _)| chosen & (1 << part) != 0);
                parts.flat_map(|(_, part)| columns_of(std::slice::from_ref(part))).collect()
            }));
        }
        Expr::Function(function) if is_grouped(group) => {
            let parts = arguments(function).into_iter().map(|argument| vec![argument]).collect();
            let set = if is_called(function, "cube") { Expr::Cube(parts) } else { Expr::Rollup(parts) };
            return sets_of(&set);
        }
        Expr::Tuple(fields) => all.push(fields.clone()),
        other => all.push(vec![other.clone()]),
    }
    Ok(all)
}

fn check_count(count: usize) -> Result<()> {
    if count > GROUPING_SETS_MAX { Err(too_many_sets()) } else { Ok(()) }
}

fn columns_of(parts: &[Vec<Expr>]) -> Vec<Expr> {
    let exprs = parts.iter().flatten();
    exprs
        .flat_map(|expr| match expr {
            Expr::Tuple(fields) => fields.clone(),
            expr => vec![expr.clone()],
        })
        .collect()
}

/// Puts items in the place of their positions in grouping sets.
fn write_out_positions(select: &mut Select) {
    let GroupByExpr::Expressions(groups, _) = &select.group_by else { return };
    let is_set = |group: &Expr| matches!(group, Expr::GroupingSets(_) | Expr::Cube(_) | Expr::Rollup(_));
    if !groups.iter().any(is_set) {
        return;
    }
    let mut groups = groups.clone();
    for group in &mut groups {
        let (Expr::GroupingSets(sets) | Expr::Cube(sets) | Expr::Rollup(sets)) = group else { continue };
        for expr in sets.iter_mut().flatten() {
            if let Some(item) = item_at(select, expr) {
                *expr = item.clone();
            }
        }
    }
    if let GroupByExpr::Expressions(written, _) = &mut select.group_by {
        *written = groups;
    }
}

fn arguments(function: &Function) -> Vec<Expr> {
    let FunctionArguments::List(list) = &function.args else { return Vec::new() };
    let arguments = list.args.iter().filter_map(|argument| match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr.clone()),
        _ => None,
    });
    arguments.collect()
}

fn has_aggregate(select: &Select) -> bool {
    let mut finder = AggregateFinder { depth: 0 };
    select.projection.visit(&mut finder).is_break() || select.having.visit(&mut finder).is_break()
}

/// Stops at an aggregate outside of subqueries.
struct AggregateFinder {
    depth: usize,
}

impl Visitor for AggregateFinder {
    type Break = ();

    fn pre_visit_query(&mut self, _query: &Query) -> ControlFlow<()> {
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _query: &Query) -> ControlFlow<()> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        match expr {
            Expr::Function(function)
                if self.depth == 0 && CallKind::of(function) == Some(CallKind::Aggregate) =>
            {
                ControlFlow::Break(())
            }
            _ => ControlFlow::Continue(()),
        }
    }
}

fn count_of_rows() -> Expr {
    Expr::Function(Function {
        name: ObjectName::from(vec![Ident::new("count")]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(ast::FunctionArgumentList {
            duplicate_treatment: None,
            args: vec![FunctionArg::Unnamed(FunctionArgExpr::Wildcard)],
            clauses: Vec::new(),
        }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}

fn number(digits: &str) -> Value {
    Value::Number(digits.to_owned(), false)
}

fn binary(left: Expr, op: BinaryOperator, right: Expr) -> Expr {
    Expr::BinaryOp { left: Box::new(left), op, right: Box::new(right) }
}
