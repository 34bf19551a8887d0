//! The columns of views: those of the plan of their text, at the moment they are looked at.

use std::sync::Arc;

use arrow::datatypes::FieldRef;
use futures::future::BoxFuture;
use sqlparser::ast;

use super::{Names, Resolver};
use crate::{
    error::Result,
    moment::OpenMoment,
    names::{ObjectPath, SearchPath},
    parse::{self, ReadStatement, Statement},
    statement::{Database, Depth, OpenMoments},
    time::TimeZone,
};

/// The columns of the view at `path`, which exists.
///
/// # Errors
/// Errors of planning it: what it reads may have been dropped.
pub(crate) fn view_columns<'a>(
    database: &'a Arc<Database>,
    moment: &'a OpenMoment,
    path: &'a ObjectPath,
) -> BoxFuture<'a, Result<Vec<FieldRef>>> {
    Box::pin(Depth::large().on_stack(Box::pin(planned_columns(database, moment, path))))
}

async fn planned_columns(
    database: &Arc<Database>,
    moment: &OpenMoment,
    path: &ObjectPath,
) -> Result<Vec<FieldRef>> {
    let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
    let parts = [&path.database, &path.schema, &path.name].map(|name| quoted(name));
    let parsed = parse::parse(&format!("SELECT * FROM {}", parts.join(".")))?;
    let Statement::Read(ReadStatement::Query(query)) = &parsed.statement else { return Ok(Vec::new()) };
    let now = database.wall_now();
    let state = database.lazy_state(TimeZone::UTC, now, database.query_memory);
    let search = SearchPath::new(&path.database, &path.schema);
    let resolver = Resolver::new(OpenMoments::new(database, TimeZone::UTC, now), &state, &[], &search);
    let (resolution, _) = Box::pin(resolver.resolve(moment.as_default(), &parsed)).await?;
    let names = Names::new(Arc::clone(&state), resolution, search.clone());
    let plan = names.plan(ast::Statement::Query(query.clone()))?;
    Ok(plan.schema().fields().iter().cloned().collect())
}
