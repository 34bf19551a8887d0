//! Turns of flush and compaction, and publications that outlive their callers.
//!
//! Where requests suspend, a publication runs as a task of the engine: the caller that asked for it waits
//! for the outcome, and may go away. The turn of that caller ends then, before the files that it replaced are
//! in the state. So a turn begins only when no manifest is being published: whoever has one sees a state to
//! which nothing is under way.

use std::sync::Arc;

use futures::future::BoxFuture;
use tokio::sync::{MutexGuard, oneshot};

use super::{Core, maintenance::caught};
use crate::{Error, Result};

impl Core {
    /// Waits for the turn to flush.
    pub(crate) async fn flush_turn(&self) -> MutexGuard<'_, ()> {
        let turn = self.workers.flush_turn().await;
        drop(self.versions.publication().await);
        turn
    }

    /// Waits for the turn to compact.
    pub(crate) async fn compaction_turn(&self) -> MutexGuard<'_, ()> {
        let turn = self.workers.compaction_turn().await;
        drop(self.versions.publication().await);
        turn
    }

    /// The turn to compact, unless a compaction or a publication is under way.
    pub(crate) fn try_compaction_turn(&self) -> Option<MutexGuard<'_, ()>> {
        self.workers.try_compaction_turn().filter(|_| self.versions.is_quiet())
    }

    /// Runs `work` to its end, whether or not the caller waits for it, where its requests suspend. On a
    /// directory and in memory there is nothing to wait for, and no task.
    pub(crate) async fn to_the_end(
        self: &Arc<Self>,
        what: &'static str,
        work: BoxFuture<'static, Result<()>>,
    ) -> Result<()> {
        if !self.storage.root.suspends() || !self.env.tasks.is_background() {
            return work.await;
        }
        let (answer, outcome) = oneshot::channel();
        let core = Arc::clone(self);
        let task = async move {
            let outcome = caught(what, work).await.inspect_err(|error| core.note_failure(error));
            // The caller may have gone.
            let _ = answer.send(outcome);
        };
        self.env.tasks.spawn(what, Box::pin(task));
        outcome.await.unwrap_or_else(|_| {
            let error = Error::CommitUnknown(format!("the program ended: {what}"));
            self.note_failure(&error);
            Err(error)
        })
    }
}
