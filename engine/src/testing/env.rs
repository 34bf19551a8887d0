//! A clock and tasks under the test's control.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Waker},
};

use parking_lot::Mutex;

use crate::env::{Env, Task, TaskSet, WallClock};

/// A clock that stands still until it is moved.
#[derive(Debug)]
pub struct ManualClock {
    now_us: AtomicU64,
    /// Sum of what was ever added; does not follow a jump back.
    elapsed_us: AtomicU64,
}

impl ManualClock {
    /// A clock that shows `now_us`.
    pub fn at(now_us: u64) -> Arc<Self> {
        Arc::new(Self { now_us: AtomicU64::new(now_us), elapsed_us: AtomicU64::new(0) })
    }

    /// Moves the clock forward.
    pub fn advance(&self, micros: u64) {
        self.now_us.fetch_add(micros, Ordering::SeqCst);
        self.elapsed_us.fetch_add(micros, Ordering::SeqCst);
    }

    /// Makes the wall clock jump, in either direction.
    pub fn set(&self, now_us: u64) {
        self.now_us.store(now_us, Ordering::SeqCst);
    }
}

impl WallClock for ManualClock {
    fn now_micros(&self) -> u64 {
        self.now_us.load(Ordering::SeqCst)
    }

    fn monotonic_micros(&self) -> u64 {
        self.elapsed_us.load(Ordering::SeqCst)
    }
}

/// Tasks that run in the calling thread, and only in [`InlineTasks::run`].
#[derive(Default)]
pub struct InlineTasks {
    waiting: Mutex<VecDeque<(&'static str, Task)>>,
}

impl InlineTasks {
    /// No tasks.
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Polls every waiting task once, those they start included; returns how many are still waiting.
    pub fn run(&self) -> usize {
        let mut rest = VecDeque::new();
        let mut context = Context::from_waker(Waker::noop());
        loop {
            // Not polled under the lock: a task may start another.
            let Some((name, mut task)) = self.waiting.lock().pop_front() else { break };
            if task.as_mut().poll(&mut context).is_pending() {
                rest.push_back((name, task));
            }
        }
        let left = rest.len();
        self.waiting.lock().append(&mut rest);
        left
    }
}

impl std::fmt::Debug for InlineTasks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<_> = self.waiting.lock().iter().map(|(name, _)| *name).collect();
        f.debug_struct("InlineTasks").field("waiting", &names).finish()
    }
}

impl TaskSet for InlineTasks {
    fn spawn(&self, name: &'static str, task: Task) {
        self.waiting.lock().push_back((name, task));
    }

    fn sleep(&self, _micros: u64) -> Task {
        Box::pin(std::future::ready(()))
    }

    fn is_background(&self) -> bool {
        false
    }
}

/// An environment with the given clock, tasks in the calling thread, and a fixed seed.
pub fn env(clock: &Arc<ManualClock>, seed: u64) -> Env {
    Env { clock: Arc::clone(clock) as Arc<dyn WallClock>, tasks: InlineTasks::new(), seed }
}
