//! `RESTORE`: from names at two moments to what the layer below compares and writes.
//!
//! [`RestorePlan`] says what may happen to a table. A table that is named alone must not have been replaced
//! or created since; a database takes all four.
//!
//! A database that was dropped, and perhaps created again under other ids, comes back with its old ids: every
//! row of the catalog that describes it is put back, its own row too, and what hangs on the newer ids goes.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use bygone_engine::types::Timestamp;
use bygone_mvcc::{CommitRecord, system};
use bygone_snapshots::{
    SnapshotScope, key_history,
    restore::{self as core, RestorePlan, RestoreReport, RestoreRequest, TargetReport},
};
use bytes::Bytes;

use super::snapshots::{database_of, keyspaces_of};
use crate::{
    catalog::{BoundTable, CatalogState, NamespaceRow, Object, ObjectRow, keys},
    error::{Error, Result, SqlState},
    moment::OpenMoment,
    names::{DEFAULT_DATABASE, DEFAULT_SCHEMA, ObjectPath},
    parse::{Restore, Scope},
    statement::{Columns, Context, Database, Notice, Outcome, Progress, Rows},
    time::display_timestamp,
};

/// Undone commits that are listed one by one.
const UNDONE_LISTED: usize = 20;

/// Changes of a restore, and notices about tables and views as such.
#[derive(Debug)]
struct RestoreChanges {
    plan: RestorePlan,
    notices: Vec<String>,
}

/// `RESTORE {DATABASE | TABLE …} TO point`.
pub(super) async fn restore(context: &mut Context<'_>, restore: &Restore) -> Result<Outcome> {
    context.check_alone("RESTORE")?;
    context.check_writable()?;
    let then = context.point(restore.point.0).await?;
    let now = context.default_moment().await?;
    let plan = RestorePlan::new(then.timestamp()).seen_at(now.timestamp());
    let mut changes = RestoreChanges { plan, notices: Vec::new() };
    let mut safety_scope = None;
    match &restore.scope {
        Scope::Tables(names) => {
            for name in names {
                let path = context.path(name)?;
                add_table(context.database, &mut changes, &then, &now, &path)
                    .await
                    .map_err(|error| error.at(name.position))?;
            }
        }
        Scope::Database(_) => {
            let name = database_of(context, &then.catalog, &restore.scope)?;
            add_database(context.database, &mut changes, &then, &now, &name).await?;
            // Tables that go must be readable at the moment before as well.
            let keyspaces = keyspaces_of(&now.catalog, &name);
            safety_scope = Some(SnapshotScope::OneDatabase { name, keyspaces });
        }
    }
    let writes = changes.plan.writes();
    if !writes.is_empty() {
        let (key, value) = keys::version_write();
        writes.put(system::CATALOG, key, value);
    }
    let if_unchanged_since = match &restore.if_unchanged_since {
        Some(expr) => Some(context.version(expr)?),
        None => None,
    };
    let names = changes.plan.names().map(str::to_owned).collect();
    let request = RestoreRequest {
        safety_scope,
        if_unchanged_since,
        wait_us: context.session.settings.lock_timeout_us,
        meta: context.meta("RESTORE", names),
        progress: context
            .progress
            .clone()
            .map(|progress| Arc::new(ProgressAdapter(progress)) as Arc<dyn core::RestoreProgress>),
        ..RestoreRequest::new(changes.plan)
    };
    let report = if restore.dry_run {
        core::dry_run(&context.database.snapshots, &request).await?
    } else {
        core::run(&context.database.snapshots, request).await?
    };
    if let Some(progress) = &context.progress {
        progress.finish();
    }
    context.notices.extend(changes.notices.into_iter().map(Notice::new));
    describe(context, &report, restore.dry_run);
    let mut outcome = Outcome::with_rows("RESTORE", Rows::of_batch(rows(&report)?));
    outcome.version = report.commit.map(|commit| commit.timestamp);
    outcome.affected = Some(report.targets.iter().map(TargetReport::rows).sum());
    Ok(outcome)
}

/// Passes on how far a restore is.
struct ProgressAdapter(Arc<dyn Progress>);

impl core::RestoreProgress for ProgressAdapter {
    fn compared(&self, target: &str, keys: u64) {
        self.0.report(&format!("comparing {target}, rows that differ"), keys, None);
    }

    fn committing(&self) {
        self.0.report("committing", 0, None);
    }
}

