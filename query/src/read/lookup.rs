//! Lookups of queries, and what they share with those of changes.

use std::sync::Arc;

use datafusion::{common::ScalarValue, logical_expr::LogicalPlan};
use sqlparser::ast;

use super::query::plan_query;
use crate::{
    catalog::{BoundTable, Object},
    error::{Error, Result},
    lookup::{BoundTemplate, Lookup, LookupOutcome, LookupStatement, TemplateBody, table_of},
    moment::Reader,
    parse::PointId,
    statement::{Context, Parameters, Rows},
};

/// A statement that may name one row of a table.
pub(crate) struct LookupRequest<'r> {
    pub table: &'r Arc<BoundTable>,
    pub statement: LookupStatement<'r>,
}

/// A statement that is run as a lookup, with its constants and what it reads.
pub(crate) struct PreparedLookup {
    pub lookup: Arc<Lookup>,
    pub constants: Vec<ScalarValue>,
    pub reader: Reader,
}

impl PreparedLookup {
    /// Reads the row.
    pub(crate) async fn run(&self) -> LookupOutcome {
        self.lookup.run(&self.reader, &self.constants).await
    }
}

/// Lookup of a statement, as far as it is known.
pub(crate) enum KnownLookup {
    /// The lookup, with the statement's constants.
    Compiled(Arc<Lookup>, Vec<ScalarValue>),
    /// The template has to be planned to find out.
    Unknown(BoundTemplate),
}

/// Lookup of a statement, as far as it is known; none when it has to be planned.
pub(crate) fn known_lookup(context: &Context<'_>, request: &LookupRequest<'_>) -> Option<KnownLookup> {
    let settings = &context.session.settings;
    let bound = BoundTemplate::of(
        context.template,
        request.statement,
        request.table,
        context.parameters,
        &settings.search,
        settings.time_zone,
    )?;
    match context.database.lookups.get(&bound, request.table) {
        Some(lookup) => Some(KnownLookup::Compiled(lookup?, bound.into_constants())),
        None => Some(KnownLookup::Unknown(bound)),
    }
}

/// Takes the plan of a template apart, and remembers what came of it.
pub(crate) fn compile_lookup(
    context: &Context<'_>,
    request: &LookupRequest<'_>,
    bound: BoundTemplate,
    plan: Result<LogicalPlan>,
) -> Option<(Arc<Lookup>, Vec<ScalarValue>)> {
    let compile = |plan: LogicalPlan| {
        Lookup::compile(&plan, bound.types(), request.table, &context.state).ok().flatten()
    };
    // A template that cannot be planned without its constants is planned with them, every time.
    let lookup = plan.ok().and_then(compile).map(Arc::new);
    let constants = context.database.lookups.remember(bound, request.table, lookup.clone());
    lookup.map(|lookup| (lookup, constants))
}

/// The rows of a query that names one row by its key; none when it has to be planned.
pub(super) async fn select(context: &mut Context<'_>, query: &ast::Query) -> Result<Option<Rows>> {
    let notices_before = context.notices.len();
    let rows = match of_query(context, query).await? {
        Some(prepared) => match prepared.run().await {
            LookupOutcome::Rows(rows) => {
                Some(Rows::of_result(Arc::clone(prepared.lookup.shown_schema()), rows))
            }
            LookupOutcome::Planned => None,
        },
        None => None,
    };
    if rows.is_none() {
        // Planning tells them again.
        context.notices.truncate(notices_before);
    }
    Ok(rows)
}

/// Whether a query is run as a lookup.
pub(crate) async fn is_lookup(context: &mut Context<'_>, query: &ast::Query) -> Result<bool> {
    let notices_before = context.notices.len();
    let prepared = of_query(context, query).await?;
    context.notices.truncate(notices_before);
    Ok(prepared.is_some())
}

async fn of_query(context: &mut Context<'_>, query: &ast::Query) -> Result<Option<PreparedLookup>> {
    let Some((name, point)) = table_of(query) else { return Ok(None) };
    let Some(path) = context.session.settings.search.path_of_tree(name) else { return Ok(None) };
    let default = context.default_moment().await?;
    let parsed = context.parsed;
    let moment = match (parsed.points.len(), point.or(parsed.default_point)) {
        (0, None) => default,
        (1, Some(PointId(index))) => context.point(index).await?,
        _ => return Ok(None),
    };
    let Some(Object::Table(table)) = moment.catalog.object(&path) else { return Ok(None) };
    let Ok(reader) = moment.reader_of(table) else { return Ok(None) };
    let request = LookupRequest { table, statement: LookupStatement::Query(query) };
    let found = match known_lookup(context, &request) {
        None => None,
        Some(KnownLookup::Compiled(lookup, constants)) => Some((lookup, constants)),
        Some(KnownLookup::Unknown(bound)) => {
            let notices_before = context.notices.len();
            let plan = plan_template(context, &bound).await;
            context.notices.truncate(notices_before);
            compile_lookup(context, &request, bound, plan)
        }
    };
    Ok(found.map(|(lookup, constants)| PreparedLookup { lookup, constants, reader }))
}

async fn plan_template(context: &mut Context<'_>, bound: &BoundTemplate) -> Result<LogicalPlan> {
    let TemplateBody::Query(query) = bound.body() else {
        return Err(Error::internal("the template of a query is no query"));
    };
    let values = bound.values();
    plan_query(context, query, Parameters { values: &values, open: bound.types().len() }).await
}
