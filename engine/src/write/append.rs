//! The append: log, memtable, visible.
//!
//! ```text
//!   stage      one record of the log, the rows in the active memtable, where no reader looks yet      never suspends
//!   complete   durable, if somebody waits for that ─▶ visible ─▶ a full memtable is frozen            may suspend
//! ```
//!
//! Between the two other groups may be staged. A manifest is never behind what is staged, so that a memtable
//! may be frozen and flushed meanwhile: its files hold rows then that become visible later, or after a
//! restart.

use std::sync::Arc;

use crate::{
    Error, Result, StampedBatch,
    core::Core,
    memtable::Memtable,
    state::{Frozen, State},
    types::{Durability, Timestamp, check_lengths},
    wal::{LogWriter, Staged},
};

/// A log segment is closed when it is this many times as long as the memtable may become.
const LOG_MEMTABLES: u64 = 4;

/// A group of commits whose order and bytes are fixed. It becomes visible by [`StagedGroup::complete`];
/// dropped before, only a reopening tells what became of it, and all writing ends.
#[derive(Debug)]
#[must_use = "a staged group is not visible, and ends all writing when it is dropped"]
pub struct StagedGroup {
    core: Arc<Core>,
    /// The newest commit, and how many there are; none of a group that only waits.
    commits: Option<(Timestamp, usize)>,
    /// Staged groups that must be durable first.
    waits_for: Option<Staged>,
    fills_memtable: bool,
    is_over: bool,
}

impl Core {
    /// Fixes the order and the bytes of a group of commits. One screen, no await:
    pub(crate) fn stage(
        self: &Arc<Self>,
        group: &[StampedBatch<'_>],
        durability: Durability,
    ) -> Result<StagedGroup> {
        let Some(last) = group.last().map(|commit| commit.at) else {
            return Ok(self.staged(None, None, false));
        };
        for write in group.iter().flat_map(|commit| commit.batch.writes()) {
            check_lengths(&write.key, write.value.as_deref())?;
        }
        let mut log = self.log.writer();
        // Under the lock that a close waits for.
        self.check_writable()?;
        assert!(group[0].at > self.versions.newest_applied(), "commit timestamps rise from call to call");
        assert!(group.is_sorted_by(|a, b| a.at < b.at), "commit timestamps rise within a group");
        // 1. The log first: what is visible can be recovered, up to the durability that was asked for.
        let logged = log.bytes();
        let staged = log.stage(group).inspect_err(|error| self.note_failure(error))?;
        self.metrics.log_bytes.add(log.bytes() - logged);
        // 2. The memtable. Readers do not see the entries yet: their timestamps are smaller.
        let state = self.versions.current();
        for commit in group {
            state.active.insert_batch(commit.at, commit.batch.writes());
        }
        self.versions.note_applied(last);
        let waits_for = (durability == Durability::Sync).then_some(staged);
        Ok(self.staged(Some((last, group.len())), waits_for, self.is_full(&state, &log)))
    }

    /// A group without commits: complete when everything that was staged is durable.
    pub(crate) fn stage_sync(self: &Arc<Self>) -> Result<StagedGroup> {
        self.check_writable()?;
        Ok(self.staged(None, Some(self.log.staged()), false))
    }

    fn staged(
        self: &Arc<Self>,
        commits: Option<(Timestamp, usize)>,
        waits_for: Option<Staged>,
        fills_memtable: bool,
    ) -> StagedGroup {
        StagedGroup { core: Arc::clone(self), commits, waits_for, fills_memtable, is_over: false }
    }

    /// Whether the memtable is to be frozen, also an empty one when its log is long: commits without writes
    /// fill the log alone.
    fn is_full(&self, state: &State, log: &LogWriter<'_>) -> bool {
        let memtable_bytes = self.options.memtable_bytes;
        state.active.bytes() >= memtable_bytes || log.bytes() >= LOG_MEMTABLES * memtable_bytes as u64
    }

    /// Freezes the active memtable if it is full still. Its flush happens in the background. The commits have
    /// happened: when the log cannot go on in a new segment, the memtable grows, and a later commit learns
    /// what is wrong with the log.
    fn freeze_full(&self) {
        let mut log = self.log.writer();
        if self.is_full(&self.versions.current(), &log) {
            match self.freeze(&mut log) {
                Ok(()) => self.workers.want_flush(),
                Err(error) => tracing::warn!(%error, "the memtable could not be frozen"),
            }
        }
    }

    /// Freezes the active memtable unless it is empty.
    pub(crate) fn freeze_active(&self) -> Result<()> {
        let mut log = self.log.writer();
        if self.versions.current().active.is_empty() { Ok(()) } else { self.freeze(&mut log) }
    }

    fn freeze(&self, log: &mut LogWriter<'_>) -> Result<()> {
        let log_after = log.rotate().inspect_err(|error| self.note_failure(error))?;
        self.versions.replace(None, |state| {
            let frozen = Frozen { memtable: Arc::clone(&state.active), log_after };
            let mut next = State::clone(state);
            next.frozen.insert(0, frozen);
            State { active: Arc::new(Memtable::default()), ..next }
        });
        Ok(())
    }

    /// Makes everything that was staged so far durable.
    pub(crate) async fn sync_log(self: &Arc<Self>) -> Result<()> {
        self.stage_sync()?.complete().await
    }
}

impl StagedGroup {
    /// Waits until the group is durable, if its durability asks for that, and makes it visible. In memory and
    /// on a directory it is complete when it is first polled.
    ///
    /// # Errors
    /// `Poisoned` and `Fenced`: writing has ended, and the group may or may not be there after reopening.
    ///
    /// # Cancel safety
    /// Dropping the future is dropping the group.
    pub async fn complete(mut self) -> Result<()> {
        // 1. Durable, with everything before it.
        if let Some(staged) = self.waits_for.take() {
            let outcome = staged.durable().await;
            self.is_over = outcome.is_err();
            let took_us = outcome.inspect_err(|error| self.core.note_failure(error))?;
            if let Some(took_us) = took_us {
                self.core.metrics.sync_us.record(took_us);
            }
        }
        self.is_over = true;
        // 2. Visible.
        if let Some((last, commits)) = self.commits {
            self.core.versions.note_published(last);
            self.core.metrics.commits.add(commits as u64);
            self.core.metrics.group_commits.record(commits as u64);
        }
        // 3. Room for the next.
        if self.fills_memtable {
            self.core.freeze_full();
        }
        Ok(())
    }
}

impl Drop for StagedGroup {
    fn drop(&mut self) {
        if !self.is_over && self.commits.is_some() {
            let what = "commits were given up between the log and their acknowledgement";
            self.core.note_failure(&Error::CommitUnknown(what.into()));
        }
    }
}
