//! Safety snapshots: what restores take of the moment before, under a name of their own.

use std::collections::HashSet;

use bygone_engine::{
    Pin, ReadView,
    types::{Timestamp, WriteBatch},
};
use bygone_mvcc::system;
use tokio::sync::OwnedMutexGuard;

use crate::{
    CreateSnapshot, Error, Result, Snapshot, SnapshotScope, Snapshots, record::damaged, rows::read_all,
};

/// The row of the last number that a safety snapshot's name got.
pub(crate) const LAST_NUMBER_KEY: &[u8] = b"\0before_restore";

/// Prefix of the names of safety snapshots; a number follows.
const AUTOMATIC: &str = "before_restore_";

impl Snapshots {
    /// Prepares the safety snapshot of a restore: its record is committed by the restore itself.
    pub(crate) async fn prepare_automatic(
        &self,
        scope: SnapshotScope,
        at: Timestamp,
        expires: Option<Timestamp>,
        comment: String,
    ) -> Result<Prepared> {
        let changes = self.own_changes().await;
        let view = self.store().view_now();
        let number = self.next_number(&view).await?;
        let name = format!("{AUTOMATIC}{number}");
        let request = CreateSnapshot {
            at: Some(at),
            expires,
            comment: Some(comment),
            ..CreateSnapshot::of(name, scope)
        };
        let snapshot = self.check_new(&view, request, true).await?;
        let pin = self.pin(&snapshot).await?;
        Ok(Prepared { snapshots: self.clone(), snapshot, number, pin: Some(pin), _changes: changes })
    }

    /// The number after the last one of `before_restore_1`, `before_restore_2`, … A number is never used
    /// again: the name of a snapshot that was dropped, or renamed, must not come to mean another moment.
    /// Names that users chose are passed over.
    async fn next_number(&self, view: &ReadView) -> Result<u64> {
        let last: u64 = match view.get(system::SNAPSHOTS, LAST_NUMBER_KEY).await? {
            Some(row) => decode_number(&row)?,
            None => 0,
        };
        let taken: HashSet<_> = read_all(view).await?.into_iter().map(|snapshot| snapshot.name).collect();
        (last..u64::MAX)
            .map(|before| before + 1)
            .find(|number| !taken.contains(&format!("{AUTOMATIC}{number}")))
            .ok_or_else(|| Error::Invalid("the numbers of safety snapshots are used up".into()))
    }
}

/// A snapshot whose pin is registered and whose record another commit writes.
#[derive(Debug)]
pub(crate) struct Prepared {
    snapshots: Snapshots,
    pub(crate) snapshot: Snapshot,
    /// Number at the end of its name.
    number: u64,
    pin: Option<Pin>,
    /// No other snapshot takes the name before the commit.
    _changes: OwnedMutexGuard<()>,
}

impl Prepared {
    /// Adds the record to the commit that will create the snapshot. The pin stays from here on, also when
    /// that commit is given up half-way; [`Self::failed`] releases it.
    pub(crate) fn add_to(&mut self, batch: &mut WriteBatch) {
        batch.put(system::SNAPSHOTS, self.snapshot.name.clone(), self.snapshot.encode());
        batch.put(system::SNAPSHOTS, LAST_NUMBER_KEY, self.number.to_string());
        if let Some(pin) = self.pin.take() {
            self.snapshots.keep_pin(self.snapshot.id, pin);
        }
    }

    /// The commit failed: there is no such snapshot.
    pub(crate) fn failed(self) {
        self.snapshots.release_pin(self.snapshot.id);
    }
}

pub(crate) fn decode_number(row: &[u8]) -> Result<u64> {
    let number = std::str::from_utf8(row).ok().and_then(|text| text.parse().ok());
    number.ok_or_else(|| damaged("the last number of a safety snapshot is not a number"))
}
