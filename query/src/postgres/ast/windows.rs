//! Windows that are named: `OVER w`, `OVER (w ORDER BY a)`, `WINDOW w2 AS (w)`.
//!
//! DataFusion forgets what a window starts from. Here each window stands for itself before planning: it has
//! the partitions of the one it starts from, and its order where it has none of its own.

use std::ops::ControlFlow;

use sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Ident, NamedWindowExpr, OrderByKind,
    Query, Select, SetExpr, UnaryOperator, Value, ValueWithSpan, VisitMut, VisitorMut, WindowSpec,
    WindowType,
};

use super::is_called;
use crate::{
    error::{Error, Result, SqlState, position},
    parse::folded_ident,
};

/// Writes out the windows of a select, in its `ORDER BY` too.
pub(super) fn write_out_of_query(query: &mut Query) -> Result<()> {
    let SetExpr::Select(select) = query.body.as_mut() else { return Ok(()) };
    let known = definitions(select)?;
    if known.is_empty() {
        return Ok(());
    }
    let mut writer = WindowWriter { known, depth: 0 };
    if let Some(order) = &mut query.order_by
        && let OrderByKind::Expressions(exprs) = &mut order.kind
    {
        for ordered in exprs {
            written(ordered.expr.visit(&mut writer))?;
        }
    }
    written(select.as_mut().visit(&mut writer))
}

/// Writes out the windows of a select that is a part of a larger query.
pub(super) fn write_out(select: &mut Select) -> Result<()> {
    let known = definitions(select)?;
    if known.is_empty() { Ok(()) } else { written(select.visit(&mut WindowWriter { known, depth: 0 })) }
}

/// Fails for a window function whose window starts from one that nothing defines, or that asks for no row at
/// all.
pub(super) fn check(function: &Function) -> Result<()> {
    if function.over.is_some() && is_called(function, "nth_value") && asks_for_no_row(function) {
        return Err(Error::new(
            SqlState::InvalidArgumentForNthValue,
            "argument of nth_value must be greater than zero",
        ));
    }
    match &function.over {
        Some(
            WindowType::NamedWindow(name)
            | WindowType::WindowSpec(WindowSpec { window_name: Some(name), .. }),
        ) => Err(unknown(name)),
        _ => Ok(()),
    }
}

/// Whether the second argument is written as zero or less.
fn asks_for_no_row(function: &Function) -> bool {
    let FunctionArguments::List(list) = &function.args else { return false };
    let Some(FunctionArg::Unnamed(FunctionArgExpr::Expr(expr))) = list.args.get(1) else { return false };
    let (is_negative, mut number) = match expr {
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } => (true, expr.as_ref()),
        other => (false, other),
    };
    while let Expr::Nested(inner) = number {
        number = inner;
    }
    let Expr::Value(ValueWithSpan { value: Value::Number(digits, _), .. }) = number else { return false };
    is_negative || digits.bytes().all(|digit| digit == b'0')
}

/// The windows of a `WINDOW` clause, each with what it starts from written out.
fn definitions(select: &mut Select) -> Result<Vec<(String, WindowSpec)>> {
    let mut known: Vec<(String, WindowSpec)> = Vec::new();
    for definition in std::mem::take(&mut select.named_window) {
        let name = folded_ident(&definition.0);
        if known.iter().any(|(other, _)| *other == name) {
            return Err(wrong(format!("window {name} is defined twice"), &definition.0));
        }
        let spec = match definition.1 {
            NamedWindowExpr::NamedWindow(base) => named(&known, &base)?.clone(),
            NamedWindowExpr::WindowSpec(spec) => started(&known, spec)?,
        };
        known.push((name, spec));
    }
    Ok(known)
}

fn named<'k>(known: &'k [(String, WindowSpec)], name: &Ident) -> Result<&'k WindowSpec> {
    let folded = folded_ident(name);
    let found = known.iter().find(|(other, _)| *other == folded);
    found.map(|(_, spec)| spec).ok_or_else(|| unknown(name))
}

/// A window together with the one it starts from.
fn started(known: &[(String, WindowSpec)], mut spec: WindowSpec) -> Result<WindowSpec> {
    let Some(name) = spec.window_name.take() else { return Ok(spec) };
    let base = named(known, &name)?;
    if !spec.partition_by.is_empty() {
        return Err(wrong(format!("cannot override PARTITION BY of window {}", name.value), &name));
    }
    if !spec.order_by.is_empty() && !base.order_by.is_empty() {
        return Err(wrong(format!("cannot override ORDER BY of window {}", name.value), &name));
    }
    if base.window_frame.is_some() {
        let error = wrong(format!("cannot copy window {} because it has a frame", name.value), &name);
        let is_bare = spec.order_by.is_empty() && spec.window_frame.is_none();
        return Err(if is_bare { error.with_hint("omit the parentheses of OVER") } else { error });
    }
    spec.partition_by.clone_from(&base.partition_by);
    if spec.order_by.is_empty() {
        spec.order_by.clone_from(&base.order_by);
    }
    Ok(spec)
}

fn unknown(name: &Ident) -> Error {
    Error::new(SqlState::UndefinedObject, format!("window {} does not exist", name.value))
        .with_hint("define it in a WINDOW clause of the same SELECT, before what starts from it")
        .at(position(name.span.start.line, name.span.start.column))
}

fn wrong(message: String, name: &Ident) -> Error {
    Error::new(SqlState::WindowingError, message).at(position(name.span.start.line, name.span.start.column))
}

fn written(flow: ControlFlow<Error>) -> Result<()> {
    match flow {
        ControlFlow::Break(error) => Err(error),
        ControlFlow::Continue(()) => Ok(()),
    }
}

/// Puts the windows into the functions of one select: those of queries within it have their own.
struct WindowWriter {
    known: Vec<(String, WindowSpec)>,
    depth: usize,
}

impl VisitorMut for WindowWriter {
    type Break = Error;

    fn pre_visit_query(&mut self, _: &mut Query) -> ControlFlow<Error> {
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &mut Query) -> ControlFlow<Error> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Error> {
        let Expr::Function(function) = expr else { return ControlFlow::Continue(()) };
        if self.depth > 0 {
            return ControlFlow::Continue(());
        }
        let spec = match function.over.take() {
            Some(WindowType::NamedWindow(name)) => named(&self.known, &name).cloned(),
            Some(WindowType::WindowSpec(spec)) => started(&self.known, spec),
            None => return ControlFlow::Continue(()),
        };
        match spec {
            Ok(spec) => {
                function.over = Some(WindowType::WindowSpec(spec));
                ControlFlow::Continue(())
            }
            Err(error) => ControlFlow::Break(error),
        }
    }
}
