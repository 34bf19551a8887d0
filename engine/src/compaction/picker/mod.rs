//! Decides what to compact: a pure function from state and options to a job.
//!
//! Levels are filled from the bottom: the last level has no target, each level above it a target
//! `level_ratio` times smaller, down to the *base* level, where level 0 is merged to. A small keyspace has
//! one level.
//!
//! Values that have ended leave for history when the files that they are in are rewritten anyway, and by a
//! rewriting of their own where they are many. See [`history`] for what is done there.

mod history;

use std::sync::Arc;

use bytes::Bytes;

use crate::{
    EngineOptions,
    pins::Retained,
    retention::Garbage,
    sst::Table,
    state::{LEVELS, Placement, SortedRun, Tree},
    types::{KeyRange, KeyspaceId, Timestamp},
};

pub(crate) use history::pick_history;

/// A bottom file is rewritten when this share of its pages, in percent, holds garbage for certain.
const GARBAGE_PERCENT: u64 = 10;
/// A bottom file is rewritten when this share of its versions, in percent, could move to history.
const ENDED_PERCENT: u64 = 10;
/// Inputs rewritten anyway move values to history when at least one version in so many may have ended.
const VERSIONS_PER_ENDED: u64 = if cfg!(feature = "testing") { u64::MAX } else { 256 };

/// Inputs of one compaction, and the work on them.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub(crate) keyspace: KeyspaceId,
    /// Parts of runs; those of the current tier newest first.
    pub(crate) inputs: Vec<Arc<SortedRun>>,
    pub(crate) work: Work,
}

/// See [`Job`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    /// Runs of the current tier become one.
    Merge {
        /// Index of the level that takes the output.
        to_level: usize,
        /// Treatment of deletes, and of values that have ended.
        garbage: Garbage,
    },
    /// Parts of runs of one history group become one part of a run; versions that belong to other groups go
    /// there.
    Regroup {
        /// Names the group.
        newest_pin: Timestamp,
        /// Index of the run that has room for the output.
        to_run: usize,
    },
    /// The files go somewhere else as they are.
    Relocate(Placement),
    /// Nobody can read any of it.
    Drop,
}

impl Job {
    /// The files that the job takes away.
    pub(crate) fn tables(&self) -> impl Iterator<Item = &Table> {
        self.inputs.iter().flat_map(|run| run.tables())
    }

    /// Ranges of keys that cover the job and hold about as much each: two, where there is enough for two
    /// files in both. They meet between two files of the largest run.
    pub(crate) fn ranges(&self, table_bytes: u64) -> Vec<KeyRange> {
        let largest = self.inputs.iter().max_by_key(|run| size(run));
        let Some(largest) = largest.filter(|_| self.bytes() >= table_bytes * 4) else {
            return vec![KeyRange::all()];
        };
        let half = size(largest) / 2;
        let mut before = 0;
        let border = largest.tables().iter().find(|table| {
            let is_border = before >= half && before > 0;
            before += table.meta().len;
            is_border
        });
        match border {
            Some(table) => {
                let key = table.meta().min_key.clone();
                vec![KeyRange::new(..key.clone()), KeyRange::new(key..)]
            }
            None => vec![KeyRange::all()],
        }
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
    if let Some((inputs, work)) = history::drop_ended(tree, retained) {
        return Some(Job { keyspace, inputs, work });
    }
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
        None => rewrite_bottom(keyspace, tree, retained)
            .or_else(|| pick_history(keyspace, tree, retained, options, None)),
    }
}

/// The job that rewrites all of a keyspace's current tier into its last level, unless it is one run already
/// that was written to stay, and no version of it could go or move.
pub(crate) fn pick_all(keyspace: KeyspaceId, tree: &Tree, retained: &Retained) -> Option<Job> {
    let inputs: Vec<_> = tree.runs().cloned().collect();
    let needs_nothing = match inputs.as_slice() {
        [] => true,
        [only] => {
            let is_in_shape = |table: &Table| {
                table.is_dense() && table.meta().closed == 0 && !may_hold_garbage(table, retained)
            };
            only.tables().iter().all(is_in_shape)
        }
        _ => false,
    };
    (!needs_nothing).then_some(Job { keyspace, inputs, work: INTO_BOTTOM })
}

/// All there is of the keys in the current tier becomes a part of the last level.
const INTO_BOTTOM: Work = Work::Merge { to_level: LEVELS - 1, garbage: Garbage::MoveEnded };

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
        let mut target = tree.levels.get(LEVELS - 1).map_or(0, |run| size(run));
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

