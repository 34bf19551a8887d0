//! Range scans at one timestamp.
//! See [`super::merge`] for how the rows are found.

use super::{
    batch::{BinaryColumn, RowBatch},
    merge::{BackwardMerge, MergeOrder, ScanMerge, Step, VisibleMerge},
    sources,
    view::ReadView,
};
use crate::{
    error::Result,
    types::{KeyRange, KeyspaceId},
};

/// Options of a scan.
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
    merge: ScanMerge,
    options: ScanOptions,
    remaining: usize,
    like_last: Room,
    /// Keeps the view's files and pins for as long as the scan lives.
    _view: ReadView,
}

impl ReadView {
    /// Starts a scan of `range`.
    ///
    /// # Errors
    /// As [`Self::check`].
    pub fn scan(&self, keyspace: KeyspaceId, range: KeyRange, options: ScanOptions) -> Result<Scan> {
        self.check(keyspace)?;
        let at = self.timestamp();
        let merge = if options.reverse {
            let sources = sources::visible_backward(self, keyspace, &range);
            ScanMerge::Backward(BackwardMerge::new(sources, at))
        } else {
            let sources = sources::visible(self, keyspace, &range);
            ScanMerge::Forward(VisibleMerge::new(sources, at, MergeOrder::Keys))
        };
        let remaining = options.limit.unwrap_or(usize::MAX);
        Ok(Scan { merge, options, remaining, like_last: Room::default(), _view: self.clone() })
    }
}

impl Scan {
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

/// Sizes of the last batch: the next one is likely to be like it.
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
