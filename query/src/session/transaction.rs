//! Transactions of a session: `BEGIN`, `COMMIT`, `ROLLBACK`, savepoints.

use bygone_mvcc::CommitMeta;

use crate::{
    error::{Error, Result},
    moment::MomentLabel,
    parse::{Begin, PointId},
    statement::{Context, Database, OpenTransaction, Outcome, SessionData, dropped_keyspaces},
};

/// `BEGIN`.
pub(super) async fn begin(context: &mut Context<'_>, begin: &Begin) -> Result<Outcome> {
    if context.session.transaction.is_some() {
        return Err(Error::in_transaction("BEGIN"));
    }
    let store = &context.database.store;
    let point = begin.point;
    let (transaction, point, moment) = match point {
        Some(PointId(index)) => {
            let moment = context.point(index).await?;
            let words = match &moment.label {
                MomentLabel::At(words) => words.to_string(),
                MomentLabel::Latest => String::new(),
            };
            (store.begin_at(moment.reader().view().clone()), Some(words), Some(moment))
        }
        None => match context.session_moment().await? {
            // The session's pin holds for the transaction as well.
            Some(moment) => (store.begin_at(moment.reader().view().clone()), None, Some(moment)),
            None if begin.read_only => (store.begin_read_only(), None, None),
            None => (store.begin(), None, None),
        },
    };
    context.session.transaction = Some(OpenTransaction::new(transaction, point, moment));
    Ok(Outcome::done("BEGIN"))
}

/// `COMMIT`. A failed transaction is rolled back, and says so.
pub(super) async fn commit(database: &Database, session: &mut SessionData) -> Result<Outcome> {
    let open = session.transaction.take().ok_or_else(|| Error::no_transaction("COMMIT"))?;
    if open.failed {
        open.transaction.rollback()?;
        return Ok(Outcome::done("ROLLBACK"));
    }
    if open.transaction.is_clean() || open.transaction.is_read_only() {
        open.transaction.rollback()?;
        return Ok(Outcome::done("COMMIT"));
    }
    let meta = CommitMeta {
        author: session.settings.commit_author.clone(),
        message: session.settings.commit_message.clone(),
        annotations: session.settings.commit_annotations.clone(),
        statement: Some(open.statements.join("; ")).filter(|text| !text.is_empty()),
        ..CommitMeta::default()
    };
    open.transaction.annotate(meta)?;
    let dropped = dropped_keyspaces(database, &open.transaction).await?;
    let info = open.transaction.commit(session.settings.durability()).await?;
    database.store.mark_dropped(dropped, info.timestamp).await;
    Ok(Outcome { version: Some(info.timestamp), ..Outcome::done("COMMIT") })
}

/// `ROLLBACK`.
pub(super) fn rollback(session: &mut SessionData) -> Result<Outcome> {
    let open = session.transaction.take().ok_or_else(|| Error::no_transaction("ROLLBACK"))?;
    open.transaction.rollback()?;
    Ok(Outcome::done("ROLLBACK"))
}

/// `SAVEPOINT name`.
pub(super) fn savepoint(session: &mut SessionData, name: &str) -> Result<Outcome> {
    let open = session.transaction.as_mut().ok_or_else(|| Error::no_transaction("SAVEPOINT"))?;
    open.save(name)?;
    Ok(Outcome::done("SAVEPOINT"))
}

/// `RELEASE SAVEPOINT name`.
pub(super) fn release(session: &mut SessionData, name: &str) -> Result<Outcome> {
    let open = session.transaction.as_mut().ok_or_else(|| Error::no_transaction("RELEASE SAVEPOINT"))?;
    open.release(name)?;
    Ok(Outcome::done("RELEASE"))
}

/// `ROLLBACK TO SAVEPOINT name`: what failed since is forgotten.
pub(super) fn rollback_to(session: &mut SessionData, name: &str) -> Result<Outcome> {
    let open = session.transaction.as_mut().ok_or_else(|| Error::no_transaction("ROLLBACK TO SAVEPOINT"))?;
    open.rollback_to(name)?;
    Ok(Outcome::done("ROLLBACK"))
}
