//! Reach of a statement when the views and `WITH` queries that it names are written out where it names them.
//!
//! The planner writes them out. A short text can so become a plan of any size, and some of DataFusion's
//! passes take time that grows faster than what they go over; see [`Extent::check`] for what is refused.

use std::{
    collections::{HashMap, HashSet},
    ops::ControlFlow,
};

use sqlparser::ast::{Expr, ObjectName, Query, Select, SelectItem, TableFactor, Visitor};

use crate::{
    error::{Error, Result},
    parse::{PointId, folded_ident},
};

/// Tables that a statement reads: a plan holds each of them as often as it is named.
const TABLES_MAX: usize = 5_000;
/// Subqueries inside of subqueries. DataFusion goes over each of them once more for every one around it, and
/// from there over what is inside: the time doubles with every level.
const SUBQUERIES_NESTED_MAX: usize = 12;
/// Tables that one `SELECT` joins, with those that its views and `WITH` queries join.
const JOINED_DEEP_MAX: usize = 600;
/// Queries of `WITH`, views and derived tables that read from each other in a row. A condition on the last is
/// moved down through all of them, and the columns of each are written out in it. A task of DataFusion's
/// starts all their operators inside each other, on the stack of a thread of the runtime.
const QUERIES_IN_A_ROW_MAX: usize = 50;
/// Tables and subqueries of one `SELECT`. Joins of n of them are planned in a time that grows with the third
/// power of n.
const JOINED_MAX: usize = 100;
/// Such tables and subqueries times all columns that they have together: every join is looked through for
/// every column.
const JOINED_COLUMNS_MAX: usize = 250_000;

/// The reach of a query.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Extent {
    /// Tables, each as often as it is read.
    tables: usize,
    /// Levels of subqueries inside of expressions.
    nested: usize,
    /// Tables that one `SELECT` joins, also by way of what it names.
    joined: usize,
    /// Queries that read from each other.
    in_a_row: usize,
    /// Columns.
    width: usize,
}

impl Extent {
    /// A table with so many columns.
    pub(crate) fn of_table(width: usize) -> Self {
        Self { tables: 1, nested: 0, joined: 1, in_a_row: 0, width }
    }

    fn join(&mut self, other: Self) {
        self.tables = self.tables.saturating_add(other.tables);
        self.nested = self.nested.max(other.nested);
        self.joined = self.joined.max(other.joined);
        self.in_a_row = self.in_a_row.max(other.in_a_row);
    }

    fn check(self) -> Result<()> {
        if self.tables > TABLES_MAX {
            return Err(Error::limit(format!(
                "the statement reads more than {TABLES_MAX} tables when its views and WITH queries are written out"
            ))
            .with_hint("keep what is read many times in a table: CREATE TABLE … AS SELECT …"));
        }
        if self.nested > SUBQUERIES_NESTED_MAX {
            return Err(Error::limit(format!(
                "more than {SUBQUERIES_NESTED_MAX} subqueries inside each other"
            ))
            .with_hint("write inner subqueries as joins"));
        }
        if self.in_a_row > QUERIES_IN_A_ROW_MAX {
            return Err(Error::limit(format!(
                "more than {QUERIES_IN_A_ROW_MAX} WITH queries, views and subqueries read from each other in a row"
            ))
            .with_hint("keep what one of them reads in a table: CREATE TABLE … AS SELECT …"));
        }
        Ok(())
    }
}

/// Tables and subqueries of a `SELECT`, and their columns.
#[derive(Default)]
struct Joined {
    count: usize,
    columns: usize,
    /// Tables, with those that views and `WITH` queries join.
    deep: usize,
}

/// One query on the way to the one that is visited.
#[derive(Default)]
struct QueryScope {
    extent: Extent,
    /// Reach of its `WITH` queries.
    ctes: HashMap<String, Extent>,
    /// `WITH` queries that were not visited yet.
    pending: Vec<(*const Query, String)>,
}

/// The reach of a table or view, by its name and point.
pub(crate) type Named<'m> = dyn Fn(&ObjectName, Option<PointId>) -> Extent + 'm;

/// Measures the reach of what it visits.
///
/// A visit breaks off with 54000 where the reach is too far.
pub(crate) struct Measure<'m> {
    named: &'m Named<'m>,
    scopes: Vec<QueryScope>,
    /// Queries inside of expressions.
    subqueries: HashSet<*const Query>,
    /// Joined inputs of each `SELECT` on the way.
    joined: Vec<Joined>,
    /// Columns of the query whose visit ended last.
    last_width: usize,
}

impl<'m> Measure<'m> {
    pub(crate) fn new(named: &'m Named<'m>) -> Self {
        Self {
            named,
            scopes: vec![QueryScope::default()],
            subqueries: HashSet::new(),
            joined: Vec::new(),
            last_width: 0,
        }
    }

