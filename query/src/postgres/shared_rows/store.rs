//! The rows of a query, computed by whichever reader comes first.

use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use datafusion::{
    common::Result,
    error::DataFusionError,
    execution::{
        SendableRecordBatchStream, TaskContext,
        memory_pool::{MemoryConsumer, MemoryReservation},
    },
    physical_plan::ExecutionPlan,
};
use futures::{
    FutureExt, TryStreamExt,
    future::{BoxFuture, Shared},
};
use parking_lot::Mutex;

/// Rows that are there, and the memory that is reserved for them.
#[derive(Debug)]
pub(super) struct StoredRows {
    pub(super) batches: Vec<RecordBatch>,
    _reservation: MemoryReservation,
}

/// Rows on their way: any reader that waits for them moves them on.
type PendingRows = Shared<BoxFuture<'static, Result<Arc<StoredRows>, Arc<DataFusionError>>>>;

/// A place for the rows of one query.
#[derive(Debug, Default)]
pub(super) struct RowStore(Mutex<Option<PendingRows>>);

impl RowStore {
    /// The rows, which `input` computes unless another copy of it was first.
    ///
    /// # Errors
    /// Errors of the input; out of memory.
    pub(super) fn rows(
        &self,
        input: &Arc<dyn ExecutionPlan>,
        context: &Arc<TaskContext>,
    ) -> Result<PendingRows> {
        let mut rows = self.0.lock();
        if let Some(rows) = rows.as_ref() {
            return Ok(rows.clone());
        }
        let stream = input.execute(0, Arc::clone(context))?;
        let consumer = MemoryConsumer::new("SharedRows");
        let reservation = consumer.register(context.memory_pool());
        let gathered = async move { gathered(stream, reservation).await.map_err(Arc::new) };
        Ok(rows.insert(gathered.boxed().shared()).clone())
    }
}

async fn gathered(
    mut stream: SendableRecordBatchStream,
    reservation: MemoryReservation,
) -> Result<Arc<StoredRows>> {
    let mut batches = Vec::new();
    while let Some(batch) = stream.try_next().await? {
        reservation.try_grow(batch.get_array_memory_size())?;
        batches.push(batch);
    }
    Ok(Arc::new(StoredRows { batches, _reservation: reservation }))
}
