//! `WITH` queries that call a volatile function and are named more than once: their rows are computed once,
//! as Postgres does ([`SharedRows`](crate::postgres::shared_rows::SharedRows)).
//!
//! Here such a query becomes `SELECT * FROM (query) AS __bygone_shared`, which the planner of relations
//! knows. One that names itself takes its `WITH RECURSIVE` inside with it.

use std::ops::ControlFlow;

use sqlparser::ast::{
    Cte, Expr, Function, Query, Statement, TableFactor, Visit, VisitMut, Visitor, VisitorMut, With,
    helpers::attached_token::AttachedToken,
};

use super::{
    made_queries::{all_of, derived, nothing, plain_query},
    scope::joined::quoted,
};
use crate::{names::internal::SHARED_QUERY, parse::folded_ident};

/// Functions and views that answer differently each time.
pub(crate) trait VolatileParts {
    fn is_volatile_function(&self, name: &str) -> bool;

    fn is_volatile_table(&self, table: &TableFactor) -> bool;
}

/// Marks the `WITH` queries of a statement whose rows are shared.
pub(crate) fn share_queries(statement: &mut Statement, parts: &dyn VolatileParts) {
    let _ = VisitMut::visit(statement, &mut Sharer { parts, volatile: Vec::new() });
}

/// Whether a query answers differently each time.
pub(crate) fn is_volatile(query: &Query, parts: &dyn VolatileParts) -> bool {
    query.visit(&mut VolatileFinder { parts, queries: &[] }).is_break()
}

struct Sharer<'p> {
    parts: &'p dyn VolatileParts,
    /// Names of the volatile `WITH` queries around the place, those of each query together.
    volatile: Vec<Vec<String>>,
}

impl VisitorMut for Sharer<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        self.volatile.push(Vec::new());
        let Some(with) = &query.with else { return ControlFlow::Continue(()) };
        let mut shared = Vec::new();
        for (index, cte) in with.cte_tables.iter().enumerate() {
            let mut finder = VolatileFinder { parts: self.parts, queries: &self.volatile };
            if cte.query.visit(&mut finder).is_continue() {
                continue;
            }
            let name = folded_ident(&cte.alias.name);
            let of_itself = if with.recursive { references_in(&cte.query, &name) } else { 0 };
            let before = with.cte_tables[..=index].iter().map(|cte| references_in(&cte.query, &name));
            let before = if with.recursive { of_itself } else { before.sum() };
            if references(query, &name, query) > before + 1 {
                shared.push((index, of_itself > 0));
            }
            if let Some(names) = self.volatile.last_mut() {
                names.push(name);
            }
        }
        let Some(with) = &mut query.with else { return ControlFlow::Continue(()) };
        for (index, recursive) in shared {
            share(&mut with.cte_tables[index], recursive);
        }
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _query: &mut Query) -> ControlFlow<()> {
        self.volatile.pop();
        ControlFlow::Continue(())
    }
}

fn share(cte: &mut Cte, recursive: bool) {
    let query = if recursive {
        let mut around = all_of(TableFactor::Table {
            name: vec![cte.alias.name.clone()].into(),
            alias: None,
            args: None,
            with_hints: Vec::new(),
            version: None,
            with_ordinality: false,
            partitions: Vec::new(),
            json_path: None,
            sample: None,
            index_hints: Vec::new(),
        });
        let with_token = AttachedToken::empty();
        around.with = Some(With { with_token, recursive: true, cte_tables: vec![cte.clone()] });
        cte.alias.columns.clear();
        around
    } else {
        std::mem::replace(cte.query.as_mut(), plain_query(nothing()))
    };
    *cte.query = all_of(derived(query, quoted(SHARED_QUERY)));
}

/// Number of tables of a name in a query, which may define the name itself.
fn references_in(query: &Query, name: &str) -> usize {
    references(query, name, std::ptr::null())
}

/// Number of tables of a name in a query, where it is that of the `WITH` of `definition`.
fn references(query: &Query, name: &str, definition: *const Query) -> usize {
    let mut counter = ReferenceCounter { name, definition, hidden: 0, count: 0 };
    let _ = query.visit(&mut counter);
    counter.count
}

/// Counts the tables of a name in a query, but for those where a query inside of it hides the name.
struct ReferenceCounter<'n> {
    name: &'n str,
    definition: *const Query,
    hidden: usize,
    count: usize,
}

impl ReferenceCounter<'_> {
    fn hides(&self, query: &Query) -> bool {
        let mut queries = query.with.iter().flat_map(|with| &with.cte_tables);
        !std::ptr::eq(query, self.definition) && queries.any(|cte| folded_ident(&cte.alias.name) == self.name)
    }
}

impl Visitor for ReferenceCounter<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        self.hidden += usize::from(self.hides(query));
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        self.hidden -= usize::from(self.hides(query));
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        if self.hidden == 0 && named(factor).is_some_and(|name| name == self.name) {
            self.count += 1;
        }
        ControlFlow::Continue(())
    }
}

/// Stops at what answers differently each time.
struct VolatileFinder<'p> {
    parts: &'p dyn VolatileParts,
    queries: &'p [Vec<String>],
}

impl Visitor for VolatileFinder<'_> {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        match expr {
            Expr::Function(function) if self.is_volatile(function) => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        }
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        let is_query =
            named(factor).is_some_and(|name| self.queries.iter().flatten().any(|known| *known == name));
        if is_query || self.parts.is_volatile_table(factor) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }
}

impl VolatileFinder<'_> {
    fn is_volatile(&self, function: &Function) -> bool {
        let name = function.name.0.last().and_then(|part| part.as_ident()).map(folded_ident);
        name.is_some_and(|name| self.parts.is_volatile_function(&name))
    }
}

/// The name of a table without a schema.
fn named(factor: &TableFactor) -> Option<String> {
    match factor {
        TableFactor::Table { name, args: None, .. } => match name.0.as_slice() {
            [part] => part.as_ident().map(folded_ident),
            _ => None,
        },
        _ => None,
    }
}
