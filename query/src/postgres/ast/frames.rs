//! Frames of windows: mistakes in them, with Postgres' codes, and frames that never have a row, which
//! DataFusion refuses: `ROWS BETWEEN 2 FOLLOWING AND 1 FOLLOWING`.
//!
//! Over such a frame an aggregate takes no row, and `first_value`, `last_value` and `nth_value` are NULL. In
//! a `RANGE` all rows whose key is NULL are the frame of each of them, wherever it begins and ends.

use sqlparser::ast::{
    BinaryOperator, CaseWhen, Expr, Function, UnaryOperator, Value, ValueWithSpan, WindowFrame,
    WindowFrameBound, WindowFrameUnits, WindowSpec, WindowType, helpers::attached_token::AttachedToken,
};

use super::is_called;
use crate::error::{Error, Result, SqlState, position};

/// Functions whose answer is NULL over no rows.
const OF_FRAME: [&str; 3] = ["first_value", "last_value", "nth_value"];
/// Functions that no frame matters to.
const OF_PARTITION: [&str; 8] =
    ["row_number", "rank", "dense_rank", "percent_rank", "cume_dist", "ntile", "lead", "lag"];

/// Checks the frame of a function, and writes out one that never has a row; `Some` is what stands for the
/// call then.
pub(super) fn written_out(function: &mut Function) -> Result<Option<Expr>> {
    let Some(WindowType::WindowSpec(spec)) = &mut function.over else { return Ok(None) };
    let Some(frame) = &mut spec.window_frame else { return Ok(None) };
    fold(frame);
    if let Err(error) = check(spec) {
        let start = function.name.0.first().and_then(|part| part.as_ident()).map(|ident| ident.span.start);
        return Err(error.at(start.and_then(|start| position(start.line, start.column))));
    }
    let Some(frame) = spec.window_frame.as_ref().filter(|frame| is_empty(frame)) else { return Ok(None) };
    let is_range = frame.units == WindowFrameUnits::Range;
    let keys = spec.order_by.first().filter(|_| is_range);
    let has_rows = keys.map_or_else(
        || Expr::value(Value::Boolean(false)),
        |key| Expr::IsNull(Box::new(Expr::Nested(Box::new(key.expr.clone())))),
    );
    spec.window_frame = is_range.then_some(WindowFrame {
        units: WindowFrameUnits::Range,
        start_bound: WindowFrameBound::CurrentRow,
        end_bound: Some(WindowFrameBound::CurrentRow),
    });
    if OF_PARTITION.iter().any(|name| is_called(function, name)) {
        return Ok(None);
    }
    if OF_FRAME.iter().any(|name| is_called(function, name)) {
        return Ok(Some(Expr::Case {
            case_token: AttachedToken::empty(),
            end_token: AttachedToken::empty(),
            operand: None,
            conditions: vec![CaseWhen { condition: has_rows, result: Expr::Function(function.clone()) }],
            else_result: None,
        }));
    }
    function.filter = Some(Box::new(match function.filter.take() {
        Some(filter) => Expr::BinaryOp {
            left: Box::new(Expr::Nested(filter)),
            op: BinaryOperator::And,
            right: Box::new(has_rows),
        },
        None => has_rows,
    }));
    Ok(None)
}

/// Puts whole numbers in the place of offsets that are computed of them.
fn fold(frame: &mut WindowFrame) {
    if frame.units == WindowFrameUnits::Range {
        return;
    }
    for bound in std::iter::once(&mut frame.start_bound).chain(&mut frame.end_bound) {
        if let Some(offset) = offset_mut(bound)
            && let Some(rows) = number(offset).map(f64::round_ties_even)
            && (0.0..=9e15).contains(&rows)
        {
            *offset = Expr::value(Value::Number(format!("{rows:.0}"), false));
        }
    }
}

