//! Loading the newest manifest and publishing the next.

use std::sync::Arc;

use super::{FileId, Manifest, decode, encode, hash};
use crate::{
    Error, Result,
    store::{PutOutcome, Root, disk_error},
    types::LogPosition,
};

const DIRECTORY: &str = "manifest/";
/// Times that a listed manifest may have gone before it is read: its writer prunes while we look.
const LOAD_ATTEMPTS: u32 = 16;

/// A manifest and the hash by which its successor names it.
#[derive(Clone, Debug)]
pub struct LoadedManifest {
    /// The state.
    pub manifest: Arc<Manifest>,
    /// Hash of the object.
    pub hash: u128,
}

/// The name of the manifest `id` inside the root.
pub(crate) fn object_name(id: u64) -> String {
    format!("{DIRECTORY}{id:020}")
}

/// The id of the manifest with this name, if it is the name of one.
pub(crate) fn parse_name(name: &str) -> Option<u64> {
    let id = name.strip_prefix(DIRECTORY)?.parse().ok()?;
    (object_name(id) == name).then_some(id)
}

/// The ids of all manifests, ascending. Names that are none of ours are passed over.
pub(crate) async fn ids(root: &Root) -> Result<Vec<u64>> {
    ids_from(root, 0).await
}

/// The ids of the manifests from `first` on, ascending.
async fn ids_from(root: &Root, first: u64) -> Result<Vec<u64>> {
    let listed = match first.checked_sub(1) {
        Some(before) => root.list_after(DIRECTORY, &object_name(before)).await?,
        None => root.list(DIRECTORY).await?,
    };
    let mut ids: Vec<u64> = listed.iter().filter_map(|entry| parse_name(&entry.name)).collect();
    ids.sort_unstable();
    Ok(ids)
}

/// The highest id of all manifests.
///
/// # Errors
///
/// [`Error::Unavailable`] when storage fails.
pub async fn newest_id(root: &Root) -> Result<Option<u64>> {
    Ok(ids(root).await?.pop())
}

/// The error of a root without a manifest: no database, or one whose manifests have gone.
pub(crate) fn no_database(root: &Root) -> Error {
    match part_of_a_database(root) {
        Some(name) => {
            Error::corrupt(DIRECTORY, 0, format!("all manifests are missing: {name} is part of a database"))
        }
        None => {
            Error::NoDatabase { location: root.display(), found: root.foreign_entries().unwrap_or_default() }
        }
    }
}

/// A name that only a database leaves in its directory. No deeper look: the directory may be anybody's.
fn part_of_a_database(root: &Root) -> Option<String> {
    let local = root.local_dir()?;
    let names = |directory: &str| {
        let entries = local.list_directory(directory).unwrap_or_default();
        entries.into_iter().map(|entry| format!("{directory}/{}", entry.name)).collect::<Vec<_>>()
    };
    let is_epoch = |name: &str| LogPosition::parse(&format!("{name}/{:020}", 1)).is_some();
    let file = names("data").into_iter().find(|name| FileId::parse(name).is_some());
    file.or_else(|| names("wal").into_iter().find(|name| is_epoch(name)))
}

/// Loads the manifest with the highest id, or `None` when there is no manifest at all.
///
/// # Errors
///
/// [`Error::Corrupt`] when that manifest is damaged, or its parent is there and is not the one it names.
pub async fn load_newest(root: &Root) -> Result<Option<LoadedManifest>> {
    for _ in 0..LOAD_ATTEMPTS {
        let ids = ids(root).await?;
        let Some(&id) = ids.last() else { return Ok(None) };
        let Some(loaded) = load(root, id).await? else { continue };
        check_parent(root, &loaded).await?;
        return Ok(Some(loaded));
    }
    Err(Error::corrupt(DIRECTORY, 0, "the newest manifest is listed and cannot be read"))
}

