//! Versions in a window of commits: the history of keys.
//!
//! A delete goes with the value that it ended when that moves to history. Where a value of history ended and
//! no other version of its key began, there was one:
//!
//! ```text
//!   stored     PUT [10,20)              PUT 30 ─▶
//!   listed     PUT [10,20)  DEL [20,30)  PUT 30 ─▶
//! ```

use bytes::Bytes;

use crate::{
    error::Result,
    pins::Retained,
    read::{
        ReadView,
        merge::{fill_all, first_by_key},
        source::ForwardSource,
        sources,
    },
    sst::Table,
    state::PageFilter,
    types::{KeyRange, KeyspaceId, Kind, Timestamp, Version, VersionRef},
};

/// A running scan of versions: key ascending, begin descending.
#[derive(Debug)]
pub struct VersionScan {
    current: VersionMerge,
    history: HistoryMerge,
    /// Whether each of the two is on a version; before the first call, and after one that was given out,
    /// unknown.
    is_on: [Option<bool>; 2],
    /// The key that was met last, and where the oldest of its versions so far begins.
    met: Option<(Vec<u8>, Timestamp)>,
    window: (Timestamp, Timestamp),
    retained: Retained,
    _view: ReadView,
}

impl VersionScan {
    /// Versions of `range` with `after < begin <= through` that some allowed read can still see.
    pub(crate) fn new(
        view: ReadView,
        keyspace: KeyspaceId,
        range: &KeyRange,
        (after, through): (Timestamp, Timestamp),
        retained: Retained,
    ) -> Self {
        // A version is closed by a newer one, which may be behind the window; in history all are closed.
        let newer = PageFilter::Begins { after, through: Timestamp::LAST };
        let current = VersionMerge::new(sources::current(view.state(), keyspace, range, newer));
        // Values that ended in the window may have been deleted then, and those that ended behind it end what
        // is in it.
        let history =
            HistoryMerge::new(sources::history(view.state(), keyspace, range, PageFilter::Ended { after }));
        let window = (after, through);
        Self { current, history, is_on: [None; 2], met: None, window, retained, _view: view }
    }

    /// Returns the next version, with its exact `end`, or `None` after the last.
    ///
    /// # Errors
    /// `Corrupt` or `Unavailable` when a page cannot be read.
    pub async fn next(&mut self) -> Result<Option<Version>> {
        while let Some(is_history) = self.next_tier().await? {
            let (begin, end) = if is_history { self.history.lifetime() } else { self.current.lifetime() };
            let newer = self.newer(is_history);
            if is_history && end < newer {
                // Its turn comes again.
                self.note(is_history, end);
                if self.is_listed((end, newer)) {
                    let key = Bytes::copy_from_slice(self.history.key());
                    let (kind, value) = (Kind::Delete, Bytes::new());
                    return Ok(Some(Version { key, begin: end, end: newer, kind, value }));
                }
            }
            self.note(is_history, begin);
            self.is_on[usize::from(is_history)] = None;
            if self.is_listed((begin, end)) {
                let version = if is_history { self.history.to_version() } else { self.current.to_version() };
                return Ok(Some(version));
            }
        }
        Ok(None)
    }

    fn is_listed(&self, (begin, end): (Timestamp, Timestamp)) -> bool {
        let (after, through) = self.window;
        begin > after && begin <= through && self.retained.can_see(begin, end)
    }

    fn key(&self, is_history: bool) -> &[u8] {
        if is_history { self.history.key() } else { self.current.key() }
    }

    /// Begin of the version of the same key that is listed before the next one; open where that is the
    /// newest.
    fn newer(&self, is_history: bool) -> Timestamp {
        let of_key = |(key, _): &&(Vec<u8>, Timestamp)| key.as_slice() == self.key(is_history);
        self.met.as_ref().filter(of_key).map_or(Timestamp::OPEN, |(_, begin)| *begin)
    }

    /// A version of the tier's key begins here; the next one is older.
    fn note(&mut self, is_history: bool, begin: Timestamp) {
        let (mut key, _) = self.met.take().unwrap_or_default();
        key.clear();
        key.extend_from_slice(self.key(is_history));
        self.met = Some((key, begin));
    }

