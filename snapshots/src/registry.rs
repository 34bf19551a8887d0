//! The registry: records in the snapshots keyspace, pins in the engine, the two kept in step.
//!
//! ```text
//!   create:  validate ─▶ pin (refused if the moment is gone) ─▶ commit the record ─▶ done
//!                                                    fails ─▶ unpin
//!   drop:    commit the deletion ─▶ unpin
//!   open:    read all records ─▶ pin all ─▶ only then may the engine collect
//! ```
//!
//! Changes go one at a time. A call that is dropped half-way may leave a pin without a record, never a record
//! without a pin; [`Snapshots::expire`] releases such pins, once the commit of the record cannot happen any
//! more.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
};

use bygone_engine::{
    Pin, ReadView,
    types::{Durability, Timestamp},
};
use bygone_mvcc::{CommitMeta, Store, Transaction, check_name, similar_names, system};
use parking_lot::Mutex;
use tokio::sync::OwnedMutexGuard;

use crate::{
    CreateSnapshot, Created, Error, Result, Snapshot, SnapshotScope, quotas,
    rows::{find, read_all},
};

/// The named snapshots of a database. Clones share the registry.
#[derive(Clone)]
pub struct Snapshots {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    /// Held while a change is made, so that quotas and pins stay in step.
    changes: Arc<tokio::sync::Mutex<()>>,
    /// By id of the snapshot.
    pins: Mutex<BTreeMap<u64, Pin>>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        // The snapshots are still there, and a compaction may still run.
        for (_, pin) in std::mem::take(self.pins.get_mut()) {
            pin.keep();
        }
    }
}

impl fmt::Debug for Snapshots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshots").field("pins", &self.inner.pins.lock().len()).finish_non_exhaustive()
    }
}

impl Snapshots {
    /// Reads the registry and registers every pin, then lets the engine collect garbage.
    ///
    /// # Errors
    /// Errors of reading; nothing may be collected then.
    pub async fn open(store: Store) -> Result<Self> {
        let view = store.view_now();
        let mut pins = BTreeMap::new();
        for snapshot in read_all(&view).await? {
            let pin = store.engine().register_durable_pin(snapshot.at, snapshot.scope.engine_scope());
            pins.insert(snapshot.id, pin);
        }
        store.engine().start_maintenance();
        let inner = Inner { store, changes: Arc::default(), pins: Mutex::new(pins) };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The store.
    pub fn store(&self) -> &Store {
        &self.inner.store
    }

    /// Creates a snapshot.
    ///
    /// # Errors
    /// [`Error::Exists`], [`Error::Quota`]; [`Error::Invalid`] for a name that cannot be used or an expiry
    /// that has passed; `Future` and `TooOld` for the moment; those of a commit. Nothing is pinned then.
    ///
    /// # Cancel safety
    /// When the future is dropped the snapshot is created or not.
    ///
    /// # Cost
    /// One durable commit, whatever the size of what it covers; with quotas, a look at all records.
    pub async fn create(&self, request: CreateSnapshot) -> Result<Created> {
        let _changes = self.lock_changes().await;
        let transaction = self.store().begin();
        if let Some(existing) = find(transaction.view(), &request.name).await? {
            return if request.if_not_exists {
                Ok(Created::Existing(existing))
            } else {
                Err(Error::Exists(request.name))
            };
        }
        let author = request.author.clone();
        let is_present = request.at.is_none();
        let mut snapshot = self.check_new(transaction.view(), request, false).await?;
        let pin =
            if is_present { self.pin_present(&mut snapshot).await? } else { self.pin(&snapshot).await? };
        transaction.put(system::SNAPSHOTS, snapshot.name.clone(), snapshot.encode())?;
        transaction.annotate(CommitMeta { author, ..about("CREATE SNAPSHOT", &snapshot.name) })?;
        // The pin is kept if this future is dropped while the commit is under way.
        let id = snapshot.id;
        self.inner.pins.lock().insert(id, pin);
        match transaction.commit(Durability::Sync).await {
            Ok(_) => Ok(Created::New(snapshot)),
            Err(error) => {
                self.inner.pins.lock().remove(&id);
                Err(error.into())
            }
        }
    }

    /// The snapshot of that name.
    ///
    /// # Errors
    /// [`Error::NotFound`] with names that look like it; those of reading.
    pub async fn get(&self, name: &str) -> Result<Snapshot> {
        self.get_in(&self.store().view_now(), name).await
    }

    /// The snapshot of that name, as the moment of `view` knew it.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn get_in(&self, view: &ReadView, name: &str) -> Result<Snapshot> {
        if let Some(snapshot) = find(view, name).await? {
            return Ok(snapshot);
        }
        let all = read_all(view).await?;
        let candidates = similar_names(name, all.iter().map(|snapshot| snapshot.name.as_str()));
        let candidates = candidates.into_iter().map(str::to_owned).collect();
        Err(Error::NotFound { name: name.into(), candidates })
    }

