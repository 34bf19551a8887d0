//! Use of space: `bygone.space`, `bygone.snapshot_space`, `EXPLAIN DROP SNAPSHOT`.
//!
//! Tables of their own, and no columns of `bygone.snapshots`: they cost a look at the statistics of every
//! page, and reading keys and lifetimes where these do not decide.

use arrow::{
    datatypes::{DataType, SchemaRef},
    record_batch::RecordBatch,
};
use bygone_engine::{KeyspaceSpace, Size};
use bygone_snapshots::SpaceReport;

use super::{
    schema_of,
    storage::{count, names},
};
use crate::{
    error::Result,
    moment::OpenMoment,
    statement::{Columns, Database},
};

/// Two columns for one amount.
fn sizes(columns: Columns, name: &str, sizes: &[Size]) -> Columns {
    columns
        .integer(&format!("{name}_versions"), sizes.iter().map(|size| Some(count(size.versions))))
        .integer(&format!("{name}_bytes"), sizes.iter().map(|size| Some(count(size.bytes))))
}

pub(super) fn space_schema() -> SchemaRef {
    schema_of(&[
        ("keyspace", DataType::Int64),
        ("name", DataType::Utf8View),
        ("stored_versions", DataType::Int64),
        ("stored_bytes", DataType::Int64),
        ("current_versions", DataType::Int64),
        ("current_bytes", DataType::Int64),
        ("free_versions", DataType::Int64),
        ("free_bytes", DataType::Int64),
    ])
}

/// One row for each table and keyspace that stores something.
pub(super) async fn space(database: &Database, moment: &OpenMoment) -> Result<RecordBatch> {
    let names = names(database, &moment.catalog).await?;
    let all = database.snapshots.space(&[] as &[&str]).await?.keyspaces;
    let amounts = |figure: fn(&KeyspaceSpace) -> Size| all.iter().map(figure).collect::<Vec<_>>();
    let mut columns = Columns::default()
        .integer("keyspace", all.iter().map(|row| Some(count(row.keyspace.get()))))
        .text("name", all.iter().map(|row| names.get(&row.keyspace)));
    columns = sizes(columns, "stored", &amounts(|row| row.stored));
    columns = sizes(columns, "current", &amounts(|row| row.current));
    columns = sizes(columns, "free", &amounts(|row| row.free));
    columns.build(all.len())
}

pub(super) fn snapshot_space_schema() -> SchemaRef {
    schema_of(&[
        ("snapshot", DataType::Utf8View),
        ("keyspace", DataType::Int64),
        ("name", DataType::Utf8View),
        ("referenced_versions", DataType::Int64),
        ("referenced_bytes", DataType::Int64),
        ("exclusive_versions", DataType::Int64),
        ("exclusive_bytes", DataType::Int64),
    ])
}

/// One row for each snapshot and each table that it refers to.
pub(super) async fn snapshot_space(database: &Database, moment: &OpenMoment) -> Result<RecordBatch> {
    let names = names(database, &moment.catalog).await?;
    let report = database.snapshots.space(&[] as &[&str]).await?;
    let all: Vec<(&str, &KeyspaceSpace, usize)> = report
        .snapshots
        .iter()
        .enumerate()
        .flat_map(|(number, snapshot)| {
            let refers = move |row: &&KeyspaceSpace| row.referenced[number].versions > 0;
            let rows = report.keyspaces.iter().filter(refers);
            rows.map(move |row| (snapshot.name.as_str(), row, number))
        })
        .collect();
    let mut columns = Columns::default()
        .text("snapshot", all.iter().map(|row| Some(row.0)))
        .integer("keyspace", all.iter().map(|row| Some(count(row.1.keyspace.get()))))
        .text("name", all.iter().map(|row| names.get(&row.1.keyspace)));
    let referenced: Vec<Size> = all.iter().map(|(_, row, number)| row.referenced[*number]).collect();
    let exclusive: Vec<Size> = all.iter().map(|(_, row, number)| row.exclusive[*number]).collect();
    columns = sizes(columns, "referenced", &referenced);
    columns = sizes(columns, "exclusive", &exclusive);
    columns.build(all.len())
}

/// Space that dropping snapshots would free, one row for each table of which some would be.
pub(crate) async fn freed_by_table(
    database: &Database,
    moment: &OpenMoment,
    report: &SpaceReport,
) -> Result<RecordBatch> {
    let names = names(database, &moment.catalog).await?;
    let all: Vec<&KeyspaceSpace> = report.keyspaces.iter().filter(|row| row.freed.versions > 0).collect();
    let freed: Vec<Size> = all.iter().map(|row| row.freed).collect();
    let columns = Columns::default()
        .integer("keyspace", all.iter().map(|row| Some(count(row.keyspace.get()))))
        .text("name", all.iter().map(|row| names.get(&row.keyspace)));
    sizes(columns, "freed", &freed).build(all.len())
}
