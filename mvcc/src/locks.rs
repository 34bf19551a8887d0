//! Exclusive locks of whole keyspaces, for restore and bulk load.
//!
//! L1 A keyspace has at most one exclusive holder.
//! L2 While it is held, nobody else commits into it: the leader looks here after it has announced its
//!    timestamps and before it appends, and whoever takes a lock waits, after taking it, for the commits
//!    announced before.
//! L3 Readers never look here.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use bygone_engine::types::{KeyspaceId, Timestamp};
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::{Error, Result};

#[derive(Debug, Default)]
pub(crate) struct LockTable {
    held: Mutex<BTreeMap<KeyspaceId, Holder>>,
    /// The newest exclusive commit into each keyspace since the store was opened.
    exclusive_commits: Mutex<BTreeMap<KeyspaceId, Timestamp>>,
    released: Notify,
    next_id: AtomicU64,
}

#[derive(Clone, Debug)]
struct Holder {
    id: u64,
    what: Arc<str>,
}

impl LockTable {
    /// Takes all of `keyspaces`, or none: the error names the first that is held.
    pub(crate) fn try_lock(
        self: &Arc<Self>,
        keyspaces: &[KeyspaceId],
        what: &Arc<str>,
    ) -> Result<ExclusiveLock> {
        let mut held = self.held.lock();
        if let Some((keyspace, holder)) = keyspaces.iter().find_map(|k| Some((k, held.get(k)?))) {
            return Err(Error::Locked { keyspace: *keyspace, by: holder.what.to_string() });
        }
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        for keyspace in keyspaces {
            held.insert(*keyspace, Holder { id, what: Arc::clone(what) });
        }
        Ok(ExclusiveLock { table: Arc::clone(self), id, keyspaces: keyspaces.into() })
    }

    /// Says whether somebody other than `own` holds one of `keyspaces`.
    pub(crate) fn check(
        &self,
        keyspaces: impl IntoIterator<Item = KeyspaceId>,
        own: Option<u64>,
    ) -> Result<()> {
        let held = self.held.lock();
        if held.is_empty() {
            return Ok(());
        }
        for keyspace in keyspaces {
            if let Some(holder) = held.get(&keyspace)
                && Some(holder.id) != own
            {
                return Err(Error::Locked { keyspace, by: holder.what.to_string() });
            }
        }
        Ok(())
    }

    /// The future that completes when some lock is released after this call.
    pub(crate) fn released(&self) -> tokio::sync::futures::Notified<'_> {
        self.released.notified()
    }

    /// Remembers an exclusive commit, so that transactions which began before it conflict.
    pub(crate) fn committed(&self, keyspaces: &[KeyspaceId], at: Timestamp) {
        let mut commits = self.exclusive_commits.lock();
        for keyspace in keyspaces {
            commits.insert(*keyspace, at);
        }
    }

    /// The first of `keyspaces` that was committed into exclusively after `since`.
    pub(crate) fn committed_after(
        &self,
        keyspaces: impl IntoIterator<Item = KeyspaceId>,
        since: Timestamp,
    ) -> Option<KeyspaceId> {
        let commits = self.exclusive_commits.lock();
        if commits.is_empty() {
            return None;
        }
        keyspaces.into_iter().find(|k| commits.get(k).is_some_and(|at| *at > since))
    }
}

/// The exclusive right to commit into some keyspaces; released on drop. See [`crate::Store::lock_exclusive`].
#[derive(Debug)]
pub struct ExclusiveLock {
    table: Arc<LockTable>,
    id: u64,
    keyspaces: Box<[KeyspaceId]>,
}

impl ExclusiveLock {
    /// Keyspaces that are locked.
    pub fn keyspaces(&self) -> &[KeyspaceId] {
        &self.keyspaces
    }

    pub(crate) fn id(&self) -> u64 {
        self.id
    }
}

impl Drop for ExclusiveLock {
    fn drop(&mut self) {
        self.table.held.lock().retain(|_, holder| holder.id != self.id);
        self.table.released.notify_waiters();
    }
}
