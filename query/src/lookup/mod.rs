//! Lookups: statements about the one row that a whole primary key names, without a plan for each of them.
//!
//! ```text
//!   tree ─▶ constants taken out ─▶ template ──known?──▶ Lookup ─▶ key ─▶ get ─▶ expressions ─▶ 0 or 1 row
//!           (template)                         └─not yet: the plan of the template, taken apart (compile)
//! ```
//!
//! A template is a `SELECT` from one table, an `UPDATE` or a `DELETE` with parameters in the place of the constants that
//! columns are compared with or set to. It is planned once, as any other statement; when its plan turns out to read one
//! row by its key and to do nothing but filter and project it, the expressions of that plan are kept.
//!
//! 1. The general path decides. Whatever a lookup is not sure of (a key that is NULL or cannot be read as its column's
//!    type, a point that cannot be read, any error before the row is read) is planned and run as ever.
//! 2. A lookup holds nothing of a moment: no view, no clock, no session. It is valid for its table as it was then, for
//!    its session's names and zone, and for the types of its constants; all of that is what it is found by.
//! 3. `EXPLAIN` shows the plan that a lookup stands for, and says that it does.
//! 4. The row is read at the moment at which the plan would have read it, and every filter of the plan is applied to it.

mod compile;
mod run;
mod template;

use std::{collections::HashMap, sync::Arc};

use arrow::{datatypes::DataType, record_batch::RecordBatch};
use datafusion::{common::ScalarValue, sql::sqlparser::ast};
use parking_lot::Mutex;

use self::{
    compile::Lookup,
    run::Found,
    template::{Body, Template, Values, Written},
};
use crate::{
    catalog::{Object, ObjectPath, TableDef},
    dml::{self, Target},
    error::Result,
    names::SearchPath,
    parse::{Delete, PointId, Update},
    points::TimeZone,
    scan::Reader,
    session::{self, Context, Parameters, Rows, Work},
};

pub(crate) use template::TemplateCache;

/// Templates that are remembered; beyond, all are forgotten.
const TEMPLATES_MAX: usize = 1_024;

/// The lookups of a database, shared by its sessions.
#[derive(Debug, Default)]
pub(crate) struct Lookups {
    known: Mutex<HashMap<Key, Known>>,
}

/// What a lookup depends on besides its table.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Key {
    template: Arc<Template>,
    search: SearchPath,
    zone: TimeZone,
    /// The types of the constants.
    types: Vec<DataType>,
    /// The parameters that are not constants of the template, if it has any.
    bound: Vec<ScalarValue>,
}

#[derive(Clone, Debug)]
struct Known {
    table: Arc<TableDef>,
    /// None when the template has to be planned every time.
    lookup: Option<Arc<Lookup>>,
}

/// A statement that may name one row, with what it is planned with.
struct Request<'r> {
    path: &'r ObjectPath,
    table: &'r Arc<TableDef>,
    statement: Written<'r>,
    /// What a change is planned with.
    change: Option<(&'r Work, &'r Target)>,
}

/// A statement that is run as a lookup, with its constants and what it reads.
struct Prepared {
    lookup: Arc<Lookup>,
    constants: Vec<ScalarValue>,
    reader: Reader,
}

impl Prepared {
    async fn run(&self) -> Found {
        self.lookup.run(&self.reader, &self.constants).await
    }
}

/// The rows of a query that names one row by its key; none when it has to be planned.
pub(crate) async fn select(context: &mut Context<'_>, query: &ast::Query) -> Result<Option<Rows>> {
    let told = context.notices.len();
    let rows = match of_query(context, query).await? {
        Some(prepared) => match prepared.run().await {
            Found::Rows(rows) => Some(Rows::of_result(Arc::clone(prepared.lookup.shown_schema()), rows)),
            Found::Planned => None,
        },
        None => None,
    };
    if rows.is_none() {
        // Planning tells them again.
        context.notices.truncate(told);
    }
    Ok(rows)
}

/// Whether a query is run as a lookup.
pub(crate) async fn is_lookup(context: &mut Context<'_>, query: &ast::Query) -> Result<bool> {
    let told = context.notices.len();
    let prepared = of_query(context, query).await?;
    context.notices.truncate(told);
    Ok(prepared.is_some())
}

async fn of_query(context: &mut Context<'_>, query: &ast::Query) -> Result<Option<Prepared>> {
    let Some((name, point)) = template::table_of(query) else { return Ok(None) };
    let settings = &context.inner.settings;
    let Some(path) = settings.search.path_of_tree(name) else { return Ok(None) };
    let default = context.default_moment().await?;
    let parsed = context.parsed;
    let moment = match (parsed.points.len(), point.or(parsed.default_point)) {
        (0, None) => default,
        (1, Some(PointId(index))) => context.point(index).await?,
        _ => return Ok(None),
    };
    let Some(Object::Table(table)) = moment.catalog.object(&path) else { return Ok(None) };
    let Ok(reader) = moment.reader_of(&path, table.keyspace_id()) else { return Ok(None) };
    let request = Request { path: &path, table, statement: Written::Query(query), change: None };
    let found = find(context, &request).await;
    Ok(found.map(|(lookup, constants)| Prepared { lookup, constants, reader }))
}

