//! Transactions of a session: `BEGIN`, `COMMIT`, `ROLLBACK`, savepoints.

use std::sync::Arc;

use bygone_mvcc::{CommitMeta, Savepoint, Transaction};

use super::{Context, Inner, Outcome, Shared};
use crate::{
    ddl,
    error::{Error, Result},
    parse::{Begin, PointId},
    plan::Moment,
    scan::PointLabel,
};

/// A transaction that the user began.
#[derive(Debug)]
pub(crate) struct OpenTransaction {
    pub transaction: Arc<Transaction>,
    /// A statement failed: only the end of the transaction, or a savepoint, is accepted.
    pub failed: bool,
    /// The point of `BEGIN … AS OF`, in words.
    pub point: Option<String>,
    /// What is read when there is such a point.
    pub moment: Option<Arc<Moment>>,
    savepoints: Vec<(String, Savepoint)>,
    /// What its statements did, for the commit's record.
    pub statements: Vec<String>,
}

impl OpenTransaction {
    fn savepoint(&self, name: &str) -> Result<(usize, Savepoint)> {
        self.savepoints
            .iter()
            .enumerate()
            .rev()
            .find(|(_, (known, _))| known == name)
            .map(|(index, (_, savepoint))| (index, *savepoint))
            .ok_or_else(|| Error::no_savepoint(name))
    }
}

/// `BEGIN`.
pub(super) async fn begin(context: &mut Context<'_>, begin: &Begin) -> Result<Outcome> {
    if context.inner.transaction.is_some() {
        return Err(Error::in_transaction("BEGIN"));
    }
    let store = &context.shared.store;
    let point = begin.point;
    let (transaction, point, moment) = match point {
        Some(PointId(index)) => {
            let moment = context.point(index).await?;
            let words = match &moment.label {
                PointLabel::At(words) => words.to_string(),
                PointLabel::Latest => String::new(),
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
    context.inner.transaction = Some(OpenTransaction {
        transaction: Arc::new(transaction),
        failed: false,
        point,
        moment,
        savepoints: Vec::new(),
        statements: Vec::new(),
    });
    Ok(Outcome::done("BEGIN"))
}

/// `COMMIT`. A failed transaction is rolled back, and says so.
pub(super) async fn commit(shared: &Shared, inner: &mut Inner) -> Result<Outcome> {
    let open = inner.transaction.take().ok_or_else(|| Error::no_transaction("COMMIT"))?;
    if open.failed {
        open.transaction.rollback()?;
        return Ok(Outcome::done("ROLLBACK"));
    }
    if open.transaction.is_clean() || open.transaction.is_read_only() {
        open.transaction.rollback()?;
        return Ok(Outcome::done("COMMIT"));
    }
    let meta = CommitMeta {
        author: inner.settings.commit_author.clone(),
        message: inner.settings.commit_message.clone(),
        annotations: inner.settings.commit_annotations.clone(),
        statement: Some(open.statements.join("; ")).filter(|text| !text.is_empty()),
        ..CommitMeta::default()
    };
    open.transaction.annotate(meta)?;
    let dropped = ddl::finish_drops(shared, &open.transaction).await?;
    let info = open.transaction.commit(inner.settings.durability()).await?;
    shared.store.mark_dropped(dropped, info.timestamp).await;
    Ok(Outcome { version: Some(info.timestamp), ..Outcome::done("COMMIT") })
}

/// `ROLLBACK`.
pub(super) fn rollback(inner: &mut Inner) -> Result<Outcome> {
    let open = inner.transaction.take().ok_or_else(|| Error::no_transaction("ROLLBACK"))?;
    open.transaction.rollback()?;
    Ok(Outcome::done("ROLLBACK"))
}

/// `SAVEPOINT name`.
pub(super) fn savepoint(inner: &mut Inner, name: &str) -> Result<Outcome> {
    let open = inner.transaction.as_mut().ok_or_else(|| Error::no_transaction("SAVEPOINT"))?;
    let savepoint = open.transaction.savepoint()?;
    open.savepoints.push((name.to_owned(), savepoint));
    Ok(Outcome::done("SAVEPOINT"))
}

/// `RELEASE SAVEPOINT name`.
pub(super) fn release(inner: &mut Inner, name: &str) -> Result<Outcome> {
    let open = inner.transaction.as_mut().ok_or_else(|| Error::no_transaction("RELEASE SAVEPOINT"))?;
    let (index, savepoint) = open.savepoint(name)?;
    open.transaction.release(savepoint)?;
    open.savepoints.truncate(index);
    Ok(Outcome::done("RELEASE"))
}

/// `ROLLBACK TO SAVEPOINT name`: what failed since is forgotten.
pub(super) fn rollback_to(inner: &mut Inner, name: &str) -> Result<Outcome> {
    let open = inner.transaction.as_mut().ok_or_else(|| Error::no_transaction("ROLLBACK TO SAVEPOINT"))?;
    let (index, savepoint) = open.savepoint(name)?;
    open.transaction.rollback_to(savepoint)?;
    open.savepoints.truncate(index + 1);
    open.failed = false;
    Ok(Outcome::done("ROLLBACK"))
}
