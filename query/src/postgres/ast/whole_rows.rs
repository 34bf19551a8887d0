//! `count(t.*)`: how many rows have a row of `t`, which those that an outer join adds do not have.
//!
//! DataFusion counts all rows. Here `t` becomes `(SELECT t.*, true AS … FROM t) t`, and the column that is
//! true is counted.

use std::ops::ControlFlow;

use sqlparser::{
    ast::{
        Expr, FunctionArg, FunctionArgExpr, FunctionArguments, Ident, JoinOperator, Query, Select,
        SelectItem, SelectItemQualifiedWildcardKind, SetExpr, TableAlias, TableFactor, TableWithJoins,
        VisitMut, VisitorMut,
    },
    dialect::PostgreSqlDialect,
    parser::Parser,
};

use super::is_called;
use crate::{
    error::{Error, Result},
    names::internal::IS_THERE_COLUMN,
    parse::folded_ident,
};

/// Counts the rows of tables in a select with outer joins.
pub(super) fn count_whole_rows(select: &mut Select) -> Result<()> {
    if !select.from.iter().any(has_outer_join) {
        return Ok(());
    }
    let mut counted = Counted { tables: Vec::new(), depth: 0 };
    let _ = select.projection.visit(&mut counted);
    let _ = select.having.visit(&mut counted);
    for table in counted.tables {
        let shows_all = select.projection.iter().any(|item| match item {
            SelectItem::Wildcard(_) => true,
            SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), _) => {
                name.0.last().and_then(|part| part.as_ident()).is_some_and(|name| folded_ident(name) == table)
            }
            _ => false,
        });
        let factor = select.from.iter_mut().find_map(|tables| factor_in(tables, &table));
        match factor {
            Some(factor) if !shows_all => mark_rows(factor, &table)?,
            _ => return Err(uncountable(&table)),
        }
    }
    Ok(())
}

fn uncountable(table: &str) -> Error {
    Error::unsupported(format!("count({table}.*) of a table of an outer join at this place"))
        .with_hint("count a column of the table that is never NULL")
}

fn has_outer_join(tables: &TableWithJoins) -> bool {
    let nested = |factor: &TableFactor| matches!(factor, TableFactor::NestedJoin { table_with_joins, .. } if has_outer_join(table_with_joins));
    let is_outer = |operator: &JoinOperator| {
        matches!(
            operator,
            JoinOperator::Left(_)
                | JoinOperator::LeftOuter(_)
                | JoinOperator::Right(_)
                | JoinOperator::RightOuter(_)
                | JoinOperator::FullOuter(_)
        )
    };
    nested(&tables.relation)
        || tables.joins.iter().any(|join| is_outer(&join.join_operator) || nested(&join.relation))
}

/// The table of a FROM that is called `name`.
fn factor_in<'t>(tables: &'t mut TableWithJoins, name: &str) -> Option<&'t mut TableFactor> {
    let joined = tables.joins.iter_mut().map(|join| &mut join.relation);
    std::iter::once(&mut tables.relation).chain(joined).find_map(|factor| match factor {
        TableFactor::NestedJoin { table_with_joins, alias: None } => factor_in(table_with_joins, name),
        factor => name_of(factor).is_some_and(|ident| folded_ident(&ident) == name).then_some(factor),
    })
}

fn name_of(factor: &TableFactor) -> Option<Ident> {
    match factor {
        TableFactor::Derived { lateral: true, .. } => None,
        TableFactor::Table { alias: Some(alias), .. } | TableFactor::Derived { alias: Some(alias), .. } => {
            Some(alias.name.clone())
        }
        TableFactor::Table { name, .. } => name.0.last()?.as_ident().cloned(),
        _ => None,
    }
}

fn mark_rows(factor: &mut TableFactor, table: &str) -> Result<()> {
    let Some(name) = name_of(factor) else { return Err(uncountable(table)) };
    let text = format!("SELECT x.*, true AS {IS_THERE_COLUMN} FROM x");
    let parsed = Parser::new(&PostgreSqlDialect {}).try_with_sql(&text).and_then(|mut it| it.parse_query());
    let mut query = parsed.map_err(|error| Error::internal(error.to_string()))?;
    if let SetExpr::Select(select) = query.body.as_mut() {
        for item in &mut select.projection {
            if let SelectItem::QualifiedWildcard(kind, _) = item {
                *kind = SelectItemQualifiedWildcardKind::ObjectName(vec![name.clone()].into());
            }
        }
        for tables in &mut select.from {
            std::mem::swap(&mut tables.relation, factor);
        }
    }
    let alias = Some(TableAlias { explicit: true, name, columns: Vec::new(), at: None });
    *factor = TableFactor::Derived { lateral: false, subquery: query, alias, sample: None };
    Ok(())
}

/// Finds the tables whose rows a select counts, and has it count the column instead.
struct Counted {
    tables: Vec<String>,
    depth: usize,
}

impl VisitorMut for Counted {
    type Break = ();

    fn pre_visit_query(&mut self, _: &mut Query) -> ControlFlow<()> {
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &mut Query) -> ControlFlow<()> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        let Expr::Function(function) = expr else { return ControlFlow::Continue(()) };
        if self.depth > 0 || !is_called(function, "count") {
            return ControlFlow::Continue(());
        }
        if let FunctionArguments::List(list) = &mut function.args
            && let [FunctionArg::Unnamed(arg)] = list.args.as_mut_slice()
            && let FunctionArgExpr::QualifiedWildcard(name) = arg
            && let Some(table) = name.0.last().and_then(|part| part.as_ident()).cloned()
        {
            let folded = folded_ident(&table);
            *arg = FunctionArgExpr::Expr(Expr::CompoundIdentifier(vec![table, Ident::new(IS_THERE_COLUMN)]));
            if !self.tables.contains(&folded) {
                self.tables.push(folded);
            }
        }
        ControlFlow::Continue(())
    }
}
