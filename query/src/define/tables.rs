//! `CREATE TABLE`.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use bytes::Bytes;
use datafusion::{
    common::DFSchema,
    logical_expr::{Expr, ExprSchemable},
};
use sqlparser::ast;

use super::{check_name, existing, schema_for_new};
use crate::{
    catalog::{BoundTable, CatalogState, ColumnDef, Object, TableDef, keys},
    error::{Error, Result, SqlState},
    names::ObjectPath,
    parse::{self, ColumnSpec, CreateTable},
    postgres::{
        analyze::with_zone,
        ast::{
            placement::{Clause, check_expr},
            spellings::rewrite_expression,
        },
        exprs::is_open_text,
        functions::cast_value,
        plan::coerce_alone,
    },
    statement::{Context, Notice, Outcome, Work, WriteOutcome},
    types::{ColumnType, casts::check_assignment},
};

/// The catalog row of a new table, and its place.
#[derive(Debug)]
pub(crate) struct TableRows {
    pub table: Arc<BoundTable>,
    pub schema_id: u64,
    pub name: String,
}

impl TableRows {
    /// The rows as key and value, for a commit that is not a transaction.
    pub(crate) fn writes(&self) -> Result<Vec<(Bytes, Bytes)>> {
        let object = Object::Table(Arc::clone(&self.table));
        Ok(vec![
            (keys::object(self.schema_id, &self.name), keys::encode(&object.row())?),
            keys::version_write(),
        ])
    }
}

/// `CREATE TABLE`.
pub(super) async fn create_table(
    context: &mut Context<'_>,
    work: &Work,
    create: &CreateTable,
) -> Result<WriteOutcome> {
    let path = context.path(&create.name)?;
    let catalog = context.catalog_of(work).await?;
    let outcome = Outcome::done("CREATE TABLE");
    let columns = create.columns.iter().map(column_of).collect();
    let rows = define_table(context, &catalog, &path, columns, &create.primary_key, create.if_not_exists)
        .map_err(|error| error.at(create.name.position))?;
    let Some(rows) = rows else { return Ok(WriteOutcome::new(outcome, Vec::new())) };
    // A default that cannot be planned would make every INSERT fail.
    planned_defaults(context, &rows.table)?;
    let object = Object::Table(Arc::clone(&rows.table));
    keys::put_object(&work.transaction, rows.schema_id, &rows.name, &object)?;
    Ok(WriteOutcome::new(outcome, vec![path.to_string()]))
}

fn column_of(spec: &ColumnSpec) -> ColumnDef {
    ColumnDef {
        id: 0,
        name: spec.name.clone(),
        column_type: spec.column_type,
        nullable: !spec.not_null,
        default: spec.default.as_ref().map(|(_, text)| text.clone()),
    }
}

/// The definition of a new table at `path`; `None` when there is one already and that is fine.
pub(crate) fn define_table(
    context: &mut Context<'_>,
    catalog: &CatalogState,
    path: &ObjectPath,
    mut columns: Vec<ColumnDef>,
    primary_key: &[String],
    if_not_exists: bool,
) -> Result<Option<TableRows>> {
    check_name("table", &path.name)?;
    let schema_id = schema_for_new(catalog, path)?;
    if existing(catalog, path).is_some() {
        if if_not_exists {
            context.notices.push(Notice::new(format!("table {path} exists already, skipping")));
            return Ok(None);
        }
        return Err(Error::table_exists(&path.to_string()));
    }
    if columns.is_empty() {
        return Err(Error::invalid_definition("a table needs a column"));
    }
    let mut names = BTreeSet::new();
    for (index, column) in columns.iter_mut().enumerate() {
        check_name("column", &column.name)?;
        check_reserved(&column.name)?;
        if !names.insert(column.name.clone()) {
            return Err(Error::duplicate_column(&column.name));
        }
        column.id = index as u32 + 1;
    }
    let mut key = Vec::with_capacity(primary_key.len());
    for name in primary_key {
        let index = columns
            .iter()
            .position(|column| column.name == *name)
            .ok_or_else(|| Error::no_column(name, columns.iter().map(|column| column.name.as_str())))?;
        if key.contains(&index) {
            return Err(Error::duplicate_column(name));
        }
        columns[index].nullable = false;
        key.push(index);
    }
    let store = &context.database.store;
    let def = TableDef {
        id: store.new_keyspace_id().get(),
        keyspace: store.new_keyspace_id().get(),
        columns,
        primary_key: key,
    };
    // A layout that cannot store its rows is refused here: afterwards every statement on the table would be.
    let table = BoundTable::new(path.clone(), def);
    table.layout()?;
    Ok(Some(TableRows { table: Arc::new(table), schema_id, name: path.name.clone() }))
}

/// Refuses the names of columns that the history of a table has beside the table's own.
fn check_reserved(name: &str) -> Result<()> {
    let lower = name.to_lowercase();
    let is_reserved = lower.starts_with("_row_")
        || lower.starts_with("__bygone")
        || ["_change_type", "_op", "_version", "_author", "_message"].contains(&lower.as_str());
    if is_reserved {
        return Err(Error::new(SqlState::ReservedName, format!("the column name {name} is reserved"))
            .with_hint(
                "row_history and table_diff have columns of that name: choose another, or give an alias",
            ));
    }
    Ok(())
}

/// The default expressions of a table, planned; texts in them are read in the session's time zone.
pub(crate) fn planned_defaults(context: &Context<'_>, table: &TableDef) -> Result<HashMap<String, Expr>> {
    let mut defaults = HashMap::new();
    for column in &table.columns {
        let Some(text) = &column.default else { continue };
        let planned = plan_default(context, text, &column.name, column.column_type).map_err(|error| {
            error.reworded(|message| format!("default of column {}: {message}", column.name))
        })?;
        defaults.insert(column.name.clone(), planned);
    }
    Ok(defaults)
}

fn plan_default(context: &Context<'_>, text: &str, name: &str, column_type: ColumnType) -> Result<Expr> {
    let mut expr = parse::parse_expression(text)?;
    check_expr(&expr, Clause::Default)?;
    rewrite_expression(&mut expr)?;
    let schema = DFSchema::empty();
    let expr =
        context.state.create_logical_expr_from_sql_expr(ast::ExprWithAlias { expr, alias: None }, &schema)?;
    if !is_open_text(&expr) {
        check_assignment(&expr.get_type(&schema)?, name, column_type)?;
    }
    // Text that is no value of the column would make every INSERT fail.
    if let Expr::Literal(text, _) = &expr
        && text.data_type().is_string()
    {
        cast_value(text, &column_type.arrow(), context.zone())?;
    }
    let expr = coerce_alone(expr.cast_to(&column_type.arrow(), &schema)?, &schema)?;
    with_zone(expr, &schema, context.zone())
}
