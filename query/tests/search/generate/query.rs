//! Queries: what they read, group, order and combine.

use super::{Generator, Relation, Sight, columns_of};
use crate::tree::{Body, Direction, Expr, From, On, Op, Query, Select, Ty, Value};

/// Names that columns of queries get: the same as those of tables, so that they meet.
const NAMES: &[&str] = &["id", "a", "b", "c", "k", "n", "x"];

impl Generator {
    /// A query to be run, with a condition that parts its rows when it is plain.
    pub(super) fn top(&mut self) -> (Query, Option<Expr>) {
        self.budget = 3;
        let types = self.types();
        let mut query = self.query(&types, &[]);
        let Body::Select(select) = &query.body else { return (query, None) };
        if !select.is_plain() || !query.with.is_empty() {
            return (query, None);
        }
        query.limit = None;
        let local = select.from.as_ref().map(|from| self.columns(from)).unwrap_or_default();
        self.budget = 1;
        let sight = Sight { local, outer: Vec::new(), subqueries: true };
        let split = self.expr(Ty::Bool, 3, &sight);
        (query, Some(split))
    }

    /// The columns of a `FROM`, with the names by which they are reached.
    fn columns(&self, from: &From) -> Vec<Expr> {
        match from {
            From::Named { name, alias } => {
                let found = self.relations.iter().find(|relation| relation.name == *name);
                found.map(|relation| columns_of(alias, &relation.columns)).unwrap_or_default()
            }
            From::Derived { query, alias, .. } => columns_of(alias, &query.columns()),
            From::Join { left, right, .. } => {
                let mut columns = self.columns(left);
                columns.extend(self.columns(right));
                columns
            }
        }
    }

    /// A query with columns of these types.
    pub(super) fn query(&mut self, types: &[Ty], outer: &[Expr]) -> Query {
        if self.budget > 0 && self.chance(10) {
            return self.query_with(types, outer);
        }
        let mut query = if self.budget > 0 && self.chance(12) {
            self.set_operation(types, outer)
        } else {
            Query::of(self.select(types, outer))
        };
        if self.chance(15) {
            query.order = self.directions(types.len());
            if self.chance(50) {
                query.limit = Some((self.random.below(4), self.random.below(2)));
            }
        }
        query
    }

    fn directions(&mut self, width: usize) -> Vec<Direction> {
        (0..width)
            .map(|_| Direction { descending: self.random.one_in(2), nulls_first: self.random.one_in(2) })
            .collect()
    }

    fn query_with(&mut self, types: &[Ty], outer: &[Expr]) -> Query {
        self.budget -= 1;
        let name = self.name("w");
        let inner = self.types();
        let body = self.query(&inner, &[]);
        self.relations.push(Relation { name: name.clone(), columns: body.columns() });
        let before = self.relations.len();
        let mut query = self.query(types, outer);
        self.relations.truncate(before - 1);
        query.with.insert(0, (name, body));
        query
    }

    fn set_operation(&mut self, types: &[Ty], outer: &[Expr]) -> Query {
        self.budget -= 1;
        let own: &[&str] = &["UNION", "UNION ALL", "INTERSECT", "EXCEPT", "INTERSECT ALL", "EXCEPT ALL"];
        let op = *self.random.pick(if self.comparable { &own[..4] } else { own });
        let left = Box::new(self.query(types, outer));
        let right = Box::new(self.query(types, outer));
        Query {
            with: Vec::new(),
            body: Body::SetOperation { op, left, right },
            order: Vec::new(),
            limit: None,
        }
    }

    /// A query of one column and at most one row.
    pub(super) fn one_row(&mut self, ty: Ty, outer: &[Expr]) -> Query {
        if self.chance(30) {
            let mut query = Query::of(self.select(&[ty], outer));
            query.order = self.directions(1);
            query.limit = Some((1, self.random.below(2)));
            return query;
        }
        let (from, sight) = self.from(outer);
        let filter = self.filter(&sight);
        let items = vec![(self.aggregate(ty, &sight), "x".to_owned())];
        let from = Some(from);
        Query::of(Select { distinct: false, items, from, filter, group: Vec::new(), having: None })
    }

    fn filter(&mut self, sight: &Sight) -> Option<Expr> {
        if self.budget > 0
            && self.chance(8)
            && let Some(membership) = self.tied_membership(sight)
        {
            return Some(membership);
        }
        self.chance(65).then(|| self.expr(Ty::Bool, 3, sight))
    }

