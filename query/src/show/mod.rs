//! Statements that list what exists: `SHOW`, `DESCRIBE`.

use crate::{
    catalog::{INFORMATION_SCHEMA, Object, SYSTEM_SCHEMA},
    error::Result,
    parse::{Name, ShowStatement},
    plan::view_columns,
    statement::{Columns, Context, Outcome, Rows, canonical},
    system::{self, show_create, type_name},
};

/// Runs a listing.
pub(crate) async fn run(context: &mut Context<'_>, statement: &ShowStatement) -> Result<Outcome> {
    match statement {
        ShowStatement::Setting(name) => show(context, name.as_deref()),
        ShowStatement::Stats => stats(context),
        ShowStatement::Tables => tables(context).await,
        ShowStatement::Schemas => schemas(context).await,
        ShowStatement::Databases => databases(context).await,
        ShowStatement::Columns(name) => columns(context, name).await,
        ShowStatement::Create(name) => create(context, name).await,
    }
}

/// `SHOW name`, `SHOW ALL`.
fn show(context: &Context<'_>, name: Option<&str>) -> Result<Outcome> {
    let settings = &context.session.settings;
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
fn stats(context: &Context<'_>) -> Result<Outcome> {
    Ok(Outcome::with_rows("SHOW", Rows::of_batch(system::stats(context.database)?)))
}

/// `SHOW TABLES`.
async fn tables(context: &mut Context<'_>) -> Result<Outcome> {
    let moment = context.default_moment().await?;
    let database = &context.session.settings.search.database;
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
async fn schemas(context: &mut Context<'_>) -> Result<Outcome> {
    let moment = context.default_moment().await?;
    let database = &context.session.settings.search.database;
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
async fn databases(context: &mut Context<'_>) -> Result<Outcome> {
    let moment = context.default_moment().await?;
    let names: Vec<&String> = moment.catalog.databases.keys().collect();
    let batch = Columns::default().text("database", names.iter().map(Some)).build(names.len())?;
    Ok(Outcome::with_rows("SHOW", Rows::of_batch(batch)))
}

/// `SHOW COLUMNS FROM t`, `DESCRIBE t`.
async fn columns(context: &mut Context<'_>, name: &Name) -> Result<Outcome> {
    let moment = context.default_moment().await?;
    let path = context.path(name)?;
    let table = match moment.find(&path).map_err(|error| error.at(name.position))? {
        Object::Table(table) => table,
        Object::View(_) => {
            let all = view_columns(context.database, &moment, &path).await?;
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
async fn create(context: &mut Context<'_>, name: &Name) -> Result<Outcome> {
    let moment = context.default_moment().await?;
    let path = context.path(name)?;
    let object = moment.find(&path).map_err(|error| error.at(name.position))?;
    let batch = Columns::default()
        .text("name", [Some(path.to_string())])
        .text("statement", [Some(show_create(&path, &object))])
        .build(1)?;
    Ok(Outcome::with_rows("SHOW", Rows::of_batch(batch)))
}
