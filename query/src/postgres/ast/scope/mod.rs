//! Names of columns, as the text and the catalog tell them before anything is planned: those of a query, of a
//! table in `FROM`, and of what joins make of tables.
//!
//! A name is that of a `WITH` query where one is in reach, and else that of a stored table.

pub(super) mod joined;

use std::ptr;

use sqlparser::ast::{
    ExcludeSelectItem, Ident, ObjectName, Query, Select, SelectItem, SelectItemQualifiedWildcardKind,
    SetExpr, TableAlias, TableFactor, TableWithJoins, WildcardAdditionalOptions,
};

use self::joined::{JoinedTables, last_name};
use super::{item_names::name_of, series};
use crate::{names::internal::shown_name, parse::folded_ident};

/// Columns of the tables that a text names and does not define.
pub(crate) trait StoredColumns {
    /// The names of the columns of a table in `FROM`, in order; none where they cannot be told before
    /// planning.
    fn columns_of(&self, table: &TableFactor) -> Option<Vec<String>>;
}

/// The tables in reach of a place in a statement. Queries are entered and left as a walk goes.
pub(crate) struct NameScope<'s> {
    stored: &'s dyn StoredColumns,
    layers: Vec<Layer>,
}

/// The `WITH` queries of one query.
#[derive(Default)]
struct Layer {
    queries: Vec<WithQuery>,
    /// Those that the place is behind.
    in_reach: usize,
}

struct WithQuery {
    name: String,
    columns: Option<Vec<String>>,
    /// Tells it apart while a walk enters it: it stays where it is.
    query: *const Query,
}

impl<'s> NameScope<'s> {
    pub(crate) fn new(stored: &'s dyn StoredColumns) -> Self {
        Self { stored, layers: Vec::new() }
    }

    /// Enters a query.
    pub(super) fn enter(&mut self, query: &Query) {
        if let Some(around) = self.layers.last_mut()
            && let Some(index) = around.queries.iter().position(|known| ptr::eq(known.query, query))
        {
            around.in_reach = index;
        }
        self.layers.push(Layer::default());
        let Some(with) = &query.with else { return };
        for cte in &with.cte_tables {
            let columns = if cte.alias.columns.is_empty() || !with.recursive {
                self.columns_of_query(&cte.query)
            } else {
                None
            };
            let columns = renamed(columns, &cte.alias);
            let name = folded_ident(&cte.alias.name);
            if let Some(layer) = self.layers.last_mut() {
                layer.queries.push(WithQuery { name, columns, query: ptr::from_ref(&*cte.query) });
                layer.in_reach = layer.queries.len();
            }
        }
    }

    /// Leaves the query that was entered last.
    pub(super) fn leave(&mut self) {
        self.layers.pop();
        if let Some(around) = self.layers.last_mut() {
            around.in_reach = around.queries.len();
        }
    }

    /// The columns of a query.
    pub(crate) fn columns_of_query(&mut self, query: &Query) -> Option<Vec<String>> {
        self.enter(query);
        let columns = self.columns_of_body(&query.body);
        self.leave();
        columns
    }

    /// The columns of the body of a query that was entered.
    pub(super) fn columns_of_body(&mut self, body: &SetExpr) -> Option<Vec<String>> {
        match body {
            SetExpr::Select(select) => self.columns_of_items(select),
            SetExpr::Query(query) => self.columns_of_query(query),
            SetExpr::SetOperation { left, .. } => self.columns_of_body(left),
            SetExpr::Values(values) => {
                let width = values.rows.first()?.content.len();
                Some((1..=width).map(|number| format!("column{number}")).collect())
            }
            _ => None,
        }
    }

    /// The columns of a select list.
    fn columns_of_items(&mut self, select: &Select) -> Option<Vec<String>> {
        let mut columns = Vec::with_capacity(select.projection.len());
        for item in &select.projection {
            match item {
                SelectItem::UnnamedExpr(expr) => columns.push(name_of(expr)),
                SelectItem::ExprWithAlias { alias, .. } => {
                    columns.push(shown_name(&folded_ident(alias)).to_owned());
                }
                wildcard => columns.extend(self.columns_of_wildcard(select, wildcard)?),
            }
        }
        Some(columns)
    }

