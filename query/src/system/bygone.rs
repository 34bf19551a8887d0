//! `bygone.snapshots` and `bygone.commits`.

use std::collections::BTreeSet;

use arrow::{
    datatypes::{DataType, SchemaRef},
    record_batch::RecordBatch,
};
use bygone_engine::types::{KeyspaceId, Timestamp};
use bygone_mvcc::newest_commits;
use bygone_snapshots::SnapshotScope;

use super::{instant, schema_of};
use crate::{
    error::Result,
    moment::OpenMoment,
    statement::{Columns, Database},
};

/// Commits listed at most.
const COMMITS_MAX: usize = 1_000_000;

pub(super) fn snapshots_schema() -> SchemaRef {
    schema_of(&[
        ("name", DataType::Utf8View),
        ("as_of", instant()),
        ("version", DataType::Int64),
        ("scope", DataType::Utf8View),
        ("objects", DataType::Utf8View),
        ("created", instant()),
        ("expires", instant()),
        ("expired", DataType::Boolean),
        ("hold", DataType::Utf8View),
        ("comment", DataType::Utf8View),
        ("automatic", DataType::Boolean),
    ])
}

/// The snapshots that existed at a moment, or the one of that name, by the moment they hold.
pub(crate) async fn snapshots(
    database: &Database,
    moment: &OpenMoment,
    name: Option<&str>,
) -> Result<RecordBatch> {
    let view = moment.reader().view();
    let mut all = match name {
        Some(name) => vec![database.snapshots.get_in(view, name).await?],
        None => database.snapshots.list_in(view).await?,
    };
    all.sort_by(|a, b| (a.at, &a.name).cmp(&(b.at, &b.name)));
    let now = database.wall_now();
    Columns::default()
        .text("name", all.iter().map(|snapshot| Some(&snapshot.name)))
        .instant("as_of", all.iter().map(|snapshot| Some(snapshot.at)))
        .integer("version", all.iter().map(|snapshot| Some(snapshot.at.as_micros() as i64)))
        .text("scope", all.iter().map(|snapshot| Some(scope_name(&snapshot.scope))))
        .text("objects", all.iter().map(|snapshot| Some(snapshot.scope.names().join(", "))))
        .instant("created", all.iter().map(|snapshot| Some(snapshot.created)))
        .instant("expires", all.iter().map(|snapshot| snapshot.expires))
        .boolean("expired", all.iter().map(|snapshot| Some(snapshot.is_expired(now))))
        .text("hold", all.iter().map(|snapshot| snapshot.hold.as_ref()))
        .text("comment", all.iter().map(|snapshot| snapshot.comment.as_ref()))
        .boolean("automatic", all.iter().map(|snapshot| Some(snapshot.automatic)))
        .build(all.len())
}

fn scope_name(scope: &SnapshotScope) -> &'static str {
    match scope {
        SnapshotScope::Database(_) | SnapshotScope::OneDatabase { .. } => "database",
        SnapshotScope::Objects(objects) if objects.len() == 1 => "table",
        SnapshotScope::Objects(_) => "tables",
    }
}

pub(super) fn commits_schema() -> SchemaRef {
    schema_of(&[
        ("version", DataType::Int64),
        ("committed_at", instant()),
        ("author", DataType::Utf8View),
        ("message", DataType::Utf8View),
        ("statement", DataType::Utf8View),
        ("tables", DataType::Utf8View),
        ("annotations", DataType::Utf8View),
    ])
}

/// Commits that are about one table.
#[derive(Debug)]
pub(crate) struct OfTable {
    /// Keyspace of its rows.
    pub keyspace: KeyspaceId,
    /// The commits that created, dropped or brought back its definition.
    pub definitions: BTreeSet<Timestamp>,
}

/// The commits at or before a moment, newest first; only those about one table when it is given.
pub(crate) async fn commits(moment: &OpenMoment, table: Option<&OfTable>) -> Result<RecordBatch> {
    let view = moment.reader().view();
    let mut all = newest_commits(view, Timestamp::default(), view.timestamp(), COMMITS_MAX).await?;
    if let Some(table) = table {
        all.retain(|commit| {
            commit.touches(&[table.keyspace]) || table.definitions.contains(&commit.timestamp)
        });
    }
    let annotations = |commit: &bygone_mvcc::CommitRecord| {
        if commit.annotations.is_empty() { None } else { serde_json::to_string(&commit.annotations).ok() }
    };
    Columns::default()
        .integer("version", all.iter().map(|commit| Some(commit.timestamp.as_micros() as i64)))
        .instant("committed_at", all.iter().map(|commit| Some(commit.timestamp)))
        .text("author", all.iter().map(|commit| commit.author.as_ref()))
        .text("message", all.iter().map(|commit| commit.message.as_ref()))
        .text("statement", all.iter().map(|commit| commit.statement.as_ref()))
        .text(
            "tables",
            all.iter().map(|commit| Some(commit.tables.join(", ")).filter(|text| !text.is_empty())),
        )
        .text("annotations", all.iter().map(annotations))
        .build(all.len())
}
