//! Intervals before operands have their common types: arithmetic, the average, windows in the order of
//! intervals.
//!
//! | | DataFusion | here |
//! |---|---|---|
//! | `timestamp - timestamp` | a duration, in microseconds | an interval, in days and time |
//! | `interval * 2`, `interval / 2` | refused | an interval |
//! | `date + 1`, `date + time` | by way of nanoseconds, which end after 292 years | a date, a local time |
//! | `timestamp + '1 day'` | refused | the text is read as an interval |
//! | `OVER (ORDER BY interval)`, `RANGE` of it | an internal error | by length |

use arrow::datatypes::DataType;
use datafusion::{
    common::{DFSchema, Result, ScalarValue, tree_node::Transformed},
    logical_expr::{
        BinaryExpr, Expr, Operator, WindowFrame, WindowFrameBound, WindowFrameUnits,
        expr::{AggregateFunction, WindowFunction, WindowFunctionDefinition},
        planner::{ExprPlanner, PlannerResult, RawBinaryExpr},
    },
};

use crate::{
    error::{Error, SqlState},
    postgres::{
        exprs::{cast_in_place, is_text, type_of},
        functions::{
            comparison_key, date_at_time, day_shift, interval_average, interval_length, interval_product,
            interval_quotient, is_compared_by_key, is_comparison_key, read_interval_text, time_difference,
        },
    },
    types::interval::{read_interval, total_nanos},
};

/// Plans arithmetic of intervals that DataFusion's planner refuses, or gives another type.
#[derive(Debug)]
pub(crate) struct IntervalArithmetic;

impl ExprPlanner for IntervalArithmetic {
    fn plan_binary_op(&self, expr: RawBinaryExpr, schema: &DFSchema) -> Result<PlannerResult<RawBinaryExpr>> {
        use sqlparser::ast::BinaryOperator;
        let op = match expr.op {
            BinaryOperator::Plus => Operator::Plus,
            BinaryOperator::Minus => Operator::Minus,
            BinaryOperator::Multiply => Operator::Multiply,
            BinaryOperator::Divide => Operator::Divide,
            BinaryOperator::Eq
            | BinaryOperator::NotEq
            | BinaryOperator::Lt
            | BinaryOperator::LtEq
            | BinaryOperator::Gt
            | BinaryOperator::GtEq => return Ok(compared(expr, schema)),
            _ => return Ok(PlannerResult::Original(expr)),
        };
        let RawBinaryExpr { op: written, mut left, mut right } = expr;
        if let Some(planned) = arithmetic(&mut left, op, &mut right, schema) {
            return Ok(PlannerResult::Planned(planned));
        }
        Ok(PlannerResult::Original(RawBinaryExpr { op: written, left, right }))
    }
}

/// An operation between values whose types are known.
pub(crate) fn operation(mut left: Expr, op: Operator, mut right: Expr, schema: &DFSchema) -> Expr {
    arithmetic(&mut left, op, &mut right, schema).unwrap_or_else(|| binary(left, op, right))
}

/// A text beside an interval is read as one: DataFusion refuses them at once.
fn compared(expr: RawBinaryExpr, schema: &DFSchema) -> PlannerResult<RawBinaryExpr> {
    let RawBinaryExpr { op, mut left, mut right } = expr;
    let types = (type_of(&left, schema), type_of(&right, schema));
    match &types {
        (DataType::Interval(_), text) if is_text(text) && is_literal(&right) => {
            right = read_interval_text().call(vec![right]);
        }
        (text, DataType::Interval(_)) if is_text(text) && is_literal(&left) => {
            left = read_interval_text().call(vec![left]);
        }
        _ => {}
    }
    PlannerResult::Original(RawBinaryExpr { op, left, right })
}

/// The function that an operation on times or intervals is; none for what DataFusion does right.
fn arithmetic(left: &mut Expr, op: Operator, right: &mut Expr, schema: &DFSchema) -> Option<Expr> {
    use DataType::{Date32, Interval, Time32, Time64, Timestamp};
    let types = (type_of(left, schema), type_of(right, schema));
    let function = match (&types, op) {
        ((Timestamp(..), Timestamp(..) | Date32) | (Date32, Timestamp(..)), Operator::Minus) => {
            // An instant beside a local time makes an instant of it.
            let is_instant = |data_type: &DataType| matches!(data_type, Timestamp(_, Some(_)));
            let common = if is_instant(&types.0) || (types.0 == Date32 && !is_instant(&types.1)) {
                if types.0 == Date32 { &types.1 } else { &types.0 }
            } else if is_instant(&types.1) {
                &types.1
            } else {
                &types.0
            };
            for (operand, data_type) in [(&mut *left, &types.0), (&mut *right, &types.1)] {
                if data_type != common {
                    cast_in_place(operand, common);
                }
            }
            time_difference()
        }
        ((Timestamp(..), text), Operator::Minus) if is_text(text) && is_literal(right) => {
            cast_in_place(right, &types.0);
            time_difference()
        }
        ((text, Timestamp(..)), Operator::Minus) if is_text(text) && is_literal(left) => {
            cast_in_place(left, &types.1);
            time_difference()
        }
        ((Timestamp(..) | Interval(_), text), Operator::Plus | Operator::Minus)
            if is_text(text) && is_literal(right) =>
        {
            let interval = read_interval_text().call(vec![std::mem::take(right)]);
            return Some(binary(std::mem::take(left), op, interval));
        }
        ((text, Timestamp(..) | Interval(_)), Operator::Plus) if is_text(text) && is_literal(left) => {
            let interval = read_interval_text().call(vec![std::mem::take(left)]);
            return Some(binary(std::mem::take(right), op, interval));
        }
        ((Date32, text), Operator::Minus) if is_text(text) && is_literal(right) => {
            cast_in_place(right, &types.0);
            return Some(binary(std::mem::take(left), op, std::mem::take(right)));
        }
        ((Date32, days), Operator::Plus | Operator::Minus) if days.is_integer() => day_shift(op),
        ((days, Date32), Operator::Plus) if days.is_integer() => {
            return Some(day_shift(op).call(vec![std::mem::take(right), std::mem::take(left)]));
        }
        ((Date32, Time32(_) | Time64(_)), Operator::Plus) => date_at_time(),
        ((Time32(_) | Time64(_), Date32), Operator::Plus) => {
            return Some(date_at_time().call(vec![std::mem::take(right), std::mem::take(left)]));
        }
        ((Interval(_), number), Operator::Multiply | Operator::Divide) if is_factor(number) => {
            let function = if op == Operator::Multiply { interval_product() } else { interval_quotient() };
            return Some(function.call(vec![std::mem::take(left), std::mem::take(right)]));
        }
        ((number, Interval(_)), Operator::Multiply) if is_factor(number) => {
            return Some(interval_product().call(vec![std::mem::take(right), std::mem::take(left)]));
        }
        _ => return None,
    };
    Some(function.call(vec![std::mem::take(left), std::mem::take(right)]))
}

