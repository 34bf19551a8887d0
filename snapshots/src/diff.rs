//! The net difference between two moments.

use bygone_engine::{
    DiffScan, Difference, KeyRange, Scope,
    types::{KeyspaceId, Timestamp},
};
use bygone_mvcc::Store;

use crate::{Error, Result};

/// Kind of change of a key between two moments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// It was not there at the first moment.
    Insert,
    /// It was there at both, with different values.
    Update,
    /// It was not there any more at the second moment.
    Delete,
}

impl ChangeKind {
    /// Kind of change of the key of `difference`.
    pub fn of(difference: &Difference) -> Self {
        match (&difference.before, &difference.after) {
            (None, _) => Self::Insert,
            (Some(_), Some(_)) => Self::Update,
            (Some(_), None) => Self::Delete,
        }
    }
}

/// Numbers of keys that differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DiffSummary {
    /// Keys that were added.
    pub inserted: u64,
    /// Keys whose value changed.
    pub updated: u64,
    /// Keys that were deleted.
    pub deleted: u64,
}

impl DiffSummary {
    /// Counts one more change.
    pub fn count(&mut self, kind: ChangeKind) {
        match kind {
            ChangeKind::Insert => self.inserted += 1,
            ChangeKind::Update => self.updated += 1,
            ChangeKind::Delete => self.deleted += 1,
        }
    }
}

/// The keys of `range` whose values at `from` and `to` differ, in key order. Keys that changed and changed
/// back are not among them. The scan keeps both moments readable until it is dropped.
///
/// # Errors
/// `Future` and `TooOld` for either moment; [`Error::Invalid`] when `from` is after `to`.
///
/// # Cost
/// Follows what changed in between, not the size of the keyspace.
pub async fn diff(
    store: &Store,
    keyspace: KeyspaceId,
    range: &KeyRange,
    from: Timestamp,
    to: Timestamp,
) -> Result<DiffScan> {
    if from > to {
        return Err(Error::Invalid(format!("the first moment {from} is after the second {to}")));
    }
    let scope = Scope::keyspaces([keyspace]);
    let from = store.view_at_in(from, scope.clone()).await?;
    let to = store.view_at_in(to, scope).await?;
    Ok(store.engine().diff(keyspace, range, &from, &to)?)
}

/// Numbers of keys that [`diff`] finds.
///
/// # Errors
/// As [`diff`]; those of reading.
pub async fn diff_summary(
    store: &Store,
    keyspace: KeyspaceId,
    range: &KeyRange,
    from: Timestamp,
    to: Timestamp,
) -> Result<DiffSummary> {
    let mut scan = diff(store, keyspace, range, from, to).await?;
    let mut summary = DiffSummary::default();
    while let Some(difference) = scan.next().await? {
        summary.count(ChangeKind::of(&difference));
    }
    Ok(summary)
}
