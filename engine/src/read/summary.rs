//! Summary of a keyspace in a view, without reading rows of it: from the manifest and the zone maps.
//!
//! The summary is *exact* where every value that the view looks at is a row that it sees: no version in
//! memory, none alive in history, and in the current tier only files whose versions are all open, each the
//! only one of its key, that began by the moment and share no key with another file. Deletes among them hide
//! nothing then, and what began later is not looked at.

use crate::{
    error::Result,
    format::ColumnSummary,
    manifest::FileMeta,
    read::ReadView,
    sst::Table,
    state::{Lifetimes, PageFilter},
    types::{KeyspaceId, Timestamp},
};

/// Summary of the rows that a view sees in a keyspace.
#[derive(Clone, Debug, PartialEq)]
pub struct RowSummary {
    /// About how many rows there are.
    pub rows: u64,
    /// There are just as many, and the columns tell of these alone where none is missing.
    pub is_exact: bool,
    /// For each column that was asked for, what is known of it; of rows in memory nothing is. Deletes are
    /// missing rows.
    pub columns: Vec<ColumnSummary>,
}

impl ReadView {
    /// Summary of the rows of `keyspace` and their columns with these ids.
    ///
    /// # Errors
    /// As [`Self::check`]; `Corrupt` when zone maps do not fit their file.
    ///
    /// # Cost
    /// A look at every file, and at every page of files that were not asked for their columns before. Nothing
    /// is read.
    pub fn summary(&self, keyspace: KeyspaceId, columns: &[u32]) -> Result<RowSummary> {
        self.check(keyspace)?;
        let (state, at) = (self.state(), self.timestamp());
        let memtables = state.memtables().filter(|memtable| memtable.holds(keyspace));
        let in_memory: usize = memtables.map(|memtable| memtable.len()).sum();
        let written = PageFilter::Begins { after: Timestamp::ZERO, through: at };
        let alive = PageFilter::Alive { at };
        let is_admitted =
            |table: &&Table, filter: PageFilter| filter.admits(Lifetimes::of_file(table.meta()));
        let tree = state.trees.get(&keyspace);
        let current = tree.into_iter().flat_map(|tree| tree.runs()).flat_map(|run| run.tables());
        let current = current.filter(|table| is_admitted(table, written));
        let current: Vec<&Table> = self.own_tables(keyspace).chain(current).collect();
        let history = tree.into_iter().flat_map(|tree| tree.history_runs()).flat_map(|run| run.tables());
        let history: Vec<&Table> = history.filter(|table| is_admitted(table, alive)).collect();

        let metas = || current.iter().map(|table| table.meta());
        let is_exact = in_memory == 0
            && history.is_empty()
            && metas().all(|file| is_clean(file, at))
            && share_no_key(metas().collect());
        let mut known = vec![ColumnSummary::default(); columns.len()];
        for table in current.iter().chain(&history) {
            let stored = table.schema().zip(table.summaries()?);
            for (known, id) in known.iter_mut().zip(columns) {
                let column = stored.and_then(|(schema, columns)| columns.get(schema.place(*id)?));
                known.merge(column.cloned().unwrap_or_else(ColumnSummary::missing));
                known.has_missing |= table.meta().deletes > 0;
            }
        }
        let puts: u64 = current.iter().chain(&history).map(|table| table.meta().puts).sum();
        let mut rows = puts + in_memory as u64;
        if !is_exact {
            // Each is likely to hide a value of an older run.
            rows = rows.saturating_sub(metas().map(|file| file.deletes).sum());
        }
        Ok(RowSummary { rows, is_exact, columns: known })
    }
}

/// Whether a reader at `at` sees every value of the file, unless another file hides some.
fn is_clean(file: &FileMeta, at: Timestamp) -> bool {
    file.closed == 0
        && file.puts + file.deletes == file.rows
        && file.distinct_keys == file.rows
        && file.newest_begin() <= at
        && file.begin_bound.is_none()
}

fn share_no_key(mut files: Vec<&FileMeta>) -> bool {
    files.sort_unstable_by(|left, right| left.min_key.cmp(&right.min_key));
    files.windows(2).all(|pair| pair[0].max_key < pair[1].min_key)
}
