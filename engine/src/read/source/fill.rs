//! The next block of a source.

use std::sync::{Arc, atomic::Ordering};

use super::{Feed, Source, SourceBlock, SourcePosition};
use crate::{
    error::Result,
    sst::{CachePolicy, Page},
    types::Version,
};

/// Entries that are copied out of a memtable at a time.
const MEMTABLE_CHUNK_ROWS: usize = 256;
/// Pages of one run that a scan puts into the cache in any case; further ones only where there is room.
const SHORT_SCAN_PAGES: usize = 16;

impl Source {
    /// Loads the next block that has a row in the range. Pages of a run with nothing but versions of the key `decided` are
    /// left out, but for history. Suspends when the block is not in memory and the root is not local; and once in many blocks,
    /// so that whoever finds nothing in any of them can be cancelled and lets others have a turn.
    pub(crate) async fn fill(&mut self, decided: Option<&[u8]>) -> Result<()> {
        let decided = decided.filter(|_| !self.is_history);
        while self.state == SourcePosition::Gap {
            tokio::task::coop::consume_budget().await;
            match &mut self.feed {
                Feed::Memtable { memtable, keyspace, last } => {
                    let (range, rows_max) = (&self.range, MEMTABLE_CHUNK_ROWS);
                    let rows = if self.reverse {
                        memtable.backward(*keyspace, range, last.as_ref(), rows_max)
                    } else {
                        memtable.forward(*keyspace, range, last.as_ref(), rows_max)
                    };
                    // Searched for anew by the next call, because the memtable may have grown.
                    *last = rows.last().cloned();
                    self.install_versions(rows);
                }
                Feed::Run { run, table, page, started, filter } => {
                    let from = (*started).then_some((*table, *page));
                    let Some((next_table, next_page)) =
                        run.next_page(&self.range, self.reverse, from, *filter, decided)
                    else {
                        self.state = SourcePosition::End;
                        return Ok(());
                    };
                    (*table, *page, *started) = (next_table, next_page, true);
                    // Short scans are kept like point reads; long ones only while they push nothing out.
                    self.policy = match self.pages_read {
                        _ if self.passes_by => CachePolicy::PassBy,
                        ..SHORT_SCAN_PAGES => CachePolicy::Keep,
                        _ => CachePolicy::IfRoom,
                    };
                    if let Some(reading) = &mut self.columns {
                        let table = &run.tables()[next_table];
                        let mut is_left_out = false;
                        if let Some(prune) = &mut reading.prune {
                            is_left_out = prune.leaves_out(table, next_table, next_page)?;
                            if !is_left_out && prune.looks_at_columns() {
                                self.pages_read += 1;
                                is_left_out = Box::pin(prune.lacks(table, next_page, self.policy)).await?;
                            }
                        }
                        if is_left_out {
                            reading.counts.pruned.fetch_add(1, Ordering::Relaxed);
                            continue;
                        }
                        reading.counts.read.fetch_add(1, Ordering::Relaxed);
                    }
                    self.pages_read += 1;
                    let table = &run.tables()[next_table];
                    let whole_at = self.columns.as_ref().and_then(|reading| reading.whole_at);
                    let index = table.index();
                    if whole_at.is_some_and(|at| index.is_clean(next_page, at))
                        && self.range.contains(index.first_key(next_page))
                        && self.range.contains(index.last_key(next_page))
                    {
                        (self.first, self.last) = (0, index.rows(next_page));
                        self.block = SourceBlock::Whole;
                        self.start_block();
                    } else {
                        let loaded = table.load(next_page, self.policy, self.columns.is_none()).await?;
                        self.install_page(loaded);
                    }
                }
            }
        }
        Ok(())
    }

    fn install_versions(&mut self, mut rows: Vec<Version>) {
        if rows.is_empty() {
            self.state = SourcePosition::End;
            return;
        }
        if self.reverse {
            rows.reverse();
        }
        (self.first, self.last) = (0, rows.len());
        self.block = SourceBlock::Versions(rows);
        self.start_block();
    }

    fn install_page(&mut self, page: Arc<Page>) {
        use std::ops::Bound::{Excluded, Included, Unbounded};
        self.first = match &self.range.start {
            Unbounded => 0,
            Included(key) => page.lower_bound(key),
            Excluded(key) => page.upper_bound(key),
        };
        self.last = match &self.range.end {
            Unbounded => page.rows(),
            Included(key) => page.upper_bound(key),
            Excluded(key) => page.lower_bound(key),
        };
        self.block = SourceBlock::Page(page);
        if self.first < self.last {
            self.start_block();
        }
    }

    fn start_block(&mut self) {
        // A memtable's rows are turned around on installation, so that both kinds of block are in forward order.
        self.row = if self.reverse { self.last - 1 } else { self.first };
        self.state = SourcePosition::Row;
        self.load_key();
    }
}
