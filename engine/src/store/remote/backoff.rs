//! Pauses between the tries of one request: exponential, with jitter, up to a deadline. Without I/O.
//!
//! Pauses double from [`PAUSE_MIN_US`] to [`PAUSE_MAX_US`]; each is drawn from its upper half, so that
//! clients that were refused together do not come back together. A store that says when it wants to be asked
//! again is not asked before.

use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Limit of all tries of a read or of a listing.
pub(super) const READ_DEADLINE_US: u64 = 60_000_000;
/// Limit of all tries of what changes the store.
pub(super) const WRITE_DEADLINE_US: u64 = 30_000_000;

const PAUSE_MIN_US: u64 = 50_000;
const PAUSE_MAX_US: u64 = 2_000_000;
/// Tries at most, for clocks that stand still.
const TRIES_MAX: u32 = 40;

/// State of the tries of one request.
#[derive(Debug)]
pub(super) struct Backoff {
    deadline_us: u64,
    tries: u32,
    seed: u64,
}

impl Backoff {
    /// The tries of a request that begins at `now_us` of a monotonic clock and may take `limit_us`.
    pub(super) fn new(now_us: u64, limit_us: u64, seed: u64) -> Self {
        let deadline_us = now_us.saturating_add(limit_us);
        Self { deadline_us, tries: 0, seed }
    }

    /// Microseconds to wait before the next try; `None` when there is no time for one. `asked_us` is how long
    /// the store wants not to be asked.
    pub(super) fn pause(&mut self, now_us: u64, asked_us: Option<u64>) -> Option<u64> {
        let full = PAUSE_MIN_US.saturating_mul(1 << self.tries.min(16)).min(PAUSE_MAX_US);
        let random = xxh3_64_with_seed(&self.tries.to_le_bytes(), self.seed);
        let drawn = full - random % (full / 2);
        let pause = drawn.max(asked_us.unwrap_or(0));
        self.tries += 1;
        let is_in_time = now_us.saturating_add(pause) < self.deadline_us;
        (is_in_time && self.tries < TRIES_MAX).then_some(pause)
    }

    /// Microseconds until the deadline.
    pub(super) fn left_us(&self, now_us: u64) -> u64 {
        self.deadline_us.saturating_sub(now_us)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_two_seconds_and_end_at_the_deadline() {
        for seed in 0..100 {
            let mut backoff = Backoff::new(7, WRITE_DEADLINE_US, seed);
            let mut now = 7;
            let mut pauses = Vec::new();
            while let Some(pause) = backoff.pause(now, None) {
                now += pause;
                pauses.push(pause);
            }
            assert!(now < 7 + WRITE_DEADLINE_US && now > WRITE_DEADLINE_US - PAUSE_MAX_US, "{now}");
            for (try_number, pause) in pauses.iter().enumerate() {
                let full = (PAUSE_MIN_US << try_number.min(10)).min(PAUSE_MAX_US);
                assert!((full / 2..=full).contains(pause), "pause {try_number}: {pause}");
            }
        }
    }

    #[test]
    fn clients_that_fail_together_do_not_come_back_together() {
        let first = |seed| Backoff::new(0, READ_DEADLINE_US, seed).pause(0, None);
        let distinct: std::collections::BTreeSet<_> = (0..50).map(first).collect();
        assert!(distinct.len() > 40, "{distinct:?}");
    }

    #[test]
    fn a_store_that_asks_for_time_gets_it_unless_the_deadline_is_before() {
        let mut backoff = Backoff::new(0, WRITE_DEADLINE_US, 1);
        assert_eq!(backoff.pause(0, Some(5_000_000)), Some(5_000_000));
        assert_eq!(backoff.pause(5_000_000, Some(WRITE_DEADLINE_US)), None);
    }

    #[test]
    fn a_clock_that_stands_still_does_not_make_tries_endless() {
        let mut backoff = Backoff::new(0, READ_DEADLINE_US, 1);
        let tries = std::iter::from_fn(|| backoff.pause(0, None)).count();
        assert_eq!(tries as u32, TRIES_MAX - 1);
    }
}
