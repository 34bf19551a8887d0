//! Source of a scan: a view, or a transaction as it was before the running statement.

use std::{ops::Bound, sync::Arc};

use bygone_engine::{
    ColumnScan, ColumnScanOptions, KeyRange, ReadView, RowBatch, Scan, ScanOptions,
    types::{KeyspaceId, Timestamp},
};
use bygone_mvcc::{Mark, Transaction, TransactionScan};
use bytes::Bytes;

use crate::error::Result;

/// Tables with fewer versions are read by one task.
const ROWS_TO_SPLIT: usize = 100_000;

/// The rows of one moment. Cheap to clone; holds its pin.
#[derive(Clone, Debug)]
pub(crate) enum Reader {
    /// Committed rows at a timestamp.
    View(ReadView),
    /// Rows of a transaction: its view, and what it wrote before the mark.
    Transaction(Arc<Transaction>, Mark),
}

/// A running scan of a [`Reader`].
#[derive(Debug)]
pub(crate) enum ReaderScan {
    View(Scan),
    Transaction(TransactionScan),
}

impl Reader {
    /// The rows of `transaction` as they are now; its later writes do not show.
    pub(crate) fn of_transaction(transaction: &Arc<Transaction>) -> Self {
        if transaction.is_clean() {
            Self::View(transaction.view().clone())
        } else {
            Self::Transaction(Arc::clone(transaction), transaction.mark())
        }
    }

    /// The moment.
    pub(crate) fn timestamp(&self) -> Timestamp {
        self.view().timestamp()
    }

    /// The view, without uncommitted rows.
    pub(crate) fn view(&self) -> &ReadView {
        match self {
            Self::View(view) => view,
            Self::Transaction(transaction, _) => transaction.view(),
        }
    }

    /// View of what is stored, files of the transaction included, if `keyspace` has no uncommitted rows in
    /// memory on top of it.
    pub(crate) fn committed(&self, keyspace: KeyspaceId) -> Option<&ReadView> {
        match self {
            Self::View(view) => Some(view),
            Self::Transaction(_, mark) => mark.stored(keyspace),
        }
    }

    /// View of what is stored, files of the transaction included: for figures that need not be exact.
    pub(crate) fn stored(&self) -> &ReadView {
        match self {
            Self::View(view) => view,
            Self::Transaction(transaction, mark) => mark.view().unwrap_or(transaction.view()),
        }
    }

    /// The value of one key.
    pub(crate) async fn get(&self, keyspace: KeyspaceId, key: &[u8]) -> Result<Option<Bytes>> {
        Ok(match self {
            Self::View(view) => view.get(keyspace, key).await?,
            Self::Transaction(transaction, mark) => {
                transaction.get_before(keyspace, key, mark.clone()).await?
            }
        })
    }

    /// The rows of a range.
    pub(crate) fn scan(
        &self,
        keyspace: KeyspaceId,
        range: KeyRange,
        reverse: bool,
        batch_rows: usize,
    ) -> Result<ReaderScan> {
        let options = ScanOptions { reverse, batch_rows, limit: None };
        Ok(match self {
            Self::View(view) => ReaderScan::View(view.scan(keyspace, range, options)?),
            Self::Transaction(transaction, mark) => {
                ReaderScan::Transaction(transaction.scan_before(keyspace, range, options, mark.clone())?)
            }
        })
    }

    /// The rows of a range, to be read by columns; `None` where there are uncommitted rows among them.
    pub(crate) fn scan_columns(
        &self,
        keyspace: KeyspaceId,
        range: &KeyRange,
        options: &ColumnScanOptions,
    ) -> Result<Option<ColumnScan>> {
        let Some(view) = self.committed(keyspace) else { return Ok(None) };
        Ok(Some(view.scan_columns(keyspace, range, options)?))
    }

    /// Every row whose key starts with `prefix`.
    pub(crate) async fn prefix(&self, keyspace: KeyspaceId, prefix: &str) -> Result<Vec<(Bytes, Bytes)>> {
        let range = KeyRange::prefix(prefix.to_owned());
        let mut scan = self.scan(keyspace, range, false, 1_024)?;
        let mut rows = Vec::new();
        while let Some(batch) = scan.next().await? {
            for row in 0..batch.len() {
                rows.push((
                    Bytes::copy_from_slice(batch.keys.get(row)),
                    Bytes::copy_from_slice(batch.values.get(row)),
                ));
            }
        }
        Ok(rows)
    }

    /// About how many rows a keyspace has: an upper bound that counts old versions too.
    pub(crate) fn estimated_rows(&self, keyspace: KeyspaceId) -> Option<usize> {
        usize::try_from(self.stored().versions_estimate(keyspace)).ok()
    }

    /// Whether a keyspace is worth several tasks.
    pub(crate) fn is_large(&self, keyspace: KeyspaceId) -> bool {
        self.estimated_rows(keyspace).is_some_and(|rows| rows >= ROWS_TO_SPLIT)
    }

    /// Splits a range into about equal parts, in key order; one part when it is small or has uncommitted
    /// rows.
    pub(crate) fn split(&self, keyspace: KeyspaceId, range: &KeyRange, parts: usize) -> Vec<KeyRange> {
        let Some(view) = self.committed(keyspace) else { return vec![range.clone()] };
        let mut ranges = Vec::with_capacity(parts);
        let mut start = range.start.clone();
        for key in view.split_keys(keyspace, range, parts) {
            ranges.push(KeyRange { start, end: Bound::Excluded(key.clone()) });
            start = Bound::Included(key);
        }
        ranges.push(KeyRange { start, end: range.end.clone() });
        ranges
    }
}

impl ReaderScan {
    /// The next rows, or `None` at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<RowBatch>> {
        Ok(match self {
            Self::View(scan) => scan.next().await?,
            Self::Transaction(scan) => scan.next().await?,
        })
    }
}
