//! Back-pressure: writers are slowed, then stopped, while flush and compaction are behind.

use std::sync::Arc;

use crate::{Result, core::Core};

/// Wait of a slowed writer, in microseconds.
const SLOW_DOWN_US: u64 = 1_000;

/// Reaction of writers to a flush or compaction that is behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pressure {
    None,
    Slow,
    Stop,
}

impl Core {
    pub(crate) fn pressure(&self) -> Pressure {
        let state = self.versions.current();
        let level0 = state.trees.values().map(|tree| tree.level0.len()).max().unwrap_or(0);
        if state.frozen.len() > self.options.frozen_memtables_max || level0 >= self.options.level0_runs_stop {
            Pressure::Stop
        } else if level0 >= self.options.level0_runs_slow {
            Pressure::Slow
        } else {
            Pressure::None
        }
    }

    /// Waits until writes may go on.
    pub(crate) async fn wait_for_room(self: &Arc<Self>) -> Result<()> {
        self.check_writable()?;
        if !self.env.tasks.is_background() {
            return self.maintain_inline().await;
        }
        match self.pressure() {
            Pressure::None => Ok(()),
            Pressure::Slow | Pressure::Stop => {
                let started = self.env.clock.monotonic_micros();
                let outcome = self.stall().await;
                let ended = self.env.clock.monotonic_micros();
                self.metrics.stall_us.add(ended.saturating_sub(started));
                outcome
            }
        }
    }

    /// Waits until the pressure is gone, or a little where it is light.
    async fn stall(self: &Arc<Self>) -> Result<()> {
        loop {
            match self.pressure() {
                Pressure::None => return Ok(()),
                Pressure::Slow => {
                    self.metrics.slowdowns.add(1);
                    self.env.tasks.sleep(SLOW_DOWN_US).await;
                    return self.check_writable();
                }
                Pressure::Stop => {
                    self.metrics.stops.add(1);
                    let progress = self.workers.progress();
                    // From here on no wake-up is lost: look again at what could have changed before.
                    self.check_writable()?;
                    if self.pressure() != Pressure::Stop {
                        continue;
                    }
                    if self.workers.take_background_failure() {
                        // Storage failed in the background: try here, so that the writer learns why it is
                        // stopped.
                        self.flush_frozen().await?;
                        self.compact_while_needed().await?;
                        continue;
                    }
                    self.workers.wake();
                    progress.await;
                    self.check_writable()?;
                }
            }
        }
    }

    /// Does what background tasks would do, where there are none.
    async fn maintain_inline(self: &Arc<Self>) -> Result<()> {
        if !self.versions.current().frozen.is_empty() {
            self.flush_frozen().await?;
            self.compact_while_needed().await?;
        }
        Ok(())
    }
}