async fn add_table(
    database: &Database,
    changes: &mut RestoreChanges,
    then: &Arc<OpenMoment>,
    now: &Arc<OpenMoment>,
    path: &ObjectPath,
) -> Result<()> {
    if let Some(Object::View(_)) = then.catalog.object(path) {
        return Err(
            Error::unsupported("restoring a view alone").with_hint("RESTORE DATABASE brings views back too")
        );
    }
    then.find(path)?;
    let Some(old) = then.catalog.table(path) else {
        return Err(Error::internal("a table is neither table nor view"));
    };
    then.reader_of(old)?;
    if changes.plan.has(old.id) {
        return Err(Error::syntax(format!("table {path} is named twice")));
    }
    match now.catalog.object(path) {
        Some(Object::Table(new)) if new.id == old.id => {
            if new != old {
                return Err(Error::unsupported(format!(
                    "restoring table {path}, whose definition changed since,"
                )));
            }
            let schema = now.catalog.schema(&path.database, &path.schema);
            let guard = schema.map(|schema| (system::CATALOG, keys::object(schema.id, &path.name)));
            changes.plan.keep(old.object_ref(), guard);
        }
        Some(_) => {
            return Err(Error::new(
                SqlState::DuplicateTable,
                format!("table {path} was dropped since, and another of that name was created"),
            )
            .with_hint("drop the new one first, or restore the database"));
        }
        None => {
            let Some(schema) = now.catalog.schema(&path.database, &path.schema) else {
                return Err(Error::no_schema(&path.schema, [])
                    .with_hint("create the schema first, or restore the database"));
            };
            let object = Object::Table(Arc::clone(old));
            let key = keys::object(schema.id, &path.name);
            changes.plan.writes().put(system::CATALOG, key, keys::encode(&object.row())?);
            bring_back(database, changes, then, old).await?;
        }
    }
    Ok(())
}

/// A dropped table comes back.
async fn bring_back(
    database: &Database,
    changes: &mut RestoreChanges,
    then: &Arc<OpenMoment>,
    table: &BoundTable,
) -> Result<()> {
    // The history of its row is under the schema it was in, whatever schema has that name now.
    let path = table.path();
    let schema = then.catalog.schema(&path.database, &path.schema).map_or(0, |schema| schema.id);
    let dropped = dropped_at(database, &keys::object(schema, &path.name), table.id).await?;
    then.reader_of(table)?;
    changes.plan.bring_back(table.object_ref(), dropped);
    changes.notices.push(format!("table {path}, which was dropped since, comes back"));
    Ok(())
}

/// When the table with this id went from the catalog row `key`.
async fn dropped_at(database: &Database, key: &Bytes, id: u64) -> Result<Timestamp> {
    let through = database.store.view_now().timestamp();
    let history = key_history(&database.store, system::CATALOG, key, Timestamp::default(), through).await?;
    let of_table = history.iter().find(|entry| {
        entry
            .value
            .as_deref()
            .and_then(|row| serde_json::from_slice::<ObjectRow>(row).ok())
            .is_some_and(|object| matches!(object, ObjectRow::Table(table) if table.id == id))
    });
    Ok(of_table.map_or(through, |entry| entry.end.min(through)))
}

/// The rows of the catalog that describe one database, by key.
fn catalog_rows(catalog: &CatalogState, database: &str) -> Result<BTreeMap<Bytes, Bytes>> {
    let mut rows = BTreeMap::new();
    let Some(entry) = catalog.databases.get(database) else { return Ok(rows) };
    if database != DEFAULT_DATABASE {
        let public_schema = entry.schemas.get(DEFAULT_SCHEMA).map(|schema| schema.id);
        let row = NamespaceRow { id: entry.id, public_schema };
        rows.insert(keys::database(database), keys::encode(&row)?);
    }
    for (name, schema) in &entry.schemas {
        if name != DEFAULT_SCHEMA {
            let row = NamespaceRow { id: schema.id, public_schema: None };
            rows.insert(keys::schema(entry.id, name), keys::encode(&row)?);
        }
        for (object_name, object) in &schema.objects {
            rows.insert(keys::object(schema.id, object_name), keys::encode(&object.row())?);
        }
    }
    Ok(rows)
}