    fn select(&mut self, types: &[Ty], outer: &[Expr]) -> Select {
        if self.chance(3) {
            let sight = Sight { local: Vec::new(), outer: outer.to_vec(), subqueries: true };
            let items = self.items(types, &sight, false);
            return Select {
                distinct: false,
                items,
                from: None,
                filter: None,
                group: Vec::new(),
                having: None,
            };
        }
        let (from, sight) = self.from(outer);
        let filter = self.filter(&sight);
        let from = Some(from);
        if self.chance(22) {
            let (group, items, having) = self.grouped(types, &sight);
            let distinct = self.chance(8);
            return Select { distinct, items, from, filter, group, having };
        }
        let windows = self.chance(18);
        let items = self.items(types, &sight, windows);
        let distinct = self.chance(15);
        Select { distinct, items, from, filter, group: Vec::new(), having: None }
    }

    fn items(&mut self, types: &[Ty], sight: &Sight, windows: bool) -> Vec<(Expr, String)> {
        let mut names: Vec<&str> = NAMES.to_vec();
        self.random.shuffle(&mut names);
        let items = types.iter().zip(names);
        items
            .map(|(ty, name)| {
                let expr = if windows && self.chance(60) {
                    self.window(*ty, sight)
                } else {
                    self.expr(*ty, 2, sight)
                };
                (expr, name.to_owned())
            })
            .collect()
    }

    /// Groups, what is shown of them, and which.
    fn grouped(&mut self, types: &[Ty], sight: &Sight) -> (Vec<Expr>, Vec<(Expr, String)>, Option<Expr>) {
        let keys = self.random.below(3);
        let group: Vec<Expr> = (0..keys).map(|_| self.group_key(sight)).collect();
        let mut leaves = group.clone();
        for ty in types {
            leaves.push(self.aggregate(*ty, sight));
        }
        let sight = Sight { local: leaves, ..sight.clone() };
        let windows = self.chance(12);
        let mut items = self.items(types, &sight, windows);
        let is_aggregate = |expr: &Expr| matches!(expr, Expr::Aggregate { .. });
        if group.is_empty() && !items.iter().any(|(expr, _)| expr.has(&is_aggregate)) {
            // Without an aggregate it would be no query of groups.
            let at = sight.local.iter().position(|leaf| leaf.ty() == types[0] && leaf.has(&is_aggregate));
            items[0].0 = sight.local[at.unwrap_or_default()].clone();
        }
        let having = self.chance(30).then(|| self.expr(Ty::Bool, 2, &sight));
        (group, items, having)
    }

    fn group_key(&mut self, sight: &Sight) -> Expr {
        let column = self.random.pick(&sight.local).clone();
        if self.chance(75) {
            return column;
        }
        let inside = Sight { outer: Vec::new(), subqueries: false, ..sight.clone() };
        let ty = self.ty();
        let expr = self.expr(ty, 2, &inside);
        if expr.has(&|expr| matches!(expr, Expr::Column { .. })) { expr } else { column }
    }

    /// `FROM` of a query, with the columns that it can name then.
    fn from(&mut self, outer: &[Expr]) -> (From, Sight) {
        let relations = *self.random.pick(&[1, 1, 1, 2, 2, 2, 3, 3, 4]);
        let mut used = Vec::new();
        let (from, local) = self.join(relations, &mut used, true);
        // A name of this query hides that of a query around it.
        let hidden =
            |column: &Expr| matches!(column, Expr::Column { relation, .. } if used.contains(relation));
        let outer = outer.iter().filter(|column| !hidden(column)).cloned().collect();
        (from, Sight { local, outer, subqueries: true })
    }

    fn join(&mut self, relations: usize, used: &mut Vec<String>, is_root: bool) -> (From, Vec<Expr>) {
        if relations == 1 {
            return self.relation(used);
        }
        let on_the_right =
            if self.chance(35) { 1 + self.random.below(relations as u64 - 1) as usize } else { 1 };
        let (left, mut columns) = self.join(relations - on_the_right, used, false);
        if on_the_right == 1 && self.lateral && self.budget > 0 && self.chance(10) {
            return self.lateral_join(left, columns, used);
        }
        let (right, of_right) = self.join(on_the_right, used, false);
        let kinds = [
            " JOIN ",
            " JOIN ",
            " LEFT JOIN ",
            " LEFT JOIN ",
            " RIGHT JOIN ",
            " FULL JOIN ",
            " CROSS JOIN ",
            ", ",
        ];
        let mut kind = *self.random.pick(&kinds);
        if kind == ", " && !is_root {
            kind = " CROSS JOIN ";
        }
        let on = match kind {
            " CROSS JOIN " | ", " => On::Nothing,
            _ => self.on(&columns, &of_right),
        };
        columns.extend(of_right);
        if let (On::Using(names), true) = (&on, is_root && relations == 2) {
            let merged: Vec<Expr> = columns.iter().filter_map(|column| merged(column, names)).collect();
            columns.extend(merged.into_iter().take(1));
        }
        (From::Join { kind, left: Box::new(left), right: Box::new(right), on }, columns)
    }

