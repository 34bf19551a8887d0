//! Versions in a window of commits: the history of keys.

use std::collections::VecDeque;

use crate::{
    error::Result,
    pins::Retained,
    read::{
        ReadView,
        scan::{fill_all, first_by_key},
        source::Source,
    },
    types::{Timestamp, Version},
};

/// A running scan of versions: key ascending, begin descending.
#[derive(Debug)]
pub struct VersionScan {
    merge: VersionMerge,
    window: (Timestamp, Timestamp),
    retained: Retained,
    ready: VecDeque<Version>,
    _view: ReadView,
}

impl VersionScan {
    /// Versions with `after < begin <= through` that some allowed read can still see.
    pub(crate) fn new(
        view: ReadView,
        sources: Vec<Source>,
        after: Timestamp,
        through: Timestamp,
        retained: Retained,
    ) -> Self {
        let merge = VersionMerge::new(sources);
        Self { merge, window: (after, through), retained, ready: VecDeque::new(), _view: view }
    }

    /// Returns the next version, with its exact `end`, or `None` after the last.
    ///
    /// # Errors
    /// `Corrupt` or `Unavailable` when a page cannot be read.
    pub async fn next(&mut self) -> Result<Option<Version>> {
        let (after, through) = self.window;
        loop {
            if let Some(version) = self.ready.pop_front() {
                return Ok(Some(version));
            }
            let mut group = Vec::new();
            if !self.merge.next_key(&mut group).await? {
                return Ok(None);
            }
            group.retain(|v| v.begin > after && v.begin <= through && self.retained.can_see(v.begin, v.end));
            self.ready.extend(group);
        }
    }
}

/// Merges sources key by key; used by history, diff and compaction.
#[derive(Debug)]
pub(crate) struct VersionMerge {
    sources: Vec<Source>,
    key: Vec<u8>,
}

impl VersionMerge {
    /// `sources`: newest first, all forward.
    pub(crate) fn new(sources: Vec<Source>) -> Self {
        Self { sources, key: Vec::new() }
    }

    /// Fills `group` with all versions of the next key, newest first, closed as far as their successors are among the
    /// sources; false at the end.
    pub(crate) async fn next_key(&mut self, group: &mut Vec<Version>) -> Result<bool> {
        group.clear();
        if !fill_all(&mut self.sources).await? {
            return Ok(false);
        }
        let lead = first_by_key(&self.sources, |a, b| a < b);
        self.key.clear();
        self.key.extend_from_slice(self.sources[lead].key());
        for source in &mut self.sources[lead..] {
            while !source.is_at_end() && source.key() == self.key.as_slice() {
                let mut version = source.to_version();
                if let Some(newer) = group.last() {
                    // I2: what an older source holds of a key is older.
                    assert!(version.begin < newer.begin, "versions of a key fall from source to source");
                    // A version that was closed by one that was collected since ends where that one began.
                    version.end = version.end.min(newer.begin);
                }
                group.push(version);
                source.advance();
                if source.is_at_gap() {
                    source.fill().await?;
                }
            }
        }
        Ok(true)
    }
}
