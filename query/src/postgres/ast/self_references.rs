//! Permitted reference of a recursive query to itself: once, in the `FROM` of its recursive term.

use std::{collections::HashSet, ops::ControlFlow};

use sqlparser::ast::{Cte, Expr, Query, SetExpr, SetOperator, TableFactor, Visit, Visitor};

use super::recursion::wrong;
use crate::{
    error::{Error, Result},
    parse::folded_ident,
};

/// Fails where a query of `WITH RECURSIVE` refers to itself in another place.
pub(super) fn check(cte: &Cte) -> Result<()> {
    let name = folded_ident(&cte.alias.name);
    let in_all = SelfReferences::of(&name, cte.query.as_ref());
    if in_all.is_hidden || in_all.count == 0 {
        return Ok(());
    }
    let SetExpr::SetOperation { op: SetOperator::Union, left, right, .. } = cte.query.body.as_ref() else {
        return Err(wrong(format!(
            "recursive query {name} does not have the form non-recursive-term UNION [ALL] recursive-term"
        )));
    };
    let misplaced =
        |place| Err(wrong(format!("recursive reference to query {name} must not appear {place}")));
    if SelfReferences::of(&name, left.as_ref()).count > 0 {
        return misplaced("within its non-recursive term");
    }
    let in_term = SelfReferences::of(&name, right.as_ref());
    if in_term.within > 0 {
        return misplaced("within a subquery");
    }
    if in_term.count > 1 {
        return misplaced("more than once");
    }
    let unsupported = |clause| Err(Error::unsupported(format!("{clause} in a recursive query")));
    if cte.query.order_by.is_some() {
        return unsupported("ORDER BY");
    }
    if cte.query.limit_clause.is_some() || cte.query.fetch.is_some() {
        return unsupported("LIMIT");
    }
    Ok(())
}

/// Number of times that a part of a statement names a query.
struct SelfReferences<'n> {
    name: &'n str,
    count: usize,
    /// Number of references in subqueries of expressions.
    within: usize,
    /// Whether a `WITH` inside defines the name anew.
    is_hidden: bool,
    subqueries: HashSet<*const Query>,
    depth: usize,
}

impl<'n> SelfReferences<'n> {
    fn of(name: &'n str, part: &impl Visit) -> Self {
        let mut found =
            Self { name, count: 0, within: 0, is_hidden: false, subqueries: HashSet::new(), depth: 0 };
        let _ = part.visit(&mut found);
        found
    }
}

impl Visitor for SelfReferences<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        self.depth += usize::from(self.subqueries.contains(&std::ptr::from_ref(query)));
        let defined = query.with.iter().flat_map(|with| &with.cte_tables);
        self.is_hidden |= defined.into_iter().any(|cte| folded_ident(&cte.alias.name) == self.name);
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        self.depth -= usize::from(self.subqueries.remove(&std::ptr::from_ref(query)));
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        if let TableFactor::Table { name, args: None, .. } = factor
            && let [part] = name.0.as_slice()
            && part.as_ident().is_some_and(|ident| folded_ident(ident) == self.name)
        {
            self.count += 1;
            self.within += usize::from(self.depth > 0);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        if let Expr::Subquery(query)
        | Expr::Exists { subquery: query, .. }
        | Expr::InSubquery { subquery: query, .. } = expr
        {
            self.subqueries.insert(std::ptr::from_ref(query.as_ref()));
        }
        ControlFlow::Continue(())
    }
}
