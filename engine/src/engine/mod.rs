//! The engine: the handle that the layers above hold.

mod uncommitted;

use std::{collections::BTreeSet, sync::Arc};

use crate::{
    CollectReport, EngineOptions, EngineStats, Env, Error, Result, Root, Scope, StagedGroup, StampedBatch,
    core::Core,
    ingest::{Ingest, IngestOptions, IngestedRun},
    manifest::Manifest,
    open,
    pins::{Pin, Unreadable},
    read::{ChangeScan, DiffScan, ReadView, VersionScan, point},
    rows::RowSchema,
    space::{Holder, KeyspaceSpace},
    state::{Edit, NewRun, Setting},
    types::{Durability, KeyRange, KeyspaceId, Timestamp},
};

/// A log-structured store of versions. Cheap to clone; all clones are one engine.
#[derive(Clone, Debug)]
pub struct Engine {
    core: Arc<Core>,
}

impl Engine {
    /// Opens the database at `root` for writing, creating it when there is none. On a local root that needs a
    /// directory that does not exist or is empty, but for `lost+found`.
    ///
    /// Durable pins must be registered with [`Self::register_durable_pin`] and maintenance started with
    /// [`Self::start_maintenance`] afterwards: until then nothing is collected.
    ///
    /// # Errors
    /// `Locked` when another process has the root; `NoDatabase` when the directory holds other files;
    /// `Corrupt` when bytes on storage are damaged; `Unavailable`.
    ///
    /// # Cost
    /// Two manifest publications, the replay of the log, one read for each table file.
    pub async fn open(root: Root, env: Env, options: EngineOptions) -> Result<Self> {
        Ok(Self { core: open::open(root, env, options).await? })
    }

    /// Opens the database at `root` for reading only; nothing is written, and every write fails.
    ///
    /// # Errors
    /// As [`Self::open`]; `NoDatabase` when there is none.
    pub async fn open_read_only(root: Root, env: Env, options: EngineOptions) -> Result<Self> {
        Ok(Self { core: open::open_read_only(root, env, options).await? })
    }

    /// Whether the engine was opened for reading only.
    pub fn is_read_only(&self) -> bool {
        self.core.storage.read_only
    }

    /// Writes what is in memory to storage, deletes files that nothing needs, and releases the root. Later
    /// writes fail with `Closed`; views that are held stay readable until another writer opens the root.
    ///
    /// # Errors
    /// `Unavailable` when the last flush fails, but for want of room: what was durable stays durable, and the
    /// next open replays the log. On a full disk the log keeps everything that was committed. The root is
    /// released in any case.
    pub async fn close(&self) -> Result<()> {
        let outcome = self.flush_to_close().await;
        self.core.workers.close();
        // An append that was let in before is finished first.
        drop(self.core.log.writer());
        // A compaction under way ends at its next turn; the lock is released when nothing writes any more.
        let _flush = self.core.workers.flush_turn().await;
        let _compaction = self.core.workers.compaction_turn().await;
        let _publish = self.core.versions.publication().await;
        self.core.storage.unlock();
        outcome
    }

