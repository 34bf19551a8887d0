//! Spellings that DataFusion does not know or takes for something else, in those it knows.
//!
//! | written | planned |
//! |---|---|
//! | `FETCH FIRST n ROWS ONLY` | `LIMIT n` |
//! | `a LIKE 'x!%' ESCAPE '!'` | `a LIKE 'x\%'` |
//! | `a SIMILAR TO '(b\|c)%'` | `a ~ '^(?:(b\|c).*)$'` |
//! | `substring(a FROM 'o(.)b')`, `substring(a FROM 'x#"%#"y' FOR '#')` | `(regexp_match(a, 'o(.)b'))[1]` |
//! | `encode(a, 'base64')` | `encode(a, 'base64pad')` |
//! | `mod(a, b)`, `every(a)` | `a % b`, `bool_and(a)` |
//! | `t AT TIME ZONE z` | `timezone(z, t)` |
//! | `INTERVAL '1-2' YEAR TO MONTH` | `INTERVAL '14 mons …'` |
//! | `make_interval(days => 1)` | `make_interval(0, 0, 0, 1)` |
//! | `age(t)` | `age(current_date, t)` |
//! | `WHERE 'yes'`, `NOT 'f'` | `… CAST('yes' AS BOOLEAN)` |
//! | comparisons of rows | see [`rows`] |
//! | `SELECT generate_series(1, 3)` | `SELECT unnest(generate_series(1, 3))` |
//! | `FROM generate_series(1, 3) x`, `FROM unnest(a)` | `… x(x)`, `… unnest(unnest)` |
//! | `generate_series(1, '3')` | `generate_series(1, CAST('3' AS BIGINT))` |
//! | `FROM t, generate_series(1, t.n) s` | `FROM t, LATERAL (SELECT generate_series(1, t.n)) s(s)` |
//!
//! Values of `VALUES` are held, long chains are balanced and long `CASE`s are parted in the same walk.

use std::ops::ControlFlow;

use sqlparser::ast::{
    self, BinaryOperator, Expr, Ident, LimitClause, ObjectName, Query, Select, TableFactor, Value, VisitMut,
    VisitorMut,
};

use super::{
    aggregate_orders, arrays,
    balance::{balance_condition, balance_queries},
    conditions, distinct_on, frames,
    interval_literals::{negated, place_arguments, spell_interval},
    is_called,
    long_cases::part_long_case,
    recursion, rows, series,
    time_zone_syntax::spell_time_zone,
    values::mark_values,
    whole_rows, windows,
};
use crate::{
    error::{Error, Result},
    names::internal::{LIKE_PATTERN, SIMILAR_PATTERN, SUBSTRING},
    parse::folded_ident,
    postgres::functions::{marked_part, regular_expression, with_backslashes},
};

/// Rewrites a statement, the names of whose columns are given.
pub(crate) fn rewrite_spellings(statement: &mut ast::Statement, has_schema: bool) -> Result<()> {
    match statement.visit(&mut Spelling { has_schema }) {
        ControlFlow::Break(error) => Err(error),
        ControlFlow::Continue(()) => Ok(()),
    }
}

/// As [`rewrite_spellings`], for an expression outside a statement.
pub(crate) fn rewrite_expression(expr: &mut Expr) -> Result<()> {
    match expr.visit(&mut Spelling { has_schema: false }) {
        ControlFlow::Break(error) => Err(error),
        ControlFlow::Continue(()) => Ok(()),
    }
}

struct Spelling {
    /// The types of `VALUES` are given.
    has_schema: bool,
}

