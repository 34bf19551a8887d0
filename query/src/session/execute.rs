//! From a text to what is done: one arm per kind of statement.

use std::sync::Arc;

use datafusion::common::ScalarValue;
use futures::{TryStreamExt, future::BoxFuture};

use super::{Context, Inner, Outcome, Progress, Ready, Shared, prepared, query, show, transaction};
use crate::{
    ddl, dml,
    error::{Error, Result},
    history,
    parse::Statement,
};

/// Attempts of a statement outside a transaction that meets a concurrent commit.
const ATTEMPTS_MAX: usize = 10;

/// Runs all statements of a text; the last one answers.
pub(super) async fn run_text(
    shared: &Arc<Shared>,
    inner: &mut Inner,
    progress: Option<Arc<dyn Progress>>,
    text: &str,
    parameters: &[ScalarValue],
) -> Result<Outcome> {
    let statements = inner.texts.parse(text, !parameters.is_empty())?;
    let mut last: Option<Outcome> = None;
    for ready in statements.iter() {
        if let Some(rows) = last.take().and_then(|outcome: Outcome| outcome.rows) {
            // Rows that nobody will see are read all the same: an error in them stops the text.
            rows.try_for_each(|_| std::future::ready(Ok(()))).await?;
        }
        last = Some(run(shared, inner, progress.clone(), ready, parameters).await?);
    }
    last.ok_or_else(|| Error::syntax("there is no statement"))
}

/// Runs one statement.
fn run<'a>(
    shared: &'a Arc<Shared>,
    inner: &'a mut Inner,
    progress: Option<Arc<dyn Progress>>,
    ready: &'a Ready,
    parameters: &'a [ScalarValue],
) -> BoxFuture<'a, Result<Outcome>> {
    Box::pin(async move {
        let parsed = &ready.parsed;
        let failed = inner.transaction.as_ref().is_some_and(|open| open.failed);
        let ends =
            matches!(parsed.statement, Statement::Commit | Statement::Rollback | Statement::RollbackTo(_));
        if failed && !ends {
            return Err(Error::transaction_aborted());
        }
        if let Statement::Execute(execute) = &parsed.statement {
            let context = Context::new(shared, inner, progress.clone(), ready, parameters);
            let (body, values, deep) = prepared::execute(&context, execute)?;
            if deep {
                inner.depth.grow().await;
            }
            return run(shared, inner, progress, &body, &values).await;
        }
        let mut context = Context::new(shared, inner, progress, ready, parameters);
        let zone = context.zone();
        let outcome = Box::pin(dispatch(&mut context)).await?;
        let notices = std::mem::take(&mut context.notices);
        Ok(outcome.in_zone(zone).with_notices(notices))
    })
}