fn binary(left: Expr, op: Operator, right: Expr) -> Expr {
    Expr::BinaryExpr(BinaryExpr { left: Box::new(left), op, right: Box::new(right) })
}

/// A number that an interval can be multiplied by, or a literal that is one.
fn is_factor(data_type: &DataType) -> bool {
    data_type.is_numeric() || data_type.is_null()
}

/// A literal or a parameter: text whose type is open, as it is in Postgres.
fn is_literal(expr: &Expr) -> bool {
    match expr {
        Expr::Literal(value, _) => !value.is_null(),
        expr => matches!(expr, Expr::Placeholder(_)),
    }
}

/// As the module documentation says.
pub(super) fn coerce_expr(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    Ok(match expr {
        Expr::BinaryExpr(BinaryExpr { mut left, op, mut right }) => {
            match arithmetic(&mut left, op, &mut right, schema) {
                Some(function) => Transformed::yes(function),
                None => Transformed::no(Expr::BinaryExpr(BinaryExpr { left, op, right })),
            }
        }
        Expr::AggregateFunction(AggregateFunction { func, params }) => {
            match interval_average(&func, &params.args, schema) {
                Some(func) => Transformed::yes(Expr::AggregateFunction(AggregateFunction { func, params })),
                None => Transformed::no(Expr::AggregateFunction(AggregateFunction { func, params })),
            }
        }
        Expr::WindowFunction(window) => coerce_window(*window, schema)?,
        expr => Transformed::no(expr),
    })
}

fn coerce_window(mut window: WindowFunction, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let mut changed = false;
    if let WindowFunctionDefinition::AggregateUDF(func) = &window.fun
        && let Some(func) = interval_average(func, &window.params.args, schema)
    {
        window.fun = WindowFunctionDefinition::AggregateUDF(func);
        changed = true;
    }
    let order_by = &mut window.params.order_by;
    let first = order_by.first().map(|sort| type_of(&sort.expr, schema));
    for sort in order_by.iter_mut() {
        changed |= compare_by_key(&mut sort.expr, schema);
    }
    if let Some(first) = first
        && window.params.window_frame.units == WindowFrameUnits::Range
    {
        changed |= coerce_range(&mut window.params.window_frame, &first)?;
    }
    Ok(Transformed::new_transformed(Expr::WindowFunction(Box::new(window)), changed))
}

/// Puts the key of a value in its place, if values of its type are compared by keys; returns whether they
/// are.
pub(in crate::postgres) fn compare_by_key(expr: &mut Expr, schema: &DFSchema) -> bool {
    let is_keyed = !is_comparison_key(expr) && is_compared_by_key(&type_of(expr, schema));
    if is_keyed {
        *expr = comparison_key().call(vec![std::mem::take(expr)]);
    }
    is_keyed
}

/// Gives the bounds of a `RANGE` the type that `ORDER BY` has now.
fn coerce_range(frame: &mut WindowFrame, ordered: &DataType) -> Result<bool> {
    let mut changed = false;
    let mut has_offset = false;
    for bound in [&mut frame.start_bound, &mut frame.end_bound] {
        let (WindowFrameBound::Preceding(offset) | WindowFrameBound::Following(offset)) = bound else {
            continue;
        };
        let ScalarValue::Utf8(Some(text)) = &*offset else {
            has_offset |= !offset.is_null();
            continue;
        };
        has_offset = true;
        if matches!(ordered, DataType::Interval(_) | DataType::Timestamp(..) | DataType::Date32) {
            let interval = read_interval(text)?;
            if total_nanos(interval) < 0 {
                let message = "invalid preceding or following size in window function: it is negative";
                return Err(Error::new(SqlState::InvalidPrecedingOrFollowingSize, message).into());
            }
            *offset = match ordered {
                DataType::Interval(_) => interval_length(interval),
                _ => ScalarValue::IntervalMonthDayNano(Some(interval)),
            };
            changed = true;
        }
    }
    // Without offsets a range is made of whole groups of peers, whatever their type.
    let has_range = ordered.is_numeric()
        || is_text(ordered)
        || matches!(
            ordered,
            DataType::Null
                | DataType::Boolean
                | DataType::Interval(_)
                | DataType::Timestamp(..)
                | DataType::Date32
                | DataType::Date64
        );
    if !has_range && !has_offset {
        frame.units = WindowFrameUnits::Groups;
        changed = true;
    }
    Ok(changed)
}
