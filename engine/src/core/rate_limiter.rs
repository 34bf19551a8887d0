//! The rate limiter of background reads.

use std::sync::atomic::{AtomicU64, Ordering};

/// When the next bytes may be read: all compactions of an engine share it.
#[derive(Debug, Default)]
pub(crate) struct RateLimiter {
    free_at_us: AtomicU64,
}

impl RateLimiter {
    /// Counts bytes that were read; when the next may be, at this rate.
    pub(crate) fn count(&self, bytes: u64, per_second: u64, now_us: u64) -> u64 {
        let takes_us = bytes.saturating_mul(1_000_000) / per_second.max(1);
        let next = |free_at: u64| Some(free_at.max(now_us).saturating_add(takes_us));
        let before = self.free_at_us.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next);
        before.unwrap_or_else(|before| before).max(now_us).saturating_add(takes_us)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_spread_over_time_and_rests_are_not_saved_up() {
        let rate = RateLimiter::default();
        // A thousand bytes a second.
        assert_eq!(rate.count(500, 1_000, 10), 500_010);
        assert_eq!(rate.count(500, 1_000, 20), 1_000_010);
        assert_eq!(rate.count(100, 1_000, 5_000_000), 5_100_000);
        assert_eq!(rate.count(u64::MAX, 1, 6_000_000), u64::MAX);
    }
}
