//! Schemas and databases.

use crate::{
    catalog::{DatabaseEntry, INFORMATION_SCHEMA, NamespaceRow, SYSTEM_SCHEMA, SchemaEntry, keys},
    error::{Error, ErrorKind, Result, SqlState},
    names::{DEFAULT_DATABASE, DEFAULT_SCHEMA},
    parse::{CreateNamed, Drop, Name},
    statement::{Context, Notice, Outcome, Work, WriteOutcome},
};

use super::check_name;

/// Database and name of a written schema name.
fn schema_path(context: &Context<'_>, name: &Name) -> Result<(String, String)> {
    match name.parts.as_slice() {
        [schema] => Ok((context.session.settings.search.database.clone(), schema.clone())),
        [database, schema] => Ok((database.clone(), schema.clone())),
        _ => Err(Error::syntax(format!("{name} has too many parts")).at(name.position)),
    }
}

fn single(name: &Name) -> Result<&str> {
    match name.parts.as_slice() {
        [one] => Ok(one),
        _ => Err(Error::syntax(format!("{name} has too many parts")).at(name.position)),
    }
}

/// `CREATE SCHEMA`.
pub(super) async fn create_schema(
    context: &mut Context<'_>,
    work: &Work,
    create: &CreateNamed,
) -> Result<WriteOutcome> {
    let (database, schema) = schema_path(context, &create.name)?;
    check_name("schema", &schema)?;
    if schema.starts_with("pg_") {
        let message = format!("schema name {schema} is reserved: pg_ begins the names of system schemas");
        return Err(Error::new(SqlState::ReservedName, message).at(create.name.position));
    }
    let catalog = context.catalog_of(work).await?;
    let Some(entry) = catalog.databases.get(&database) else {
        return Err(Error::no_database(&database, catalog.databases.keys().map(String::as_str)));
    };
    let taken =
        entry.schemas.contains_key(&schema) || schema == SYSTEM_SCHEMA || schema == INFORMATION_SCHEMA;
    if taken {
        if !create.if_not_exists {
            return Err(Error::schema_exists(&schema).at(create.name.position));
        }
        context.notices.push(Notice::new(format!("schema {schema} exists already, skipping")));
    } else {
        let row = NamespaceRow { id: context.database.store.new_keyspace_id().get(), public_schema: None };
        keys::put_namespace(&work.transaction, keys::schema(entry.id, &schema), &row)?;
    }
    Ok(WriteOutcome::new(Outcome::done("CREATE SCHEMA"), Vec::new()))
}

/// `CREATE DATABASE`.
pub(super) async fn create_database(
    context: &mut Context<'_>,
    work: &Work,
    create: &CreateNamed,
) -> Result<WriteOutcome> {
    let name = single(&create.name)?;
    check_name("database", name)?;
    let catalog = context.catalog_of(work).await?;
    if catalog.databases.contains_key(name) {
        if !create.if_not_exists {
            return Err(Error::database_exists(name).at(create.name.position));
        }
        context.notices.push(Notice::new(format!("database {name} exists already, skipping")));
    } else {
        let store = &context.database.store;
        let row = NamespaceRow {
            id: store.new_keyspace_id().get(),
            public_schema: Some(store.new_keyspace_id().get()),
        };
        keys::put_namespace(&work.transaction, keys::database(name), &row)?;
    }
    Ok(WriteOutcome::new(Outcome::done("CREATE DATABASE"), Vec::new()))
}

/// `DROP SCHEMA`.
pub(super) async fn drop_schemas(
    context: &mut Context<'_>,
    work: &Work,
    drop: &Drop,
) -> Result<WriteOutcome> {
    let catalog = context.catalog_of(work).await?;
    for name in &drop.names {
        let (database, schema) = schema_path(context, name)?;
        let Some(owner) = catalog.databases.get(&database) else {
            return Err(Error::no_database(&database, catalog.databases.keys().map(String::as_str)));
        };
        if [DEFAULT_SCHEMA, SYSTEM_SCHEMA, INFORMATION_SCHEMA].contains(&schema.as_str()) {
            return Err(Error::unsupported(format!("dropping schema {schema}")).at(name.position));
        }
        match owner.schemas.get(&schema) {
            Some(entry) => {
                drop_contents(work, &schema, entry, drop.cascade)?;
                keys::delete(&work.transaction, keys::schema(owner.id, &schema))?;
            }
            None if drop.if_exists => {
                context.notices.push(Notice::new(format!("schema {schema} does not exist, skipping")));
            }
            None => {
                return Err(
                    Error::no_schema(&schema, owner.schemas.keys().map(String::as_str)).at(name.position)
                );
            }
        }
    }
    Ok(WriteOutcome::new(Outcome::done("DROP SCHEMA"), Vec::new()))
}

/// `DROP DATABASE`.
pub(super) async fn drop_databases(
    context: &mut Context<'_>,
    work: &Work,
    drop: &Drop,
) -> Result<WriteOutcome> {
    let catalog = context.catalog_of(work).await?;
    for name in &drop.names {
        let database = single(name)?;
        if database == DEFAULT_DATABASE || database == context.session.settings.search.database {
            return Err(Error::new(
                SqlState::ObjectInUse,
                format!("database {database} is in use: it cannot be dropped"),
            )
            .of_kind(ErrorKind::Invalid)
            .at(name.position));
        }
        match catalog.databases.get(database) {
            Some(entry) => drop_database(work, database, entry, drop.cascade)?,
            None if drop.if_exists => {
                context.notices.push(Notice::new(format!("database {database} does not exist, skipping")));
            }
            None => {
                let known = catalog.databases.keys().map(String::as_str);
                return Err(Error::no_database(database, known).at(name.position));
            }
        }
    }
    Ok(WriteOutcome::new(Outcome::done("DROP DATABASE"), Vec::new()))
}

fn drop_database(work: &Work, name: &str, entry: &DatabaseEntry, cascade: bool) -> Result<()> {
    for (schema_name, schema) in &entry.schemas {
        drop_contents(work, &format!("{name}.{schema_name}"), schema, cascade)?;
        if schema_name != DEFAULT_SCHEMA {
            keys::delete(&work.transaction, keys::schema(entry.id, schema_name))?;
        }
    }
    keys::delete(&work.transaction, keys::database(name))
}

fn drop_contents(work: &Work, name: &str, schema: &SchemaEntry, cascade: bool) -> Result<()> {
    if !schema.objects.is_empty() && !cascade {
        let names: Vec<&str> = schema.objects.keys().take(5).map(String::as_str).collect();
        return Err(Error::new(
            SqlState::DependentObjectsStillExist,
            format!("schema {name} is not empty: it holds {}", names.join(", ")),
        )
        .with_hint("drop them first, or write CASCADE"));
    }
    for object in schema.objects.keys() {
        keys::delete(&work.transaction, keys::object(schema.id, object))?;
    }
    Ok(())
}
