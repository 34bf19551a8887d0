//! Statements about the past: snapshots, restore, history, retention, maintenance.

mod restore;
mod snapshots;

use std::collections::BTreeSet;

use bygone_engine::types::Timestamp;
use bygone_mvcc::system;
use bygone_snapshots::key_history;

use crate::{
    catalog::{ObjectRow, keys},
    error::{Error, Result},
    moment::OpenMoment,
    names::ObjectPath,
    parse::{AlterRetention, Name, PastStatement, Procedure},
    statement::{Columns, Context, Database, Notice, Outcome, Rows},
    system::{OfTable, commits},
    time::display_timestamp,
};

/// Runs a statement about the past.
pub(crate) async fn run(context: &mut Context<'_>, statement: &PastStatement) -> Result<Outcome> {
    match statement {
        PastStatement::CreateSnapshot(create) => snapshots::create_snapshot(context, create).await,
        PastStatement::AlterSnapshot(alter) => Box::pin(snapshots::alter_snapshot(context, alter)).await,
        PastStatement::DropSnapshot(drop) => snapshots::drop_snapshot(context, drop).await,
        PastStatement::ExplainDropSnapshot(drop) => snapshots::explain_drop(context, drop).await,
        PastStatement::ShowSnapshots(name) => snapshots::show_snapshots(context, name.as_deref()).await,
        PastStatement::Restore(restore) => restore::restore(context, restore).await,
        PastStatement::ShowHistory(table) => show_history(context, table.as_ref()).await,
        PastStatement::AlterRetention(alter) => alter_retention(context, alter).await,
        PastStatement::Call(procedure) => call(context, procedure).await,
    }
}

/// `SHOW HISTORY [FOR t]`.
async fn show_history(context: &mut Context<'_>, table: Option<&Name>) -> Result<Outcome> {
    let moment = context.default_moment().await?;
    let of_table = match table {
        None => None,
        Some(name) => {
            let path = context.path(name)?;
            moment.find(&path).map_err(|error| error.at(name.position))?;
            match moment.catalog.table(&path) {
                Some(table) => {
                    let definitions = definitions(context.database, &moment, &path, table.id).await?;
                    Some(OfTable { keyspace: table.keyspace_id(), definitions })
                }
                None => return Err(Error::unsupported("SHOW HISTORY of a view").at(name.position)),
            }
        }
    };
    let batch = commits(&moment, of_table.as_ref()).await?;
    Ok(Outcome::with_rows("SHOW", Rows::of_batch(batch)))
}

/// The commits that wrote or removed the definition of the table with this id, at or before a moment.
async fn definitions(
    database: &Database,
    moment: &OpenMoment,
    path: &ObjectPath,
    id: u64,
) -> Result<BTreeSet<Timestamp>> {
    let Some(schema) = moment.catalog.schema(&path.database, &path.schema) else {
        return Ok(BTreeSet::new());
    };
    let key = keys::object(schema.id, &path.name);
    let through = moment.reader().view().timestamp();
    let history = key_history(&database.store, system::CATALOG, &key, Timestamp::default(), through).await?;
    let mut definitions = BTreeSet::new();
    let mut is_of_table = false;
    for entry in history.iter().rev() {
        match &entry.value {
            Some(row) => {
                let object = serde_json::from_slice(row);
                is_of_table = matches!(object, Ok(ObjectRow::Table(table)) if table.id == id);
                if is_of_table {
                    definitions.insert(entry.begin);
                }
            }
            None if is_of_table => {
                definitions.insert(entry.begin);
                is_of_table = false;
            }
            None => {}
        }
    }
    Ok(definitions)
}

/// `ALTER {TABLE | DATABASE} … {SET | RESET} retention`.
async fn alter_retention(context: &mut Context<'_>, alter: &AlterRetention) -> Result<Outcome> {
    context.check_alone("ALTER … SET retention")?;
    context.check_writable()?;
    let engine = context.database.store.engine();
    let Some(name) = &alter.table else {
        if let Some(name) = &alter.database {
            let moment = context.default_moment().await?;
            let databases = &moment.catalog.databases;
            if !databases.contains_key(name.last()) {
                let known = databases.keys().map(String::as_str);
                return Err(Error::no_database(name.last(), known).at(name.position));
            }
        }
        context.database.store.engine().set_retention(None, alter.retention_us).await?;
        return Ok(Outcome::done("ALTER DATABASE"));
    };
    let path = context.path(name)?;
    let engine = engine.clone();
    let moment = context.default_moment().await?;
    moment.find(&path).map_err(|error| error.at(name.position))?;
    let Some(table) = moment.catalog.table(&path) else {
        return Err(Error::unsupported("the retention of a view").at(name.position));
    };
    engine.set_retention(Some(table.keyspace_id()), alter.retention_us).await?;
    // The rows of a moment are of no use without the names of that moment.
    if let Some(retention_us) = alter.retention_us
        && retention_us > engine.retention_us(Some(system::CATALOG))
    {
        engine.set_retention(Some(system::CATALOG), Some(retention_us)).await?;
    }
    Ok(Outcome::done("ALTER TABLE"))
}

/// `CALL …`.
async fn call(context: &mut Context<'_>, procedure: &Procedure) -> Result<Outcome> {
    context.check_alone("CALL")?;
    context.check_writable()?;
    let database = context.database;
    let engine = database.store.engine();
    match procedure {
        Procedure::Flush => engine.flush().await?,
        Procedure::Compact | Procedure::Collect => {
            for snapshot in database.snapshots.expire(database.wall_now()).await? {
                let at = display_timestamp(snapshot.at);
                context.notices.push(Notice::new(format!(
                    "snapshot {} ({at}) has expired and was dropped",
                    snapshot.name
                )));
            }
            if *procedure == Procedure::Compact {
                engine.compact().await?;
            } else {
                let report = engine.collect().await?;
                let batch = Columns::default()
                    .integer("objects", [Some(report.objects as i64)])
                    .integer("bytes", [Some(report.bytes as i64)])
                    .build(1)?;
                return Ok(Outcome::with_rows("CALL", Rows::of_batch(batch)));
            }
        }
    }
    Ok(Outcome::done("CALL"))
}