    /// The columns that `*` or `t.*` stands for in a select list.
    pub(super) fn columns_of_wildcard(&mut self, select: &Select, item: &SelectItem) -> Option<Vec<String>> {
        let (mut columns, options) = match item {
            SelectItem::Wildcard(options) => (self.columns_of_from(select)?, options),
            SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), options) => {
                let name = last_name(name)?;
                let sides: Vec<JoinedTables> = select.from.iter().map(|item| self.joined(item)).collect();
                let mut tables = sides.iter().flat_map(JoinedTables::tables);
                let table = tables.find(|table| table.is_named(&name))?;
                (table.columns.clone()?, options)
            }
            _ => return None,
        };
        let left_out = names_left_out(options)?;
        columns.retain(|column| !left_out.contains(column));
        Some(columns)
    }

    /// The columns of all tables of a `FROM`.
    pub(super) fn columns_of_from(&mut self, select: &Select) -> Option<Vec<String>> {
        let mut columns = Vec::new();
        for item in &select.from {
            columns.extend(self.joined(item).columns()?);
        }
        Some(columns)
    }

    /// Tables with their joins. Joins by columns that are not there are left to who writes them out.
    pub(super) fn joined(&mut self, item: &TableWithJoins) -> JoinedTables {
        let mut all = self.of_factor(&item.relation);
        for join in &item.joins {
            let right = self.of_factor(&join.relation);
            all = match joined::merging(join) {
                None => all.beside(right),
                Some((kind, names)) => match names.of(&all, &right) {
                    Some(names) => {
                        all.merged(right, kind, &names).map_or_else(|_| JoinedTables::unknown(), |it| it.0)
                    }
                    None => JoinedTables::unknown(),
                },
            };
        }
        all
    }

    /// One table, or a join in parentheses.
    pub(super) fn of_factor(&mut self, factor: &TableFactor) -> JoinedTables {
        match factor {
            TableFactor::NestedJoin { table_with_joins, alias: None } => self.joined(table_with_joins),
            _ => JoinedTables::table(named(factor), self.columns_of_factor(factor), self.is_stored(factor)),
        }
    }

    fn is_stored(&self, factor: &TableFactor) -> bool {
        let TableFactor::Table { name, args: None, .. } = factor else { return false };
        match name.0.as_slice() {
            [part] => part.as_ident().is_none_or(|ident| self.with_query(&folded_ident(ident)).is_none()),
            _ => true,
        }
    }

    fn columns_of_factor(&mut self, factor: &TableFactor) -> Option<Vec<String>> {
        match factor {
            TableFactor::Table { name, args: None, version: None, alias, .. } => {
                let with = match name.0.as_slice() {
                    [part] => self.with_query(&folded_ident(part.as_ident()?)),
                    _ => None,
                };
                let columns = match with {
                    Some(with) => with.columns.clone(),
                    None => self.stored.columns_of(factor),
                };
                alias.as_ref().map_or(columns.clone(), |alias| renamed(columns, alias))
            }
            TableFactor::Table { alias, .. } => {
                let columns = match series::only_column(factor) {
                    Some(name) => Some(vec![name]),
                    None => self.stored.columns_of(factor),
                };
                alias.as_ref().map_or(columns.clone(), |alias| renamed(columns, alias))
            }
            TableFactor::Derived { subquery, alias: Some(alias), .. } => {
                renamed(self.columns_of_query(subquery), alias)
            }
            TableFactor::NestedJoin { table_with_joins, alias: Some(alias) } => {
                renamed(self.joined(table_with_joins).columns(), alias)
            }
            other => series::only_column(other).map(|name| vec![name]),
        }
    }

    fn with_query(&self, name: &str) -> Option<&WithQuery> {
        let layers = self.layers.iter().rev();
        layers.flat_map(|layer| layer.queries[..layer.in_reach].iter().rev()).find(|query| query.name == name)
    }
}

/// The columns under the names that an alias gives them.
fn renamed(columns: Option<Vec<String>>, alias: &TableAlias) -> Option<Vec<String>> {
    let given = alias.columns.iter().map(|column| folded_ident(&column.name));
    match columns {
        Some(mut columns) => {
            columns.iter_mut().zip(given).for_each(|(column, name)| *column = name);
            Some(columns)
        }
        None if alias.columns.is_empty() => None,
        None => Some(given.collect()),
    }
}

/// Names that a wildcard leaves out; none where it does something else to the columns.
fn names_left_out(options: &WildcardAdditionalOptions) -> Option<Vec<String>> {
    let names: &[ObjectName] = match &options.opt_exclude {
        None => &[],
        Some(ExcludeSelectItem::Single(name)) => std::slice::from_ref(name),
        Some(ExcludeSelectItem::Multiple(names)) => names,
    };
    let plain = options.opt_ilike.is_none()
        && options.opt_except.is_none()
        && options.opt_replace.is_none()
        && options.opt_rename.is_none()
        && options.opt_alias.is_none();
    if plain { names.iter().map(last_name).collect() } else { None }
}

/// The name by which the columns of a table can be written.
fn named(table: &TableFactor) -> Option<Ident> {
    let name = match table {
        TableFactor::Table { alias: Some(alias), .. }
        | TableFactor::Derived { alias: Some(alias), .. }
        | TableFactor::TableFunction { alias: Some(alias), .. }
        | TableFactor::Function { alias: Some(alias), .. }
        | TableFactor::UNNEST { alias: Some(alias), .. }
        | TableFactor::NestedJoin { alias: Some(alias), .. } => folded_ident(&alias.name),
        TableFactor::Table { name, .. } | TableFactor::Function { name, .. } => last_name(name)?,
        _ => return None,
    };
    Some(joined::quoted(&name))
}
