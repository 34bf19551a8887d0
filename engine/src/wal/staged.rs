//! The log of one writer, and the groups that it has staged.

use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};

use super::{LocalLog, StampedBatch};
use crate::{
    Error, Result,
    env::WallClock,
    manifest,
    store::Root,
    types::{Durability, LogPosition},
};

/// The log of one writer. Clones are the same log.
#[derive(Clone, Debug)]
pub(crate) struct Log {
    shared: Arc<LogShared>,
}

#[derive(Debug)]
struct LogShared {
    kind: Mutex<LogKind>,
    root: Root,
    epoch: u64,
    clock: Arc<dyn WallClock>,
    /// Tests hold up what is staged, as a log does whose stores are requests.
    #[cfg(any(test, feature = "testing"))]
    gate: crate::testing::Gate,
}

#[derive(Debug)]
enum LogKind {
    /// Keeps nothing; the position counts on.
    Memory(LogPosition),
    Local(LocalLog),
}

/// The right to stage groups and to start segments; a lock.
#[derive(Debug)]
pub(crate) struct LogWriter<'l> {
    log: &'l Log,
    kind: MutexGuard<'l, LogKind>,
}

/// Groups whose order and bytes are fixed: everything that was staged by then.
#[derive(Debug)]
#[must_use = "what is staged is not durable yet"]
pub(crate) struct Staged {
    /// None where nothing is kept.
    log: Option<Log>,
}

impl Log {
    /// A log that keeps nothing: of a root in memory, or of a reader.
    pub(crate) fn memory(epoch: u64, clock: Arc<dyn WallClock>) -> Self {
        Self::new(LogKind::Memory(LogPosition::first(epoch)), Root::memory(), epoch, clock)
    }

    /// The log of a directory.
    pub(crate) fn local(local: LocalLog, root: Root, clock: Arc<dyn WallClock>) -> Self {
        let epoch = local.position().epoch;
        Self::new(LogKind::Local(local), root, epoch, clock)
    }

