//! Carries out compaction jobs.

use std::{collections::BTreeSet, sync::Arc};

use crate::{
    Result,
    compaction::{
        history::HistoryWriter,
        pick, pick_all, pick_history,
        picker::{Job, Work},
        subcompaction::MergeJob,
        throttle::JobThrottle,
    },
    core::{Core, PendingFiles},
    manifest::{FileId, FileMeta},
    pins::Retained,
    read::{Advance, Ahead, HistoryMerge, VersionMerge, source::ForwardSource},
    retention::{Garbage, Lifetime, RetentionFilter},
    sst::{PageFlags, Table},
    state::{Edit, PageFilter, Placement, Replacement, SortedRun, Tree},
    types::{KeyRange, KeyspaceId, Kind, Timestamp, VersionRef},
    write::{OutputPosition, RunWriter},
};

/// Pages that are passed on as they are stored for one that is written smaller than it could be.
const PAGES_PAY: usize = 4;

/// Files that were written and nothing references yet, with the guards that keep them.
pub(super) type MergeOutput = (Vec<(Placement, Vec<FileMeta>)>, Vec<PendingFiles>);

impl Core {
    /// Compacts until the picker is satisfied. Calls at the same time wait for each other.
    pub(crate) async fn compact_while_needed(self: &Arc<Self>) -> Result<()> {
        let _one_at_a_time = self.compaction_turn().await;
        while let Some(job) = self.pick_job() {
            self.run_compaction(job, true).await?;
            self.workers.note_progress();
        }
        Ok(())
    }

    /// Rewrites every keyspace in which something can be won into its last level, and its history into one
    /// run for each group.
    pub(crate) async fn compact_all(self: &Arc<Self>) -> Result<()> {
        let _one_at_a_time = self.compaction_turn().await;
        let keyspaces: Vec<_> = self.versions.current().trees.keys().copied().collect();
        for keyspace in keyspaces {
            if let Some(job) = pick_all(keyspace, &self.tree(keyspace), &self.retained(keyspace)) {
                self.run_compaction(job, false).await?;
                self.workers.note_progress();
            }
            // Files written from here on are as they should be.
            let next = self.storage.next_file();
            let job = || {
                let (tree, retained) = (self.tree(keyspace), self.retained(keyspace));
                pick_history(keyspace, &tree, &retained, &self.options, Some(next))
            };
            while let Some(job) = job() {
                self.run_compaction(job, false).await?;
            }
        }
        Ok(())
    }

    /// The files of a keyspace as they are now; compactions are the only ones to take some away.
    fn tree(&self, keyspace: KeyspaceId) -> Arc<Tree> {
        self.versions.current().trees.get(&keyspace).cloned().unwrap_or_default()
    }

    fn pick_job(&self) -> Option<Job> {
        let state = self.versions.current();
        // The keyspace with most runs at level 0 first.
        let mut trees: Vec<_> = state.trees.iter().collect();
        trees.sort_by_key(|(id, tree)| (std::cmp::Reverse(tree.level0.len()), **id));
        trees.into_iter().find_map(|(id, tree)| pick(*id, tree, &self.retained(*id), &self.options))
    }

    /// `is_throttled`: nobody waits for it.
    async fn run_compaction(self: &Arc<Self>, job: Job, is_throttled: bool) -> Result<()> {
        let job = &Arc::new(job);
        match Box::pin(self.try_compaction(job, is_throttled)).await {
            // Its output was removed. Less is stored when it is done.
            Err(error) if error.is_full() && self.give_back() => {
                Box::pin(self.try_compaction(job, is_throttled)).await
            }
            outcome => outcome,
        }
    }

