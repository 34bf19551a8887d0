//! Reading the catalog at a timestamp, and the keys and rows that a change of it writes.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use bygone_engine::types::{KeyspaceId, Timestamp};
use bygone_mvcc::{Store, Transaction, system};
use bytes::Bytes;
use parking_lot::Mutex;
use serde::{Serialize, de::DeserializeOwned};

use super::{
    CatalogState, DEFAULT_DATABASE_ID, DEFAULT_SCHEMA, DatabaseEntry, NamespaceRow, Object, SchemaEntry,
};
use crate::{
    error::{Error, Result},
    scan::Reader,
};

/// Keys of the catalog's rows and the writes that change them.
pub(crate) mod keys {
    use super::{Bytes, Error, NamespaceRow, Object, Result, Serialize, Transaction, system};

    pub(super) const PREFIX: &str = "sql/";
    pub(super) const VERSION: &str = "sql/v";

    /// The row of a database.
    pub(crate) fn database(name: &str) -> Bytes {
        format!("sql/d/{name}").into()
    }

    /// The row of a schema.
    pub(crate) fn schema(database_id: u64, name: &str) -> Bytes {
        format!("sql/s/{database_id:020}/{name}").into()
    }

    /// The row of a table or a view.
    pub(crate) fn object(schema_id: u64, name: &str) -> Bytes {
        format!("sql/t/{schema_id:020}/{name}").into()
    }

    /// Writes the row of a table or a view.
    pub(crate) fn put_object(tx: &Transaction, schema_id: u64, name: &str, object: &Object) -> Result<()> {
        put(tx, self::object(schema_id, name), object)
    }

    /// Writes the row of a database or a schema.
    pub(crate) fn put_namespace(tx: &Transaction, key: Bytes, row: &NamespaceRow) -> Result<()> {
        put(tx, key, row)
    }

    /// Removes a row.
    pub(crate) fn delete(tx: &Transaction, key: Bytes) -> Result<()> {
        tx.delete(system::CATALOG, key)?;
        touch(tx)
    }

    fn put(tx: &Transaction, key: Bytes, row: &impl Serialize) -> Result<()> {
        tx.put(system::CATALOG, key, encode(row)?)?;
        touch(tx)
    }

    /// The bytes of a row.
    pub(crate) fn encode(row: &impl Serialize) -> Result<Bytes> {
        serde_json::to_vec(row).map(Bytes::from).map_err(|e| Error::internal(format!("catalog row: {e}")))
    }

    /// The write that moves the version of the catalog.
    pub(crate) fn version_write() -> (Bytes, Bytes) {
        (Bytes::from_static(VERSION.as_bytes()), Bytes::new())
    }

    /// Moves the version of the catalog, so that caches notice the change and two changes at once conflict.
    pub(crate) fn touch(tx: &Transaction) -> Result<()> {
        let (key, value) = version_write();
        Ok(tx.put(system::CATALOG, key, value)?)
    }
}

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
/// Those of reading, and a corrupt row.
pub async fn table_keyspaces(store: &Store) -> Result<BTreeSet<KeyspaceId>> {
    Ok(read(&Reader::View(store.view_now())).await?.keyspaces())
}

/// Reads every row of the catalog.
async fn read(reader: &Reader) -> Result<CatalogState> {
    let mut state = CatalogState::empty();
    let mut schema_paths: BTreeMap<u64, (String, String)> = BTreeMap::new();
    let mut database_names: BTreeMap<u64, String> = BTreeMap::new();
    let main = super::DEFAULT_DATABASE.to_owned();
    database_names.insert(DEFAULT_DATABASE_ID, main.clone());
    schema_paths.insert(super::DEFAULT_SCHEMA_ID, (main, DEFAULT_SCHEMA.to_owned()));
    // Keys come in order d/, s/, t/, v: what a row belongs to was read before it.
    for (key, value) in reader.prefix(system::CATALOG, keys::PREFIX).await? {
        let key = String::from_utf8(key.to_vec())
            .map_err(|_| Error::corrupt("a key of the catalog is not text"))?;
        let mut parts = key.splitn(4, '/').skip(1);
        match (parts.next(), parts.next(), parts.next()) {
            (Some("d"), Some(name), None) => {
                let row: NamespaceRow = decode(&key, &value)?;
                let public = row.public_schema.unwrap_or_default();
                let schemas = BTreeMap::from([(
                    DEFAULT_SCHEMA.to_owned(),
                    SchemaEntry { id: public, ..SchemaEntry::default() },
                )]);
                state.databases.insert(name.to_owned(), DatabaseEntry { id: row.id, schemas });
                database_names.insert(row.id, name.to_owned());
                schema_paths.insert(public, (name.to_owned(), DEFAULT_SCHEMA.to_owned()));
            }
            (Some("s"), Some(owner), Some(name)) => {
                let row: NamespaceRow = decode(&key, &value)?;
                let Some(database) = database_names.get(&parse_id(&key, owner)?) else { continue };
                if let Some(entry) = state.databases.get_mut(database) {
                    entry
                        .schemas
                        .insert(name.to_owned(), SchemaEntry { id: row.id, ..SchemaEntry::default() });
                    schema_paths.insert(row.id, (database.clone(), name.to_owned()));
                }
            }
            (Some("t"), Some(owner), Some(name)) => {
                let object: Object = decode(&key, &value)?;
                let Some((database, schema)) = schema_paths.get(&parse_id(&key, owner)?) else { continue };
                if let Some(entry) =
                    state.databases.get_mut(database).and_then(|entry| entry.schemas.get_mut(schema))
                {
                    entry.objects.insert(name.to_owned(), object);
                }
            }
            _ => {}
        }
    }
    Ok(state)
}

fn decode<T: DeserializeOwned>(key: &str, value: &[u8]) -> Result<T> {
    serde_json::from_slice(value).map_err(|e| Error::corrupt(format!("catalog row {key}: {e}")))
}

fn parse_id(key: &str, text: &str) -> Result<u64> {
    text.parse().map_err(|_| Error::corrupt(format!("catalog row {key}: {text} is not an id")))
}
