//! Random databases and queries that both databases mean the same by, from a seed.
//!
//! Values are few, so that they meet: small integers, short texts, doubles whose sums are exact in any order.
//! Every expression has a type and every name a column, so that no answer depends on what a database makes of
//! a mistake. Where an answer depends on the order of rows, the order is total up to rows that are the same.

mod aggregates;
mod expr;
mod membership;
mod query;
mod times;

use bygone_engine::testing::SeededRandom;

use crate::tree::{Case, Change, Expr, Table, Ty, Value};

/// Queries of one database.
const QUERIES: usize = 12;

/// Something that has columns and a name.
#[derive(Clone)]
struct Relation {
    name: String,
    columns: Vec<(String, Ty)>,
}

/// Scope of the names of an expression.
#[derive(Clone, Default)]
struct Sight {
    /// The columns of its own query, or its groups and their aggregates.
    local: Vec<Expr>,
    /// The columns of the queries around it.
    outer: Vec<Expr>,
    subqueries: bool,
}

pub(crate) struct Generator {
    random: SeededRandom,
    comparable: bool,
    /// Queries may be lateral, which SQLite cannot run.
    lateral: bool,
    relations: Vec<Relation>,
    /// Names given so far.
    names: usize,
    /// Queries inside of queries that may still be made.
    budget: usize,
}

/// The cases of a seed: one database with several queries.
pub(crate) fn cases(seed: u64) -> Vec<Case> {
    let mut random = SeededRandom::new(seed);
    let comparable = !random.one_in(5);
    let mut generator =
        Generator { random, comparable, lateral: false, relations: Vec::new(), names: 0, budget: 0 };
    let tables: Vec<Table> = (0..3).map(|at| generator.table(at)).collect();
    let mut views = Vec::new();
    for at in 0..generator.random.below(3) {
        generator.budget = 1;
        let types = generator.types();
        let query = generator.query(&types, &[]);
        let name = format!("v{at}");
        generator.relations.push(Relation { name: name.clone(), columns: query.columns() });
        views.push((name, query));
    }
    let changes: Vec<Change> = tables.iter().map(|table| generator.change(table)).collect();
    generator.lateral = true;
    (0..QUERIES)
        .map(|_| {
            let (query, split) = generator.top();
            let (tables, views, changes) = (tables.clone(), views.clone(), changes.clone());
            Case { comparable, tables, views, changes, query, split }
        })
        .collect()
}

impl Generator {
    fn table(&mut self, at: usize) -> Table {
        let keyed = self.random.one_in(2);
        let mut columns = vec![("id".to_owned(), Ty::Int)];
        for name in ["a", "b", "c", "k"] {
            if !self.random.one_in(4) {
                let ty = self.stored_type();
                columns.push((name.to_owned(), ty));
            }
        }
        // Keys of some tables are beside all other numbers, so that a mistaken column shows.
        let first_key = if self.chance(40) { 10 } else { 0 };
        let rows = if self.random.one_in(7) { 0 } else { 1 + self.random.below(7) };
        let rows = (0..rows)
            .map(|row| {
                let mut values: Vec<Value> = columns.iter().map(|(_, ty)| self.stored(*ty)).collect();
                if keyed {
                    values[0] = Value::Int(first_key + row as i64);
                }
                values
            })
            .collect();
        let name = format!("t{at}");
        self.relations.push(Relation { name: name.clone(), columns: columns.clone() });
        Table { name, columns, keyed, rows }
    }

    fn ty(&mut self) -> Ty {
        const COMPARABLE: &[Ty] = &[Ty::Int, Ty::Int, Ty::Int, Ty::Text, Ty::Text, Ty::Bool, Ty::Double];
        const OWN: &[Ty] =
            &[Ty::Int, Ty::Text, Ty::Bool, Ty::Double, Ty::Decimal, Ty::Date, Ty::Timestamp, Ty::Interval];
        *self.random.pick(if self.comparable { COMPARABLE } else { OWN })
    }

    /// A type that a column of a table may have.
    fn stored_type(&mut self) -> Ty {
        match self.ty() {
            Ty::Interval => Ty::Timestamp,
            ty => ty,
        }
    }

    /// The types of a query's columns.
    fn types(&mut self) -> Vec<Ty> {
        let width = 1 + self.random.below(4);
        (0..width).map(|_| self.ty()).collect()
    }

    /// A value of a column: NULL now and then.
    fn stored(&mut self, ty: Ty) -> Value {
        if self.random.one_in(4) { Value::Null } else { self.value(ty) }
    }

    /// A value that is not NULL.
    fn value(&mut self, ty: Ty) -> Value {
        match ty {
            Ty::Int => Value::Int(*self.random.pick(&[0, 1, 2, 3, 4, -1, 1, 2])),
            Ty::Text => {
                Value::Text((*self.random.pick(&["", "a", "b", "ab", "A", "ba", "a b", "1"])).to_owned())
            }
            Ty::Bool => Value::Bool(self.random.one_in(2)),
            Ty::Double if !self.comparable && self.random.one_in(6) => Value::Double(f64::NAN),
            Ty::Double => Value::Double(*self.random.pick(&[0.0, -0.0, 0.5, 1.0, 2.0, -1.5, 3.25])),
            Ty::Decimal => Value::Decimal(*self.random.pick(&[0, 50, 100, 200, -125, 301])),
            Ty::Date | Ty::Timestamp | Ty::Interval => self.time_value(ty),
        }
    }

    fn change(&mut self, table: &Table) -> Change {
        self.budget = 1;
        let local: Vec<Expr> = columns_of(&table.name, &table.columns);
        let sight = Sight { local, outer: Vec::new(), subqueries: true };
        let filter = (!self.random.one_in(6)).then(|| self.expr(Ty::Bool, 3, &sight));
        match self.random.below(3) {
            0 => Change::Delete { table: table.name.clone(), filter },
            1 if !table.keyed => {
                let types: Vec<Ty> = table.columns.iter().map(|(_, ty)| *ty).collect();
                Change::Insert { table: table.name.clone(), query: self.query(&types, &[]) }
            }
            _ => {
                let changeable = &table.columns[usize::from(table.keyed && table.columns.len() > 1)..];
                if table.keyed && table.columns.len() == 1 {
                    return Change::Delete { table: table.name.clone(), filter };
                }
                let (column, ty) = self.random.pick(changeable).clone();
                let value = self.expr(ty, 2, &sight);
                Change::Update { table: table.name.clone(), column, value, filter }
            }
        }
    }

    fn name(&mut self, prefix: &str) -> String {
        self.names += 1;
        format!("{prefix}{}", self.names)
    }

    /// True in `percent` of all cases.
    fn chance(&mut self, percent: u64) -> bool {
        self.random.below(100) < percent
    }
}

fn columns_of(relation: &str, columns: &[(String, Ty)]) -> Vec<Expr> {
    let column = |(name, ty): &(String, Ty)| Expr::Column {
        relation: relation.to_owned(),
        name: name.clone(),
        ty: *ty,
    };
    columns.iter().map(column).collect()
}