fn size(run: &SortedRun) -> u64 {
    run.tables().iter().map(|table| table.meta().len).sum()
}

fn merge_level0(keyspace: KeyspaceId, tree: &Tree, base: usize) -> Job {
    let inputs = tree.level0.clone();
    let range = range_of(inputs.iter().flat_map(|run| run.tables()));
    let below = overlapping(tree.levels.get(base), &range);
    merge_into(keyspace, tree, base, inputs, below)
}

fn merge_level(keyspace: KeyspaceId, tree: &Tree, level: usize) -> Job {
    // The file that has been there longest.
    let source = tree.levels[level].tables().iter().min_by_key(|table| table.meta().id);
    let source = source.expect("a level over its target has files").clone();
    let range = range_of([&source]);
    let below = overlapping(tree.levels.get(level + 1), &range);
    merge_into(keyspace, tree, level + 1, vec![Arc::new(SortedRun::new(vec![source]))], below)
}

/// `newer` and what lies `below` them in `to_level`.
fn merge_into(
    keyspace: KeyspaceId,
    tree: &Tree,
    to_level: usize,
    newer: Vec<Arc<SortedRun>>,
    below: SortedRun,
) -> Job {
    let mut inputs = newer;
    if inputs.len() == 1 && below.is_empty() {
        return Job { keyspace, inputs, work: Work::Relocate(Placement::Level(to_level)) };
    }
    if !below.is_empty() {
        inputs.push(Arc::new(below));
    }
    let garbage = match nothing_below(tree, to_level, &inputs) {
        false => Garbage::Keep,
        true if may_have_ended(&inputs) => Garbage::MoveEnded,
        true => Garbage::DropDeletes,
    };
    Job { keyspace, inputs, work: Work::Merge { to_level, garbage } }
}

/// Whether there is enough among the inputs that has ended, or ends by the merge, to make files of history.
fn may_have_ended(inputs: &[Arc<SortedRun>]) -> bool {
    let rows = |runs: &[Arc<SortedRun>]| -> u64 {
        runs.iter().flat_map(|run| run.tables()).map(|table| table.meta().rows).sum()
    };
    // A version ends at most one other.
    let ends = rows(&inputs[..inputs.len() - 1]);
    let ended = ended_values(inputs.iter().flat_map(|run| run.tables())) + ends;
    ended.saturating_mul(VERSIONS_PER_ENDED) >= rows(inputs)
}

/// Lower bound of the values that have ended.
fn ended_values<'a>(tables: impl IntoIterator<Item = &'a Table>) -> u64 {
    tables.into_iter().map(|table| table.meta().closed.saturating_sub(table.meta().deletes)).sum()
}

/// A file of the last level with many values that have ended, or of which a good part of the pages holds
/// garbage for certain.
fn rewrite_bottom(keyspace: KeyspaceId, tree: &Tree, retained: &Retained) -> Option<Job> {
    let last = tree.levels.get(LEVELS - 1)?;
    let found = last.tables().iter().find(|table| {
        let (meta, pages) = (table.meta(), table.index().len());
        if ended_values([*table]) * 100 >= meta.rows.max(1) * ENDED_PERCENT {
            return true;
        }
        let count = || (0..pages).filter(|page| holds_garbage(table, *page, retained)).count();
        let garbage = if meta.closed > 0 || meta.deletes > 0 { count() } else { 0 };
        garbage > 0 && garbage as u64 * 100 >= pages as u64 * GARBAGE_PERCENT
    })?;
    let inputs = vec![Arc::new(SortedRun::new(vec![found.clone()]))];
    Some(Job { keyspace, inputs, work: INTO_BOTTOM })
}

/// Whether a page of the last level holds something that goes for certain when it is rewritten: versions that
/// ended before the horizon with no pin in any of their lifetimes, or deletes before the horizon.
fn holds_garbage(table: &Table, page: usize, retained: &Retained) -> bool {
    let index = table.index();
    let max_end = index.max_end(page);
    let ended = max_end > Timestamp::ZERO && !retained.can_see(index.min_begin(page), max_end);
    ended || index.puts(page) < index.rows(page) && index.max_begin(page) <= retained.horizon
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

/// Whether no level below `level` can hold a key of the inputs. Files of `level` itself may reach further
/// than those that are merged into it.
fn nothing_below(tree: &Tree, level: usize, inputs: &[Arc<SortedRun>]) -> bool {
    let range = range_of(inputs.iter().flat_map(|run| run.tables()));
    tree.levels.iter().skip(level + 1).all(|run| !run.overlaps(&range))
}

#[cfg(test)]
mod tests;
