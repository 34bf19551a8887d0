//! Keys of the catalog's rows, their bytes, and the writes that change them.

use bygone_mvcc::{Transaction, system};
use bytes::Bytes;
use serde::Serialize;

use super::{NamespaceRow, Object};
use crate::error::{Error, Result};

/// Prefix of the key of every row.
pub(crate) const PREFIX: &str = "sql/";
/// The row that every change of the catalog touches.
pub(crate) const VERSION: &str = "sql/v";

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
    put(tx, self::object(schema_id, name), &object.row())
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
