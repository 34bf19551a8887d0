//! Statements about the past: snapshots, restore, history, retention, maintenance.

mod restore;
mod snapshots;

pub(crate) use restore::restore;
pub(crate) use snapshots::{alter_snapshot, create_snapshot, drop_snapshot, show_snapshots};

use bygone_mvcc::system;

use crate::{
    error::{Error, Result},
    parse::{AlterRetention, Name, Procedure},
    points::display_timestamp,
    session::{Context, Notice, Outcome, Rows},
    system::{Columns, commits},
};

/// `SHOW HISTORY [FOR t]`.
pub(crate) async fn show_history(context: &mut Context<'_>, table: Option<&Name>) -> Result<Outcome> {
    let moment = context.default_moment().await?;
    let keyspace = match table {
        None => None,
        Some(name) => {
            let path = context.path(name)?;
            moment.find(&path).map_err(|error| error.at(name.position))?;
            match moment.catalog.table(&path) {
                Some(table) => Some(table.keyspace_id()),
                None => return Err(Error::unsupported("SHOW HISTORY of a view").at(name.position)),
            }
        }
    };
    let batch = commits(&moment, keyspace).await?;
    Ok(Outcome::with_rows("SHOW", Rows::of_batch(batch)))
}

/// `ALTER {TABLE | DATABASE} … {SET | RESET} retention`.
pub(crate) async fn alter_retention(context: &mut Context<'_>, alter: &AlterRetention) -> Result<Outcome> {
    context.check_alone("ALTER … SET retention")?;
    context.check_writable()?;
    let engine = context.shared.store.engine();
    let Some(name) = &alter.table else {
        if let Some(name) = &alter.database {
            let moment = context.default_moment().await?;
            let databases = &moment.catalog.databases;
            if !databases.contains_key(name.last()) {
                let known = databases.keys().map(String::as_str);
                return Err(Error::no_database(name.last(), known).at(name.position));
            }
        }
        context.shared.store.engine().set_retention(None, alter.retention_us).await?;
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
pub(crate) async fn call(context: &mut Context<'_>, procedure: &Procedure) -> Result<Outcome> {
    context.check_alone("CALL")?;
    context.check_writable()?;
    let shared = context.shared;
    let engine = shared.store.engine();
    match procedure {
        Procedure::Flush => engine.flush().await?,
        Procedure::Compact | Procedure::Collect => {
            for snapshot in shared.snapshots.expire(shared.wall_now()).await? {
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
