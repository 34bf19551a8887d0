//! The catalog from its rows.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::de::DeserializeOwned;

use super::{
    CatalogState, DEFAULT_DATABASE, DEFAULT_DATABASE_ID, DEFAULT_SCHEMA, DEFAULT_SCHEMA_ID, DatabaseEntry,
    NamespaceRow, Object, ObjectRow, SchemaEntry,
};
use crate::{
    error::{Error, Result},
    names::ObjectPath,
};

impl CatalogState {
    /// The state that these rows describe: all of the catalog's, in the order of their keys.
    ///
    /// # Errors
    /// XX001 for a row that cannot be decoded.
    pub(crate) fn from_rows(rows: impl IntoIterator<Item = (Bytes, Bytes)>) -> Result<Self> {
        let mut state = Self::empty();
        let mut schema_paths: BTreeMap<u64, (String, String)> = BTreeMap::new();
        let mut database_names: BTreeMap<u64, String> = BTreeMap::new();
        let main = DEFAULT_DATABASE.to_owned();
        database_names.insert(DEFAULT_DATABASE_ID, main.clone());
        schema_paths.insert(DEFAULT_SCHEMA_ID, (main, DEFAULT_SCHEMA.to_owned()));
        // Keys come in order d/, s/, t/, v: what a row belongs to was read before it.
        for (key, value) in rows {
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
                    let row: ObjectRow = decode(&key, &value)?;
                    let Some((database, schema)) = schema_paths.get(&parse_id(&key, owner)?) else {
                        continue;
                    };
                    if let Some(entry) =
                        state.databases.get_mut(database).and_then(|entry| entry.schemas.get_mut(schema))
                    {
                        let path = ObjectPath::new(database, schema, name);
                        entry.objects.insert(name.to_owned(), Object::of_row(path, row));
                    }
                }
                _ => {}
            }
        }
        Ok(state)
    }
}

fn decode<T: DeserializeOwned>(key: &str, value: &[u8]) -> Result<T> {
    serde_json::from_slice(value).map_err(|e| Error::corrupt(format!("catalog row {key}: {e}")))
}

fn parse_id(key: &str, text: &str) -> Result<u64> {
    text.parse().map_err(|_| Error::corrupt(format!("catalog row {key}: {text} is not an id")))
}
