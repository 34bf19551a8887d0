//! Conditions on lists, arrays, rows and the rows of queries.

use super::{Generator, Relation, Sight, columns_of, expr::bare_null};
use crate::tree::{Expr, From, Op, Query, Select, Ty};

const LISTS: &[Op] = &[
    Op::new("({0} IN ({1}, {2}, {3}))"),
    Op::new("({0} NOT IN ({1}, {2}, {3}))"),
    Op::spelled("({0} = ANY (ARRAY[{1}, {2}, {3}]))", "({0} IN ({1}, {2}, {3}))"),
    Op::spelled("({0} <> ALL (ARRAY[{1}, {2}, {3}]))", "({0} NOT IN ({1}, {2}, {3}))"),
];

const ORDERED_ARRAYS: &[Op] = &[
    Op::spelled("({0} < ANY (ARRAY[{1}, {2}, {3}]))", "({0} < {1} OR {0} < {2} OR {0} < {3})"),
    Op::spelled("({0} >= ANY (ARRAY[{1}, {2}, {3}]))", "({0} >= {1} OR {0} >= {2} OR {0} >= {3})"),
    Op::spelled("({0} > ALL (ARRAY[{1}, {2}, {3}]))", "({0} > {1} AND {0} > {2} AND {0} > {3})"),
    Op::spelled("({0} <= ALL (ARRAY[{1}, {2}, {3}]))", "({0} <= {1} AND {0} <= {2} AND {0} <= {3})"),
];

const ROWS: &[Op] = &[
    Op::new("(({0}, {1}) = ({2}, {3}))"),
    Op::new("(({0}, {1}) <> ({2}, {3}))"),
    Op::spelled(
        "(({0}, {1}) IN (({2}, {3}), ({4}, {5})))",
        "(({0}, {1}) IN (VALUES ({2}, {3}), ({4}, {5})))",
    ),
    Op::spelled(
        "(({0}, {1}) NOT IN (({2}, {3}), ({4}, {5})))",
        "(({0}, {1}) NOT IN (VALUES ({2}, {3}), ({4}, {5})))",
    ),
    Op::spelled("(({0}, {1}) IS NULL)", "({0} IS NULL AND {1} IS NULL)"),
    Op::spelled("(({0}, {1}) IS NOT NULL)", "({0} IS NOT NULL AND {1} IS NOT NULL)"),
];

const ORDERED_ROWS: &[Op] = &[
    Op::new("(({0}, {1}) < ({2}, {3}))"),
    Op::new("(({0}, {1}) <= ({2}, {3}))"),
    Op::new("(({0}, {1}) > ({2}, {3}))"),
    Op::new("(({0}, {1}) >= ({2}, {3}))"),
    Op::new("(({0}, {1}) BETWEEN ({2}, {3}) AND ({4}, {5}))"),
];

const QUERIES: &[Op] = &[
    Op::new("({0} IN ({q}))"),
    Op::new("({0} NOT IN ({q}))"),
    Op::new("(NOT ({0} IN ({q})))"),
    Op::spelled("({0} = ANY ({q}))", "({0} IN ({q}))"),
    Op::spelled("({0} <> ALL ({q}))", "({0} NOT IN ({q}))"),
];

const ORDERED_QUERIES: &[Op] = &[
    Op::spelled(
        "({0} < ANY ({q}))",
        "(WITH q_ (c_) AS ({q}) SELECT CASE WHEN coalesce(max({0} < c_), 0) THEN 1 \
         WHEN coalesce(max(({0} < c_) IS NULL), 0) THEN NULL ELSE 0 END FROM q_)",
    ),
    Op::spelled(
        "({0} >= ALL ({q}))",
        "(WITH q_ (c_) AS ({q}) SELECT CASE WHEN NOT coalesce(min({0} >= c_), 1) THEN 0 \
         WHEN coalesce(max(({0} >= c_) IS NULL), 0) THEN NULL ELSE 1 END FROM q_)",
    ),
];

impl Generator {
    pub(super) fn in_list(&mut self, depth: usize, sight: &Sight) -> Expr {
        let is_ordered = self.chance(20);
        let ty = if is_ordered { self.ordered_type() } else { self.ty() };
        let mut args = vec![self.expr(ty, depth, sight)];
        let op = *self.random.pick(if is_ordered { ORDERED_ARRAYS } else { LISTS });
        for _ in 0..3 {
            args.push(if self.chance(10) {
                bare_null(ty)
            } else if self.chance(70) {
                Expr::Literal(self.value(ty), ty)
            } else {
                self.leaf(ty, sight)
            });
        }
        Expr::call(op, args, Ty::Bool)
    }

