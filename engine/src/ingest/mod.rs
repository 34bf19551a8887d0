//! Bulk ingest: sorted table files that become visible by one manifest edit.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::{
    Error, ReadView, Result,
    types::{KeyspaceId, WriteBatch},
};

/// What happens to a key that is pushed twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnDuplicate {
    /// The ingest fails with `DuplicateKey`.
    #[default]
    Fail,
    /// The later push counts.
    KeepLast,
}

/// How to ingest.
#[derive(Clone, Debug, Default)]
pub struct IngestOptions {
    /// What happens to a key that is pushed twice.
    pub on_duplicate: OnDuplicate,
    /// Fail with `DuplicateKey` when a pushed key has a value in this view.
    pub absent_from: Option<ReadView>,
}

/// A bulk ingest that is being written. Dropping it leaves only files that nothing references.
#[derive(Debug)]
pub struct Ingest {
    keyspace: KeyspaceId,
    options: IngestOptions,
    rows: BTreeMap<Bytes, Option<Bytes>>,
}

/// A finished ingest, to be made visible by `Engine::publish_ingest`.
#[derive(Debug)]
pub struct IngestedRun {
    keyspace: KeyspaceId,
    rows: BTreeMap<Bytes, Option<Bytes>>,
}

impl Ingest {
    pub(crate) fn new(keyspace: KeyspaceId, options: IngestOptions) -> Self {
        Self { keyspace, options, rows: BTreeMap::new() }
    }

    /// Adds a value, or a delete. Keys may come in any order; ascending is fastest.
    ///
    /// # Errors
    /// `Unavailable` when a spill cannot be written; `Invalid` for a key or value that is too long.
    pub async fn push(&mut self, key: &[u8], value: Option<&[u8]>) -> Result<()> {
        let key = Bytes::copy_from_slice(key);
        let value = value.map(Bytes::copy_from_slice);
        if self.rows.insert(key.clone(), value).is_some() && self.options.on_duplicate == OnDuplicate::Fail {
            return Err(Error::DuplicateKey { key });
        }
        Ok(())
    }

    /// Sorts and writes what is left and checks for duplicates.
    ///
    /// # Errors
    /// `DuplicateKey` as the options say; `Unavailable` when a file cannot be written.
    pub async fn finish(self) -> Result<IngestedRun> {
        if let Some(view) = &self.options.absent_from {
            for key in self.rows.keys() {
                if view.get(self.keyspace, key).await?.is_some() {
                    return Err(Error::DuplicateKey { key: key.clone() });
                }
            }
        }
        Ok(IngestedRun { keyspace: self.keyspace, rows: self.rows })
    }
}

impl IngestedRun {
    /// Where the run goes.
    pub fn keyspace(&self) -> KeyspaceId {
        self.keyspace
    }

    /// Rows of the run.
    pub fn rows(&self) -> u64 {
        self.rows.len() as u64
    }

    pub(crate) fn into_batch(self, batch: &mut WriteBatch) {
        for (key, value) in self.rows {
            batch.push(crate::types::Write { keyspace: self.keyspace, key, value });
        }
    }
}
