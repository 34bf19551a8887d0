//! What the columns that joins merged mean, put in their place.

use std::{collections::HashMap, ops::ControlFlow};

use sqlparser::ast::{Expr, Ident, Query, Select, SelectItem, SetExpr, VisitMut, VisitorMut};

use crate::{
    error::{Error, Result, SqlState, position},
    parse::folded_ident,
    postgres::ast::scope::{
        NameScope,
        joined::{JoinedTables, NamedColumn},
    },
};

/// What each merged column means; none for one whose name others have as well.
pub(super) struct Meanings(HashMap<String, Option<Expr>>);

impl Meanings {
    /// The merged columns of tables that stand beside each other.
    pub(super) fn of<'j>(sides: impl Iterator<Item = &'j JoinedTables> + Clone) -> Self {
        let names = sides.clone().flat_map(JoinedTables::merged_columns).map(|column| &column.name);
        let meanings = names.map(|name| {
            let mut meaning = None;
            for side in sides.clone() {
                match side.column(name) {
                    NamedColumn::Merged(expr) if meaning.is_none() => meaning = Some(Some(expr)),
                    NamedColumn::Merged(_) | NamedColumn::OfTable(_) | NamedColumn::Ambiguous => {
                        meaning = Some(None);
                    }
                    NamedColumn::OfUnknown(_) | NamedColumn::Missing | NamedColumn::Unknown => {}
                }
            }
            (name.clone(), meaning.flatten())
        });
        Self(meanings.collect())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The meaning of a column's bare name; none where it is that of no merged one.
    pub(super) fn of_name(&self, ident: &Ident) -> Result<Option<&Expr>> {
        match self.0.get(&folded_ident(ident)) {
            None => Ok(None),
            Some(Some(meaning)) => Ok(Some(meaning)),
            Some(None) => {
                Err(Error::new(SqlState::AmbiguousColumn, format!("column {} is ambiguous", ident.value))
                    .with_hint("write the table's name or alias before it")
                    .at(position(ident.span.start.line, ident.span.start.column)))
            }
        }
    }

    /// Puts them in the place of their names in a part of a query, and in its subqueries where these have no
    /// column of the name.
    pub(super) fn put_into(&self, part: &mut impl VisitMut, scope: &mut NameScope<'_>) -> ControlFlow<Error> {
        if self.is_empty() {
            return ControlFlow::Continue(());
        }
        part.visit(&mut MeaningWriter { meanings: self, scope, between: Vec::new() })
    }
}

struct MeaningWriter<'m, 's> {
    meanings: &'m Meanings,
    scope: &'m mut NameScope<'s>,
    /// The columns of each query on the way, which hide those outside; none where they are not known.
    between: Vec<Option<Vec<String>>>,
}

impl MeaningWriter<'_, '_> {
    fn pass(&mut self, select: &Select) {
        let columns = self.scope.columns_of_from(select).map(|mut columns| {
            for item in &select.projection {
                if let SelectItem::ExprWithAlias { alias, .. } = item {
                    columns.push(folded_ident(alias));
                }
            }
            columns
        });
        self.between.push(columns);
    }
}

impl VisitorMut for MeaningWriter<'_, '_> {
    type Break = Error;

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<Error> {
        self.scope.enter(query);
        match query.body.as_ref() {
            SetExpr::Select(select) => self.pass(select),
            _ => self.between.push(Some(Vec::new())),
        }
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _query: &mut Query) -> ControlFlow<Error> {
        self.between.pop();
        self.scope.leave();
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<Error> {
        self.pass(select);
        ControlFlow::Continue(())
    }

    fn post_visit_select(&mut self, _select: &mut Select) -> ControlFlow<Error> {
        self.between.pop();
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Error> {
        let Expr::Identifier(ident) = expr else { return ControlFlow::Continue(()) };
        let name = folded_ident(ident);
        let hides = |columns: &Option<Vec<String>>| columns.as_ref().is_none_or(|all| all.contains(&name));
        if self.between.iter().any(hides) {
            return ControlFlow::Continue(());
        }
        match self.meanings.of_name(ident) {
            Ok(Some(meaning)) => *expr = meaning.clone(),
            Ok(None) => {}
            Err(error) => return ControlFlow::Break(error),
        }
        ControlFlow::Continue(())
    }
}