    async fn try_compaction(self: &Arc<Self>, job: &Arc<Job>, is_throttled: bool) -> Result<()> {
        // Captured once: pins that come later are at or above the horizon, or at moments that are pinned
        // already.
        let retained = &Arc::new(self.retained(job.keyspace));
        let (written, pending) = match job.work {
            Work::Drop => MergeOutput::default(),
            Work::Relocate(place) => {
                return self.replace(job, vec![(place, job.tables().cloned().collect())], Vec::new()).await;
            }
            Work::Merge { .. } => {
                let merging = MergeJob { job: Arc::clone(job), retained: Arc::clone(retained), is_throttled };
                self.merge_by_subcompactions(&merging).await?
            }
            Work::Regroup { newest_pin, to_run } => {
                Box::pin(self.regroup(job, retained, Placement::Run(newest_pin, to_run), is_throttled))
                    .await?
            }
        };
        let mut placed = Vec::with_capacity(written.len());
        for (place, files) in written {
            self.metrics.compaction_written_bytes.add(files.iter().map(|file| file.len).sum());
            placed.push((place, self.storage.open_tables(&files).await?));
        }
        if job.work != Work::Drop {
            self.metrics.compactions.add(1);
            self.metrics.compaction_read_bytes.add(job.bytes());
        }
        self.replace(job, placed, pending).await
    }

    async fn replace(
        self: &Arc<Self>,
        job: &Job,
        placed: Vec<(Placement, Vec<Table>)>,
        pending: Vec<PendingFiles>,
    ) -> Result<()> {
        let removed: BTreeSet<FileId> = job.tables().map(|table| table.meta().id).collect();
        let replaced = Replacement { keyspace: job.keyspace, removed, placed };
        self.publish_files(Edit { replaced: Some(replaced), ..Edit::default() }, pending).await
    }

    /// Rewrites versions of history, each judged by its lifetime. Versions that stay in their group go
    /// `home`.
    async fn regroup(
        self: &Arc<Self>,
        job: &Job,
        retained: &Retained,
        home: Placement,
        is_throttled: bool,
    ) -> Result<MergeOutput> {
        let mut merge = HistoryMerge::new(sources(job, &KeyRange::all(), ForwardSource::history));
        let mut writer = HistoryWriter::new(Arc::clone(self), job.keyspace, retained);
        let mut throttle = JobThrottle::of(job, is_throttled);
        let (mut key, mut begin) = (Vec::new(), Timestamp::OPEN);
        while merge.advance().await? {
            let lifetime = merge.lifetime();
            if merge.key() == key.as_slice() {
                assert!(lifetime.1 <= begin, "H3: lifetimes of a key do not overlap");
            } else {
                key.clear();
                key.extend_from_slice(merge.key());
            }
            begin = lifetime.0;
            if retained.can_see(lifetime.0, lifetime.1) {
                writer.push(merge.version()).await?;
            }
            throttle.pass(1, self).await?;
        }
        let (groups, pending) = writer.finish().await?;
        let place = |newest_pin| match home {
            Placement::Run(pin, _) if pin == newest_pin => home,
            _ => Placement::Group(newest_pin),
        };
        Ok((groups.into_iter().map(|(pin, files)| (place(pin), files)).collect(), pending))
    }
}

/// A merge of runs of the current tier under way, in a range of keys.
pub(super) struct LevelMerge<'j> {
    core: &'j Arc<Core>,
    merge: VersionMerge,
    filter: RetentionFilter<'j>,
    to_level: usize,
    garbage: Garbage,
    writer: RunWriter,
    ended: Option<HistoryWriter<'j>>,
    throttle: JobThrottle,
}

impl<'j> LevelMerge<'j> {
    pub(super) fn new(core: &'j Arc<Core>, merging: &'j MergeJob, range: KeyRange) -> Self {
        let MergeJob { job, retained, is_throttled } = merging;
        let Work::Merge { to_level, garbage } = job.work else {
            unreachable!("a job of the current tier is a merge");
        };
        let new = if garbage == Garbage::Keep { RunWriter::new } else { RunWriter::dense };
        let ended = || HistoryWriter::new(Arc::clone(core), job.keyspace, retained);
        Self {
            core,
            merge: VersionMerge::new(sources(job, &range, ForwardSource::run)),
            filter: RetentionFilter::new(retained, garbage),
            to_level,
            garbage,
            writer: new(Arc::clone(core), job.keyspace),
            ended: (garbage == Garbage::MoveEnded).then(ended),
            throttle: JobThrottle::of(job, *is_throttled),
        }
    }

