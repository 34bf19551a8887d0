//! The values in a window, and what they come to.

use std::{
    collections::VecDeque,
    mem::{size_of, size_of_val},
};

/// Values that are added one after the other, as Postgres does, for every row. Of more, summaries of parts
/// are kept.
const ADDED_MAX: usize = 1_024;

/// What values come to.
pub(super) trait Summary: Copy + Default {
    type Value: Copy;

    fn add(&mut self, value: Self::Value);

    /// What two parts come to together.
    fn with(&self, other: &Self) -> Self;
}

/// A queue of values as two stacks: each value is moved once from the newer ones to the older ones.
#[derive(Debug)]
pub(super) struct ValueQueue<S: Summary> {
    values: VecDeque<S::Value>,
    /// The summaries of the oldest values, each of one more; the last one is of all of them.
    older: Vec<S>,
    /// The summary of the values behind them.
    newer: S,
}

impl<S: Summary> Default for ValueQueue<S> {
    fn default() -> Self {
        Self { values: VecDeque::new(), older: Vec::new(), newer: S::default() }
    }
}

impl<S: Summary> ValueQueue<S> {
    pub(super) fn push(&mut self, value: S::Value) {
        self.values.push_back(value);
        self.newer.add(value);
    }

    pub(super) fn pop(&mut self) {
        if self.older.is_empty() {
            let summaries = self.values.iter().rev().scan(S::default(), |summary, value| {
                summary.add(*value);
                Some(*summary)
            });
            self.older.extend(summaries);
            self.newer = S::default();
        }
        self.older.pop();
        self.values.pop_front();
    }

    pub(super) fn summary(&self) -> S {
        if self.values.len() > ADDED_MAX {
            return self.older.last().map_or(self.newer, |older| older.with(&self.newer));
        }
        let mut summary = S::default();
        self.values.iter().for_each(|value| summary.add(*value));
        summary
    }

    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    pub(super) fn size(&self) -> usize {
        size_of_val(self)
            + self.values.capacity() * size_of::<S::Value>()
            + self.older.capacity() * size_of::<S>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Summary for u64 {
        type Value = u64;

        fn add(&mut self, value: u64) {
            *self += value;
        }

        fn with(&self, other: &Self) -> Self {
            self + other
        }
    }

    #[test]
    fn the_summary_is_of_what_is_in_the_window_however_long_it_is() {
        for window in [1, 3, ADDED_MAX as u64 + 5] {
            let mut queue = ValueQueue::<u64>::default();
            for at in 0..3 * window {
                queue.push(at);
                if at >= window {
                    queue.pop();
                }
                let first = (at + 1).saturating_sub(window);
                assert_eq!(queue.summary(), (first..=at).sum::<u64>(), "{window} {at}");
            }
        }
    }
}
