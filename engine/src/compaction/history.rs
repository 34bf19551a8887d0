//! Writes versions to the groups of the history tier.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    Result,
    core::{Core, PendingFiles},
    manifest::FileMeta,
    pins::Retained,
    types::{KeyspaceId, Timestamp, VersionRef},
    write::RunWriter,
};

/// Groups that one job writes to at most, beside the retention's: each has a file open. With more pins
/// several share a group, and what only some of them saw goes when the newest of them does, or when all is
/// compacted.
pub(super) const GROUPS_MAX: usize = if cfg!(feature = "testing") { 3 } else { 32 };

/// One run for each group that a version belongs to.
#[derive(Debug)]
pub(super) struct HistoryWriter<'r> {
    core: Arc<Core>,
    keyspace: KeyspaceId,
    retained: &'r Retained,
    /// The pins that name groups, ascending.
    names: Vec<Timestamp>,
    runs: BTreeMap<Timestamp, RunWriter>,
}

impl<'r> HistoryWriter<'r> {
    pub(super) fn new(core: Arc<Core>, keyspace: KeyspaceId, retained: &'r Retained) -> Self {
        Self { core, keyspace, retained, names: names(&retained.pins), runs: BTreeMap::new() }
    }

    /// Adds a version: keys ascending, begins descending within a key.
    pub(super) async fn push(&mut self, version: VersionRef<'_>) -> Result<()> {
        let newest_pin = match self.retained.newest_pin(version.begin, version.end) {
            Some(pin) => self.names[self.names.partition_point(|name| *name < pin)],
            None => Timestamp::OPEN,
        };
        let new = || RunWriter::dense(Arc::clone(&self.core), self.keyspace);
        let run = self.runs.entry(newest_pin).or_insert_with(new);
        run.push(version).await
    }

    /// Closes the files: those of each group. They are collected unless they are published while the guards
    /// live.
    pub(super) async fn finish(self) -> Result<(Vec<(Timestamp, Vec<FileMeta>)>, Vec<PendingFiles>)> {
        let (mut groups, mut guards) = (Vec::new(), Vec::new());
        for (newest_pin, run) in self.runs {
            let (files, pending) = run.finish().await?;
            groups.push((newest_pin, files));
            guards.push(pending);
        }
        Ok((groups, guards))
    }
}

/// The newest pin, and of the others every so many-th.
fn names(pins: &[Timestamp]) -> Vec<Timestamp> {
    let step = pins.len().div_ceil(GROUPS_MAX).max(1);
    let mut names: Vec<Timestamp> = pins.iter().rev().step_by(step).copied().collect();
    names.reverse();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_pins_name_a_group_each_and_many_share_one_with_the_next_newer() {
        let pins = |many: u64| (1..=many).map(Timestamp::from_micros).collect::<Vec<_>>();
        assert_eq!(names(&[]), []);
        for many in 1..100 {
            let (pins, names) = (pins(many), names(&pins(many)));
            assert!(names.len() <= GROUPS_MAX && names.is_sorted(), "{names:?}");
            assert_eq!(names.last(), pins.last(), "every pin has a name at or after it");
            assert!(pins.len() > GROUPS_MAX || names == pins);
        }
    }
}
