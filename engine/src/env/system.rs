//! The real environment: the machine's clock and a tokio runtime.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rand::{TryRng, rngs::SysRng};
use tokio::runtime::Handle;

use super::{Task, TaskSet, WallClock};
use crate::{Error, Result};

/// The machine's clock.
#[derive(Debug)]
pub struct SystemClock {
    start: Instant,
}

impl SystemClock {
    /// A clock whose monotonic part starts now.
    #[expect(clippy::disallowed_methods, reason = "the one place that asks the machine for the time")]
    pub fn new() -> Self {
        Self { start: Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl WallClock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that asks the machine for the time")]
    fn now_micros(&self) -> u64 {
        // A clock before 1970 reads as zero; commit timestamps still rise by one from the last.
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_micros() as u64)
    }

    fn monotonic_micros(&self) -> u64 {
        self.start.elapsed().as_micros() as u64
    }
}

/// Background tasks on a tokio runtime.
#[derive(Debug, Clone)]
pub struct TokioTasks {
    runtime: Handle,
}

impl TokioTasks {
    /// Tasks on `runtime`.
    pub fn new(runtime: Handle) -> Self {
        Self { runtime }
    }

    /// Tasks on the runtime of the caller.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] when the caller does not run on a tokio runtime.
    pub fn current() -> Result<Self> {
        let runtime = Handle::try_current()
            .map_err(|_| Error::Invalid("a tokio runtime is needed to open a database".into()))?;
        Ok(Self { runtime })
    }
}

impl TaskSet for TokioTasks {
    fn spawn(&self, _name: &'static str, task: Task) {
        drop(self.runtime.spawn(task));
    }

    fn sleep(&self, micros: u64) -> Task {
        // The timer belongs to our runtime, wherever the future is polled.
        let _entered = self.runtime.enter();
        Box::pin(tokio::time::sleep(Duration::from_micros(micros)))
    }

    fn is_background(&self) -> bool {
        true
    }
}

/// A seed from the operating system.
pub(super) fn random_seed() -> Result<u64> {
    SysRng.try_next_u64().map_err(|error| Error::unavailable("reading random numbers", error))
}
