//! The catalog at a moment: read from its rows, and remembered by the commit of its last change.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use bygone_engine::types::{KeyspaceId, Timestamp};
use bygone_mvcc::{Store, system};
use parking_lot::Mutex;

use super::Reader;
use crate::{
    catalog::{CatalogState, keys},
    error::Result,
};

/// Catalog states by the commit of their last change: reading one again costs one point read.
#[derive(Debug, Default)]
pub(crate) struct CatalogCache {
    states: Mutex<BTreeMap<Timestamp, Arc<CatalogState>>>,
}

impl CatalogCache {
    /// States kept; the oldest goes first.
    const STATES_MAX: usize = 64;

    /// The catalog as `reader` sees it.
    pub(crate) async fn at(&self, reader: &Reader) -> Result<Arc<CatalogState>> {
        if let Some(view) = reader.committed(system::CATALOG) {
            let version = view
                .get_version(system::CATALOG, keys::VERSION.as_bytes())
                .await?
                .map_or(Timestamp::default(), |version| version.begin);
            if let Some(state) = self.states.lock().get(&version) {
                return Ok(Arc::clone(state));
            }
            let state = Arc::new(read(reader).await?);
            let mut states = self.states.lock();
            states.insert(version, Arc::clone(&state));
            if states.len() > Self::STATES_MAX {
                states.pop_first();
            }
            return Ok(state);
        }
        Ok(Arc::new(read(reader).await?))
    }
}

/// The keyspaces of all tables in the newest state: what opening a database must not take for dropped.
///
/// # Errors
/// Errors of reading, and a corrupt row.
pub async fn table_keyspaces(store: &Store) -> Result<BTreeSet<KeyspaceId>> {
    Ok(read(&Reader::View(store.view_now())).await?.keyspaces())
}

/// Reads every row of the catalog.
async fn read(reader: &Reader) -> Result<CatalogState> {
    CatalogState::from_rows(reader.prefix(system::CATALOG, keys::PREFIX).await?)
}
