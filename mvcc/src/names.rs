//! Names of key-value keyspaces: rows of the catalog keyspace, versioned like everything else.
//!
//! ```text
//!   k/<name>  → {"id"}       the keyspace of that name
//!   kd/<id>   → {"name"}     dropped by the commit that wrote the row; its files go once nobody can read them
//! ```
//!
//! Creating and dropping are transactions that guard the name, so of two at once one conflicts.

use std::collections::{BTreeMap, BTreeSet};

use bygone_engine::{
    KeyRange, ReadView, ScanOptions,
    types::{Durability, KeyspaceId, Timestamp, WriteBatch},
};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::{CommitMeta, Error, Result, Store, naming::check_name, system};

/// A named keyspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyspaceInfo {
    /// Its name.
    pub name: String,
    /// Its id.
    pub id: KeyspaceId,
}

/// The directory of named keyspaces.
#[derive(Clone, Debug)]
pub struct KeyspaceNames {
    store: Store,
}

#[derive(Debug, Serialize, Deserialize)]
struct NameRow {
    id: u64,
}

#[derive(Debug, Serialize, Deserialize)]
struct DroppedRow {
    name: String,
}

impl KeyspaceNames {
    pub(crate) fn new(store: Store) -> Self {
        Self { store }
    }

    /// The keyspace of that name in the newest state.
    ///
    /// # Errors
    /// [`Error::NoKeyspace`]; the engine's.
    pub async fn get(&self, name: &str) -> Result<KeyspaceInfo> {
        self.find(&self.store.view_now(), name).await?.ok_or_else(|| Error::NoKeyspace(name.into()))
    }

    /// The keyspace of that name at the moment of `view`, if there was one.
    ///
    /// # Errors
    /// The engine's.
    pub async fn find(&self, view: &ReadView, name: &str) -> Result<Option<KeyspaceInfo>> {
        let row = view.get(system::CATALOG, name_key(name).as_bytes()).await?;
        row.map(|row| Ok(KeyspaceInfo { name: name.into(), id: decode_name(&row)? })).transpose()
    }

    /// All keyspaces at the moment of `view`, by name.
    ///
    /// # Errors
    /// The engine's.
    pub async fn list(&self, view: &ReadView) -> Result<Vec<KeyspaceInfo>> {
        let mut scan = view.scan(system::CATALOG, KeyRange::prefix("k/"), ScanOptions::default())?;
        let mut all = Vec::new();
        while let Some(batch) = scan.next().await? {
            for row in 0..batch.len() {
                let name = String::from_utf8_lossy(&batch.keys.get(row)[2..]).into_owned();
                all.push(KeyspaceInfo { name, id: decode_name(batch.values.get(row))? });
            }
        }
        Ok(all)
    }

    /// Creates a keyspace.
    ///
    /// # Errors
    /// [`Error::KeyspaceExists`]; [`Error::Invalid`] for a name that is empty, longer than 63 bytes, or holds
    /// control or bidirectional characters; [`Error::Conflict`] when somebody else creates it now; the
    /// engine's.
    pub async fn create(&self, name: &str) -> Result<KeyspaceInfo> {
        check_name("keyspace", name)?;
        let transaction = self.store.begin();
        let key = name_key(name);
        if transaction.get(system::CATALOG, key.as_bytes()).await?.is_some() {
            return Err(Error::KeyspaceExists(name.into()));
        }
        let id = self.store.new_keyspace_id();
        let row = serde_json::to_vec(&NameRow { id: id.get() }).expect("a number always encodes");
        transaction.put(system::CATALOG, key, row)?;
        transaction.annotate(about("CREATE KEYSPACE", name))?;
        transaction.commit(Durability::Sync).await?;
        Ok(KeyspaceInfo { name: name.into(), id })
    }

    /// The keyspace of that name, created if there is none.
    ///
    /// # Errors
    /// As [`Self::create`], but for the name being taken.
    pub async fn open(&self, name: &str) -> Result<KeyspaceInfo> {
        loop {
            if let Some(found) = self.find(&self.store.view_now(), name).await? {
                return Ok(found);
            }
            match self.create(name).await {
                // Somebody else created it between the look and the commit.
                Err(Error::KeyspaceExists(_) | Error::Conflict { .. }) => {}
                outcome => return outcome,
            }
        }
    }

    /// Drops a keyspace. It stays readable at moments before, as long as those are readable.
    ///
    /// # Errors
    /// [`Error::NoKeyspace`]; [`Error::Conflict`] when somebody else drops it now; the engine's.
    pub async fn drop_keyspace(&self, name: &str) -> Result<()> {
        let transaction = self.store.begin();
        let key = name_key(name);
        let Some(row) = transaction.get(system::CATALOG, key.as_bytes()).await? else {
            return Err(Error::NoKeyspace(name.into()));
        };
        let id = decode_name(&row)?;
        let mut batch = WriteBatch::new();
        self.add_drop(&KeyspaceInfo { name: name.into(), id }, &mut batch);
        transaction.write(&batch)?;
        transaction.annotate(about("DROP KEYSPACE", name))?;
        let commit = transaction.commit(Durability::Sync).await?;
        self.store.mark_dropped([id], commit.timestamp).await;
        Ok(())
    }