    /// A join with a query for each row of the left side.
    fn lateral_join(
        &mut self,
        left: From,
        mut columns: Vec<Expr>,
        used: &mut Vec<String>,
    ) -> (From, Vec<Expr>) {
        self.budget -= 1;
        let types = self.types();
        let query = Box::new(self.query(&types, &columns));
        let alias = self.name("d");
        let of_right = columns_of(&alias, &query.columns());
        used.push(alias.clone());
        let kind = *self.random.pick(&[" CROSS JOIN ", " JOIN ", " LEFT JOIN ", " LEFT JOIN "]);
        let on = if kind == " CROSS JOIN " {
            On::Nothing
        } else if self.chance(50) {
            On::Condition(Expr::Literal(Value::Bool(true), Ty::Bool))
        } else {
            self.on(&columns, &of_right)
        };
        columns.extend(of_right);
        let right = Box::new(From::Derived { query, alias, lateral: true });
        (From::Join { kind, left: Box::new(left), right, on }, columns)
    }

    fn on(&mut self, left: &[Expr], right: &[Expr]) -> On {
        let mut pairs: Vec<(&Expr, &Expr)> = Vec::new();
        for one in left {
            pairs.extend(right.iter().filter(|other| other.ty() == one.ty()).map(|other| (one, other)));
        }
        if self.chance(15)
            && let Some(name) = shared_name(left, right)
        {
            return On::Using(vec![name]);
        }
        let mut local = left.to_vec();
        local.extend_from_slice(right);
        let sight = Sight { local, outer: Vec::new(), subqueries: self.chance(15) };
        if pairs.is_empty() || self.chance(15) {
            return On::Condition(self.expr(Ty::Bool, 2, &sight));
        }
        let (one, other) = *self.random.pick(&pairs);
        let mut condition = Expr::call(Op::new("({0} = {1})"), vec![one.clone(), other.clone()], Ty::Bool);
        if self.chance(30) {
            condition = condition.and(self.expr(Ty::Bool, 2, &sight));
        }
        On::Condition(condition)
    }

    fn relation(&mut self, used: &mut Vec<String>) -> (From, Vec<Expr>) {
        if self.budget > 0 && self.chance(15) {
            self.budget -= 1;
            let types = self.types();
            let query = Box::new(self.query(&types, &[]));
            let alias = self.name("d");
            let columns = columns_of(&alias, &query.columns());
            used.push(alias.clone());
            return (From::Derived { query, alias, lateral: false }, columns);
        }
        let Relation { name, columns } = self.random.pick(&self.relations).clone();
        let alias = if used.contains(&name) || self.chance(60) { self.name("r") } else { name.clone() };
        used.push(alias.clone());
        let columns = columns_of(&alias, &columns);
        (From::Named { name, alias }, columns)
    }
}

/// A name that each side has once, with one type.
fn shared_name(left: &[Expr], right: &[Expr]) -> Option<String> {
    let once = |columns: &[Expr], wanted: &str| -> Option<Ty> {
        let mut found = columns.iter().filter(|column| name_of(column) == wanted);
        let first = found.next()?.ty();
        found.next().is_none().then_some(first)
    };
    let fits = |name: &&&str| {
        let types = (once(left, name), once(right, name));
        types.0.is_some() && types.0 == types.1
    };
    NAMES.iter().find(fits).map(|name| (*name).to_owned())
}

fn name_of(column: &Expr) -> &str {
    match column {
        Expr::Column { name, .. } => name,
        _ => "",
    }
}

/// The column of this name that `USING` makes of two.
fn merged(column: &Expr, names: &[String]) -> Option<Expr> {
    match column {
        Expr::Column { name, ty, .. } if names.contains(name) => {
            Some(Expr::Column { relation: String::new(), name: name.clone(), ty: *ty })
        }
        _ => None,
    }
}
