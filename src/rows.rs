//! Rows of a scan, one after another.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bygone_engine::{RowBatch, Scan};
use bygone_mvcc::TransactionScan;
use bytes::Bytes;
use futures::{Stream, future::BoxFuture};

use crate::Result;

/// Rows of a scan, in the order of their keys: a stream of keys and values. They hold the moment they are
/// read at until they are dropped.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> bygone::Result<()> {
/// # let db = bygone::Database::memory().await?;
/// # let stock = db.keyspace("stock").await?;
/// # stock.put("apples", "5").await?;
/// let mut rows = stock.scan("a".."p").await?;
/// while let Some((key, value)) = rows.try_next().await? {
///     assert_eq!((&key[..], &value[..]), (&b"apples"[..], &b"5"[..]));
/// }
/// # drop(rows);
/// # db.close().await
/// # }
/// ```
pub struct KeyspaceRows {
    source: RowSource,
    batch: RowBatch,
    /// The row of the batch that comes next.
    next: usize,
}

/// Source of the batches.
enum RowSource {
    Idle(Box<Batches>),
    Loading(BoxFuture<'static, (Box<Batches>, Result<Option<RowBatch>>)>),
    Ended,
}

/// The scan below.
pub(crate) enum Batches {
    OfView(Scan),
    OfTransaction(TransactionScan),
}

impl Batches {
    async fn load(mut self: Box<Self>) -> (Box<Self>, Result<Option<RowBatch>>) {
        let batch = match self.as_mut() {
            Self::OfView(scan) => scan.next().await.map_err(Into::into),
            Self::OfTransaction(scan) => scan.next().await.map_err(Into::into),
        };
        (self, batch)
    }
}

impl KeyspaceRows {
    pub(crate) fn new(batches: Batches) -> Self {
        Self { source: RowSource::Idle(Box::new(batches)), batch: RowBatch::default(), next: 0 }
    }

    /// The next row, or `None` at the end.
    ///
    /// # Errors
    /// `Corrupt` or `Unavailable` when a file cannot be read; the scan has ended then.
    ///
    /// # Cancel safety
    /// No row is lost when the future is dropped.
    pub async fn try_next(&mut self) -> Result<Option<(Bytes, Bytes)>> {
        std::future::poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await.transpose()
    }

    /// The rows that are left of the batch that was read last, or else the next batch, in columns, without a
    /// copy for each row; `None` at the end.
    ///
    /// # Errors
    /// As [`Self::try_next`].
    ///
    /// # Cancel safety
    /// As [`Self::try_next`].
    pub async fn next_batch(&mut self) -> Result<Option<RowBatch>> {
        if self.next == self.batch.len() && !self.load_batch().await? {
            return Ok(None);
        }
        let mut batch = std::mem::take(&mut self.batch);
        batch.remove_first(std::mem::take(&mut self.next));
        Ok(Some(batch))
    }

    /// All rows that are left.
    ///
    /// # Errors
    /// As [`Self::try_next`].
    pub async fn collect(mut self) -> Result<Vec<(Bytes, Bytes)>> {
        let mut all = Vec::new();
        while let Some(row) = self.try_next().await? {
            all.push(row);
        }
        Ok(all)
    }

    async fn load_batch(&mut self) -> Result<bool> {
        std::future::poll_fn(|cx| self.poll_batch(cx)).await
    }

    /// Loads the next batch; false at the end.
    fn poll_batch(&mut self, cx: &mut Context<'_>) -> Poll<Result<bool>> {
        loop {
            match std::mem::replace(&mut self.source, RowSource::Ended) {
                RowSource::Ended => return Poll::Ready(Ok(false)),
                RowSource::Idle(batches) => self.source = RowSource::Loading(Box::pin(batches.load())),
                RowSource::Loading(mut loading) => {
                    let Poll::Ready((batches, batch)) = loading.as_mut().poll(cx) else {
                        self.source = RowSource::Loading(loading);
                        return Poll::Pending;
                    };
                    let Some(batch) = batch? else { return Poll::Ready(Ok(false)) };
                    self.source = RowSource::Idle(batches);
                    if !batch.is_empty() {
                        (self.batch, self.next) = (batch, 0);
                        return Poll::Ready(Ok(true));
                    }
                }
            }
        }
    }
}

impl Stream for KeyspaceRows {
    type Item = Result<(Bytes, Bytes)>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.next == self.batch.len() && !ready!(self.poll_batch(cx))? {
            return Poll::Ready(None);
        }
        let key = Bytes::copy_from_slice(self.batch.keys.get(self.next));
        let value = Bytes::copy_from_slice(self.batch.values.get(self.next));
        self.next += 1;
        Poll::Ready(Some(Ok((key, value))))
    }
}

impl fmt::Debug for KeyspaceRows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyspaceRows").finish_non_exhaustive()
    }
}