    /// The reach of all that was visited.
    ///
    /// # Errors
    /// 54000 when it is too far.
    pub(crate) fn whole(self) -> Result<Extent> {
        let extent = self.scopes.first().map(|scope| scope.extent).unwrap_or_default();
        extent.check()?;
        Ok(Extent { width: self.last_width, ..extent })
    }

    fn reach(&mut self, extent: Extent) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.extent.join(extent);
        }
    }

    fn count_joined(&mut self, columns: usize, deep: usize) -> ControlFlow<Error> {
        if let Some(joined) = self.joined.last_mut() {
            joined.count += 1;
            joined.deep = joined.deep.saturating_add(deep);
            if joined.deep > JOINED_DEEP_MAX {
                return ControlFlow::Break(
                    Error::limit(format!(
                        "a SELECT joins more than {JOINED_DEEP_MAX} tables when its views and WITH queries are \
                         written out"
                    ))
                    .with_hint("keep what is read many times in a table: CREATE TABLE … AS SELECT …"),
                );
            }
            joined.columns = joined.columns.saturating_add(columns);
            if joined.count > JOINED_MAX {
                return ControlFlow::Break(
                    Error::limit(format!("a SELECT joins more than {JOINED_MAX} tables and subqueries"))
                        .with_hint("join some of them in a WITH query or in a table of their own"),
                );
            }
            if joined.count > 1 && joined.count.saturating_mul(joined.columns) > JOINED_COLUMNS_MAX {
                return ControlFlow::Break(
                    Error::limit(format!(
                        "a SELECT joins {} tables and subqueries with {} columns: the product is more than \
                         {JOINED_COLUMNS_MAX}",
                        joined.count, joined.columns
                    ))
                    .with_hint("join the columns that are needed: (SELECT a, b FROM t) AS t"),
                );
            }
        }
        ControlFlow::Continue(())
    }
}

