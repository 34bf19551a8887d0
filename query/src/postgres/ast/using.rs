//! `JOIN … USING (k)`: the joined column stands first and once, and means the side that has a value.
//!
//! DataFusion takes the column of the table whose name sorts first, which is NULL in the rows that an outer
//! join adds, and finds `k` in a WHERE ambiguous. Here `k` and `*` are written out before planning:
//!
//! | join | `k` means |
//! |---|---|
//! | inner, left | `a.k` |
//! | right | `b.k` |
//! | full | `coalesce(a.k, b.k)` |
//!
//! From the third table on the join compares with what `k` means so far, and is written out as `ON`.
//!
//! Where the tables do not tell which one has `k`, or `k` is left to NATURAL, an inner join stays as it is:
//! both sides are equal. An outer join is refused.

use std::ops::ControlFlow;

use sqlparser::ast::{
    self, BinaryOperator, ExcludeSelectItem, Expr, Ident, Join, JoinConstraint, JoinOperator, ObjectName,
    OrderByKind, Query, Select, SelectItem, SelectItemQualifiedWildcardKind, SetExpr, TableFactor,
    TableWithJoins, VisitMut, VisitorMut,
};

use super::join_conditions::check_conditions;
use crate::{
    error::{Error, Result},
    parse::folded_ident,
};

/// Writes out the columns of every `USING` in a statement.
pub(crate) fn write_out_using(statement: &mut ast::Statement) -> Result<()> {
    match statement.visit(&mut Writer) {
        ControlFlow::Break(error) => Err(error),
        ControlFlow::Continue(()) => Ok(()),
    }
}

struct Writer;

