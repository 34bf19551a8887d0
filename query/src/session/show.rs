//! Settings and what exists: `SET`, `RESET`, `USE`, `SHOW`.

use super::{Context, Outcome, Rows, settings::canonical};
use crate::{
    catalog::{INFORMATION_SCHEMA, Object, SYSTEM_SCHEMA},
    error::{Error, Result},
    parse::{Name, Set},
    points::Point,
    system::{Columns, show_create, type_name, view_columns},
};

/// `SET`.
pub(super) async fn set(context: &mut Context<'_>, set: &Set) -> Result<Outcome> {
    if set.local {
        return Err(
            Error::unsupported("SET LOCAL").with_hint("SET lasts until RESET or the end of the session")
        );
    }
    change(context, &set.name, set.value.as_deref()).await?;
    Ok(Outcome::done("SET"))
}

async fn change(context: &mut Context<'_>, name: &str, value: Option<&str>) -> Result<()> {
    let name = canonical(name)?;
    let mut settings = context.inner.settings.clone();
    settings.set(name, value, context.now)?;
    match name {
        // A moment that cannot be read is refused now, not at the next query.
        "as_of" => {
            if let Some(text) = &settings.as_of {
                let point = Point::parse(text, settings.time_zone, context.now)?;
                context.check_point(&point).await?;
            }
        }
        "database" | "search_path" => {
            let catalog = std::sync::Arc::clone(&context.default_moment().await?.catalog);
            let Some(database) = catalog.databases.get(&settings.search.database) else {
                let known = catalog.databases.keys().map(String::as_str);
                return Err(Error::no_database(&settings.search.database, known));
            };
            let is_system = [SYSTEM_SCHEMA, INFORMATION_SCHEMA].contains(&settings.search.schema.as_str());
            if !is_system && !database.schemas.contains_key(&settings.search.schema) {
                return Err(Error::no_schema(
                    &settings.search.schema,
                    database.schemas.keys().map(String::as_str),
                ));
            }
        }
        _ => {}
    }
    context.inner.settings = settings;
    Ok(())
}

/// `RESET`.
pub(super) fn reset(context: &mut Context<'_>, name: Option<&str>) -> Result<Outcome> {
    context.inner.settings.reset(name, context.now)?;
    Ok(Outcome::done("RESET"))
}

/// `USE d`.
pub(super) async fn use_database(context: &mut Context<'_>, name: &Name) -> Result<Outcome> {
    match name.parts.as_slice() {
        [database] => {
            let before = context.inner.settings.clone();
            crate::catalog::DEFAULT_SCHEMA.clone_into(&mut context.inner.settings.search.schema);
            if let Err(error) = change(context, "database", Some(database)).await {
                context.inner.settings = before;
                return Err(error.at(name.position));
            }
        }
        [database, schema] => {
            change(context, "database", Some(database)).await?;
            change(context, "search_path", Some(schema)).await?;
        }
        _ => return Err(Error::syntax(format!("{name} has too many parts")).at(name.position)),
    }
    Ok(Outcome::done("USE"))
}

/// `SHOW name`, `SHOW ALL`.
pub(super) fn show(context: &Context<'_>, name: Option<&str>) -> Result<Outcome> {
    let settings = &context.inner.settings;
    let batch = if let Some(name) = name {
        Columns::default().text(canonical(name)?, [Some(settings.show(name)?)]).build(1)?
    } else {
        let all = settings.all();
        Columns::default()
            .text("name", all.iter().map(|row| Some(row.0)))
            .text("setting", all.iter().map(|row| Some(&row.1)))
            .build(all.len())?
    };
    Ok(Outcome::with_rows("SHOW", Rows::of_batch(batch)))
}

/// `SHOW STATS`.
pub(super) fn stats(context: &Context<'_>) -> Result<Outcome> {
    Ok(Outcome::with_rows("SHOW", Rows::of_batch(crate::system::stats(context.shared)?)))
}