impl Visitor for Measure<'_> {
    type Break = Error;

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<Error> {
        let mut scope = QueryScope::default();
        for cte in query.with.iter().flat_map(|with| &with.cte_tables) {
            scope.pending.push((std::ptr::from_ref(cte.query.as_ref()), folded_ident(&cte.alias.name)));
        }
        // The last of them is the first one that is taken off.
        scope.pending.reverse();
        self.scopes.push(scope);
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &Query) -> ControlFlow<Error> {
        let Some(mut extent) = self.scopes.pop().map(|scope| scope.extent) else {
            return ControlFlow::Continue(());
        };
        self.last_width = extent.width;
        extent.in_a_row += 1;
        let id = std::ptr::from_ref(query);
        if self.subqueries.remove(&id) {
            extent.nested += 1;
        }
        if let Err(error) = extent.check() {
            return ControlFlow::Break(error);
        }
        if let Some(scope) = self.scopes.last_mut() {
            match scope.pending.pop_if(|(pending, _)| std::ptr::eq(*pending, id)) {
                Some((_, name)) => {
                    scope.ctes.insert(name, extent);
                }
                None => scope.extent.join(extent),
            }
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, _select: &Select) -> ControlFlow<Error> {
        self.joined.push(Joined::default());
        ControlFlow::Continue(())
    }

    fn post_visit_select(&mut self, select: &Select) -> ControlFlow<Error> {
        let joined = self.joined.pop().unwrap_or_default();
        let columns = joined.columns;
        let width = select.projection.iter().fold(0_usize, |width, item| {
            let is_named = matches!(item, SelectItem::UnnamedExpr(_) | SelectItem::ExprWithAlias { .. });
            width.saturating_add(if is_named { 1 } else { columns })
        });
        if let Some(scope) = self.scopes.last_mut() {
            scope.extent.width = scope.extent.width.max(width);
            scope.extent.joined = scope.extent.joined.max(joined.deep);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<Error> {
        match factor {
            TableFactor::Table { name, args: None, version, .. } => {
                let cte = match name.0.as_slice() {
                    [part] => part.as_ident().and_then(|ident| {
                        let name = folded_ident(ident);
                        self.scopes.iter().rev().find_map(|scope| scope.ctes.get(&name)).copied()
                    }),
                    _ => None,
                };
                let named = || (self.named)(name, version.as_ref().and_then(PointId::of));
                let extent = cte.unwrap_or_else(named);
                self.reach(extent);
                self.count_joined(extent.width, extent.joined)
            }
            // Their parts are visited.
            TableFactor::NestedJoin { .. } | TableFactor::Derived { .. } => ControlFlow::Continue(()),
            _ => {
                self.reach(Extent::of_table(1));
                self.count_joined(1, 1)
            }
        }
    }

    fn post_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<Error> {
        match factor {
            TableFactor::Derived { .. } => self.count_joined(self.last_width, 0),
            _ => ControlFlow::Continue(()),
        }
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<Error> {
        match expr {
            Expr::Subquery(query)
            | Expr::Exists { subquery: query, .. }
            | Expr::InSubquery { subquery: query, .. } => {
                self.subqueries.insert(std::ptr::from_ref(query.as_ref()));
                self.count_joined(1, 1)
            }
            _ => ControlFlow::Continue(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use sqlparser::{ast::Visit, dialect::PostgreSqlDialect, parser::Parser};

    use super::*;

    fn measured(sql: &str) -> Result<Extent> {
        let statements = Parser::parse_sql(&PostgreSqlDialect {}, sql).unwrap();
        let named = |name: &ObjectName, _: Option<PointId>| {
            if name.to_string() == "view" {
                Extent { tables: 7, nested: 2, joined: 5, in_a_row: 20, width: 3 }
            } else {
                Extent::of_table(100)
            }
        };
        let mut measure = Measure::new(&named);
        match statements.visit(&mut measure) {
            ControlFlow::Break(error) => Err(error),
            ControlFlow::Continue(()) => measure.whole(),
        }
    }

    #[test]
    fn with_queries_and_views_count_as_often_as_they_are_named() {
        for (sql, tables, nested) in [
            ("SELECT 1", 0, 0),
            ("SELECT * FROM t", 1, 0),
            ("SELECT * FROM t, (SELECT * FROM t JOIN t AS u USING (a)) AS v", 3, 0),
            ("SELECT * FROM view AS a, view AS b", 14, 2),
            ("WITH c AS (SELECT * FROM t, t AS u) SELECT * FROM c AS a, c AS b", 4, 0),
            (
                "WITH c AS (SELECT * FROM t, t AS u), d AS (SELECT * FROM c, c AS e) SELECT * FROM d, d AS f",
                8,
                0,
            ),
            ("WITH c AS (SELECT * FROM t) SELECT 1", 0, 0),
            ("WITH c AS (SELECT * FROM c AS x) SELECT * FROM c", 1, 0),
            ("WITH c AS (WITH c AS (SELECT * FROM t, u) SELECT * FROM c, c AS d) SELECT * FROM c", 4, 0),
            (
                "SELECT (SELECT max(a) FROM t), EXISTS (SELECT 1 FROM t WHERE a IN (SELECT b FROM u)) FROM t",
                4,
                2,
            ),
            ("SELECT a FROM t UNION ALL SELECT a FROM u UNION SELECT a FROM view", 9, 2),
            ("WITH c AS (SELECT (SELECT 1) AS a) SELECT (SELECT a FROM c) FROM c", 0, 2),
        ] {
            let extent = measured(sql).unwrap();
            assert_eq!((extent.tables, extent.nested), (tables, nested), "{sql}");
        }
    }

    #[test]
    fn what_doubles_with_every_with_query_is_refused() {
        let mut sql = "WITH c0 AS (SELECT a FROM t)".to_owned();
        for i in 0..40 {
            let with = format!(", c{} AS (SELECT x.a FROM c{i} AS x, c{i} AS y)", i + 1);
            sql.push_str(&with);
        }
        assert_eq!(measured(&(sql + " SELECT * FROM c40")).unwrap_err().sqlstate(), "54000");
    }

    #[test]
    fn long_rows_of_with_queries_are_refused() {
        let row = |from: &str, n: usize| {
            let mut sql = format!("WITH c0 AS (SELECT a FROM {from})");
            for i in 0..n {
                let next = format!(", c{} AS (SELECT a FROM c{i})", i + 1);
                sql.push_str(&next);
            }
            sql + &format!(" SELECT * FROM c{n}")
        };
        assert!(measured(&row("t", 48)).is_ok());
        assert_eq!(measured(&row("t", 49)).unwrap_err().sqlstate(), "54000");
        assert!(measured(&row("view", 28)).is_ok());
        assert_eq!(measured(&row("view", 29)).unwrap_err().sqlstate(), "54000");
    }

    #[test]
    fn deep_subqueries_and_wide_joins_are_refused() {
        let nested = |n: usize| format!("{}1{}", "SELECT (".repeat(n), ")".repeat(n));
        let nested = |n| nested(n).replace("(1)", "(SELECT 1)");
        assert!(measured(&nested(12)).is_ok());
        assert_eq!(measured(&nested(13)).unwrap_err().sqlstate(), "54000");
        let joins = |n: usize| {
            let tables = (0..n).map(|i| format!("t AS t{i}")).collect::<Vec<_>>();
            format!("SELECT 1 FROM {}", tables.join(", "))
        };
        let narrow = |n| joins(n).replace("t AS", "view AS");
        assert!(measured(&narrow(100)).is_ok());
        assert_eq!(measured(&narrow(101)).unwrap_err().sqlstate(), "54000");
        let wide = |n: usize| joins(n).replace("t AS", "(SELECT a.*, b.* FROM t AS a, t AS b) AS");
        assert!(measured(&wide(25)).is_ok());
        assert_eq!(measured(&wide(26)).unwrap_err().sqlstate(), "54000");
        assert!(measured(&vec![joins(50); 20].join(" UNION ALL ")).is_ok());
    }
}
