//! Ctrl-C: the first one cancels the statement under way, one that finds nothing to cancel ends the process.

use std::process;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, oneshot};

use crate::failure::{Failure, status};

/// Handle by which the signal finds the statement that it cancels.
#[derive(Clone, Default)]
pub(crate) struct Interrupts {
    current: Arc<std::sync::Mutex<Option<oneshot::Sender<()>>>>,
    dropped: Arc<Notify>,
    is_patient: bool,
}

/// Longest time that a cancelled statement may take to notice, when nobody wants to go on afterwards.
const PATIENCE: Duration = Duration::from_secs(1);

impl Interrupts {
    /// Starts listening, on a thread of its own: a query that keeps every worker busy must not keep Ctrl-C
    /// waiting. `is_patient`: wait for the statement however long it takes to notice, as a shell does;
    /// otherwise the process ends.
    pub(crate) fn install(is_patient: bool) -> Self {
        let interrupts = Self { is_patient, ..Self::default() };
        let listener = interrupts.clone();
        #[expect(
            clippy::disallowed_methods,
            reason = "the command, not the engine, owns the process's signals"
        )]
        std::thread::spawn(move || listener.listen());
        interrupts
    }

    fn listen(&self) {
        // Without a runtime Ctrl-C keeps its usual meaning: it ends the process.
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
        runtime.block_on(async {
            while tokio::signal::ctrl_c().await.is_ok() {
                let is_cancelled = self.cancel_current();
                if is_cancelled
                    && (self.is_patient
                        || tokio::time::timeout(PATIENCE, self.dropped.notified()).await.is_ok())
                {
                    continue;
                }
                // Acknowledged work is safe, and other work leaves nothing, however the process ends.
                process::exit(i32::from(status::INTERRUPTED));
            }
        });
    }

    fn cancel_current(&self) -> bool {
        let sender = self.lock().take();
        sender.is_some_and(|sender| sender.send(()).is_ok())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<oneshot::Sender<()>>> {
        self.current.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Runs `work` until it ends or Ctrl-C drops it.
    pub(crate) async fn guard<T>(
        &self,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let (sender, cancelled) = oneshot::channel();
        *self.lock() = Some(sender);
        let result = tokio::select! {
            biased;
            Ok(()) = cancelled => {
                self.dropped.notify_one();
                Err(Failure::Interrupted)
            }
            result = work => result,
        };
        self.lock().take();
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_interrupt_drops_the_work_and_the_next_work_is_not_affected() {
        let interrupts = Interrupts::default();
        let pending = interrupts.guard(std::future::pending::<Result<(), Failure>>());
        let press = async { assert!(interrupts.cancel_current()) };
        let (result, ()) = tokio::join!(pending, press);
        assert!(matches!(result, Err(Failure::Interrupted)));
        assert_eq!(interrupts.guard(async { Ok(7) }).await.unwrap(), 7);
    }

    #[tokio::test]
    async fn an_interrupt_without_work_finds_nothing_to_cancel() {
        let interrupts = Interrupts::default();
        interrupts.guard(async { Ok(()) }).await.unwrap();
        assert!(!interrupts.cancel_current());
    }
}
