//! `RESTORE`: from names at two moments to what the layer below compares and writes.
//!
//! | the table | at the moment | now | what happens |
//! |---|---|---|---|
//! | kept | id 7 | id 7 | its rows are put back |
//! | dropped | id 7 | – | its catalog row comes back, its rows are put back |
//! | dropped, name used again | id 7 | id 9 | `DATABASE`: both as above; `TABLE`: an error |
//! | created | – | id 9 | `DATABASE`: it goes; `TABLE`: an error |

use std::{collections::BTreeMap, sync::Arc};

use bygone_engine::types::{KeyspaceId, Timestamp, WriteBatch};
use bygone_mvcc::{CommitRecord, system};
use bygone_snapshots::{
    ObjectRef, key_history,
    restore::{self as below, RestoreReport, RestoreRequest},
};
use bytes::Bytes;

use super::snapshots::{database_of, object_ref};
use crate::{
    catalog::{CatalogState, Object, ObjectPath, keys},
    error::{Error, ErrorKind, Result},
    parse::{Restore, Scope},
    plan::Moment,
    points::display_timestamp,
    session::{Context, Notice, Outcome, Progress, Rows, Shared},
    system::Columns,
};

/// Undone commits that are listed one by one.
const UNDONE_LISTED: usize = 20;

/// What a restore changes besides rows.
#[derive(Debug, Default)]
struct Changes {
    targets: Vec<ObjectRef>,
    extra: WriteBatch,
    /// Catalog rows of the targets that are there: they must not be dropped meanwhile.
    guards: Vec<(KeyspaceId, Bytes)>,
    revive: Vec<(KeyspaceId, Timestamp)>,
    remove: Vec<KeyspaceId>,
}

/// `RESTORE {DATABASE | TABLE …} TO point`.
pub(crate) async fn restore(context: &mut Context<'_>, restore: &Restore) -> Result<Outcome> {
    context.check_alone("RESTORE")?;
    context.check_writable()?;
    let then = context.point(restore.point.0).await?;
    let now = context.default_moment().await?;
    let to = then.timestamp();
    let mut changes = Changes::default();
    match &restore.scope {
        Scope::Tables(names) => {
            for name in names {
                let path = context.path(name)?;
                add_table(context.shared, &mut changes, &then, &now, &path)
                    .await
                    .map_err(|error| error.at(name.position))?;
            }
        }
        Scope::Database(_) => {
            let database = database_of(context, &now.catalog, &restore.scope)?;
            add_database(context.shared, &mut changes, &then, &now, &database.unwrap_or_default()).await?;
        }
    }
    if !changes.extra.is_empty() {
        let (key, value) = keys::version_write();
        changes.extra.put(system::CATALOG, key, value);
    }
    let if_unchanged_since = match &restore.if_unchanged_since {
        Some(expr) => Some(context.version(expr)?),
        None => None,
    };
    let whole_database = matches!(restore.scope, Scope::Database(_));
    let names = changes.targets.iter().map(|target| target.name.clone()).collect();
    let request = RestoreRequest {
        whole_database,
        extra_unchanged_since: Some(now.timestamp()),
        guards: changes.guards,
        extra: changes.extra,
        revive: changes.revive,
        remove: changes.remove,
        if_unchanged_since,
        wait_us: context.inner.settings.lock_timeout_us,
        meta: context.meta("RESTORE", names),
        progress: context
            .progress
            .clone()
            .map(|progress| Arc::new(Told(progress)) as Arc<dyn below::Progress>),
        ..RestoreRequest::new(changes.targets, to)
    };
    let report = if restore.dry_run {
        below::plan(&context.shared.snapshots, &request).await?
    } else {
        below::run(&context.shared.snapshots, request).await?
    };
    if let Some(progress) = &context.progress {
        progress.finish();
    }
    describe(context, &report, restore.dry_run);
    let mut outcome = Outcome::with_rows("RESTORE", Rows::of_batch(rows(&report)?));
    outcome.version = report.commit.map(|commit| commit.timestamp);
    outcome.affected = Some(report.targets.iter().map(below::TargetReport::rows).sum());
    Ok(outcome)
}

/// Passes on how far a restore is.
struct Told(Arc<dyn Progress>);

impl below::Progress for Told {
    fn compared(&self, target: &str, keys: u64) {
        self.0.report(&format!("comparing {target}, rows that differ"), keys, None);
    }

    fn committing(&self) {
        self.0.report("committing", 0, None);
    }
}

