//! The one door to new state: persist, then publish.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, atomic::Ordering},
};

use crate::{
    Error, Result,
    manifest::{self, FileId, KeyspaceManifest, Manifest},
    shared::Shared,
    sst::Table,
    state::{Edit, Group, Horizons, SortedRun, State, Tree},
    types::{KeyspaceId, Timestamp},
};

impl Shared {
    /// Makes `edit` durable as the next manifest, then visible.
    ///
    /// # Errors
    /// `Unavailable`: nothing changed, the edit can be tried again. `Fenced` and `CommitUnknown` end all writing.
    pub(crate) async fn publish(&self, mut edit: Edit) -> Result<()> {
        let _one_at_a_time = self.publishing.lock().await;
        self.check_writable()?;
        // 1. The next manifest is a pure function of the current one and the edit.
        let current = Arc::clone(&self.state.read());
        let mut next = Manifest::clone(&current.manifest);
        if edit.raise_horizons {
            edit.horizons = self.horizons_due(&current.manifest);
        }
        edit.apply(&mut next);
        next.parent = Some((current.manifest.id, current.manifest_hash));
        next.id += 1;
        next.epoch = self.epoch;
        next.nonce = self.nonce(next.id);
        next.next_file = self.next_file.load(Ordering::Relaxed);
        let commit = edit.commit.unwrap_or_default().max(self.last_timestamp());
        next.last_timestamp = next.last_timestamp.max(commit);
        // 2. The trees, before anything is durable: an edit that does not fit must not reach storage.
        let mut tables: HashMap<FileId, Table> =
            edit.tables().map(|table| (table.meta().id, table.clone())).collect();
        let open = current.trees.values().flat_map(|tree| tree.tables());
        tables.extend(open.map(|table| (table.meta().id, table.clone())));
        let trees = trees(&next, &current, &tables);
        // 3. Persist. On local roots and in memory nothing here suspends. Elsewhere the caller may give up while the answer
        //    is out: a manifest may be durable then that is not installed, and writing ends.
        let mut unfinished = Unfinished { shared: self, id: next.id, is_over: false };
        let id = next.id;
        let published = match manifest::publish(&self.root, &next).await {
            Err(error) if error.is_full() && self.give_back() => manifest::publish(&self.root, &next).await,
            outcome => outcome,
        };
        let hash = published.inspect_err(|error| {
            unfinished.is_over = true;
            self.note_failure(error);
        })?;
        // 4. Horizons rise before anything can be removed on their account.
        self.pins.install_horizons(next.horizon, own_horizons(&next));
        // 5. Install. Memtables may have been frozen since; the files are those of the manifest.
        let mut state = self.state.write();
        let mut installed = State::clone(&state);
        if let Some(flushed) = &edit.flushed {
            installed.frozen.retain(|frozen| !Arc::ptr_eq(&frozen.memtable, &flushed.memtable));
        }
        installed.trees = trees;
        installed.manifest = Arc::new(next);
        installed.manifest_hash = hash;
        self.install(&mut state, installed);
        if let Some(at) = edit.commit {
            self.published.fetch_max(at.as_micros(), Ordering::AcqRel);
        }
        unfinished.is_over = true;
        drop(state);
        // 6. From here on the log would tell if the manifest went. Without the proof nothing is lost.
        if let Err(error) = self.log.lock().note_manifest(id) {
            tracing::warn!(%error, "the log could not take note of a manifest");
            self.note_failure(&error);
        }
        Ok(())
    }

    /// Gives the disk back what the log has taken ahead, for what makes room on it; false where that is nothing.
    pub(crate) fn give_back(&self) -> bool {
        let outcome = self.log.lock().give_back();
        outcome.inspect_err(|error| self.note_failure(error)).unwrap_or(false)
    }

