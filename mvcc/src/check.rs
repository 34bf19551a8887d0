//! The check of the system's rows that this layer writes: every one is read and taken apart.

use std::collections::BTreeMap;

use bygone_engine::{
    KeyRange, ReadView, ScanOptions,
    check::Findings,
    types::{KeyspaceId, Timestamp},
};

use crate::{
    Result,
    names::{decode_dropped, decode_name},
    records::CommitRecord,
    system,
};

/// Checks the records of commits, their annotations, and the names of keyspaces at the moment of `view`.
///
/// # Errors
/// The engine's; rows that make no sense are findings.
pub async fn check(view: &ReadView, findings: &mut Findings) -> Result<()> {
    for_each_row(view, system::COMMITS, KeyRange::all(), |key, value| {
        match CommitRecord::decode(key, value) {
            Ok(record) if record.timestamp > view.timestamp() || record.timestamp == Timestamp::ZERO => {
                findings.add("commit records", format!("{}: no commit was made then", record.timestamp));
            }
            Ok(_) => {}
            Err(error) => findings.add("commit records", format!("\"{}\": {error}", key.escape_ascii())),
        }
    })
    .await?;
    for_each_row(view, system::ANNOTATIONS, KeyRange::all(), |key, value| {
        if std::str::from_utf8(key).is_err() || std::str::from_utf8(value).is_err() {
            findings.add("annotations", format!("\"{}\": not UTF-8", key.escape_ascii()));
        }
    })
    .await?;
    let mut named: BTreeMap<KeyspaceId, String> = BTreeMap::new();
    for_each_row(view, system::CATALOG, KeyRange::prefix("k/"), |key, value| {
        let name = key[2..].escape_ascii().to_string();
        match (decode_name(value), std::str::from_utf8(&key[2..])) {
            (Ok(id), Ok(_)) => {
                if let Some(other) = named.insert(id, name.clone()) {
                    findings.add("keyspaces", format!("\"{name}\" is keyspace {id}, which is \"{other}\""));
                }
            }
            (Err(error), _) => findings.add("keyspaces", format!("\"{name}\": {error}")),
            (_, Err(error)) => findings.add("keyspaces", format!("\"{name}\": {error}")),
        }
    })
    .await?;
    for_each_row(view, system::CATALOG, KeyRange::prefix("kd/"), |key, value| {
        if let Err(error) = decode_dropped(key, value) {
            findings.add("dropped keyspaces", format!("\"{}\": {error}", key.escape_ascii()));
        }
    })
    .await
}

/// Hands every row of a range to `look`.
///
/// # Errors
/// The engine's.
async fn for_each_row(
    view: &ReadView,
    keyspace: KeyspaceId,
    range: KeyRange,
    mut look: impl FnMut(&[u8], &[u8]),
) -> Result<()> {
    let mut scan = view.scan(keyspace, range, ScanOptions::default())?;
    while let Some(batch) = scan.next().await? {
        for row in 0..batch.len() {
            look(batch.keys.get(row), batch.values.get(row));
        }
    }
    Ok(())
}