impl VisitorMut for Writer {
    type Break = Error;

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<Error> {
        if let SetExpr::Select(select) = query.body.as_ref()
            && let Some(order) = &mut query.order_by
            && let OrderByKind::Expressions(exprs) = &mut order.kind
        {
            let mut merged = match merged_of(select) {
                Ok(tables) => Merged { tables, depth: 0 },
                Err(error) => return ControlFlow::Break(error),
            };
            for ordered in exprs {
                ordered.expr.visit(&mut merged)?;
            }
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<Error> {
        if let Err(error) = check_conditions(&select.from) {
            return ControlFlow::Break(error);
        }
        let tables = match merged_of(select) {
            Ok(tables) => tables,
            Err(error) => return ControlFlow::Break(error),
        };
        if tables.iter().all(|table| table.columns.is_empty()) {
            return ControlFlow::Continue(());
        }
        if let Err(error) = write_conditions(select, &tables) {
            return ControlFlow::Break(error);
        }
        select.projection = std::mem::take(&mut select.projection)
            .into_iter()
            .flat_map(|item| match item {
                SelectItem::Wildcard(options)
                    if options.to_string().is_empty() && tables.iter().all(|table| table.known) =>
                {
                    tables.iter().flat_map(Tables::all_columns).collect()
                }
                SelectItem::UnnamedExpr(Expr::Identifier(ident))
                    if merged_column(&tables, &ident).is_some() =>
                {
                    let expr = Expr::Identifier(ident.clone());
                    vec![SelectItem::ExprWithAlias { expr, alias: quoted(&folded_ident(&ident)) }]
                }
                item => vec![item],
            })
            .collect();
        let mut merged = Merged { tables, depth: 0 };
        select.projection.visit(&mut merged)?;
        select.selection.visit(&mut merged)?;
        select.group_by.visit(&mut merged)?;
        select.having.visit(&mut merged)?;
        select.qualify.visit(&mut merged)
    }
}

/// One item of a FROM: tables with their joins.
struct Tables {
    /// Condition of each join, for those whose left side is joined by the same column already.
    conditions: Vec<Option<Expr>>,
    /// The names of the tables, each with the joined columns that it has.
    names: Vec<(Ident, Vec<String>)>,
    /// The joined columns and what they mean, in order.
    columns: Vec<(String, Expr)>,
    /// Whether it is known which table has which joined column.
    known: bool,
}

impl Tables {
    /// Items that `*` means: the joined columns, then the others of each table.
    fn all_columns(&self) -> Vec<SelectItem> {
        let joined = self
            .columns
            .iter()
            .map(|(name, expr)| SelectItem::ExprWithAlias { expr: expr.clone(), alias: quoted(name) });
        let others = self.names.iter().map(|(table, columns)| {
            let except = columns.iter().map(|column| quoted(column));
            let opt_exclude = match columns.len() {
                0 => None,
                _ => Some(ExcludeSelectItem::Multiple(
                    except.map(|ident| ObjectName::from(vec![ident])).collect(),
                )),
            };
            SelectItem::QualifiedWildcard(
                SelectItemQualifiedWildcardKind::ObjectName(ObjectName::from(vec![table.clone()])),
                ast::WildcardAdditionalOptions { opt_exclude, ..Default::default() },
            )
        });
        joined.chain(others).collect()
    }
}

/// Writes out the conditions of joins that compare with several tables.
fn write_conditions(select: &mut Select, tables: &[Tables]) -> Result<()> {
    let partial =
        |item: &SelectItem| matches!(item, SelectItem::Wildcard(options) if !options.to_string().is_empty());
    for (item, found) in select.from.iter_mut().zip(tables) {
        for (join, condition) in item.joins.iter_mut().zip(&found.conditions) {
            let Some(condition) = condition else { continue };
            if !found.known || select.projection.iter().any(partial) {
                return Err(refused());
            }
            if let Some(constraint) = constraint_mut(join) {
                *constraint = JoinConstraint::On(condition.clone());
            }
        }
    }
    Ok(())
}

fn refused() -> Error {
    Error::unsupported("a join of this form with USING or NATURAL")
        .with_hint("write ON a.k = b.k, and a.k, b.k or coalesce(a.k, b.k) for the column")
}

fn quoted(name: &str) -> Ident {
    Ident::with_quote('"', name)
}

fn merged_of(select: &Select) -> Result<Vec<Tables>> {
    let has_using = |join: &Join| {
        matches!(constraint(join), Some((_, JoinConstraint::Using(_) | JoinConstraint::Natural)))
    };
    if !select.from.iter().flat_map(|item| &item.joins).any(has_using) {
        return Ok(Vec::new());
    }
    select.from.iter().map(tables_of).collect()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Inner,
    Left,
    Right,
    Full,
}

fn constraint(join: &Join) -> Option<(Kind, &JoinConstraint)> {
    match &join.join_operator {
        JoinOperator::Join(constraint) | JoinOperator::Inner(constraint) => Some((Kind::Inner, constraint)),
        JoinOperator::Left(constraint) | JoinOperator::LeftOuter(constraint) => {
            Some((Kind::Left, constraint))
        }
        JoinOperator::Right(constraint) | JoinOperator::RightOuter(constraint) => {
            Some((Kind::Right, constraint))
        }
        JoinOperator::FullOuter(constraint) => Some((Kind::Full, constraint)),
        _ => None,
    }
}

fn constraint_mut(join: &mut Join) -> Option<&mut JoinConstraint> {
    match &mut join.join_operator {
        JoinOperator::Join(constraint)
        | JoinOperator::Inner(constraint)
        | JoinOperator::Left(constraint)
        | JoinOperator::LeftOuter(constraint)
        | JoinOperator::Right(constraint)
        | JoinOperator::RightOuter(constraint)
        | JoinOperator::FullOuter(constraint) => Some(constraint),
        _ => None,
    }
}

fn tables_of(item: &TableWithJoins) -> Result<Tables> {
    let mut tables = Tables { conditions: Vec::new(), names: Vec::new(), columns: Vec::new(), known: true };
    match name_of(&item.relation) {
        Some(name) => tables.names.push((name, Vec::new())),
        None => tables.known = false,
    }
    for join in &item.joins {
        let right = name_of(&join.relation);
        let joined = constraint(join);
        let check = |kind: Kind| if kind == Kind::Inner { Ok(()) } else { Err(refused()) };
        let chained = tables.columns.len();
        let mut compared = Vec::new();
        let mut written_out = false;
        match joined {
            Some((kind, JoinConstraint::Natural)) => {
                check(kind)?;
                tables.known = false;
            }
            Some((kind, JoinConstraint::Using(columns))) => {
                for column in columns {
                    let name = match column.0.as_slice() {
                        [part] => part.as_ident().map(folded_ident),
                        _ => None,
                    };
                    let condition = name.zip(right.as_ref()).and_then(|(name, right)| {
                        let joined = &tables.columns[..chained];
                        written_out |= joined.iter().any(|(known, _)| *known == name);
                        tables.merge(kind, &name, right)
                    });
                    if condition.is_none() {
                        check(kind)?;
                        tables.known = false;
                    }
                    compared.extend(condition);
                }
            }
            _ => {}
        }
        tables.conditions.push(compared.into_iter().reduce(and).filter(|_| written_out));
        match right {
            Some(name) => {
                let columns = match joined {
                    Some((_, JoinConstraint::Using(columns))) => columns
                        .iter()
                        .filter_map(|column| column.0.last()?.as_ident().map(folded_ident))
                        .collect(),
                    _ => Vec::new(),
                };
                tables.names.push((name, columns));
            }
            None => tables.known = false,
        }
    }
    Ok(tables)
}

/// The name by which a table's columns can be written.
fn name_of(table: &TableFactor) -> Option<Ident> {
    match table {
        TableFactor::Table { alias: Some(alias), .. }
        | TableFactor::Derived { alias: Some(alias), .. }
        | TableFactor::TableFunction { alias: Some(alias), .. } => Some(quoted(&folded_ident(&alias.name))),
        TableFactor::Table { name, args: None, .. } => {
            name.0.last().and_then(ast::ObjectNamePart::as_ident).map(|ident| quoted(&folded_ident(ident)))
        }
        _ => None,
    }
}

impl Tables {
    /// Adds a joined column and says what the join compares; `None` when it is not known which table on the
    /// left has it.
    fn merge(&mut self, kind: Kind, name: &str, right: &Ident) -> Option<Expr> {
        let on_right = Expr::CompoundIdentifier(vec![right.clone(), quoted(name)]);
        let before = self.columns.iter().position(|(known, _)| known == name);
        let on_left = match (before, self.names.as_mut_slice()) {
            (Some(index), _) => self.columns[index].1.clone(),
            (None, [(table, columns)]) if self.known => {
                columns.push(name.to_owned());
                Expr::CompoundIdentifier(vec![table.clone(), quoted(name)])
            }
            // Both sides are equal.
            _ if kind == Kind::Inner => {
                self.columns.push((name.to_owned(), on_right));
                return None;
            }
            _ => return None,
        };
        let condition = equal(on_left.clone(), on_right.clone());
        let expr = match kind {
            Kind::Inner | Kind::Left => on_left,
            Kind::Right => on_right,
            Kind::Full => coalesce(on_left, on_right),
        };
        match before {
            Some(index) => self.columns[index].1 = expr,
            None => self.columns.push((name.to_owned(), expr)),
        }
        Some(condition)
    }
}

fn equal(left: Expr, right: Expr) -> Expr {
    Expr::BinaryOp { left: Box::new(left), op: BinaryOperator::Eq, right: Box::new(right) }
}

fn and(left: Expr, right: Expr) -> Expr {
    Expr::BinaryOp { left: Box::new(left), op: BinaryOperator::And, right: Box::new(right) }
}

fn coalesce(left: Expr, right: Expr) -> Expr {
    let argument = |expr| ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(expr));
    Expr::Function(ast::Function {
        name: ObjectName::from(vec![Ident::new("coalesce")]),
        uses_odbc_syntax: false,
        parameters: ast::FunctionArguments::None,
        args: ast::FunctionArguments::List(ast::FunctionArgumentList {
            duplicate_treatment: None,
            args: vec![argument(left), argument(right)],
            clauses: Vec::new(),
        }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}

fn merged_column(tables: &[Tables], ident: &Ident) -> Option<Expr> {
    let name = folded_ident(ident);
    let mut found = tables.iter().flat_map(|item| &item.columns).filter(|(known, _)| *known == name);
    let (_, expr) = found.next()?;
    found.next().is_none().then(|| expr.clone())
}

/// Puts what the joined columns mean in their place, outside of subqueries.
struct Merged {
    tables: Vec<Tables>,
    depth: usize,
}

impl VisitorMut for Merged {
    type Break = Error;

    fn pre_visit_query(&mut self, _query: &mut Query) -> ControlFlow<Error> {
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _query: &mut Query) -> ControlFlow<Error> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Error> {
        if self.depth == 0
            && let Expr::Identifier(ident) = expr
            && let Some(meant) = merged_column(&self.tables, ident)
        {
            *expr = meant;
        }
        ControlFlow::Continue(())
    }
}
