//! How fast compactions that nobody waits for may read.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::{Result, compaction::picker::Job, shared::Shared, write::Pressure};

/// Versions after which other tasks get a turn.
const VERSIONS_PER_TURN: u64 = if cfg!(feature = "testing") { 8 } else { 4_096 };
/// A wait is cut into parts of this length, so that it ends soon when it must.
const WAIT_US: u64 = 20_000;

/// When the next bytes may be read: all compactions of an engine share it.
#[derive(Debug, Default)]
pub(crate) struct RateLimiter {
    free_at_us: AtomicU64,
}

impl RateLimiter {
    /// Counts bytes that were read; when the next may be, at this rate.
    fn count(&self, bytes: u64, per_second: u64, now_us: u64) -> u64 {
        let takes_us = bytes.saturating_mul(1_000_000) / per_second.max(1);
        let next = |free_at: u64| Some(free_at.max(now_us).saturating_add(takes_us));
        let before = self.free_at_us.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next);
        before.unwrap_or_else(|before| before).max(now_us).saturating_add(takes_us)
    }
}

/// Gives other tasks a turn now and then, keeps the pace, and ends the work when writing has ended.
#[derive(Debug)]
pub(super) struct JobThrottle {
    versions: u64,
    /// Of the whole job.
    job_bytes: u64,
    job_versions: u64,
    is_throttled: bool,
}

impl JobThrottle {
    pub(super) fn of(job: &Job, is_throttled: bool) -> Self {
        let job_versions = job.tables().map(|table| table.meta().rows).sum();
        Self { versions: 0, job_bytes: job.bytes(), job_versions, is_throttled }
    }

    /// Counts versions that went by.
    pub(super) async fn pass(&mut self, versions: u64, shared: &Shared) -> Result<()> {
        self.versions += versions;
        if self.versions < VERSIONS_PER_TURN {
            return Ok(());
        }
        let bytes =
            u128::from(self.job_bytes) * u128::from(self.versions) / u128::from(self.job_versions.max(1));
        self.versions = 0;
        shared.check_writable()?;
        shared.env.tasks.yield_now().await;
        if self.is_throttled && shared.options.compaction_bytes_per_second > 0 {
            wait(bytes as u64, shared).await?;
        }
        Ok(())
    }
}

/// Waits as long as the pace asks for and nobody waits for the compaction.
async fn wait(bytes: u64, shared: &Shared) -> Result<()> {
    let now = || shared.env.clock.monotonic_micros();
    let free_at = shared.pace.count(bytes, shared.options.compaction_bytes_per_second, now());
    loop {
        let left = free_at.saturating_sub(now());
        let is_awaited = !shared.env.tasks.is_background() || shared.pressure() != Pressure::None;
        if left == 0 || is_awaited {
            return Ok(());
        }
        shared.env.tasks.sleep(left.min(WAIT_US)).await;
        shared.check_writable()?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_spread_over_time_and_rests_are_not_saved_up() {
        let pace = RateLimiter::default();
        // A thousand bytes a second.
        assert_eq!(pace.count(500, 1_000, 10), 500_010);
        assert_eq!(pace.count(500, 1_000, 20), 1_000_010);
        assert_eq!(pace.count(100, 1_000, 5_000_000), 5_100_000);
        assert_eq!(pace.count(u64::MAX, 1, 6_000_000), u64::MAX);
    }
}
