//! Edits of the durable state, and how they are applied: pure functions from a manifest to the next one.

use std::{collections::BTreeSet, sync::Arc};

use super::tree::LEVELS;
use crate::{
    manifest::{FileId, FileMeta, HistoryGroup, KeyspaceManifest, Manifest, Run},
    memtable::Memtable,
    sst::Table,
    types::{KeyspaceId, LogPosition, Timestamp},
};

/// A new newest run of a keyspace.
#[derive(Debug)]
pub(crate) struct NewRun {
    pub(crate) keyspace: KeyspaceId,
    pub(crate) tables: Vec<Table>,
}

/// A memtable whose tables an edit publishes.
#[derive(Debug)]
pub(crate) struct Flushed {
    pub(crate) memtable: Arc<Memtable>,
    pub(crate) log_after: LogPosition,
}

/// Files of a keyspace that go, and those that take their place.
#[derive(Debug)]
pub(crate) struct Replacement {
    pub(crate) keyspace: KeyspaceId,
    pub(crate) removed: BTreeSet<FileId>,
    pub(crate) placed: Vec<(Placement, Vec<Table>)>,
}

/// Place that files of a compaction go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Placement {
    /// The run of a level, by its index.
    Level(usize),
    /// A run of the history group with this pin, by its index before the edit.
    Run(Timestamp, usize),
    /// Any run of the history group with this pin that has room for the keys, or a new one.
    Group(Timestamp),
}

/// New horizons; none moves back.
#[derive(Clone, Debug, Default)]
pub(crate) struct Horizons {
    pub(crate) database: Timestamp,
    pub(crate) keyspaces: Vec<(KeyspaceId, Timestamp)>,
}

/// A change of a setting.
#[derive(Debug)]
pub(crate) enum Setting {
    /// Retention of the database, in microseconds.
    DatabaseRetention(u64),
    /// Retention of one keyspace; `None` follows the database.
    KeyspaceRetention(KeyspaceId, Option<u64>),
    /// When a keyspace was dropped; `None` takes it back.
    Dropped(KeyspaceId, Option<Timestamp>),
}

/// One step of the durable state.
#[derive(Debug, Default)]
pub(crate) struct Edit {
    /// Newest runs that were flushed or ingested, each above what its keyspace has.
    pub(crate) runs: Vec<NewRun>,
    /// Put runs that overlap nothing into the last level. Only while no compaction is under way: its output
    /// may span keys that none of its inputs has.
    pub(crate) sink: bool,
    pub(crate) flushed: Option<Flushed>,
    pub(crate) replaced: Option<Replacement>,
    /// Raise the horizons as far as retention and clock ask for at the moment of publication.
    pub(crate) raise_horizons: bool,
    /// Filled in by the publication.
    pub(crate) horizons: Option<Horizons>,
    pub(crate) setting: Option<Setting>,
    /// Keyspaces that nothing can read any more.
    pub(crate) removed_keyspaces: Vec<KeyspaceId>,
    /// The commit that the edit makes visible.
    pub(crate) commit: Option<Timestamp>,
}

impl Edit {
    /// Writes the edit into `manifest`.
    pub(crate) fn apply(&self, manifest: &mut Manifest) {
        for run in &self.runs {
            let keyspace = manifest.keyspaces.entry(run.keyspace).or_default();
            add_run(keyspace, files_of(&run.tables), self.sink);
        }
        if let Some(flushed) = &self.flushed {
            manifest.log = flushed.log_after;
        }
        if let Some(replaced) = &self.replaced {
            let keyspace = manifest.keyspaces.entry(replaced.keyspace).or_default();
            replace(keyspace, replaced);
        }
        if let Some(horizons) = &self.horizons {
            manifest.horizon = manifest.horizon.max(horizons.database);
            for (id, horizon) in &horizons.keyspaces {
                let keyspace = manifest.keyspaces.entry(*id).or_default();
                keyspace.horizon = keyspace.horizon.max(*horizon);
            }
        }
        match self.setting {
            None => {}
            Some(Setting::DatabaseRetention(us)) => manifest.retention_us = us,
            Some(Setting::KeyspaceRetention(id, us)) => {
                let database = manifest.horizon;
                let keyspace = manifest.keyspaces.entry(id).or_default();
                if keyspace.retention_us.is_none() {
                    keyspace.horizon = keyspace.horizon.max(database);
                }
                keyspace.retention_us = us;
            }
            Some(Setting::Dropped(id, at)) => {
                manifest.keyspaces.entry(id).or_default().dropped_at = at;
            }
        }
        for id in &self.removed_keyspaces {
            manifest.keyspaces.remove(id);
        }
    }

