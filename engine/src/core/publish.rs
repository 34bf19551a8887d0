//! Publication, the only way to new durable state: persist, then install.

use std::{borrow::Borrow, collections::HashMap, sync::Arc};

use super::{Core, PendingFiles};
use crate::{
    Error, Result,
    manifest::{self, FileId, Manifest},
    sst::Table,
    state::{Edit, Horizons, State, own_horizons, trees},
    types::{KeyspaceId, Timestamp},
};

impl Core {
    /// Makes `edit` durable as the next manifest, then visible.
    ///
    /// # Errors
    /// `Unavailable`: nothing changed, the edit can be tried again. `Fenced` and `CommitUnknown` end all
    /// writing.
    ///
    /// # Cancel safety
    /// Before the first request nothing has happened; from there on the publication goes on without its
    /// caller.
    pub(crate) async fn publish(self: &Arc<Self>, edit: Edit) -> Result<()> {
        self.publish_files(edit, Vec::<PendingFiles>::new()).await
    }

    /// As [`Core::publish`], of an edit that names the files of `pending`: they are removed when nothing was
    /// published.
    pub(crate) async fn publish_files(
        self: &Arc<Self>,
        edit: Edit,
        pending: Vec<impl Borrow<PendingFiles> + Send + Sync + 'static>,
    ) -> Result<()> {
        let one_at_a_time = self.versions.publication().await;
        let core = Arc::clone(self);
        let publication = async move {
            let set = |may_be_named| {
                for files in &pending {
                    files.borrow().set_may_be_named(may_be_named);
                }
            };
            set(true);
            let outcome = core.persist_and_install(edit).await;
            if matches!(outcome, Err(Error::Unavailable { .. } | Error::Invalid(_))) {
                set(false);
            }
            drop(one_at_a_time);
            outcome
        };
        self.to_the_end("publish a manifest", Box::pin(publication)).await
    }

    /// The publication itself. The caller has the right to publish.
    async fn persist_and_install(&self, mut edit: Edit) -> Result<()> {
        self.check_writable()?;
        // 1. The next manifest is a pure function of the current one and the edit.
        let current = self.versions.current();
        let mut next = Manifest::clone(&current.manifest);
        if edit.raise_horizons {
            edit.horizons = self.horizons_due(&current.manifest);
        }
        edit.apply(&mut next);
        next.parent = Some((current.manifest.id, current.manifest_hash));
        next.id += 1;
        next.epoch = self.storage.epoch;
        next.nonce = self.nonce(next.id);
        next.next_file = self.storage.next_file().number;
        let commit = edit.commit.unwrap_or_default().max(self.versions.newest_applied());
        next.last_timestamp = next.last_timestamp.max(commit);
        // 2. The trees, before anything is durable: an edit that does not fit must not reach storage.
        let mut tables: HashMap<FileId, Table> =
            edit.tables().map(|table| (table.meta().id, table.clone())).collect();
        let open = current.trees.values().flat_map(|tree| tree.tables());
        tables.extend(open.map(|table| (table.meta().id, table.clone())));
        let trees = trees(&next, &current, &tables);
        // 3. Persist. Were this given up while the answer is out, a manifest may be durable that is not
        //    installed, and writing ends.
        let mut unfinished = Unfinished { core: self, id: next.id, is_over: false };
        let id = next.id;
        let published = match manifest::publish(&self.storage.root, &next).await {
            Err(error) if error.is_full() && self.give_back() => {
                manifest::publish(&self.storage.root, &next).await
            }
            outcome => outcome,
        };
        let hash = published.inspect_err(|error| {
            unfinished.is_over = true;
            self.note_failure(error);
        })?;
        // 4. Horizons rise before anything can be removed on their account.
        self.install_horizons(&next);
        // 5. Install. Memtables may have been frozen since; the files are those of the manifest.
        let next = Arc::new(next);
        self.versions.replace(edit.commit, |state| {
            let mut installed = State::clone(state);
            if let Some(flushed) = &edit.flushed {
                installed.frozen.retain(|frozen| !Arc::ptr_eq(&frozen.memtable, &flushed.memtable));
            }
            State { trees, manifest: next, manifest_hash: hash, ..installed }
        });
        unfinished.is_over = true;
        // 6. From here on the log would tell if the manifest went. Without the proof nothing is lost.
        if let Err(error) = self.log.writer().note_manifest(id) {
            tracing::warn!(%error, "the log could not take note of a manifest");
            self.note_failure(&error);
        }
        Ok(())
    }

    /// Gives the disk back what the log has taken ahead, for what makes room on it; false where that is
    /// nothing.
    pub(crate) fn give_back(&self) -> bool {
        let outcome = self.log.writer().give_back();
        outcome.inspect_err(|error| self.note_failure(error)).unwrap_or(false)
    }

    /// Horizons of `manifest` count from here on.
    pub(super) fn install_horizons(&self, manifest: &Manifest) {
        self.pins.install_horizons(manifest.horizon, own_horizons(manifest));
    }

    /// Unique to this writer and manifest: tells our own object from another's after a lost reply.
    pub(crate) fn nonce(&self, id: u64) -> u128 {
        crate::manifest::nonce(self.env.seed, self.storage.epoch, id)
    }

    /// Whether raising the horizons would change any.
    pub(crate) fn horizons_can_rise(&self) -> bool {
        let manifest = Arc::clone(&self.versions.current().manifest);
        self.horizons_due(&manifest).is_some_and(|due| {
            let own = |(id, at): &(KeyspaceId, Timestamp)| *at > manifest.keyspaces[id].horizon;
            due.database > manifest.horizon || due.keyspaces.iter().any(own)
        })
    }

    /// The horizons as retention and the clock want them now, none above the newest commit; `None` while
    /// durable pins are not known.
    fn horizons_due(&self, manifest: &Manifest) -> Option<Horizons> {
        if !self.workers.is_started() {
            return None;
        }
        let newest = self.last_timestamp();
        let now = Timestamp::from_micros(self.env.clock.now_micros());
        let due = |retention_us: u64| now.minus_micros(retention_us).min(newest);
        let keyspaces = manifest
            .keyspaces
            .iter()
            .filter_map(|(id, keyspace)| Some((*id, due(keyspace.retention_us?))))
            .collect();
        Some(Horizons { database: due(manifest.retention_us), keyspaces })
    }
}

/// A publication between storage and memory. Dropped before it is over, only a reopening tells what became of
/// it.
struct Unfinished<'a> {
    core: &'a Core,
    id: u64,
    is_over: bool,
}

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        if !self.is_over {
            let what = format!("the publication of manifest {} was given up half way", self.id);
            self.core.note_failure(&Error::CommitUnknown(what));
        }
    }
}
