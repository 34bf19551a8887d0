//! Room beside the merges of sorts: a merge of temporary files takes as many of them at once as memory can be
//! had for, and leaves nothing to what stands above it. The merge of what a sort has in memory needs what it
//! asks for.

use std::{fmt, sync::Arc};

use datafusion::{
    common::{DataFusionError, Result},
    execution::{
        TaskContext,
        memory_pool::{MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation},
        runtime_env::RuntimeEnv,
    },
};
use parking_lot::Mutex;

/// Prefixes of the names of the consumers: of what a sort holds, and of what its merges do.
const ROWS: &str = "ExternalSorter[";
const MERGE: &str = "ExternalSorterMerge[";
/// The merges that have room at one time in each partition.
const MERGES: usize = 4;

/// The memory of one sort, of which its merge of files has a part only.
#[derive(Debug)]
pub(super) struct MergeRoom {
    inner: Arc<dyn MemoryPool>,
    merge_bytes_max: usize,
    held: Mutex<SortBytes>,
}

/// The bytes of one sort.
///
/// A sort keeps room for a merge while it takes rows, gives it back, and merges its rows in memory, which
/// pass from its own bytes to those of the merge. A merge of files follows upon such a merge, without rows
/// between.
#[derive(Debug, Default)]
struct SortBytes {
    rows: usize,
    merge: usize,
    /// Whether rows came that no merge has ended for.
    has_unmerged_rows: bool,
    /// Whether rows came since the merge, or the room for one, began.
    has_grown: bool,
    merges_files: bool,
}

impl SortBytes {
    fn grow(&mut self, name: &str, bytes: usize) {
        if name.starts_with(ROWS) {
            self.rows += bytes;
            self.has_unmerged_rows = true;
            self.has_grown = true;
        } else if name.starts_with(MERGE) {
            self.begin();
            self.merge += bytes;
        }
    }

    fn begin(&mut self) {
        if self.merge == 0 {
            self.merges_files = self.rows == 0 && !self.has_unmerged_rows;
            self.has_grown = false;
        }
    }

    fn shrink(&mut self, name: &str, bytes: usize) {
        if name.starts_with(ROWS) {
            self.rows = self.rows.saturating_sub(bytes);
        } else if name.starts_with(MERGE) && self.merge > 0 {
            self.merge = self.merge.saturating_sub(bytes);
            if self.merge == 0 && !self.has_grown {
                self.has_unmerged_rows = false;
            }
        }
    }
}

impl MergeRoom {
    /// The runtime of a statement, for a sort in it.
    pub(super) fn runtime_of(context: &TaskContext) -> Arc<RuntimeEnv> {
        let runtime = context.runtime_env();
        let inner = Arc::clone(&runtime.memory_pool);
        let merge_bytes_max = Self::bytes_max(context);
        let memory_pool = Arc::new(Self { inner, merge_bytes_max, held: Mutex::default() });
        Arc::new(RuntimeEnv { memory_pool, ..runtime.as_ref().clone() })
    }

    /// The bytes that what cannot spill may have in a partition.
    pub(super) fn bytes_max(context: &TaskContext) -> usize {
        let partitions = context.session_config().target_partitions().max(1);
        match context.memory_pool().memory_limit() {
            MemoryLimit::Finite(bytes) => bytes / MERGES / partitions,
            _ => usize::MAX,
        }
    }
}

impl fmt::Display for MergeRoom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.inner, f)
    }
}

impl MemoryPool for MergeRoom {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn register(&self, consumer: &MemoryConsumer) {
        self.inner.register(consumer);
    }

    fn unregister(&self, consumer: &MemoryConsumer) {
        self.inner.unregister(consumer);
    }

    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        self.held.lock().grow(reservation.consumer().name(), additional);
        self.inner.grow(reservation, additional);
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        self.held.lock().shrink(reservation.consumer().name(), shrink);
        self.inner.shrink(reservation, shrink);
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        let name = reservation.consumer().name();
        let mut held = self.held.lock();
        if name.starts_with(MERGE) {
            held.begin();
            if held.merges_files && held.merge + additional > self.merge_bytes_max {
                let message = format!("{name} has its part of the memory");
                return Err(DataFusionError::ResourcesExhausted(message));
            }
        }
        self.inner.try_grow(reservation, additional)?;
        held.grow(name, additional);
        Ok(())
    }

    fn reserved(&self) -> usize {
        self.inner.reserved()
    }

    fn memory_limit(&self) -> MemoryLimit {
        self.inner.memory_limit()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROWS_OF_ONE: &str = "ExternalSorter[0]";
    const MERGE_OF_ONE: &str = "ExternalSorterMerge[0]";

    /// Room for a merge, rows, and their merge, which takes them over before its first own byte.
    fn merge_in_memory(held: &mut SortBytes) -> bool {
        held.grow(MERGE_OF_ONE, 10);
        held.grow(ROWS_OF_ONE, 100);
        held.shrink(MERGE_OF_ONE, 10);
        held.shrink(ROWS_OF_ONE, 100);
        held.grow(MERGE_OF_ONE, 100);
        let merges_files = held.merges_files;
        held.shrink(MERGE_OF_ONE, 100);
        merges_files
    }

    #[test]
    fn a_merge_is_one_of_files_where_no_rows_came_since_the_last() {
        let mut held = SortBytes::default();
        assert!(!merge_in_memory(&mut held));
        assert!(!merge_in_memory(&mut held), "rows of a second spill");
        held.grow(MERGE_OF_ONE, 50);
        assert!(held.merges_files);
    }
}