async fn add_database(
    database: &Database,
    changes: &mut RestoreChanges,
    then: &Arc<OpenMoment>,
    now: &Arc<OpenMoment>,
    name: &str,
) -> Result<()> {
    if !then.catalog.databases.contains_key(name) {
        return Err(Error::no_database(name, then.catalog.databases.keys().map(String::as_str)));
    }
    let before = catalog_rows(&then.catalog, name)?;
    let after = catalog_rows(&now.catalog, name)?;
    for (key, row) in &before {
        if after.get(key) != Some(row) {
            changes.plan.writes().put(system::CATALOG, key.clone(), row.clone());
        }
    }
    for key in after.keys().filter(|key| !before.contains_key(*key)) {
        changes.plan.writes().delete(system::CATALOG, key.clone());
    }
    let old: Vec<_> = then.catalog.tables_of(name).collect();
    let new: Vec<_> = now.catalog.tables_of(name).collect();
    for table in &old {
        then.reader_of(table)?;
        if new.iter().any(|other| other.id == table.id) {
            changes.plan.keep(table.object_ref(), None);
        } else {
            bring_back(database, changes, then, table).await?;
        }
    }
    for table in new.iter().filter(|table| !old.iter().any(|other| other.id == table.id)) {
        changes.plan.remove(table.object_ref());
        changes.notices.push(format!("table {}, which was created since, goes", table.path()));
    }
    describe_views(changes, &then.catalog, &now.catalog, name);
    if changes.plan.is_empty() {
        return Err(Error::invalid_value(format!("database {name} is empty, then and now")));
    }
    Ok(())
}

/// Says which views come back, change back or go.
fn describe_views(changes: &mut RestoreChanges, then: &CatalogState, now: &CatalogState, database: &str) {
    let view_at = |catalog: &CatalogState, path: &ObjectPath| match catalog.object(path) {
        Some(Object::View(view)) => Some(Arc::clone(view)),
        Some(Object::Table(_)) | None => None,
    };
    let paths: BTreeSet<ObjectPath> =
        then.objects_of(database).chain(now.objects_of(database)).map(|(path, _)| path).collect();
    for path in paths {
        let words = match (view_at(then, &path), view_at(now, &path)) {
            (Some(old), Some(new)) if old != new => "which was defined anew since, gets its old definition",
            (Some(_), None) => "which was dropped since, comes back",
            (None, Some(_)) => "which was created since, goes",
            (Some(_), Some(_)) | (None, None) => continue,
        };
        changes.notices.push(format!("view {path}, {words}"));
    }
}

/// One row per table.
fn rows(report: &RestoreReport) -> Result<arrow::record_batch::RecordBatch> {
    let targets = &report.targets;
    Columns::default()
        .text("table", targets.iter().map(|target| Some(&target.name)))
        .integer("rows_deleted", targets.iter().map(|target| Some(target.deleted as i64)))
        .integer("rows_reverted", targets.iter().map(|target| Some(target.reverted as i64)))
        .integer("rows_brought_back", targets.iter().map(|target| Some(target.brought_back as i64)))
        .integer("bytes", targets.iter().map(|target| Some(target.bytes as i64)))
        .integer("restored_to", targets.iter().map(|_| Some(report.to.as_micros() as i64)))
        .integer("newest_version", targets.iter().map(|_| Some(report.newest.as_micros() as i64)))
        .text("safety_snapshot", targets.iter().map(|_| report.safety_snapshot.as_ref()))
        .build(targets.len())
}

/// Says which commits are undone, and how to come back.
fn describe(context: &mut Context<'_>, report: &RestoreReport, dry_run: bool) {
    let verb = if dry_run { "would undo" } else { "undid" };
    for commit in report.undone.iter().take(UNDONE_LISTED) {
        context.notices.push(Notice::new(format!("{verb} {}", commit_words(commit))));
    }
    let rest = report.undone.len().saturating_sub(UNDONE_LISTED);
    if rest > 0 {
        let more = if report.more_undone { " or more" } else { "" };
        context.notices.push(Notice::new(format!("{verb} {rest}{more} older commits")));
    }
    if dry_run {
        context.notices.push(Notice::new(format!(
            "nothing was changed; to restore exactly this, add IF UNCHANGED SINCE VERSION {}",
            report.newest
        )));
    } else if report.commit.is_none() {
        context.notices.push(Notice::new("nothing differs: nothing was written"));
    }
    if let Some(name) = &report.safety_snapshot {
        context.notices.push(Notice::new(format!("the state before is kept as snapshot {name}")));
    }
}

fn commit_words(commit: &CommitRecord) -> String {
    let mut words = format!("version {} ({})", commit.timestamp, display_timestamp(commit.timestamp));
    for part in [&commit.statement, &commit.author, &commit.message].into_iter().flatten() {
        words.push_str(", ");
        words.push_str(part);
    }
    words
}
