//! The background tasks of an engine.

use std::sync::{Arc, Weak};

use futures::FutureExt;

use super::Core;
use crate::{Error, Result};

impl Core {
    /// Starts background work; see [`crate::Engine::start_maintenance`].
    pub(crate) fn start_maintenance(self: &Arc<Self>) {
        let is_first = self.workers.start();
        if !is_first || self.storage.read_only || !self.env.tasks.is_background() {
            return;
        }
        let weak = Arc::downgrade(self);
        let wanted = Arc::clone(self.workers.flush_wanted());
        self.env.tasks.spawn(
            "flush",
            Box::pin(async move {
                while let Some(core) = next_turn(&weak, &wanted).await {
                    let outcome = caught("flush", Box::pin(core.flush_frozen())).await;
                    core.note_background("flush", outcome);
                }
            }),
        );
        let weak = Arc::downgrade(self);
        let wanted = Arc::clone(self.workers.compaction_wanted());
        self.env.tasks.spawn(
            "compaction",
            Box::pin(async move {
                while let Some(core) = next_turn(&weak, &wanted).await {
                    let outcome = core.compact_while_needed().await;
                    core.note_background("compaction", outcome);
                }
            }),
        );
        self.workers.wake();
    }

    fn note_background(&self, what: &'static str, outcome: Result<()>) {
        match outcome {
            Ok(()) | Err(Error::Closed) => {}
            Err(error) => {
                tracing::error!(%error, what, "background work failed");
                self.note_failure(&error);
                self.workers.note_background_failure();
            }
        }
    }
}

/// Turns a broken assertion of background work into an error that ends all writing: what is durable stays,
/// readers go on.
pub(super) async fn caught(what: &str, work: impl Future<Output = Result<()>>) -> Result<()> {
    let outcome = std::panic::AssertUnwindSafe(work).catch_unwind().await;
    outcome
        .unwrap_or_else(|_| Err(Error::Poisoned(format!("an assertion failed in background work: {what}"))))
}

/// Waits for work; `None` when the engine is closed or gone.
async fn next_turn(weak: &Weak<Core>, wanted: &tokio::sync::Notify) -> Option<Arc<Core>> {
    wanted.notified().await;
    weak.upgrade().filter(|core| core.workers.check().is_ok())
}
