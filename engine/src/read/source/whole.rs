//! Pages that are taken as a whole.

use super::{
    block::{Feed, SourceBlock},
    forward::{ForwardPosition, ForwardSource},
};
use crate::{error::Result, sst::Table};

impl ForwardSource {
    /// Whether the source stands on a page that was not loaded.
    pub(crate) fn is_whole(&self) -> bool {
        matches!(self.position, ForwardPosition::Whole(_))
    }

    /// Rows of the current block, or of the page that was not loaded, that are left.
    pub(crate) fn rows_left(&self) -> usize {
        self.last - self.row
    }

    /// Loads the page that was not loaded.
    pub(crate) async fn load_whole(&mut self) -> Result<()> {
        if let ForwardPosition::Whole(address) = &self.position {
            let loaded = address.table.load(address.number, self.policy, false).await?;
            self.block = SourceBlock::Page(loaded, address.clone());
            self.position = ForwardPosition::Row;
        }
        Ok(())
    }

    /// The page that lies ahead whole: none of its rows was passed, and all are in the range.
    pub(crate) fn page_ahead(&self) -> Option<(&Table, usize)> {
        let (table, page) = self.next_page()?;
        let index = table.index();
        let is_inside =
            self.range.contains(index.first_key(page)) && self.range.contains(index.last_key(page));
        is_inside.then_some((table, page))
    }

    /// A key that none of the rows ahead comes before; `None` where no row is ahead.
    pub(crate) fn key_ahead(&self) -> Option<&[u8]> {
        match (&self.position, &self.feed) {
            (ForwardPosition::Row | ForwardPosition::Whole(_), _) => Some(&self.key),
            (ForwardPosition::Gap, Feed::Run(_)) => {
                self.next_page().map(|(table, page)| table.index().first_key(page))
            }
            // Whatever it is.
            (ForwardPosition::Gap, Feed::Memtable { .. }) => Some(&[]),
            (ForwardPosition::End, _) => None,
        }
    }

    /// Passes over the page that lies ahead.
    pub(crate) fn skip_page(&mut self) {
        if self.is_at_gap()
            && let Feed::Run(run) = &mut self.feed
            && let Some(next) = run.next(&self.range, false, None)
        {
            run.move_to(next);
        }
        self.position = ForwardPosition::Gap;
    }

    /// The page whose first row is the current one, or that is loaded next.
    fn next_page(&self) -> Option<(&Table, usize)> {
        let Feed::Run(run) = &self.feed else { return None };
        let (table, page) = match self.position {
            ForwardPosition::Row | ForwardPosition::Whole(_) if self.row == 0 => run.current()?,
            ForwardPosition::Gap => run.next(&self.range, false, None)?,
            _ => return None,
        };
        Some((run.table(table), page))
    }
}
