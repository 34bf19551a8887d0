//! Statements that change rows: INSERT, UPDATE, DELETE, CREATE TABLE AS, COPY … FROM.
//!
//! ```text
//!   tree ─▶ a query for what is to be written ─▶ DataFusion ─▶ batches ─▶ checks, keys, values ─▶ transaction or files
//! ```
//!
//! 1. The statement belongs to us: DataFusion plans and runs only the query inside it. Its own hooks for
//!    changes lose predicates, and are not implemented.
//! 2. An UPDATE or DELETE reads its target with the hidden key column, so that the rows written are those
//!    found.
//! 3. Rows are read as they were before the statement: `INSERT INTO t SELECT … FROM t` ends.
//! 4. Nothing is written while planning, nor by EXPLAIN.

mod changes;
mod copy_from;
mod create_as;
mod insert;
mod literals;
mod lookup;
mod moves;
mod rows;
mod update;

pub(crate) use insert::plan_insert;
pub(crate) use lookup::lookup_of;
use rows::RowWriter;
pub(crate) use update::{plan_delete, plan_update};

use std::sync::Arc;

use bygone_mvcc::system;
use datafusion::{
    catalog::default_table_source::provider_as_source,
    common::Column,
    logical_expr::{Expr, ExprSchemable, LogicalPlan, LogicalPlanBuilder, TableSource},
};

use crate::{
    catalog::{BoundTable, ColumnDef, keys},
    define,
    error::Result,
    moment::{MomentLabel, Reader},
    names::ObjectPath,
    parse::{ChangeStatement, Name},
    postgres::plan::{coerce_node, open_column},
    scan::TableAt,
    statement::{Context, Work, WriteOutcome},
    types::casts::check_assignment,
};

/// Runs a statement that changes rows.
pub(crate) async fn run(
    context: &mut Context<'_>,
    work: &Work,
    statement: &ChangeStatement,
) -> Result<WriteOutcome> {
    match statement {
        ChangeStatement::Insert(insert) => insert::insert(context, work, insert).await,
        ChangeStatement::Update(update) => update::update(context, work, update).await,
        ChangeStatement::Delete(delete) => update::delete(context, work, delete).await,
        ChangeStatement::CopyFrom(copy) => copy_from::copy_from(context, work, copy).await,
        ChangeStatement::CreateTableAs(create) => create_as::create_table_as(context, work, create).await,
    }
}

/// A query for rows of a table, each column converted as an assignment to it does.
fn assigned(source: LogicalPlan, columns: Vec<Expr>) -> Result<LogicalPlan> {
    let rows = LogicalPlanBuilder::from(source).project(columns)?.build()?;
    Ok(coerce_node(rows)?)
}

/// A column of a query, by its position, as one of a table's; 42804 where it cannot become one. Text in
/// quotes, and a parameter, is read as what it is assigned to.
fn assigned_to(source: &LogicalPlan, position: usize, column: &ColumnDef) -> Result<Expr> {
    let (value, schema) =
        (Expr::Column(Column::from(source.schema().qualified_field(position))), source.schema());
    if open_column(source, position).is_none() {
        check_assignment(&value.get_type(schema)?, &column.name, column.column_type)?;
    }
    Ok(value.cast_to(&column.column_type.arrow(), schema)?)
}

/// The table that a statement writes into.
#[derive(Clone, Debug)]
pub(crate) struct WriteTarget {
    pub path: ObjectPath,
    pub table: Arc<BoundTable>,
}

impl WriteTarget {
    /// Finds the table and makes the commit fail if it is dropped meanwhile.
    pub(crate) async fn find(context: &Context<'_>, work: &Work, name: &Name) -> Result<Self> {
        let path = context.path(name)?;
        let catalog = context.catalog_of(work).await?;
        let table = define::table_for_writing(&catalog, &path).map_err(|error| error.at(name.position))?;
        let schema_id = define::schema_for_new(&catalog, &path)?;
        work.transaction.guard(system::CATALOG, keys::object(schema_id, &path.name))?;
        Ok(Self { path, table })
    }

    /// The table as the query of an UPDATE or DELETE reads it: with the hidden key column.
    pub(crate) fn source(&self, work: &Work) -> Arc<dyn TableSource> {
        let reader = Reader::of_transaction(&work.transaction);
        let table = TableAt::new(Arc::clone(&self.table), reader, MomentLabel::Latest);
        provider_as_source(Arc::new(table.with_row_key()))
    }
}
