//! Expressions by type.

use super::{Generator, Sight};
use crate::tree::{Expr, Op, Ty, Value};

/// `NULL` without a type.
const BARE_NULL: Op = Op::new("NULL");
impl Generator {
    /// An expression of a type.
    pub(super) fn expr(&mut self, ty: Ty, depth: usize, sight: &Sight) -> Expr {
        if depth == 0 || self.chance(15) {
            return self.leaf(ty, sight);
        }
        if sight.subqueries && self.budget > 0 && self.chance(8) {
            return self.scalar_subquery(ty, sight);
        }
        if self.chance(12) {
            return self.any_type(ty, depth - 1, sight);
        }
        match ty {
            Ty::Int => self.int(depth - 1, sight),
            Ty::Text => self.text(depth - 1, sight),
            Ty::Bool => self.bool(depth - 1, sight),
            Ty::Double => self.double(depth - 1, sight),
            Ty::Date | Ty::Timestamp | Ty::Interval => self.time(ty, depth - 1, sight),
            Ty::Decimal => self.leaf(ty, sight),
        }
    }

    /// A column or a constant.
    pub(super) fn leaf(&mut self, ty: Ty, sight: &Sight) -> Expr {
        let outer = !sight.outer.is_empty() && self.chance(30);
        let columns = if outer { &sight.outer } else { &sight.local };
        let fitting: Vec<&Expr> = columns.iter().filter(|column| column.ty() == ty).collect();
        if !fitting.is_empty() && self.chance(80) {
            return (*self.random.pick(&fitting)).clone();
        }
        let value = if self.chance(8) { Value::Null } else { self.value(ty) };
        Expr::Literal(value, ty)
    }

