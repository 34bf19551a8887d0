//! Scans of rows by columns.
//!
//! ```text
//!   merge (keys, begins, ends, kinds) ─▶ RowSet: which rows of which pages ─▶ columns: Arrow arrays of just these rows
//!                                           └ filter: fewer rows before the next columns are read
//! ```
//!
//! The merge is that of every scan; it decides on keys and timestamps alone, so the values of rows that are
//! not visible, or that a filter lets go, are not read. A page that is clean at the moment, and that no newer
//! source overlaps, is taken whole.

mod assembler;
mod builder;
mod picks;
mod rowset;
mod views;

use std::{collections::VecDeque, sync::Arc};

use arrow_array::ArrayRef;
use arrow_schema::DataType;
use bytes::Bytes;

pub use assembler::RowAssembler;
pub use rowset::RowSet;
pub(crate) use rowset::{RowPlace, RowSegment};

use super::{
    PageCounts, PagePruner, ReadView,
    merge::{BackwardMerge, MergeOrder, ScanMerge, Step, VisibleMerge},
    prune::Prune,
    source::{ColumnReading, ForwardSource},
    sources,
};
use crate::{
    Result,
    rows::value::tag,
    types::{KeyRange, KeyspaceId, Timestamp},
};

/// A column that a scan is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnRequest {
    /// Its id.
    pub id: u32,
    /// The type of the array. Narrower values that are stored are widened.
    pub data_type: DataType,
    /// Its value in rows that are older than the column.
    pub missing: Missing,
}

/// The value of a column in rows that are older than it: a tag and a payload, as rows have them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// The tag.
    pub tag: u8,
    /// The payload, with its length in front where the tag asks for one.
    pub payload: Bytes,
}

impl Default for Missing {
    /// NULL.
    fn default() -> Self {
        Self { tag: tag::NULL, payload: Bytes::new() }
    }
}

/// Bytes of rows, before encoding, after which a set is closed early.
const SET_BYTES: usize = 16 << 20;

/// Options of a scan for columns.
#[derive(Clone, Debug)]
pub struct ColumnScanOptions {
    /// From the end of the range to its start.
    pub reverse: bool,
    /// Whether rows come in the order of their keys. Without it, those of one page stay together and those of
    /// history come behind the others, which is faster where rows of several files lie between each other.
    /// Backward they are always in order.
    pub ordered: bool,
    /// Rows of a set at most; at least 1.
    pub batch_rows: usize,
    /// Says which pages need not be read. Rows that it would leave out may be in the answer all the same.
    pub pruner: Option<Arc<dyn PagePruner>>,
}

impl Default for ColumnScanOptions {
    fn default() -> Self {
        Self { reverse: false, ordered: true, batch_rows: 8_192, pruner: None }
    }
}

/// A running scan by columns. It holds what it reads until it is dropped.
#[derive(Debug)]
pub struct ColumnScan {
    /// One after another: they have no key in common.
    merges: VecDeque<ScanMerge>,
    grouped: bool,
    batch_rows: usize,
    counts: Arc<PageCounts>,
    /// Keeps the view's files and pins for as long as the scan lives.
    _view: ReadView,
}

impl ReadView {
    /// Starts a scan of `range` for columns of its rows.
    ///
    /// # Errors
    /// As [`Self::check`].
    pub fn scan_columns(
        &self,
        keyspace: KeyspaceId,
        range: &KeyRange,
        options: &ColumnScanOptions,
    ) -> Result<ColumnScan> {
        self.check(keyspace)?;
        let counts = Arc::new(PageCounts::default());
        let merges = if options.reverse {
            // Backward, rows are given out one by one with their values.
            let sources = sources::visible_backward(self, keyspace, range);
            [ScanMerge::Backward(BackwardMerge::new(sources, self.timestamp()))].into()
        } else {
            let sources = sources::visible(self, keyspace, range);
            merges(sources, self.timestamp(), options, &counts)
        };
        Ok(ColumnScan {
            merges,
            grouped: !options.ordered && !options.reverse,
            batch_rows: options.batch_rows.max(1),
            counts,
            _view: self.clone(),
        })
    }
}

/// The merges of a forward scan. `sources`: newest first, then those of history.
fn merges(
    sources: Vec<ForwardSource>,
    at: Timestamp,
    options: &ColumnScanOptions,
    counts: &Arc<PageCounts>,
) -> VecDeque<ScanMerge> {
    // I6: only of the oldest source of the current tier, and of history, which hides nothing.
    let oldest = sources.iter().filter(|source| !source.is_history()).count();
    let sources = sources.into_iter().enumerate().map(|(place, source)| {
        let pruner = options.pruner.as_ref().filter(|_| place + 1 >= oldest);
        source.for_columns(ColumnReading {
            whole_at: Some(at),
            prune: pruner.map(|pruner| Prune::new(Arc::clone(pruner))),
            counts: Arc::clone(counts),
        })
    });
    let merge = |sources, order| ScanMerge::Forward(VisibleMerge::new(sources, at, order));
    if options.ordered {
        return [merge(sources.collect(), MergeOrder::Keys)].into();
    }
    // I3, I4, I7: what is visible in the current tier and what is alive in history have no key in common.
    let (history, current): (Vec<_>, Vec<_>) = sources.partition(ForwardSource::is_history);
    let history = history.into_iter().map(|source| merge(vec![source], MergeOrder::Keys));
    std::iter::once(merge(current, MergeOrder::Any)).chain(history).collect()
}

impl ColumnScan {
    /// Returns the next rows, or `None` at the end.
    ///
    /// # Errors
    /// `Corrupt` or `Unavailable` when a page cannot be read; the scan cannot go on.
    ///
    /// # Cancel safety
    /// Dropping the future loses rows: drop the scan as well.
    ///
    /// # Cost
    /// Reads keys and timestamps, and not even these of pages whose rows are all visible.
    pub async fn next(&mut self) -> Result<Option<RowSet>> {
        let mut set = RowSet::new(self.grouped);
        while set.len() < self.batch_rows && set.bytes() < SET_BYTES {
            let Some(merge) = self.merges.front_mut() else { break };
            match merge.next_into(&mut set, self.batch_rows).await? {
                Step::Rows => {}
                Step::Full => break,
                Step::End => drop(self.merges.pop_front()),
            }
        }
        Ok((!set.is_empty()).then_some(set))
    }

    /// Numbers of pages that were read and left out so far, forward.
    pub fn pages(&self) -> &PageCounts {
        &self.counts
    }
}

/// Arrow arrays of one length.
pub type Columns = Vec<ArrayRef>;
