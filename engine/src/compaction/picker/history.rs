//! Decides what to do with files of history.

use std::sync::Arc;

use super::{Job, Work, overlapping, range_of, size};
use crate::{
    EngineOptions,
    manifest::{FileId, FileMeta},
    pins::Retained,
    sst::Table,
    state::{Group, Placement, SortedRun, Tree},
    types::{KeyspaceId, Timestamp},
};

/// Runs of a group at which the smallest is merged into the next smallest.
const RUNS_MERGE: usize = if cfg!(feature = "testing") { 3 } else { 4 };
/// Files that are rewritten at a time, and table sizes that a merge reads at most, but for a single file and
/// what it overlaps.
const FILES_MAX: usize = 8;

/// The next job of a keyspace's history, if there is one. `thorough`: leave nothing behind that could go in
/// files older than this one, and one run in each group.
pub(crate) fn pick_history(
    keyspace: KeyspaceId,
    tree: &Tree,
    retained: &Retained,
    options: &EngineOptions,
    thorough: Option<FileId>,
) -> Option<Job> {
    let (inputs, work) = drop_ended(tree, retained)
        .or_else(|| tree.history.iter().find_map(|group| regroup(group, retained, thorough)))
        .or_else(|| {
            let runs_max = if thorough.is_some() { 2 } else { RUNS_MERGE };
            let many = tree.history.iter().filter(|group| group.runs.len() >= runs_max);
            many.map(|group| merge(group, options)).next()
        })?;
    Some(Job { keyspace, inputs, work })
}

/// Every file whose time has passed without a pin in it.
pub(super) fn drop_ended(tree: &Tree, retained: &Retained) -> Option<(Vec<Arc<SortedRun>>, Work)> {
    let is_over = |file: &FileMeta| !retained.can_see(file.oldest_begin(), file.max_end);
    let tables = tree.history_runs().flat_map(|run| run.tables()).filter(|table| is_over(table.meta()));
    let inputs: Vec<_> = tables.map(|table| Arc::new(SortedRun::new(vec![table.clone()]))).collect();
    (!inputs.is_empty()).then_some((inputs, Work::Drop))
}

/// Files of a group, next to each other, that hold versions which belong elsewhere or nowhere.
fn regroup(
    group: &Group,
    retained: &Retained,
    thorough: Option<FileId>,
) -> Option<(Vec<Arc<SortedRun>>, Work)> {
    let is_outdated = |table: &&Table| {
        let thorough = thorough.is_some_and(|written| table.meta().id < written);
        is_outdated(group.newest_pin, table.meta(), retained, thorough)
    };
    let (to_run, run) = group
        .runs
        .iter()
        .enumerate()
        .find(|(_, run)| run.tables().iter().any(|table| is_outdated(&table)))?;
    let behind = run.tables().iter().skip_while(|table| !is_outdated(table));
    let tables: Vec<_> = behind.take_while(is_outdated).take(FILES_MAX).cloned().collect();
    let work = Work::Regroup { newest_pin: group.newest_pin, to_run };
    Some((vec![Arc::new(SortedRun::new(tables))], work))
}

/// Of the retention's group: whether the horizon has passed half of the file's ends. Of another: whether its
/// pin is gone; those were at or below a horizon when they got their groups. Where several pins share the
/// group, those of them may be gone that alone see what its own does not.
fn is_outdated(newest_pin: Timestamp, file: &FileMeta, retained: &Retained, thorough: bool) -> bool {
    if newest_pin != Timestamp::OPEN {
        let is_gone = newest_pin < retained.horizon && !retained.has_pin(newest_pin, newest_pin.next());
        let is_shared = file.newest_begin() > newest_pin || file.min_end <= newest_pin;
        return is_gone || thorough && is_shared;
    }
    let since_first = |at: Timestamp| at.as_micros().saturating_sub(file.min_end.as_micros());
    let is_begun = file.min_end <= retained.horizon;
    is_begun && (thorough || since_first(retained.horizon) >= since_first(file.max_end) / 2)
}

/// The first files of the smallest run into the next smallest: so that a version is rewritten only when its
/// run doubles.
fn merge(group: &Group, options: &EngineOptions) -> (Vec<Arc<SortedRun>>, Work) {
    let mut by_size: Vec<usize> = (0..group.runs.len()).collect();
    by_size.sort_by_key(|run| size(&group.runs[*run]));
    let (from, to) = (group.runs[by_size[0]].tables(), &group.runs[by_size[1]]);
    let inputs = |files: usize| {
        let first = SortedRun::new(from[..files].to_vec());
        let other = overlapping(Some(to), &range_of(first.tables()));
        (first, other)
    };
    let fits = |files: &usize| {
        let (first, other) = inputs(*files);
        size(&first) + size(&other) <= options.table_bytes * FILES_MAX as u64
    };
    let files = (2..=from.len()).take_while(fits).last().unwrap_or(1);
    let (first, other) = inputs(files);
    let (newest_pin, to_run) = (group.newest_pin, by_size[1]);
    if other.is_empty() {
        return (vec![Arc::new(first)], Work::Relocate(Placement::Run(newest_pin, to_run)));
    }
    (vec![Arc::new(first), Arc::new(other)], Work::Regroup { newest_pin, to_run })
}
