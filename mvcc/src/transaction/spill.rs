//! Writes of a transaction on their way from memory into files.

use std::sync::Arc;

use bygone_engine::{
    IngestOptions, IngestedRun,
    types::{KeyspaceId, Write},
};
use parking_lot::Mutex;

use super::{Transaction, TransactionState, level::Level, writes::Position};
use crate::{Error, Result};

impl Transaction {
    /// Writes the rows of all but the system's keyspaces into files, if they take more than so many bytes in
    /// memory; see [`Self::spill`]. A row counts for 160 bytes more than its key and value have.
    ///
    /// # Errors
    /// As [`Self::spill`].
    ///
    /// # Cancel safety
    /// As [`Self::spill`].
    pub async fn spill_beyond(&self, bytes: usize) -> Result<()> {
        let in_memory: usize = {
            let state = self.live()?;
            let writes = state.level.writes.lock();
            writes.keyspaces().filter(|id| !id.is_system()).map(|id| writes.bytes_of(id)).sum()
        };
        if in_memory <= bytes {
            return Ok(());
        }
        Box::pin(self.spill(|keyspace| !keyspace.is_system())).await
    }

    /// Writes what was written into keyspaces of which `is_chosen` is true into files that nobody else sees,
    /// and forgets it in memory but for what a savepoint needs. The transaction reads them like its other
    /// writes; they become visible with its commit, and are left to the collector otherwise.
    ///
    /// # Errors
    /// [`Error::ReadOnly`], [`Error::Finished`]; [`Error::Conflict`] when the transaction must be run again;
    /// the engine's. Nothing is lost.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the writes where they are.
    pub async fn spill(&self, is_chosen: impl Fn(KeyspaceId) -> bool) -> Result<()> {
        loop {
            let (level, position, keyspaces) = {
                let state = self.writable()?;
                let writes = state.level.writes.lock();
                let keyspaces: Vec<_> = writes.keyspaces().filter(|keyspace| is_chosen(*keyspace)).collect();
                (Arc::clone(&state.level), writes.end(), keyspaces)
            };
            if keyspaces.is_empty() {
                return Ok(());
            }
            let mut runs = Vec::with_capacity(keyspaces.len());
            for keyspace in keyspaces {
                let writes: Vec<Write> = level.writes.lock().of_keyspace(keyspace).cloned().collect();
                runs.push(self.run_of(keyspace, &writes).await?);
            }
            if self.advance((&level, position), runs).await? {
                return Ok(());
            }
        }
    }

    /// Adds files to what was written, above all writes so far.
    ///
    /// # Errors
    /// As [`Self::spill`].
    ///
    /// # Cancel safety
    /// Dropping the future adds nothing.
    pub async fn add_run(&self, run: IngestedRun) -> Result<()> {
        loop {
            self.spill(|keyspace| keyspace == run.keyspace()).await?;
            let (level, position) = {
                let state = self.writable()?;
                let position = state.level.writes.lock().end();
                (Arc::clone(&state.level), position)
            };
            if self.advance((&level, position), vec![run.clone()]).await? {
                return Ok(());
            }
        }
    }

    pub(super) async fn run_of(&self, keyspace: KeyspaceId, writes: &[Write]) -> Result<IngestedRun> {
        let mut ingest = self.store.engine().ingest(keyspace, IngestOptions::default());
        for write in writes {
            ingest.push(&write.key, write.value.as_deref()).await?;
        }
        Ok(ingest.finish().await?)
    }

    /// Makes the level above `runs`, which hold all that was in memory of their keyspaces; false when
    /// something was written meanwhile.
    async fn advance(
        &self,
        (level, position): (&Arc<Level>, Position),
        added: Vec<IngestedRun>,
    ) -> Result<bool> {
        let (mut view, mut runs) = (level.view.clone(), level.runs.clone());
        let mut keyspaces = Vec::with_capacity(added.len());
        for run in added {
            let keyspace = run.keyspace();
            let over = self.store.engine().view_over(&view, &run).await?;
            view = over.ok_or(Error::Conflict { keyspace, key: None })?;
            runs.entry(keyspace).or_default().push(run);
            keyspaces.push(keyspace);
        }
        let mut state = self.writable()?;
        if !Arc::ptr_eq(&state.level, level) || level.writes.lock().end() != position {
            return Ok(false);
        }
        let rest = level.writes.lock().without(|keyspace| keyspaces.contains(&keyspace));
        state.trim_savepoints(level);
        state.level = Arc::new(Level { view, runs, writes: Mutex::new(rest) });
        state.count_retained();
        Ok(true)
    }
}

impl TransactionState {
    /// Savepoints in a level that is left behind need the writes before the last of them only.
    fn trim_savepoints(&mut self, level: &Arc<Level>) {
        let mut of_level: Vec<_> =
            self.savepoints.iter_mut().filter(|(_, at)| Arc::ptr_eq(&at.level, level)).collect();
        let Some(last) = of_level.iter().map(|(_, at)| at.position).max() else { return };
        let trimmed = level.up_to(last);
        for (_, at) in &mut of_level {
            at.level = Arc::clone(&trimmed);
        }
    }

    /// Counts what savepoints hold in levels that were left behind.
    pub(super) fn count_retained(&mut self) {
        let mut levels: Vec<&Arc<Level>> = self.savepoints.iter().map(|(_, at)| &at.level).collect();
        levels.dedup_by(|a, b| Arc::ptr_eq(a, b));
        levels.retain(|level| !Arc::ptr_eq(level, &self.level));
        self.retained = levels.iter().map(|level| level.writes.lock().bytes()).sum();
    }
}
