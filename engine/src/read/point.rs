//! Point reads: the newest version of one key, and the conflict check of a commit.

use bytes::Bytes;

use crate::{
    error::Result,
    sst::PointHit,
    state::{Lifetimes, PageFilter, State, Tree},
    types::{KeyspaceId, Kind, Timestamp, Version},
};

/// The newest version of `key` with `begin <= at`. Deletes are versions; one that went with the value that it
/// ended is none.
pub(crate) async fn newest_version(
    state: &State,
    keyspace: KeyspaceId,
    key: &[u8],
    at: Timestamp,
) -> Result<Option<Version>> {
    for memtable in state.memtables() {
        if let Some(version) = memtable.get(keyspace, key, at) {
            return Ok(Some(version));
        }
    }
    let Some(tree) = state.trees.get(&keyspace) else { return Ok(None) };
    let mut newest = None;
    for run in tree.runs() {
        let Some(table) = run.table_of(key) else { continue };
        if table.meta().oldest_begin() > at {
            continue;
        }
        newest = table.get(key, at).await?;
        if newest.is_some() {
            break;
        }
    }
    // A delete that had ended before the moment may have had successors that are in history by now.
    if newest.as_ref().is_none_or(|found| found.kind == Kind::Delete && found.end <= at) {
        newest = alive_in_history(tree, key, at).await?.or(newest);
    }
    Ok(newest.map(|found| found.into_version(Bytes::copy_from_slice(key))))
}

/// The newest commit that wrote or deleted `key`, if it is newer than `after`. Runs that hold nothing newer
/// than `after` are not looked at.
pub(crate) async fn newest_commit(
    state: &State,
    keyspace: KeyspaceId,
    key: &[u8],
    after: Timestamp,
) -> Result<Option<Timestamp>> {
    for memtable in state.memtables() {
        // An older or empty memtable proves nothing about the others: files may have been ingested since.
        if memtable.newest() <= after {
            continue;
        }
        if let Some(version) = memtable.get(keyspace, key, Timestamp::LAST) {
            return Ok((version.begin > after).then_some(version.begin));
        }
    }
    let Some(tree) = state.trees.get(&keyspace) else { return Ok(None) };
    for run in tree.runs() {
        let Some(table) = run.table_of(key) else { continue };
        if table.meta().newest_begin() <= after {
            continue;
        }
        if let Some(found) = table.get(key, Timestamp::LAST).await? {
            return Ok((found.begin > after).then_some(found.begin));
        }
    }
    // Deletes go with the value that they ended, whose end says it.
    let mut ended = None;
    for run in tree.history_runs() {
        let Some(table) = run.table_of(key).filter(|table| table.meta().max_end > after) else {
            continue;
        };
        ended = ended.max(table.get(key, Timestamp::LAST).await?.map(|found| found.end));
    }
    Ok(ended.filter(|ended| *ended > after))
}

/// The version of `key` in the history tier that is alive at `at`; there is one at most.
async fn alive_in_history(tree: &Tree, key: &[u8], at: Timestamp) -> Result<Option<PointHit>> {
    let filter = PageFilter::Alive { at };
    for run in tree.history_runs() {
        let Some(table) = run.table_of(key) else { continue };
        if !filter.admits(Lifetimes::of_file(table.meta())) {
            continue;
        }
        if let Some(found) = table.get(key, at).await?.filter(|found| found.end > at) {
            return Ok(Some(found));
        }
    }
    Ok(None)
}
