//! Record of a snapshot: one row, keyed by its name.

use bygone_engine::{
    Scope,
    types::{KeyspaceId, Timestamp},
};
use bygone_mvcc::system;
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// A table, or a key-value keyspace, as a snapshot knows it: by ids, so that renaming it changes nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectRef {
    /// Its name when the snapshot was taken.
    pub name: String,
    /// Its id in the catalog.
    pub id: u64,
    /// The keyspaces of its rows and indexes; that of the rows first.
    pub keyspaces: Vec<KeyspaceId>,
}

/// Scope of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SnapshotScope {
    /// Everything that is stored; the name is for display.
    Database(Option<String>),
    /// One database among others: what it consists of, and the catalog that describes it.
    OneDatabase {
        /// Its name when the snapshot was taken.
        name: String,
        /// The keyspaces of its tables.
        keyspaces: Vec<KeyspaceId>,
    },
    /// These tables or keyspaces, and the catalog that describes them.
    Objects(Vec<ObjectRef>),
}

impl SnapshotScope {
    /// Scope that the engine pins for it.
    pub fn engine_scope(&self) -> Scope {
        match self {
            Self::Database(_) => Scope::Database,
            Self::OneDatabase { keyspaces, .. } => {
                Scope::keyspaces(keyspaces.iter().copied().chain([system::CATALOG]))
            }
            Self::Objects(objects) => Scope::keyspaces(
                objects.iter().flat_map(|object| object.keyspaces.iter().copied()).chain([system::CATALOG]),
            ),
        }
    }

    /// Whether `keyspace` can be read at a snapshot of this scope.
    pub fn covers(&self, keyspace: KeyspaceId) -> bool {
        match self {
            Self::Database(_) => true,
            Self::OneDatabase { keyspaces, .. } => {
                keyspace == system::CATALOG || keyspaces.contains(&keyspace)
            }
            Self::Objects(objects) => {
                keyspace == system::CATALOG
                    || objects.iter().any(|object| object.keyspaces.contains(&keyspace))
            }
        }
    }

    /// The names of the objects, or of the database.
    pub fn names(&self) -> Vec<String> {
        match self {
            Self::Database(name) => name.iter().cloned().collect(),
            Self::OneDatabase { name, .. } => vec![name.clone()],
            Self::Objects(objects) => objects.iter().map(|object| object.name.clone()).collect(),
        }
    }
}

/// A named snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Never used for another snapshot.
    pub id: u64,
    /// Unique among the snapshots of the database.
    pub name: String,
    /// The moment it shows.
    pub at: Timestamp,
    /// Scope of the snapshot.
    pub scope: SnapshotScope,
    /// When it was created; later than `at` when it was taken of the past.
    pub created: Timestamp,
    /// From when on it may be dropped by maintenance.
    pub expires: Option<Timestamp>,
    /// Comment of the user.
    pub comment: Option<String>,
    /// Why it can neither be dropped nor expire.
    pub hold: Option<String>,
    /// Whether a restore took it by itself.
    pub automatic: bool,
}

impl Snapshot {
    /// Whether maintenance may drop it at `now`.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.hold.is_none() && self.expires.is_some_and(|expires| expires <= now)
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let (database, keyspaces, objects) = match &self.scope {
            SnapshotScope::Database(name) => (Some(name.clone().unwrap_or_default()), None, Vec::new()),
            SnapshotScope::OneDatabase { name, keyspaces } => {
                let keyspaces = keyspaces.iter().map(|keyspace| keyspace.get()).collect();
                (Some(name.clone()), Some(keyspaces), Vec::new())
            }
            SnapshotScope::Objects(objects) => (
                None,
                None,
                objects
                    .iter()
                    .map(|object| ObjectRow {
                        name: object.name.clone(),
                        id: object.id,
                        keyspaces: object.keyspaces.iter().map(|keyspace| keyspace.get()).collect(),
                    })
                    .collect(),
            ),
        };
        let row = Row {
            id: self.id,
            at: self.at.as_micros(),
            database,
            keyspaces,
            objects,
            created: self.created.as_micros(),
            expires: self.expires.map(Timestamp::as_micros),
            comment: self.comment.clone(),
            hold: self.hold.clone(),
            automatic: self.automatic,
        };
        serde_json::to_vec(&row).expect("a row of strings and numbers always encodes")
    }

    pub(crate) fn decode(name: &[u8], row: &[u8]) -> Result<Self> {
        let name = std::str::from_utf8(name).map_err(|_| damaged("name is not UTF-8"))?;
        let row: Row = serde_json::from_slice(row).map_err(|error| damaged(&error.to_string()))?;
        let scope = match (row.database, row.keyspaces) {
            (Some(name), Some(keyspaces)) => SnapshotScope::OneDatabase {
                name,
                keyspaces: keyspaces.into_iter().map(KeyspaceId::new).collect(),
            },
            (Some(name), None) => SnapshotScope::Database((!name.is_empty()).then_some(name)),
            (None, _) => SnapshotScope::Objects(
                row.objects
                    .into_iter()
                    .map(|object| ObjectRef {
                        name: object.name,
                        id: object.id,
                        keyspaces: object.keyspaces.into_iter().map(KeyspaceId::new).collect(),
                    })
                    .collect(),
            ),
        };
        Ok(Self {
            id: row.id,
            name: name.to_owned(),
            at: Timestamp::from_micros(row.at),
            scope,
            created: Timestamp::from_micros(row.created),
            expires: row.expires.map(Timestamp::from_micros),
            comment: row.comment,
            hold: row.hold,
            automatic: row.automatic,
        })
    }
}

#[derive(Serialize, Deserialize)]
struct Row {
    id: u64,
    at: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    database: Option<String>,
    /// Of one database among others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    keyspaces: Option<Vec<u64>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    objects: Vec<ObjectRow>,
    created: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    comment: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hold: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    automatic: bool,
}

#[derive(Serialize, Deserialize)]
struct ObjectRow {
    name: String,
    id: u64,
    keyspaces: Vec<u64>,
}

pub(crate) fn damaged(detail: &str) -> Error {
    bygone_engine::Error::corrupt("snapshot record", 0, detail).into()
}