impl VisitorMut for Spelling {
    type Break = Error;

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<Error> {
        if let Some(ast::OrderBy { kind: ast::OrderByKind::Expressions(sorts), .. }) = &query.order_by
            && sorts.iter().any(|sort| is_no_position(&sort.expr))
        {
            return ControlFlow::Break(Error::syntax(
                "a constant in ORDER BY must be the position of a column",
            ));
        }
        if let Err(error) = recursion::check_recursive_terms(query)
            .and_then(|()| windows::write_out_of_query(query))
            .and_then(|()| distinct_on::arrange(query))
        {
            return ControlFlow::Break(error);
        }
        balance_queries(&mut query.body);
        if !self.has_schema {
            mark_values(&mut query.body);
        }
        let Some(fetch) = query.fetch.take() else { return ControlFlow::Continue(()) };
        let rows = fetch.quantity.unwrap_or_else(|| Expr::value(Value::Number("1".to_owned(), false)));
        query.limit_clause = Some(match query.limit_clause.take() {
            None => LimitClause::LimitOffset { limit: Some(rows), offset: None, limit_by: Vec::new() },
            Some(LimitClause::LimitOffset { limit: None, offset, limit_by }) => {
                LimitClause::LimitOffset { limit: Some(rows), offset, limit_by }
            }
            Some(_) => {
                return ControlFlow::Break(Error::syntax("syntax error: LIMIT and FETCH in one query"));
            }
        });
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<Error> {
        if let Err(error) = windows::write_out(select).and_then(|()| whole_rows::count_whole_rows(select)) {
            return ControlFlow::Break(error);
        }
        conditions::read_of_select(select);
        if let Some(selection) = &mut select.selection
            && let Err(error) = rows::write_out_conditions(selection)
        {
            return ControlFlow::Break(error);
        }
        if let ast::GroupByExpr::Expressions(groups, _) = &select.group_by
            && groups.iter().any(is_no_position)
        {
            return ControlFlow::Break(Error::syntax(
                "a constant in GROUP BY must be the position of a column",
            ));
        }
        if let Err(error) = series::unnest_items(select) {
            return ControlFlow::Break(error);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<Error> {
        if let TableFactor::NestedJoin { table_with_joins, .. } = factor {
            conditions::read_of_joins(table_with_joins);
        }
        series::name_column(factor);
        match series::read_texts_of_table(factor).and_then(|()| series::make_lateral(factor)) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => ControlFlow::Break(error),
        }
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Error> {
        conditions::read_of_expr(expr);
        balance_condition(expr);
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Error> {
        match adapted(expr) {
            Ok(None) => ControlFlow::Continue(()),
            Ok(Some(adapted)) => {
                *expr = adapted;
                ControlFlow::Continue(())
            }
            Err(error) => ControlFlow::Break(error),
        }
    }
}

/// A constant that cannot be the position of a column: text, or a number with a point.
fn is_no_position(expr: &Expr) -> bool {
    match expr {
        Expr::Value(value) => match &value.value {
            Value::SingleQuotedString(_) => true,
            Value::Number(digits, _) => digits.contains('.'),
            _ => false,
        },
        _ => false,
    }
}

fn adapted(expr: &mut Expr) -> Result<Option<Expr>> {
    if let Expr::Function(function) = expr {
        windows::check(function)?;
        aggregate_orders::without_constants(function)?;
        if let Some(written_out) = frames::written_out(function)? {
            return Ok(Some(written_out));
        }
    }
    if let Some(written_out) = rows::written_out(expr)? {
        return Ok(Some(written_out));
    }
    if let Some(call) = arrays::rewritten(expr)? {
        return Ok(Some(call));
    }
    match expr {
        Expr::AtTimeZone { .. } => {
            spell_time_zone(expr);
            Ok(None)
        }
        Expr::Like { pattern, escape_char, .. } | Expr::ILike { pattern, escape_char, .. } => {
            if let Some(escape) = escape_char.take() {
                let escape = escape_of(&escape.value)?;
                **pattern = match literal(pattern) {
                    Some(text) => Expr::value(Value::SingleQuotedString(with_backslashes(text, escape)?)),
                    None => translated(LIKE_PATTERN, pattern, escape),
                };
            }
            Ok(None)
        }
        Expr::SimilarTo { negated, expr, pattern, escape_char } => {
            let escape = match escape_char {
                Some(escape) => escape_of(&escape.value)?,
                None => Some('\\'),
            };
            let regex = match literal(pattern) {
                Some(text) => Expr::value(Value::SingleQuotedString(regular_expression(text, escape)?)),
                None => translated(SIMILAR_PATTERN, pattern, escape),
            };
            let op = if *negated { BinaryOperator::PGRegexNotMatch } else { BinaryOperator::PGRegexMatch };
            let left = std::mem::replace(expr, Box::new(Expr::value(Value::Null)));
            let right = Box::new(regex);
            Ok(Some(Expr::Nested(Box::new(Expr::BinaryOp { left, op, right }))))
        }
        Expr::UnaryOp { .. } => Ok(negated(expr)),
        Expr::Case { .. } => {
            part_long_case(expr);
            Ok(None)
        }
        Expr::Interval(interval) => {
            spell_interval(interval)?;
            Ok(None)
        }
        Expr::Function(function) if is_called(function, "make_interval") => {
            place_arguments(function);
            Ok(None)
        }
        Expr::Function(function) if is_called(function, "age") => {
            let today = Expr::Function(ast::Function {
                name: ObjectName::from(vec![Ident::new("current_date")]),
                args: ast::FunctionArguments::List(ast::FunctionArgumentList {
                    duplicate_treatment: None,
                    args: Vec::new(),
                    clauses: Vec::new(),
                }),
                ..function.clone()
            });
            if let ast::FunctionArguments::List(list) = &mut function.args
                && list.args.len() == 1
            {
                list.args.insert(0, ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(today)));
            }
            Ok(None)
        }
        Expr::Substring { expr, substring_from: Some(from), substring_for, shorthand: false, .. } => {
            let text = |expr: &mut Expr| std::mem::replace(expr, Expr::value(Value::Null));
            Ok(match (literal(from), substring_for) {
                (Some(pattern), Some(escape)) => {
                    let pattern = marked_part(pattern, escape_of_literal(escape)?)?;
                    let pattern = Expr::value(Value::SingleQuotedString(pattern));
                    Some(arrays::call(SUBSTRING, vec![text(expr), pattern]))
                }
                (_, None) if !is_number(from) => Some(arrays::call(SUBSTRING, vec![text(expr), text(from)])),
                _ => None,
            })
        }
        Expr::CompoundFieldAccess { root, access_chain }
            if !matches!(root.as_ref(), Expr::Identifier(_) | Expr::CompoundIdentifier(_)) =>
        {
            for access in access_chain {
                if let ast::AccessExpr::Dot(field) = access
                    && let Expr::Identifier(name) = field
                {
                    let name = folded_ident(name);
                    *field = Expr::value(Value::SingleQuotedString(name));
                }
            }
            Ok(None)
        }
        Expr::Value(value) => match &mut value.value {
            Value::UnicodeStringLiteral(text) => {
                let text = std::mem::take(text);
                Ok(Some(Expr::value(Value::SingleQuotedString(text))))
            }
            _ => Ok(None),
        },
        Expr::Function(function) if is_called(function, "encode") => {
            // Postgres pads.
            if let ast::FunctionArguments::List(list) = &mut function.args
                && let [_, ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(Expr::Value(format)))] =
                    list.args.as_mut_slice()
                && matches!(&format.value, Value::SingleQuotedString(name) if name.eq_ignore_ascii_case("base64"))
            {
                format.value = Value::SingleQuotedString("base64pad".to_owned());
            }
            Ok(None)
        }
        Expr::Function(function) if is_called(function, "every") => {
            function.name = ObjectName::from(vec![Ident::new("bool_and")]);
            Ok(None)
        }
        Expr::Function(function) if is_called(function, "mod") => {
            let ast::FunctionArguments::List(list) = &mut function.args else { return Ok(None) };
            let [
                ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(left)),
                ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(right)),
            ] = list.args.as_mut_slice()
            else {
                return Ok(None);
            };
            let operand = |expr: &mut Expr| {
                Box::new(Expr::Nested(Box::new(std::mem::replace(expr, Expr::value(Value::Null)))))
            };
            let (left, right) = (operand(left), operand(right));
            let modulo = Expr::BinaryOp { left, op: BinaryOperator::Modulo, right };
            Ok(Some(Expr::Nested(Box::new(modulo))))
        }
        _ => Ok(None),
    }
}