    /// Whether the next version is one of history; `None` when there is no more.
    async fn next_tier(&mut self) -> Result<Option<bool>> {
        if self.is_on[0].is_none() {
            self.is_on[0] = Some(self.current.advance().await?);
        }
        if self.is_on[1].is_none() {
            self.is_on[1] = Some(self.history.advance().await?);
        }
        match self.is_on {
            [Some(true), Some(true)] => {
                let (current, history) = (self.current.lifetime().0, self.history.lifetime().0);
                let by_key = self.current.key().cmp(self.history.key());
                Ok(Some(by_key.then(history.cmp(&current)).is_gt()))
            }
            [Some(true), _] => Ok(Some(false)),
            [_, Some(true)] => Ok(Some(true)),
            _ => Ok(None),
        }
    }
}

/// Merges runs of history: key ascending, begin descending. Used by history and by the compaction of history.
#[derive(Debug)]
pub(crate) struct HistoryMerge {
    sources: Vec<ForwardSource>,
    /// Source of the current version, if there is one.
    current: Option<usize>,
    /// Buffer in which values are put together.
    scratch: Vec<u8>,
}

impl HistoryMerge {
    /// `sources`: of history, in any order, all forward.
    pub(crate) fn new(sources: Vec<ForwardSource>) -> Self {
        Self { sources, current: None, scratch: Vec::new() }
    }

    /// Moves to the next version, or returns false at the end. Dropping the future makes the merge useless.
    pub(crate) async fn advance(&mut self) -> Result<bool> {
        if let Some(current) = self.current.take() {
            self.sources[current].advance();
        }
        if !fill_all(&mut self.sources, None).await? {
            return Ok(false);
        }
        let place = |source: &ForwardSource| std::cmp::Reverse(source.begin());
        let by_place = |a: &usize, b: &usize| {
            let (a, b) = (&self.sources[*a], &self.sources[*b]);
            a.key().cmp(b.key()).then_with(|| place(a).cmp(&place(b)))
        };
        self.current = (0..self.sources.len()).min_by(by_place);
        Ok(true)
    }

    fn source(&self) -> &ForwardSource {
        &self.sources[self.current.expect("the merge is on a version")]
    }

    /// Key of the current version.
    #[inline]
    pub(crate) fn key(&self) -> &[u8] {
        self.source().key()
    }

    /// When the current version begins and ends.
    #[inline]
    pub(crate) fn lifetime(&self) -> (Timestamp, Timestamp) {
        (self.source().begin(), self.source().end())
    }

    /// The current version.
    #[inline]
    pub(crate) fn version(&mut self) -> VersionRef<'_> {
        let source = &self.sources[self.current.expect("the merge is on a version")];
        let (begin, end, kind) = (source.begin(), source.end(), source.kind());
        VersionRef { key: source.key(), begin, end, kind, value: source.value(&mut self.scratch) }
    }

    /// As [`Self::version`], owned; the value is a slice of its block where it can be.
    fn to_version(&self) -> Version {
        self.source().version()
    }
}

/// Position that a [`VersionMerge`] has moved to.
#[derive(Debug)]
pub(crate) enum Advance {
    /// A version.
    Version,
    /// The place behind this page.
    Page(Table, usize),
    /// Its end.
    End,
}

/// A page of which no row went by.
pub(crate) struct Ahead<'a> {
    pub(crate) table: &'a Table,
    pub(crate) page: usize,
    /// Other sources have no key before this one; `None`: they have nothing left.
    bound: Option<&'a [u8]>,
}

impl Ahead<'_> {
    /// Whether no other source has a key in this page or in front of it. The page is of the same table.
    pub(crate) fn is_free(&self, page: usize) -> bool {
        let index = self.table.index();
        page < index.len() && self.bound.is_none_or(|bound| index.last_key(page) < bound)
    }
}

/// Merges sources of the current tier version by version: key ascending, begin descending, each closed by the
/// one before it. Used by history and compaction. It holds one block of each source, however many versions a
/// key has.
#[derive(Debug)]
pub(crate) struct VersionMerge {
    sources: Vec<ForwardSource>,
    /// Source of the current version, if there is one.
    current: Option<usize>,
    key: Vec<u8>,
    begin: Timestamp,
    end: Timestamp,
    is_new_key: bool,
    /// Buffer in which values are put together.
    scratch: Vec<u8>,
}

