//! `RANGE` frames of days and months over instants: in the session's zone, where DataFusion counts in UTC.

use arrow::datatypes::DataType;
use datafusion::{
    common::{DFSchema, ScalarValue, tree_node::Transformed},
    logical_expr::{
        Expr, WindowFrame, WindowFrameBound, WindowFrameUnits,
        expr::{WindowFunction, WindowFunctionDefinition},
    },
};

use crate::{
    postgres::{
        exprs::type_of,
        functions::{FrameEnd, ZonedFrame},
    },
    time::TimeZone,
};

/// Window functions that look at their frame; the others need none.
const OF_FRAME: [&str; 3] = ["first_value", "last_value", "nth_value"];

/// Puts a function that knows the zone in the place of one over such a frame.
pub(super) fn in_zone(expr: Expr, schema: &DFSchema, zone: TimeZone) -> Transformed<Expr> {
    let Expr::WindowFunction(mut window) = expr else { return Transformed::no(expr) };
    match zoned_frame(&window, schema, zone) {
        Some(frame) => {
            let params = &mut window.params;
            params.args.extend(params.filter.take().map(|filter| *filter));
            params.args.extend(params.order_by.first().map(|sort| sort.expr.clone()));
            params.distinct = false;
            params.window_frame = WindowFrame::new(Some(false));
            window.fun = WindowFunctionDefinition::WindowUDF(frame.into_udf());
            Transformed::yes(Expr::WindowFunction(window))
        }
        None => Transformed::no(Expr::WindowFunction(window)),
    }
}

fn zoned_frame(window: &WindowFunction, schema: &DFSchema, zone: TimeZone) -> Option<ZonedFrame> {
    let params = &window.params;
    let frame = &params.window_frame;
    let [order] = params.order_by.as_slice() else { return None };
    if zone.is_utc() || frame.units != WindowFrameUnits::Range {
        return None;
    }
    let (start, end) = (end_of(&frame.start_bound)?, end_of(&frame.end_bound)?);
    if !(has_days(start) || has_days(end))
        || !matches!(type_of(&order.expr, schema), DataType::Timestamp(_, Some(_)))
    {
        return None;
    }
    let looks = match &window.fun {
        WindowFunctionDefinition::AggregateUDF(_) => true,
        WindowFunctionDefinition::WindowUDF(function) => OF_FRAME.contains(&function.name()),
    };
    looks.then(|| ZonedFrame {
        function: window.fun.clone(),
        zone,
        start,
        end,
        descending: !order.asc,
        distinct: params.distinct,
        has_filter: params.filter.is_some(),
    })
}

fn end_of(bound: &WindowFrameBound) -> Option<FrameEnd> {
    Some(match bound {
        WindowFrameBound::CurrentRow => FrameEnd::CurrentRow,
        WindowFrameBound::Preceding(offset) | WindowFrameBound::Following(offset) if offset.is_null() => {
            FrameEnd::Unbounded
        }
        WindowFrameBound::Preceding(ScalarValue::IntervalMonthDayNano(Some(interval))) => {
            FrameEnd::Preceding(*interval)
        }
        WindowFrameBound::Following(ScalarValue::IntervalMonthDayNano(Some(interval))) => {
            FrameEnd::Following(*interval)
        }
        _ => return None,
    })
}

fn has_days(end: FrameEnd) -> bool {
    match end {
        FrameEnd::Preceding(interval) | FrameEnd::Following(interval) => {
            interval.months != 0 || interval.days != 0
        }
        FrameEnd::Unbounded | FrameEnd::CurrentRow => false,
    }
}
