//! A sorted run: tables in key order that never overlap. A key is never split over two of them.

use bytes::Bytes;

use crate::{
    sst::Table,
    state::lifetimes::{Lifetimes, PageFilter},
    types::KeyRange,
};

/// See the module documentation.
#[derive(Clone, Debug, Default)]
pub(crate) struct SortedRun {
    tables: Vec<Table>,
}

impl SortedRun {
    pub(crate) fn new(tables: Vec<Table>) -> Self {
        assert!(Self::is_ordered(&tables), "tables of a run are in key order and do not overlap");
        Self { tables }
    }

    pub(crate) fn tables(&self) -> &[Table] {
        &self.tables
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.tables.is_empty()
    }

    /// Versions of the run.
    pub(crate) fn rows(&self) -> u64 {
        self.tables.iter().map(|table| table.meta().rows).sum()
    }

    /// Page borders in `range` that split it into at most `parts` of about equal size: the start of each but
    /// the first.
    pub(crate) fn split_keys(&self, range: &KeyRange, parts: usize) -> Vec<Bytes> {
        let pages = self
            .tables
            .iter()
            .flat_map(|table| (0..table.index().len()).map(|page| table.index().first_key(page)));
        let borders: Vec<&[u8]> = pages.filter(|key| range.contains(key)).collect();
        let mut keys: Vec<Bytes> = (1..parts)
            .filter_map(|part| borders.get(part * borders.len() / parts))
            .map(|key| Bytes::copy_from_slice(key))
            .collect();
        keys.dedup();
        keys
    }

    /// The table that can hold `key`.
    pub(crate) fn table_of(&self, key: &[u8]) -> Option<&Table> {
        let index = self.tables.partition_point(|table| table.meta().max_key.as_ref() < key);
        self.tables.get(index).filter(|table| table.meta().min_key.as_ref() <= key)
    }

    /// Whether tables can stand in one run in this order: keys rise and no two tables share one.
    pub(crate) fn is_ordered(tables: &[Table]) -> bool {
        tables.windows(2).all(|pair| pair[0].meta().max_key < pair[1].meta().min_key)
    }

    pub(crate) fn overlaps(&self, range: &KeyRange) -> bool {
        self.tables.iter().any(|table| range.overlaps(&table.meta().min_key, &table.meta().max_key))
    }

    /// Whether a file can hold a version of the range that passes the filter.
    pub(crate) fn may_hold(&self, range: &KeyRange, filter: PageFilter) -> bool {
        self.tables.iter().map(Table::meta).any(|file| {
            range.overlaps(&file.min_key, &file.max_key) && filter.admits(Lifetimes::of_file(file))
        })
    }

    /// The next page behind `from` (table, page) in scan direction that can hold a row of the range, passes
    /// the filter, and has more than versions of the key `decided`.
    pub(crate) fn next_page(
        &self,
        range: &KeyRange,
        reverse: bool,
        from: Option<(usize, usize)>,
        filter: PageFilter,
        decided: Option<&[u8]>,
    ) -> Option<(usize, usize)> {
        let mut position = match from {
            Some(position) => step(self, position, reverse)?,
            None => self.first_position(range, reverse)?,
        };
        loop {
            let (table_index, page_index) = position;
            let index = self.tables[table_index].index();
            let (first, last) = (index.first_key(page_index), index.last_key(page_index));
            let is_behind = if reverse { !range.starts_before(last) } else { !range.reaches(first) };
            if is_behind {
                return None;
            }
            let is_decided = decided.is_some_and(|key| first == key && last == key);
            if !is_decided
                && filter.admits(Lifetimes::of_page(index, page_index))
                && range.overlaps(first, last)
            {
                return Some(position);
            }
            position = step(self, position, reverse)?;
        }
    }

    fn first_position(&self, range: &KeyRange, reverse: bool) -> Option<(usize, usize)> {
        use std::ops::Bound::{Excluded, Included, Unbounded};
        if reverse {
            let table = match &range.end {
                Unbounded => self.tables.len(),
                Included(key) | Excluded(key) => {
                    self.tables.partition_point(|table| table.meta().min_key <= key)
                }
            }
            .checked_sub(1)?;
            let index = self.tables[table].index();
            let pages = match &range.end {
                Unbounded => index.len(),
                Included(key) | Excluded(key) => index.pages_starting_at_or_before(key),
            };
            return Some((table, pages.max(1) - 1));
        }
        let (table, page) = match &range.start {
            Unbounded => (0, 0),
            Included(key) | Excluded(key) => {
                let table = self.tables.partition_point(|table| table.meta().max_key < key);
                let found = self.tables.get(table)?;
                (table, found.index().first_page_reaching(key))
            }
        };
        (table < self.tables.len()).then_some((table, page))
    }
}

fn step(run: &SortedRun, (table, page): (usize, usize), reverse: bool) -> Option<(usize, usize)> {
    if reverse {
        if page > 0 {
            return Some((table, page - 1));
        }
        let table = table.checked_sub(1)?;
        return Some((table, run.tables[table].index().len() - 1));
    }
    if page + 1 < run.tables[table].index().len() {
        return Some((table, page + 1));
    }
    (table + 1 < run.tables.len()).then_some((table + 1, 0))
}