async fn dispatch(context: &mut Context<'_>) -> Result<Outcome> {
    let parsed = context.parsed;
    match &parsed.statement {
        Statement::Query(query) => query::select(context, query).await,
        Statement::Explain(explain) => match explain.statement.as_ref() {
            Statement::DropSnapshot(drop) => history::explain_drop(context, drop).await,
            _ => dml::explain(context, explain).await,
        },

        Statement::Begin(begin) => transaction::begin(context, begin).await,
        Statement::Commit => transaction::commit(context.shared, context.inner).await,
        Statement::Rollback => transaction::rollback(context.inner),
        Statement::Savepoint(name) => transaction::savepoint(context.inner, name),
        Statement::ReleaseSavepoint(name) => transaction::release(context.inner, name),
        Statement::RollbackTo(name) => transaction::rollback_to(context.inner, name),

        Statement::Prepare(prepare) => prepared::prepare(context, prepare),
        Statement::Deallocate(name) => prepared::deallocate(context, name.as_deref()),
        Statement::Execute(_) => Err(Error::internal("EXECUTE was taken apart before")),

        Statement::Set(set) => show::set(context, set).await,
        Statement::Reset(name) => show::reset(context, name.as_deref()),
        Statement::Use(name) => show::use_database(context, name).await,
        Statement::Show(name) => show::show(context, name.as_deref()),
        Statement::ShowStats => show::stats(context),
        Statement::ShowTables => show::tables(context).await,
        Statement::ShowSchemas => show::schemas(context).await,
        Statement::ShowDatabases => show::databases(context).await,
        Statement::ShowColumns(name) => show::columns(context, name).await,
        Statement::ShowCreate(name) => show::create(context, name).await,
        Statement::ShowSnapshots(name) => history::show_snapshots(context, name.as_deref()).await,
        Statement::ShowHistory(table) => history::show_history(context, table.as_ref()).await,

        Statement::CreateSnapshot(create) => history::create_snapshot(context, create).await,
        Statement::AlterSnapshot(alter) => Box::pin(history::alter_snapshot(context, alter)).await,
        Statement::DropSnapshot(drop) => history::drop_snapshot(context, drop).await,
        Statement::Restore(restore) => history::restore(context, restore).await,
        Statement::AlterRetention(alter) => history::alter_retention(context, alter).await,
        Statement::Call(procedure) => history::call(context, procedure).await,

        Statement::CopyTo(copy) => dml::copy_to(context, copy).await,
        Statement::Insert(_)
        | Statement::Update(_)
        | Statement::Delete(_)
        | Statement::CopyFrom(_)
        | Statement::CreateTable(_)
        | Statement::CreateTableAs(_)
        | Statement::DropTable(_)
        | Statement::CreateView(_)
        | Statement::DropView(_)
        | Statement::CreateSchema(_)
        | Statement::DropSchema(_)
        | Statement::CreateDatabase(_)
        | Statement::DropDatabase(_) => write(context).await,
    }
}

/// What a statement that writes did.
pub(crate) struct Written {
    pub outcome: Outcome,
    /// The names of the tables it wrote into.
    pub tables: Vec<String>,
}

impl Written {
    pub(crate) fn new(outcome: Outcome, tables: Vec<String>) -> Self {
        Self { outcome, tables }
    }
}

/// Runs a statement that writes, in the open transaction or in one of its own. The latter is run again when a
/// concurrent commit was first: nobody has seen anything of it.
async fn write(context: &mut Context<'_>) -> Result<Outcome> {
    let mut attempt = 1;
    loop {
        let notices = context.notices.len();
        match Box::pin(write_once(context)).await {
            Err(error)
                if error.sqlstate() == "40001"
                    && context.inner.transaction.is_none()
                    && attempt < ATTEMPTS_MAX =>
            {
                context.notices.truncate(notices);
                attempt += 1;
            }
            result => return result,
        }
    }
}

async fn write_once(context: &mut Context<'_>) -> Result<Outcome> {
    let work = context.begin_work()?;
    let parsed = context.parsed;
    let written = match &parsed.statement {
        Statement::Insert(insert) => dml::insert(context, &work, insert).await,
        Statement::Update(update) => dml::update(context, &work, update).await,
        Statement::Delete(delete) => dml::delete(context, &work, delete).await,
        Statement::CopyFrom(copy) => dml::copy_from(context, &work, copy).await,
        Statement::CreateTable(create) => ddl::create_table(context, &work, create).await,
        Statement::CreateTableAs(create) => dml::create_table_as(context, &work, create).await,
        Statement::DropTable(drop) => ddl::drop_objects(context, &work, drop, ddl::ObjectKind::Table).await,
        Statement::CreateView(create) => ddl::create_view(context, &work, create).await,
        Statement::DropView(drop) => ddl::drop_objects(context, &work, drop, ddl::ObjectKind::View).await,
        Statement::CreateSchema(create) => ddl::create_schema(context, &work, create).await,
        Statement::DropSchema(drop) => ddl::drop_schemas(context, &work, drop).await,
        Statement::CreateDatabase(create) => ddl::create_database(context, &work, create).await,
        Statement::DropDatabase(drop) => ddl::drop_databases(context, &work, drop).await,
        other => Err(Error::internal(format!("{other:?} does not write"))),
    }?;
    let Written { mut outcome, tables } = written;
    let tag = outcome.tag.clone();
    outcome.version = context.finish_work(&work, &tag, tables).await?;
    Ok(outcome)
}
