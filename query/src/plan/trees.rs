//! The parts of a statement that name tables.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{Visit, Visitor};

use crate::parse::{InsertSource, Statement};

/// Visits every tree of the parser inside a statement that is planned.
pub(crate) fn visit_trees<V: Visitor>(statement: &Statement, visitor: &mut V) -> ControlFlow<V::Break> {
    match statement {
        Statement::Query(query) => query.visit(visitor),
        Statement::Insert(insert) => match &insert.source {
            InsertSource::Defaults => ControlFlow::Continue(()),
            InsertSource::Values(rows) => rows.visit(visitor),
            InsertSource::Query(query) => query.visit(visitor),
        },
        Statement::Update(update) => {
            for (_, value) in &update.assignments {
                value.visit(visitor)?;
            }
            update.selection.visit(visitor)
        }
        Statement::Delete(delete) => delete.selection.visit(visitor),
        Statement::Explain(explain) => visit_trees(&explain.statement, visitor),
        Statement::CreateTableAs(create) => create.query.visit(visitor),
        Statement::CreateView(create) => create.query.visit(visitor),
        Statement::CopyTo(copy) => copy.query.visit(visitor),
        _ => ControlFlow::Continue(()),
    }
}