/// The escape character; none for `ESCAPE ''`.
fn escape_of(value: &Value) -> Result<Option<char>> {
    let wrong = || Error::new(crate::error::SqlState::InvalidEscapeSequence, "ESCAPE takes one character");
    let Value::SingleQuotedString(text) = value else { return Err(wrong()) };
    let mut chars = text.chars();
    let first = chars.next();
    if chars.next().is_some() { Err(wrong()) } else { Ok(first) }
}

/// The text of a literal.
fn literal(pattern: &Expr) -> Option<&str> {
    match pattern {
        Expr::Value(value) => match &value.value {
            Value::SingleQuotedString(text) | Value::EscapedStringLiteral(text) => Some(text),
            _ => None,
        },
        Expr::Nested(inner) => literal(inner),
        _ => None,
    }
}

/// A position that is written out.
fn is_number(expr: &Expr) -> bool {
    matches!(expr, Expr::Value(value) if matches!(value.value, Value::Number(..)))
}

/// A pattern that is no literal, as the function makes it.
fn translated(function: &str, pattern: &mut Expr, escape: Option<char>) -> Expr {
    let pattern = std::mem::replace(pattern, Expr::value(Value::Null));
    let escape = escape.map(String::from).unwrap_or_default();
    arrays::call(function, vec![pattern, Expr::value(Value::SingleQuotedString(escape))])
}

fn escape_of_literal(expr: &Expr) -> Result<char> {
    let text = literal(expr).ok_or_else(|| {
        Error::unsupported("substring … FOR an escape character that is not a literal")
            .with_hint("write it as text in quotes")
    })?;
    escape_of(&Value::SingleQuotedString(text.to_owned()))?
        .ok_or_else(|| Error::new(crate::error::SqlState::InvalidEscapeSequence, "FOR takes one character"))
}
