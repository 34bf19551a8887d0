//! From a text to what is done: each statement goes to its family.

use std::sync::Arc;

use datafusion::common::ScalarValue;
use futures::{TryStreamExt, future::BoxFuture};

use super::{SessionInner, prepared::PreparedStatements, settings, texts::Ready, transaction};
use crate::{
    change, define,
    error::{Error, ErrorKind, Result},
    explain,
    parse::{ChangeStatement, DefineStatement, SessionStatement, Statement},
    past, read, show,
    statement::{Context, Database, Outcome, Progress, WriteOutcome},
};

/// Attempts of a statement outside a transaction that meets a concurrent commit.
const ATTEMPTS_MAX: usize = 10;

/// Runs all statements of a text; the last one answers.
pub(super) async fn run_text(
    database: &Arc<Database>,
    inner: &mut SessionInner,
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
        last = Some(run(database, inner, progress.clone(), ready, parameters).await?);
    }
    last.ok_or_else(|| Error::syntax("there is no statement"))
}

/// Runs one statement.
fn run<'a>(
    database: &'a Arc<Database>,
    inner: &'a mut SessionInner,
    progress: Option<Arc<dyn Progress>>,
    ready: &'a Ready,
    parameters: &'a [ScalarValue],
) -> BoxFuture<'a, Result<Outcome>> {
    Box::pin(async move {
        let parsed = &ready.parsed;
        let failed = inner.data.transaction.as_ref().is_some_and(|open| open.failed);
        let ends = matches!(
            parsed.statement,
            Statement::Session(
                SessionStatement::Commit | SessionStatement::Rollback | SessionStatement::RollbackTo(_)
            )
        );
        if failed && !ends {
            return Err(Error::transaction_aborted());
        }
        let SessionInner { data, prepared, .. } = inner;
        let Ready { parsed, template } = ready;
        let mut context = Context::new(database, data, progress.clone(), parsed, template, parameters);
        if let Statement::Session(SessionStatement::Execute(execute)) = &parsed.statement {
            let (body, values, deep) = prepared.execute(&context, execute)?;
            if deep {
                context.session.depth.grow().await;
            }
            return run(database, inner, progress, &body, &values).await;
        }
        let zone = context.zone();
        let outcome = Box::pin(dispatch(&mut context, prepared)).await?;
        let notices = std::mem::take(&mut context.notices);
        Ok(outcome.in_zone(zone).with_notices(notices))
    })
}

async fn dispatch(context: &mut Context<'_>, prepared: &mut PreparedStatements) -> Result<Outcome> {
    let parsed = context.parsed;
    match &parsed.statement {
        Statement::Read(statement) => read::run(context, statement).await,
        Statement::Change(statement) => write(context, Write::Change(statement)).await,
        Statement::Define(statement) => write(context, Write::Define(statement)).await,
        Statement::Past(statement) => past::run(context, statement).await,
        Statement::Session(statement) => run_session(context, prepared, statement).await,
        Statement::Explain(statement) => explain::explain(context, statement).await,
    }
}

/// Runs a statement about the session.
async fn run_session(
    context: &mut Context<'_>,
    prepared: &mut PreparedStatements,
    statement: &SessionStatement,
) -> Result<Outcome> {
    match statement {
        SessionStatement::Begin(begin) => transaction::begin(context, begin).await,
        SessionStatement::Commit => transaction::commit(context.database, context.session).await,
        SessionStatement::Rollback => transaction::rollback(context.session),
        SessionStatement::Savepoint(name) => transaction::savepoint(context.session, name),
        SessionStatement::ReleaseSavepoint(name) => transaction::release(context.session, name),
        SessionStatement::RollbackTo(name) => transaction::rollback_to(context.session, name),
        SessionStatement::Prepare(prepare) => prepared.prepare(prepare, context.session.depth.is_large()),
        SessionStatement::Deallocate(name) => prepared.deallocate(name.as_deref()),
        SessionStatement::Execute(_) => Err(Error::internal("EXECUTE was taken apart before")),
        SessionStatement::Set(set) => settings::set(context, set).await,
        SessionStatement::Reset(name) => settings::reset(context, name.as_deref()),
        SessionStatement::Use(name) => settings::use_database(context, name).await,
        SessionStatement::Show(show) => show::run(context, show).await,
    }
}

/// A statement whose changes are a commit, or a part of one.
#[derive(Clone, Copy)]
enum Write<'s> {
    Change(&'s ChangeStatement),
    Define(&'s DefineStatement),
}

/// Runs a statement that writes, in the open transaction or in one of its own. The latter is run again when a
/// concurrent commit was first: nobody has seen anything of it.
async fn write(context: &mut Context<'_>, statement: Write<'_>) -> Result<Outcome> {
    let mut attempt = 1;
    loop {
        let notices = context.notices.len();
        match Box::pin(write_once(context, statement)).await {
            Err(error)
                if error.kind() == ErrorKind::Conflict
                    && context.session.transaction.is_none()
                    && attempt < ATTEMPTS_MAX =>
            {
                context.notices.truncate(notices);
                attempt += 1;
            }
            result => return result,
        }
    }
}

async fn write_once(context: &mut Context<'_>, statement: Write<'_>) -> Result<Outcome> {
    let work = context.begin_work()?;
    let written = match statement {
        Write::Change(statement) => change::run(context, &work, statement).await,
        Write::Define(statement) => define::run(context, &work, statement).await,
    }?;
    let WriteOutcome { mut outcome, tables } = written;
    let tag = outcome.tag.clone();
    outcome.version = context.finish_work(&work, &tag, tables).await?;
    Ok(outcome)
}
