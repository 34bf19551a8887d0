//! The rows of the registry: one for each snapshot, by its name, and some that are about no snapshot.

use bygone_engine::{KeyRange, ReadView, ScanOptions};
use bygone_mvcc::system;

use crate::{Result, Snapshot, quotas, record::damaged, safety};

/// Takes a row apart that is about no snapshot.
pub(crate) fn decode_internal(key: &[u8], row: &[u8]) -> Result<()> {
    match key {
        quotas::KEY => quotas::decode(row).map(drop),
        safety::LAST_NUMBER_KEY => safety::decode_number(row).map(drop),
        _ => Err(damaged("a row that nothing writes")),
    }
}

/// Whether a row of the registry is about no snapshot.
pub(crate) fn is_internal(key: &[u8]) -> bool {
    key.starts_with(b"\0")
}

/// The snapshot of this name.
pub(crate) async fn find(view: &ReadView, name: &str) -> Result<Option<Snapshot>> {
    if is_internal(name.as_bytes()) {
        return Ok(None);
    }
    let row = view.get(system::SNAPSHOTS, name.as_bytes()).await?;
    row.map(|row| Snapshot::decode(name.as_bytes(), &row)).transpose()
}

/// All snapshots by name.
pub(crate) async fn read_all(view: &ReadView) -> Result<Vec<Snapshot>> {
    let mut scan = view.scan(system::SNAPSHOTS, KeyRange::all(), ScanOptions::default())?;
    let mut all = Vec::new();
    while let Some(batch) = scan.next().await? {
        for row in 0..batch.len() {
            if !is_internal(batch.keys.get(row)) {
                all.push(Snapshot::decode(batch.keys.get(row), batch.values.get(row))?);
            }
        }
    }
    Ok(all)
}
