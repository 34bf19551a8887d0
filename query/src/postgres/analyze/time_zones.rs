//! The session's time zone in plans: what DataFusion would do in UTC is put into the hands of our functions.
//!
//! | in the plan | becomes |
//! |---|---|
//! | a cast between text, local time, date and instant | `cast_time` with the session's zone |
//! | a cast of an array or a row, or of text to an array | `cast_nested` with the session's zone |
//! | time ± interval | `add_interval`, `subtract_interval`: days and months on the zone's clocks |
//! | a field or the format of an instant | the same function, of a value with the zone in its type |

use arrow::datatypes::DataType;
use datafusion::{
    common::{DFSchema, Result, tree_node::Transformed},
    logical_expr::{BinaryExpr, Cast, Expr, Operator, ScalarUDF, TryCast, expr::ScalarFunction},
};

use crate::{
    error::Error,
    postgres::{
        exprs::{is_text, type_of},
        functions::{IN_ZONE, in_zone, is_nested_cast, is_time_cast, nested_cast, shift, time_cast},
    },
    time::TimeZone,
};

/// Functions of DataFusion that take the zone of the type.
const TAKE_ZONE: [&str; 4] = ["date_part", "to_char", "to_local_time", "to_date"];

/// Functions of DataFusion that read texts, in UTC.
const READ_UTC: [&str; 5] = [
    "to_timestamp_seconds",
    "to_timestamp_millis",
    "to_timestamp_micros",
    "to_timestamp_nanos",
    "to_unixtime",
];

/// Puts the session's zone into an expression whose parts have it.
pub(super) fn in_zone_of(expr: Expr, schema: &DFSchema, zone: TimeZone) -> Result<Transformed<Expr>> {
    Ok(match expr {
        Expr::Cast(Cast { expr, field }) => {
            match cast_in_zone(&type_of(&expr, schema), field.data_type(), false, zone) {
                Some(cast) => Transformed::yes(cast.call(vec![*expr])),
                None => Transformed::no(Expr::Cast(Cast { expr, field })),
            }
        }
        Expr::TryCast(TryCast { expr, field }) => {
            match cast_in_zone(&type_of(&expr, schema), field.data_type(), true, zone) {
                Some(cast) => Transformed::yes(cast.call(vec![*expr])),
                None => Transformed::no(Expr::TryCast(TryCast { expr, field })),
            }
        }
        Expr::BinaryExpr(BinaryExpr { left, op: op @ (Operator::Plus | Operator::Minus), right }) => {
            let types = (type_of(&left, schema), type_of(&right, schema));
            match (&types, op) {
                ((DataType::Timestamp(..), DataType::Interval(_)), _) => {
                    Transformed::yes(shift(op, zone).call(vec![*left, *right]))
                }
                ((DataType::Interval(_), DataType::Timestamp(..)), Operator::Plus) => {
                    Transformed::yes(shift(op, zone).call(vec![*right, *left]))
                }
                _ => Transformed::no(Expr::BinaryExpr(BinaryExpr { left, op, right })),
            }
        }
        Expr::ScalarFunction(ScalarFunction { func, args }) if !zone.is_utc() => {
            let is_instant = |arg: &Expr| {
                matches!(type_of(arg, schema), DataType::Timestamp(_, Some(_))) && !is_shown(arg)
            };
            if READ_UTC.contains(&func.name()) && args.iter().any(|arg| is_text(&type_of(arg, schema))) {
                let what = format!("{} of a text in the time zone {zone}", func.name());
                return Err(Error::unsupported(what)
                    .with_hint("cast the text to TIMESTAMPTZ, or SET timezone = 'UTC'")
                    .into());
            }
            let takes_zone = TAKE_ZONE.contains(&func.name()) && args.iter().any(is_instant);
            let args = if takes_zone {
                let shown = |arg| if is_instant(&arg) { in_zone(zone).call(vec![arg]) } else { arg };
                args.into_iter().map(shown).collect()
            } else {
                args
            };
            let call = Expr::ScalarFunction(ScalarFunction { func, args });
            if takes_zone { Transformed::yes(call) } else { Transformed::no(call) }
        }
        expr => Transformed::no(expr),
    })
}

/// The function in the place of a cast that takes the session's zone, or may have such a cast inside.
fn cast_in_zone(from: &DataType, to: &DataType, safe: bool, zone: TimeZone) -> Option<ScalarUDF> {
    if is_nested_cast(from, to) {
        return Some(nested_cast(to.clone(), safe, zone));
    }
    is_time_cast(from, to, zone).then(|| time_cast(to.clone(), safe, zone))
}

/// Whether an argument has the zone in its type already.
fn is_shown(arg: &Expr) -> bool {
    matches!(arg, Expr::ScalarFunction(call) if call.func.name() == IN_ZONE)
}