/// The row that an `UPDATE` changes, when its `WHERE` names one by its key: the key, then all columns as they will be, or
/// no batch when there is no such row. None when the statement has to be planned.
pub(crate) async fn updated(
    context: &mut Context<'_>,
    work: &Work,
    target: &Target,
    update: &Update,
) -> Option<Result<Option<RecordBatch>>> {
    changed(context, work, target, Written::Update(update)).await
}

/// The key of the row that a `DELETE` names by its key; otherwise as [`updated`].
pub(crate) async fn deleted(
    context: &mut Context<'_>,
    work: &Work,
    target: &Target,
    delete: &Delete,
) -> Option<Result<Option<RecordBatch>>> {
    changed(context, work, target, Written::Delete(delete)).await
}

/// Whether an `UPDATE` is run as a lookup.
pub(crate) async fn is_updated(
    context: &mut Context<'_>,
    work: &Work,
    target: &Target,
    update: &Update,
) -> bool {
    of_change(context, work, target, Written::Update(update)).await.is_some()
}

/// Whether a `DELETE` is run as a lookup.
pub(crate) async fn is_deleted(
    context: &mut Context<'_>,
    work: &Work,
    target: &Target,
    delete: &Delete,
) -> bool {
    of_change(context, work, target, Written::Delete(delete)).await.is_some()
}

async fn changed(
    context: &mut Context<'_>,
    work: &Work,
    target: &Target,
    statement: Written<'_>,
) -> Option<Result<Option<RecordBatch>>> {
    match of_change(context, work, target, statement).await?.run().await {
        Found::Rows(rows) => Some(rows),
        Found::Planned => None,
    }
}

async fn of_change(
    context: &mut Context<'_>,
    work: &Work,
    target: &Target,
    statement: Written<'_>,
) -> Option<Prepared> {
    let change = Some((work, target));
    let request = Request { path: &target.path, table: &target.table, statement, change };
    let (lookup, constants) = find(context, &request).await?;
    Some(Prepared { lookup, constants, reader: Reader::of_transaction(&work.transaction) })
}

/// The lookup of a statement and its constants.
async fn find(context: &mut Context<'_>, request: &Request<'_>) -> Option<(Arc<Lookup>, Vec<ScalarValue>)> {
    let templated = context.template.of(request.statement, request.table)?;
    let Values { constants, others } = templated.values(context.parameters)?;
    let settings = &context.inner.settings;
    let key = Key {
        template: Arc::clone(&templated.template),
        search: settings.search.clone(),
        zone: settings.time_zone,
        types: constants.iter().map(ScalarValue::data_type).collect(),
        bound: others,
    };
    let lookups = &context.shared.lookups;
    if let Some(known) = lookups.get(&key, request.table) {
        return known.map(|lookup| (lookup, constants));
    }
    let told = context.notices.len();
    let lookup = compile(context, request, &key, &constants).await.unwrap_or_default().map(Arc::new);
    context.notices.truncate(told);
    context.shared.lookups.remember(key, request.table, lookup.clone());
    lookup.map(|lookup| (lookup, constants))
}

/// Plans a template and takes the plan apart.
async fn compile(
    context: &mut Context<'_>,
    request: &Request<'_>,
    key: &Key,
    constants: &[ScalarValue],
) -> Result<Option<Lookup>> {
    let values: Vec<ScalarValue> = constants.iter().chain(&key.bound).cloned().collect();
    let parameters = Parameters { values: &values, open: constants.len() };
    let plan = match (&key.template.body, request.change) {
        (Body::Query(query), _) => session::plan_query(context, query, parameters).await?,
        (Body::Update(update), Some((work, target))) => {
            dml::plan_update(context, work, target, update, parameters).await?
        }
        (Body::Delete(delete), Some((work, target))) => {
            dml::plan_delete(context, work, target, delete, parameters).await?
        }
        _ => return Ok(None),
    };
    Lookup::compile(&plan, &key.types, request.path, request.table, &context.state)
        .map_err(crate::error::Error::from)
}

impl Lookups {
    /// What is known of a template over a table as it is now.
    fn get(&self, key: &Key, table: &Arc<TableDef>) -> Option<Option<Arc<Lookup>>> {
        let known = self.known.lock();
        let known = known.get(key)?;
        (Arc::ptr_eq(&known.table, table) || known.table == *table).then(|| known.lookup.clone())
    }

    fn remember(&self, key: Key, table: &Arc<TableDef>, lookup: Option<Arc<Lookup>>) {
        let mut known = self.known.lock();
        if known.len() >= TEMPLATES_MAX {
            known.clear();
        }
        known.insert(key, Known { table: Arc::clone(table), lookup });
    }
}
