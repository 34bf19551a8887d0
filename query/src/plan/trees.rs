//! The parts of a statement that name tables.

use std::ops::ControlFlow;

use sqlparser::ast::{Visit, Visitor};

use crate::parse::{
    ChangeStatement, DefineStatement, Explained, InsertSource, PastStatement, ReadStatement,
    SessionStatement, Statement,
};

/// Visits every tree of the parser inside a statement that is planned.
pub(crate) fn visit_trees<V: Visitor>(statement: &Statement, visitor: &mut V) -> ControlFlow<V::Break> {
    match statement {
        Statement::Read(read) => visit_read(read, visitor),
        Statement::Change(change) => visit_change(change, visitor),
        Statement::Define(define) => visit_define(define, visitor),
        Statement::Past(past) => visit_past(past),
        Statement::Session(session) => visit_session(session),
        Statement::Explain(explain) => match &explain.statement {
            Explained::Read(read) => visit_read(read, visitor),
            Explained::Change(change) => visit_change(change, visitor),
        },
    }
}

fn visit_read<V: Visitor>(read: &ReadStatement, visitor: &mut V) -> ControlFlow<V::Break> {
    match read {
        ReadStatement::Query(query) => query.visit(visitor),
        ReadStatement::CopyTo(copy) => copy.query.visit(visitor),
    }
}

fn visit_change<V: Visitor>(change: &ChangeStatement, visitor: &mut V) -> ControlFlow<V::Break> {
    match change {
        ChangeStatement::Insert(insert) => match &insert.source {
            InsertSource::Defaults => ControlFlow::Continue(()),
            InsertSource::Values(rows) => rows.visit(visitor),
            InsertSource::Query(query) => query.visit(visitor),
        },
        ChangeStatement::Update(update) => {
            for (_, value) in &update.assignments {
                value.visit(visitor)?;
            }
            update.selection.visit(visitor)
        }
        ChangeStatement::Delete(delete) => delete.selection.visit(visitor),
        ChangeStatement::CreateTableAs(create) => create.query.visit(visitor),
        ChangeStatement::CopyFrom(_) => ControlFlow::Continue(()),
    }
}

fn visit_define<V: Visitor>(define: &DefineStatement, visitor: &mut V) -> ControlFlow<V::Break> {
    match define {
        DefineStatement::CreateView(create) => create.query.visit(visitor),
        // Defaults are constant: they name no table.
        DefineStatement::CreateTable(_)
        | DefineStatement::DropTable(_)
        | DefineStatement::DropView(_)
        | DefineStatement::CreateSchema(_)
        | DefineStatement::DropSchema(_)
        | DefineStatement::CreateDatabase(_)
        | DefineStatement::DropDatabase(_) => ControlFlow::Continue(()),
    }
}

/// None of them is planned: the expressions in them are constants.
fn visit_past<B>(past: &PastStatement) -> ControlFlow<B> {
    match past {
        PastStatement::CreateSnapshot(_)
        | PastStatement::AlterSnapshot(_)
        | PastStatement::DropSnapshot(_)
        | PastStatement::ExplainDropSnapshot(_)
        | PastStatement::ShowSnapshots(_)
        | PastStatement::Restore(_)
        | PastStatement::ShowHistory(_)
        | PastStatement::AlterRetention(_)
        | PastStatement::Call(_) => ControlFlow::Continue(()),
    }
}

/// None of them is planned: a prepared statement is one of its own when it is executed.
fn visit_session<B>(session: &SessionStatement) -> ControlFlow<B> {
    match session {
        SessionStatement::Begin(_)
        | SessionStatement::Commit
        | SessionStatement::Rollback
        | SessionStatement::Savepoint(_)
        | SessionStatement::ReleaseSavepoint(_)
        | SessionStatement::RollbackTo(_)
        | SessionStatement::Prepare(_)
        | SessionStatement::Execute(_)
        | SessionStatement::Deallocate(_)
        | SessionStatement::Set(_)
        | SessionStatement::Reset(_)
        | SessionStatement::Use(_)
        | SessionStatement::Show(_) => ControlFlow::Continue(()),
    }
}
