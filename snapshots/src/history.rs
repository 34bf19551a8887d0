//! Everything that is known of one key.

use bygone_engine::{
    KeyRange,
    types::{KeyspaceId, Kind, Timestamp},
};
use bygone_mvcc::{CommitRecord, Store, commit_record};
use bytes::Bytes;

use crate::Result;

/// One readable version of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryEntry {
    /// From when on the key had this value; inclusive.
    pub begin: Timestamp,
    /// Until when; exclusive. [`Timestamp::OPEN`] for the newest version.
    pub end: Timestamp,
    /// The value, or `None` when the key was deleted at `begin`.
    pub value: Option<Bytes>,
    /// Record of the commit, if it left one.
    pub commit: Option<CommitRecord>,
}

/// The versions of `key` that were begun in `(after, through]` and are still kept, newest first. `through` is
/// the moment of a view, or settled durably by the caller where the answer is to stand over a crash.
///
/// # Errors
/// `Future` for `through`; those of reading.
pub async fn key_history(
    store: &Store,
    keyspace: KeyspaceId,
    key: &[u8],
    after: Timestamp,
    through: Timestamp,
) -> Result<Vec<HistoryEntry>> {
    store.wait_visible(through).await?;
    let view = store.view_now();
    let range = KeyRange::single(Bytes::copy_from_slice(key));
    let mut scan = store.engine().versions(keyspace, range, after, through)?;
    let mut entries = Vec::new();
    while let Some(version) = scan.next().await? {
        entries.push(HistoryEntry {
            begin: version.begin,
            end: version.end,
            value: (version.kind == Kind::Put).then_some(version.value),
            commit: commit_record(&view, version.begin).await?,
        });
    }
    Ok(entries)
}