    fn new(kind: LogKind, root: Root, epoch: u64, clock: Arc<dyn WallClock>) -> Self {
        let shared = LogShared {
            kind: Mutex::new(kind),
            root,
            epoch,
            clock,
            #[cfg(any(test, feature = "testing"))]
            gate: crate::testing::Gate::default(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Waits for whoever writes to the log.
    pub(crate) fn writer(&self) -> LogWriter<'_> {
        LogWriter { log: self, kind: self.shared.kind.lock() }
    }

    /// Everything that was staged so far.
    pub(crate) fn staged(&self) -> Staged {
        self.writer().staged()
    }

    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn gate(&self) -> &crate::testing::Gate {
        &self.shared.gate
    }

    /// Fails when another writer has opened the root, which the lock should have kept from it. `own` is the
    /// newest manifest of this writer that the log knows of.
    ///
    /// # Errors
    /// `Fenced`; `Poisoned` when it cannot be told: the commits are in the log and may come back, so nothing
    /// can follow them.
    async fn check_sole_writer(&self, own: u64) -> Result<()> {
        let LogShared { root, epoch, .. } = self.shared.as_ref();
        let check = async {
            if !manifest::is_overtaken(root, own)? {
                return Ok(());
            }
            // Or a publication of our own is between storage and the log.
            let newest = manifest::load_newest(root).await?;
            match newest.map(|newest| newest.manifest.epoch) {
                Some(newest) if newest == *epoch => Ok(()),
                newest => Err(Error::Fenced { epoch: newest.unwrap_or(epoch + 1) }),
            }
        };
        check.await.map_err(|error| match error {
            Error::Fenced { .. } => error,
            other => Error::Poisoned(format!("looking for another writer: {other}")),
        })
    }
}

impl LogWriter<'_> {
    /// Fixes the order and the bytes of a group of commits.
    ///
    /// # Errors
    /// As [`LocalLog::append`]: nothing is staged.
    pub(crate) fn stage(&mut self, group: &[StampedBatch<'_>]) -> Result<Staged> {
        if let LogKind::Local(log) = &mut *self.kind {
            log.append(group, Durability::Buffered)?;
        }
        Ok(self.staged())
    }

    fn staged(&self) -> Staged {
        let is_kept = matches!(&*self.kind, LogKind::Local(_));
        Staged { log: is_kept.then(|| self.log.clone()) }
    }

    /// See [`LocalLog::note_manifest`].
    pub(crate) fn note_manifest(&mut self, manifest: u64) -> Result<()> {
        match &mut *self.kind {
            LogKind::Memory(_) => Ok(()),
            LogKind::Local(log) => log.note_manifest(manifest),
        }
    }

    /// Makes everything so far durable and starts a new segment; returns its position.
    ///
    /// # Errors
    /// As [`LocalLog::rotate`].
    pub(crate) fn rotate(&mut self) -> Result<LogPosition> {
        match &mut *self.kind {
            LogKind::Memory(position) => {
                position.sequence += 1;
                Ok(*position)
            }
            LogKind::Local(log) => log.rotate(),
        }
    }

    /// Gives the disk back what the log has taken ahead; false where that is nothing.
    pub(crate) fn give_back(&mut self) -> Result<bool> {
        match &mut *self.kind {
            LogKind::Memory(_) => Ok(false),
            LogKind::Local(log) => log.give_back(),
        }
    }

    /// Bytes of the current segment; 0 where nothing is kept.
    pub(crate) fn bytes(&self) -> u64 {
        match &*self.kind {
            LogKind::Memory(_) => 0,
            LogKind::Local(log) => log.bytes(),
        }
    }
}

impl Staged {
    /// Waits until the groups are stored for sure, and makes sure that this is still the only writer. Returns
    /// how long the storage took, in microseconds; none where nothing is kept, and commits are too short to
    /// look at a clock twice.
    ///
    /// # Errors
    /// `Poisoned`, `Fenced`: the log takes nothing more.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing: the groups stay staged, and may become durable or not.
    pub(crate) async fn durable(&self) -> Result<Option<u64>> {
        let Some(log) = &self.log else { return Ok(None) };
        #[cfg(any(test, feature = "testing"))]
        log.shared.gate.pass().await;
        let Some((took, newest)) = log.sync()? else { return Ok(None) };
        log.check_sole_writer(newest).await?;
        Ok(Some(took))
    }
}

impl Log {
    /// Syncs the log of a directory: how long it took, and the newest manifest that the log knows of.
    fn sync(&self) -> Result<Option<(u64, u64)>> {
        let LogKind::Local(log) = &mut *self.shared.kind.lock() else { return Ok(None) };
        let clock = &self.shared.clock;
        let started = clock.monotonic_micros();
        log.sync()?;
        Ok(Some((clock.monotonic_micros().saturating_sub(started), log.manifest())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        KeyspaceId, Timestamp, WriteBatch,
        testing::ManualClock,
        wal::{ReplayEnd, replay},
    };

    #[tokio::test]
    async fn a_root_in_memory_has_a_log_that_keeps_nothing() {
        let log = Log::memory(4, ManualClock::at(1));
        let mut batch = WriteBatch::new();
        batch.put(KeyspaceId::FIRST_USER, "k", "v");
        let group = [StampedBatch { at: Timestamp::FIRST, batch: &batch }];
        let staged = log.writer().stage(&group).unwrap();
        assert_eq!(staged.durable().await.unwrap(), None);
        assert_eq!(log.writer().rotate().unwrap(), LogPosition { epoch: 4, sequence: 2 });
        assert_eq!(log.writer().bytes(), 0);
        let bounds = crate::types::LogBounds::from(LogPosition::first(1));
        let end = replay(&Root::memory(), bounds, |_, _| Ok(())).await.unwrap();
        assert_eq!(end, ReplayEnd::default());
    }
}
