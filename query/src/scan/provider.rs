//! A table at a point, as DataFusion's planner sees it.

use std::{fmt, sync::Arc};

use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::{
    catalog::{Session, TableProvider},
    common::Result,
    datasource::source::{DataSource, DataSourceExec},
    execution::{SendableRecordBatchStream, TaskContext},
    logical_expr::{Expr, TableProviderFilterPushDown, TableType},
    physical_plan::ExecutionPlan,
};

use super::{range::scan_range, source::TableScan};
use crate::{
    catalog::BoundTable,
    moment::{MomentLabel, Reader},
    names::internal::ROW_KEY_COLUMN,
    time::display_timestamp,
};

/// A table at a point.
#[derive(Debug)]
pub(crate) struct TableAt {
    table: Arc<BoundTable>,
    reader: Reader,
    label: MomentLabel,
    schema: SchemaRef,
}

impl TableAt {
    /// `table` as `reader` sees it.
    pub(crate) fn new(table: Arc<BoundTable>, reader: Reader, label: MomentLabel) -> Self {
        let schema = Arc::clone(table.schema());
        Self { table, reader, label, schema }
    }

    /// With the hidden column of the encoded key as the last one.
    pub(crate) fn with_row_key(mut self) -> Self {
        let key = Arc::new(Field::new(ROW_KEY_COLUMN, DataType::Binary, false));
        let fields: Vec<FieldRef> = self.schema.fields().iter().cloned().chain([key]).collect();
        self.schema = Arc::new(Schema::new(fields));
        self
    }

    /// All columns of all rows, in key order.
    pub(crate) fn read_whole(&self, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        self.source(None, &[])?.open(0, context)
    }

    fn source(&self, projection: Option<&Vec<usize>>, filters: &[Expr]) -> Result<TableScan> {
        let layout = self.table.layout()?;
        let range = scan_range(&layout, filters)?;
        let projection = projection.cloned().unwrap_or_else(|| (0..self.schema.fields().len()).collect());
        TableScan::new(
            Arc::clone(&self.table),
            layout,
            self.reader.clone(),
            self.to_string(),
            Arc::clone(&self.schema),
            projection,
            range,
        )
    }
}

impl fmt::Display for TableAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "table={}", self.table.path())?;
        match &self.label {
            MomentLabel::At(words) => write!(f, ", point={words}"),
            MomentLabel::Latest => {
                write!(f, ", point=latest ({})", display_timestamp(self.reader.timestamp()))
            }
        }
    }
}

#[async_trait]
impl TableProvider for TableAt {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        let key_names: Vec<&str> =
            self.table.primary_key.iter().map(|&index| self.table.columns[index].name.as_str()).collect();
        Ok(filters
            .iter()
            .map(|filter| {
                if filter.column_refs().iter().any(|column| key_names.contains(&column.name.as_str())) {
                    TableProviderFilterPushDown::Inexact
                } else {
                    TableProviderFilterPushDown::Unsupported
                }
            })
            .collect())
    }

    async fn scan(
        &self,
        _state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let source = self.source(projection, filters)?;
        Ok(DataSourceExec::from_data_source(source.with_limit(limit)))
    }
}