    pub(super) fn one_of(&mut self, texts: &[&'static str]) -> Op {
        Op::new(self.random.pick::<&str>(texts))
    }

    fn two(&mut self, ty: Ty, depth: usize, sight: &Sight) -> Vec<Expr> {
        vec![self.expr(ty, depth, sight), self.expr(ty, depth, sight)]
    }

    /// Expression of a form that every type has.
    fn any_type(&mut self, ty: Ty, depth: usize, sight: &Sight) -> Expr {
        let (op, args) = match self.random.below(6) {
            0 => (Op::new("coalesce({0}, {1})"), self.two(ty, depth, sight)),
            1 => (Op::new("nullif({0}, {1})"), self.two(ty, depth, sight)),
            2 | 3 => {
                let condition = self.expr(Ty::Bool, depth, sight);
                let mut args = vec![condition];
                args.extend(self.two(ty, depth, sight));
                (Op::new("CASE WHEN {0} THEN {1} ELSE {2} END"), args)
            }
            4 => {
                let args = vec![self.expr(Ty::Bool, depth, sight), self.expr(ty, depth, sight)];
                (Op::new("CASE WHEN {0} THEN {1} END"), args)
            }
            _ => {
                let compared = self.ty();
                let mut args = self.two(compared, depth, sight);
                args.extend(self.two(ty, depth, sight));
                (Op::new("CASE {0} WHEN {1} THEN {2} ELSE {3} END"), args)
            }
        };
        Expr::call(op, args, ty)
    }

    fn int(&mut self, depth: usize, sight: &Sight) -> Expr {
        let factor = |generator: &mut Self| {
            let value = Value::Int(*generator.random.pick(&[2, 3, -1, 2]));
            Expr::Literal(value, Ty::Int)
        };
        if !self.comparable && self.chance(15) {
            return self.field_of_time(depth, sight);
        }
        let (op, args) = match self.random.below(8) {
            0 => (Op::new("({0} + {1})"), self.two(Ty::Int, depth, sight)),
            1 => (Op::new("({0} - {1})"), self.two(Ty::Int, depth, sight)),
            2 => (Op::new("({0} * {1})"), vec![self.expr(Ty::Int, depth, sight), factor(self)]),
            3 => (Op::new("({0} / {1})"), vec![self.expr(Ty::Int, depth, sight), factor(self)]),
            4 => (Op::new("({0} % {1})"), vec![self.expr(Ty::Int, depth, sight), factor(self)]),
            5 => (Op::new("abs({0})"), vec![self.expr(Ty::Int, depth, sight)]),
            6 => (Op::new("length({0})"), vec![self.expr(Ty::Text, depth, sight)]),
            _ => (Op::new("CAST({0} AS INTEGER)"), vec![self.expr(Ty::Bool, depth, sight)]),
        };
        Expr::call(op, args, Ty::Int)
    }

    fn text(&mut self, depth: usize, sight: &Sight) -> Expr {
        let (op, args) = match self.random.below(7) {
            0 | 1 => (Op::new("({0} || {1})"), self.two(Ty::Text, depth, sight)),
            2 => (Op::new("upper({0})"), vec![self.expr(Ty::Text, depth, sight)]),
            3 => (Op::new("lower({0})"), vec![self.expr(Ty::Text, depth, sight)]),
            4 => (Op::new("substr({0}, 1, 1)"), vec![self.expr(Ty::Text, depth, sight)]),
            5 => (Op::new("replace({0}, 'a', 'xy')"), vec![self.expr(Ty::Text, depth, sight)]),
            _ => (Op::new("CAST({0} AS TEXT)"), vec![self.expr(Ty::Int, depth, sight)]),
        };
        Expr::call(op, args, Ty::Text)
    }

    fn double(&mut self, depth: usize, sight: &Sight) -> Expr {
        let (op, args) = match self.random.below(5) {
            0 => (Op::new("({0} + {1})"), self.two(Ty::Double, depth, sight)),
            1 => (Op::new("({0} - {1})"), self.two(Ty::Double, depth, sight)),
            2 => {
                let factor = Expr::Literal(Value::Double(*self.random.pick(&[2.0, 0.5, -1.0])), Ty::Double);
                (Op::new("({0} * {1})"), vec![self.expr(Ty::Double, depth, sight), factor])
            }
            3 => (Op::new("abs({0})"), vec![self.expr(Ty::Double, depth, sight)]),
            _ => {
                let op = Op::spelled("CAST({0} AS DOUBLE PRECISION)", "CAST({0} AS REAL)");
                (op, vec![self.expr(Ty::Int, depth, sight)])
            }
        };
        Expr::call(op, args, Ty::Double)
    }

    pub(super) fn bool(&mut self, depth: usize, sight: &Sight) -> Expr {
        if sight.subqueries && self.budget > 0 && self.chance(18) {
            return self.bool_subquery(depth, sight);
        }
        let (op, args) = match self.random.below(14) {
            0..=4 => return self.comparison(depth, sight),
            5 => (Op::new("({0} AND {1})"), self.two(Ty::Bool, depth, sight)),
            6 => (Op::new("({0} OR {1})"), self.two(Ty::Bool, depth, sight)),
            7 => (Op::new("(NOT {0})"), vec![self.expr(Ty::Bool, depth, sight)]),
            8 => {
                let op = *self.random.pick(&[Op::new("({0} IS NULL)"), Op::new("({0} IS NOT NULL)")]);
                let ty = self.ty();
                (op, vec![self.expr(ty, depth, sight)])
            }
            9 => {
                let ops = ["({0} IS TRUE)", "({0} IS NOT TRUE)", "({0} IS FALSE)", "({0} IS NOT FALSE)"];
                (self.one_of(&ops), vec![self.expr(Ty::Bool, depth, sight)])
            }
            10 => {
                let op = *self.random.pick(&["({0} BETWEEN {1} AND {2})", "({0} NOT BETWEEN {1} AND {2})"]);
                let ty = self.ordered_type();
                let mut args = self.two(ty, depth, sight);
                args.push(self.expr(ty, depth, sight));
                (Op::new(op), args)
            }
            11 => return self.in_list(depth, sight),
            12 => return self.rows(depth, sight),
            _ => {
                let op = *self.random.pick(&[
                    "({0} LIKE 'a%')",
                    "({0} NOT LIKE '%b')",
                    "({0} LIKE '_')",
                    "({0} LIKE '%')",
                ]);
                (Op::new(op), vec![self.expr(Ty::Text, depth, sight)])
            }
        };
        Expr::call(op, args, Ty::Bool)
    }

    pub(super) fn ordered_type(&mut self) -> Ty {
        loop {
            let ty = self.ty();
            if ty != Ty::Bool {
                return ty;
            }
        }
    }

    fn comparison(&mut self, depth: usize, sight: &Sight) -> Expr {
        let ty = self.ty();
        let equalities =
            ["({0} = {1})", "({0} <> {1})", "({0} IS DISTINCT FROM {1})", "({0} IS NOT DISTINCT FROM {1})"];
        let orders = ["({0} < {1})", "({0} <= {1})", "({0} > {1})", "({0} >= {1})"];
        let op = if ty == Ty::Bool || self.chance(60) {
            *self.random.pick(&equalities)
        } else {
            *self.random.pick(&orders)
        };
        let left = self.expr(ty, depth, sight);
        let right = if self.chance(3) { bare_null(ty) } else { self.expr(ty, depth, sight) };
        Expr::call(Op::new(op), vec![left, right], Ty::Bool)
    }
}

pub(super) fn bare_null(ty: Ty) -> Expr {
    Expr::call(BARE_NULL, Vec::new(), ty)
}