    /// All snapshots by name.
    ///
    /// # Errors
    /// Errors of reading.
    pub async fn list(&self) -> Result<Vec<Snapshot>> {
        read_all(&self.store().view_now()).await
    }

    /// All snapshots that existed at the moment of `view`, by name.
    ///
    /// # Errors
    /// Errors of reading.
    pub async fn list_in(&self, view: &ReadView) -> Result<Vec<Snapshot>> {
        read_all(view).await
    }

    /// A view of what the snapshot shows. It takes no lock, and stays valid when the snapshot is dropped.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn view(&self, name: &str) -> Result<ReadView> {
        let snapshot = self.get(name).await?;
        Ok(self.store().view_at_in(snapshot.at, snapshot.scope.engine_scope()).await?)
    }

    /// Gives a snapshot another name.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Exists`], [`Error::Invalid`]; those of a commit.
    pub async fn rename(&self, name: &str, new_name: &str) -> Result<Snapshot> {
        check_name("snapshot", new_name)?;
        let _changes = self.lock_changes().await;
        let transaction = self.store().begin();
        let mut snapshot = self.get_in(transaction.view(), name).await?;
        if name == new_name {
            return Ok(snapshot);
        }
        if find(transaction.view(), new_name).await?.is_some() {
            return Err(Error::Exists(new_name.into()));
        }
        new_name.clone_into(&mut snapshot.name);
        transaction.delete(system::SNAPSHOTS, name.to_owned())?;
        self.save(transaction, snapshot, "ALTER SNAPSHOT").await
    }

    /// Sets or removes the moment from which on maintenance may drop the snapshot.
    ///
    /// # Errors
    /// [`Error::NotFound`]; those of a commit.
    pub async fn set_expiry(&self, name: &str, expires: Option<Timestamp>) -> Result<Snapshot> {
        self.alter(name, |snapshot| snapshot.expires = expires).await
    }

    /// Sets or removes the comment.
    ///
    /// # Errors
    /// [`Error::NotFound`]; those of a commit.
    pub async fn set_comment(&self, name: &str, comment: Option<String>) -> Result<Snapshot> {
        self.alter(name, |snapshot| snapshot.comment = comment).await
    }

    /// Keeps the snapshot from being dropped and from expiring, until it is released.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Invalid`] without a reason; those of a commit.
    pub async fn hold(&self, name: &str, reason: &str) -> Result<Snapshot> {
        if reason.trim().is_empty() {
            return Err(Error::Invalid("a hold needs a reason".into()));
        }
        self.alter(name, |snapshot| snapshot.hold = Some(reason.into())).await
    }

    /// Ends a hold; releasing what is not held is allowed.
    ///
    /// # Errors
    /// [`Error::NotFound`]; those of a commit.
    pub async fn release(&self, name: &str) -> Result<Snapshot> {
        self.alter(name, |snapshot| snapshot.hold = None).await
    }

    async fn alter(&self, name: &str, change: impl FnOnce(&mut Snapshot)) -> Result<Snapshot> {
        let _changes = self.lock_changes().await;
        let transaction = self.store().begin();
        let mut snapshot = self.get_in(transaction.view(), name).await?;
        change(&mut snapshot);
        self.save(transaction, snapshot, "ALTER SNAPSHOT").await
    }

    async fn save(&self, transaction: Transaction, snapshot: Snapshot, statement: &str) -> Result<Snapshot> {
        transaction.put(system::SNAPSHOTS, snapshot.name.clone(), snapshot.encode())?;
        transaction.annotate(about(statement, &snapshot.name))?;
        transaction.commit(Durability::Sync).await?;
        Ok(snapshot)
    }

    /// Drops one snapshot.
    ///
    /// # Errors
    /// As [`Self::drop_many`].
    pub async fn drop_snapshot(&self, name: &str) -> Result<()> {
        self.drop_many(&[name], false).await.map(drop)
    }

    /// Drops all of `names`, or none. Returns what was dropped; with `if_exists` names that do not exist are
    /// left out.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Held`]; those of a commit.
    ///
    /// # Cancel safety
    /// When the future is dropped all are dropped or none.
    pub async fn drop_many(&self, names: &[impl AsRef<str>], if_exists: bool) -> Result<Vec<Snapshot>> {
        let _changes = self.lock_changes().await;
        let transaction = self.store().begin();
        let mut dropped: Vec<Snapshot> = Vec::new();
        for name in names.iter().map(AsRef::as_ref).collect::<BTreeSet<_>>() {
            match self.get_in(transaction.view(), name).await {
                Ok(Snapshot { name, hold: Some(reason), .. }) => return Err(Error::Held { name, reason }),
                Ok(snapshot) => dropped.push(snapshot),
                Err(Error::NotFound { .. }) if if_exists => {}
                Err(error) => return Err(error),
            }
        }
        self.delete(&transaction, &dropped, "DROP SNAPSHOT").await?;
        Ok(dropped)
    }

    /// Drops the snapshots that have expired and are not held, and returns them. Maintenance calls this
    /// before it collects.
    ///
    /// # Errors
    /// Errors of reading and of a commit.
    pub async fn expire(&self, now: Timestamp) -> Result<Vec<Snapshot>> {
        let _changes = self.lock_changes().await;
        let transaction = self.store().begin();
        let all = read_all(transaction.view()).await?;
        self.release_orphans(&all).await?;
        let expired: Vec<_> = all.into_iter().filter(|snapshot| snapshot.is_expired(now)).collect();
        self.delete(&transaction, &expired, "EXPIRE SNAPSHOT").await?;
        Ok(expired)
    }

    /// Releases pins that a dropped call left without a record, given the records that were there before.
    /// Called while `changes` is held: no call is about to commit a record, but the commit of a dropped one
    /// may still be under way.
    async fn release_orphans(&self, all: &[Snapshot]) -> Result<()> {
        let known: BTreeSet<u64> = all.iter().map(|snapshot| snapshot.id).collect();
        if self.inner.pins.lock().keys().all(|id| known.contains(id)) {
            return Ok(());
        }
        self.store().drain().await;
        let recorded = read_all(&self.store().view_now()).await?;
        let recorded: BTreeSet<u64> = recorded.into_iter().map(|snapshot| snapshot.id).collect();
        self.inner.pins.lock().retain(|id, _| recorded.contains(id));
        Ok(())
    }

    async fn delete(&self, transaction: &Transaction, snapshots: &[Snapshot], statement: &str) -> Result<()> {
        if snapshots.is_empty() {
            return Ok(());
        }
        for snapshot in snapshots {
            transaction.delete(system::SNAPSHOTS, snapshot.name.clone())?;
            transaction.annotate(about(statement, &snapshot.name))?;
        }
        transaction.commit(Durability::Sync).await?;
        let mut pins = self.inner.pins.lock();
        for snapshot in snapshots {
            pins.remove(&snapshot.id);
        }
        Ok(())
    }

    /// Waits for the turn to change the registry.
    pub(crate) async fn lock_changes(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.inner.changes.lock().await
    }

    /// As [`Self::lock_changes`], for longer than a call.
    pub(crate) async fn own_changes(&self) -> OwnedMutexGuard<()> {
        Arc::clone(&self.inner.changes).lock_owned().await
    }

    pub(crate) fn keep_pin(&self, id: u64, pin: Pin) {
        self.inner.pins.lock().insert(id, pin);
    }

    pub(crate) fn release_pin(&self, id: u64) {
        self.inner.pins.lock().remove(&id);
    }

    /// Checks a new snapshot against names and quotas, and completes it.
    pub(crate) async fn check_new(
        &self,
        view: &ReadView,
        request: CreateSnapshot,
        automatic: bool,
    ) -> Result<Snapshot> {
        check_name("snapshot", &request.name)?;
        if matches!(&request.scope, SnapshotScope::Objects(objects) if objects.is_empty()) {
            return Err(Error::Invalid("a snapshot must cover something".into()));
        }
        let created = self.store().clock().now();
        if request.expires.is_some_and(|expires| expires <= created) {
            return Err(Error::Invalid(format!("snapshot \"{}\" would have expired already", request.name)));
        }
        let snapshot = Snapshot {
            id: self.store().clock().tick().as_micros(),
            name: request.name,
            at: request.at.unwrap_or(created),
            scope: request.scope,
            created,
            expires: request.expires,
            comment: request.comment,
            hold: None,
            automatic,
        };
        if !automatic {
            quotas::check_quotas(view, &snapshot).await?;
        }
        Ok(snapshot)
    }

    pub(crate) async fn pin(&self, snapshot: &Snapshot) -> Result<Pin> {
        self.store().wait_visible(snapshot.at).await?;
        Ok(self.store().engine().pin(snapshot.at, snapshot.scope.engine_scope())?)
    }

    /// As [`Self::pin`] for a snapshot of now, whose moment follows the present until it is pinned.
    async fn pin_present(&self, snapshot: &mut Snapshot) -> Result<Pin> {
        loop {
            match self.pin(snapshot).await {
                // Commits and a short retention overtook it: there is a newer present.
                Err(Error::Store(bygone_mvcc::Error::Engine(bygone_engine::Error::TooOld { .. }))) => {
                    snapshot.at = self.store().clock().now();
                }
                outcome => return outcome,
            }
        }
    }
}

fn about(statement: &str, name: &str) -> CommitMeta {
    CommitMeta {
        statement: Some(statement.into()),
        message: Some(format!("{statement} {name}")),
        ..CommitMeta::default()
    }
}
