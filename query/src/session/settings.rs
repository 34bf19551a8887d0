//! Settings: `SET`, `RESET`, `USE`.

use std::sync::Arc;

use crate::{
    catalog::{INFORMATION_SCHEMA, SYSTEM_SCHEMA},
    error::{Error, Result},
    moment::Moment,
    names::DEFAULT_SCHEMA,
    parse::{Name, Set},
    statement::{Context, Outcome, canonical},
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
    let mut settings = context.session.settings.clone();
    settings.set(name, value, context.now)?;
    match name {
        // A moment that cannot be read is refused now, not at the next query.
        "as_of" => {
            if let Some(text) = &settings.as_of {
                let moment = Moment::parse(text, settings.time_zone, context.now)?;
                context.open_moment(&moment).await?;
            }
        }
        "database" | "search_path" => {
            let catalog = Arc::clone(&context.default_moment().await?.catalog);
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
    context.session.settings = settings;
    Ok(())
}

/// `RESET`.
pub(super) fn reset(context: &mut Context<'_>, name: Option<&str>) -> Result<Outcome> {
    context.session.settings.reset(name, context.now)?;
    Ok(Outcome::done("RESET"))
}

/// `USE d`.
pub(super) async fn use_database(context: &mut Context<'_>, name: &Name) -> Result<Outcome> {
    match name.parts.as_slice() {
        [database] => {
            let before = context.session.settings.clone();
            DEFAULT_SCHEMA.clone_into(&mut context.session.settings.search.schema);
            if let Err(error) = change(context, "database", Some(database)).await {
                context.session.settings = before;
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
