//! Expressions of dates, timestamps and intervals, which SQLite does not have.

use super::{Generator, Sight};
use crate::tree::{Expr, Op, Ty, Value};

impl Generator {
    pub(super) fn time(&mut self, ty: Ty, depth: usize, sight: &Sight) -> Expr {
        let (op, types): (Op, &[Ty]) = match (ty, self.random.below(4)) {
            (Ty::Date, 0) => (Op::new("CAST({0} AS DATE)"), &[Ty::Timestamp]),
            (Ty::Date, 1) => (Op::new("({0} + 1)"), &[Ty::Date]),
            (Ty::Date, 2) => (Op::new("CAST({0} + {1} AS DATE)"), &[Ty::Date, Ty::Interval]),
            (Ty::Timestamp, 0) => (Op::new("({0} + {1})"), &[Ty::Timestamp, Ty::Interval]),
            (Ty::Timestamp, 1) => (Op::new("({0} - {1})"), &[Ty::Timestamp, Ty::Interval]),
            (Ty::Timestamp, 2) => (Op::new("CAST({0} AS TIMESTAMP)"), &[Ty::Date]),
            (Ty::Timestamp, _) => (Op::new("date_trunc('day', {0})"), &[Ty::Timestamp]),
            (Ty::Interval, 0 | 1) => (Op::new("({0} - {1})"), &[Ty::Timestamp, Ty::Timestamp]),
            (Ty::Interval, 2) => (Op::new("({0} + {1})"), &[Ty::Interval, Ty::Interval]),
            (Ty::Interval, _) => (Op::new("({0} * 2)"), &[Ty::Interval]),
            _ => return self.leaf(ty, sight),
        };
        let args = types.iter().map(|ty| self.expr(*ty, depth, sight)).collect();
        Expr::call(op, args, ty)
    }

    /// A number that a time has.
    pub(super) fn field_of_time(&mut self, depth: usize, sight: &Sight) -> Expr {
        let (op, types): (Op, &[Ty]) = match self.random.below(4) {
            0 => (Op::new("({0} - {1})"), &[Ty::Date, Ty::Date]),
            1 => (Op::new("CAST(extract(day FROM {0}) AS INTEGER)"), &[Ty::Date]),
            2 => (Op::new("CAST(extract(hour FROM {0}) AS INTEGER)"), &[Ty::Timestamp]),
            _ => (Op::new("CAST(extract(day FROM {0}) AS INTEGER)"), &[Ty::Interval]),
        };
        let args = types.iter().map(|ty| self.expr(*ty, depth, sight)).collect();
        Expr::call(op, args, Ty::Int)
    }

    /// A value of a time that is not NULL.
    pub(super) fn time_value(&mut self, ty: Ty) -> Value {
        match ty {
            Ty::Date => Value::Date(*self.random.pick(&[1, 2, 3, 31])),
            Ty::Timestamp => Value::Timestamp(*self.random.pick(&[0, 1, 24, 25, 48, 60, 721, 743])),
            _ => Value::Interval(self.random.pick::<&str>(&[
                "1 day", "24 hours", "25 hours", "2 days", "1 month", "30 days", "-1 day", "00:00:00",
            ])),
        }
    }
}
