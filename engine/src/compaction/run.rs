//! Carries out compaction jobs.

use std::sync::Arc;

use crate::{
    Result,
    compaction::{Job, pick, pick_all},
    garbage::Sieve,
    read::{
        KeyRange, VersionMerge,
        source::{PageFilter, Source},
    },
    shared::Shared,
    state::{Edit, Replacement},
    types::{Kind, VersionRef},
    write::RunWriter,
};

/// Versions after which other tasks get a turn.
const VERSIONS_PER_TURN: u64 = if cfg!(feature = "testing") { 8 } else { 4_096 };

impl Shared {
    /// Compacts until the picker is satisfied. Calls at the same time wait for each other.
    pub(crate) async fn compact_while_needed(self: &Arc<Self>) -> Result<()> {
        let _one_at_a_time = self.compacting.lock().await;
        while let Some(job) = self.pick_job() {
            self.run_compaction(&job).await?;
            self.progress.notify_waiters();
        }
        Ok(())
    }

    /// Rewrites every keyspace in which something can be won into its last level.
    pub(crate) async fn compact_all(self: &Arc<Self>) -> Result<()> {
        let _one_at_a_time = self.compacting.lock().await;
        let keyspaces: Vec<_> = self.state.read().trees.keys().copied().collect();
        for keyspace in keyspaces {
            let tree = self.state.read().trees.get(&keyspace).cloned();
            if let Some(job) = tree.and_then(|tree| pick_all(keyspace, &tree, &self.retained(keyspace))) {
                self.run_compaction(&job).await?;
                self.progress.notify_waiters();
            }
        }
        Ok(())
    }

    fn pick_job(&self) -> Option<Job> {
        let state = Arc::clone(&self.state.read());
        // The keyspace with most runs at level 0 first.
        let mut trees: Vec<_> = state.trees.iter().collect();
        trees.sort_by_key(|(id, tree)| (std::cmp::Reverse(tree.level0.len()), **id));
        trees.into_iter().find_map(|(id, tree)| pick(*id, tree, &self.retained(*id), &self.options))
    }

    async fn run_compaction(self: &Arc<Self>, job: &Job) -> Result<()> {
        let removed = job.files().collect();
        if job.is_move {
            let tables = job.inputs.iter().flat_map(|run| run.tables()).cloned().collect();
            let replaced = Replacement { keyspace: job.keyspace, removed, to_level: job.to_level, tables };
            return self.publish(Edit { replaced: Some(replaced), ..Edit::default() }).await;
        }
        // Captured once: pins that come later are at or above the horizon, or at moments that are pinned already.
        let retained = self.retained(job.keyspace);
        let sources = job
            .inputs
            .iter()
            .map(|run| Source::run(Arc::clone(run), KeyRange::all(), false, PageFilter::All).passing_by())
            .collect();
        let mut merge = VersionMerge::new(sources);
        let mut writer = RunWriter::new(Arc::clone(self), job.keyspace);
        let mut sieve = Sieve::new(&retained, job.oldest_in_sight);
        let mut versions = 0;
        while merge.advance().await? {
            if merge.is_new_key() {
                sieve.begin_key();
            }
            let verdict = sieve.pass(merge.lifetime(), merge.kind());
            if let Some((begin, end)) = verdict.delete {
                let key = merge.key();
                writer.push(VersionRef { key, begin, end, kind: Kind::Delete, value: &[] }).await?;
            }
            if verdict.is_kept {
                writer.push(merge.version()).await?;
            }
            versions += 1;
            if versions % VERSIONS_PER_TURN == 0 {
                self.check_writable()?;
                self.env.tasks.yield_now().await;
            }
        }
        let (files, _pending) = writer.finish().await?;
        let tables = self.open_tables(&files).await?;
        let written: u64 = files.iter().map(|file| file.len).sum();
        self.metrics.compactions.add(1);
        self.metrics.compaction_read_bytes.add(job.bytes());
        self.metrics.compaction_written_bytes.add(written);
        let replaced = Replacement { keyspace: job.keyspace, removed, to_level: job.to_level, tables };
        self.publish(Edit { replaced: Some(replaced), ..Edit::default() }).await
    }
}