/// `SHOW TABLES`.
pub(super) async fn tables(context: &mut Context<'_>) -> Result<Outcome> {
    let moment = context.default_moment().await?;
    let database = &context.inner.settings.search.database;
    let all: Vec<_> = moment.catalog.objects_of(database).collect();
    let kind = |object: &Object| match object {
        Object::Table(_) => "table",
        Object::View(_) => "view",
    };
    let batch = Columns::default()
        .text("schema", all.iter().map(|row| Some(&row.0.schema)))
        .text("name", all.iter().map(|row| Some(&row.0.name)))
        .text("kind", all.iter().map(|row| Some(kind(row.1))))
        .build(all.len())?;
    Ok(Outcome::with_rows("SHOW", Rows::of_batch(batch)))
}

/// `SHOW SCHEMAS`.
pub(super) async fn schemas(context: &mut Context<'_>) -> Result<Outcome> {
    let moment = context.default_moment().await?;
    let database = &context.inner.settings.search.database;
    let mut names: Vec<&str> = moment
        .catalog
        .databases
        .get(database)
        .into_iter()
        .flat_map(|entry| entry.schemas.keys())
        .map(String::as_str)
        .collect();
    names.extend([SYSTEM_SCHEMA, INFORMATION_SCHEMA]);
    let batch = Columns::default().text("schema", names.iter().map(Some)).build(names.len())?;
    Ok(Outcome::with_rows("SHOW", Rows::of_batch(batch)))
}

/// `SHOW DATABASES`.
pub(super) async fn databases(context: &mut Context<'_>) -> Result<Outcome> {
    let moment = context.default_moment().await?;
    let names: Vec<&String> = moment.catalog.databases.keys().collect();
    let batch = Columns::default().text("database", names.iter().map(Some)).build(names.len())?;
    Ok(Outcome::with_rows("SHOW", Rows::of_batch(batch)))
}

/// `SHOW COLUMNS FROM t`, `DESCRIBE t`.
pub(super) async fn columns(context: &mut Context<'_>, name: &Name) -> Result<Outcome> {
    let moment = context.default_moment().await?;
    let path = context.path(name)?;
    let table = match moment.find(&path).map_err(|error| error.at(name.position))? {
        Object::Table(table) => table,
        Object::View(_) => {
            let all = view_columns(context.shared, &moment, &path).await?;
            let batch = Columns::default()
                .text("column", all.iter().map(|field| Some(field.name())))
                .text("type", all.iter().map(|field| Some(type_name(field))))
                .boolean("nullable", all.iter().map(|_| Some(true)))
                .text("default", all.iter().map(|_| None::<&str>))
                .integer("primary_key", all.iter().map(|_| None))
                .build(all.len())?;
            return Ok(Outcome::with_rows("SHOW", Rows::of_batch(batch)));
        }
    };
    let all: Vec<_> = table.columns.iter().enumerate().collect();
    let key = |index: usize| {
        table.primary_key.iter().position(|&key| key == index).map(|position| position as i64 + 1)
    };
    let batch = Columns::default()
        .text("column", all.iter().map(|row| Some(&row.1.name)))
        .text("type", all.iter().map(|row| Some(row.1.column_type.to_string())))
        .boolean("nullable", all.iter().map(|row| Some(row.1.nullable)))
        .text("default", all.iter().map(|row| row.1.default.as_ref()))
        .integer("primary_key", all.iter().map(|row| key(row.0)))
        .build(all.len())?;
    Ok(Outcome::with_rows("SHOW", Rows::of_batch(batch)))
}

/// `SHOW CREATE TABLE t`.
pub(super) async fn create(context: &mut Context<'_>, name: &Name) -> Result<Outcome> {
    let moment = context.default_moment().await?;
    let path = context.path(name)?;
    let object = moment.find(&path).map_err(|error| error.at(name.position))?;
    let batch = Columns::default()
        .text("name", [Some(path.to_string())])
        .text("statement", [Some(show_create(&path, &object))])
        .build(1)?;
    Ok(Outcome::with_rows("SHOW", Rows::of_batch(batch)))
}
