//! `CREATE VIEW`.

use std::sync::Arc;

use sqlparser::ast;

use super::{check_name, existing, schema_for_new};
use crate::{
    catalog::{Object, ViewDef, keys},
    error::{Error, Result, SqlState},
    names::internal::shown_name,
    parse::CreateView,
    statement::{Context, Notice, Outcome, Work, WriteOutcome},
};

/// `CREATE [OR REPLACE] VIEW`.
pub(super) async fn create_view(
    context: &mut Context<'_>,
    work: &Work,
    create: &CreateView,
) -> Result<WriteOutcome> {
    let path = context.path(&create.name)?;
    check_name("view", &path.name)?;
    let catalog = context.catalog_of(work).await?;
    let schema_id = schema_for_new(&catalog, &path)?;
    let outcome = Outcome::done("CREATE VIEW");
    match existing(&catalog, &path) {
        None => {}
        Some(Object::View(_)) if create.or_replace => {}
        Some(_) if create.if_not_exists => {
            context.notices.push(Notice::new(format!("{path} exists already, skipping")));
            return Ok(WriteOutcome::new(outcome, Vec::new()));
        }
        Some(_) => return Err(Error::table_exists(&path.to_string()).at(create.name.position)),
    }
    // The view must be plannable now, and must not read itself.
    let default = context.default_moment().await?;
    let resolution = context.resolve(default).await?;
    let plan = context.names(&resolution).plan(ast::Statement::Query(create.query.clone()))?;
    if !plan.get_parameter_names()?.is_empty() {
        return Err(Error::new(SqlState::UndefinedParameter, "a view cannot have parameters"));
    }
    let width = plan.schema().fields().len();
    if !create.columns.is_empty() && create.columns.len() != width {
        return Err(Error::invalid_definition(format!(
            "view {path} names {} columns, its query has {width}",
            create.columns.len()
        )));
    }
    let names: Vec<&str> = if create.columns.is_empty() {
        plan.schema().fields().iter().map(|field| shown_name(field.name())).collect()
    } else {
        create.columns.iter().map(String::as_str).collect()
    };
    for (index, name) in names.iter().enumerate() {
        if names[..index].contains(name) {
            return Err(Error::duplicate_column(name));
        }
    }
    let view = ViewDef {
        id: context.database.store.new_keyspace_id().get(),
        query: create.query_text.clone(),
        database: context.session.settings.search.database.clone(),
        schema: context.session.settings.search.schema.clone(),
        columns: create.columns.clone(),
    };
    keys::put_object(&work.transaction, schema_id, &path.name, &Object::View(Arc::new(view)))?;
    Ok(WriteOutcome::new(outcome, vec![path.to_string()]))
}
