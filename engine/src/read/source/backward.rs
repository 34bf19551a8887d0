//! The backward source: by key descending and begin ascending, with the values of its rows.

use std::sync::Arc;

use super::block::{Feed, MEMTABLE_CHUNK_ROWS, PageAddress, SourceBlock, scan_policy};
use crate::{
    Result,
    memtable::Memtable,
    state::{PageFilter, SortedRun},
    types::{KeyRange, KeyspaceId, Timestamp, Version},
};

/// See the module documentation.
#[derive(Debug)]
pub(crate) struct BackwardSource {
    feed: Feed,
    range: KeyRange,
    block: SourceBlock,
    /// The current row and the first row of the block that lies in the range.
    row: usize,
    first: usize,
    /// Key of the current row.
    key: Vec<u8>,
    position: BackwardPosition,
    pages_read: usize,
    is_history: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum BackwardPosition {
    /// On a row.
    Row,
    /// In front of a block: the next one must be loaded.
    Gap,
    /// Nothing is left.
    End,
}

impl BackwardSource {
    pub(crate) fn memtable(memtable: Arc<Memtable>, keyspace: KeyspaceId, range: KeyRange) -> Self {
        Self::new(Feed::memtable(memtable, keyspace), range)
    }

    pub(crate) fn run(run: Arc<SortedRun>, range: KeyRange, filter: PageFilter) -> Self {
        Self::new(Feed::run(run, filter), range)
    }

    /// A run of the history tier.
    pub(crate) fn history(run: Arc<SortedRun>, range: KeyRange, filter: PageFilter) -> Self {
        Self { is_history: true, ..Self::run(run, range, filter) }
    }

    fn new(feed: Feed, range: KeyRange) -> Self {
        Self {
            feed,
            range,
            block: SourceBlock::EMPTY,
            row: 0,
            first: 0,
            key: Vec::new(),
            position: BackwardPosition::Gap,
            pages_read: 0,
            is_history: false,
        }
    }

    /// Whether [`Self::fill`] must be called before the source can be read.
    pub(crate) fn is_at_gap(&self) -> bool {
        self.position == BackwardPosition::Gap
    }

    /// Whether all rows were read.
    pub(crate) fn is_at_end(&self) -> bool {
        self.position == BackwardPosition::End
    }

    /// Whether this is a run of the history tier; see [`super::ForwardSource::is_history`].
    pub(crate) fn is_history(&self) -> bool {
        self.is_history
    }

    /// Key of the current row.
    pub(crate) fn key(&self) -> &[u8] {
        debug_assert_eq!(self.position, BackwardPosition::Row);
        &self.key
    }

    pub(crate) fn begin(&self) -> Timestamp {
        self.block.begin(self.row)
    }

    pub(crate) fn end(&self) -> Timestamp {
        self.block.end(self.row)
    }

    /// The current row, owned.
    pub(crate) fn version(&self) -> Version {
        self.block.version(self.row, self.key())
    }

    /// Moves to the row in front of the current one, or to the gap in front of the block.
    pub(crate) fn advance(&mut self) {
        debug_assert_eq!(self.position, BackwardPosition::Row);
        if self.row == self.first {
            self.position = BackwardPosition::Gap;
        } else {
            self.row -= 1;
            self.load_key();
        }
    }

    fn load_key(&mut self) {
        self.key.clear();
        self.block.append_key(self.row, &mut self.key);
    }

    /// Loads the block in front that has a row in the range. Suspends as [`super::ForwardSource::fill`] does.
    pub(crate) async fn fill(&mut self) -> Result<()> {
        while self.position == BackwardPosition::Gap {
            tokio::task::coop::consume_budget().await;
            let block = match &mut self.feed {
                Feed::Memtable { memtable, keyspace, last } => {
                    let rows = memtable.backward(*keyspace, &self.range, last.as_ref(), MEMTABLE_CHUNK_ROWS);
                    // Searched for anew by the next call, because the memtable may have grown.
                    *last = rows.last().cloned();
                    (!rows.is_empty()).then(|| SourceBlock::Versions(rows.into_iter().rev().collect()))
                }
                Feed::Run(run) => match run.next(&self.range, true, None) {
                    None => None,
                    Some((table, number)) => {
                        run.move_to((table, number));
                        let policy = scan_policy(self.pages_read);
                        self.pages_read += 1;
                        let table = run.table(table).clone();
                        let page = table.load(number, policy, true).await?;
                        Some(SourceBlock::Page(page, PageAddress { table, number }))
                    }
                },
            };
            match block {
                None => self.position = BackwardPosition::End,
                Some(block) => self.install(block),
            }
        }
        Ok(())
    }

    /// Stands on the last row of the block that lies in the range; stays in the gap where none does.
    fn install(&mut self, block: SourceBlock) {
        let (first, last) = block.rows_in(&self.range);
        self.block = block;
        if first < last {
            (self.first, self.row) = (first, last - 1);
            self.position = BackwardPosition::Row;
            self.load_key();
        }
    }
}
