//! An environment without a machine: a clock that is set by hand and no background tasks.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use bygone_engine::{
    Env,
    env::{Task, TaskSet, WallClock},
};

#[derive(Debug, Default)]
pub(crate) struct HandClock(AtomicU64);

impl HandClock {
    pub(crate) fn set(&self, micros: u64) {
        self.0.store(micros, Ordering::Relaxed);
    }
}

impl WallClock for HandClock {
    fn now_micros(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    fn monotonic_micros(&self) -> u64 {
        self.now_micros()
    }
}

#[derive(Debug)]
struct NoTasks;

impl TaskSet for NoTasks {
    fn spawn(&self, _name: &'static str, _task: Task) {
        unreachable!("nothing runs in the background");
    }

    fn sleep(&self, _micros: u64) -> Task {
        Box::pin(std::future::ready(()))
    }

    fn is_background(&self) -> bool {
        false
    }
}

pub(crate) fn env(clock: &Arc<HandClock>) -> Env {
    Env { clock: Arc::clone(clock) as _, tasks: Arc::new(NoTasks), seed: 7 }
}
