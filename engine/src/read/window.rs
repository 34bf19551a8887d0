//! Merging by windows: what newer sources say of the keys of a window hides rows of the older ones.
//!
//! A window reaches from the first key ahead to the first last key of a block, without it: its versions may
//! go on in the next block. Its rows are judged by masks, source after source from the newest on, instead of
//! key after key:
//!
//! ```text
//!   source 0 (newest)    b    d✗        settles  b d
//!   source 1           a b  c           hidden   b          settles  a b c d
//!   source 2           a b  c d e f     hidden   a b c d    left     e f
//! ```
//!
//! Where an order is wanted, the keys that were decided are that order, once the rows of the oldest source
//! and of history are among them. Otherwise they only need to be found in the oldest source: few are searched
//! for, many are compared with all of its keys in one pass.
//!
//! Keys are compared by their heads behind what all keys of the window start with, and whole only where these
//! do not tell.

use std::{cmp::Ordering, mem, ops::Range};

use arrow_buffer::{BooleanBuffer, BooleanBufferBuilder};

use super::source::{ForwardSource, WindowRows};
use crate::{
    format::common_prefix,
    types::{Kind, Timestamp},
};

/// A key is searched for where there are so many rows for each that is; a step of the pass costs so much
/// less.
const ROWS_FOR_A_SEARCH: usize = 16;
/// To go from one source to another and back costs as much as a pass over so many rows.
const ROWS_FOR_A_TURN: usize = 64;

/// Rows of one source in a window.
struct WindowPart {
    source: usize,
    rows: Range<usize>,
}

/// A key that has its answer, and where it is.
#[derive(Clone, Copy)]
struct DecidedKey {
    head: u64,
    source: u32,
    row: u32,
}

/// Puts the key that ends the window that lies ahead into `bound`: sources are loaded that far.
pub(super) fn find_bound(sources: &[ForwardSource], bound: &mut Vec<u8>) {
    let mut nearest = &sources[0];
    nearest.copy_last_key(bound);
    for source in &sources[1..] {
        if source.compare_last_key(bound) == Ordering::Less {
            nearest = source;
            nearest.copy_last_key(bound);
        }
    }
}

/// Whether rows of sources lie between each other in front of `bound` so often that a pass over all of them
/// costs less than to go from one source to another. They are loaded that far.
pub(super) fn is_dense(sources: &[ForwardSource], bound: &[u8]) -> bool {
    let in_window = sources.iter().filter(|source| source.key() < bound);
    let rows = in_window.map(|source| source.rows_in_front(bound, None).len());
    let (most, all) = rows.fold((0, 0), |(most, all), rows| (rows.max(most), all + rows));
    (all - most) * ROWS_FOR_A_TURN > most
}

/// Judges the rows of all sources in front of `bound`, which are loaded, and moves behind them. `decided` is
/// a key that has its answer already. Returns what is visible: `in_order` of the keys, or source by source,
/// which must not be of history then. Costs, beside a pass over the timestamps, a search or a few steps for
/// each row of a newer source and each source behind it.
pub(super) fn judge(
    sources: &mut [ForwardSource],
    bound: &[u8],
    decided: Option<&[u8]>,
    at: Timestamp,
    in_order: bool,
) -> WindowRows {
    let in_window = |source: &ForwardSource| source.key() < bound;
    let first = sources.iter().map(ForwardSource::key).min().unwrap_or(bound);
    let parts = sources.iter().enumerate().filter(|(_, source)| in_window(source));
    let parts: Vec<_> = parts
        .map(|(number, source)| {
            let decided = decided.filter(|_| !source.is_history());
            WindowPart { source: number, rows: source.rows_in_front(bound, decided) }
        })
        .collect();
    let mut window = KeyWindow::new(sources, &parts, common_prefix(first, bound));
    let mut found = WindowRows::default();
    let mut blocks = vec![0; sources.len()];
    for (place, part) in parts.iter().enumerate() {
        let source = &sources[part.source];
        let deciding = source.deciding(part.rows.clone(), at);
        let is_oldest = place + 1 == parts.len();
        let left =
            if is_oldest && !in_order { window.hide(part, &deciding) } else { window.add(part, &deciding) };
        blocks[part.source] = found.add_block(source, &part.rows);
        if !in_order {
            let bits = &left & &source.puts(part.rows.clone());
            found.push_bits(blocks[part.source], part.rows.start, bits);
        }
    }
    if in_order {
        for key in mem::take(&mut window.decided) {
            if sources[key.source as usize].kind_of(key.row as usize) == Kind::Put {
                found.push_row(blocks[key.source as usize], key.row as usize);
            }
        }
    }
    for part in parts {
        sources[part.source].continue_at(part.rows.end);
    }
    found
}

