//! Clock, timer and randomness of the requests of one root.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use futures::future::{self, Either};

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::backoff::Backoff;
use crate::{
    Env,
    env::{TaskSet, WallClock},
};

/// Limit of one try, in microseconds: a connection that says nothing for so long is given up.
const TRY_US: u64 = 20_000_000;

/// See the module documentation. Without an environment nothing is waited for, and no try has a limit:
/// memory, and roots that no engine has opened yet.
#[derive(Default)]
pub(super) struct Pacer {
    env: Option<PacerEnv>,
    /// Requests so far: each draws its own pauses.
    requests: AtomicU64,
}

struct PacerEnv {
    clock: Arc<dyn WallClock>,
    tasks: Arc<dyn TaskSet>,
    seed: u64,
}

impl Pacer {
    pub(super) fn new(env: &Env) -> Self {
        let env = PacerEnv { clock: Arc::clone(&env.clock), tasks: Arc::clone(&env.tasks), seed: env.seed };
        Self { env: Some(env), requests: AtomicU64::new(0) }
    }

    /// The tries of a request that begins now.
    pub(super) fn backoff(&self, limit_us: u64) -> Backoff {
        Backoff::new(self.now_us(), limit_us, self.draw())
    }

    /// A number that no other request of this root, nor of another process, draws but by chance.
    pub(super) fn draw(&self) -> u64 {
        let number = self.requests.fetch_add(1, Relaxed);
        let seed = self.env.as_ref().map_or(0, |env| env.seed);
        xxh3_64_with_seed(&number.to_le_bytes(), seed)
    }

    pub(super) fn now_us(&self) -> u64 {
        self.env.as_ref().map_or(0, |env| env.clock.monotonic_micros())
    }

    pub(super) async fn pause(&self, us: u64) {
        if let Some(env) = &self.env {
            env.tasks.sleep(us).await;
        }
    }

    /// Runs one try; `None` when it took longer than one may, or than `left_us`.
    pub(super) async fn limited<T>(&self, left_us: u64, request: impl Future<Output = T>) -> Option<T> {
        let Some(env) = self.env.as_ref().filter(|env| env.tasks.is_background()) else {
            return Some(request.await);
        };
        let limit = env.tasks.sleep(left_us.clamp(1, TRY_US));
        match future::select(std::pin::pin!(request), limit).await {
            Either::Left((outcome, _)) => Some(outcome),
            Either::Right(_) => None,
        }
    }

    /// Runs `task` beside its caller where there is a background for it.
    pub(super) fn spawn(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        if let Some(env) = &self.env {
            env.tasks.spawn(name, Box::pin(task));
        }
    }
}

impl fmt::Debug for Pacer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pacer").field("requests", &self.requests).finish_non_exhaustive()
    }
}
