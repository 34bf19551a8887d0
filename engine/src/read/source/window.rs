//! Rows of a source in a window of keys: they are of its block, and are judged together.

use std::{cmp::Ordering, collections::VecDeque, ops::Range, sync::Arc};

use arrow_buffer::BooleanBuffer;

use super::{
    block::SourceBlock,
    forward::{ForwardPosition, ForwardSource},
};
use crate::{
    key_head::suffix_head,
    read::{sink::RowSink, visible},
    sst::{CachePolicy, Page, Table},
    types::{Kind, Timestamp, Version},
};

/// Rows that are given out before whoever takes them may count their bytes.
const ROWS_AT_ONCE: usize = 64;

/// Visible rows of a window that no sink has taken yet.
#[derive(Debug, Default)]
pub(crate) struct WindowRows {
    blocks: Vec<WindowBlock>,
    /// In the order in which they are given out.
    rows: VecDeque<WindowPicks>,
}

/// Block that holds rows.
#[derive(Debug)]
enum WindowBlock {
    /// Rows from this one on.
    Versions(usize, Vec<Version>),
    Page {
        table: Table,
        number: usize,
        policy: CachePolicy,
        page: Arc<Page>,
    },
}

/// Rows of the block with this number.
#[derive(Debug)]
enum WindowPicks {
    /// These.
    Run(usize, Range<usize>),
    /// Rows whose bits are set; the first bit is that of the row with the second number.
    Bits(usize, usize, BooleanBuffer),
}

impl WindowRows {
    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Adds a row behind the others, of a block that was added.
    pub(crate) fn push_row(&mut self, block: usize, row: usize) {
        match self.rows.back_mut() {
            Some(WindowPicks::Run(of, rows)) if *of == block && rows.end == row => rows.end += 1,
            _ => self.rows.push_back(WindowPicks::Run(block, row..row + 1)),
        }
    }

    /// Adds rows whose bits are set, behind the others, of a block that was added.
    pub(crate) fn push_bits(&mut self, block: usize, start: usize, bits: BooleanBuffer) {
        match &self.blocks[block] {
            WindowBlock::Versions(..) => bits.set_indices().for_each(|bit| self.push_row(block, start + bit)),
            WindowBlock::Page { .. } if bits.count_set_bits() == 0 => {}
            WindowBlock::Page { .. } => self.rows.push_back(WindowPicks::Bits(block, start, bits)),
        }
    }

    /// Gives `sink`, which has room for another row of `rows_max`, some of the rows: those of one page, or a
    /// few from here and there, so that whoever counts their bytes can stop.
    pub(crate) fn give(&mut self, sink: &mut impl RowSink, rows_max: usize) {
        debug_assert!(sink.len() < rows_max, "there is room for another row");
        let rows_max = rows_max.min(sink.len() + ROWS_AT_ONCE.max(self.rows_of_first()));
        while sink.len() < rows_max
            && let Some(found) = self.rows.front_mut()
        {
            let room = rows_max - sink.len();
            let is_given = match found {
                WindowPicks::Run(block, rows) => {
                    let stop = rows.end.min(rows.start + room);
                    match &mut self.blocks[*block] {
                        WindowBlock::Versions(first, versions) => {
                            let versions = &mut versions[rows.start - *first..stop - *first];
                            for version in versions {
                                sink.take_version(version);
                            }
                        }
                        WindowBlock::Page { table, number, policy, page } => {
                            sink.enter_page(table, *number, *policy);
                            sink.take_rows(page, rows.start..stop);
                        }
                    }
                    rows.start = stop;
                    stop == rows.end
                }
                WindowPicks::Bits(block, start, bits) => {
                    let WindowBlock::Page { table, number, policy, page } = &self.blocks[*block] else {
                        unreachable!("versions are given out one by one");
                    };
                    let fitting = visible::fitting(bits, room);
                    sink.enter_page(table, *number, *policy);
                    sink.take_bits(page, *start, &bits.slice(0, fitting));
                    (*start, *bits) = (*start + fitting, bits.slice(fitting, bits.len() - fitting));
                    bits.count_set_bits() == 0
                }
            };
            if is_given {
                self.rows.pop_front();
            }
        }
        if self.rows.is_empty() {
            self.blocks.clear();
        }
    }

    /// Number of rows that come next, where they are of one page.
    fn rows_of_first(&self) -> usize {
        match self.rows.front() {
            Some(WindowPicks::Bits(_, _, bits)) => bits.count_set_bits(),
            _ => 0,
        }
    }

