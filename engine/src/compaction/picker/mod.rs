//! Decides what to compact: a pure function from state and options to a job.
//!
//! Levels are filled from the bottom: the last level has no target, each level above it a target `level_ratio` times
//! smaller, down to the *base* level, where level 0 is merged to. A small keyspace has one level.

use std::sync::Arc;

use bytes::Bytes;

use crate::{
    EngineOptions,
    manifest::FileId,
    pins::Retained,
    read::KeyRange,
    sst::Table,
    state::{SortedRun, Tree},
    types::{KeyspaceId, Timestamp},
};

/// Levels below level 0.
pub(crate) const LEVELS: usize = 6;
/// A bottom file is rewritten when this share of its pages, in percent, holds garbage for certain.
const GARBAGE_PERCENT: u64 = 10;

/// What one compaction reads and where its output goes.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub(crate) keyspace: KeyspaceId,
    /// Newest first.
    pub(crate) inputs: Vec<Arc<SortedRun>>,
    /// Index of the level that takes the output.
    pub(crate) to_level: usize,
    /// No older version of an input's key is outside the inputs.
    pub(crate) oldest_in_sight: bool,
    /// The inputs need no rewriting: they are moved as they are.
    pub(crate) is_move: bool,
}

impl Job {
    /// The files that the output replaces.
    pub(crate) fn files(&self) -> impl Iterator<Item = FileId> + '_ {
        self.inputs.iter().flat_map(|run| run.tables()).map(|table| table.meta().id)
    }

    /// Bytes of the files that are read.
    pub(crate) fn bytes(&self) -> u64 {
        self.inputs.iter().flat_map(|run| run.tables()).map(|table| table.meta().len).sum()
    }
}

/// The most urgent job of a keyspace, if there is one.
pub(crate) fn pick(
    keyspace: KeyspaceId,
    tree: &Tree,
    retained: &Retained,
    options: &EngineOptions,
) -> Option<Job> {
    let targets = Targets::of(tree, options);
    if tree.level0.len() >= options.level0_runs_compact {
        return Some(merge_level0(keyspace, tree, targets.base));
    }
    let over = (0..LEVELS - 1)
        .filter_map(|level| {
            let score = size(tree.levels.get(level)?) / targets.bytes[level].max(1);
            (score >= 1).then_some((score, level))
        })
        .max();
    match over {
        Some((_, level)) => Some(merge_level(keyspace, tree, level)),
        None => garbage(keyspace, tree, retained),
    }
}

/// The job that rewrites all of a keyspace into its last level, unless it is one run already and no version of it has
/// ended before the horizon.
pub(crate) fn pick_all(keyspace: KeyspaceId, tree: &Tree, retained: &Retained) -> Option<Job> {
    let inputs: Vec<_> = tree.runs().cloned().collect();
    let is_settled = match inputs.as_slice() {
        [] => true,
        [only] => !only.tables().iter().any(|table| may_hold_garbage(table, retained)),
        _ => false,
    };
    (!is_settled).then_some(Job {
        keyspace,
        inputs,
        to_level: LEVELS - 1,
        oldest_in_sight: true,
        is_move: false,
    })
}

struct Targets {
    bytes: [u64; LEVELS],
    base: usize,
}

impl Targets {
    fn of(tree: &Tree, options: &EngineOptions) -> Self {
        let base_bytes = options.table_bytes * 4;
        let mut bytes = [0; LEVELS];
        bytes[LEVELS - 1] = u64::MAX;
        let mut base = LEVELS - 1;
        let mut target = tree.levels.get(LEVELS - 1).map_or(0, size);
        while target > base_bytes && base > 0 {
            target = (target / options.level_ratio.max(2)).max(base_bytes / 2);
            base -= 1;
            bytes[base] = target;
            if target <= base_bytes {
                break;
            }
        }
        // Level 0 must not jump over a level that holds something.
        let occupied = tree.levels.iter().position(|run| !run.is_empty()).unwrap_or(LEVELS - 1);
        Self { bytes, base: base.min(occupied) }
    }
}

fn size(run: impl AsRef<SortedRun>) -> u64 {
    run.as_ref().tables().iter().map(|table| table.meta().len).sum()
}

