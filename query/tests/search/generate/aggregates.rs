//! Aggregates and windows.

use super::{Generator, Sight};
use crate::tree::{Expr, Op, Over, SortKey, Ty};

/// Frames whose bounds are counted in rows.
const ROW_FRAMES: &[&str] = &[
    " ROWS BETWEEN 1 PRECEDING AND CURRENT ROW",
    " ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW",
    " ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING",
    " ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING",
    " ROWS BETWEEN 2 PRECEDING AND 1 PRECEDING",
    " ROWS BETWEEN 1 FOLLOWING AND 2 FOLLOWING",
    " ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING",
];

/// Frames whose bounds are those of equal rows.
const PEER_FRAMES: &[&str] = &[
    "",
    "",
    " RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW",
    " RANGE BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING",
    " RANGE BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING",
    " GROUPS BETWEEN 1 PRECEDING AND CURRENT ROW",
    " GROUPS BETWEEN 1 PRECEDING AND 1 FOLLOWING",
    " GROUPS BETWEEN CURRENT ROW AND 1 FOLLOWING",
];

/// Frames whose bounds are distances: with one key, which is a number.
const DISTANCE_FRAMES: &[&str] = &[
    " RANGE BETWEEN 1 PRECEDING AND 1 FOLLOWING",
    " RANGE BETWEEN 1 PRECEDING AND CURRENT ROW",
    " RANGE BETWEEN 2 PRECEDING AND 1 PRECEDING",
    " RANGE BETWEEN UNBOUNDED PRECEDING AND 1 FOLLOWING",
];
/// Likewise, where the key is a time.
const TIME_FRAMES: &[&str] = &[
    " RANGE BETWEEN INTERVAL '1 day' PRECEDING AND CURRENT ROW",
    " RANGE BETWEEN INTERVAL '1 hour' PRECEDING AND INTERVAL '1 hour' FOLLOWING",
];

impl Generator {
    /// An aggregate of a type over columns of the query itself.
    pub(super) fn aggregate(&mut self, ty: Ty, sight: &Sight) -> Expr {
        let (op, argument) = self.aggregate_function(ty);
        // An aggregate of nothing but columns of an outer query would belong to that query.
        let inside = Sight { outer: Vec::new(), subqueries: false, ..sight.clone() };
        let args = match argument {
            Some(ty) => match self.local_expr(ty, &inside) {
                Some(arg) => vec![arg],
                None => {
                    return Expr::Aggregate { op: COUNT_ALL, args: Vec::new(), filter: None, ty: Ty::Int }
                        .into_type(ty);
                }
            },
            None => Vec::new(),
        };
        let filter = self.chance(20).then(|| Box::new(self.expr(Ty::Bool, 2, &inside)));
        Expr::Aggregate { op, args, filter, ty }
    }

    /// An expression with a column of the query itself.
    fn local_expr(&mut self, ty: Ty, sight: &Sight) -> Option<Expr> {
        let is_column = |expr: &Expr| matches!(expr, Expr::Column { .. });
        let expr = self.expr(ty, 1, sight);
        if expr.has(&is_column) {
            return Some(expr);
        }
        sight.local.iter().find(|column| column.ty() == ty).cloned()
    }

    fn aggregate_function(&mut self, ty: Ty) -> (Op, Option<Ty>) {
        let any = self.ty();
        match ty {
            Ty::Int => match self.random.below(7) {
                0 | 1 => (COUNT_ALL, None),
                2 => (Op::new("count({0}){f}"), Some(any)),
                3 => (Op::new("count(DISTINCT {0}){f}"), Some(any)),
                4 => (Op::spelled("CAST(sum({0}){f} AS BIGINT)", "sum({0}){f}"), Some(Ty::Int)),
                5 => (Op::new("min({0}){f}"), Some(Ty::Int)),
                _ => (Op::new("max({0}){f}"), Some(Ty::Int)),
            },
            Ty::Bool => {
                let ops = [
                    Op::spelled("bool_and({0}){f}", "min({0}){f}"),
                    Op::spelled("bool_or({0}){f}", "max({0}){f}"),
                ];
                (*self.random.pick(&ops), Some(Ty::Bool))
            }
            Ty::Text => {
                let ops = ["min({0}){f}", "max({0}){f}", "string_agg({0}, ',' ORDER BY {0}){f}"];
                (self.one_of(&ops), Some(Ty::Text))
            }
            Ty::Double => {
                let ops = ["min({0}){f}", "max({0}){f}", "sum({0}){f}", "avg({0}){f}"];
                (self.one_of(&ops), Some(Ty::Double))
            }
            Ty::Interval => (self.one_of(&["min({0}){f}", "max({0}){f}", "sum({0}){f}"]), Some(ty)),
            Ty::Decimal | Ty::Date | Ty::Timestamp => {
                (self.one_of(&["min({0}){f}", "max({0}){f}"]), Some(ty))
            }
        }
    }

