//! Tables that are computed when they are read: `bygone.*` and `information_schema.*`, at the moment of the query.

mod bygone;
mod information;
mod space;
mod storage;
mod views;

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, BinaryArray, BooleanArray, Int64Array, StringViewArray, TimestampMicrosecondArray},
    datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit},
    record_batch::{RecordBatch, RecordBatchOptions},
};
use async_trait::async_trait;
use bygone_engine::types::Timestamp;
use datafusion::{
    catalog::{Session, TableProvider, memory::MemorySourceConfig},
    logical_expr::{Expr, TableType},
    physical_plan::ExecutionPlan,
};

use crate::{
    catalog::{INFORMATION_SCHEMA, ObjectPath},
    error::{Error, Result},
    plan::Moment,
    scan::PointLabel,
    session::Shared,
    types::UTC,
};

pub(crate) use bygone::{OfTable, commits, snapshots};
pub(crate) use information::show_create;
pub(crate) use space::freed_by_table;
pub(crate) use storage::stats;
pub(crate) use views::{type_name, view_columns};

/// The computed tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
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

const BYGONE: [(&str, Kind); 7] = [
    ("commits", Kind::Commits),
    ("files", Kind::Files),
    ("runs", Kind::Runs),
    ("snapshot_space", Kind::SnapshotSpace),
    ("snapshots", Kind::Snapshots),
    ("space", Kind::Space),
    ("stats", Kind::Stats),
];

const INFORMATION: [(&str, Kind); 6] = [
    ("columns", Kind::Columns),
    ("key_column_usage", Kind::KeyColumnUsage),
    ("schemata", Kind::Schemata),
    ("table_constraints", Kind::TableConstraints),
    ("tables", Kind::Tables),
    ("views", Kind::Views),
];

/// A computed table at a moment.
#[derive(Debug)]
pub(crate) struct ComputedTable {
    kind: Kind,
    database: String,
    moment: Arc<Moment>,
    shared: Arc<Shared>,
    schema: SchemaRef,
}

impl ComputedTable {
    /// The computed table at `path`.
    ///
    /// # Errors
    /// 42P01 when there is none of that name.
    pub(crate) fn find(path: &ObjectPath, moment: &Arc<Moment>, shared: &Arc<Shared>) -> Result<Self> {
        let tables: &[(&str, Kind)] = if path.schema == INFORMATION_SCHEMA { &INFORMATION } else { &BYGONE };
        let kind = tables.iter().find(|(name, _)| *name == path.name).map(|(_, kind)| *kind);
        let kind = kind.ok_or_else(|| {
            Error::no_table(&format!("{}.{}", path.schema, path.name), tables.iter().map(|(name, _)| *name))
        })?;
        let is_of_now =
            matches!(kind, Kind::Files | Kind::Runs | Kind::SnapshotSpace | Kind::Space | Kind::Stats);
        if is_of_now && matches!(moment.label, PointLabel::At(_)) {
            return Err(Error::unsupported(format!("{}.{} as of a moment", path.schema, path.name))
                .with_hint("it shows what is stored now: ask outside of a transaction or session that reads the past"));
        }
        Ok(Self {
            kind,
            database: path.database.clone(),
            moment: Arc::clone(moment),
            shared: Arc::clone(shared),
            schema: schema_of_kind(kind),
        })
    }

    async fn rows(&self) -> Result<RecordBatch> {
        match self.kind {
            Kind::Snapshots => snapshots(&self.shared, &self.moment, None).await,
            Kind::Commits => commits(&self.moment, None).await,
            Kind::Files => storage::files(&self.shared, &self.moment).await,
            Kind::Runs => storage::runs(&self.shared, &self.moment).await,
            Kind::SnapshotSpace => space::snapshot_space(&self.shared, &self.moment).await,
            Kind::Space => space::space(&self.shared, &self.moment).await,
            Kind::Stats => stats(&self.shared),
            Kind::Columns => {
                let described = views::described(&self.shared, &self.moment, &self.database).await?;
                information::columns(&self.database, described)
            }
            kind => information::rows(kind, &self.moment.catalog, &self.database),
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
fn computed() -> impl Iterator<Item = (&'static str, &'static str, Kind)> {
    let own = BYGONE.iter().map(|(name, kind)| (crate::catalog::SYSTEM_SCHEMA, *name, *kind));
    own.chain(INFORMATION.iter().map(|(name, kind)| (INFORMATION_SCHEMA, *name, *kind)))
}

/// The columns of a computed table.
fn schema_of_kind(kind: Kind) -> SchemaRef {
    match kind {
        Kind::Snapshots => bygone::snapshots_schema(),
        Kind::Commits => bygone::commits_schema(),
        Kind::Files => storage::files_schema(),
        Kind::Runs => storage::runs_schema(),
        Kind::SnapshotSpace => space::snapshot_space_schema(),
        Kind::Space => space::space_schema(),
        Kind::Stats => storage::stats_schema(),
        _ => information::schema(kind),
    }
}

/// Columns of a computed result, added one by one.
#[derive(Debug, Default)]
pub(crate) struct Columns {
    fields: Vec<Field>,
    arrays: Vec<ArrayRef>,
}

impl Columns {
    fn add(mut self, name: &str, array: ArrayRef) -> Self {
        self.fields.push(Field::new(name, array.data_type().clone(), true));
        self.arrays.push(array);
        self
    }

    /// A text column.
    pub(crate) fn text<T: AsRef<str>>(self, name: &str, values: impl IntoIterator<Item = Option<T>>) -> Self {
        let array: StringViewArray = values.into_iter().collect();
        self.add(name, Arc::new(array))
    }

    /// A column of whole numbers.
    pub(crate) fn integer(self, name: &str, values: impl IntoIterator<Item = Option<i64>>) -> Self {
        let array: Int64Array = values.into_iter().collect();
        self.add(name, Arc::new(array))
    }

    /// A column of bytes.
    pub(crate) fn bytes<T: AsRef<[u8]>>(
        self,
        name: &str,
        values: impl IntoIterator<Item = Option<T>>,
    ) -> Self {
        let array: BinaryArray = values.into_iter().collect();
        self.add(name, Arc::new(array))
    }

    /// A column of truth values.
    pub(crate) fn boolean(self, name: &str, values: impl IntoIterator<Item = Option<bool>>) -> Self {
        let array: BooleanArray = values.into_iter().collect();
        self.add(name, Arc::new(array))
    }

    /// A column of instants.
    pub(crate) fn instant(self, name: &str, values: impl IntoIterator<Item = Option<Timestamp>>) -> Self {
        let micros = values.into_iter().map(|at| at.and_then(|at| i64::try_from(at.as_micros()).ok()));
        let array: TimestampMicrosecondArray = micros.collect();
        self.add(name, Arc::new(array.with_timezone(UTC)))
    }

    /// The columns as a batch of `rows` rows.
    pub(crate) fn build(self, rows: usize) -> Result<RecordBatch> {
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        Ok(RecordBatch::try_new_with_options(Arc::new(Schema::new(self.fields)), self.arrays, &options)?)
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
