//! Quotas: how many snapshots there may be.

use bygone_engine::{ReadView, types::Durability};
use bygone_mvcc::system;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::{Error, Result, Snapshot, SnapshotScope, Snapshots, record::damaged, rows::read_all};

/// The row of the quotas. No snapshot can have this name, because it holds a control character.
pub(crate) const KEY: &[u8] = b"\0quotas";

/// Largest numbers of snapshots. Snapshots that restores take by themselves do not count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quotas {
    /// Snapshots that cover one object, at most; `None` is unlimited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_object: Option<u32>,
    /// Snapshots in all, at most; `None` is unlimited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<u32>,
}

impl Snapshots {
    /// The quotas.
    ///
    /// # Errors
    /// Errors of reading.
    pub async fn quotas(&self) -> Result<Quotas> {
        quotas_in(&self.store().view_now()).await
    }

    /// Sets the quotas, for snapshots to come; those that exist stay.
    ///
    /// # Errors
    /// Errors of a commit.
    pub async fn set_quotas(&self, quotas: Quotas) -> Result<()> {
        let _changes = self.lock_changes().await;
        let transaction = self.store().begin();
        let row = serde_json::to_vec(&quotas).expect("numbers always encode");
        transaction.put(system::SNAPSHOTS, KEY, row)?;
        transaction.commit(Durability::Sync).await?;
        Ok(())
    }
}

async fn quotas_in(view: &ReadView) -> Result<Quotas> {
    let row: Option<Bytes> = view.get(system::SNAPSHOTS, KEY).await?;
    row.map_or_else(|| Ok(Quotas::default()), |row| decode(&row))
}

pub(crate) fn decode(row: &[u8]) -> Result<Quotas> {
    serde_json::from_slice(row).map_err(|error| damaged(&error.to_string()))
}

/// Fails when the quotas leave no room for `new`.
pub(crate) async fn check_quotas(view: &ReadView, new: &Snapshot) -> Result<()> {
    let quotas = quotas_in(view).await?;
    if quotas == Quotas::default() {
        return Ok(());
    }
    let mut all = read_all(view).await?;
    all.retain(|snapshot| !snapshot.automatic);
    if let Some(max) = quotas.total.filter(|max| all.len() >= *max as usize) {
        return Err(Error::Quota { of: "the database".into(), max });
    }
    let Some(max) = quotas.per_object else { return Ok(()) };
    let of = match &new.scope {
        SnapshotScope::Database(_) => {
            let count = all.iter().filter(|s| matches!(s.scope, SnapshotScope::Database(_))).count();
            (count >= max as usize).then(|| "the database".to_owned())
        }
        SnapshotScope::OneDatabase { name, .. } => {
            let covers = |snapshot: &&Snapshot| matches!(&snapshot.scope, SnapshotScope::OneDatabase { name: other, .. } if other == name);
            (all.iter().filter(covers).count() >= max as usize).then(|| format!("database \"{name}\""))
        }
        SnapshotScope::Objects(objects) => objects.iter().find_map(|object| {
            let covers = |snapshot: &&Snapshot| match &snapshot.scope {
                SnapshotScope::Database(_) | SnapshotScope::OneDatabase { .. } => false,
                SnapshotScope::Objects(others) => others.iter().any(|other| other.id == object.id),
            };
            (all.iter().filter(covers).count() >= max as usize).then(|| format!("\"{}\"", object.name))
        }),
    };
    of.map_or(Ok(()), |of| Err(Error::Quota { of, max }))
}
