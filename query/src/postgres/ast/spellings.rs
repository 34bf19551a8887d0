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
//! | `FROM generate_series(1, 3) x`, `FROM unnest(a) x` | `… x(x)` |
//! | `FROM t, generate_series(1, t.n) s` | `FROM t, LATERAL (SELECT generate_series(1, t.n)) s(s)` |
//!
//! Long chains are balanced in the same walk.

use std::ops::ControlFlow;

use sqlparser::ast::{
    self, BinaryOperator, Expr, Ident, LimitClause, ObjectName, Query, Select, SelectItem, TableFactor,
    Value, VisitMut, VisitorMut,
};

use super::{
    balance::{balance_condition, balance_queries},
    conditions,
    interval_literals::{negated, place_arguments, spell_interval},
    is_called, recursion, rows, series,
    time_zone_syntax::spell_time_zone,
    whole_rows, windows,
};
use crate::error::{Error, Result};

/// Rewrites a statement, the names of whose columns are given.
pub(crate) fn rewrite_spellings(statement: &mut ast::Statement) -> Result<()> {
    match statement.visit(&mut Spelling) {
        ControlFlow::Break(error) => Err(error),
        ControlFlow::Continue(()) => Ok(()),
    }
}

/// As [`rewrite_spellings`], for an expression outside a statement.
pub(crate) fn rewrite_expression(expr: &mut Expr) -> Result<()> {
    match expr.visit(&mut Spelling) {
        ControlFlow::Break(error) => Err(error),
        ControlFlow::Continue(()) => Ok(()),
    }
}

struct Spelling;

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
        if let Err(error) =
            recursion::check_recursive_terms(query).and_then(|()| windows::write_out_of_query(query))
        {
            return ControlFlow::Break(error);
        }
        balance_queries(&mut query.body);
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
        if let Some(selection) = &mut select.selection {
            rows::write_out_conditions(selection);
        }
        if let ast::GroupByExpr::Expressions(groups, _) = &select.group_by
            && groups.iter().any(is_no_position)
        {
            return ControlFlow::Break(Error::syntax(
                "a constant in GROUP BY must be the position of a column",
            ));
        }
        for item in &mut select.projection {
            if let SelectItem::ExprWithAlias { expr, .. } | SelectItem::UnnamedExpr(expr) = item
                && let Expr::Function(series) = expr
                && is_called(series, "generate_series")
            {
                let mut unnest = series.clone();
                unnest.name = ObjectName::from(vec![Ident::new("unnest")]);
                let inner = std::mem::replace(expr, Expr::value(Value::Null));
                unnest.args = ast::FunctionArguments::List(ast::FunctionArgumentList {
                    duplicate_treatment: None,
                    args: vec![ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(inner))],
                    clauses: Vec::new(),
                });
                *expr = Expr::Function(unnest);
            }
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<Error> {
        if let TableFactor::NestedJoin { table_with_joins, .. } = factor {
            conditions::read_of_joins(table_with_joins);
        }
        series::name_column(factor);
        match series::make_lateral(factor) {
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
    }
    if let Some(written_out) = rows::written_out(expr)? {
        return Ok(Some(written_out));
    }
    match expr {
        Expr::AtTimeZone { .. } => {
            spell_time_zone(expr);
            Ok(None)
        }
        Expr::Like { pattern, escape_char, .. } | Expr::ILike { pattern, escape_char, .. } => {
            if let Some(escape) = escape_char.take() {
                let escape = escape_of(&escape.value)?;
                let text = literal(pattern, "LIKE … ESCAPE")?;
                **pattern = Expr::value(Value::SingleQuotedString(with_backslashes(text, escape)?));
            }
            Ok(None)
        }
        Expr::SimilarTo { negated, expr, pattern, escape_char } => {
            let escape = match escape_char {
                Some(escape) => escape_of(&escape.value)?,
                None => Some('\\'),
            };
            let regex = regular_expression(literal(pattern, "SIMILAR TO")?, escape)?;
            let op = if *negated { BinaryOperator::PGRegexNotMatch } else { BinaryOperator::PGRegexMatch };
            let left = std::mem::replace(expr, Box::new(Expr::value(Value::Null)));
            let right = Box::new(Expr::value(Value::SingleQuotedString(regex)));
            Ok(Some(Expr::Nested(Box::new(Expr::BinaryOp { left, op, right }))))
        }
        Expr::UnaryOp { .. } => Ok(negated(expr)),
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
        Expr::Substring { expr, substring_from: Some(pattern), substring_for, special: false, .. }
            if literal(pattern, "").is_ok() =>
        {
            let pattern = match substring_for {
                Some(escape) => marked_part(literal(pattern, "")?, escape_of_literal(escape)?)?,
                None => literal(pattern, "")?.to_owned(),
            };
            let text = std::mem::replace(expr, Box::new(Expr::value(Value::Null)));
            Ok(Some(first_match(*text, pattern)))
        }
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

fn literal<'e>(pattern: &'e Expr, what: &str) -> Result<&'e str> {
    match pattern {
        Expr::Value(value) => match &value.value {
            Value::SingleQuotedString(text) | Value::EscapedStringLiteral(text) => Ok(text),
            _ => Err(no_literal(what)),
        },
        Expr::Nested(inner) => literal(inner, what),
        _ => Err(no_literal(what)),
    }
}

