//! `CREATE`, `ALTER`, `DROP`, `SHOW SNAPSHOT(S)`.

use std::sync::Arc;

use bygone_engine::types::{KeyspaceId, Timestamp};
use bygone_snapshots::{CreateSnapshot as Request, Created, SnapshotScope};

use crate::{
    catalog::CatalogState,
    define::check_name,
    error::{Error, Result},
    moment::{Moment, OpenMoment},
    parse::{AlterSnapshot, CreateSnapshot, DropSnapshot, Expiry, Scope, SnapshotChange},
    statement::{Context, Notice, Outcome, Rows},
    system::{freed_by_table, snapshots},
    time::display_timestamp,
};

/// The name of the database that `DATABASE [d]` means.
pub(super) fn database_of(context: &Context<'_>, catalog: &CatalogState, scope: &Scope) -> Result<String> {
    let Scope::Database(Some(name)) = scope else {
        return Ok(context.session.settings.search.database.clone());
    };
    if name.parts.len() != 1 || !catalog.databases.contains_key(name.last()) {
        let known = catalog.databases.keys().map(String::as_str);
        return Err(Error::no_database(&name.to_string(), known).at(name.position));
    }
    Ok(name.last().to_owned())
}

/// Keyspaces of the rows of a database's tables.
pub(super) fn keyspaces_of(catalog: &CatalogState, database: &str) -> Vec<KeyspaceId> {
    catalog.tables_of(database).flat_map(|table| table.keyspaces()).collect()
}

/// `CREATE SNAPSHOT`.
pub(super) async fn create_snapshot(context: &mut Context<'_>, create: &CreateSnapshot) -> Result<Outcome> {
    context.check_alone("CREATE SNAPSHOT")?;
    context.check_writable()?;
    check_name("snapshot", &create.name)?;
    let (moment, at): (Arc<OpenMoment>, Option<Timestamp>) = match create.point {
        Some(id) => {
            let moment = context.point(id.0).await?;
            let at = moment.timestamp();
            (moment, Some(at))
        }
        // The tables of one database are those of the very moment that is pinned.
        None if matches!(create.scope, Some(Scope::Database(_))) => {
            let now = context.database.store.clock().now();
            (context.open_moment(&Moment::Timestamp(now)).await?, Some(now))
        }
        None => (context.default_moment().await?, None),
    };
    let scope = match &create.scope {
        None => {
            let names: Vec<&str> = moment.catalog.databases.keys().map(String::as_str).collect();
            SnapshotScope::Database(Some(names.join(", ")))
        }
        Some(scope @ Scope::Database(_)) => {
            let name = database_of(context, &moment.catalog, scope)?;
            for table in moment.catalog.tables_of(&name) {
                moment.reader_of(table)?;
            }
            let keyspaces = keyspaces_of(&moment.catalog, &name);
            SnapshotScope::OneDatabase { name, keyspaces }
        }
        Some(Scope::Tables(names)) => {
            let mut objects = Vec::with_capacity(names.len());
            for name in names {
                let path = context.path(name)?;
                moment.find(&path).map_err(|error| error.at(name.position))?;
                let Some(table) = moment.catalog.table(&path) else {
                    return Err(Error::unsupported("a snapshot of a view")
                        .with_hint("take one of the tables below it")
                        .at(name.position));
                };
                moment.reader_of(table)?;
                objects.push(table.object_ref());
            }
            SnapshotScope::Objects(objects)
        }
    };
    let request = Request {
        name: create.name.clone(),
        scope,
        at,
        expires: expiry(context, create.expiry.as_ref())?,
        comment: create.comment.clone(),
        if_not_exists: create.if_not_exists,
        author: context.session.settings.commit_author.clone(),
    };
    // Notices about the point would repeat what follows.
    context.notices.clear();
    let created = context.database.snapshots.create(request).await?;
    let what = match &created {
        Created::New(_) => "holds",
        Created::Existing(_) => "exists already, and holds",
    };
    let snapshot = created.into_snapshot();
    context.notices.push(Notice::new(format!(
        "snapshot {} {what} {} (version {})",
        snapshot.name,
        display_timestamp(snapshot.at),
        snapshot.at
    )));
    Ok(Outcome { version: Some(snapshot.at), ..Outcome::done("CREATE SNAPSHOT") })
}