fn merge_level0(keyspace: KeyspaceId, tree: &Tree, base: usize) -> Job {
    let mut inputs = tree.level0.clone();
    let range = range_of(inputs.iter().flat_map(|run| run.tables()));
    let below = overlapping(tree.levels.get(base), &range);
    let is_move = inputs.len() == 1 && below.is_empty();
    if !below.is_empty() {
        inputs.push(Arc::new(below));
    }
    Job { keyspace, oldest_in_sight: nothing_below(tree, base, &inputs), inputs, to_level: base, is_move }
}

fn merge_level(keyspace: KeyspaceId, tree: &Tree, level: usize) -> Job {
    // The file that has been there longest.
    let source = tree.levels[level].tables().iter().min_by_key(|table| table.meta().id);
    let source = source.expect("a level over its target has files").clone();
    let range = range_of([&source]);
    let below = overlapping(tree.levels.get(level + 1), &range);
    let is_move = below.is_empty();
    let mut inputs = vec![Arc::new(SortedRun::new(vec![source]))];
    if !below.is_empty() {
        inputs.push(Arc::new(below));
    }
    let to_level = level + 1;
    Job { keyspace, oldest_in_sight: nothing_below(tree, to_level, &inputs), inputs, to_level, is_move }
}

/// A file of the last level of which a good part of the pages holds closed rows that are garbage for certain: they ended
/// before the horizon, and no pin lies in any of their lifetimes.
fn garbage(keyspace: KeyspaceId, tree: &Tree, retained: &Retained) -> Option<Job> {
    let last = tree.levels.get(LEVELS - 1)?;
    let found = last.tables().iter().find(|table| {
        let index = table.index();
        let is_garbage = |page: &usize| {
            let max_end = index.max_end(*page);
            max_end > Timestamp::INTENT
                && max_end <= retained.horizon
                && !retained.has_pin(index.min_begin(*page), max_end)
        };
        let garbage = (0..index.len()).filter(is_garbage).count();
        table.meta().closed > 0 && garbage > 0 && garbage as u64 * 100 >= index.len() as u64 * GARBAGE_PERCENT
    })?;
    let inputs = vec![Arc::new(SortedRun::new(vec![found.clone()]))];
    Some(Job { keyspace, inputs, to_level: LEVELS - 1, oldest_in_sight: true, is_move: false })
}

/// Whether a rewrite of the table could leave something out, if all older versions of its keys are in sight.
fn may_hold_garbage(table: &Table, retained: &Retained) -> bool {
    let meta = table.meta();
    let closed = meta.closed > 0 && meta.min_end <= retained.horizon;
    let deletes = meta.deletes > 0 && meta.oldest_begin() <= retained.horizon;
    closed || deletes
}

fn range_of<'a>(tables: impl IntoIterator<Item = &'a Table>) -> KeyRange {
    let mut bounds: Option<(Bytes, Bytes)> = None;
    for table in tables {
        let meta = table.meta();
        bounds = Some(match bounds {
            None => (meta.min_key.clone(), meta.max_key.clone()),
            Some((min, max)) => (min.min(meta.min_key.clone()), max.max(meta.max_key.clone())),
        });
    }
    let (min, max) = bounds.expect("a job has input files");
    KeyRange::new(min..=max)
}

fn overlapping(level: Option<&Arc<SortedRun>>, range: &KeyRange) -> SortedRun {
    let tables = level.map_or(&[][..], |run| run.tables());
    let overlaps = |table: &&Table| range.overlaps(&table.meta().min_key, &table.meta().max_key);
    SortedRun::new(tables.iter().filter(overlaps).cloned().collect())
}

/// Whether no level below `level` can hold a key of the inputs. Files of `level` itself may reach further than those
/// that are merged into it.
fn nothing_below(tree: &Tree, level: usize, inputs: &[Arc<SortedRun>]) -> bool {
    let range = range_of(inputs.iter().flat_map(|run| run.tables()));
    tree.levels.iter().skip(level + 1).all(|run| !run.overlaps(&range))
}

#[cfg(test)]
mod tests;
