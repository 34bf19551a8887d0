//! Digits of quotients, sums and averages.
//!
//! | | DataFusion | here |
//! |---|---|---|
//! | `sum(BIGINT)` out of range | wraps | is a `DECIMAL(38, 0)`; sums of wide decimals have 76 digits |
//! | `1 / 3.0`, `avg(DECIMAL)` | four more digits, cut off | 16 digits behind the point, where there is room |

use arrow::datatypes::DataType;
use datafusion::{
    common::{DFSchema, tree_node::Transformed},
    logical_expr::{BinaryExpr, Cast, Expr, Operator, expr::WindowFunctionDefinition},
};

use crate::postgres::exprs::type_of;

/// Type that the sum of `BIGINT`s counts in: sums of it are a `DECIMAL(38, 0)`.
const SUM_OF_BIGINT: DataType = DataType::Decimal128(28, 0);

/// Digits behind the point of quotients and averages of decimals, where there is room for them.
const FRACTION_DIGITS: i8 = 16;

/// Digits behind the point that DataFusion gives a quotient or an average beyond those of the dividend.
const DIGITS_ADDED: i8 = 4;

/// Gives dividends and arguments of aggregates as many digits as Postgres' answers have.
pub(super) fn widen_digits(expr: Expr, schema: &DFSchema) -> Transformed<Expr> {
    match expr {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Divide, right })
            if numerator(&left, &right, schema).is_some() =>
        {
            let left = match numerator(&left, &right, schema) {
                Some(data_type) => Box::new(Expr::Cast(Cast::new(left, data_type))),
                None => left,
            };
            Transformed::yes(Expr::BinaryExpr(BinaryExpr { left, op: Operator::Divide, right }))
        }
        Expr::AggregateFunction(mut aggregate) => {
            let wider = aggregate_type(aggregate.func.name());
            let changed = wider.is_some_and(|wider| widen(&mut aggregate.params.args, schema, wider));
            Transformed::new_transformed(Expr::AggregateFunction(aggregate), changed)
        }
        Expr::WindowFunction(mut window) => {
            let wider = match &window.fun {
                WindowFunctionDefinition::AggregateUDF(function) => aggregate_type(function.name()),
                WindowFunctionDefinition::WindowUDF(_) => None,
            };
            let changed = wider.is_some_and(|wider| widen(&mut window.params.args, schema, wider));
            Transformed::new_transformed(Expr::WindowFunction(window), changed)
        }
        expr => Transformed::no(expr),
    }
}

/// Gives the arguments of an aggregate a type in which it keeps its digits.
fn widen(args: &mut [Expr], schema: &DFSchema, wider: fn(&DataType) -> Option<DataType>) -> bool {
    let mut changed = false;
    for arg in args {
        if let Some(wider) = wider(&type_of(arg, schema)) {
            *arg = Expr::Cast(Cast::new(Box::new(std::mem::take(arg)), wider));
            changed = true;
        }
    }
    changed
}

fn aggregate_type(name: &str) -> Option<fn(&DataType) -> Option<DataType>> {
    match name {
        "sum" => Some(sum_type),
        "avg" => Some(average_type),
        _ => None,
    }
}

fn sum_type(data_type: &DataType) -> Option<DataType> {
    match data_type {
        DataType::Int64 | DataType::UInt64 => Some(SUM_OF_BIGINT),
        // The sum of 38 digits may have more.
        DataType::Decimal128(precision, scale) if *precision > 28 => {
            Some(DataType::Decimal256(*precision, *scale))
        }
        _ => None,
    }
}

/// An average has four digits more than what it is taken of.
fn average_type(data_type: &DataType) -> Option<DataType> {
    let DataType::Decimal128(precision, scale) = *data_type else { return None };
    let more = (FRACTION_DIGITS - DIGITS_ADDED - scale).min(28 - precision as i8);
    (more > 0).then(|| DataType::Decimal128(precision + more as u8, scale + more))
}

/// The numerator of a division with enough digits behind the point.
fn numerator(left: &Expr, right: &Expr, schema: &DFSchema) -> Option<DataType> {
    let (left, right) = (type_of(left, schema), type_of(right, schema));
    if !(left.is_decimal() || right.is_decimal()) {
        return None;
    }
    let (precision, scale) = digits(&left)?;
    let (_, divisor_scale) = digits(&right)?;
    // The dividend is computed with all digits of the quotient and the divisor.
    let room = 38 - precision as i8 - DIGITS_ADDED - divisor_scale;
    let more = (FRACTION_DIGITS - DIGITS_ADDED - scale).min(room);
    (more > 0).then(|| DataType::Decimal128(precision + more as u8, scale + more))
}

/// Precision and scale of an exact number.
fn digits(data_type: &DataType) -> Option<(u8, i8)> {
    match *data_type {
        DataType::Decimal128(precision, scale) => Some((precision, scale)),
        DataType::Int8 | DataType::UInt8 => Some((3, 0)),
        DataType::Int16 | DataType::UInt16 => Some((5, 0)),
        DataType::Int32 | DataType::UInt32 => Some((10, 0)),
        DataType::Int64 | DataType::UInt64 => Some((20, 0)),
        _ => None,
    }
}
