//! Pages that are taken as a whole.

use super::{Feed, Source, SourceBlock, SourcePosition};
use crate::{error::Result, sst::Table};

impl Source {
    /// Whether the current block is a page that was not loaded.
    pub(crate) fn is_whole(&self) -> bool {
        self.state == SourcePosition::Row && matches!(self.block, SourceBlock::Whole)
    }

    /// Rows of the current block that are left.
    pub(crate) fn rows_left(&self) -> usize {
        self.last - self.row
    }

    /// Loads the page that was not loaded.
    pub(crate) async fn load_whole(&mut self) -> Result<()> {
        if let (SourceBlock::Whole, Feed::Run { run, table, page, .. }) = (&self.block, &self.feed) {
            let loaded = run.tables()[*table].load(*page, self.policy, false).await?;
            self.block = SourceBlock::Page(loaded);
        }
        Ok(())
    }

    /// The page that lies ahead whole: none of its rows was passed, and all are in the range. Forward only.
    pub(crate) fn page_ahead(&self) -> Option<(&Table, usize)> {
        let (table, page) = self.next_page()?;
        let index = table.index();
        let is_inside =
            self.range.contains(index.first_key(page)) && self.range.contains(index.last_key(page));
        is_inside.then_some((table, page))
    }

    /// A key that none of the rows ahead comes before; `None` where no row is ahead. Forward only.
    pub(crate) fn key_ahead(&self) -> Option<&[u8]> {
        match (self.state, &self.feed) {
            (SourcePosition::Row, _) => Some(&self.key),
            (SourcePosition::Gap, Feed::Run { .. }) => {
                self.next_page().map(|(table, page)| table.index().first_key(page))
            }
            // Whatever it is.
            (SourcePosition::Gap, Feed::Memtable { .. }) => Some(&[]),
            (SourcePosition::End, _) => None,
        }
    }

    /// Passes over the page that lies ahead.
    pub(crate) fn skip_page(&mut self) {
        if self.state == SourcePosition::Gap
            && let Some((next_table, next_page)) = self.next_position()
            && let Feed::Run { table, page, started, .. } = &mut self.feed
        {
            (*table, *page, *started) = (next_table, next_page, true);
        }
        self.state = SourcePosition::Gap;
    }

    /// The page whose first row is the current one, or that is loaded next.
    fn next_page(&self) -> Option<(&Table, usize)> {
        let Feed::Run { run, table, page, .. } = &self.feed else { return None };
        let (table, page) = match self.state {
            SourcePosition::Row if self.row == 0 => (*table, *page),
            SourcePosition::Gap => self.next_position()?,
            _ => return None,
        };
        Some((&run.tables()[table], page))
    }

    /// Where the page is that is loaded next.
    fn next_position(&self) -> Option<(usize, usize)> {
        let Feed::Run { run, table, page, started, filter } = &self.feed else { return None };
        run.next_page(&self.range, false, (*started).then_some((*table, *page)), *filter, None)
    }
}
