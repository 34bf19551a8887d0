//! Statements that change rows: INSERT, UPDATE, DELETE, CREATE TABLE AS, COPY.
//!
//! ```text
//!   tree ─▶ a query for what is to be written ─▶ DataFusion ─▶ batches ─▶ checks, keys, values ─▶ transaction or files
//! ```
//!
//! 1. The statement belongs to us: DataFusion plans and runs only the query inside it. Its own hooks for changes lose
//!    predicates, and are not implemented.
//! 2. An UPDATE or DELETE reads its target with the hidden key column, so that the rows written are those found.
//! 3. Rows are read as they were before the statement: `INSERT INTO t SELECT … FROM t` ends.
//! 4. Nothing is written while planning, nor by EXPLAIN.

mod changes;
mod copy;
mod create_as;
mod explain;
mod insert;
mod literals;
mod moves;
mod node;
mod rows;
mod update;

pub(crate) use copy::{copy_from, copy_to};
pub(crate) use create_as::create_table_as;
pub(crate) use explain::explain;
pub(crate) use insert::insert;
pub(crate) use node::{WriteNode, WritePlanner};
pub(crate) use rows::RowWriter;
pub(crate) use update::{delete, plan_delete, plan_update, update};

use std::sync::Arc;

use bygone_mvcc::system;
use datafusion::{
    catalog::default_table_source::provider_as_source,
    common::DFSchema,
    logical_expr::{Expr, ExprSchemable, LogicalPlan, LogicalPlanBuilder, TableSource},
};

use crate::{
    catalog::{ColumnDef, ObjectPath, TableDef, keys},
    ddl,
    error::Result,
    parse::Name,
    postgres::plan::coerce_node,
    scan::{PointLabel, Reader, TableAt},
    session::{Context, Work},
    types::casts::check_assignment,
};

/// A query for rows of a table, each column converted as an assignment to it does.
fn assigned(source: LogicalPlan, columns: Vec<Expr>) -> Result<LogicalPlan> {
    let rows = LogicalPlanBuilder::from(source).project(columns)?.build()?;
    Ok(coerce_node(rows)?)
}

/// A value as one of a column's type; 42804 where it cannot become one.
fn assigned_to(value: Expr, schema: &DFSchema, column: &ColumnDef) -> Result<Expr> {
    check_assignment(&value.get_type(schema)?, &column.name, column.column_type)?;
    Ok(value.cast_to(&column.column_type.arrow(), schema)?)
}

/// The table that a statement writes into.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub path: ObjectPath,
    pub table: Arc<TableDef>,
}

impl Target {
    /// Finds the table and makes the commit fail if it is dropped meanwhile.
    pub(crate) async fn find(context: &Context<'_>, work: &Work, name: &Name) -> Result<Self> {
        let path = context.path(name)?;
        let catalog = ddl::catalog_of(context, work).await?;
        let table = ddl::table_for_writing(&catalog, &path).map_err(|error| error.at(name.position))?;
        let schema_id = ddl::schema_for_new(&catalog, &path)?;
        work.transaction.guard(system::CATALOG, keys::object(schema_id, &path.name))?;
        Ok(Self { path, table })
    }

    /// The table as the query of an UPDATE or DELETE reads it: with the hidden key column.
    pub(crate) fn source(&self, work: &Work) -> Arc<dyn TableSource> {
        let reader = Reader::of_transaction(&work.transaction);
        let table = TableAt::new(self.path.clone(), Arc::clone(&self.table), reader, PointLabel::Latest);
        provider_as_source(Arc::new(table.with_row_key()))
    }
}
