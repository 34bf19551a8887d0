//! Range scans at one timestamp.
//!
//! The sources are ordered newest first. By I2 the newest source that holds a key has its newest versions, so the
//! merge takes, for every key, the first source with a version at or below the timestamp and passes over the others:
//!
//! ```text
//!   source 0 (newest)     b@9        d@8✗
//!   source 1        a@5   b@4   c@5  d@4      scan at 9:  a@5  b@9  c@5
//! ```
//!
//! While one source is alone below the next key of all others, its rows are copied without further comparison against
//! them: a settled keyspace costs one comparison per page.

use bytes::Bytes;

use crate::{
    error::Result,
    read::{BinaryColumn, ReadView, RowBatch, source::Source},
    types::{Kind, Timestamp},
};

/// How to scan.
#[derive(Clone, Debug)]
pub struct ScanOptions {
    /// From the end of the range to its start.
    pub reverse: bool,
    /// Rows of a batch at most; at least 1.
    pub batch_rows: usize,
    /// Rows of the scan at most.
    pub limit: Option<usize>,
}

impl Default for ScanOptions {
    fn default() -> Self {
        Self { reverse: false, batch_rows: 8_192, limit: None }
    }
}

/// Bytes of keys and values after which a batch is closed early.
const BATCH_BYTES: usize = 8 << 20;

/// A running scan. It holds what it reads until it is dropped.
#[derive(Debug)]
pub struct Scan {
    merge: VisibleMerge,
    options: ScanOptions,
    remaining: usize,
    like_last: Room,
    /// Keeps the view's files and pins for as long as the scan lives.
    _view: ReadView,
}

impl Scan {
    pub(crate) fn new(view: ReadView, sources: Vec<Source>, options: ScanOptions) -> Self {
        let at = view.timestamp();
        let remaining = options.limit.unwrap_or(usize::MAX);
        Self {
            merge: VisibleMerge::new(sources, at, options.reverse),
            options,
            remaining,
            like_last: Room::default(),
            _view: view,
        }
    }

    /// Returns the next rows, or `None` at the end.
    ///
    /// # Errors
    /// `Corrupt` or `Unavailable` when a page cannot be read; the scan cannot go on.
    ///
    /// # Cancel safety
    /// Dropping the future loses the rows of the batch that was being filled: drop the scan as well.
    pub async fn next(&mut self) -> Result<Option<RowBatch>> {
        if self.remaining == 0 {
            return Ok(None);
        }
        let rows_max = self.options.batch_rows.max(1).min(self.remaining);
        let mut batch = self.like_last.empty_batch();
        while batch.len() < rows_max && batch.keys.bytes() + batch.values.bytes() < BATCH_BYTES {
            if !self.merge.next_into(&mut batch, rows_max).await? {
                break;
            }
        }
        self.remaining -= batch.len();
        self.like_last = Room::of(&batch);
        Ok((!batch.is_empty()).then_some(batch))
    }
}

/// How large the last batch became: the next one is likely to be like it.
#[derive(Clone, Copy, Debug, Default)]
struct Room {
    rows: usize,
    key_bytes: usize,
    value_bytes: usize,
}

impl Room {
    fn of(batch: &RowBatch) -> Self {
        Self { rows: batch.len(), key_bytes: batch.keys.bytes(), value_bytes: batch.values.bytes() }
    }

    fn empty_batch(self) -> RowBatch {
        RowBatch {
            keys: BinaryColumn::with_capacity(self.rows, self.key_bytes),
            begins: Vec::with_capacity(self.rows),
            values: BinaryColumn::with_capacity(self.rows, self.value_bytes),
        }
    }
}

/// The merge under a scan.
#[derive(Debug)]
pub(crate) struct VisibleMerge {
    sources: Vec<Source>,
    at: Timestamp,
    reverse: bool,
    /// The key whose answer was given last: its older versions are passed over.
    settled: Vec<u8>,
    has_settled: bool,
}

impl VisibleMerge {
    pub(crate) fn new(sources: Vec<Source>, at: Timestamp, reverse: bool) -> Self {
        Self { sources, at, reverse, settled: Vec::new(), has_settled: false }
    }

    /// Adds at least one row to `batch` and at most `rows_max` in all, or returns false at the end.
    pub(crate) async fn next_into(&mut self, batch: &mut RowBatch, rows_max: usize) -> Result<bool> {
        let before = batch.len();
        while batch.len() == before {
            let settled = self.has_settled.then_some(self.settled.as_slice());
            if !fill_all(&mut self.sources, settled).await? {
                return Ok(false);
            }
            if self.reverse {
                self.step_backward(batch).await?;
            } else {
                self.step_forward(batch, rows_max);
            }
        }
        Ok(true)
    }

    /// Takes rows of the source that comes first, until another source's key is reached or the block ends.
    fn step_forward(&mut self, batch: &mut RowBatch, rows_max: usize) {
        let (lead, second) = first_two_by_key(&self.sources);
        let source = &self.sources[lead];
        let stop = match second {
            // Of equal keys the newer source's comes first.
            Some(second) => source.rows_before(self.sources[second].key(), lead < second),
            None => source.block_end(),
        };
        let is_settled = self.has_settled && source.key() == self.settled.as_slice();
        let (source, settled) = (&mut self.sources[lead], &mut self.settled);
        self.has_settled = source.take_visible(stop, self.at, rows_max, batch, is_settled, settled);
    }

    /// Settles the greatest key of all sources.
    async fn step_backward(&mut self, batch: &mut RowBatch) -> Result<()> {
        let lead = first_by_key(&self.sources, |a, b| a > b);
        let key = self.sources[lead].key().to_vec();
        let mut visible: Option<(Timestamp, Kind, Bytes)> = None;
        for source in &mut self.sources {
            let mut newest = None;
            while !source.is_at_end() && source.key() == key {
                if visible.is_none() && source.begin() <= self.at {
                    newest = Some((source.begin(), source.kind(), source.value_bytes()));
                }
                source.advance();
                if source.is_at_gap() {
                    source.fill(None).await?;
                }
            }
            visible = visible.or(newest);
        }
        if let Some((begin, Kind::Put, value)) = visible {
            batch.push(&key, begin, &value);
        }
        Ok(())
    }
}

/// Puts every source on a row and removes those that have none left; false when all are gone. See [`Source::fill`] for
/// `settled`.
pub(crate) async fn fill_all(sources: &mut Vec<Source>, settled: Option<&[u8]>) -> Result<bool> {
    let mut ended = false;
    for source in &mut *sources {
        if source.is_at_gap() {
            source.fill(settled).await?;
        }
        ended |= source.is_at_end();
    }
    if ended {
        sources.retain(|source| !source.is_at_end());
    }
    Ok(!sources.is_empty())
}

/// The sources whose keys come first and second; of equal keys the newest source's come first.
fn first_two_by_key(sources: &[Source]) -> (usize, Option<usize>) {
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
pub(crate) fn first_by_key(sources: &[Source], precedes: impl Fn(&[u8], &[u8]) -> bool) -> usize {
    let mut first = 0;
    for (index, source) in sources.iter().enumerate().skip(1) {
        if precedes(source.key(), sources[first].key()) {
            first = index;
        }
    }
    first
}
