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
//! Runs of history are sources too, behind all others. Their versions are judged alone, by their lifetimes: what is alive
//! at the moment is taken, whatever the others say. That gives no key twice, because where the current tier has the
//! visible version, none in history is alive (H1 of [`crate::compaction`]); and a delete that had ended hides nothing.
//!
//! While one source is alone below the next key of all others, its rows are copied without further comparison against
//! them: a decided keyspace costs one comparison per page. Where rows of several lie between each other, they are judged a
//! window of keys at a time.

use std::{ops::Range, sync::Arc};

use arrow_buffer::BooleanBuffer;

use crate::{
    error::Result,
    read::{
        BinaryColumn, ReadView, RowBatch,
        source::{Source, WindowRows},
        window,
    },
    sst::{CachePolicy, Page, Table},
    types::{Kind, Timestamp, Version},
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
            merge: VisibleMerge::new(
                sources,
                at,
                if options.reverse { Order::Backward } else { Order::Forward },
            ),
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
            if self.merge.next_into(&mut batch, rows_max).await? != Step::Rows {
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

/// Takes what a merge finds visible, in scan order.
pub(crate) trait RowSink {
    /// Rows taken.
    fn len(&self) -> usize;

    /// Takes a row of a memtable, or one whose value was read already. What it keeps of it, it may take away.
    fn take_version(&mut self, version: &mut Version);

    /// Says which page the next rows are of, and what reading it does to the cache.
    fn enter_page(&mut self, table: &Table, number: usize, policy: CachePolicy);

    /// Takes rows of the page that was entered last.
    fn take_rows(&mut self, page: &Arc<Page>, rows: Range<usize>);

    /// As [`Self::take_rows`], those whose bits are set; the first bit is that of row `start`.
    fn take_bits(&mut self, page: &Arc<Page>, start: usize, bits: &BooleanBuffer) {
        bits.set_slices().for_each(|(from, to)| self.take_rows(page, start + from..start + to));
    }

    /// As [`Self::take_rows`], of a page that was not loaded. Only of sources that are read for columns.
    fn take_whole(&mut self, rows: Range<usize>);
}

/// What a step of a merge came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// There is at least one row more.
    Rows,
    /// What comes next would not fit any more.
    Full,
    /// Nothing is left.
    End,
}

impl RowSink for RowBatch {
    fn len(&self) -> usize {
        self.begins.len()
    }

    fn take_version(&mut self, version: &mut Version) {
        self.push(&version.key, version.begin, &version.value);
    }

    fn enter_page(&mut self, _: &Table, _: usize, _: CachePolicy) {}

    #[inline]
    fn take_rows(&mut self, page: &Arc<Page>, rows: Range<usize>) {
        let prefix = page.prefix();
        for row in rows {
            self.keys.push_parts(prefix, page.suffix(row));
            self.begins.push(page.begin(row));
            self.values.push_with(|out| page.append_value(row, out));
        }
    }

    fn take_whole(&mut self, _: Range<usize>) {
        unreachable!("pages are loaded where values are wanted");
    }
}

/// In which order rows come out of a merge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// Key ascending.
    Forward,
    /// Key descending.
    Backward,
    /// Key ascending from window to window, and from source to source within one.
    Any,
}

/// The merge under a scan.
#[derive(Debug)]
pub(crate) struct VisibleMerge {
    sources: Vec<Source>,
    at: Timestamp,
    order: Order,
    /// The key whose answer was given last: its older versions are passed over.
    decided: Vec<u8>,
    has_decided: bool,
    /// Rows of the last window that are left.
    found: WindowRows,
    /// Up to this key rows are taken in turns, because only few lie between others.
    turns_to: Vec<u8>,
}

impl VisibleMerge {
    pub(crate) fn new(sources: Vec<Source>, at: Timestamp, order: Order) -> Self {
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
            if self.order == Order::Backward {
                self.step_backward(batch).await?;
            } else if self.step_forward(batch, rows_max).await? == Step::Full {
                return Ok(Step::Full);
            }
        }
        Ok(Step::Rows)
    }

    /// Takes rows of the source that comes first, until another source's key is reached or the block ends.
    async fn step_forward(&mut self, batch: &mut impl RowSink, rows_max: usize) -> Result<Step> {
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
        let in_order = self.order == Order::Forward;
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

    /// Settles the greatest key of all sources.
    async fn step_backward(&mut self, batch: &mut impl RowSink) -> Result<()> {
        let lead = first_by_key(&self.sources, |a, b| a > b);
        let key = self.sources[lead].key().to_vec();
        let mut visible: Option<Version> = None;
        for source in &mut self.sources {
            let mut newest = None;
            let is_history = source.is_history();
            while !source.is_at_end() && source.key() == key {
                let counts = if is_history { self.at < source.end() } else { visible.is_none() };
                if counts && source.begin() <= self.at {
                    newest = Some(source.version());
                }
                source.advance();
                if source.is_at_gap() {
                    source.fill(None).await?;
                }
            }
            visible = if is_history { newest.or(visible) } else { visible.or(newest) };
        }
        if let Some(mut version) = visible.filter(|version| version.kind == Kind::Put) {
            batch.take_version(&mut version);
        }
        Ok(())
    }
}

/// Puts every source on a row and removes those that have none left; false when all are gone. See [`Source::fill`] for
/// `decided`.
pub(crate) async fn fill_all(sources: &mut Vec<Source>, decided: Option<&[u8]>) -> Result<bool> {
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
