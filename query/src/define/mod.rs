//! Changes of the catalog: tables, views, schemas, databases.
//!
//! Every change is a write of the statement's transaction, see [`crate::catalog`]; the files of a dropped
//! table go when nothing can read them any more.

mod namespaces;
mod tables;
mod views;

use std::{collections::BTreeSet, sync::Arc};

use bygone_mvcc::check_name as check_object_name;

pub(crate) use tables::{define_table, planned_defaults};

use crate::{
    catalog::{BoundTable, CatalogState, INFORMATION_SCHEMA, Object, SYSTEM_SCHEMA, keys},
    error::{Error, Result},
    names::ObjectPath,
    parse::{DefineStatement, Drop},
    statement::{Context, Notice, Outcome, Work, WriteOutcome},
};

/// Runs a statement that defines what exists.
pub(crate) async fn run(
    context: &mut Context<'_>,
    work: &Work,
    statement: &DefineStatement,
) -> Result<WriteOutcome> {
    match statement {
        DefineStatement::CreateTable(create) => tables::create_table(context, work, create).await,
        DefineStatement::DropTable(drop) => drop_objects(context, work, drop, ObjectKind::Table).await,
        DefineStatement::CreateView(create) => views::create_view(context, work, create).await,
        DefineStatement::DropView(drop) => drop_objects(context, work, drop, ObjectKind::View).await,
        DefineStatement::CreateSchema(create) => namespaces::create_schema(context, work, create).await,
        DefineStatement::DropSchema(drop) => namespaces::drop_schemas(context, work, drop).await,
        DefineStatement::CreateDatabase(create) => namespaces::create_database(context, work, create).await,
        DefineStatement::DropDatabase(drop) => namespaces::drop_databases(context, work, drop).await,
    }
}

/// Kind of object that `DROP` is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ObjectKind {
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

/// Checks the name of a new object.
pub(crate) fn check_name(what: &str, name: &str) -> Result<()> {
    let wrong = |message: String| Error::new(crate::error::SqlState::InvalidName, message);
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
            crate::error::SqlState::InsufficientPrivilege,
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

/// Object that already bears the name of a new one.
pub(crate) fn existing<'a>(catalog: &'a CatalogState, path: &ObjectPath) -> Option<&'a Object> {
    catalog.object(path)
}

/// The table at `path`, for a statement that writes into it.
pub(crate) fn table_for_writing(catalog: &CatalogState, path: &ObjectPath) -> Result<Arc<BoundTable>> {
    if path.schema == SYSTEM_SCHEMA || path.schema == INFORMATION_SCHEMA {
        return Err(Error::new(
            crate::error::SqlState::WrongObjectType,
            format!("table {path} is computed: it cannot be written"),
        ));
    }
    match catalog.object(path) {
        Some(Object::Table(table)) => Ok(Arc::clone(table)),
        Some(Object::View(_)) => Err(Error::new(
            crate::error::SqlState::WrongObjectType,
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
async fn drop_objects(
    context: &mut Context<'_>,
    work: &Work,
    drop: &Drop,
    kind: ObjectKind,
) -> Result<WriteOutcome> {
    if drop.cascade {
        return Err(Error::unsupported("DROP … CASCADE")
            .with_hint("nothing depends on a table but views, which stay"));
    }
    let catalog = context.catalog_of(work).await?;
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
                    crate::error::SqlState::WrongObjectType,
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
    Ok(WriteOutcome::new(Outcome::done(tag), dropped.into_iter().collect()))
}
