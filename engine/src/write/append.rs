//! The append: log, memtable, publish.

use std::sync::Arc;

use bytes::Bytes;
use futures::FutureExt;

use crate::{
    Error, Result, StampedBatch,
    core::Core,
    manifest,
    memtable::Memtable,
    state::{Frozen, State},
    types::{Durability, KEY_BYTES_MAX, VALUE_BYTES_MAX, Write},
    wal::Log,
};

/// A log segment is closed when it is this many times as long as the memtable may become.
const LOG_MEMTABLES: u64 = 4;

impl Core {
    /// Makes a group of commits durable as asked, then visible. One screen, no await:
    pub(crate) fn append(&self, group: &[StampedBatch<'_>], durability: Durability) -> Result<()> {
        let Some(last) = group.last().map(|commit| commit.at) else { return Ok(()) };
        group.iter().flat_map(|commit| commit.batch.writes()).try_for_each(check_lengths)?;
        let mut log = self.log.lock();
        // Under the lock that a close waits for.
        self.check_writable()?;
        assert!(group[0].at > self.last_timestamp(), "commit timestamps rise from call to call");
        assert!(group.is_sorted_by(|a, b| a.at < b.at), "commit timestamps rise within a group");
        // 1. The log first: what is visible can be recovered, up to the durability that was asked for.
        let logged = log.bytes();
        log.append(group, Durability::Buffered).inspect_err(|error| self.note_failure(error))?;
        self.metrics.log_bytes.add(log.bytes() - logged);
        if durability == Durability::Sync {
            self.timed_sync(&mut log)?;
            self.check_sole_writer()?;
        }
        // 2. The memtable. Readers do not see the entries yet: their timestamps are smaller.
        let active = Arc::clone(&self.versions.current().active);
        for commit in group {
            active.insert_batch(commit.at, commit.batch.writes());
        }
        // 3. Visible.
        self.versions.note_applied(last);
        self.versions.note_published(last);
        self.metrics.commits.add(group.len() as u64);
        self.metrics.group_commits.record(group.len() as u64);
        // 4. A full memtable is frozen, also an empty one when its log is long: commits without writes fill the log alone. Its flush happens in the background. The commit has happened: when the log cannot
        //    go on in a new segment, the memtable grows, and a later commit learns what is wrong with the log.
        let memtable_bytes = self.options.memtable_bytes;
        if active.bytes() >= memtable_bytes || log.bytes() >= LOG_MEMTABLES * memtable_bytes as u64 {
            match self.freeze(&mut log) {
                Ok(()) => self.workers.want_flush(),
                Err(error) => tracing::warn!(%error, "the memtable could not be frozen"),
            }
        }
        Ok(())
    }

    /// Fails when another writer has opened the root, which the lock should have kept from it. What was synced before it did
    /// is in its replay; what was synced after is in nobody's, and must not be acknowledged.
    fn check_sole_writer(&self) -> Result<()> {
        let own = self.versions.current().manifest.id;
        let check = || {
            if !manifest::is_overtaken(&self.storage.root, own)? {
                return Ok(());
            }
            // Or a publication of our own is between storage and memory.
            let newest = manifest::load_newest(&self.storage.root).now_or_never().transpose()?.flatten();
            match newest.map(|newest| newest.manifest.epoch) {
                Some(epoch) if epoch == self.storage.epoch => Ok(()),
                epoch => Err(Error::Fenced { epoch: epoch.unwrap_or(self.storage.epoch + 1) }),
            }
        };
        check().map_err(|error| {
            // The commit is in the log and may come back: nothing can follow it.
            let fatal = match error {
                Error::Fenced { .. } => error,
                other => Error::Poisoned(format!("looking for another writer: {other}")),
            };
            self.note_failure(&fatal);
            fatal
        })
    }

    /// Freezes the active memtable unless it is empty.
    pub(crate) fn freeze_active(&self) -> Result<()> {
        let mut log = self.log.lock();
        if self.versions.current().active.is_empty() { Ok(()) } else { self.freeze(&mut log) }
    }

    fn freeze(&self, log: &mut Log) -> Result<()> {
        let log_after = log.rotate().inspect_err(|error| self.note_failure(error))?;
        self.versions.replace(None, |state| {
            let frozen = Frozen { memtable: Arc::clone(&state.active), log_after };
            let mut next = State::clone(state);
            next.frozen.insert(0, frozen);
            State { active: Arc::new(Memtable::default()), ..next }
        });
        Ok(())
    }

    /// Makes everything appended so far durable.
    pub(crate) fn sync_log(&self) -> Result<()> {
        self.timed_sync(&mut self.log.lock())?;
        self.check_sole_writer()
    }

    fn timed_sync(&self, log: &mut Log) -> Result<()> {
        // Memory has nothing to sync, and its commits are too short to look at a clock twice.
        if !self.storage.root.is_local() {
            return log.sync().inspect_err(|error| self.note_failure(error));
        }
        let clock = &self.env.clock;
        let started = clock.monotonic_micros();
        log.sync().inspect_err(|error| self.note_failure(error))?;
        self.metrics.sync_us.record(clock.monotonic_micros().saturating_sub(started));
        Ok(())
    }
}

/// Refuses what the log could not read back and no table file could hold.
fn check_lengths(write: &Write) -> Result<()> {
    let (key, value) = (write.key.len(), write.value.as_ref().map_or(0, Bytes::len));
    if key > KEY_BYTES_MAX || value > VALUE_BYTES_MAX {
        return Err(Error::Invalid(format!(
            "a write is too long: key={key} max={KEY_BYTES_MAX} value={value} max={VALUE_BYTES_MAX}"
        )));
    }
    Ok(())
}
