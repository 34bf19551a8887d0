//! Environment of the engine: time, background tasks, randomness. Nothing in the engine asks the machine for
//! any of them, so a seed and a manual clock replay a run.

mod system;

use std::{fmt, future::Future, pin::Pin, sync::Arc};

pub use system::{SystemClock, TokioTasks};

/// A source of wall-clock time.
pub trait WallClock: fmt::Debug + Send + Sync + 'static {
    /// Microseconds since the Unix epoch. May jump in either direction.
    fn now_micros(&self) -> u64;
    /// Microseconds of a clock that never goes back, from an arbitrary start; for durations only.
    fn monotonic_micros(&self) -> u64;
}

/// A future that a [`TaskSet`] runs in the background.
pub type Task = Pin<Box<dyn Future<Output = ()> + Send + 'static>>;

/// Runs background work.
pub trait TaskSet: fmt::Debug + Send + Sync + 'static {
    /// Starts `task`. `name` says what it is, for logs.
    fn spawn(&self, name: &'static str, task: Task);
    /// Sleeps for `micros`; used for pacing only, never for correctness.
    fn sleep(&self, micros: u64) -> Task;
    /// Lets other tasks of the same thread run.
    fn yield_now(&self) -> Task {
        Box::pin(tokio::task::yield_now())
    }
    /// Whether tasks run by themselves. When false (tests, single-threaded programs), background work is done
    /// inside the calls that need it.
    fn is_background(&self) -> bool;
}

/// Everything the engine needs from outside.
#[derive(Clone, Debug)]
pub struct Env {
    /// Wall clock.
    pub clock: Arc<dyn WallClock>,
    /// Background tasks.
    pub tasks: Arc<dyn TaskSet>,
    /// Seed of every random choice (nonces). Different in every process, fixed in tests.
    pub seed: u64,
}

impl Env {
    /// The machine's clock, tasks on the current tokio runtime, a seed from the operating system.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`](crate::Error::Invalid) outside a tokio runtime;
    /// [`Error::Unavailable`](crate::Error::Unavailable) when the operating system gives no random numbers.
    pub fn system() -> crate::Result<Self> {
        Ok(Self {
            clock: Arc::new(SystemClock::new()),
            tasks: Arc::new(TokioTasks::current()?),
            seed: system::random_seed()?,
        })
    }
}
