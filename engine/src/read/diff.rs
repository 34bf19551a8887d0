//! The net difference between two moments.
//!
//! Every key that differs has a version with `from < begin <= to` that is what `to` sees, in the current tier or alive at
//! `to` in history: a value, or a delete, which stays in the current tier as long as a value that it ended is kept (rule 3
//! of [`crate::garbage`]). So the candidates are found from the begin chunks of pages that were written after `from`; the
//! rest of the keyspace, and what began and ended in between, is not read. The two sides of each candidate are
//! then looked up: by point reads where changes are sparse, by two range scans where they are dense.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::{
    error::Result,
    read::{
        KeyRange, ReadView, RowBatch, Scan, ScanOptions,
        scan::{fill_all, first_by_key},
        source::{PageFilter, Source},
    },
    types::{KeyspaceId, Timestamp, Version},
};

/// One key that differs between two moments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The key.
    pub key: Bytes,
    /// Value at the earlier moment, if there was one.
    pub before: Option<Bytes>,
    /// Value at the later moment, if there is one.
    pub after: Option<Bytes>,
    /// The commit that wrote `before`; zero without one.
    pub before_begin: Timestamp,
    /// The commit that wrote `after`, or the newest commit up to the later moment that deleted the key (zero when that
    /// delete is no longer kept).
    pub after_begin: Timestamp,
}

/// Candidate keys that are looked at together.
const CHUNK_KEYS: usize = 4_096;
/// Candidates are looked up by scanning their key range when at least one stored version in this many is of a
/// candidate.
const DENSE_RATIO: usize = 8;

/// A running diff, in key order. Keys whose values are equal at both moments are not reported.
#[derive(Debug)]
pub struct DiffScan {
    candidates: Candidates,
    from: ReadView,
    to: ReadView,
    keyspace: KeyspaceId,
    ready: VecDeque<Difference>,
}

impl DiffScan {
    pub(crate) fn new(from: ReadView, to: ReadView, keyspace: KeyspaceId, range: &KeyRange) -> Self {
        let (after, through) = (from.timestamp(), to.timestamp());
        let mut sources = to.sources(keyspace, range, PageFilter::Begins { after, through });
        sources.extend(to.history(keyspace, range, PageFilter::Alive { after, at: through }));
        let candidates = Candidates { sources, after, through };
        Self { candidates, from, to, keyspace, ready: VecDeque::new() }
    }

    /// Returns the next difference, or `None` after the last.
    ///
    /// # Errors
    /// `Corrupt` or `Unavailable` when a page cannot be read.
    pub async fn next(&mut self) -> Result<Option<Difference>> {
        loop {
            if let Some(difference) = self.ready.pop_front() {
                return Ok(Some(difference));
            }
            let keys = self.candidates.next_chunk().await?;
            let (Some(first), Some(last)) = (keys.first(), keys.last()) else { return Ok(None) };
            let range = KeyRange::new(first.clone()..=last.clone());
            let stored = self.to.versions_in(self.keyspace, &range);
            if stored < (keys.len() * DENSE_RATIO) as u64 {
                self.look_up_dense(keys).await?;
            } else {
                self.look_up_sparse(keys).await?;
            }
        }
    }

    async fn look_up_sparse(&mut self, keys: Vec<Bytes>) -> Result<()> {
        for key in keys {
            let before = self.from.newest(self.keyspace, &key).await?;
            let after = self.to.newest(self.keyspace, &key).await?;
            self.compare(key, before, after);
        }
        Ok(())
    }

    /// Joins the candidates with a scan of each side over their key range.
    async fn look_up_dense(&mut self, keys: Vec<Bytes>) -> Result<()> {
        let (first, last) = (&keys[0], &keys[keys.len() - 1]);
        let range = KeyRange::new(first.clone()..=last.clone());
        let mut before = Walk::new(self.from.scan(self.keyspace, range.clone(), ScanOptions::default())?);
        let mut after = Walk::new(self.to.scan(self.keyspace, range, ScanOptions::default())?);
        for key in keys {
            let old = before.seek(&key).await?;
            let new = after.seek(&key).await?;
            self.compare(key, old, new);
        }
        Ok(())
    }

    fn compare(&mut self, key: Bytes, before: Option<Version>, after: Option<Version>) {
        let begin = |version: &Option<Version>| version.as_ref().map_or(Timestamp::INTENT, |v| v.begin);
        let (before_begin, after_begin) = (begin(&before), begin(&after));
        let value = |version: Option<Version>| version.and_then(Version::into_value);
        let (before, after) = (value(before), value(after));
        if before != after {
            let before_begin = if before.is_some() { before_begin } else { Timestamp::INTENT };
            self.ready.push_back(Difference { key, before, after, before_begin, after_begin });
        }
    }
}

/// Keys with a version in the window, in order, each once.
#[derive(Debug)]
struct Candidates {
    sources: Vec<Source>,
    after: Timestamp,
    through: Timestamp,
}

impl Candidates {
    /// The next keys. None: the end.
    async fn next_chunk(&mut self) -> Result<Vec<Bytes>> {
        let mut keys: Vec<Bytes> = Vec::new();
        while keys.len() < CHUNK_KEYS && fill_all(&mut self.sources, None).await? {
            let lead = first_by_key(&self.sources, |a, b| a < b);
            let source = &mut self.sources[lead];
            let begin = source.begin();
            let is_new = keys.last().is_none_or(|last| last != source.key());
            let is_over = source.is_history() && source.end() <= self.through;
            if begin > self.after && begin <= self.through && !is_over && is_new {
                keys.push(Bytes::copy_from_slice(source.key()));
            }
            source.advance();
        }
        // The last key's other versions may still be ahead: pass them, so that no key is a candidate twice.
        if let Some(last) = keys.last().cloned() {
            while fill_all(&mut self.sources, None).await? {
                let lead = first_by_key(&self.sources, |a, b| a < b);
                if self.sources[lead].key() != last.as_ref() {
                    break;
                }
                self.sources[lead].advance();
            }
        }
        Ok(keys)
    }
}

/// Walks a scan forward to given keys.
#[derive(Debug)]
struct Walk {
    scan: Scan,
    batch: RowBatch,
    row: usize,
}

impl Walk {
    fn new(scan: Scan) -> Self {
        Self { scan, batch: RowBatch::default(), row: 0 }
    }

    /// The row with this key, if there is one. Keys must rise from call to call.
    async fn seek(&mut self, key: &[u8]) -> Result<Option<Version>> {
        loop {
            while self.row < self.batch.len() && self.batch.keys.get(self.row) < key {
                self.row += 1;
            }
            if self.row < self.batch.len() {
                return Ok((self.batch.keys.get(self.row) == key).then(|| self.batch.version(self.row)));
            }
            match self.scan.next().await? {
                Some(batch) => (self.batch, self.row) = (batch, 0),
                None => return Ok(None),
            }
        }
    }
}
