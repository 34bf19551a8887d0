//! Restoring keyspaces to a moment.

use std::{collections::BTreeSet, sync::Arc};

use bygone_engine::types::Timestamp;
use bygone_mvcc::{CommitMeta, KeyspaceInfo, KeyspaceNames};
use bygone_snapshots::{
    ObjectRef, SnapshotScope,
    restore::{self, RestorePlan, RestoreProgress, RestoreReport, RestoreRequest, SafetySnapshot},
};

use crate::{Database, Error, Moment, Result, SqlState};

/// A restore to a moment: see [`PendingRestore::to`]. It appends one commit that carries the old state, so
/// the state before stays in the past, and is kept as a snapshot of its own.
///
/// ```
/// use bygone::{Database, SafetySnapshot};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> bygone::Result<()> {
/// let db = Database::memory().await?;
/// let stock = db.keyspace("stock").await?;
/// let before = stock.put("apples", "5").await?;
/// stock.delete("apples").await?;
///
/// let report = db.restore(["stock"]).to(before).await?.run().await?;
/// assert_eq!(report.targets[0].brought_back, 1);
/// assert_eq!(stock.get("apples").await?.unwrap(), "5");
///
/// // The state before the restore has a name; going back to it undoes the restore.
/// let undo = report.safety_snapshot.unwrap();
/// db.restore(["stock"]).to(undo).await?.safety(SafetySnapshot::None).run().await?;
/// assert_eq!(stock.get("apples").await?, None);
/// # db.close().await
/// # }
/// ```
#[derive(Debug)]
pub struct Restore {
    database: Database,
    request: RestoreRequest,
}

/// A restore of which only the keyspaces are known: see [`Database::restore`].
#[derive(Debug)]
pub struct PendingRestore {
    database: Database,
    /// `None` for all.
    names: Option<Vec<String>>,
}

impl PendingRestore {
    pub(crate) fn new(database: Database, names: Option<Vec<String>>) -> Self {
        Self { database, names }
    }

    /// Sets the moment, and finds the keyspaces as they were then and are now: one that was dropped since
    /// comes back; when all are restored, one that was created since goes.
    ///
    /// # Errors
    /// `NotFound` for a snapshot or a keyspace; `TooOld`; `Invalid` for a moment in the future.
    pub async fn to(self, moment: impl Into<Moment>) -> Result<Restore> {
        let Self { database, names } = self;
        let moment = moment.into();
        let to = database.timestamp_of(moment.clone()).await?;
        let then = database.view(moment).await?;
        let now = database.store().view_now();
        let directory = database.store().names();
        let all = names.is_none();
        let names = if let Some(names) = names {
            names
        } else {
            let mut both = directory.list(&then).await?;
            both.extend(directory.list(&now).await?);
            let names: BTreeSet<String> = both.into_iter().map(|keyspace| keyspace.name).collect();
            names.into_iter().collect()
        };
        let mut plan = RestorePlan::new(to).seen_at(now.timestamp());
        let dropped = directory.dropped(&now).await?;
        for name in names {
            let old = database.keyspace_at(&name, &then).await?;
            let new = database.keyspace_at(&name, &now).await?;
            let dropped_at = |old: &KeyspaceInfo| {
                let of_old = dropped.iter().find(|(keyspace, _)| keyspace.id == old.id);
                of_old.map_or(now.timestamp(), |(_, at)| *at)
            };
            add_keyspace(&directory, &mut plan, &name, old, new, all, dropped_at)?;
        }
        let mut request = RestoreRequest::new(plan);
        // The state before includes keyspaces that go.
        request.safety_scope = all.then_some(SnapshotScope::Database(None));
        Ok(Restore { database: database.clone(), request })
    }
}

impl Restore {
    /// Whether, and for how long, the state before is kept as a snapshot. Default 7 days.
    pub fn safety(mut self, safety: SafetySnapshot) -> Self {
        self.request.safety = safety;
        self
    }

    /// Fails with `Conflict` when a keyspace changed after this: give the `newest` of a dry run's report.
    pub fn unchanged_since(mut self, newest: Timestamp) -> Self {
        self.request.if_unchanged_since = Some(newest);
        self
    }

    /// Who restores, and why.
    pub fn annotate(mut self, meta: CommitMeta) -> Self {
        self.request.meta = meta;
        self
    }

    /// Is told how far the restore is.
    pub fn progress(mut self, progress: Arc<dyn RestoreProgress>) -> Self {
        self.request.progress = Some(progress);
        self
    }

    /// Says what [`Self::run`] would do, and changes nothing.
    ///
    /// # Errors
    /// As [`Self::run`], but for locks.
    pub async fn dry_run(&self) -> Result<RestoreReport> {
        Ok(restore::dry_run(self.database.snapshots(), &self.request).await?)
    }

    /// Restores, in one commit. Other writers of the keyspaces wait meanwhile; readers do not.
    ///
    /// # Errors
    /// `Conflict` when a keyspace changed after [`Self::unchanged_since`], or was dropped after
    /// [`PendingRestore::to`]; `Locked` when another restore or bulk load does not finish in time; those of
    /// reading and of a commit. Nothing is changed then.
    ///
    /// # Cancel safety
    /// When the future is dropped the restore happens as a whole or not at all.
    pub async fn run(self) -> Result<RestoreReport> {
        Ok(restore::run(self.database.snapshots(), self.request).await?)
    }
}

fn object(info: &KeyspaceInfo) -> ObjectRef {
    ObjectRef { name: info.name.clone(), id: info.id.get(), keyspaces: vec![info.id] }
}

/// Adds what is to be done with one keyspace, as it was at the moment and is now.
fn add_keyspace(
    directory: &KeyspaceNames,
    plan: &mut RestorePlan,
    name: &str,
    old: Option<KeyspaceInfo>,
    new: Option<KeyspaceInfo>,
    all: bool,
    dropped_at: impl Fn(&KeyspaceInfo) -> Timestamp,
) -> Result<()> {
    match (old, new) {
        (Some(old), Some(new)) if old.id == new.id => {
            plan.keep(object(&new), Some(directory.guard_of(new.id)));
        }
        (Some(old), None) => {
            directory.add_revival(&old, plan.writes());
            plan.bring_back(object(&old), dropped_at(&old));
        }
        (Some(old), Some(new)) => {
            directory.add_drop(&new, plan.writes());
            directory.add_revival(&old, plan.writes());
            plan.replace(object(&old), dropped_at(&old), object(&new));
        }
        // Created since: emptied when it is asked for by name, removed when everything goes back.
        (None, Some(new)) if all => {
            directory.add_drop(&new, plan.writes());
            plan.remove(object(&new));
        }
        (None, Some(new)) => plan.keep(object(&new), Some(directory.guard_of(new.id))),
        (None, None) => {
            let message = format!("keyspace \"{name}\" does not exist, neither now nor at the moment");
            return Err(Error::new(SqlState::UndefinedTable, message));
        }
    }
    Ok(())
}
