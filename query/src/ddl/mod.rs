//! Changes of the catalog: tables, views, schemas, databases.
//!
//! Every change is a write of the statement's transaction, see [`crate::catalog`]; the files of a dropped table go when
//! nothing can read them any more.

mod namespaces;
mod tables;
mod views;

use std::{collections::BTreeSet, sync::Arc};

use bygone_engine::types::KeyspaceId;
use bygone_mvcc::{Transaction, check_name as check_object_name, system};

pub(crate) use namespaces::{create_database, create_schema, drop_databases, drop_schemas};
pub(crate) use tables::{create_table, define_table, planned_defaults};
pub(crate) use views::create_view;

use crate::{
    catalog::{CatalogState, INFORMATION_SCHEMA, Object, ObjectPath, SYSTEM_SCHEMA, keys},
    error::{Error, Result},
    parse::Drop,
    scan::Reader,
    session::{Context, Notice, Outcome, Shared, Work, Written},
};

/// What `DROP` is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ObjectKind {
    Table,
    View,
}

impl ObjectKind {
    fn name(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::View => "view",
        }
    }
}

/// The catalog as a statement that writes sees it: with what its transaction did before.
pub(crate) async fn catalog_of(context: &Context<'_>, work: &Work) -> Result<Arc<CatalogState>> {
    context.shared.catalog.at(&Reader::of_transaction(&work.transaction)).await
}

/// Checks the name of a new object.
pub(crate) fn check_name(what: &str, name: &str) -> Result<()> {
    let wrong = |message: String| Error::new(crate::error::ErrorKind::Invalid, "42602", message);
    check_object_name(what, name).map_err(|error| wrong(error.to_string()))?;
    if name.contains(['/', '\\']) {
        return Err(wrong(format!("name of {what} holds a slash: {name:?}")));
    }
    Ok(())
}

/// The schema that a new object goes into, by id.
pub(crate) fn schema_for_new(catalog: &CatalogState, path: &ObjectPath) -> Result<u64> {
    if path.schema == SYSTEM_SCHEMA || path.schema == INFORMATION_SCHEMA {
        return Err(Error::new(
            crate::error::ErrorKind::Invalid,
            "42501",
            format!("schema {} belongs to the system", path.schema),
        ));
    }
    let Some(database) = catalog.databases.get(&path.database) else {
        return Err(Error::no_database(&path.database, catalog.databases.keys().map(String::as_str)));
    };
    match database.schemas.get(&path.schema) {
        Some(schema) => Ok(schema.id),
        None => Err(Error::no_schema(&path.schema, database.schemas.keys().map(String::as_str))),
    }
}

/// What already bears the name of a new object.
pub(crate) fn existing<'a>(catalog: &'a CatalogState, path: &ObjectPath) -> Option<&'a Object> {
    catalog.object(path)
}

/// The table at `path`, for a statement that writes into it.
pub(crate) fn table_for_writing(
    catalog: &CatalogState,
    path: &ObjectPath,
) -> Result<Arc<crate::catalog::TableDef>> {
    if path.schema == SYSTEM_SCHEMA || path.schema == INFORMATION_SCHEMA {
        return Err(Error::new(
            crate::error::ErrorKind::Invalid,
            "42809",
            format!("table {path} is computed: it cannot be written"),
        ));
    }
    match catalog.object(path) {
        Some(Object::Table(table)) => Ok(Arc::clone(table)),
        Some(Object::View(_)) => Err(Error::new(
            crate::error::ErrorKind::Invalid,
            "42809",
            format!("{path} is a view: it cannot be written"),
        )),
        None => Err(missing(catalog, path)),
    }
}

/// The error for a table or view that does not exist.
pub(crate) fn missing(catalog: &CatalogState, path: &ObjectPath) -> Error {
    if let Err(error) = schema_for_new(catalog, path) {
        return error;
    }
    let known = catalog.schema(&path.database, &path.schema).map(|schema| &schema.objects);
    Error::no_table(&path.to_string(), known.into_iter().flatten().map(|(name, _)| name.as_str()))
}

/// `DROP TABLE`, `DROP VIEW`.
pub(crate) async fn drop_objects(
    context: &mut Context<'_>,
    work: &Work,
    drop: &Drop,
    kind: ObjectKind,
) -> Result<Written> {
    if drop.cascade {
        return Err(Error::unsupported("DROP … CASCADE")
            .with_hint("nothing depends on a table but views, which stay"));
    }
    let catalog = catalog_of(context, work).await?;
    let mut dropped = BTreeSet::new();
    for name in &drop.names {
        let path = context.path(name)?;
        match (catalog.object(&path), kind) {
            (Some(Object::Table(_)), ObjectKind::Table) | (Some(Object::View(_)), ObjectKind::View) => {
                let schema = schema_for_new(&catalog, &path)?;
                keys::delete(&work.transaction, keys::object(schema, &path.name))?;
                dropped.insert(path.to_string());
            }
            (Some(_), _) => {
                return Err(Error::new(
                    crate::error::ErrorKind::Invalid,
                    "42809",
                    format!("{path} is not a {}", kind.name()),
                )
                .at(name.position));
            }
            (None, _) if drop.if_exists => {
                context.notices.push(Notice::new(format!("{} {path} does not exist, skipping", kind.name())));
            }
            (None, _) => return Err(missing(&catalog, &path).at(name.position)),
        }
    }
    let tag = match kind {
        ObjectKind::Table => "DROP TABLE",
        ObjectKind::View => "DROP VIEW",
    };
    Ok(Written::new(Outcome::done(tag), dropped.into_iter().collect()))
}

/// The keyspaces of tables that a transaction drops: those of its beginning that are no longer there. What it wrote into
/// tables that it created and dropped itself is taken back.
pub(crate) async fn finish_drops(shared: &Shared, transaction: &Arc<Transaction>) -> Result<Vec<KeyspaceId>> {
    if !transaction.has_written(system::CATALOG) {
        return Ok(Vec::new());
    }
    let before = shared.catalog.at(&Reader::View(transaction.view().clone())).await?;
    let after = shared.catalog.at(&Reader::of_transaction(transaction)).await?;
    let (before, after) = (before.keyspaces(), after.keyspaces());
    transaction.discard(|keyspace| {
        !keyspace.is_system() && !before.contains(&keyspace) && !after.contains(&keyspace)
    })?;
    Ok(before.difference(&after).copied().collect())
}