    async fn flush_to_close(&self) -> Result<()> {
        match self.core.check_writable() {
            Ok(()) => {
                match self.flush().await {
                    // No room for tables: the log holds what was committed, until the next open.
                    Err(error) if error.is_full() => self.core.sync_log().await?,
                    outcome => outcome?,
                }
                self.collect_to_close().await;
                // Commits are in tables; left is what the log knows of the newest manifest.
                if let Err(error) = self.core.sync_log().await {
                    tracing::warn!(%error, "the log could not be synced");
                }
                Ok(())
            }
            Err(Error::Closed | Error::Invalid(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Programs that run for seconds only would never come to collect otherwise. Work that fails here is done
    /// by the next collection.
    async fn collect_to_close(&self) {
        if self.core.workers.is_started()
            && let Err(error) = self.core.collect().await
        {
            tracing::warn!(%error, "files that nothing needs could not be removed");
        }
    }

    /// Whether requests to the storage suspend, so that a caller may be gone before an answer comes; see
    /// [`Root::suspends`](crate::Root::suspends).
    pub fn suspends(&self) -> bool {
        self.core.storage.root.suspends()
    }

    /// Environment that the engine was given.
    pub fn env(&self) -> &Env {
        &self.core.env
    }

    /// The options the engine was opened with.
    pub fn options(&self) -> &EngineOptions {
        &self.core.options
    }

    /// The newest published commit; zero in a new database.
    pub fn last_timestamp(&self) -> Timestamp {
        self.core.last_timestamp()
    }

    /// Waits until there is room for more writes. Call before a commit, outside of its critical section.
    ///
    /// # Errors
    /// `Closed`, `Fenced`, `CommitUnknown`; `Unavailable` when flushes fail and no memory is left to go on.
    pub async fn wait_for_room(&self) -> Result<()> {
        self.core.wait_for_room().await
    }

    /// Fixes the order and the bytes of a group of commits, which [`StagedGroup::complete`] makes durable as
    /// asked, and visible. A batch without writes leaves its timestamp only. Called by one committing leader
    /// at a time; timestamps rise within the group and from call to call. Never suspends; the next group may
    /// be staged before this one is complete.
    ///
    /// # Errors
    /// `Unavailable` when the disk is full: nothing of the group is there, later groups may succeed.
    /// `Poisoned` after another failure of the log: the group may or may not be there after reopening.
    ///
    /// # Cost
    /// One log write, and one sync with [`Durability::Sync`] when it is completed.
    pub fn stage(&self, group: &[StampedBatch<'_>], durability: Durability) -> Result<StagedGroup> {
        self.core.stage(group, durability)
    }

    /// A group without commits: complete when everything that was staged is durable.
    ///
    /// # Errors
    /// Errors that ended writing.
    pub fn stage_sync(&self) -> Result<StagedGroup> {
        self.core.stage_sync()
    }

    /// Makes a group of commits durable and visible: [`Self::stage`], to the end.
    ///
    /// # Errors
    /// Errors of [`Self::stage`] and [`StagedGroup::complete`].
    pub async fn append(&self, group: &[StampedBatch<'_>], durability: Durability) -> Result<()> {
        self.stage(group, durability)?.complete().await
    }

    /// Makes every commit so far durable.
    ///
    /// # Errors
    /// `Poisoned` when the sync fails.
    pub async fn sync(&self) -> Result<()> {
        self.core.sync_log().await
    }

    /// The newest commit that was staged; visible or about to be.
    pub fn newest_staged(&self) -> Timestamp {
        self.core.versions.newest_applied()
    }

    /// Holds up what is staged.
    #[cfg(any(test, feature = "testing"))]
    pub fn log_gate(&self) -> &crate::testing::Gate {
        self.core.log.gate()
    }

    /// The newest commit that wrote or deleted `key`, if it is newer than `after`: the conflict check of a
    /// commit.
    pub async fn newest_commit(
        &self,
        keyspace: KeyspaceId,
        key: &[u8],
        after: Timestamp,
    ) -> Result<Option<Timestamp>> {
        let state = self.core.versions.current();
        point::newest_commit(&state, keyspace, key, after).await
    }

    /// A view of the newest published commit. Never fails for want of a pin.
    pub fn view_newest(&self, scope: Scope) -> ReadView {
        let pin = self.core.pins.pin_newest(|| self.last_timestamp(), scope);
        ReadView::new(self.core.versions.current(), pin, Unreadable::default())
    }

    /// A view of the moment `at`, which must not be newer than the newest published commit or a later commit
    /// could change the answer.
    ///
    /// A view of [`Scope::Database`] at an old moment can be made when the moment is readable in any
    /// keyspace; the view then refuses the keyspaces in which it is not.
    ///
    /// # Errors
    /// `TooOld` below the horizon unless pinned.
    pub fn view(&self, at: Timestamp, scope: Scope) -> Result<ReadView> {
        let (pin, unreadable) = self.core.pins.pin_view(at, scope)?;
        Ok(ReadView::new(self.core.versions.current(), pin, unreadable))
    }

    /// Pins `at` in `scope` until the pin is dropped.
    ///
    /// # Errors
    /// `TooOld` when the moment is not readable in all of the scope.
    pub fn pin(&self, at: Timestamp, scope: Scope) -> Result<Pin> {
        self.core.pins.pin(at, scope)
    }

    /// Registers a pin that was durable before the engine was opened, without a check. Only before
    /// [`Self::start_maintenance`].
    pub fn register_durable_pin(&self, at: Timestamp, scope: Scope) -> Pin {
        self.core.pins.register_durable(at, scope)
    }

    /// Allows garbage to be collected and starts background work. Call once, after all durable pins were
    /// readmitted.
    pub fn start_maintenance(&self) {
        self.core.start_maintenance();
    }

    /// Every moment at or after this is readable in `keyspace`.
    pub fn horizon(&self, keyspace: KeyspaceId) -> Timestamp {
        self.core.pins.horizon(keyspace)
    }

    /// Every moment at or after this is readable in keyspaces without a retention of their own.
    pub fn database_horizon(&self) -> Timestamp {
        self.core.pins.database_horizon()
    }

    /// Retention in microseconds, within which every moment is readable without a pin: of one keyspace, or
    /// the database's.
    pub fn retention_us(&self, keyspace: Option<KeyspaceId>) -> u64 {
        let manifest = Arc::clone(&self.core.versions.current().manifest);
        let own = keyspace.and_then(|id| manifest.keyspaces.get(&id)?.retention_us);
        own.unwrap_or(manifest.retention_us)
    }

    /// Sets the retention of one keyspace (`None`: follow the database) or of the database (`None`: the
    /// default of the options). Durable on return. Horizons rise with the next maintenance; they never move
    /// back.
    ///
    /// # Errors
    /// `Unavailable`: nothing changed.
    pub async fn set_retention(&self, keyspace: Option<KeyspaceId>, retention_us: Option<u64>) -> Result<()> {
        let setting = match keyspace {
            Some(id) => Setting::KeyspaceRetention(id, retention_us),
            None => Setting::DatabaseRetention(retention_us.unwrap_or(self.core.options.retention_us)),
        };
        self.change(setting).await
    }

    /// Marks `keyspace` as dropped at `at`: its files go when no pin and no retention reaches them any more.
    ///
    /// # Errors
    /// `Unavailable`: nothing changed.
    pub async fn drop_keyspace(&self, keyspace: KeyspaceId, at: Timestamp) -> Result<()> {
        self.change(Setting::Dropped(keyspace, Some(at))).await
    }

    /// Takes back [`Self::drop_keyspace`].
    ///
    /// # Errors
    /// `Unavailable`: nothing changed.
    pub async fn revive_keyspace(&self, keyspace: KeyspaceId) -> Result<()> {
        self.change(Setting::Dropped(keyspace, None)).await
    }

    /// The keyspaces marked by [`Self::drop_keyspace`] whose files are still there.
    pub fn dropped_keyspaces(&self) -> Vec<(KeyspaceId, Timestamp)> {
        let manifest = Arc::clone(&self.core.versions.current().manifest);
        manifest.keyspaces.iter().filter_map(|(id, keyspace)| Some((*id, keyspace.dropped_at?))).collect()
    }

    pub(crate) fn core(&self) -> &Arc<Core> {
        &self.core
    }

    async fn change(&self, setting: Setting) -> Result<()> {
        self.core.check_writable()?;
        self.core.publish(Edit { setting: Some(setting), ..Edit::default() }).await
    }

    /// Says what the rows of `keyspace` are made of: files that are written from now on store them column by
    /// column. Rows that do not fit are stored as the bytes that they are. `schema` makes the schema of this
    /// version, and is called unless that or a later one is known.
    ///
    /// Not durable: files know their columns, and until this is called again those of the newest file are
    /// used.
    pub fn define_rows(&self, keyspace: KeyspaceId, version: u32, schema: impl FnOnce() -> Arc<RowSchema>) {
        self.core.define_rows(keyspace, version, schema);
    }

    /// Starts a bulk ingest into `keyspace`.
    pub fn ingest(&self, keyspace: KeyspaceId, options: IngestOptions) -> Ingest {
        Ingest::new(Arc::clone(&self.core), keyspace, options)
    }

    /// Makes ingested runs visible at `at`, all or none; durable on return. Called by the committing leader,
    /// with no append at the same time. At most one run for each keyspace.
    ///
    /// # Errors
    /// `Unavailable`: nothing is visible, the call can be repeated with new runs. `CommitUnknown`: reopen to
    /// find out.
    ///
    /// # Cost
    /// A flush of what is in memory, and one manifest publication.
    pub async fn publish_ingest(&self, at: Timestamp, runs: Vec<IngestedRun>) -> Result<()> {
        self.core.check_writable()?;
        assert!(at > self.newest_staged(), "commit timestamps rise from call to call");
        // 1. Staged commits are visible before what comes behind them.
        if self.newest_staged() > self.last_timestamp() {
            self.sync().await?;
        }
        // 2. Older versions go below the new runs (I2).
        Box::pin(self.flush()).await?;
        // 3. Stamp and open.
        let mut stamped = Vec::with_capacity(runs.len());
        for run in &runs {
            let tables = self.core.storage.open_tables(&run.stamped(at)).await?;
            stamped.push(NewRun { keyspace: run.keyspace(), tables });
        }
        // 4. One edit.
        let idle = self.core.try_compaction_turn();
        let bytes = stamped.iter().flat_map(|run| &run.tables).map(|table| table.meta().len).sum();
        let edit = Edit { runs: stamped, sink: idle.is_some(), commit: Some(at), ..Edit::default() };
        // Their guards keep the collector away until the manifest names the files.
        let pending: Vec<_> = runs.into_iter().flat_map(|run| run.pending).collect();
        self.core.publish_files(edit, pending).await?;
        self.core.metrics.ingests.add(1);
        self.core.metrics.ingested_bytes.add(bytes);
        drop(idle);
        self.core.workers.want_compaction();
        Ok(())
    }

    /// All versions of `range` with `after < begin <= through` that some allowed read can see.
    pub fn versions(
        &self,
        keyspace: KeyspaceId,
        range: KeyRange,
        after: Timestamp,
        through: Timestamp,
    ) -> Result<VersionScan> {
        let view = self.view_newest(Scope::keyspaces([keyspace]));
        // Commits that are staged behind the view may still fail.
        let through = through.min(view.timestamp());
        let retained = self.core.pins.retained(keyspace);
        Ok(VersionScan::new(view, keyspace, &range, (after, through), retained))
    }

    /// The net difference of `range` between two views: `from` is the earlier one.
    ///
    /// # Errors
    /// `Invalid` when `from` is later than `to`; those of [`ReadView::check`].
    pub fn diff(
        &self,
        keyspace: KeyspaceId,
        range: &KeyRange,
        from: &ReadView,
        to: &ReadView,
    ) -> Result<DiffScan> {
        Ok(DiffScan::new(self.changes(keyspace, range, from, to)?))
    }

    /// As [`Self::diff`], for columns of the rows: which rows the keys had that were written in between.
    ///
    /// # Errors
    /// As [`Self::diff`].
    pub fn changes(
        &self,
        keyspace: KeyspaceId,
        range: &KeyRange,
        from: &ReadView,
        to: &ReadView,
    ) -> Result<ChangeScan> {
        if from.timestamp() > to.timestamp() {
            return Err(Error::Invalid("a diff goes from an earlier to a later moment".into()));
        }
        from.check(keyspace)?;
        to.check(keyspace)?;
        Ok(ChangeScan::new(from.clone(), to.clone(), keyspace, range))
    }

    /// Writes all memtables to tables. Durable and published on return.
    ///
    /// # Errors
    /// `Unavailable`: nothing is lost, the memtables stay.
    pub async fn flush(&self) -> Result<()> {
        self.core.check_writable()?;
        self.core.freeze_active()?;
        self.core.flush_frozen().await
    }

    /// Raises horizons, flushes, and rewrites every keyspace that holds garbage or more than one run; what
    /// has ended moves to history, and each group of that becomes one run.
    ///
    /// # Errors
    /// `Unavailable`: what was done so far stays, nothing is lost.
    ///
    /// # Cancel safety
    /// A dropped future leaves only unreferenced files.
    pub async fn compact(&self) -> Result<()> {
        self.raise_horizons().await?;
        self.flush().await?;
        self.core.compact_all().await
    }

    /// Compacts as far as the shape of the trees asks for it, as background work does.
    ///
    /// # Errors
    /// `Unavailable`: what was done so far stays, nothing is lost.
    pub async fn compact_to_shape(&self) -> Result<()> {
        self.flush().await?;
        self.core.compact_while_needed().await
    }

    /// Raises the horizons as far as retention and the clock ask for. Durable on return.
    ///
    /// # Errors
    /// `Unavailable`: nothing changed.
    pub async fn raise_horizons(&self) -> Result<()> {
        self.core.check_writable()?;
        if self.core.horizons_can_rise() {
            self.core.publish(Edit { raise_horizons: true, ..Edit::default() }).await?;
        }
        self.core.workers.want_compaction();
        Ok(())
    }

    /// Deletes objects that nothing references.
    ///
    /// # Errors
    /// `Unavailable`: some objects may be left for the next call. `Fenced`: another writer took over.
    pub async fn collect(&self) -> Result<CollectReport> {
        self.core.collect().await
    }

    /// The state that is durable: every keyspace with its runs and files. Immutable, however long it is held.
    pub fn manifest(&self) -> Arc<Manifest> {
        Arc::clone(&self.core.versions.current().manifest)
    }

    /// Use of space in each keyspace: what each of `holders` refers to, what each would free if it alone were
    /// dropped, and what all of `dropped` (by their place in `holders`) would free together. Counts versions
    /// exactly; bytes are shares of pages. Deletions do not count. Judged by the horizons as they are; see
    /// [`Self::raise_horizons`].
    ///
    /// # Errors
    /// `Corrupt` or `Unavailable` when a page cannot be read.
    ///
    /// # Cost
    /// A look at the statistics of every page. Keys and lifetimes, without the values, are read of pages
    /// whose versions a holder's moment or the horizon parts, and of pages that share keys with a newer run.
    ///
    /// # Cancel safety
    /// Nothing is changed.
    pub async fn space(&self, holders: &[Holder], dropped: &BTreeSet<usize>) -> Result<Vec<KeyspaceSpace>> {
        self.core.space(holders, dropped).await
    }

    /// Figures of the engine now.
    ///
    /// # Cost
    /// A look at every file that is open, none at storage.
    pub fn stats(&self) -> EngineStats {
        EngineStats::of(&self.core)
    }

    /// Reads every byte of every file that the current state names and checks each by itself;
    /// [`crate::check`] looks at more, of a database that nobody has open.
    ///
    /// # Errors
    /// `Corrupt` naming the first damaged file.
    pub async fn verify(&self) -> Result<()> {
        let state = self.core.versions.current();
        for tree in state.trees.values() {
            for table in tree.tables() {
                table.verify(self.env().tasks.as_ref()).await?;
            }
        }
        Ok(())
    }

    /// The oldest moment that can still be read in some keyspace: a horizon or a pin.
    pub fn oldest_readable(&self) -> Timestamp {
        self.core.pins.oldest_readable()
    }

    /// The oldest pin, of any scope.
    pub fn oldest_pin(&self) -> Option<Timestamp> {
        self.core.pins.oldest()
    }
}
