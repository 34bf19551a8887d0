//! Counters and histograms of an open engine, since it was opened.
//!
//! Everything is relaxed atomics: a figure may lag behind another by what is under way, and nobody waits for
//! it. Counters that many threads raise at once (reads of the cache) are striped, so that they do not pass
//! one cache line around.

mod histogram;

use std::{
    cell::Cell,
    sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
};

pub(crate) use histogram::Histogram;
pub use histogram::HistogramSnapshot;

/// A number that only grows.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, count: u64) {
        self.0.fetch_add(count, Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// Stripes of a counter; threads share one when there are more of them.
const STRIPES: usize = 16;

/// One cache line, so that a stripe is nobody else's.
#[derive(Debug, Default)]
#[repr(align(64))]
struct Stripe(AtomicU64);

/// A number that only grows and that many threads count at once.
#[derive(Debug, Default)]
pub(crate) struct StripedCounter([Stripe; STRIPES]);

impl StripedCounter {
    #[inline]
    pub(crate) fn increment(&self) {
        self.add(1);
    }

    #[inline]
    pub(crate) fn add(&self, count: u64) {
        self.0[stripe()].0.fetch_add(count, Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.iter().map(|stripe| stripe.0.load(Relaxed)).sum()
    }
}

/// The stripe of this thread.
#[inline]
fn stripe() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static OWN: Cell<usize> = const { Cell::new(usize::MAX) };
    }
    OWN.with(|own| {
        if own.get() == usize::MAX {
            own.set(NEXT.fetch_add(1, Relaxed) % STRIPES);
        }
        own.get()
    })
}

/// Counters of an engine. See [`crate::EngineStats`] for what each means.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    pub(crate) commits: Counter,
    pub(crate) group_commits: Histogram,
    pub(crate) sync_us: Histogram,
    pub(crate) log_bytes: Counter,
    pub(crate) flushes: Counter,
    pub(crate) flushed_bytes: Counter,
    pub(crate) ingests: Counter,
    pub(crate) ingested_bytes: Counter,
    pub(crate) compactions: Counter,
    pub(crate) compaction_read_bytes: Counter,
    pub(crate) compaction_written_bytes: Counter,
    pub(crate) compaction_passed_pages: Counter,
    pub(crate) slowdowns: Counter,
    pub(crate) stops: Counter,
    pub(crate) stall_us: Counter,
    pub(crate) collected_objects: Counter,
    pub(crate) collected_bytes: Counter,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stripes_add_up_over_threads() {
        let counter = StripedCounter::default();
        std::thread::scope(|scope| {
            for _ in 0..20 {
                scope.spawn(|| (0..100).for_each(|_| counter.increment()));
            }
        });
        assert_eq!(counter.get(), 2_000);
    }
}
