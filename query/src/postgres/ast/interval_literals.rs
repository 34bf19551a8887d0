//! `INTERVAL '…'` in all of Postgres' forms, as the one that DataFusion reads: `14 mons 3 days 500000
//! microseconds`.

use arrow::datatypes::IntervalMonthDayNano;
use sqlparser::ast::{self, DateTimeField, Expr, Value};

use crate::{
    error::{Error, Result},
    types::interval::{IntervalFields, IntervalUnitName, read_interval_of},
};

/// Rewrites the literal, if it is one: an expression stays for the planner.
pub(super) fn spell_interval(interval: &mut ast::Interval) -> Result<()> {
    let text = match interval.value.as_ref() {
        Expr::Value(value) => match &value.value {
            Value::SingleQuotedString(text) | Value::EscapedStringLiteral(text) => text,
            _ => return Ok(()),
        },
        _ => return Ok(()),
    };
    let first = interval.leading_field.as_ref().map(unit_of).transpose()?;
    let last = interval.last_field.as_ref().map(unit_of).transpose()?;
    let digits = interval.fractional_seconds_precision.or(interval.leading_precision);
    let digits = digits.and_then(|digits| u32::try_from(digits).ok());
    let read = read_interval_of(text, IntervalFields { first, last: last.or(first), digits })?;
    *interval = literal_of(read);
    Ok(())
}

/// Takes the sign of `- INTERVAL '…'` into the literal, whose counts all have it: the planner would give it
/// to the first.
pub(super) fn negated(expr: &mut Expr) -> Option<Expr> {
    let Expr::UnaryOp { op: ast::UnaryOperator::Minus, expr } = expr else { return None };
    let Expr::Interval(ast::Interval { value, leading_field: None, .. }) = expr.as_mut() else { return None };
    let Expr::Value(value) = value.as_ref() else { return None };
    let Value::SingleQuotedString(text) = &value.value else { return None };
    let read = read_interval_of(text, IntervalFields::default()).ok()?;
    let negative = IntervalMonthDayNano::new(
        read.months.checked_neg()?,
        read.days.checked_neg()?,
        read.nanoseconds.checked_neg()?,
    );
    Some(Expr::Interval(literal_of(negative)))
}

fn literal_of(interval: IntervalMonthDayNano) -> ast::Interval {
    let IntervalMonthDayNano { months, days, nanoseconds } = interval;
    let text = format!("{months} mons {days} days {} microseconds", nanoseconds / 1_000);
    ast::Interval {
        value: Box::new(Expr::value(Value::SingleQuotedString(text))),
        leading_field: None,
        leading_precision: None,
        last_field: None,
        fractional_seconds_precision: None,
    }
}

/// Gives the named arguments of `make_interval(days => 1)` their places, with zeros in the others.
pub(super) fn place_arguments(function: &mut ast::Function) {
    const NAMES: [&str; 7] = ["years", "months", "weeks", "days", "hours", "mins", "secs"];
    let ast::FunctionArguments::List(list) = &mut function.args else { return };
    let zero = || ast::FunctionArgExpr::Expr(Expr::value(Value::Number("0".to_owned(), false)));
    let mut placed: Vec<ast::FunctionArgExpr> = Vec::new();
    for (at, arg) in list.args.iter().enumerate() {
        let (place, arg) = match arg {
            ast::FunctionArg::Unnamed(arg) => (Some(at), arg),
            ast::FunctionArg::Named { name, arg, .. } => {
                (NAMES.iter().position(|known| name.value.eq_ignore_ascii_case(known)), arg)
            }
            ast::FunctionArg::ExprNamed { .. } => return,
        };
        // Unknown arguments are for the planner to refuse.
        let Some(place) = place.filter(|place| *place < NAMES.len()) else { return };
        placed.resize_with(placed.len().max(place + 1), zero);
        placed[place] = arg.clone();
    }
    list.args = placed.into_iter().map(ast::FunctionArg::Unnamed).collect();
}

fn unit_of(field: &DateTimeField) -> Result<IntervalUnitName> {
    let name = field.to_string();
    IntervalUnitName::parse(&name)
        .ok_or_else(|| Error::syntax(format!("syntax error: {name} is no field of an interval")))
}
