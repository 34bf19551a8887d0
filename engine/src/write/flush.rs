//! The flush: a frozen memtable becomes one run for each keyspace that it touches.

use std::sync::Arc;

use futures::{StreamExt, TryStreamExt, stream};

use crate::{
    Result,
    core::{Core, PendingFiles},
    memtable::Memtable,
    retention::{Garbage, RetentionFilter},
    state::{Edit, Flushed, Frozen, NewRun},
    types::{KeyRange, KeyspaceId},
    write::RunWriter,
};

/// Keyspaces that are written side by side where writing waits for requests; each has a file in memory, or a
/// part of one. Elsewhere one at a time.
const KEYSPACES_AT_ONCE: usize = 8;

/// Entries read out of the memtable at a time.
const CHUNK_ROWS: usize = 1_024;

impl Core {
    /// Flushes all frozen memtables, oldest first. Calls at the same time wait for each other.
    pub(crate) async fn flush_frozen(self: &Arc<Self>) -> Result<()> {
        let _one_at_a_time = self.flush_turn().await;
        loop {
            let oldest = self.versions.current().frozen.last().cloned();
            let Some(frozen) = oldest else { return Ok(()) };
            match Box::pin(self.flush_one(&frozen)).await {
                // Its output was removed. A flush is what makes room in the log, and may be what makes it
                // elsewhere.
                Err(error) if error.is_full() && self.give_back() => Box::pin(self.flush_one(&frozen)).await,
                outcome => outcome,
            }?;
            self.workers.note_progress();
        }
    }

    async fn flush_one(self: &Arc<Self>, frozen: &Frozen) -> Result<()> {
        // 1. One run for each keyspace; nothing references its files yet.
        let at_once = if self.storage.root.suspends() { KEYSPACES_AT_ONCE } else { 1 };
        let keyspaces = stream::iter(frozen.memtable.keyspaces());
        let write = |keyspace| self.write_run(&frozen.memtable, keyspace);
        let written: Vec<_> = keyspaces.map(write).buffered(at_once).try_collect().await?;
        let (runs, guards): (Vec<NewRun>, Vec<PendingFiles>) = written.into_iter().unzip();
        // 2. Commits by which the log is cut are acknowledged first: as they are already where a group is
        //    durable when it is staged.
        if frozen.memtable.newest() > self.last_timestamp() {
            self.sync_log().await?;
        }
        // 3. One edit publishes the runs together with the log position behind them.
        let flushed = Flushed { memtable: Arc::clone(&frozen.memtable), log_after: frozen.log_after };
        let bytes = runs.iter().flat_map(|run| &run.tables).map(|table| table.meta().len).sum();
        let edit = Edit { runs, flushed: Some(flushed), raise_horizons: true, ..Edit::default() };
        self.publish_files(edit, guards).await?;
        self.metrics.flushes.add(1);
        self.metrics.flushed_bytes.add(bytes);
        // 4. The log segments before that position are not needed any more. Failing to remove them loses
        //    nothing: the next flush tries again.
        if let Err(error) = crate::wal::delete_before(&self.storage.root, frozen.log_after).await {
            tracing::warn!(%error, "log segments that are covered by tables could not be removed");
        }
        self.workers.want_compaction();
        Ok(())
    }

    async fn write_run(
        self: &Arc<Self>,
        memtable: &Memtable,
        keyspace: KeyspaceId,
    ) -> Result<(NewRun, PendingFiles)> {
        let (files, pending) = self.write_memtable(memtable, keyspace).await?;
        let tables = self.storage.open_tables(&files).await?;
        Ok((NewRun { keyspace, tables }, pending))
    }

    async fn write_memtable(
        self: &Arc<Self>,
        memtable: &Memtable,
        keyspace: KeyspaceId,
    ) -> Result<(Vec<crate::manifest::FileMeta>, PendingFiles)> {
        let retained = self.retained(keyspace);
        let mut writer = RunWriter::new(Arc::clone(self), keyspace);
        // Older versions may be in tables, so no delete waits in the filter for what is below it.
        let mut filter = RetentionFilter::new(&retained, Garbage::Keep);
        let mut last = None;
        loop {
            let chunk = memtable.forward(keyspace, &KeyRange::all(), last.as_ref(), CHUNK_ROWS);
            for version in &chunk {
                if filter.pass((version.begin, version.end), version.kind).is_kept {
                    writer.push(version.as_ref()).await?;
                }
            }
            let Some(behind) = chunk.into_iter().next_back() else { break };
            last = Some(behind);
            self.env.tasks.yield_now().await;
        }
        writer.finish().await
    }
}