    /// Rows of two fields that are compared.
    pub(super) fn rows(&mut self, depth: usize, sight: &Sight) -> Expr {
        let is_ordered = self.chance(40);
        let mut ty = || if is_ordered { self.ordered_type() } else { self.ty() };
        let types = [ty(), ty()];
        let op = *self.random.pick(if is_ordered { ORDERED_ROWS } else { ROWS });
        let mut args = Vec::new();
        for row in 0..3 {
            for ty in types {
                let depth = if row == 0 { depth.min(1) } else { 0 };
                args.push(self.expr(ty, depth, &sight.without_subqueries()));
            }
        }
        args.truncate(6);
        Expr::call(op, args, Ty::Bool)
    }

    pub(super) fn bool_subquery(&mut self, depth: usize, sight: &Sight) -> Expr {
        self.budget -= 1;
        let outer: Vec<Expr> = sight.columns();
        if self.chance(35) {
            let types = self.types();
            let query = Box::new(self.query(&types, &outer));
            let op = self.one_of(&["EXISTS ({q})", "(NOT EXISTS ({q}))"]);
            return Expr::Subquery { op, args: Vec::new(), query, ty: Ty::Bool };
        }
        if self.chance(15) {
            let types = [self.ty(), self.ty()];
            let args = types.iter().map(|ty| self.leaf(*ty, sight)).collect();
            let query = Box::new(self.query(&types, &outer));
            let op = self.one_of(&["(({0}, {1}) IN ({q}))", "(({0}, {1}) NOT IN ({q}))"]);
            return Expr::Subquery { op, args, query, ty: Ty::Bool };
        }
        let is_ordered = self.chance(20);
        let ty = if is_ordered { self.ordered_type() } else { self.ty() };
        let operand = self.expr(ty, depth.min(1), &sight.without_subqueries());
        let query = Box::new(self.query(&[ty], &outer));
        let op = *self.random.pick(if is_ordered { ORDERED_QUERIES } else { QUERIES });
        Expr::Subquery { op, args: vec![operand], query, ty: Ty::Bool }
    }

    pub(super) fn scalar_subquery(&mut self, ty: Ty, sight: &Sight) -> Expr {
        self.budget -= 1;
        let query = Box::new(self.one_row(ty, &sight.columns()));
        Expr::Subquery { op: Op::new("({q})"), args: Vec::new(), query, ty }
    }

    /// Whether a value is among those that a table has for the outer row, which a condition ties to its rows.
    pub(super) fn tied_membership(&mut self, sight: &Sight) -> Option<Expr> {
        let Relation { name, columns } = self.random.pick(&self.relations).clone();
        let alias = self.name("r");
        let local = columns_of(&alias, &columns);
        let outer = sight.columns();
        let pairs = local.iter().flat_map(|one| outer.iter().map(move |other| (one, other)));
        let pairs: Vec<(&Expr, &Expr)> = pairs.filter(|(one, other)| one.ty() == other.ty()).collect();
        if pairs.is_empty() {
            return None;
        }
        self.budget = self.budget.saturating_sub(1);
        let (one, other) = *self.random.pick(&pairs);
        let tie =
            self.one_of(&["({0} = {1})", "({0} = {1})", "({0} <> {1})", "({0} IS NOT DISTINCT FROM {1})"]);
        let mut filter = Expr::call(tie, vec![one.clone(), other.clone()], Ty::Bool);
        let inside = Sight { local, outer, subqueries: false };
        if self.chance(25) {
            filter = filter.and(self.bool(1, &inside));
        }
        let shown = self.random.pick(&inside.local).clone();
        let ty = shown.ty();
        let operand = if self.chance(40) { Expr::Literal(self.value(ty), ty) } else { self.leaf(ty, sight) };
        let query = Box::new(Query::of(Select {
            distinct: false,
            items: vec![(shown, "x".to_owned())],
            from: Some(From::Named { name, alias }),
            filter: Some(filter),
            group: Vec::new(),
            having: None,
        }));
        let op = *self.random.pick(QUERIES);
        Some(Expr::Subquery { op, args: vec![operand], query, ty: Ty::Bool })
    }
}

impl Sight {
    fn without_subqueries(&self) -> Self {
        Self { subqueries: false, ..self.clone() }
    }

    /// Names that a query inside of the expression can use: columns only, since an aggregate would belong
    /// elsewhere.
    fn columns(&self) -> Vec<Expr> {
        let all = self.local.iter().chain(&self.outer);
        let named = |expr: &&Expr| matches!(expr, Expr::Column { relation, .. } if !relation.is_empty());
        all.filter(named).cloned().collect()
    }
}
