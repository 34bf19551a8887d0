//! Which segments there are, and which must be.

use crate::{
    Error, Result, manifest,
    store::{DiskKind, LocalDir, Root, disk_error},
    types::{LogBounds, LogPosition},
};

use super::{replay::newest_manifest, require_local};

const DIRECTORY: &str = "wal";

/// The segments from `bounds.from` on, without gaps.
pub(super) fn segments(local: &LocalDir, bounds: LogBounds) -> Result<Vec<LogPosition>> {
    let mut found = all(local)?;
    found.retain(|position| *position >= bounds.from);
    if let Some(stray) = found.iter().find(|position| position.epoch > bounds.epoch) {
        // A manifest claims an epoch before its first segment is made.
        let newest = newest_manifest(local, *stray).max(bounds.manifest.saturating_add(1));
        return Err(missing_manifest(newest, &stray.object_name()));
    }
    let Some(lost) = first_missing(&found, bounds) else { return Ok(found) };
    // Segments go only when a manifest has made them needless: perhaps it is that one which is missing.
    let newest = found.iter().map(|position| newest_manifest(local, *position)).max().unwrap_or(0);
    if newest > bounds.manifest {
        let name = found.last().map(|position| position.object_name()).unwrap_or_default();
        return Err(missing_manifest(newest, &name));
    }
    if bounds.begun == 0 && !found.is_empty() && lost == bounds.from {
        let detail = format!(
            "the log segment is missing, or the manifest after {} that made it needless",
            manifest::object_name(bounds.manifest)
        );
        return Err(Error::corrupt(lost.object_name(), 0, detail));
    }
    Err(missing(lost))
}

/// The first of the segments that must be there and is not among `found`.
fn first_missing(found: &[LogPosition], bounds: LogBounds) -> Option<LogPosition> {
    let from = bounds.from;
    let must_begin = from.sequence > LogPosition::FIRST_SEQUENCE || bounds.begun > 0;
    if must_begin && found.first() != Some(&from) {
        return Some(from);
    }
    let mut expected = found.first().copied().unwrap_or(from);
    if expected.epoch > from.epoch {
        expected = LogPosition::first(expected.epoch);
    }
    for position in found {
        if position.epoch > expected.epoch {
            expected = LogPosition::first(position.epoch);
        }
        if *position != expected {
            return Some(expected);
        }
        expected.sequence += 1;
    }
    let begun = LogPosition::first(bounds.begun);
    (bounds.begun > 0 && begun > from && !found.contains(&begun)).then_some(begun)
}

/// Every segment, sorted. An entry that has the name of one and is no file is damage.
pub(super) fn all(local: &LocalDir) -> Result<Vec<LogPosition>> {
    let list = |directory: &str| {
        local.list_directory(directory).map_err(|error| disk_error("listing", directory, error))
    };
    let mut found = Vec::new();
    let is_epoch = |name: &str| LogPosition::parse(&format!("{DIRECTORY}/{name}/{:020}", 1)).is_some();
    for epoch in list(DIRECTORY)?.into_iter().filter(|entry| is_epoch(&entry.name)) {
        let directory = format!("{DIRECTORY}/{}", epoch.name);
        for entry in list(&directory)? {
            let name = format!("{directory}/{}", entry.name);
            let Some(position) = LogPosition::parse(&name) else { continue };
            if entry.kind != DiskKind::File {
                return Err(Error::corrupt(name, 0, "this is no file, and has the name of a log segment"));
            }
            found.push(position);
        }
    }
    found.sort_unstable();
    Ok(found)
}

pub(super) fn missing(position: LogPosition) -> Error {
    Error::corrupt(position.object_name(), 0, "the log segment is missing")
}

pub(super) fn missing_manifest(id: u64, segment: &str) -> Error {
    let detail = format!("the manifest is missing: {segment} was written after it was published");
    Error::corrupt(manifest::object_name(id), 0, detail)
}

/// Deletes the segments before `position`, oldest first.
///
/// # Errors
///
/// [`Error::Unavailable`] when storage fails; call it again.
pub(crate) async fn delete_before(root: &Root, position: LogPosition) -> Result<()> {
    let Some(local) = require_local(root)? else { return Ok(()) };
    let mut epochs = Vec::new();
    for old in all(local)?.into_iter().filter(|old| *old < position) {
        let name = old.object_name();
        local.remove(&name).map_err(|error| disk_error("deleting", &name, error))?;
        if old.epoch < position.epoch && epochs.last() != Some(&old.epoch) {
            epochs.push(old.epoch);
        }
    }
    for epoch in epochs {
        local.remove_dir_if_empty(&format!("{DIRECTORY}/{epoch:020}"));
    }
    Ok(())
}
