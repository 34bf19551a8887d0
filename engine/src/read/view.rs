//! Read views: one timestamp and the immutable state needed to read it.

use std::{fmt, sync::Arc};

use bytes::Bytes;

use crate::{
    core::PendingFiles,
    error::Result,
    pins::{Pin, Scope, Unreadable},
    read::{own::OwnRuns, point},
    sst::Table,
    state::{SortedRun, State},
    types::{KeyRange, KeyspaceId, Kind, Timestamp, Version},
};

/// A consistent view of the database at one timestamp.
///
/// Cheap to clone. It pins what it needs and frees it when the last clone, and the last scan made from it, is
/// dropped.
#[derive(Clone)]
pub struct ReadView {
    inner: Arc<ViewState>,
}

struct ViewState {
    state: Arc<State>,
    pin: Pin,
    unreadable: Unreadable,
    /// Runs that only this view sees.
    own: OwnRuns,
}

impl ReadView {
    pub(crate) fn new(state: Arc<State>, pin: Pin, unreadable: Unreadable) -> Self {
        Self { inner: Arc::new(ViewState { state, pin, unreadable, own: OwnRuns::default() }) }
    }

    /// The same view with one more run on top, see [`crate::Engine::view_over`].
    pub(crate) fn with_run(
        &self,
        keyspace: KeyspaceId,
        run: Arc<SortedRun>,
        files: &[Arc<PendingFiles>],
    ) -> Self {
        let ViewState { state, pin, unreadable, own } = self.inner.as_ref();
        let own = own.with(keyspace, run, files);
        let (state, pin, unreadable) = (Arc::clone(state), pin.clone(), unreadable.clone());
        Self { inner: Arc::new(ViewState { state, pin, unreadable, own }) }
    }

    /// The runs that only this view sees, newest first.
    pub(crate) fn own_runs(&self, keyspace: KeyspaceId) -> &[Arc<SortedRun>] {
        self.inner.own.runs(keyspace)
    }

    /// The files that only this view sees.
    pub(crate) fn own_tables(&self, keyspace: KeyspaceId) -> impl Iterator<Item = &Table> {
        self.inner.own.tables(keyspace)
    }

    /// The moment that is read; versions exactly at it count.
    pub fn timestamp(&self) -> Timestamp {
        self.inner.pin.timestamp()
    }

    /// Scope that the view may read.
    pub fn scope(&self) -> &Scope {
        self.inner.pin.scope()
    }

    /// Checks that the view may read `keyspace`.
    ///
    /// # Errors
    /// `TooOld` when the moment lies below the keyspace's horizon and no pin covers it there; `Invalid` when
    /// the keyspace is outside the view's scope.
    pub fn check(&self, keyspace: KeyspaceId) -> Result<()> {
        if !self.scope().covers(keyspace) {
            return Err(crate::Error::Invalid(format!(
                "keyspace {keyspace} is outside the scope of this read view"
            )));
        }
        self.inner.unreadable.check(keyspace, self.timestamp())
    }

    /// Returns the value of `key`, or `None` when it has none at this moment.
    ///
    /// # Errors
    /// As [`Self::check`]; `Corrupt` or `Unavailable` when a page cannot be read.
    ///
    /// # Cost
    /// One memtable search for each memtable, one filter probe for each run; about one page read. Suspends
    /// only when a page is not cached and the root is not local.
    pub async fn get(&self, keyspace: KeyspaceId, key: &[u8]) -> Result<Option<Bytes>> {
        Ok(self.newest(keyspace, key).await?.and_then(Version::into_value))
    }

    /// Returns the version of `key` that holds its value at this moment. Its `end` is exact only when it is
    /// closed.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn get_version(&self, keyspace: KeyspaceId, key: &[u8]) -> Result<Option<Version>> {
        Ok(self.newest(keyspace, key).await?.filter(|version| version.kind == Kind::Put))
    }

    /// The newest version at or below the moment, deletes included.
    pub(crate) async fn newest(&self, keyspace: KeyspaceId, key: &[u8]) -> Result<Option<Version>> {
        self.check(keyspace)?;
        if let Some(own) = self.inner.own.get(keyspace, key).await? {
            return Ok(Some(own.into_version(Bytes::copy_from_slice(key))));
        }
        point::newest_version(&self.inner.state, keyspace, key, self.timestamp()).await
    }

    /// Keys that split `range` into at most `parts` ranges of about equal size, ascending: the start of each
    /// part but the first. Fewer when the keyspace is small.
    pub fn split_keys(&self, keyspace: KeyspaceId, range: &KeyRange, parts: usize) -> Vec<Bytes> {
        self.inner.state.split_keys(keyspace, self.inner.own.runs(keyspace), range, parts)
    }

    /// State that the view reads from.
    pub(crate) fn state(&self) -> &State {
        &self.inner.state
    }

    /// Upper bound of the number of versions stored in the keyspace beside its history.
    pub fn versions_estimate(&self, keyspace: KeyspaceId) -> u64 {
        let own: u64 = self.own_tables(keyspace).map(|table| table.meta().rows).sum();
        self.inner.state.versions_estimate(keyspace) + own
    }
}

impl fmt::Debug for ReadView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadView").field("pin", &self.inner.pin).finish_non_exhaustive()
    }
}
