//! Descriptions of commits, kept in keyspaces of the system, written by the commit itself.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::atomic::Ordering;

use bygone_engine::{
    KeyRange, ReadView, ScanOptions,
    types::{Durability, KEY_BYTES_MAX, KeyspaceId, Timestamp, WriteBatch},
};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::{CommitMeta, Error, Result, Store, commit::Request, system};

/// The record of one commit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitRecord {
    /// When it happened, in microseconds since the Unix epoch.
    #[serde(skip)]
    pub timestamp: Timestamp,
    /// Who made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// Why it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Kind of work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statement: Option<String>,
    /// The names of the tables it touched, as they were then.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tables: Vec<String>,
    /// Every keyspace it wrote into, but for the system's.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub keyspaces: BTreeSet<u64>,
    /// Free key–value pairs.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

impl CommitRecord {
    /// Whether the commit wrote into one of `keyspaces`.
    pub fn touches(&self, keyspaces: &[KeyspaceId]) -> bool {
        keyspaces.iter().any(|keyspace| self.keyspaces.contains(&keyspace.get()))
    }

    pub(crate) fn decode(key: &[u8], value: &[u8]) -> Result<Self> {
        let timestamp = Self::time_of(key)?;
        let record: Self = serde_json::from_slice(value).map_err(|error| damaged(&error.to_string()))?;
        Ok(Self { timestamp, ..record })
    }

    fn time_of(key: &[u8]) -> Result<Timestamp> {
        let micros = <[u8; 8]>::try_from(key).map_err(|_| damaged("key is not a timestamp"))?;
        Ok(Timestamp::from_micros(u64::from_be_bytes(micros)))
    }
}

fn damaged(detail: &str) -> Error {
    bygone_engine::Error::corrupt("commit record", 0, detail).into()
}

/// The most bytes of text in what a commit says about itself. As JSON it grows at most sixfold and stays a
/// value.
const META_BYTES_MAX: usize = 32 << 20;

/// Refuses what could not be stored: an annotation whose name is too long for a key, a record too long for a
/// value.
pub(crate) fn check_meta(meta: &CommitMeta) -> Result<()> {
    if let Some(name) = meta.annotations.keys().find(|name| name.len() > KEY_BYTES_MAX) {
        let bytes = name.len();
        return Err(Error::Invalid(format!(
            "the name of an annotation is too long: bytes={bytes} max={KEY_BYTES_MAX}"
        )));
    }
    let said = [&meta.author, &meta.message, &meta.statement].into_iter().flatten();
    let annotations = meta.annotations.iter().flat_map(|(name, value)| [name, value]);
    let bytes: usize = said.chain(&meta.tables).chain(annotations).map(|text| text.len() + 1).sum();
    if bytes > META_BYTES_MAX {
        return Err(Error::Invalid(format!(
            "what the commit says about itself is too long: bytes={bytes} max={META_BYTES_MAX}"
        )));
    }
    Ok(())
}

/// Adds the record and the annotations of a stamped request to its batch.
pub(crate) fn add_record(request: &mut Request, at: Timestamp) {
    if request.meta.is_empty() {
        return;
    }
    let meta = std::mem::take(&mut request.meta);
    for (name, value) in &meta.annotations {
        request.batch.put(system::ANNOTATIONS, Bytes::from(name.clone()), Bytes::from(value.clone()));
    }
    let record = CommitRecord {
        timestamp: at,
        author: meta.author,
        message: meta.message,
        statement: meta.statement,
        tables: meta.tables,
        keyspaces: request.keyspaces.iter().filter(|k| !k.is_system()).map(|k| k.get()).collect(),
        annotations: meta.annotations,
    };
    let body = serde_json::to_vec(&record).expect("a record of strings and numbers always encodes");
    request.batch.put(system::COMMITS, at.as_micros().to_be_bytes().to_vec(), body);
}

/// The records of the commits in `(after, through]` that a view shows, oldest first, at most `limit`.
///
/// # Errors
/// Errors of reading, and a corrupt record.
pub async fn commits(
    view: &ReadView,
    after: Timestamp,
    through: Timestamp,
    limit: usize,
) -> Result<Vec<CommitRecord>> {
    list(view, after, through, limit, false).await
}

