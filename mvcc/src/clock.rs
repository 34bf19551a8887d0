//! The clock: the only place that asks for the time.
//!
//! ```text
//!   commit ── begin_stamping ──▶ [first, last] in flight ── staged, durable, visible ── Stamping dropped
//!   reader at t ── lift_to(t): no later commit gets ≤ t ── wait_visible(t): waits while something ≤ t is in flight
//! ```
//!
//! C1 Timestamps given out rise strictly, across restarts too: the clock starts at the engine's last
//!    timestamp.
//! C2 After `lift_to(t)` nothing gets a timestamp ≤ t while the store is open. Across restarts that holds
//!    only for what the log knows of: whoever gives out an answer that must stand writes a watermark, which
//!    is a commit without writes ([`Store::wait_visible_durably`](crate::Store::wait_visible_durably)).
//! C3 Timestamps in flight are ranges in their order, because only the leader stamps. Ranges of groups that
//!    wait for the log may be several; they end in any order.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use bygone_engine::{env::WallClock, types::Timestamp};
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::{Error, Result};

/// Largest lag of the machine's clock behind the last commit without a warning, in microseconds.
const FAR_BEHIND_US: u64 = 60_000_000;

/// Gives out commit timestamps: `max(wall clock, last + 1)`.
#[derive(Debug)]
pub struct Clock {
    wall: Arc<dyn WallClock>,
    state: Mutex<ClockState>,
    published: Notify,
    warned: AtomicBool,
}

#[derive(Debug)]
struct ClockState {
    /// The newest timestamp that was given out or read at.
    last: Timestamp,
    /// The first timestamp of each group under way, ascending.
    in_flight: VecDeque<Timestamp>,
}

impl Clock {
    /// A clock that goes on after `last`.
    pub(crate) fn new(wall: Arc<dyn WallClock>, last: Timestamp) -> Self {
        let clock = Self {
            wall,
            state: Mutex::new(ClockState { last, in_flight: VecDeque::new() }),
            published: Notify::new(),
            warned: AtomicBool::new(false),
        };
        clock.warn_when_behind(clock.wall.now_micros(), last);
        clock
    }

    /// The present: what `now` means in a time-travel query. Never behind a commit that was acknowledged.
    pub fn now(&self) -> Timestamp {
        let last = self.state.lock().last;
        last.max(self.wall_now())
    }

    /// A timestamp that nothing else has or will have; used for ids.
    pub fn tick(&self) -> Timestamp {
        let wall = self.wall_now();
        let mut state = self.state.lock();
        state.last = wall.max(state.last.next());
        state.last
    }

    /// Makes sure that no later commit gets a timestamp ≤ `t`.
    ///
    /// # Errors
    /// [`Error::Future`] when `t` has not happened yet.
    pub(crate) fn lift_to(&self, t: Timestamp) -> Result<()> {
        let wall = self.wall_now();
        let mut state = self.state.lock();
        let now = wall.max(state.last);
        if t > now {
            return Err(Error::Future { requested: t, now });
        }
        state.last = state.last.max(t);
        Ok(())
    }

    /// Waits until every commit with a timestamp ≤ `t` that was under way is published or has failed.
    ///
    /// # Cancel safety
    /// Dropping the future leaves nothing.
    pub(crate) async fn wait_visible(&self, t: Timestamp) {
        loop {
            let published = self.published.notified();
            tokio::pin!(published);
            published.as_mut().enable();
            if self.state.lock().in_flight.front().is_none_or(|first| *first > t) {
                return;
            }
            published.await;
        }
    }

    /// Reserves `count` timestamps for a group of commits, none for a group of watermarks; they count as in
    /// flight until the result is dropped.
    pub(crate) fn begin_stamping(self: &Arc<Self>, count: u64) -> Stamping {
        let wall = self.wall_now();
        let mut state = self.state.lock();
        self.warn_when_behind(wall.as_micros(), state.last);
        let first = wall.max(state.last.next());
        let end = Timestamp::from_micros(first.as_micros().saturating_add(count));
        let is_last = state.in_flight.back().is_none_or(|before| *before <= first);
        assert!(is_last, "only one leader stamps at a time");
        state.in_flight.push_back(first);
        state.last = end.previous();
        Stamping { clock: Arc::clone(self), first, next: first, end }
    }

    fn wall_now(&self) -> Timestamp {
        Timestamp::from_micros(self.wall.now_micros()).min(Timestamp::LAST)
    }

    fn warn_when_behind(&self, wall: u64, last: Timestamp) {
        let behind_us = last.as_micros().saturating_sub(wall);
        if behind_us > FAR_BEHIND_US && !self.warned.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                behind_us,
                last = last.as_micros(),
                "the machine's clock lies behind the last commit; commit timestamps go on from there"
            );
        }
    }
}

/// Timestamps of one group of commits. See [`Clock::begin_stamping`].
#[derive(Debug)]
pub(crate) struct Stamping {
    clock: Arc<Clock>,
    first: Timestamp,
    next: Timestamp,
    end: Timestamp,
}

impl Stamping {
    /// The newest timestamp that was reserved or read at: later groups come behind it.
    pub(crate) fn newest(&self) -> Timestamp {
        self.end.previous()
    }

    /// The next timestamp of the group.
    pub(crate) fn stamp(&mut self) -> Timestamp {
        let stamp = self.next;
        assert!(stamp < self.end, "a group stamps no more commits than it reserved timestamps for");
        self.next = stamp.next();
        stamp
    }
}

impl Drop for Stamping {
    fn drop(&mut self) {
        {
            let mut state = self.clock.state.lock();
            let place = state.in_flight.iter().position(|first| *first == self.first);
            state.in_flight.remove(place.expect("a range is in flight until it is dropped"));
        }
        self.clock.published.notify_waiters();
    }
}
