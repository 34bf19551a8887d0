//! The throttle of compactions: turns for other tasks, and the rate at which what nobody waits for may read.

use crate::{Result, compaction::picker::Job, core::Core, write::Pressure};

/// Versions after which other tasks get a turn.
const VERSIONS_PER_TURN: u64 = if cfg!(feature = "testing") { 8 } else { 4_096 };
/// A wait is cut into parts of this length, so that it ends soon when it must.
const WAIT_US: u64 = 20_000;

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
    pub(super) async fn pass(&mut self, versions: u64, core: &Core) -> Result<()> {
        self.versions += versions;
        if self.versions < VERSIONS_PER_TURN {
            return Ok(());
        }
        let bytes =
            u128::from(self.job_bytes) * u128::from(self.versions) / u128::from(self.job_versions.max(1));
        self.versions = 0;
        core.check_writable()?;
        core.env.tasks.yield_now().await;
        if self.is_throttled && core.options.compaction_bytes_per_second > 0 {
            wait(bytes as u64, core).await?;
        }
        Ok(())
    }
}

/// Waits as long as the pace asks for and nobody waits for the compaction.
async fn wait(bytes: u64, core: &Core) -> Result<()> {
    let now = || core.env.clock.monotonic_micros();
    let free_at = core.workers.rate.count(bytes, core.options.compaction_bytes_per_second, now());
    loop {
        let left = free_at.saturating_sub(now());
        let is_awaited = !core.env.tasks.is_background() || core.pressure() != Pressure::None;
        if left == 0 || is_awaited {
            return Ok(());
        }
        core.env.tasks.sleep(left.min(WAIT_US)).await;
        core.check_writable()?;
    }
}