    /// Makes sure that `keyspace` was not dropped; see [`Self::guard_of`] for keeping it so until a commit.
    /// Returns the moment that was looked at.
    ///
    /// # Errors
    /// [`Error::NoKeyspace`]; the engine's.
    pub async fn check_exists(&self, keyspace: &KeyspaceInfo) -> Result<Timestamp> {
        let view = self.store.view_now();
        self.check_exists_in(&view, keyspace).await?;
        Ok(view.timestamp())
    }

    /// As [`Self::check_exists`], at the moment of `view`.
    ///
    /// # Errors
    /// As [`Self::check_exists`].
    pub async fn check_exists_in(&self, view: &ReadView, keyspace: &KeyspaceInfo) -> Result<()> {
        match view.get(system::CATALOG, dropped_key(keyspace.id).as_bytes()).await? {
            Some(_) => Err(Error::NoKeyspace(keyspace.name.clone())),
            None => Ok(()),
        }
    }

    /// The key that changes when the keyspace is dropped or comes back: the guard of a commit into it. Its
    /// row stays as long as the keyspace is dropped, so a guard works however long ago the keyspace was
    /// looked at.
    pub fn guard_of(&self, keyspace: KeyspaceId) -> (KeyspaceId, Bytes) {
        (system::CATALOG, dropped_key(keyspace).into())
    }

    /// Adds to `batch` what drops `keyspace`, for a commit that does more than that.
    pub fn add_drop(&self, keyspace: &KeyspaceInfo, batch: &mut WriteBatch) {
        let dropped = DroppedRow { name: keyspace.name.clone() };
        let row = serde_json::to_vec(&dropped).expect("a string always encodes");
        batch.delete(system::CATALOG, name_key(&keyspace.name));
        batch.put(system::CATALOG, dropped_key(keyspace.id), row);
    }

    /// Adds to `batch` what brings the dropped `keyspace` back, for a commit that does more than that.
    pub fn add_revival(&self, keyspace: &KeyspaceInfo, batch: &mut WriteBatch) {
        let row = serde_json::to_vec(&NameRow { id: keyspace.id.get() }).expect("a number always encodes");
        batch.put(system::CATALOG, name_key(&keyspace.name), row);
        batch.delete(system::CATALOG, dropped_key(keyspace.id));
    }

    /// Brings the engine in step with the catalogs, where work was cut short between a commit and the
    /// engine's part: keyspaces with files that no catalog names are marked as dropped, and named ones are
    /// unmarked. `others` are the keyspaces that catalogs above this one name. Called once after opening,
    /// before maintenance starts.
    ///
    /// # Errors
    /// Errors of reading and of unmarking. Nothing may be collected then.
    pub async fn reconcile(&self, others: &BTreeSet<KeyspaceId>) -> Result<()> {
        let engine = self.store.engine();
        let view = self.store.view_now();
        let mut named = others.clone();
        named.extend(self.list(&view).await?.into_iter().map(|keyspace| keyspace.id));
        let marked: BTreeSet<_> = engine.dropped_keyspaces().into_iter().map(|(id, _)| id).collect();
        for keyspace in marked.intersection(&named) {
            engine.revive_keyspace(*keyspace).await?;
        }
        let dropped: BTreeMap<_, _> =
            self.dropped(&view).await?.into_iter().map(|(keyspace, at)| (keyspace.id, at)).collect();
        for stats in engine.stats().keyspaces {
            let keyspace = stats.keyspace;
            if !keyspace.is_system() && !named.contains(&keyspace) && !marked.contains(&keyspace) {
                let at = dropped.get(&keyspace).copied().unwrap_or_else(|| engine.last_timestamp());
                self.store.mark_dropped([keyspace], at).await;
            }
        }
        Ok(())
    }

    /// The keyspaces that were dropped, with the moment.
    ///
    /// # Errors
    /// The engine's.
    pub async fn dropped(&self, view: &ReadView) -> Result<Vec<(KeyspaceInfo, Timestamp)>> {
        let mut scan = view.scan(system::CATALOG, KeyRange::prefix("kd/"), ScanOptions::default())?;
        let mut all = Vec::new();
        while let Some(batch) = scan.next().await? {
            for row in 0..batch.len() {
                all.push((decode_dropped(batch.keys.get(row), batch.values.get(row))?, batch.begins[row]));
            }
        }
        Ok(all)
    }
}

fn name_key(name: &str) -> String {
    format!("k/{name}")
}

fn dropped_key(id: KeyspaceId) -> String {
    format!("kd/{}", id.get())
}

/// The dropped keyspace of a row with the prefix `kd/`.
pub(crate) fn decode_dropped(key: &[u8], row: &[u8]) -> Result<KeyspaceInfo> {
    let id = key.get(3..).and_then(|id| std::str::from_utf8(id).ok()).and_then(|id| id.parse().ok());
    let id = id.ok_or_else(|| damaged("dropped keyspace without a number"))?;
    let body: DroppedRow = serde_json::from_slice(row).map_err(|error| damaged(&error.to_string()))?;
    Ok(KeyspaceInfo { name: body.name, id: KeyspaceId::new(id) })
}

pub(crate) fn decode_name(row: &[u8]) -> Result<KeyspaceId> {
    let row: NameRow = serde_json::from_slice(row).map_err(|error| damaged(&error.to_string()))?;
    Ok(KeyspaceId::new(row.id))
}

fn damaged(detail: &str) -> Error {
    bygone_engine::Error::corrupt("catalog row", 0, detail).into()
}

fn about(statement: &str, name: &str) -> CommitMeta {
    CommitMeta { statement: Some(statement.into()), tables: vec![name.into()], ..CommitMeta::default() }
}