fn expiry(context: &Context<'_>, expiry: Option<&Expiry>) -> Result<Option<Timestamp>> {
    match expiry {
        None | Some(Expiry::Never) => Ok(None),
        Some(Expiry::After(micros)) => {
            Ok(Some(Timestamp::from_micros(context.now.as_micros().saturating_add(*micros))))
        }
        Some(Expiry::At(expr)) => {
            let at = context.time(expr)?;
            if at <= context.now {
                return Err(Error::invalid_value(format!("the expiry {} has passed", display_timestamp(at))));
            }
            Ok(Some(at))
        }
    }
}

/// `ALTER SNAPSHOT`.
pub(super) async fn alter_snapshot(context: &mut Context<'_>, alter: &AlterSnapshot) -> Result<Outcome> {
    context.check_alone("ALTER SNAPSHOT")?;
    context.check_writable()?;
    let snapshots = &context.database.snapshots;
    let name = &alter.name;
    match &alter.change {
        SnapshotChange::Rename(new_name) => {
            check_name("snapshot", new_name)?;
            snapshots.rename(name, new_name).await?
        }
        SnapshotChange::Expire(when) => snapshots.set_expiry(name, expiry(context, Some(when))?).await?,
        SnapshotChange::Hold(reason) => snapshots.hold(name, reason).await?,
        SnapshotChange::ReleaseHold => snapshots.release(name).await?,
        SnapshotChange::Comment(comment) => snapshots.set_comment(name, comment.clone()).await?,
    };
    Ok(Outcome::done("ALTER SNAPSHOT"))
}

/// `DROP SNAPSHOT`.
pub(super) async fn drop_snapshot(context: &mut Context<'_>, drop: &DropSnapshot) -> Result<Outcome> {
    context.check_alone("DROP SNAPSHOT")?;
    context.check_writable()?;
    let dropped = context.database.snapshots.drop_many(&drop.names, drop.if_exists).await?;
    for name in drop.names.iter().filter(|name| !dropped.iter().any(|snapshot| snapshot.name == **name)) {
        context.notices.push(Notice::new(format!("snapshot {name} does not exist, skipping")));
    }
    Ok(Outcome::done("DROP SNAPSHOT"))
}

/// `EXPLAIN DROP SNAPSHOT`: what would become free, by table. Nothing is dropped.
pub(super) async fn explain_drop(context: &mut Context<'_>, drop: &DropSnapshot) -> Result<Outcome> {
    let snapshots = &context.database.snapshots;
    let mut names = drop.names.clone();
    if drop.if_exists {
        let known = snapshots.list().await?;
        names.retain(|name| known.iter().any(|snapshot| snapshot.name == *name));
    }
    let report = snapshots.space(&names).await?;
    let held = report.snapshots.iter().filter(|snapshot| names.contains(&snapshot.name));
    for snapshot in held {
        if let Some(reason) = &snapshot.hold {
            context.notices.push(Notice::new(format!("snapshot {} is held: {reason}", snapshot.name)));
        }
    }
    let freed = report.freed();
    context.notices.push(Notice::new(format!(
        "dropping {} would free {} versions, about {} bytes, at the next compaction",
        names.join(", "),
        freed.versions,
        freed.bytes
    )));
    let moment = context.default_moment().await?;
    let batch = freed_by_table(context.database, &moment, &report).await?;
    Ok(Outcome::with_rows("EXPLAIN", Rows::of_batch(batch)))
}

/// `SHOW SNAPSHOTS`, `SHOW SNAPSHOT n`.
pub(super) async fn show_snapshots(context: &mut Context<'_>, name: Option<&str>) -> Result<Outcome> {
    let moment = context.default_moment().await?;
    let batch = snapshots(context.database, &moment, name).await?;
    Ok(Outcome::with_rows("SHOW", Rows::of_batch(batch)))
}
