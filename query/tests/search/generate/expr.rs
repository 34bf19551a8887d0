//! Expressions by type.

use super::{Generator, Sight};
use crate::tree::{Expr, Op, Over, SortKey, Ty, Value};

/// `NULL` without a type.
const BARE_NULL: Op = Op::new("NULL");

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
            Ty::Decimal | Ty::Date => self.leaf(ty, sight),
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

    fn one_of(&mut self, texts: &[&'static str]) -> Op {
        Op::new(self.random.pick::<&str>(texts))
    }

    fn two(&mut self, ty: Ty, depth: usize, sight: &Sight) -> Vec<Expr> {
        vec![self.expr(ty, depth, sight), self.expr(ty, depth, sight)]
    }

    /// What there is for every type.
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
        let (op, args) = match self.random.below(13) {
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

    fn ordered_type(&mut self) -> Ty {
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

    fn in_list(&mut self, depth: usize, sight: &Sight) -> Expr {
        let ty = self.ty();
        let operand = self.expr(ty, depth, sight);
        let lists = ["({0} IN ({1}, {2}, {3}))", "({0} NOT IN ({1}, {2}, {3}))"];
        let mut args = vec![operand];
        for _ in 0..3 {
            args.push(if self.chance(10) {
                bare_null(ty)
            } else if self.chance(70) {
                Expr::Literal(self.value(ty), ty)
            } else {
                self.leaf(ty, sight)
            });
        }
        let op = self.one_of(&lists);
        Expr::call(op, args, Ty::Bool)
    }

    fn bool_subquery(&mut self, depth: usize, sight: &Sight) -> Expr {
        self.budget -= 1;
        let outer: Vec<Expr> = sight.columns();
        if self.chance(40) {
            let types = self.types();
            let query = Box::new(self.query(&types, &outer));
            let op = self.one_of(&["EXISTS ({q})", "(NOT EXISTS ({q}))"]);
            return Expr::Subquery { op, args: Vec::new(), query, ty: Ty::Bool };
        }
        let ty = self.ty();
        let operand = self.expr(ty, depth.min(1), &Sight { subqueries: false, ..sight.clone() });
        let query = Box::new(self.query(&[ty], &outer));
        let op = self.one_of(&["({0} IN ({q}))", "({0} NOT IN ({q}))"]);
        Expr::Subquery { op, args: vec![operand], query, ty: Ty::Bool }
    }

    fn scalar_subquery(&mut self, ty: Ty, sight: &Sight) -> Expr {
        self.budget -= 1;
        let query = Box::new(self.one_row(ty, &sight.columns()));
        Expr::Subquery { op: Op::new("({q})"), args: Vec::new(), query, ty }
    }

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
            Ty::Decimal | Ty::Date => (self.one_of(&["min({0}){f}", "max({0}){f}"]), Some(ty)),
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
        let number = sight.local.iter().find(|column| column.ty() == Ty::Int).cloned();
        match (self.random.below(4), number) {
            (0, _) => (Vec::new(), ""),
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

fn bare_null(ty: Ty) -> Expr {
    Expr::call(BARE_NULL, Vec::new(), ty)
}

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
        }
    }
}

impl Sight {
    /// What a query inside of the expression can name: columns only, since an aggregate would belong elsewhere.
    fn columns(&self) -> Vec<Expr> {
        let all = self.local.iter().chain(&self.outer);
        let named = |expr: &&Expr| matches!(expr, Expr::Column { relation, .. } if !relation.is_empty());
        all.filter(named).cloned().collect()
    }
}
