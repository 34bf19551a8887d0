//! Leaving out pages by what is known of their values.
//!
//! Only pages of the oldest source may be left out for their values (I6): in a newer one a row that nobody
//! wants still hides the older ones of its key. And of the versions of one key none may be left out without
//! the older ones, so a page whose last key goes on in the next page stays.
//!
//! First by their statistics, which are in memory; then, where a column must have one of some values, by a
//! look at the column: a value that few rows have is in few pages, and of the others nothing else need be
//! read or put together.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::{
    Result,
    format::{Bound, PageIndex, Zone, ZoneMaps},
    rows::RowSchema,
    sst::{CachePolicy, Table},
};

/// Says which pages can hold rows that are wanted.
pub trait PagePruner: fmt::Debug + Send + Sync {
    /// For each page, false where certainly no row of it is wanted. The answer is used for as long as the
    /// [`generation`](Self::generation) stays.
    fn wanted(&self, pages: &TablePages<'_>) -> Vec<bool>;

    /// Changes when [`wanted`](Self::wanted) may say no to more pages.
    fn generation(&self) -> u64;

    /// Conditions that every wanted row meets. Asked for once.
    fn needed(&self) -> Vec<OneOf> {
        Vec::new()
    }
}

/// A column has one of some values, and is not null.
#[derive(Clone, Debug, PartialEq)]
pub struct OneOf {
    /// Id of the column.
    pub column: u32,
    /// The values; texts and bytes whole.
    pub values: Vec<Bound>,
}

/// Statistics of the pages of a table file.
#[derive(Clone, Copy, Debug)]
pub struct TablePages<'a> {
    index: &'a PageIndex,
    schema: &'a RowSchema,
    zones: &'a ZoneMaps,
}

impl<'a> TablePages<'a> {
    /// Number of pages.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether there are none; a file has at least one.
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// Versions in a page, deletions included.
    pub fn rows(&self, page: usize) -> usize {
        self.index.rows(page)
    }

    /// Zones of a column, page by page; `None` where the file does not have the column.
    pub fn zones(&self, id: u32) -> Option<impl Iterator<Item = &'a Zone> + use<'a>> {
        let place = self.schema.place(id)?;
        let zones = self.zones;
        Some((0..self.index.len()).map(move |page| zones.zone(page, place)))
    }
}

/// Numbers of pages that a scan read, and that it left out for their values.
#[derive(Debug, Default)]
pub struct PageCounts {
    pub(crate) read: AtomicU64,
    pub(crate) pruned: AtomicU64,
}

impl PageCounts {
    /// Pages read, those of which only the statistics were needed included.
    pub fn read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }

    /// Pages left out.
    pub fn pruned(&self) -> u64 {
        self.pruned.load(Ordering::Relaxed)
    }
}

/// A pruner and its last answer.
#[derive(Debug)]
pub(crate) struct Prune {
    pruner: Arc<dyn PagePruner>,
    /// Of the table at this place in its run, at this generation.
    known: Option<(usize, u64)>,
    wanted: Vec<bool>,
    needed: Vec<OneOf>,
}

impl Prune {
    pub(crate) fn new(pruner: Arc<dyn PagePruner>) -> Self {
        let needed = pruner.needed();
        Self { pruner, known: None, wanted: Vec::new(), needed }
    }

    /// Whether a page of the table at `place` of the oldest run can be left out.
    pub(crate) fn leaves_out(&mut self, table: &Table, place: usize, page: usize) -> Result<bool> {
        let generation = self.pruner.generation();
        if self.known != Some((place, generation)) {
            self.wanted.clear();
            if let (Some(schema), Some(zones)) = (table.schema(), table.zones()?) {
                let pages = TablePages { index: table.index(), schema, zones };
                self.wanted = self.pruner.wanted(&pages);
                assert!(self.wanted.len() == pages.len(), "a pruner speaks of every page");
            }
            self.known = Some((place, generation));
        }
        Ok(self.wanted.get(page) == Some(&false) && !goes_on(table, page))
    }

    /// Whether a look at columns can tell that a page is left out.
    pub(crate) fn looks_at_columns(&self) -> bool {
        !self.needed.is_empty()
    }

    /// Whether a page of the oldest run can be left out because a column has none of the values that it must
    /// have.
    pub(crate) async fn lacks(&self, table: &Table, page: usize, policy: CachePolicy) -> Result<bool> {
        let Some(schema) = table.schema() else { return Ok(false) };
        for OneOf { column, values } in &self.needed {
            // The file may be older than the column.
            let Some(place) = schema.place(*column) else { continue };
            let columns = table.columns(page, &[place], policy).await?;
            if columns.is_some_and(|columns| columns.iter().all(|column| !column.may_hold(values))) {
                return Ok(!goes_on(table, page));
            }
        }
        Ok(false)
    }
}

/// Whether the last key of a page has versions in the next one as well.
fn goes_on(table: &Table, page: usize) -> bool {
    let index = table.index();
    page + 1 < index.len() && index.first_key(page + 1) == index.last_key(page)
}
