//! `FROM generate_series(start, end, step)` of times: rows that are made as they are read.

use std::{any::Any, fmt, sync::Arc};

use arrow::{
    array::{ArrayRef, TimestampMicrosecondArray},
    datatypes::{DataType, Field, Schema, SchemaRef},
    record_batch::RecordBatch,
};
use async_trait::async_trait;
use datafusion::{
    catalog::{Session, TableProvider},
    common::Result,
    logical_expr::{Expr, TableType},
    physical_plan::{
        ExecutionPlan,
        memory::{LazyBatchGenerator, LazyMemoryExec},
    },
};
use parking_lot::RwLock;

use crate::postgres::functions::TimeSeries;

/// A table of the times of a series.
#[derive(Debug)]
pub(crate) struct TimeSeriesTable {
    schema: SchemaRef,
    /// None where an argument is NULL: there are no rows then.
    series: Option<TimeSeries>,
}

impl TimeSeriesTable {
    pub(crate) fn new(data_type: DataType, series: Option<TimeSeries>) -> Self {
        let schema = Arc::new(Schema::new(vec![Field::new("value", data_type, false)]));
        Self { schema, series }
    }
}

#[async_trait]
impl TableProvider for TimeSeriesTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        _limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let rows = SeriesRows {
            schema: Arc::clone(&self.schema),
            all: self.series.clone(),
            rest: self.series.clone(),
            batch_size: state.config_options().execution.batch_size.get(),
        };
        let exec = LazyMemoryExec::try_new(self.schema(), vec![Arc::new(RwLock::new(rows))])?;
        Ok(Arc::new(exec.with_projection(projection.cloned())))
    }
}

/// The rows of a series, batch by batch.
#[derive(Debug)]
struct SeriesRows {
    schema: SchemaRef,
    all: Option<TimeSeries>,
    rest: Option<TimeSeries>,
    batch_size: usize,
}

impl fmt::Display for SeriesRows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "generate_series: batch_size={}", self.batch_size)
    }
}

impl LazyBatchGenerator for SeriesRows {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn generate_next_batch(&mut self) -> Result<Option<RecordBatch>> {
        let Some(rest) = &mut self.rest else { return Ok(None) };
        let times = rest.take(self.batch_size).collect::<Result<Vec<i64>>>()?;
        if times.is_empty() {
            return Ok(None);
        }
        let times = TimestampMicrosecondArray::from(times);
        let column: ArrayRef = Arc::new(times.with_data_type(self.schema.field(0).data_type().clone()));
        Ok(Some(RecordBatch::try_new(Arc::clone(&self.schema), vec![column])?))
    }

    fn reset_state(&self) -> Arc<RwLock<dyn LazyBatchGenerator>> {
        Arc::new(RwLock::new(Self {
            schema: Arc::clone(&self.schema),
            all: self.all.clone(),
            rest: self.all.clone(),
            batch_size: self.batch_size,
        }))
    }
}
