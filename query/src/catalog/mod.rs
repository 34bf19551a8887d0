//! The catalog: which databases, schemas, tables and views exist, kept as versions like all other data.
//!
//! Every object is one JSON row in the catalog keyspace, under a key that holds its *name*, so that names are
//! unique by construction and two sessions that create the same name conflict:
//!
//! ```text
//!   sql/d/<database>                     Database
//!   sql/s/<database id>/<schema>         Schema
//!   sql/t/<schema id>/<table or view>    Object
//!   sql/v                                touched by every change: its begin is the version of the catalog
//! ```
//!
//! 1. A change of the catalog is a write of the session's transaction: it becomes visible with it, and a
//!    query `AS OF t` resolves names with the rows visible at `t`.
//! 2. Ids are clock ticks and are never used twice; names never reach a file name.
//! 3. The database `main` with the schema `public` always exists and has no row; `bygone` and
//!    `information_schema` are computed.

pub(crate) mod keys;
mod rows;
mod tables;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use bygone_engine::types::KeyspaceId;
use serde::{Deserialize, Serialize};

pub(crate) use tables::{BoundTable, ColumnDef, Object, ObjectRow, TableDef, ViewDef};

use crate::names::{DEFAULT_DATABASE, DEFAULT_SCHEMA, ObjectPath};

/// Name of the schema with the computed tables about snapshots and commits.
pub(crate) const SYSTEM_SCHEMA: &str = "bygone";
/// Name of the schema with the computed tables of the SQL standard.
pub(crate) const INFORMATION_SCHEMA: &str = "information_schema";

/// Id of [`DEFAULT_DATABASE`].
pub(crate) const DEFAULT_DATABASE_ID: u64 = 1;
/// Id of the schema `public` of [`DEFAULT_DATABASE`].
pub(crate) const DEFAULT_SCHEMA_ID: u64 = 2;

/// All names visible at one timestamp.
#[derive(Clone, Debug)]
pub(crate) struct CatalogState {
    /// The databases by name.
    pub databases: BTreeMap<String, DatabaseEntry>,
}

/// A database and what is in it.
#[derive(Clone, Debug)]
pub(crate) struct DatabaseEntry {
    pub id: u64,
    pub schemas: BTreeMap<String, SchemaEntry>,
}

/// A schema and what is in it.
#[derive(Clone, Debug, Default)]
pub(crate) struct SchemaEntry {
    pub id: u64,
    pub objects: BTreeMap<String, Object>,
}

/// The row of a database or a schema.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct NamespaceRow {
    pub id: u64,
    /// For a database: the id of its schema `public`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_schema: Option<u64>,
}

impl CatalogState {
    /// The state of a database in which nothing was created yet.
    pub(crate) fn empty() -> Self {
        let public = SchemaEntry { id: DEFAULT_SCHEMA_ID, objects: BTreeMap::new() };
        let main = DatabaseEntry {
            id: DEFAULT_DATABASE_ID,
            schemas: BTreeMap::from([(DEFAULT_SCHEMA.to_owned(), public)]),
        };
        Self { databases: BTreeMap::from([(DEFAULT_DATABASE.to_owned(), main)]) }
    }

    /// The schema at `path`, if both it and its database exist.
    pub(crate) fn schema(&self, database: &str, schema: &str) -> Option<&SchemaEntry> {
        self.databases.get(database)?.schemas.get(schema)
    }

    /// The table or view at `path`.
    pub(crate) fn object(&self, path: &ObjectPath) -> Option<&Object> {
        self.schema(&path.database, &path.schema)?.objects.get(&path.name)
    }

    /// The table at `path`; views do not count.
    pub(crate) fn table(&self, path: &ObjectPath) -> Option<&Arc<BoundTable>> {
        match self.object(path)? {
            Object::Table(table) => Some(table),
            Object::View(_) => None,
        }
    }

    /// Every table of `database`, in name order.
    pub(crate) fn tables_of(&self, database: &str) -> impl Iterator<Item = &Arc<BoundTable>> {
        let schemas = self.databases.get(database).into_iter().flat_map(|entry| entry.schemas.values());
        schemas.flat_map(|schema| schema.objects.values()).filter_map(|object| match object {
            Object::Table(table) => Some(table),
            Object::View(_) => None,
        })
    }

    /// Every table of all databases.
    pub(crate) fn tables(&self) -> impl Iterator<Item = &Arc<BoundTable>> {
        self.databases.keys().flat_map(|database| self.tables_of(database))
    }

    /// Keyspaces of the rows of all tables.
    pub(crate) fn keyspaces(&self) -> BTreeSet<KeyspaceId> {
        self.tables().flat_map(|table| table.keyspaces()).collect()
    }

    /// Every table and view of `database` with its path, in name order.
    pub(crate) fn objects_of(&self, database: &str) -> impl Iterator<Item = (ObjectPath, &Object)> {
        let name = database.to_owned();
        self.databases.get(database).into_iter().flat_map(|entry| &entry.schemas).flat_map(
            move |(schema_name, schema)| {
                let database = name.clone();
                schema.objects.iter().map(move |(object_name, object)| {
                    (ObjectPath::new(&database, schema_name, object_name), object)
                })
            },
        )
    }
}