    /// The tables that the edit brings in.
    pub(crate) fn tables(&self) -> impl Iterator<Item = &Table> {
        let replaced =
            self.replaced.iter().flat_map(|replaced| &replaced.placed).flat_map(|(_, tables)| tables);
        self.runs.iter().flat_map(|run| &run.tables).chain(replaced)
    }
}

fn files_of(tables: &[Table]) -> Vec<FileMeta> {
    tables.iter().map(|table| table.meta().clone()).collect()
}

fn add_run(keyspace: &mut KeyspaceManifest, files: Vec<FileMeta>, sink: bool) {
    let (Some(first), Some(last)) = (files.first(), files.last()) else { return };
    let overlaps = |run: &Run| {
        run.files.iter().any(|file| file.max_key >= first.min_key && file.min_key <= last.max_key)
    };
    let is_alone = !keyspace.level0.iter().chain(&keyspace.levels).any(overlaps);
    if sink && is_alone {
        add_to_level(keyspace, LEVELS - 1, files);
    } else {
        keyspace.level0.insert(0, Run { files });
    }
}

fn add_to_level(keyspace: &mut KeyspaceManifest, level: usize, files: Vec<FileMeta>) {
    if keyspace.levels.len() <= level {
        keyspace.levels.resize_with(level + 1, Run::default);
    }
    add_to_run(&mut keyspace.levels[level], files);
}

fn add_to_run(run: &mut Run, files: Vec<FileMeta>) {
    run.files.extend(files);
    run.files.sort_by(|a, b| a.min_key.cmp(&b.min_key));
}

/// The runs of a group. Groups stand in the order of their pins.
fn group_of(keyspace: &mut KeyspaceManifest, newest_pin: Timestamp) -> &mut Vec<Run> {
    let index = keyspace.history.partition_point(|group| group.newest_pin < newest_pin);
    if keyspace.history.get(index).is_none_or(|group| group.newest_pin != newest_pin) {
        keyspace.history.insert(index, HistoryGroup { newest_pin, runs: Vec::new() });
    }
    &mut keyspace.history[index].runs
}

/// Adds files, which have a run's order, where nothing of a run lies between their first and last key.
fn add_to_group(runs: &mut Vec<Run>, files: Vec<FileMeta>) {
    let (Some(first), Some(last)) = (files.first(), files.last()) else { return };
    let has_room = |run: &&mut Run| {
        run.files.iter().all(|file| file.max_key < first.min_key || file.min_key > last.max_key)
    };
    match runs.iter_mut().find(has_room) {
        Some(run) => add_to_run(run, files),
        None => runs.push(Run { files }),
    }
}

fn replace(keyspace: &mut KeyspaceManifest, replaced: &Replacement) {
    let mut found = 0;
    let history = keyspace.history.iter_mut().flat_map(|group| &mut group.runs);
    for run in keyspace.level0.iter_mut().chain(&mut keyspace.levels).chain(history) {
        let before = run.files.len();
        run.files.retain(|file| !replaced.removed.contains(&file.id));
        found += before - run.files.len();
    }
    assert_eq!(found, replaced.removed.len(), "a job's inputs are part of the state it is applied to");
    for (place, tables) in &replaced.placed {
        match *place {
            Placement::Level(level) => add_to_level(keyspace, level, files_of(tables)),
            Placement::Run(pin, run) => add_to_run(&mut group_of(keyspace, pin)[run], files_of(tables)),
            Placement::Group(pin) => add_to_group(group_of(keyspace, pin), files_of(tables)),
        }
    }
    // Only now, so that runs kept their places.
    keyspace.level0.retain(|run| !run.files.is_empty());
    for group in &mut keyspace.history {
        group.runs.retain(|run| !run.files.is_empty());
    }
    keyspace.history.retain(|group| !group.runs.is_empty());
}
