//! The workers of one open engine, flush and compaction: their turns, their wake-ups, their rate, and why
//! writing has ended.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicBool, Ordering},
};

use tokio::sync::{Mutex, MutexGuard, Notify, futures::Notified};

use super::rate_limiter::RateLimiter;
use crate::{Error, Result};

/// See the module documentation.
#[derive(Debug, Default)]
pub(crate) struct Workers {
    /// One flush at a time.
    flushing: Mutex<()>,
    /// One compaction at a time.
    compacting: Mutex<()>,
    flush_wanted: Arc<Notify>,
    compaction_wanted: Arc<Notify>,
    /// Flush or compaction got a step further.
    progress: Notify,
    /// Limit of the rate at which compactions in the background read.
    pub(crate) rate: RateLimiter,
    /// Durable pins are known: garbage may be collected.
    started: AtomicBool,
    closed: AtomicBool,
    /// Why nothing may be written any more.
    failure: OnceLock<Error>,
    /// The last background run failed.
    background_failed: AtomicBool,
}

impl Workers {
    /// Waits for the turn to flush.
    pub(crate) async fn flush_turn(&self) -> MutexGuard<'_, ()> {
        self.flushing.lock().await
    }

    /// Waits for the turn to compact.
    pub(crate) async fn compaction_turn(&self) -> MutexGuard<'_, ()> {
        self.compacting.lock().await
    }

    /// The turn to compact, unless a compaction is under way.
    pub(crate) fn try_compaction_turn(&self) -> Option<MutexGuard<'_, ()>> {
        self.compacting.try_lock().ok()
    }

    /// Notifies who flushes.
    pub(crate) fn flush_wanted(&self) -> &Arc<Notify> {
        &self.flush_wanted
    }

    /// Notifies who compacts.
    pub(crate) fn compaction_wanted(&self) -> &Arc<Notify> {
        &self.compaction_wanted
    }

    pub(crate) fn want_flush(&self) {
        self.flush_wanted.notify_one();
    }

    pub(crate) fn want_compaction(&self) {
        self.compaction_wanted.notify_one();
    }

    /// Wakes both tasks, to work or to find out that they are to end.
    pub(crate) fn wake(&self) {
        self.want_flush();
        self.want_compaction();
    }

    /// Completes at the next step of flush or compaction, or when writing ends.
    pub(crate) fn progress(&self) -> Notified<'_> {
        self.progress.notified()
    }

    pub(crate) fn note_progress(&self) {
        self.progress.notify_waiters();
    }

    /// Allows garbage to be collected; false when it was allowed before.
    pub(crate) fn start(&self) -> bool {
        !self.started.swap(true, Ordering::AcqRel)
    }

    /// Whether garbage may be collected.
    pub(crate) fn is_started(&self) -> bool {
        self.started.load(Ordering::Acquire)
    }

    /// Refuses writes from now on, and ends the background tasks.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.wake();
        self.note_progress();
    }

    /// Ends all writing, for this reason unless there was one before.
    pub(crate) fn fail(&self, error: &Error) {
        let _ = self.failure.set(error.clone());
        self.note_progress();
    }

    /// Fails when writing has ended.
    ///
    /// # Errors
    /// The failure that ended it; `Closed`.
    pub(crate) fn check(&self) -> Result<()> {
        match self.failure.get() {
            Some(error) => Err(error.clone()),
            None if self.closed.load(Ordering::Acquire) => Err(Error::Closed),
            None => Ok(()),
        }
    }

    /// Says that background work has failed: whoever waits for it tries itself, and learns why.
    pub(crate) fn note_background_failure(&self) {
        self.background_failed.store(true, Ordering::Release);
        self.note_progress();
    }

    /// Whether background work has failed since the last call.
    pub(crate) fn take_background_failure(&self) -> bool {
        self.background_failed.swap(false, Ordering::AcqRel)
    }
}
