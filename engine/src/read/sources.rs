//! Sources of a merge, made of a state: memtables and runs in the order in which they hide each other.

use std::sync::Arc;

use super::{
    source::{BackwardSource, ForwardSource},
    view::ReadView,
};
use crate::{
    memtable::Memtable,
    state::{PageFilter, SortedRun, State},
    types::{KeyRange, KeyspaceId, Timestamp},
};

/// The sources of `range` in the current tier, newest first.
pub(super) fn current(
    state: &State,
    keyspace: KeyspaceId,
    range: &KeyRange,
    filter: PageFilter,
) -> Vec<ForwardSource> {
    let memtable = |memtable| ForwardSource::memtable(memtable, keyspace, range.clone());
    let run = |run| ForwardSource::run(run, range.clone(), filter);
    memtables(state).map(memtable).chain(runs(state, keyspace, range).map(run)).collect()
}

/// The runs of history that can hold a version of `range` that passes the filter, as sources.
pub(super) fn history(
    state: &State,
    keyspace: KeyspaceId,
    range: &KeyRange,
    filter: PageFilter,
) -> Vec<ForwardSource> {
    let run = |run| ForwardSource::history(run, range.clone(), filter);
    history_runs(state, keyspace, range, filter).map(run).collect()
}

/// The sources of a scan at the moment of `view`: the view's own runs, the current tier, both newest first,
/// then history.
pub(super) fn visible(view: &ReadView, keyspace: KeyspaceId, range: &KeyRange) -> Vec<ForwardSource> {
    let (written, alive) = filters(view);
    let own = own_runs(view, keyspace, range);
    let mut sources: Vec<_> =
        own.map(|run| ForwardSource::run(run, range.clone(), PageFilter::All)).collect();
    sources.extend(current(view.state(), keyspace, range, written));
    sources.extend(history(view.state(), keyspace, range, alive));
    sources
}

/// As [`visible`], of a scan from the end of `range` to its start.
pub(super) fn visible_backward(
    view: &ReadView,
    keyspace: KeyspaceId,
    range: &KeyRange,
) -> Vec<BackwardSource> {
    let (state, (written, alive)) = (view.state(), filters(view));
    let run = |filter| move |run| BackwardSource::run(run, range.clone(), filter);
    let memtable = |memtable| BackwardSource::memtable(memtable, keyspace, range.clone());
    let history = |run| BackwardSource::history(run, range.clone(), alive);
    own_runs(view, keyspace, range)
        .map(run(PageFilter::All))
        .chain(memtables(state).map(memtable))
        .chain(runs(state, keyspace, range).map(run(written)))
        .chain(history_runs(state, keyspace, range, alive).map(history))
        .collect()
}

/// Whether a value of history may be visible at the moment of `view`.
pub(crate) fn reads_history(view: &ReadView, keyspace: KeyspaceId) -> bool {
    let (_, alive) = filters(view);
    history_runs(view.state(), keyspace, &KeyRange::all(), alive).next().is_some()
}

/// Which pages a scan reads: of the current tier, and of history.
fn filters(view: &ReadView) -> (PageFilter, PageFilter) {
    let at = view.timestamp();
    (PageFilter::Begins { after: Timestamp::ZERO, through: at }, PageFilter::Alive { at })
}

fn memtables(state: &State) -> impl Iterator<Item = Arc<Memtable>> {
    state.memtables().filter(|memtable| !memtable.is_empty()).map(Arc::clone)
}

fn own_runs(view: &ReadView, keyspace: KeyspaceId, range: &KeyRange) -> impl Iterator<Item = Arc<SortedRun>> {
    view.own_runs(keyspace).iter().filter(|run| run.overlaps(range)).map(Arc::clone)
}

fn runs(state: &State, keyspace: KeyspaceId, range: &KeyRange) -> impl Iterator<Item = Arc<SortedRun>> {
    let runs = state.trees.get(&keyspace).into_iter().flat_map(|tree| tree.runs());
    runs.filter(|run| run.overlaps(range)).map(Arc::clone)
}

fn history_runs(
    state: &State,
    keyspace: KeyspaceId,
    range: &KeyRange,
    filter: PageFilter,
) -> impl Iterator<Item = Arc<SortedRun>> {
    let runs = state.trees.get(&keyspace).into_iter().flat_map(|tree| tree.history_runs());
    runs.filter(move |run| run.may_hold(range, filter)).map(Arc::clone)
}
