//! Histograms with a bucket for each power of two.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// The last bucket takes everything from 2³⁸ on.
const BUCKETS: usize = 40;

/// Counts values by their magnitude.
#[derive(Debug)]
pub(crate) struct Histogram {
    buckets: [AtomicU64; BUCKETS],
    sum: AtomicU64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { buckets: [const { AtomicU64::new(0) }; BUCKETS], sum: AtomicU64::new(0) }
    }
}

impl Histogram {
    #[inline]
    pub(crate) fn record(&self, value: u64) {
        let bucket = (u64::BITS - value.leading_zeros()) as usize;
        self.buckets[bucket.min(BUCKETS - 1)].fetch_add(1, Relaxed);
        self.sum.fetch_add(value, Relaxed);
    }

    pub(crate) fn snapshot(&self) -> HistogramSnapshot {
        let counts = self.buckets.iter().map(|bucket| bucket.load(Relaxed)).collect();
        HistogramSnapshot { counts, sum: self.sum.load(Relaxed) }
    }
}

/// The values that were seen, by their magnitude.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HistogramSnapshot {
    /// Numbers of zero values, then of those below 2, 4, 8 and so on and not below the bound before.
    pub counts: Vec<u64>,
    /// All values together.
    pub sum: u64,
}

impl HistogramSnapshot {
    /// Number of values.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The average; zero without values.
    pub fn mean(&self) -> u64 {
        self.sum.checked_div(self.count()).unwrap_or(0)
    }

    /// A bound that `percent` of the values do not exceed: the upper end of a bucket, so up to twice as large
    /// as need be. Zero without values.
    pub fn percentile(&self, percent: u64) -> u64 {
        let wanted = (self.count() * percent).div_ceil(100);
        let mut seen = 0;
        for (bucket, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= wanted && seen > 0 {
                return (1_u64 << bucket) - 1;
            }
        }
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_bounds_within_a_factor_of_two() {
        let histogram = Histogram::default();
        assert_eq!((histogram.snapshot().percentile(99), histogram.snapshot().mean()), (0, 0));
        (1..=1_000).for_each(|value| histogram.record(value));
        let seen = histogram.snapshot();
        assert_eq!((seen.count(), seen.sum, seen.mean()), (1_000, 500_500, 500));
        for percent in [1, 50, 90, 99, 100] {
            let (bound, exact) = (seen.percentile(percent), percent * 10);
            assert!(bound >= exact && bound < 2 * exact, "{percent} %: {bound}");
        }
        histogram.record(0);
        histogram.record(u64::MAX >> 1);
        assert_eq!((histogram.snapshot().counts[0], histogram.snapshot().count()), (1, 1_002));
    }
}