fn check(spec: &WindowSpec) -> Result<()> {
    use WindowFrameBound::{CurrentRow, Following, Preceding};
    let Some(frame) = &spec.window_frame else { return Ok(()) };
    let (start, end) = (&frame.start_bound, frame.end_bound.as_ref());
    let is_following = |bound: &WindowFrameBound| matches!(bound, Following(Some(_)));
    let wrong = |message: &str| Err(Error::new(SqlState::WindowingError, message));
    match (start, end) {
        (Following(None), _) => return wrong("frame start cannot be UNBOUNDED FOLLOWING"),
        (_, Some(Preceding(None))) => return wrong("frame end cannot be UNBOUNDED PRECEDING"),
        (CurrentRow, Some(Preceding(_))) => {
            return wrong("frame starting from current row cannot have preceding rows");
        }
        (start, None) if is_following(start) => {
            return wrong("frame starting from following row cannot end with current row");
        }
        (start, Some(Preceding(_) | CurrentRow)) if is_following(start) => {
            return wrong("frame starting from following row cannot have preceding rows");
        }
        _ => {}
    }
    let offsets = [("starting", Some(start)), ("ending", end)];
    let offsets = offsets.into_iter().filter_map(|(which, bound)| Some((which, offset(bound?)?)));
    let keys = spec.order_by.len();
    match frame.units {
        WindowFrameUnits::Range if keys != 1 && offsets.clone().next().is_some() => {
            return wrong("RANGE with offset PRECEDING/FOLLOWING requires exactly one ORDER BY column");
        }
        WindowFrameUnits::Groups if keys == 0 => {
            return wrong("GROUPS mode requires an ORDER BY clause");
        }
        _ => {}
    }
    for (which, offset) in offsets {
        check_offset(frame.units, which, offset)?;
    }
    Ok(())
}

fn check_offset(units: WindowFrameUnits, which: &str, offset: &Expr) -> Result<()> {
    if matches!(offset, Expr::Value(ValueWithSpan { value: Value::Null, .. })) {
        let message = format!("frame {which} offset must not be null");
        return Err(Error::new(SqlState::NullValueNotAllowed, message));
    }
    if matches!(offset, Expr::Identifier(_) | Expr::CompoundIdentifier(_)) {
        let message = format!("argument of {units} must not contain variables");
        return Err(Error::new(SqlState::InvalidColumnReference, message));
    }
    if number(offset).is_none_or(|offset| offset >= 0.0) {
        return Ok(());
    }
    let message = match units {
        WindowFrameUnits::Range => "invalid preceding or following size in window function".to_owned(),
        _ => format!("frame {which} offset must not be negative"),
    };
    Err(Error::new(SqlState::InvalidPrecedingOrFollowingSize, message))
}

/// Whether a frame ends before it begins.
fn is_empty(frame: &WindowFrame) -> bool {
    let offsets = |start: &WindowFrameBound, end: &WindowFrameBound| {
        Some((number(offset(start)?)?, number(offset(end)?)?))
    };
    let Some(end) = &frame.end_bound else { return false };
    let Some((from, to)) = offsets(&frame.start_bound, end) else { return false };
    match (&frame.start_bound, end) {
        (WindowFrameBound::Preceding(_), WindowFrameBound::Preceding(_)) => from < to,
        (WindowFrameBound::Following(_), WindowFrameBound::Following(_)) => from > to,
        _ => false,
    }
}

fn offset(bound: &WindowFrameBound) -> Option<&Expr> {
    match bound {
        WindowFrameBound::Preceding(offset) | WindowFrameBound::Following(offset) => offset.as_deref(),
        WindowFrameBound::CurrentRow => None,
    }
}

fn offset_mut(bound: &mut WindowFrameBound) -> Option<&mut Expr> {
    match bound {
        WindowFrameBound::Preceding(offset) | WindowFrameBound::Following(offset) => offset.as_deref_mut(),
        WindowFrameBound::CurrentRow => None,
    }
}

/// The number that is written, or computed of written ones.
fn number(expr: &Expr) -> Option<f64> {
    match expr {
        Expr::Value(ValueWithSpan { value: Value::Number(digits, _), .. }) => digits.parse().ok(),
        Expr::Nested(inner) => number(inner),
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } => Some(-number(expr)?),
        Expr::UnaryOp { op: UnaryOperator::Plus, expr } => number(expr),
        Expr::BinaryOp { left, op, right } => {
            let (left, right) = (number(left)?, number(right)?);
            Some(match op {
                BinaryOperator::Plus => left + right,
                BinaryOperator::Minus => left - right,
                BinaryOperator::Multiply => left * right,
                _ => return None,
            })
        }
        _ => None,
    }
}