    /// A window function of a type.
    pub(super) fn window(&mut self, ty: Ty, sight: &Sight) -> Expr {
        let inside = Sight { outer: Vec::new(), subqueries: false, ..sight.clone() };
        let partition = if self.chance(50) {
            let ty = self.ty();
            self.local_expr(ty, &inside).into_iter().collect()
        } else {
            Vec::new()
        };
        if self.chance(35) {
            return self.window_by_rows(ty, &inside, partition);
        }
        if ty == Ty::Int && self.chance(30) {
            let op = self.one_of(&["rank(){f}", "dense_rank(){f}"]);
            let order = self.some_keys(&inside);
            let over = Over { partition, order, frame: "", is_by_rows: false };
            return Expr::Window { op, args: Vec::new(), over: Box::new(over), ty };
        }
        let (op, argument) = self.window_aggregate(ty);
        let args = argument.map(|ty| self.expr(ty, 1, &inside)).into_iter().collect();
        let (order, frame) = self.keys_with_frame(&inside);
        let over = Over { partition, order, frame, is_by_rows: frame.contains("ROWS") };
        Expr::Window { op, args, over: Box::new(over), ty }
    }

    /// An aggregate that may be one of windows.
    fn window_aggregate(&mut self, ty: Ty) -> (Op, Option<Ty>) {
        loop {
            let (op, argument) = self.aggregate_function(ty);
            if !op.ours.contains("DISTINCT") && !op.ours.contains("ORDER BY") {
                return (op, argument);
            }
        }
    }

    fn keys_with_frame(&mut self, sight: &Sight) -> (Vec<SortKey>, &'static str) {
        let first = |ty| sight.local.iter().find(|column| column.ty() == ty).cloned();
        match (self.random.below(4), first(Ty::Timestamp).or_else(|| first(Ty::Int))) {
            (0, _) => (Vec::new(), ""),
            (1, Some(time)) if time.ty() == Ty::Timestamp => {
                (vec![self.key(time)], *self.random.pick(TIME_FRAMES))
            }
            (1, Some(number)) => (vec![self.key(number)], *self.random.pick(DISTANCE_FRAMES)),
            (2, _) => (self.all_keys(sight), *self.random.pick(ROW_FRAMES)),
            _ => (self.some_keys(sight), *self.random.pick(PEER_FRAMES)),
        }
    }

    /// A function that goes by the place of a row in its partition.
    fn window_by_rows(&mut self, ty: Ty, sight: &Sight, partition: Vec<Expr>) -> Expr {
        let order = self.all_keys(sight);
        let (op, args, framed) = if ty == Ty::Int && self.chance(50) {
            let op = self.one_of(&["row_number(){f}", "ntile(3){f}"]);
            (op, Vec::new(), false)
        } else {
            const PLACED: &[(&str, bool)] = &[
                ("lag({0}){f}", false),
                ("lead({0}, 2){f}", false),
                ("lag({0}, 1, {1}){f}", false),
                ("first_value({0}){f}", true),
                ("last_value({0}){f}", true),
                ("nth_value({0}, 2){f}", true),
            ];
            let (op, framed) = *self.random.pick(PLACED);
            let args = vec![self.expr(ty, 1, sight), Expr::Literal(self.value(ty), ty)];
            (Op::new(op), args, framed)
        };
        let frame = if framed { *self.random.pick(ROW_FRAMES) } else { "" };
        Expr::Window { op, args, over: Box::new(Over { partition, order, frame, is_by_rows: true }), ty }
    }

    fn key(&mut self, expr: Expr) -> SortKey {
        SortKey { expr, descending: self.random.one_in(2), nulls_first: self.random.one_in(2) }
    }

    fn some_keys(&mut self, sight: &Sight) -> Vec<SortKey> {
        if sight.local.is_empty() {
            return Vec::new();
        }
        let columns = 1 + self.random.below(2);
        (0..columns)
            .map(|_| {
                let expr = self.random.pick(&sight.local).clone();
                self.key(expr)
            })
            .collect()
    }

    /// All that is visible: rows that are equal in it are the same.
    fn all_keys(&mut self, sight: &Sight) -> Vec<SortKey> {
        let mut columns = sight.local.clone();
        self.random.shuffle(&mut columns);
        columns.into_iter().map(|expr| self.key(expr)).collect()
    }
}

const COUNT_ALL: Op = Op::new("count(*){f}");
impl Expr {
    /// An integer as a value of another type.
    fn into_type(self, ty: Ty) -> Self {
        match ty {
            Ty::Int => self,
            Ty::Text => Self::call(Op::new("CAST({0} AS TEXT)"), vec![self], ty),
            Ty::Bool => Self::call(Op::new("({0} > 1)"), vec![self], ty),
            Ty::Double => {
                let op = Op::spelled("CAST({0} AS DOUBLE PRECISION)", "CAST({0} AS REAL)");
                Self::call(op, vec![self], ty)
            }
            Ty::Decimal => Self::call(Op::new("CAST({0} AS DECIMAL(10, 2))"), vec![self], ty),
            Ty::Date => {
                let op = Op::new("CASE WHEN {0} > 1 THEN DATE '2024-01-01' ELSE DATE '2024-01-02' END");
                Self::call(op, vec![self], ty)
            }
            Ty::Timestamp => {
                Self::call(Op::new("(TIMESTAMP '2024-01-01' + {0} * INTERVAL '1 hour')"), vec![self], ty)
            }
            Ty::Interval => Self::call(Op::new("({0} * INTERVAL '1 hour')"), vec![self], ty),
        }
    }
}