    pub(super) async fn run(mut self) -> Result<MergeOutput> {
        // Key of the delete that waits in the filter.
        let mut waiting = Vec::new();
        loop {
            let rule = PageCopyRule { output: self.writer.position(), garbage: self.garbage };
            let advance = self.merge.advance_or_pass(|ahead| rule.copies(ahead)).await?;
            if !matches!(advance, Advance::Version) || self.merge.is_new_key() {
                let delete = self.filter.begin_key();
                self.keep_delete(&waiting, delete).await?;
            }
            match advance {
                Advance::Version => {}
                Advance::Page(table, page) => {
                    Box::pin(self.writer.push_page(&table, page)).await?;
                    self.core.metrics.compaction_passed_pages.add(1);
                    self.throttle.pass(table.index().rows(page) as u64, self.core).await?;
                    continue;
                }
                Advance::End => break,
            }
            let verdict = self.filter.pass(self.merge.lifetime(), self.merge.kind());
            self.keep_delete(&waiting, verdict.delete).await?;
            if verdict.is_kept {
                let version = self.merge.version();
                match &mut self.ended {
                    Some(ended) if version.kind == Kind::Put && version.end != Timestamp::OPEN => {
                        ended.push(version).await?;
                    }
                    _ => self.writer.push(version).await?,
                }
            }
            if self.filter.is_waiting() {
                waiting.clear();
                waiting.extend_from_slice(self.merge.key());
            }
            self.throttle.pass(1, self.core).await?;
        }
        Box::pin(self.finish()).await
    }

    /// Writes a delete that waited in the filter, if it is kept.
    async fn keep_delete(&mut self, key: &[u8], delete: Option<Lifetime>) -> Result<()> {
        let Some((begin, end)) = delete else { return Ok(()) };
        self.writer.push(VersionRef { key, begin, end, kind: Kind::Delete, value: &[] }).await
    }

    async fn finish(self) -> Result<MergeOutput> {
        let (files, pending) = self.writer.finish().await?;
        let (mut placed, mut guards) = (vec![(Placement::Level(self.to_level), files)], vec![pending]);
        if let Some(ended) = self.ended {
            let (groups, pending) = ended.finish().await?;
            placed
                .extend(groups.into_iter().map(|(newest_pin, files)| (Placement::Group(newest_pin), files)));
            guards.extend(pending);
        }
        Ok((placed, guards))
    }
}

/// Which pages go to the output as they are stored.
struct PageCopyRule<'w> {
    output: OutputPosition<'w>,
    garbage: Garbage,
}

impl PageCopyRule<'_> {
    /// Whether nothing happens to the page, and it is worth to end the open page in front of it.
    fn copies(&self, ahead: &Ahead<'_>) -> bool {
        let pays = || {
            (ahead.page..ahead.page + PAGES_PAY).all(|page| ahead.is_free(page) && self.stays(ahead, page))
        };
        self.stays(ahead, ahead.page) && self.output.takes(ahead.table, ahead.page, pays)
    }

    /// Whether no version of a page can close, go, or move to history, whose keys no other source has.
    fn stays(&self, ahead: &Ahead<'_>, page: usize) -> bool {
        let PageFlags { all_open, all_put, unique_keys } = ahead.table.index().flags(page);
        all_open && unique_keys && (all_put || self.garbage == Garbage::Keep)
    }
}

/// All of a job's inputs in a range of keys, to be read once.
fn sources(
    job: &Job,
    range: &KeyRange,
    open: impl Fn(Arc<SortedRun>, KeyRange, PageFilter) -> ForwardSource,
) -> Vec<ForwardSource> {
    let runs = job.inputs.iter().map(Arc::clone);
    runs.map(|run| open(run, range.clone(), PageFilter::All).passing_by()).collect()
}