/// Loads the manifest `id`, or `None` when there is none of that id.
///
/// # Errors
///
/// [`Error::Corrupt`] when it is damaged.
pub(crate) async fn load(root: &Root, id: u64) -> Result<Option<LoadedManifest>> {
    let name = object_name(id);
    let Some(bytes) = root.get(&name).await? else { return Ok(None) };
    let manifest = Arc::new(decode(&name, id, &bytes)?);
    Ok(Some(LoadedManifest { manifest, hash: hash(&bytes) }))
}

async fn check_parent(root: &Root, loaded: &LoadedManifest) -> Result<()> {
    let Some((id, expected)) = loaded.manifest.parent else { return Ok(()) };
    match root.get(&object_name(id)).await? {
        // Pruned, as all old manifests are.
        None => Ok(()),
        Some(bytes) if hash(&bytes) == expected => Ok(()),
        Some(_) => {
            let detail = format!("this is not the parent that manifest {} names", loaded.manifest.id);
            Err(Error::corrupt(object_name(id), 0, detail))
        }
    }
}

/// Publishes `manifest`, durably; returns the hash by which its successor must name it.
///
/// # Errors
///
/// [`Error::Fenced`] when another writer took the id or a higher one: this writer must stop and acknowledge
/// nothing more. [`Error::CommitUnknown`] when it is not known whether the manifest was published: stop and
/// delete nothing. [`Error::Unavailable`]: nothing was published.
///
/// # Cost
///
/// One create and one listing.
pub async fn publish(root: &Root, manifest: &Manifest) -> Result<u128> {
    let bytes = encode(manifest)?;
    let published = hash(&bytes);
    // 1. Take the id, if nobody has it.
    if root.put_new(&object_name(manifest.id), bytes).await? == PutOutcome::Exists {
        return Err(fenced_by_newest(root, manifest).await);
    }
    // 2. The id may have been freed by a newer writer that is far ahead: then ours counts for nothing.
    let ids = ids_from(root, manifest.id).await.map_err(|error| {
        Error::CommitUnknown(format!(
            "manifest {} was written and could not be checked: {error}",
            manifest.id
        ))
    })?;
    match ids.last() {
        Some(&newest) if newest == manifest.id => Ok(published),
        Some(&newest) if newest > manifest.id => Err(fenced_by_newest(root, manifest).await),
        _ => Err(Error::CommitUnknown(format!("manifest {} was written and is not listed", manifest.id))),
    }
}

/// Whether there is a manifest after `own`, this writer's newest. Only a local root is asked: elsewhere
/// nothing is acknowledged without a manifest.
///
/// # Errors
///
/// [`Error::Unavailable`] when storage fails.
///
/// # Cost
///
/// Two looks at a directory.
pub(crate) fn is_overtaken(root: &Root, own: u64) -> Result<bool> {
    // The next one may have come and gone again; then ours, which is older, went before it.
    let Some(local) = root.local_dir() else { return Ok(false) };
    let has = |id: u64| {
        let name = object_name(id);
        local.exists(&name).map_err(|error| disk_error("looking for", &name, error))
    };
    Ok(has(own + 1)? || !has(own)?)
}

/// The error of a writer that lost, with the winner's epoch where it can be read.
async fn fenced_by_newest(root: &Root, ours: &Manifest) -> Error {
    match load_newest(root).await {
        Ok(Some(newest)) => Error::Fenced { epoch: newest.manifest.epoch },
        _ => Error::Fenced { epoch: ours.epoch },
    }
}

/// Deletes the manifests with ids below `keep_from`, oldest first.
///
/// # Errors
///
/// [`Error::Unavailable`] when storage fails; call it again.
pub(crate) async fn prune(root: &Root, keep_from: u64) -> Result<()> {
    let old: Vec<_> = ids(root).await?.into_iter().filter(|id| *id < keep_from).map(object_name).collect();
    if old.is_empty() { Ok(()) } else { root.delete_many(&old).await }
}