async fn add_table(
    shared: &Shared,
    changes: &mut Changes,
    then: &Arc<Moment>,
    now: &Arc<Moment>,
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
    then.reader_of(path, old.keyspace_id())?;
    if changes.targets.iter().any(|target| target.id == old.id) {
        return Err(Error::syntax(format!("table {path} is named twice")));
    }
    match now.catalog.object(path) {
        Some(Object::Table(new)) if new.id == old.id => {
            if new != old {
                return Err(Error::unsupported(format!(
                    "restoring table {path}, whose definition changed since,"
                )));
            }
            if let Some(schema) = now.catalog.schema(&path.database, &path.schema) {
                changes.guards.push((system::CATALOG, keys::object(schema.id, &path.name)));
            }
        }
        Some(_) => {
            return Err(Error::new(
                ErrorKind::AlreadyExists,
                "42P07",
                format!("table {path} was dropped since, and another of that name was created"),
            )
            .with_hint("drop the new one first, or restore the database"));
        }
        None => {
            let Some(schema) = now.catalog.schema(&path.database, &path.schema) else {
                return Err(Error::no_schema(&path.schema, [])
                    .with_hint("create the schema first, or restore the database"));
            };
            bring_back(shared, changes, path, schema.id, old).await?;
        }
    }
    changes.targets.push(object_ref(path.to_string(), old));
    Ok(())
}

/// The catalog row of a dropped table comes back, and so do its files.
async fn bring_back(
    shared: &Shared,
    changes: &mut Changes,
    path: &ObjectPath,
    schema_id: u64,
    table: &Arc<crate::catalog::TableDef>,
) -> Result<()> {
    let key = keys::object(schema_id, &path.name);
    let object = Object::Table(Arc::clone(table));
    changes.extra.put(system::CATALOG, key.clone(), keys::encode(&object)?);
    let dropped = dropped_at(shared, &key, table.id).await?;
    changes.revive.push((table.keyspace_id(), dropped));
    Ok(())
}

/// When the table with this id went from the catalog row `key`.
async fn dropped_at(shared: &Shared, key: &Bytes, id: u64) -> Result<Timestamp> {
    let through = shared.store.view_now().timestamp();
    let history = key_history(&shared.store, system::CATALOG, key, Timestamp::default(), through).await?;
    let of_table = history.iter().find(|entry| {
        entry
            .value
            .as_deref()
            .and_then(|row| serde_json::from_slice::<Object>(row).ok())
            .is_some_and(|object| matches!(object, Object::Table(table) if table.id == id))
    });
    Ok(of_table.map_or(through, |entry| entry.end.min(through)))
}

/// The rows of the catalog that describe one database, by key.
fn catalog_rows(catalog: &CatalogState, database: &str) -> Result<BTreeMap<Bytes, Bytes>> {
    let mut rows = BTreeMap::new();
    let Some(entry) = catalog.databases.get(database) else { return Ok(rows) };
    for (name, schema) in &entry.schemas {
        if name != crate::catalog::DEFAULT_SCHEMA {
            let row = crate::catalog::NamespaceRow { id: schema.id, public_schema: None };
            rows.insert(keys::schema(entry.id, name), keys::encode(&row)?);
        }
        for (object_name, object) in &schema.objects {
            rows.insert(keys::object(schema.id, object_name), keys::encode(object)?);
        }
    }
    Ok(rows)
}

async fn add_database(
    shared: &Shared,
    changes: &mut Changes,
    then: &Arc<Moment>,
    now: &Arc<Moment>,
    database: &str,
) -> Result<()> {
    if !then.catalog.databases.contains_key(database) {
        return Err(Error::no_database(database, then.catalog.databases.keys().map(String::as_str)));
    }
    let before = catalog_rows(&then.catalog, database)?;
    let after = catalog_rows(&now.catalog, database)?;
    for (key, row) in &before {
        if after.get(key) != Some(row) {
            changes.extra.put(system::CATALOG, key.clone(), row.clone());
        }
    }
    for key in after.keys().filter(|key| !before.contains_key(*key)) {
        changes.extra.delete(system::CATALOG, key.clone());
    }
    let old = then.catalog.tables_of(database);
    let new = now.catalog.tables_of(database);
    for (path, table) in &old {
        then.reader_of(path, table.keyspace_id())?;
        changes.targets.push(object_ref(path.to_string(), table));
        if !new.iter().any(|(_, other)| other.id == table.id) {
            let schema = then.catalog.schema(&path.database, &path.schema).map_or(0, |schema| schema.id);
            let dropped = dropped_at(shared, &keys::object(schema, &path.name), table.id).await?;
            changes.revive.push((table.keyspace_id(), dropped));
        }
    }
    for (_, table) in new.iter().filter(|(_, table)| !old.iter().any(|(_, other)| other.id == table.id)) {
        changes.remove.push(table.keyspace_id());
    }
    if changes.targets.is_empty() && changes.extra.is_empty() {
        return Err(Error::invalid_value(format!("database {database} is empty, then and now")));
    }
    Ok(())
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