    /// Adds the block of a source, of which these rows may be found; returns its number.
    pub(crate) fn add_block(&mut self, source: &ForwardSource, rows: &Range<usize>) -> usize {
        self.blocks.push(match &source.block {
            SourceBlock::Versions(versions) => {
                WindowBlock::Versions(rows.start, versions[rows.clone()].to_vec())
            }
            SourceBlock::Page(page, address) => WindowBlock::Page {
                table: address.table.clone(),
                number: address.number,
                policy: source.policy,
                page: Arc::clone(page),
            },
        });
        self.blocks.len() - 1
    }
}

impl ForwardSource {
    /// Whether all keys of the block come before `bound`; with `or_equal`, or are equal to it.
    pub(crate) fn ends_before(&self, bound: &[u8], or_equal: bool) -> bool {
        match self.compare_last_key(bound) {
            Ordering::Less => true,
            Ordering::Equal => or_equal,
            Ordering::Greater => false,
        }
    }

    /// Compares the last key of the block with `key`.
    pub(crate) fn compare_last_key(&self, key: &[u8]) -> Ordering {
        match &self.position {
            ForwardPosition::Whole(address) => address.last_key().cmp(key),
            _ => self.compare_key(self.last - 1, key),
        }
    }

    /// Puts the last key of the block there.
    pub(crate) fn copy_last_key(&self, out: &mut Vec<u8>) {
        out.clear();
        match &self.position {
            ForwardPosition::Whole(address) => out.extend_from_slice(address.last_key()),
            _ => self.append_key(self.last - 1, out),
        }
    }

    /// Appends the key of a row of the block.
    pub(crate) fn append_key(&self, row: usize, out: &mut Vec<u8>) {
        self.block.append_key(row, out);
    }

    /// The rows from the current one on whose keys come before `bound`, without those of the key `decided`,
    /// which does so.
    pub(crate) fn rows_in_front(&self, bound: &[u8], decided: Option<&[u8]>) -> Range<usize> {
        let stop = self.rows_before(bound, false);
        match decided {
            Some(decided) if decided == self.key() => self.rows_before(decided, true)..stop,
            _ => self.row..stop,
        }
    }

    /// The rows of the block with this key.
    pub(crate) fn rows_of_key(&self, key: &[u8]) -> Range<usize> {
        match &self.block {
            SourceBlock::Versions(versions) => {
                let start = versions.partition_point(|version| version.key < key);
                start..versions.partition_point(|version| version.key <= key)
            }
            SourceBlock::Page(page, _) => page.rows_of_key(key),
        }
    }

    /// Bytes of each key of these rows, where all have as many.
    pub(crate) fn key_len(&self, rows: Range<usize>) -> Option<usize> {
        match &self.block {
            SourceBlock::Versions(versions) => {
                let length = versions[rows.start].key.len();
                versions[rows].iter().all(|version| version.key.len() == length).then_some(length)
            }
            SourceBlock::Page(page, _) => page.key_len(),
        }
    }

    /// Appends the heads of the keys of rows, without their first `skip` bytes, which each of them has: the
    /// next eight bytes.
    pub(crate) fn append_heads(&self, rows: impl Iterator<Item = usize>, skip: usize, out: &mut Vec<u64>) {
        match &self.block {
            SourceBlock::Versions(versions) => {
                out.extend(rows.map(|row| suffix_head(&versions[row].key[skip..])));
            }
            SourceBlock::Page(page, _) => page.append_heads(rows, skip, out),
        }
    }

    /// For each of these rows, whether it says what its key is at `at`, as far as this source knows; of
    /// history, whether it is alive then.
    pub(crate) fn deciding(&self, rows: Range<usize>, at: Timestamp) -> BooleanBuffer {
        match &self.block {
            SourceBlock::Versions(versions) => BooleanBuffer::collect_bool(rows.len(), |bit| {
                let row = rows.start + bit;
                let version = &versions[row];
                let is_hidden = || {
                    let newer = row.checked_sub(1).map(|newer| &versions[newer]);
                    newer.is_some_and(|newer| newer.begin <= at && newer.key == version.key)
                };
                version.begin <= at && !is_hidden()
            }),
            SourceBlock::Page(page, _) if self.is_history => visible::alive(page, rows, at),
            SourceBlock::Page(_, address) if address.is_clean(at) => BooleanBuffer::new_set(rows.len()),
            SourceBlock::Page(page, _) => visible::deciding(page, rows, at),
        }
    }

    /// For each of these rows, whether it is a value.
    pub(crate) fn puts(&self, rows: Range<usize>) -> BooleanBuffer {
        match &self.block {
            SourceBlock::Versions(versions) => {
                BooleanBuffer::collect_bool(rows.len(), |bit| versions[rows.start + bit].kind == Kind::Put)
            }
            SourceBlock::Page(page, _) => page.puts(rows),
        }
    }
}
