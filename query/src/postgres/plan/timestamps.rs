//! An operand compared with a time, or subtracted from one, gets its type, where DataFusion would count both
//! in nanoseconds; and a date that an interval is added to becomes a `TIMESTAMP`.

use arrow::datatypes::{DataType, TimeUnit};
use datafusion::{
    common::{DFSchema, tree_node::Transformed},
    logical_expr::{Between, BinaryExpr, Expr, Operator, expr::InList},
};

use crate::postgres::exprs::{cast_in_place, is_comparison, is_text, type_of};

/// The type of a `TIMESTAMP`.
const LOCAL: DataType = DataType::Timestamp(TimeUnit::Microsecond, None);

/// Gives what is compared with a time the type of the time, where DataFusion would count both in nanoseconds;
/// and makes a `TIMESTAMP` of a date that an interval is added to, as Postgres does.
pub(super) fn coerce_expr(expr: Expr, schema: &DFSchema) -> Transformed<Expr> {
    match expr {
        Expr::BinaryExpr(BinaryExpr { mut left, op, mut right }) => {
            let types = (type_of(&left, schema), type_of(&right, schema));
            let changed = match (&types, op) {
                ((DataType::Timestamp(..), other), op) if is_comparison(op) && yields_to_timestamp(other) => {
                    cast_in_place(&mut right, &types.0);
                    true
                }
                ((other, DataType::Timestamp(..)), op) if is_comparison(op) && yields_to_timestamp(other) => {
                    cast_in_place(&mut left, &types.1);
                    true
                }
                ((DataType::Date32, DataType::Interval(_)), Operator::Plus | Operator::Minus) => {
                    cast_in_place(&mut left, &LOCAL);
                    true
                }
                ((DataType::Interval(_), DataType::Date32), Operator::Plus) => {
                    cast_in_place(&mut right, &LOCAL);
                    true
                }
                _ => false,
            };
            Transformed::new_transformed(Expr::BinaryExpr(BinaryExpr { left, op, right }), changed)
        }
        Expr::Between(Between { expr, negated, mut low, mut high }) => {
            let mut changed = false;
            if let time @ DataType::Timestamp(..) = type_of(&expr, schema) {
                for end in [&mut low, &mut high] {
                    if yields_to_timestamp(&type_of(end, schema)) {
                        cast_in_place(end, &time);
                        changed = true;
                    }
                }
            }
            Transformed::new_transformed(Expr::Between(Between { expr, negated, low, high }), changed)
        }
        Expr::InList(InList { expr, mut list, negated }) => {
            let mut changed = false;
            if let time @ DataType::Timestamp(..) = type_of(&expr, schema) {
                for item in list.iter_mut().filter(|item| yields_to_timestamp(&type_of(item, schema))) {
                    cast_in_place(item, &time);
                    changed = true;
                }
            }
            Transformed::new_transformed(Expr::InList(InList { expr, list, negated }), changed)
        }
        expr => Transformed::no(expr),
    }
}

/// Whether a type is read as a time when it is compared with one.
fn yields_to_timestamp(data_type: &DataType) -> bool {
    is_text(data_type) || matches!(data_type, DataType::Date32 | DataType::Date64)
}