impl VersionMerge {
    /// `sources`: newest first, all forward.
    pub(crate) fn new(sources: Vec<ForwardSource>) -> Self {
        let (begin, end) = (Timestamp::ZERO, Timestamp::OPEN);
        Self { sources, current: None, key: Vec::new(), begin, end, is_new_key: false, scratch: Vec::new() }
    }

    /// Moves to the next version, or returns false at the end. Dropping the future makes the merge useless.
    pub(crate) async fn advance(&mut self) -> Result<bool> {
        Ok(matches!(self.advance_or_pass(|_| false).await?, Advance::Version))
    }

    /// Moves to the next version, or behind a page that `passes` and that no other source has a key in.
    pub(crate) async fn advance_or_pass(&mut self, passes: impl Fn(&Ahead<'_>) -> bool) -> Result<Advance> {
        self.is_new_key = !self.step_in_key().await?;
        if self.is_new_key {
            self.current = None;
            if let Some((source, table, page)) = self.page_ahead(passes) {
                self.sources[source].skip_page();
                return Ok(Advance::Page(table, page));
            }
            if !fill_all(&mut self.sources, None).await? {
                return Ok(Advance::End);
            }
            let lead = first_by_key(&self.sources);
            self.key.clear();
            self.key.extend_from_slice(self.sources[lead].key());
            self.current = Some(lead);
        }
        let source = self.source();
        let (begin, mut end) = (source.begin(), source.end());
        if !self.is_new_key {
            // I2: what an older source holds of a key is older.
            assert!(begin < self.begin, "versions of a key fall from source to source");
            // A version that was closed by one that was collected since ends where that one began.
            end = end.min(self.begin);
        }
        (self.begin, self.end) = (begin, end);
        Ok(Advance::Version)
    }

    /// A page that comes before whatever the other sources have.
    fn page_ahead(&self, passes: impl Fn(&Ahead<'_>) -> bool) -> Option<(usize, Table, usize)> {
        self.sources.iter().enumerate().find_map(|(number, source)| {
            let (table, page) = source.page_ahead()?;
            let others = self.sources.iter().enumerate().filter(|(other, _)| *other != number);
            let bound = others.filter_map(|(_, other)| other.key_ahead()).min();
            let ahead = Ahead { table, page, bound };
            (ahead.is_free(page) && passes(&ahead)).then(|| (number, table.clone(), page))
        })
    }

    /// Moves to the next older version of the current key, or behind its last one and returns false.
    async fn step_in_key(&mut self) -> Result<bool> {
        let Some(current) = self.current else { return Ok(false) };
        self.sources[current].advance();
        // Sources before the current one are behind the key already.
        for index in current..self.sources.len() {
            let source = &mut self.sources[index];
            if source.is_at_gap() {
                source.fill(None).await?;
            }
            if !source.is_at_end() && source.key() == self.key.as_slice() {
                self.current = Some(index);
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn source(&self) -> &ForwardSource {
        &self.sources[self.current.expect("the merge is on a version")]
    }

    /// Whether the current version is the newest of its key among the sources.
    #[inline]
    pub(crate) fn is_new_key(&self) -> bool {
        self.is_new_key
    }

    /// Key of the current version.
    #[inline]
    pub(crate) fn key(&self) -> &[u8] {
        &self.key
    }

    /// When the current version begins, and when it ends as far as its successor is among the sources.
    #[inline]
    pub(crate) fn lifetime(&self) -> (Timestamp, Timestamp) {
        (self.begin, self.end)
    }

    /// Kind of the current version.
    #[inline]
    pub(crate) fn kind(&self) -> Kind {
        self.source().kind()
    }

    /// The current version, closed as far as its successor is among the sources.
    #[inline]
    pub(crate) fn version(&mut self) -> VersionRef<'_> {
        let source = &self.sources[self.current.expect("the merge is on a version")];
        let (begin, end, kind) = (self.begin, self.end, source.kind());
        VersionRef { key: &self.key, begin, end, kind, value: source.value(&mut self.scratch) }
    }

    /// As [`Self::version`], owned; the value is a slice of its block.
    pub(crate) fn to_version(&self) -> Version {
        let source = self.source();
        let key = Bytes::copy_from_slice(&self.key);
        Version { key, begin: self.begin, end: self.end, kind: source.kind(), value: source.value_bytes() }
    }
}
