//! The next block of a forward source.

use std::sync::{Arc, atomic::Ordering};

use super::{
    block::{Feed, MEMTABLE_CHUNK_ROWS, PageAddress, SourceBlock, scan_policy},
    forward::{ForwardPosition, ForwardSource},
};
use crate::{
    error::Result,
    sst::{CachePolicy, Page},
    types::Version,
};

impl ForwardSource {
    /// Loads the next block that has a row in the range. Pages of a run with nothing but versions of the key
    /// `decided` are left out, but for history. Suspends when the block is not in memory and the root is not
    /// local; and once in many blocks, so that a caller who finds nothing in any of them can be cancelled and
    /// lets others have a turn.
    pub(crate) async fn fill(&mut self, decided: Option<&[u8]>) -> Result<()> {
        let decided = decided.filter(|_| !self.is_history);
        while self.is_at_gap() {
            tokio::task::coop::consume_budget().await;
            match &mut self.feed {
                Feed::Memtable { memtable, keyspace, last } => {
                    let rows = memtable.forward(*keyspace, &self.range, last.as_ref(), MEMTABLE_CHUNK_ROWS);
                    // Searched for anew by the next call, because the memtable may have grown.
                    *last = rows.last().cloned();
                    self.install_versions(rows);
                }
                Feed::Run(run) => {
                    let Some((table, number)) = run.next(&self.range, false, decided) else {
                        self.position = ForwardPosition::End;
                        return Ok(());
                    };
                    run.move_to((table, number));
                    let (place, table) = (table, run.table(table).clone());
                    self.fill_page(place, PageAddress { table, number }).await?;
                }
            }
        }
        Ok(())
    }

    /// Loads a page of the table at `place` of the run, or takes it whole, or leaves it out.
    async fn fill_page(&mut self, place: usize, address: PageAddress) -> Result<()> {
        self.policy = if self.passes_by { CachePolicy::PassBy } else { scan_policy(self.pages_read) };
        if self.is_left_out(place, &address).await? {
            return Ok(());
        }
        self.pages_read += 1;
        let whole_at = self.columns.as_ref().and_then(|reading| reading.whole_at);
        if whole_at.is_some_and(|at| address.is_clean(at))
            && self.range.contains(address.first_key())
            && self.range.contains(address.last_key())
        {
            self.install_whole(address);
        } else {
            let loaded = address.table.load(address.number, self.policy, self.columns.is_none()).await?;
            self.install_page(loaded, address);
        }
        Ok(())
    }

    /// Whether no row of the page is wanted, for the values that it has.
    async fn is_left_out(&mut self, place: usize, address: &PageAddress) -> Result<bool> {
        let Some(reading) = &mut self.columns else { return Ok(false) };
        let (table, number) = (&address.table, address.number);
        let mut is_left_out = false;
        if let Some(prune) = &mut reading.prune {
            is_left_out = prune.leaves_out(table, place, number)?;
            if !is_left_out && prune.looks_at_columns() {
                self.pages_read += 1;
                is_left_out = Box::pin(prune.lacks(table, number, self.policy)).await?;
            }
        }
        let count = if is_left_out { &reading.counts.pruned } else { &reading.counts.read };
        count.fetch_add(1, Ordering::Relaxed);
        Ok(is_left_out)
    }

    fn install_versions(&mut self, rows: Vec<Version>) {
        if rows.is_empty() {
            self.position = ForwardPosition::End;
        } else {
            self.install(SourceBlock::Versions(rows));
        }
    }

    fn install_page(&mut self, page: Arc<Page>, address: PageAddress) {
        self.install(SourceBlock::Page(page, address));
    }

    /// Stands on the first row of the block that lies in the range; stays in the gap where none does.
    fn install(&mut self, block: SourceBlock) {
        (self.row, self.last) = block.rows_in(&self.range);
        self.block = block;
        if self.row < self.last {
            self.position = ForwardPosition::Row;
            self.load_key();
        }
    }

    /// Stands on the first row of a page that is not loaded: all of its rows are visible and in the range.
    fn install_whole(&mut self, address: PageAddress) {
        (self.row, self.last) = (0, address.table.index().rows(address.number));
        self.block = SourceBlock::EMPTY;
        self.key.clear();
        self.key.extend_from_slice(address.first_key());
        self.position = ForwardPosition::Whole(address);
    }
}
