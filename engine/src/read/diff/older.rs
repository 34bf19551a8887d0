//! Versions that began before a moment, looked up key by key in one forward pass.

use std::sync::Arc;

use super::super::columns::RowPlace;
use crate::{
    Result,
    memtable::Memtable,
    read::RowSet,
    sst::{CachePolicy, Page},
    state::SortedRun,
    types::{KeyspaceId, Kind, Timestamp, Version},
};

/// A memtable, or a run of the current tier. The keys that are looked up rise.
#[derive(Debug)]
pub(super) enum Older {
    Memtable(Arc<Memtable>, KeyspaceId),
    Run(RunSeeker),
}

/// The newest version of a key up to a moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct OlderVersion {
    pub(super) begin: Timestamp,
    /// Place of the value; none where the version says that the key is gone.
    pub(super) value: Option<RowPlace>,
}

/// Goes through a run forward, and loads the pages that keys fall into.
#[derive(Debug)]
pub(super) struct RunSeeker {
    run: Arc<SortedRun>,
    table: usize,
    /// The page that was loaded last, with its number in the table.
    page: Option<(usize, Arc<Page>)>,
    pages_read: usize,
    segment: usize,
}

impl Older {
    pub(super) fn run(run: Arc<SortedRun>) -> Self {
        Self::Run(RunSeeker { run, table: 0, page: None, pages_read: 0, segment: usize::MAX })
    }

    /// Versions found next go into another set.
    pub(super) fn begin_set(&mut self) {
        if let Self::Run(cursor) = self {
            cursor.segment = usize::MAX;
        }
    }

    /// The newest version of `key` with `begin <= at` that is here; its value is added to `rows`.
    pub(super) async fn find(
        &mut self,
        key: &[u8],
        at: Timestamp,
        rows: &mut RowSet,
    ) -> Result<Option<OlderVersion>> {
        match self {
            Self::Memtable(memtable, keyspace) => Ok(memtable.get(*keyspace, key, at).map(|version| {
                let Version { key, begin, kind, value, .. } = version;
                OlderVersion { begin, value: (kind == Kind::Put).then(|| rows.pick_row(key, value)) }
            })),
            Self::Run(cursor) => cursor.find(key, at, rows).await,
        }
    }
}

impl RunSeeker {
    async fn find(&mut self, key: &[u8], at: Timestamp, rows: &mut RowSet) -> Result<Option<OlderVersion>> {
        let tables = self.run.tables();
        let behind = tables[self.table..].iter().take_while(|table| table.meta().max_key.as_ref() < key);
        let behind = behind.count();
        if behind > 0 {
            (self.table, self.page) = (self.table + behind, None);
        }
        let Some(table) = tables.get(self.table).filter(|table| table.meta().min_key.as_ref() <= key) else {
            return Ok(None);
        };
        let index = table.index();
        let mut number = match &self.page {
            // It was loaded for a key before this one. A search in it costs less than a look into the filter.
            Some((number, _)) if key <= index.last_key(*number) => *number,
            _ if table.meta().oldest_begin() > at || !table.may_contain(key) => return Ok(None),
            _ => index.first_page_reaching(key),
        };
        while number < index.len() && index.first_key(number) <= key {
            if index.min_begin(number) <= at {
                // Short passes are kept like point reads; long ones only while they push nothing out.
                let policy =
                    if self.pages_read < KEPT_PAGES { CachePolicy::Keep } else { CachePolicy::IfRoom };
                let page = match &self.page {
                    Some((loaded, page)) if *loaded == number => page,
                    _ => {
                        self.pages_read += 1;
                        let page = table.page_without_values(number, policy).await?;
                        &self.page.insert((number, page)).1
                    }
                };
                if let Some(row) = first_until(page, key, at) {
                    let is_value = page.kind(row) == Kind::Put;
                    let begin = page.begin(row);
                    let value = is_value.then(|| rows.pick(&mut self.segment, table, number, policy, row));
                    return Ok(Some(OlderVersion { begin, value }));
                }
            }
            if index.last_key(number) != key {
                return Ok(None);
            }
            number += 1;
        }
        Ok(None)
    }
}

/// Pages of one run that are put into the cache in any case.
const KEPT_PAGES: usize = 16;

/// The first row of `key` in a page that begins at or before `at`.
fn first_until(page: &Page, key: &[u8], at: Timestamp) -> Option<usize> {
    let of_key = (page.lower_bound(key)..page.rows()).take_while(|row| page.cmp_key(*row, key).is_eq());
    of_key.into_iter().find(|row| page.begin(*row) <= at)
}
