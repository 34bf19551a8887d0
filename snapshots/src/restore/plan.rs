//! The plan of a restore: what happens to each object, told object by object.
//!
//! | the object | at the moment | now | what happens | what is counted |
//! |---|---|---|---|---|
//! | kept | there | there | its rows are put back | the rows that differ |
//! | dropped | there | – | it comes back, its rows are put back | all of its rows then, as brought back |
//! | replaced | there | another of its name | both: the old one comes back, the new one goes | both |
//! | created | – | there | it goes | all of its rows now, as deleted |
//!
//! Callers that name objects say what becomes of their names, by writes of the same commit
//! ([`RestorePlan::writes`]). Counts are those of what a user sees: a keyspace may hold all rows of an object
//! that was dropped, and they come back.

use std::collections::BTreeSet;

use bygone_engine::types::{KeyspaceId, Timestamp, WriteBatch};
use bytes::Bytes;

use crate::ObjectRef;

/// See the module documentation.
#[derive(Clone, Debug)]
pub struct RestorePlan {
    to: Timestamp,
    targets: Vec<RestoreTarget>,
    removed: Vec<ObjectRef>,
    writes: WriteBatch,
    guards: Vec<(KeyspaceId, Bytes)>,
    seen_at: Option<Timestamp>,
}

/// An object whose rows are put back.
#[derive(Clone, Debug)]
pub(super) struct RestoreTarget {
    pub(super) object: ObjectRef,
    /// When it was dropped, where it comes back.
    pub(super) dropped_at: Option<Timestamp>,
}

impl RestorePlan {
    /// Nothing yet, as of the moment `to`.
    pub fn new(to: Timestamp) -> Self {
        let (targets, removed, guards) = (Vec::new(), Vec::new(), Vec::new());
        Self { to, targets, removed, writes: WriteBatch::new(), guards, seen_at: None }
    }

    /// All of `objects`, which are there at the moment and now.
    pub fn of_kept(objects: impl IntoIterator<Item = ObjectRef>, to: Timestamp) -> Self {
        let mut plan = Self::new(to);
        objects.into_iter().for_each(|object| plan.keep(object, None));
        plan
    }

    /// Says when the catalogs were looked at: the commit conflicts when a guard, or a key of the writes,
    /// changed since. Without it they are not looked at.
    #[must_use]
    pub fn seen_at(mut self, moment: Timestamp) -> Self {
        self.seen_at = Some(moment);
        self
    }

    /// Puts back an object that is there at the moment and now. `guard` changes when it is dropped.
    pub fn keep(&mut self, object: ObjectRef, guard: Option<(KeyspaceId, Bytes)>) {
        self.guards.extend(guard);
        self.targets.push(RestoreTarget { object, dropped_at: None });
    }

    /// Brings back an object that was dropped at `dropped_at`.
    pub fn bring_back(&mut self, object: ObjectRef, dropped_at: Timestamp) {
        self.targets.push(RestoreTarget { object, dropped_at: Some(dropped_at) });
    }

    /// Brings back `old`, which was dropped at `dropped_at`, and removes `new`, which has its name now.
    pub fn replace(&mut self, old: ObjectRef, dropped_at: Timestamp, new: ObjectRef) {
        self.bring_back(old, dropped_at);
        self.remove(new);
    }

    /// Removes an object that was created since.
    pub fn remove(&mut self, object: ObjectRef) {
        self.removed.push(object);
    }

    /// Further writes of the commit: the rows of catalogs.
    pub fn writes(&mut self) -> &mut WriteBatch {
        &mut self.writes
    }

    /// The moment.
    pub fn to(&self) -> Timestamp {
        self.to
    }

    /// Whether an object with this id is put back.
    pub fn has(&self, id: u64) -> bool {
        self.targets.iter().any(|target| target.object.id == id)
    }

    /// Whether no object is named and nothing is written.
    pub fn is_empty(&self) -> bool {
        self.targets.is_empty() && self.removed.is_empty() && self.writes.is_empty()
    }

    /// Whether something beside rows changes.
    pub fn changes_objects(&self) -> bool {
        !self.writes.is_empty() || !self.removed.is_empty() || self.revived().next().is_some()
    }

    /// The names of the objects that are put back.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.targets.iter().map(|target| target.object.name.as_str())
    }

    pub(super) fn targets(&self) -> &[RestoreTarget] {
        &self.targets
    }

    pub(super) fn removed(&self) -> &[ObjectRef] {
        &self.removed
    }

    /// The keyspaces that come back, with the moment of their drop.
    pub(super) fn revived(&self) -> impl Iterator<Item = (KeyspaceId, Timestamp)> {
        self.targets.iter().flat_map(|RestoreTarget { object, dropped_at }| {
            dropped_at.iter().flat_map(|at| object.keyspaces.iter().map(move |keyspace| (*keyspace, *at)))
        })
    }

    /// The keyspaces that go.
    pub(super) fn removed_keyspaces(&self) -> impl Iterator<Item = KeyspaceId> {
        self.removed.iter().flat_map(|object| object.keyspaces.iter().copied())
    }

    /// Every keyspace that the restore writes into or drops.
    pub(super) fn keyspaces(&self) -> Vec<KeyspaceId> {
        let put_back = self.targets.iter().flat_map(|target| target.object.keyspaces.iter().copied());
        put_back.chain(self.removed_keyspaces()).collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// The writes of the commit, the keys that must not have changed, and since when.
    pub(super) fn into_writes(self) -> (WriteBatch, Vec<(KeyspaceId, Bytes)>, Timestamp) {
        let Some(seen_at) = self.seen_at else { return (self.writes, Vec::new(), Timestamp::ZERO) };
        let mut guards = self.guards;
        guards.extend(self.writes.writes().iter().map(|write| (write.keyspace, write.key.clone())));
        (self.writes, guards, seen_at)
    }
}

impl RestoreTarget {
    /// Whether the rows that differ are counted; all of its rows otherwise.
    pub(super) fn is_kept(&self) -> bool {
        self.dropped_at.is_none()
    }
}