struct KeyWindow<'a> {
    sources: &'a [ForwardSource],
    /// Bytes that all keys start with.
    skip: usize,
    /// Whether heads tell all keys apart.
    heads_tell: bool,
    /// Ascending.
    decided: Vec<DecidedKey>,
    /// Memory to work in.
    heads: Vec<u64>,
    key: Vec<u8>,
}

impl<'a> KeyWindow<'a> {
    fn new(sources: &'a [ForwardSource], parts: &[WindowPart], skip: usize) -> Self {
        let filled = || parts.iter().filter(|part| !part.rows.is_empty());
        let mut lengths = filled().map(|part| sources[part.source].key_len(part.rows.clone()));
        let heads_tell = lengths.next().flatten().is_some_and(|length| {
            length <= skip + size_of::<u64>() && lengths.all(|other| other == Some(length))
        });
        Self { sources, skip, heads_tell, decided: Vec::new(), heads: Vec::new(), key: Vec::new() }
    }

    /// Of the rows whose bits are set, those whose keys no newer source has decided. They are decided from
    /// now on.
    fn add(&mut self, part: &WindowPart, bits: &BooleanBuffer) -> BooleanBuffer {
        let before = mem::take(&mut self.decided);
        let mut decided = Vec::with_capacity(before.len() + bits.count_set_bits());
        let left = self.pass(part, bits, &before, |key| decided.push(key));
        self.decided = decided;
        left
    }

    /// Of the rows whose bits are set, those whose keys no newer source has decided.
    fn hide(&mut self, part: &WindowPart, bits: &BooleanBuffer) -> BooleanBuffer {
        let decided = mem::take(&mut self.decided);
        if decided.len() * ROWS_FOR_A_SEARCH > part.rows.len() {
            return self.pass(part, bits, &decided, |_| {});
        }
        if decided.is_empty() {
            return bits.clone();
        }
        let mut left = to_builder(bits);
        for key in decided {
            self.key.clear();
            self.sources[key.source as usize].append_key(key.row as usize, &mut self.key);
            for row in self.sources[part.source].rows_of_key(&self.key) {
                if part.rows.contains(&row) {
                    left.set_bit(row - part.rows.start, false);
                }
            }
        }
        left.finish()
    }

    /// Passes over the rows whose bits are set and the keys that are decided, side by side, and gives out
    /// each key once, in order. Returns the rows whose keys were not decided. A value alive in history comes
    /// instead of the row that decided its key, which can only be a delete.
    fn pass(
        &mut self,
        part: &WindowPart,
        bits: &BooleanBuffer,
        mut decided: &[DecidedKey],
        mut each: impl FnMut(DecidedKey),
    ) -> BooleanBuffer {
        let mut heads = mem::take(&mut self.heads);
        heads.clear();
        let source = &self.sources[part.source];
        // Most often all of them.
        if bits.count_set_bits() == bits.len() {
            source.append_heads(part.rows.clone(), self.skip, &mut heads);
        } else {
            let rows = bits.set_indices().map(|bit| part.rows.start + bit);
            source.append_heads(rows, self.skip, &mut heads);
        }
        let is_history = source.is_history();
        let mut left = to_builder(bits);
        let mut step = |bit: usize, head: u64| {
            let row = DecidedKey { head, source: part.source as u32, row: (part.rows.start + bit) as u32 };
            while let Some((first, rest)) = decided.split_first() {
                let order = self.compare(first, &row);
                if order == Ordering::Greater {
                    break;
                }
                decided = rest;
                if order == Ordering::Less {
                    each(*first);
                } else if !is_history {
                    left.set_bit(bit, false);
                    each(*first);
                    return;
                }
            }
            each(row);
        };
        if heads.len() == bits.len() {
            heads.iter().enumerate().for_each(|(bit, head)| step(bit, *head));
        } else {
            bits.set_indices().zip(&heads).for_each(|(bit, head)| step(bit, *head));
        }
        decided.iter().copied().for_each(each);
        self.heads = heads;
        left.finish()
    }

    #[inline]
    fn compare(&mut self, a: &DecidedKey, b: &DecidedKey) -> Ordering {
        match a.head.cmp(&b.head) {
            Ordering::Equal if !self.heads_tell => self.compare_whole(a, b),
            order => order,
        }
    }

    #[cold]
    fn compare_whole(&mut self, a: &DecidedKey, b: &DecidedKey) -> Ordering {
        self.key.clear();
        self.sources[b.source as usize].append_key(b.row as usize, &mut self.key);
        self.sources[a.source as usize].compare_key(a.row as usize, &self.key)
    }
}

fn to_builder(bits: &BooleanBuffer) -> BooleanBufferBuilder {
    let mut builder = BooleanBufferBuilder::new(bits.len());
    builder.append_buffer(bits);
    builder
}
