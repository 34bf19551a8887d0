//! `UPDATE` and `DELETE`.

use std::sync::Arc;

use arrow::{datatypes::Schema, record_batch::RecordBatch};
use datafusion::{
    common::Column,
    execution::SendableRecordBatchStream,
    logical_expr::{Expr, LogicalPlan},
    physical_plan::stream::RecordBatchStreamAdapter,
};
use futures::stream::iter;
use sqlparser::{
    ast::{self, SelectItem, SetExpr},
    dialect::GenericDialect,
    parser::Parser,
};

use super::{RowWriter, WriteTarget, assigned, insert::column, lookup::lookup_of};
use crate::{
    error::{Error, Result},
    execution::stream,
    lookup::{LookupOutcome, LookupStatement},
    moment::Reader,
    names::internal::{ROW_KEY_COLUMN, TARGET_TABLE},
    parse::{self, Delete, Update, is_default},
    postgres::ast::placement::{Clause, check_expr},
    read::PreparedLookup,
    statement::{Context, Outcome, Parameters, Work, WriteOutcome},
};

/// `UPDATE t SET …`.
pub(super) async fn update(context: &mut Context<'_>, work: &Work, update: &Update) -> Result<WriteOutcome> {
    let target = WriteTarget::find(context, work, &update.table).await?;
    let lookup = lookup_of(context, work, &target, LookupStatement::Update(update)).await;
    let rows = if let Some(rows) = looked_up(lookup).await? {
        rows
    } else {
        let parameters = Parameters::bound(context.parameters);
        let plan = plan_update(context, work, &target, update, parameters).await?;
        stream(&context.state, &plan).await?
    };
    let assigned: Vec<usize> =
        update.assignments.iter().map(|(name, _)| column(&target, name)).collect::<Result<_>>()?;
    let moves_keys = target.table.primary_key.iter().any(|index| assigned.contains(index));
    let mut writer = RowWriter::new(context, work, &target)?;
    let count = writer.update_all(rows, moves_keys).await?;
    Ok(WriteOutcome::new(Outcome::wrote("UPDATE", count), vec![target.path.to_string()]))
}

/// `DELETE FROM t`.
pub(super) async fn delete(context: &mut Context<'_>, work: &Work, delete: &Delete) -> Result<WriteOutcome> {
    let target = WriteTarget::find(context, work, &delete.table).await?;
    let lookup = lookup_of(context, work, &target, LookupStatement::Delete(delete)).await;
    let rows = if let Some(rows) = looked_up(lookup).await? {
        rows
    } else {
        let parameters = Parameters::bound(context.parameters);
        let plan = plan_delete(context, work, &target, delete, parameters).await?;
        stream(&context.state, &plan).await?
    };
    let mut writer = RowWriter::new(context, work, &target)?;
    let count = writer.delete_all(rows).await?;
    Ok(WriteOutcome::new(Outcome::wrote("DELETE", count), vec![target.path.to_string()]))
}

/// The row that a lookup finds, if there is one; none when the statement has to be planned.
async fn looked_up(lookup: Option<PreparedLookup>) -> Result<Option<SendableRecordBatchStream>> {
    let Some(lookup) = lookup else { return Ok(None) };
    let LookupOutcome::Rows(row) = lookup.run().await else { return Ok(None) };
    let row = row?;
    let schema = row.as_ref().map_or_else(|| Arc::new(Schema::empty()), RecordBatch::schema);
    Ok(Some(Box::pin(RecordBatchStreamAdapter::new(schema, iter(row.map(Ok))))))
}

/// The query for the rows as they will be: the key, then all columns.
pub(crate) async fn plan_update(
    context: &mut Context<'_>,
    work: &Work,
    target: &WriteTarget,
    update: &Update,
    parameters: Parameters<'_>,
) -> Result<LogicalPlan> {
    let alias = update.alias.clone().unwrap_or_else(|| target.path.name.clone());
    let mut values: Vec<Option<&ast::Expr>> = vec![None; target.table.columns.len()];
    for (name, value) in &update.assignments {
        check_expr(value, Clause::Set)?;
        values[column(target, name)?] = Some(value);
    }
    let mut items = vec![column_item(&alias, ROW_KEY_COLUMN)];
    for (definition, value) in target.table.columns.iter().zip(values) {
        items.push(match value {
            None => column_item(&alias, &definition.name),
            Some(value) => {
                let expr = if is_default(value) {
                    match &definition.default {
                        Some(text) => parse::parse_expression(text)?,
                        None => ast::Expr::value(ast::Value::Null),
                    }
                } else {
                    value.clone()
                };
                SelectItem::ExprWithAlias { expr, alias: quoted(&definition.name) }
            }
        });
    }
    let plan = plan_rows(context, work, target, &alias, items, update.selection.as_ref(), parameters).await?;
    // The types of the table: an assignment converts, or fails.
    let mut exprs = vec![Expr::Column(Column::from(plan.schema().qualified_field(0)))];
    for (index, definition) in target.table.columns.iter().enumerate() {
        exprs.push(super::assigned_to(&plan, index + 1, definition)?.alias(&definition.name));
    }
    assigned(plan, exprs)
}

/// The query for the keys of the rows that go.
pub(crate) async fn plan_delete(
    context: &mut Context<'_>,
    work: &Work,
    target: &WriteTarget,
    delete: &Delete,
    parameters: Parameters<'_>,
) -> Result<LogicalPlan> {
    let alias = delete.alias.clone().unwrap_or_else(|| target.path.name.clone());
    let items = vec![column_item(&alias, ROW_KEY_COLUMN)];
    plan_rows(context, work, target, &alias, items, delete.selection.as_ref(), parameters).await
}

/// `SELECT items FROM target AS alias WHERE selection`.
async fn plan_rows(
    context: &mut Context<'_>,
    work: &Work,
    target: &WriteTarget,
    alias: &str,
    items: Vec<SelectItem>,
    selection: Option<&ast::Expr>,
    parameters: Parameters<'_>,
) -> Result<LogicalPlan> {
    let default = context.latest(Reader::of_transaction(&work.transaction)).await?;
    let resolution = context.resolve(default).await?;
    let statement = rows_statement(alias, items, selection)?;
    let plan = context.names(&resolution).with_target(target.source(work)).plan_typed(
        statement,
        None,
        parameters.values,
    )?;
    parameters.bind(plan)
}

fn rows_statement(
    alias: &str,
    items: Vec<SelectItem>,
    selection: Option<&ast::Expr>,
) -> Result<ast::Statement> {
    let text = format!("SELECT 1 FROM {TARGET_TABLE} AS {}", quoted(alias));
    let mut statement = Parser::new(&GenericDialect {}).try_with_sql(&text)?.parse_statement()?;
    if let ast::Statement::Query(query) = &mut statement
        && let SetExpr::Select(select) = query.body.as_mut()
    {
        select.projection = items;
        select.selection = selection.cloned();
        return Ok(statement);
    }
    Err(Error::internal("the query of a change did not parse"))
}

fn column_item(table: &str, column: &str) -> SelectItem {
    SelectItem::UnnamedExpr(ast::Expr::CompoundIdentifier(vec![quoted(table), quoted(column)]))
}

fn quoted(name: &str) -> ast::Ident {
    ast::Ident::with_quote('"', name)
}
