//! Trees of a manifest, built of the tables that are open.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use super::{
    State,
    run::SortedRun,
    tree::{Group, Tree},
};
use crate::{
    manifest::{self, FileId, KeyspaceManifest, Manifest},
    sst::Table,
    types::{KeyspaceId, Timestamp},
};

/// Horizons of the keyspaces that do not simply follow the database's.
pub(crate) fn own_horizons(manifest: &Manifest) -> Vec<(KeyspaceId, Timestamp)> {
    let own = manifest.keyspaces.iter().filter_map(|(id, keyspace)| {
        if keyspace.retention_us.is_some() {
            return Some((*id, keyspace.horizon));
        }
        (keyspace.horizon > manifest.horizon).then_some((*id, keyspace.horizon))
    });
    own.collect()
}

/// Trees of `manifest`; unchanged ones are shared with `current`.
pub(crate) fn trees(
    manifest: &Manifest,
    current: &State,
    tables: &HashMap<FileId, Table>,
) -> BTreeMap<KeyspaceId, Arc<Tree>> {
    let built =
        manifest.keyspaces.iter().filter(|(_, keyspace)| keyspace.has_files()).map(|(id, keyspace)| {
            let unchanged =
                current.manifest.keyspaces.get(id).is_some_and(|before| before.has_same_files(keyspace));
            match current.trees.get(id) {
                Some(tree) if unchanged => (*id, Arc::clone(tree)),
                _ => (*id, Arc::new(tree(keyspace, tables))),
            }
        });
    built.collect()
}

/// The tree of one keyspace. Every file it names must be among `tables`.
pub(crate) fn tree(keyspace: &KeyspaceManifest, tables: &HashMap<FileId, Table>) -> Tree {
    let run = |run: &manifest::Run| {
        let open =
            |file: &manifest::FileMeta| tables.get(&file.id).expect("a published file is open").clone();
        Arc::new(SortedRun::new(run.files.iter().map(open).collect()))
    };
    Tree {
        level0: keyspace.level0.iter().map(run).collect(),
        levels: keyspace.levels.iter().map(run).collect(),
        history: keyspace
            .history
            .iter()
            .map(|group| Group { newest_pin: group.newest_pin, runs: group.runs.iter().map(run).collect() })
            .collect(),
    }
}