fn no_literal(what: &str) -> Error {
    Error::unsupported(format!("{what} with a pattern that is not a literal"))
        .with_hint("write the pattern as text in quotes, or use ~ with a regular expression")
}

fn lone_escape() -> Error {
    Error::new(
        crate::error::SqlState::InvalidEscapeSequence,
        "a pattern must not end with its escape character",
    )
}

/// A pattern of LIKE with the backslash for its escape character.
fn with_backslashes(pattern: &str, escape: Option<char>) -> Result<String> {
    let mut out = String::with_capacity(pattern.len());
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        if Some(c) == escape {
            out.push('\\');
            out.push(chars.next().ok_or_else(lone_escape)?);
        } else {
            if c == '\\' {
                out.push('\\');
            }
            out.push(c);
        }
    }
    Ok(out)
}

/// `(regexp_match(text, pattern))[1]`: what the first group matches, or the whole pattern where it has none.
fn first_match(text: Expr, pattern: String) -> Expr {
    let argument = |expr| ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(expr));
    let args = vec![argument(text), argument(Expr::value(Value::SingleQuotedString(pattern)))];
    let list = ast::FunctionArgumentList { duplicate_treatment: None, args, clauses: Vec::new() };
    let call = Expr::Function(ast::Function {
        name: ObjectName::from(vec![Ident::new("regexp_match")]),
        uses_odbc_syntax: false,
        parameters: ast::FunctionArguments::None,
        args: ast::FunctionArguments::List(list),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    });
    let index = Expr::value(Value::Number("1".to_owned(), false));
    let access = ast::AccessExpr::Subscript(ast::Subscript::Index { index });
    Expr::CompoundFieldAccess { root: Box::new(Expr::Nested(Box::new(call))), access_chain: vec![access] }
}

fn escape_of_literal(expr: &Expr) -> Result<char> {
    escape_of(&Value::SingleQuotedString(literal(expr, "substring … FOR")?.to_owned()))?
        .ok_or_else(|| Error::new(crate::error::SqlState::InvalidEscapeSequence, "FOR takes one character"))
}

/// The pattern of `substring(text FROM 'a#"b#"c' FOR '#')`, whose marked part is the answer.
fn marked_part(pattern: &str, escape: char) -> Result<String> {
    let mark = format!("{escape}\"");
    let parts =
        pattern.split(&mark).map(|part| translated(part, Some(escape))).collect::<Result<Vec<_>>>()?;
    match parts.as_slice() {
        [whole] => Ok(format!("(?s)^({whole})$")),
        [before, part, after] => Ok(format!("(?s)^(?:{before})({part})(?:{after})$")),
        _ => Err(Error::new(
            crate::error::SqlState::InvalidUseOfEscapeCharacter,
            "a pattern has two marks around its part, or none",
        )),
    }
}

/// A pattern of SIMILAR TO as a regular expression for the whole text.
fn regular_expression(pattern: &str, escape: Option<char>) -> Result<String> {
    Ok(format!("(?s)^(?:{})$", translated(pattern, escape)?))
}

/// A pattern of SIMILAR TO as a regular expression, whose groups are not captured.
fn translated(pattern: &str, escape: Option<char>) -> Result<String> {
    let mut out = String::with_capacity(pattern.len());
    let mut in_class = false;
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        match c {
            c if Some(c) == escape => {
                out.push('\\');
                out.push(chars.next().ok_or_else(lone_escape)?);
            }
            '\\' => out.push_str("\\\\"),
            '[' if !in_class => {
                in_class = true;
                out.push('[');
            }
            ']' => {
                in_class = false;
                out.push(']');
            }
            c if in_class => out.push(c),
            '%' => out.push_str(".*"),
            '_' => out.push('.'),
            '(' => out.push_str("(?:"),
            '.' | '^' | '$' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    Ok(out)
}