    /// Replaces the state. The old one is remembered for as long as a reader holds it.
    pub(crate) fn install(&self, state: &mut Arc<State>, next: State) {
        let old = std::mem::replace(state, Arc::new(next));
        let mut states = self.states.lock();
        states.retain(|state| state.strong_count() > 0);
        states.push(Arc::downgrade(&old));
    }

    /// Ends all writing after a failure whose outcome only a reopening tells. Nothing may be collected from then on
    /// either: a snapshot whose commit failed may turn out to be there.
    pub(crate) fn note_failure(&self, error: &Error) {
        if matches!(error, Error::Fenced { .. } | Error::CommitUnknown(_) | Error::Poisoned(_)) {
            let _ = self.broken.set(error.clone());
            self.progress.notify_waiters();
        }
    }

    /// Unique to this writer and manifest: tells our own object from another's after a lost reply.
    pub(crate) fn nonce(&self, id: u64) -> u128 {
        crate::manifest::nonce(self.env.seed, self.epoch, id)
    }

    /// Whether raising the horizons would change any.
    pub(crate) fn horizons_can_rise(&self) -> bool {
        let manifest = Arc::clone(&self.state.read().manifest);
        self.horizons_due(&manifest).is_some_and(|due| {
            let own = |(id, at): &(KeyspaceId, Timestamp)| *at > manifest.keyspaces[id].horizon;
            due.database > manifest.horizon || due.keyspaces.iter().any(own)
        })
    }

    /// The horizons as retention and the clock want them now, none above the newest commit; `None` while durable pins
    /// are not known.
    fn horizons_due(&self, manifest: &Manifest) -> Option<Horizons> {
        if !self.maintained.load(Ordering::Acquire) {
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

/// A publication between storage and memory. Dropped before it is over, only a reopening tells what became of it.
struct Unfinished<'a> {
    shared: &'a Shared,
    id: u64,
    is_over: bool,
}

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        if !self.is_over {
            let what = format!("the publication of manifest {} was given up half way", self.id);
            self.shared.note_failure(&Error::CommitUnknown(what));
        }
    }
}

/// Horizons of the keyspaces that do not simply follow the database's.
pub(crate) fn own_horizons(manifest: &Manifest) -> Vec<(KeyspaceId, Timestamp)> {
    let own = manifest.keyspaces.iter().filter_map(|(id, keyspace)| {
        if keyspace.retention_us.is_some() {
            return Some((*id, keyspace.horizon));
        }
        (keyspace.horizon > manifest.horizon).then_some((*id, keyspace.horizon))
    });
    own.collect()
}

/// Trees of `manifest`; unchanged ones are shared with `current`.
fn trees(
    manifest: &Manifest,
    current: &State,
    tables: &HashMap<FileId, Table>,
) -> BTreeMap<KeyspaceId, Arc<Tree>> {
    let built =
        manifest.keyspaces.iter().filter(|(_, keyspace)| keyspace.has_files()).map(|(id, keyspace)| {
            let unchanged =
                current.manifest.keyspaces.get(id).is_some_and(|before| before.has_same_files(keyspace));
            match current.trees.get(id) {
                Some(tree) if unchanged => (*id, Arc::clone(tree)),
                _ => (*id, Arc::new(tree(keyspace, tables))),
            }
        });
    built.collect()
}

/// The tree of one keyspace. Every file it names must be among `tables`.
pub(crate) fn tree(keyspace: &KeyspaceManifest, tables: &HashMap<FileId, Table>) -> Tree {
    let run = |run: &manifest::Run| {
        let open =
            |file: &manifest::FileMeta| tables.get(&file.id).expect("a published file is open").clone();
        Arc::new(SortedRun::new(run.files.iter().map(open).collect()))
    };
    Tree {
        level0: keyspace.level0.iter().map(run).collect(),
        levels: keyspace.levels.iter().map(run).collect(),
        history: keyspace
            .history
            .iter()
            .map(|group| Group { newest_pin: group.newest_pin, runs: group.runs.iter().map(run).collect() })
            .collect(),
    }
}
