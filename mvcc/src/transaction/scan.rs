//! Scans of a transaction: the view's rows merged with the transaction's own writes.

use std::{cmp::Ordering, collections::VecDeque};

use bygone_engine::{
    KeyRange, ReadView, RowBatch, Scan, ScanOptions,
    types::{KeyspaceId, Timestamp},
};
use bytes::Bytes;

use crate::Result;

/// A running scan. It holds its view, and the own writes it shows, until it is dropped.
#[derive(Debug)]
pub struct TransactionScan {
    base: Scan,
    /// Own writes in scan order.
    own: VecDeque<(Bytes, Option<Bytes>)>,
    /// The view's rows that were read and not yet returned, from `row` on.
    pending: Option<RowBatch>,
    row: usize,
    base_ended: bool,
    reverse: bool,
    batch_rows: usize,
    remaining: usize,
}

impl TransactionScan {
    pub(crate) fn new(
        view: &ReadView,
        keyspace: KeyspaceId,
        range: KeyRange,
        options: ScanOptions,
        own: Vec<(Bytes, Option<Bytes>)>,
    ) -> Result<Self> {
        let mut own = VecDeque::from(own);
        if options.reverse {
            own.make_contiguous().reverse();
        }
        // Each own write can hide one row of the view.
        let base_limit = options.limit.map(|limit| limit.saturating_add(own.len()));
        let (reverse, batch_rows) = (options.reverse, options.batch_rows.max(1));
        let remaining = options.limit.unwrap_or(usize::MAX);
        let base = view.scan(keyspace, range, ScanOptions { limit: base_limit, ..options })?;
        Ok(Self { base, own, pending: None, row: 0, base_ended: false, reverse, batch_rows, remaining })
    }

    /// The next rows, or `None` at the end.
    ///
    /// # Errors
    /// The engine's; the scan cannot go on then.
    pub async fn next(&mut self) -> Result<Option<RowBatch>> {
        if self.remaining == 0 {
            return Ok(None);
        }
        let mut out = RowBatch::default();
        loop {
            if self.pending.is_none() && !self.base_ended {
                self.pending = self.base.next().await?;
                self.base_ended = self.pending.is_none();
                self.row = 0;
            }
            if self.own.is_empty() && self.row == 0 && out.is_empty() {
                return Ok(self.pass_through());
            }
            let rows_max = self.batch_rows.min(self.remaining);
            self.merge_into(&mut out, rows_max);
            let done = self.base_ended && self.pending.is_none() && self.own.is_empty();
            if out.len() >= rows_max || done {
                self.remaining -= out.len();
                return Ok((!out.is_empty()).then_some(out));
            }
        }
    }

    /// The view's batch as it is, when no own write is left.
    fn pass_through(&mut self) -> Option<RowBatch> {
        let batch = self.pending.take()?;
        if batch.len() <= self.remaining {
            self.remaining -= batch.len();
            return Some(batch);
        }
        let mut cut = RowBatch::default();
        for row in 0..self.remaining {
            push(&mut cut, batch.keys.get(row), batch.begins[row], batch.values.get(row));
        }
        self.remaining = 0;
        Some(cut)
    }

    /// Merges until `out` is full or the view's next batch is needed.
    fn merge_into(&mut self, out: &mut RowBatch, rows_max: usize) {
        while out.len() < rows_max {
            let order = match (&self.pending, self.own.front()) {
                (Some(batch), Some((key, _))) => {
                    let order = batch.keys.get(self.row).cmp(key.as_ref());
                    if self.reverse { order.reverse() } else { order }
                }
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) if self.base_ended => Ordering::Greater,
                (None, _) => return,
            };
            if order != Ordering::Less
                && let Some((key, Some(value))) = self.own.pop_front()
            {
                push(out, &key, Timestamp::ZERO, &value);
            }
            if order != Ordering::Greater
                && let Some(batch) = &self.pending
            {
                if order == Ordering::Less {
                    push(out, batch.keys.get(self.row), batch.begins[self.row], batch.values.get(self.row));
                }
                self.row += 1;
                if self.row == batch.len() {
                    self.pending = None;
                    self.row = 0;
                }
            }
        }
    }
}

fn push(batch: &mut RowBatch, key: &[u8], begin: Timestamp, value: &[u8]) {
    batch.keys.push(key);
    batch.begins.push(begin);
    batch.values.push(value);
}
