//! The manifests: the chain as far as it is still there, and what the newest says of itself.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::{
    Error, Result,
    check::CheckReport,
    manifest::{self, Manifest, Run},
    store::Root,
    types::Timestamp,
};

/// Reads all manifests. Returns the newest, which is the state, unless it is damaged.
pub(super) async fn check(root: &Root, report: &mut CheckReport) -> Result<Option<Arc<Manifest>>> {
    let ids = manifest::ids(root).await?;
    let Some(newest) = ids.last().copied() else {
        return match manifest::no_database(root) {
            damage @ Error::Corrupt { .. } => {
                report.findings.add_error(&manifest::object_name(1), damage)?;
                Ok(None)
            }
            error => Err(error),
        };
    };
    let mut before: Option<(u64, u128)> = None;
    let mut state = None;
    for id in ids {
        let name = manifest::object_name(id);
        match manifest::load(root, id).await {
            Ok(Some(loaded)) => {
                report.manifests += 1;
                check_parent(&loaded.manifest, before, &name, report);
                before = Some((id, loaded.hash));
                state = Some(loaded.manifest);
            }
            // Gone since it was listed, which a writer would have done.
            Ok(None) => {}
            Err(error) => report.findings.add_error(&name, error)?,
        }
    }
    let state = state.filter(|manifest| manifest.id == newest);
    if let Some(manifest) = &state {
        check_state(manifest, &manifest::object_name(newest), report)?;
    }
    Ok(state)
}

fn check_parent(manifest: &Manifest, before: Option<(u64, u128)>, name: &str, report: &mut CheckReport) {
    let Some((id, hash)) = manifest.parent else {
        if manifest.id > 1 {
            report.findings.add(name, "names no manifest before it");
        }
        return;
    };
    if id.checked_add(1) != Some(manifest.id) {
        report.findings.add(name, format!("names manifest {id} as the one before it"));
    }
    if let Some((before, found)) = before
        && before == id
        && found != hash
    {
        report.findings.add(name, format!("manifest {id} is not the one that it names"));
    }
}

/// Checks a state without looking at its files.
fn check_state(manifest: &Manifest, name: &str, report: &mut CheckReport) -> Result<()> {
    if let Some(what) = manifest.unknown_feature() {
        let id = manifest.id;
        return Err(Error::Invalid(format!("manifest {id} was written by a newer version: it has {what}")));
    }
    let findings = &mut report.findings;
    if manifest.horizon > manifest.last_timestamp {
        let (horizon, last) = (manifest.horizon, manifest.last_timestamp);
        findings.add(name, format!("the horizon {horizon} is later than the newest commit {last}"));
    }
    let mut seen = BTreeSet::new();
    for file in manifest.files() {
        let id = file.id;
        if !seen.insert(id) {
            findings.add(name, format!("names {} twice", file.object_name()));
        }
        let is_free = id.epoch == manifest.epoch && id.number >= manifest.next_file;
        if id.epoch > manifest.epoch || is_free {
            findings.add(name, format!("names {}, whose number was not given out yet", file.object_name()));
        }
        if file.newest_begin() > manifest.last_timestamp {
            let (begin, last) = (file.newest_begin(), manifest.last_timestamp);
            let file = file.object_name();
            findings.add(name, format!("{file} has a version of {begin}, after the newest commit {last}"));
        }
    }
    for (id, keyspace) in &manifest.keyspaces {
        if keyspace.horizon > manifest.last_timestamp {
            findings.add(name, format!("the horizon of keyspace {id} is later than the newest commit"));
        }
        if keyspace.dropped_at.is_some_and(|at| at == Timestamp::ZERO) {
            findings.add(name, format!("keyspace {id} was dropped at no moment"));
        }
        for run in keyspace.runs().chain(keyspace.history_runs()).filter(|run| !is_ordered(run)) {
            let first = run.files.first().map(manifest::FileMeta::object_name).unwrap_or_default();
            findings.add(name, format!("the files of the run of {first} overlap or share a key"));
        }
        for file in keyspace.history_runs().flat_map(|run| &run.files).filter(|file| !file.is_history()) {
            let file = file.object_name();
            findings.add(name, format!("{file} is in history and holds more than values that ended"));
        }
    }
    Ok(())
}

/// Whether the files of a run lie in key order and no key is in two of them.
pub(super) fn is_ordered(run: &Run) -> bool {
    run.files.windows(2).all(|pair| pair[0].max_key < pair[1].min_key)
}