/// As [`commits`], newest first.
///
/// # Errors
/// Errors of reading, and a corrupt record.
pub async fn newest_commits(
    view: &ReadView,
    after: Timestamp,
    through: Timestamp,
    limit: usize,
) -> Result<Vec<CommitRecord>> {
    list(view, after, through, limit, true).await
}

async fn list(
    view: &ReadView,
    after: Timestamp,
    through: Timestamp,
    limit: usize,
    reverse: bool,
) -> Result<Vec<CommitRecord>> {
    let bound = |t: Timestamp| Bytes::copy_from_slice(&t.as_micros().to_be_bytes());
    let range = KeyRange { start: Bound::Excluded(bound(after)), end: Bound::Included(bound(through)) };
    let options = ScanOptions { reverse, limit: Some(limit), ..ScanOptions::default() };
    let mut scan = view.scan(system::COMMITS, range, options)?;
    let mut records = Vec::new();
    while let Some(batch) = scan.next().await? {
        for row in 0..batch.len() {
            records.push(CommitRecord::decode(batch.keys.get(row), batch.values.get(row))?);
        }
    }
    Ok(records)
}

/// Records that one commit of [`forget_commits`] deletes.
const FORGOTTEN_TOGETHER: usize = 4_096;

/// Deletes the records of commits before the oldest moment that can still be read: no restore to a readable
/// moment would undo them, and nothing can be read as of them. Returns how many there were.
///
/// # Errors
/// Errors of reading and of a commit; what is left is for the next call.
///
/// # Cost
/// The store remembers up to where it has forgotten and reads only what became too old since; the first call
/// after the database was opened also passes over deleted records that are not compacted away yet.
pub async fn forget_commits(store: &Store) -> Result<usize> {
    let mut forgotten = 0;
    loop {
        // Before the view, which is a pin as well.
        let oldest = store.engine().oldest_readable();
        let begin = store.core.forgotten.load(Ordering::Relaxed);
        if oldest.as_micros() <= begin {
            return Ok(forgotten);
        }
        let bound = |micros: u64| Bytes::copy_from_slice(&micros.to_be_bytes());
        let range = KeyRange {
            start: Bound::Included(bound(begin)),
            end: Bound::Excluded(bound(oldest.as_micros())),
        };
        let options = ScanOptions { limit: Some(FORGOTTEN_TOGETHER), ..ScanOptions::default() };
        let view = store.view_now();
        let mut scan = view.scan(system::COMMITS, range, options)?;
        let mut deletes = WriteBatch::new();
        while let Some(batch) = scan.next().await? {
            batch.keys.iter().for_each(|key| deletes.delete(system::COMMITS, Bytes::copy_from_slice(key)));
        }
        let found = deletes.len();
        let end = match deletes.writes().last() {
            Some(last) if found == FORGOTTEN_TOGETHER => CommitRecord::time_of(&last.key)?.as_micros(),
            // Commits that the view does not show may be still to come.
            _ => oldest.min(view.timestamp()).as_micros(),
        };
        if found > 0 {
            store.write(deletes, Durability::Buffered).await?;
        }
        store.core.forgotten.fetch_max(end, Ordering::Relaxed);
        forgotten += found;
        if found < FORGOTTEN_TOGETHER {
            return Ok(forgotten);
        }
        store.engine().env().tasks.yield_now().await;
    }
}

/// The record of the commit at `at`, if it left one.
///
/// # Errors
/// Errors of reading, and a corrupt record.
pub async fn commit_record(view: &ReadView, at: Timestamp) -> Result<Option<CommitRecord>> {
    let key = at.as_micros().to_be_bytes();
    let value = view.get(system::COMMITS, &key).await?;
    value.map(|value| CommitRecord::decode(&key, &value)).transpose()
}

/// The value that the annotation `name` had at the moment of the view.
///
/// # Errors
/// Errors of reading.
pub async fn annotation(view: &ReadView, name: &str) -> Result<Option<String>> {
    let value = view.get(system::ANNOTATIONS, name.as_bytes()).await?;
    value
        .map(|value| String::from_utf8(value.to_vec()).map_err(|_| damaged("annotation is not UTF-8")))
        .transpose()
}
