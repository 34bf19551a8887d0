//! Tables that are computed when they are read: `bygone.*` and `information_schema.*`, at the moment of the
//! query.

mod bygone;
mod describe;
mod information;
mod space;
mod storage;

use std::sync::Arc;

use arrow::{
    datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit},
    record_batch::RecordBatch,
};
use async_trait::async_trait;
use datafusion::{
    catalog::{Session, TableProvider, memory::MemorySourceConfig},
    logical_expr::{Expr, TableType},
    physical_plan::ExecutionPlan,
};

use crate::{
    catalog::INFORMATION_SCHEMA,
    error::{Error, Result},
    moment::{MomentLabel, OpenMoment},
    names::ObjectPath,
    statement::Database,
    types::UTC,
};

pub(crate) use bygone::{OfTable, commits, snapshots};
pub(crate) use describe::type_name;
pub(crate) use information::show_create;
pub(crate) use space::freed_by_table;
pub(crate) use storage::stats;

/// The computed tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ComputedKind {
    Snapshots,
    Commits,
    Files,
    Runs,
    SnapshotSpace,
    Space,
    Stats,
    Tables,
    Columns,
    Schemata,
    Views,
    TableConstraints,
    KeyColumnUsage,
}

const BYGONE: [(&str, ComputedKind); 7] = [
    ("commits", ComputedKind::Commits),
    ("files", ComputedKind::Files),
    ("runs", ComputedKind::Runs),
    ("snapshot_space", ComputedKind::SnapshotSpace),
    ("snapshots", ComputedKind::Snapshots),
    ("space", ComputedKind::Space),
    ("stats", ComputedKind::Stats),
];

const INFORMATION: [(&str, ComputedKind); 6] = [
    ("columns", ComputedKind::Columns),
    ("key_column_usage", ComputedKind::KeyColumnUsage),
    ("schemata", ComputedKind::Schemata),
    ("table_constraints", ComputedKind::TableConstraints),
    ("tables", ComputedKind::Tables),
    ("views", ComputedKind::Views),
];

/// A computed table at a moment.
#[derive(Debug)]
pub(crate) struct ComputedTable {
    kind: ComputedKind,
    database: Arc<Database>,
    moment: Arc<OpenMoment>,
    /// The name of the database whose objects it lists.
    of_database: String,
    schema: SchemaRef,
}

impl ComputedTable {
    /// The computed table at `path`.
    ///
    /// # Errors
    /// 42P01 when there is none of that name.
    pub(crate) fn find(
        path: &ObjectPath,
        moment: &Arc<OpenMoment>,
        database: &Arc<Database>,
    ) -> Result<Self> {
        let tables: &[(&str, ComputedKind)] =
            if path.schema == INFORMATION_SCHEMA { &INFORMATION } else { &BYGONE };
        let kind = tables.iter().find(|(name, _)| *name == path.name).map(|(_, kind)| *kind);
        let kind = kind.ok_or_else(|| {
            Error::no_table(&format!("{}.{}", path.schema, path.name), tables.iter().map(|(name, _)| *name))
        })?;
        let is_of_now = matches!(
            kind,
            ComputedKind::Files
                | ComputedKind::Runs
                | ComputedKind::SnapshotSpace
                | ComputedKind::Space
                | ComputedKind::Stats
        );
        if is_of_now && matches!(moment.label, MomentLabel::At(_)) {
            return Err(Error::unsupported(format!("{}.{} as of a moment", path.schema, path.name))
                .with_hint("it shows what is stored now: ask outside of a transaction or session that reads the past"));
        }
        Ok(Self {
            kind,
            database: Arc::clone(database),
            moment: Arc::clone(moment),
            of_database: path.database.clone(),
            schema: schema_of_kind(kind),
        })
    }

    async fn rows(&self) -> Result<RecordBatch> {
        match self.kind {
            ComputedKind::Snapshots => snapshots(&self.database, &self.moment, None).await,
            ComputedKind::Commits => commits(&self.moment, None).await,
            ComputedKind::Files => storage::files(&self.database, &self.moment).await,
            ComputedKind::Runs => storage::runs(&self.database, &self.moment).await,
            ComputedKind::SnapshotSpace => space::snapshot_space(&self.database, &self.moment).await,
            ComputedKind::Space => space::space(&self.database, &self.moment).await,
            ComputedKind::Stats => stats(&self.database),
            ComputedKind::Columns => {
                let described = describe::described(&self.database, &self.moment, &self.of_database).await?;
                information::columns(&self.of_database, described)
            }
            kind => information::rows(kind, &self.moment.catalog, &self.of_database),
        }
    }
}

#[async_trait]
impl TableProvider for ComputedTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::View
    }

    async fn scan(
        &self,
        _state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        _limit: Option<usize>,
    ) -> datafusion::common::Result<Arc<dyn ExecutionPlan>> {
        let batch = self.rows().await?;
        Ok(MemorySourceConfig::try_new_exec(&[vec![batch]], self.schema(), projection.cloned())?)
    }
}

/// All computed tables: their schemas, names and kinds.
fn computed() -> impl Iterator<Item = (&'static str, &'static str, ComputedKind)> {
    let own = BYGONE.iter().map(|(name, kind)| (crate::catalog::SYSTEM_SCHEMA, *name, *kind));
    own.chain(INFORMATION.iter().map(|(name, kind)| (INFORMATION_SCHEMA, *name, *kind)))
}

/// The columns of a computed table.
fn schema_of_kind(kind: ComputedKind) -> SchemaRef {
    match kind {
        ComputedKind::Snapshots => bygone::snapshots_schema(),
        ComputedKind::Commits => bygone::commits_schema(),
        ComputedKind::Files => storage::files_schema(),
        ComputedKind::Runs => storage::runs_schema(),
        ComputedKind::SnapshotSpace => space::snapshot_space_schema(),
        ComputedKind::Space => space::space_schema(),
        ComputedKind::Stats => storage::stats_schema(),
        _ => information::schema(kind),
    }
}

/// The type of instants in computed tables.
fn instant() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some(UTC.into()))
}

/// A schema from names and types.
fn schema_of(columns: &[(&str, DataType)]) -> SchemaRef {
    let fields: Vec<Field> =
        columns.iter().map(|(name, data_type)| Field::new(*name, data_type.clone(), true)).collect();
    Arc::new(Schema::new(fields))
}
