//! The merge by ascending keys.
//!
//! The sources are ordered newest first. By I2 the newest source that holds a key has its newest versions, so
//! the merge takes, for every key, the first source with a version at or below the timestamp and passes over
//! the others:
//!
//! ```text
//!   source 0 (newest)     b@9        d@8✗
//!   source 1        a@5   b@4   c@5  d@4      scan at 9:  a@5  b@9  c@5
//! ```
//!
//! Runs of history are sources too, behind all others. Their versions are judged alone, by their lifetimes:
//! what is alive at the moment is taken, whatever the others say. So no key comes twice, because where the
//! current tier has the visible version, none in history is alive (H1 of [`crate::compaction`]); and a delete
//! that had ended hides nothing.
//!
//! While one source is alone below the next key of all others, its rows are copied without further comparison
//! against them: a decided keyspace costs one comparison per page. Where rows of several lie between each
//! other, they are judged a window of keys at a time.

use super::Step;
use crate::{
    error::Result,
    read::{
        sink::RowSink,
        source::{ForwardSource, WindowRows},
        window,
    },
    types::Timestamp,
};

/// In which order rows come out of a merge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MergeOrder {
    /// Key ascending.
    Keys,
    /// Key ascending from window to window, and from source to source within one.
    Any,
}

/// The merge under a scan by ascending keys.
#[derive(Debug)]
pub(crate) struct VisibleMerge {
    sources: Vec<ForwardSource>,
    at: Timestamp,
    order: MergeOrder,
    /// The key whose answer was given last: its older versions are passed over.
    decided: Vec<u8>,
    has_decided: bool,
    /// Rows of the last window that are left.
    found: WindowRows,
    /// Up to this key rows are taken in turns, because only few lie between others.
    turns_to: Vec<u8>,
}

impl VisibleMerge {
    pub(crate) fn new(sources: Vec<ForwardSource>, at: Timestamp, order: MergeOrder) -> Self {
        let (decided, turns_to) = (Vec::new(), Vec::new());
        Self { sources, at, order, decided, has_decided: false, found: WindowRows::default(), turns_to }
    }

    /// Adds at least one row to `batch` and at most `rows_max` in all, or says why not.
    pub(crate) async fn next_into(&mut self, batch: &mut impl RowSink, rows_max: usize) -> Result<Step> {
        let before = batch.len();
        while batch.len() == before {
            if !self.found.is_empty() {
                self.found.give(batch, rows_max);
                continue;
            }
            let decided = self.has_decided.then_some(self.decided.as_slice());
            if !fill_all(&mut self.sources, decided).await? {
                return Ok(Step::End);
            }
            if self.step(batch, rows_max).await? == Step::Full {
                return Ok(Step::Full);
            }
        }
        Ok(Step::Rows)
    }

    /// Takes rows of the source that comes first, until another source's key is reached or the block ends.
    async fn step(&mut self, batch: &mut impl RowSink, rows_max: usize) -> Result<Step> {
        let (lead, second) = first_two_by_key(&self.sources);
        if let Some(second) = second
            && !self.sources[lead].ends_before(self.sources[second].key(), lead < second)
            && self.step_window(lead).await?
        {
            return Ok(Step::Rows);
        }
        if self.sources[lead].is_whole() {
            let source = &self.sources[lead];
            let is_alone =
                second.is_none_or(|second| source.ends_before(self.sources[second].key(), lead < second));
            let fits = source.rows_left() <= rows_max - batch.len();
            if is_alone && !fits && batch.len() > 0 {
                return Ok(Step::Full);
            }
            if !is_alone || !fits {
                self.sources[lead].load_whole().await?;
            }
        }
        let source = &self.sources[lead];
        let stop = match second {
            // Of equal keys the newer source's comes first.
            Some(second) if !source.is_whole() => {
                source.rows_before(self.sources[second].key(), lead < second)
            }
            _ => source.block_end(),
        };
        if source.is_history() {
            self.sources[lead].take_alive(stop, self.at, rows_max, batch);
            return Ok(Step::Rows);
        }
        let is_decided = self.has_decided && source.key() == self.decided.as_slice();
        let (source, decided) = (&mut self.sources[lead], &mut self.decided);
        self.has_decided = source.take_visible(stop, self.at, rows_max, batch, is_decided, decided);
        Ok(Step::Rows)
    }

    /// Judges the rows of a window of keys at once; false where there are none, or too few to be worth it.
    async fn step_window(&mut self, lead: usize) -> Result<bool> {
        let in_order = self.order == MergeOrder::Keys;
        if in_order && self.sources[lead].key() < self.turns_to.as_slice() {
            return Ok(false);
        }
        let mut bound = Vec::new();
        window::find_bound(&self.sources, &mut bound);
        if self.sources[lead].key() == bound {
            return Ok(false);
        }
        for source in &mut self.sources {
            if source.key() < bound.as_slice() {
                source.load_whole().await?;
            }
        }
        if in_order && !window::is_dense(&self.sources, &bound) {
            self.turns_to = bound;
            return Ok(false);
        }
        let decided = self.has_decided.then_some(self.decided.as_slice());
        self.found = window::judge(&mut self.sources, &bound, decided, self.at, in_order);
        self.has_decided = false;
        Ok(true)
    }
}

/// Puts every source on a row and removes those that have none left; false when all are gone. See
/// [`ForwardSource::fill`] for `decided`.
pub(crate) async fn fill_all(sources: &mut Vec<ForwardSource>, decided: Option<&[u8]>) -> Result<bool> {
    let mut ended = false;
    for source in &mut *sources {
        if source.is_at_gap() {
            source.fill(decided).await?;
        }
        ended |= source.is_at_end();
    }
    if ended {
        sources.retain(|source| !source.is_at_end());
    }
    Ok(!sources.is_empty())
}

/// The sources whose keys come first and second; of equal keys the newest source's come first.
fn first_two_by_key(sources: &[ForwardSource]) -> (usize, Option<usize>) {
    let (mut first, mut second) = (0, None);
    for index in 1..sources.len() {
        let key = sources[index].key();
        if key < sources[first].key() {
            (first, second) = (index, Some(first));
        } else if second.is_none_or(|second: usize| key < sources[second].key()) {
            second = Some(index);
        }
    }
    (first, second)
}

/// The source whose key comes first; of equal keys the newest source's.
pub(crate) fn first_by_key(sources: &[ForwardSource]) -> usize {
    let mut first = 0;
    for (index, source) in sources.iter().enumerate().skip(1) {
        if source.key() < sources[first].key() {
            first = index;
        }
    }
    first
}
