//! The check of the registry: every record is read and taken apart.

use std::collections::BTreeMap;

use bygone_engine::{KeyRange, ReadView, ScanOptions, check::Findings};
use bygone_mvcc::system;

use crate::{
    Result, Snapshot,
    rows::{decode_internal, is_internal},
};

/// Checks the records of all snapshots, without opening the registry, which a single bad record forbids.
///
/// # Errors
/// The engine's; rows that make no sense are findings.
pub async fn check(view: &ReadView, findings: &mut Findings) -> Result<()> {
    let mut ids: BTreeMap<u64, String> = BTreeMap::new();
    let mut scan = view.scan(system::SNAPSHOTS, KeyRange::all(), ScanOptions::default())?;
    while let Some(batch) = scan.next().await? {
        for row in 0..batch.len() {
            let (key, value) = (batch.keys.get(row), batch.values.get(row));
            let outcome = if is_internal(key) {
                decode_internal(key, value)
            } else {
                Snapshot::decode(key, value).map(|snapshot| {
                    check_snapshot(&snapshot, view, findings);
                    if let Some(other) = ids.insert(snapshot.id, snapshot.name.clone()) {
                        findings.add(&place(key), format!("has the number of snapshot {other}"));
                    }
                })
            };
            if let Err(error) = outcome {
                findings.add(&place(key), error.to_string());
            }
        }
    }
    Ok(())
}

fn place(key: &[u8]) -> String {
    format!("snapshot {}", key.escape_ascii())
}

fn check_snapshot(snapshot: &Snapshot, view: &ReadView, findings: &mut Findings) {
    let place = place(snapshot.name.as_bytes());
    if snapshot.at > snapshot.created {
        let (at, created) = (snapshot.at, snapshot.created);
        findings.add(&place, format!("holds {at}, after it was created at {created}"));
    }
    if snapshot.created > view.timestamp() {
        let (created, now) = (snapshot.created, view.timestamp());
        findings.add(&place, format!("was created at {created}, after the newest commit {now}"));
    }
}
