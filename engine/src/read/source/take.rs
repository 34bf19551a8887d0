//! Rows of a block for sinks that take them.

use arrow_buffer::BooleanBuffer;

use super::{
    block::SourceBlock,
    forward::{ForwardPosition, ForwardSource},
};
use crate::{
    read::{RowSet, columns::RowPlace, sink::RowSink, visible},
    types::{Kind, Timestamp},
};

impl ForwardSource {
    /// Passes over the rows up to `stop` and gives `sink` the values that are visible at `at`, while it has
    /// room for another row. `is_decided` says whether the key of the current row has its answer already.
    /// Returns the same of the last row passed over, whose key is then in `decided`. `stop` is behind the
    /// current row.
    pub(crate) fn take_visible(
        &mut self,
        stop: usize,
        at: Timestamp,
        rows_max: usize,
        sink: &mut impl RowSink,
        is_decided: bool,
        decided: &mut Vec<u8>,
    ) -> bool {
        if let ForwardPosition::Whole(address) = &self.position {
            sink.enter_page(&address.table, address.number, self.policy);
            sink.take_whole(usize::from(is_decided)..stop);
            decided.clear();
            decided.extend_from_slice(address.last_key());
            self.continue_at(stop);
            return true;
        }
        let (mut row, mut is_decided) = (self.row, is_decided);
        match &mut self.block {
            SourceBlock::Versions(versions) => {
                let mut is_of_decided = is_decided;
                while row < stop && sink.len() < rows_max {
                    is_decided = is_of_decided;
                    let is_next_same =
                        versions.get(row + 1).is_some_and(|next| next.key == versions[row].key);
                    let version = &mut versions[row];
                    if !is_decided && version.begin <= at {
                        is_decided = true;
                        decided.clear();
                        decided.extend_from_slice(&version.key);
                        if version.kind == Kind::Put {
                            sink.take_version(version);
                        }
                    }
                    is_of_decided = is_decided && is_next_same;
                    row += 1;
                }
            }
            SourceBlock::Page(page, address) => {
                sink.enter_page(&address.table, address.number, self.policy);
                if address.is_clean(at) {
                    // Of such a page only the first key can have its answer already.
                    let from = row + usize::from(is_decided);
                    row = stop.min(from + (rows_max - sink.len()));
                    sink.take_rows(page, from..row.max(from));
                    is_decided = true;
                } else {
                    let from = if is_decided { stop.min(page.key_end(row)) } else { row };
                    row = visible::take_visible(sink, page, from..stop, rows_max, at);
                    if row > from {
                        // Begins fall within a key.
                        is_decided = page.begin(row - 1) <= at;
                    }
                }
            }
        }
        // Of versions it is there already.
        if is_decided && let SourceBlock::Page(page, _) = &self.block {
            decided.clear();
            page.append_key(row - 1, decided);
        }
        self.continue_at(row);
        is_decided
    }

    /// Passes over the rows up to `stop` and gives `sink` the values that are alive at `at`, while it has
    /// room for another row. Of history; `stop` is behind the current row.
    pub(crate) fn take_alive(
        &mut self,
        stop: usize,
        at: Timestamp,
        rows_max: usize,
        sink: &mut impl RowSink,
    ) {
        let mut row = self.row;
        if let SourceBlock::Page(page, address) = &self.block {
            sink.enter_page(&address.table, address.number, self.policy);
            row = visible::take_alive(sink, page, row..stop, rows_max, at);
        }
        self.continue_at(row);
    }

    /// The rows of the block, from the current one on, that are alive at one of the moments and not at the
    /// other, as far as their own lifetimes say.
    pub(crate) fn changed(&self, from: Timestamp, to: Timestamp) -> Vec<u32> {
        let mask = match &self.block {
            SourceBlock::Versions(versions) => {
                let rows = &versions[self.row..self.last];
                BooleanBuffer::collect_bool(rows.len(), |row| {
                    let is_alive = |at| rows[row].begin <= at && at < rows[row].end;
                    is_alive(from) != is_alive(to)
                })
            }
            SourceBlock::Page(page, _) => {
                let alive = |at| visible::alive(page, self.row..self.last, at);
                &alive(from) ^ &alive(to)
            }
        };
        mask.set_indices_u32().map(|bit| self.row as u32 + bit).collect()
    }

    /// Adds the current row to a set whose values are read later, and gives it away: it is passed over next.
    /// `segment` remembers where those of the page are.
    pub(crate) fn pick(&mut self, set: &mut RowSet, segment: &mut usize) -> RowPlace {
        match &mut self.block {
            SourceBlock::Versions(versions) => {
                let version = &mut versions[self.row];
                set.pick_row(std::mem::take(&mut version.key), std::mem::take(&mut version.value))
            }
            SourceBlock::Page(_, address) => {
                set.pick(segment, &address.table, address.number, self.policy, self.row)
            }
        }
    }
}
